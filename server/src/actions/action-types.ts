import type { ActionType, FunctionDefinition } from '@permea/contract'
import { asObject } from '../connections/apps.ts'
import type { RecordWork } from '../data-records/record-work.ts'
import type { Connector } from '../integrations/connector.ts'
import { requestExternalApp } from '../steps/external-app-step.ts'
import { sendHttpRequest } from '../steps/http-step.ts'
import { callJavascript, isCodeMissing, javascriptOf } from '../steps/javascript-step.ts'
import { operationInputOf, operationKeyOf, runConnectorOperation } from '../steps/operation-step.ts'
import { withMappings, withoutMappings } from '../steps/record-config.ts'
import { recordStep } from '../steps/record-step.ts'
import type { StepCall, StepOutcome } from '../steps/step.ts'

type Json = Record<string, unknown>

/** Something wrong with a configuration; `field` is where in the action. */
export interface ActionProblem {
  field: string
  message: string
  /** Something is not there yet, rather than wrong: it is kept, and runs when it is filled in. */
  isIncomplete?: boolean
}

/** What a type of action does. */
interface ActionKind {
  /** What it does with records, where it does. */
  records?: RecordWork
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
  const given = asObject(requestOf(config))
  // What is sent as it is stands within.
  const request = '$plain' in given ? asObject(given.$plain) : given
  const uri = names.map((name) => request[name]).find((value) => value !== undefined)
  const isAddress = (typeof uri === 'string' && uri !== '') || (typeof uri === 'object' && uri !== null)
  return isAddress
    ? []
    : [
        {
          field: `config.request.${names[0]}`,
          message: 'an address (or a formula for one) is needed',
          isIncomplete: uri === undefined || uri === '',
        },
      ]
}

function http(mayBeRelative: boolean): ActionKind {
  return {
    needsConnection: false,
    check: (config) => checkRequest(config, ['uri']),
    formula: requestOf,
    execute: (call, _, request) => sendHttpRequest(call, request, { mayBeRelative }),
  }
}

/** Something that is done with records of the connection's app; without a data source it is not complete. */
function records(work: RecordWork, needs: readonly string[] = []): ActionKind {
  const isEmpty = (value: unknown) =>
    value === undefined || value === null || value === '' || JSON.stringify(value) === '{}'
  return {
    records: work,
    needsConnection: true,
    check: (config) =>
      ['dataSource', ...needs]
        .filter((name) => isEmpty(config[name]))
        .map((name) => ({ field: `config.${name}`, message: 'not filled in yet', isIncomplete: true })),
    formula: withoutMappings,
    execute(call, config, value, { beside }) {
      const { instanceKey } = (beside.actionInstance ?? {}) as { instanceKey?: string }
      return recordStep(call, work, withMappings(value, config), instanceKey ?? '')
    },
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
      return 'problem' in code
        ? [{ field: `config.${code.path}`, message: code.problem, isIncomplete: isCodeMissing(config) }]
        : []
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
      if (key === null)
        return [{ field: 'config.operationKey', message: 'the key of an operation is needed', isIncomplete: true }]
      if (connector === null || Object.hasOwn(connector.definition.operations, key)) return []
      const message = `the connector ${JSON.stringify(connector.key)} has no operation ${JSON.stringify(key)}`
      return [{ field: 'config.operationKey', message }]
    },
    formula: (config) => operationInputOf(config, { $var: '$.input' }),
    execute: (call, config, input) => runConnectorOperation(call, operationKeyOf(config) ?? '', input),
  },
  'list-data-records': records('list'),
  'search-data-record': records('search', ['query']),
  'find-data-record-by-id': records('find-by-id', ['id']),
  'match-data-record': records('match', ['lookup']),
  'create-data-record': records('create'),
  'update-data-record': records('update', ['id']),
  'delete-data-record': records('delete', ['id']),
  'find-or-create-data-record': records('find-or-create', ['lookupFields']),
}

/** Older names that mean the same. */
const ALIASES: Readonly<Record<string, ActionType>> = {
  'api-request': 'http-request',
  'search-data-records': 'search-data-record',
  'lookup-data-record': 'match-data-record',
}

/** The type of the wire as the engine knows it; null where it is none that can be run. */
export function actionTypeOf(text: string): ActionType | null {
  const name = ALIASES[text] ?? text
  return Object.hasOwn(ACTION_KINDS, name) ? (name as ActionType) : null
}
