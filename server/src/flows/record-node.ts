import type { RecordEvent } from '@permea/contract'
import type { RecordWork } from '../data-records/record-work.ts'
import { checkFormula } from '../formulas/check-formula.ts'
import { isRecord } from '../formulas/coercion.ts'
import { compileFormula } from '../formulas/compile-formula.ts'
import { type RecordConfig, withMappings, withoutMappings } from '../steps/record-config.ts'
import { linkStep, recordPageStep, recordStep } from '../steps/record-step.ts'
import {
  configOf,
  type NodeCall,
  type NodeProblem,
  type NodeType,
  outcomeOfStep,
  type PageReader,
} from './node-type.ts'

/** A node that does something with records of the app of the instance's connection. */
export function recordNode(of: {
  type: string
  aliases?: readonly string[]
  work: RecordWork
  hasEffect: boolean
  /** Parts of the configuration without which it can do nothing. */
  needs?: readonly string[]
}): NodeType {
  return {
    type: of.type,
    ...(of.aliases === undefined ? {} : { aliases: of.aliases }),
    isTrigger: false,
    records: of.work,
    hasEffect: of.hasEffect,
    needsConnection: true,
    check: (node) => problemsOf(configOf(node), ['dataSource', ...(of.needs ?? [])]),
    prepare(node) {
      const config = configOf(node)
      const formula = compileFormula(withoutMappings(config))
      const evaluatedFor = async (call: NodeCall) =>
        withMappings(await formula.evaluate(call.scope, { owner: call.user.id }), config)
      return {
        execute: async (call) =>
          outcomeOfStep(await recordStep(call, of.work, await evaluatedFor(call), instanceKeyOf(call))),
        ...(of.work === 'list-all' ? { pages: () => recordPages(evaluatedFor) } : {}),
      }
    },
  }
}

/** Pages of a list; a record that a list shows twice, because it moved meanwhile, is handed on once. */
function recordPages(evaluatedFor: (call: NodeCall) => Promise<RecordConfig>): PageReader {
  const known = new Set<unknown>()
  const idOf = (record: unknown) => (isRecord(record) ? record.id : undefined)
  return {
    async read(call, from) {
      const { outcome, next } = await recordPageStep(call, await evaluatedFor(call), instanceKeyOf(call), from)
      if (outcome.kind !== 'done') return { outcome, next }
      const records = new Map((outcome.output as unknown[]).map((record) => [idOf(record), record]))
      const output = [...records].filter(([id]) => !known.has(id)).map(([, record]) => record)
      return { outcome: { kind: 'outputs', outputs: [output] }, next }
    },
    passed(output) {
      if (Array.isArray(output)) for (const record of output) known.add(idOf(record))
    },
  }
}

/** A node that reads or changes links between records. */
export function linkNode(of: { type: string; work: 'create' | 'find' | 'delete' }): NodeType {
  return {
    type: of.type,
    isTrigger: false,
    hasEffect: of.work !== 'find',
    needsConnection: true,
    check: (node) => problemsOf(configOf(node), ['dataLinkTable']),
    prepare(node) {
      const formula = compileFormula(configOf(node))
      return {
        async execute(call) {
          const config = (await formula.evaluate(call.scope, { owner: call.user.id })) as RecordConfig
          return outcomeOfStep(await linkStep(call, of.work, config, instanceKeyOf(call)))
        },
      }
    },
  }
}

/** Fires when a record of the source was created, changed or deleted; hands on `{ type, record }`, mapped where asked. */
export function recordTrigger(recordEvent: RecordEvent): NodeType {
  return {
    type: `data-record-${recordEvent}-trigger`,
    isTrigger: true,
    records: 'trigger',
    hasEffect: false,
    needsConnection: true,
    check: (node) => problemsOf(configOf(node), ['dataSource']),
    prepare(node) {
      const config = configOf(node)
      const { fieldMapping } = config
      const isMapped = isRecord(fieldMapping) && Object.keys(fieldMapping).length > 0
      if (!isMapped) return { execute: (call) => ({ kind: 'outputs', outputs: [call.fed] }) }
      return {
        async execute(call) {
          const event = isRecord(call.fed) ? call.fed : {}
          const { record } = event
          // What only has an id has nothing to map.
          if (!isRecord(record) || !isRecord(record.fields)) return { kind: 'outputs', outputs: [call.fed] }
          const mapped = await recordStep(call, 'map', { ...config, record }, instanceKeyOf(call))
          if (mapped.kind !== 'done') return outcomeOfStep(mapped)
          return { kind: 'outputs', outputs: [{ ...event, record: mapped.output }] }
        },
      }
    },
    wish: (node) => ({ kind: 'record-event', recordEvent, dataSource: configOf(node).dataSource }),
  }
}

function problemsOf(config: RecordConfig, needs: readonly string[]): NodeProblem[] {
  const wrong = checkFormula(config).map((each) => ({ path: `config ${each.path}`, message: each.message }))
  const missing = needs
    .filter((name) => isEmpty(config[name]))
    .map((name) => ({ path: `config.${name}`, message: 'not filled in yet', isIncomplete: true }))
  return [...wrong, ...missing]
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (isRecord(value) && Object.keys(value).length === 0)
}

function instanceKeyOf({ scope }: NodeCall): string {
  const { instanceKey } = isRecord(scope.flowInstance) ? scope.flowInstance : {}
  return typeof instanceKey === 'string' ? instanceKey : ''
}
