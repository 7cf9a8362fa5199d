import type { ActionType, FunctionDefinition } from '@permea/contract'
import type { Connector } from '../integrations/connector.ts'
import { requestExternalApp } from './external-app-step.ts'
import { sendHttpRequest } from './http-step.ts'
import { callJavascript, javascriptOf, keepLines, outcomeOfFunction } from './javascript-step.ts'
import type { StepCall, StepOutcome } from './step.ts'

type Json = Record<string, unknown>

/** Something wrong with a configuration; `field` is where in the action. */
export interface ActionProblem {
  field: string
  message: string
}

/** What a type of action does. */
interface ActionKind {
  /** Whether it cannot be run without a connection. */
  needsConnection: boolean
  /** What is surely wrong. The connector is given where it is known. */
  check(config: Json, connector: Connector | null): ActionProblem[]
  /** The code in it, to be loaded once when it is saved. */
  code?(config: Json): FunctionDefinition | null
  /** The part whose formulas are evaluated before it is run; `input` is what the run was given. */
  formula(config: Json): unknown
  execute(call: StepCall, config: Json, value: unknown, run: { input: unknown; beside: Json }): Promise<StepOutcome>
}

/** `config.request`, or the configuration itself where it is the request. */
function requestOf(config: Json): unknown {
  return config.request === undefined ? config : config.request
}

function checkRequest(config: Json, names: readonly string[]): ActionProblem[] {
  const request = requestOf(config)
  const given = typeof request === 'object' && request !== null ? (request as Json) : {}
  const uri = names.map((name) => given[name]).find((value) => value !== undefined)
  const isAddress = (typeof uri === 'string' && uri !== '') || (typeof uri === 'object' && uri !== null)
  return isAddress
    ? []
    : [{ field: `config.request.${names[0]}`, message: 'an address (or a formula for one) is needed' }]
}

function operationKeyOf(config: Json): string | null {
  const { operation } = config
  const named = typeof operation === 'object' && operation !== null ? (operation as Json).key : operation
  const key = config.operationKey ?? named
  return typeof key === 'string' && key !== '' ? key : null
}

function http(mayBeRelative: boolean): ActionKind {
  return {
    needsConnection: false,
    check: (config) => checkRequest(config, ['uri']),
    formula: requestOf,
    execute: (call, _, request) => sendHttpRequest(call, request, { mayBeRelative }),
  }
}

/** Everything that an action can be. */
export const ACTION_KINDS: Readonly<Record<ActionType, ActionKind>> = {
  'api-request-to-external-app': {
    needsConnection: true,
    check: (config) => checkRequest(config, ['uri', 'path']),
    formula: requestOf,
    execute: (call, _, request) => requestExternalApp(call, request),
  },
  'api-request-to-your-app': http(true),
  'http-request': http(false),
  'run-javascript': {
    needsConnection: false,
    check(config) {
      const code = javascriptOf(config)
      return 'problem' in code ? [{ field: `config.${code.path}`, message: code.problem }] : []
    },
    code(config) {
      const code = javascriptOf(config)
      return 'problem' in code ? null : code
    },
    formula: () => null,
    execute(call, config, _, { input, beside }) {
      const code = javascriptOf(config)
      if ('problem' in code) throw new Error('an action with code was saved without code')
      return callJavascript(call, code, input, beside)
    },
  },
  'connector-operation': {
    needsConnection: true,
    check(config, connector) {
      const key = operationKeyOf(config)
      if (key === null) return [{ field: 'config.operationKey', message: 'the key of an operation is needed' }]
      if (connector === null || Object.hasOwn(connector.definition.operations, key)) return []
      const message = `the connector ${JSON.stringify(connector.key)} has no operation ${JSON.stringify(key)}`
      return [{ field: 'config.operationKey', message }]
    },
    formula: (config) => (config.inputMapping === undefined ? { $var: '$.input' } : config.inputMapping),
    async execute(call, config, input) {
      const key = operationKeyOf(config) ?? ''
      if (call.connection === null) throw new Error('an operation is run without a connection')
      const { sourceId } = call
      const outcome = await call.services.connections.runOperation(call.connection, key, input, { sourceId })
      if (outcome === null) {
        const message = `the connector has no operation ${JSON.stringify(key)}`
        return { kind: 'failed', error: { type: 'configuration', key: 'not_supported', message } }
      }
      keepLines(call, outcome)
      return outcomeOfFunction(outcome)
    },
  },
}

/** Older names that mean the same. */
const ALIASES: Readonly<Record<string, ActionType>> = { 'api-request': 'http-request' }

/** The type of the wire as the engine knows it; null where it is none that can be run. */
export function actionTypeOf(text: string): ActionType | null {
  const name = ALIASES[text] ?? text
  return Object.hasOwn(ACTION_KINDS, name) ? (name as ActionType) : null
}
