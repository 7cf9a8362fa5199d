import {
  type AuthType,
  COLLECTION_FUNCTIONS,
  type ConnectorDefinitionInput,
  type ConnectorInput,
  type DedupeKey,
  type FunctionDefinition,
} from '@permea/contract'
import type { z } from 'zod'
import { checkSchema } from '../api/json-schema.ts'
import { Refusal } from '../api/refusal.ts'
import { checkFormula } from '../formulas/check-formula.ts'
import { compileFormula } from '../formulas/compile-formula.ts'
import { parseLocator } from '../formulas/locator.ts'
import type { FunctionProblem, Functions } from '../functions/function.ts'
import { checkAsked } from './asked.ts'
import type { ConnectorDefinition, ConnectorEvent } from './connector.ts'

export const EMPTY_DEFINITION: ConnectorDefinition = { options: {}, events: {}, globalWebhooks: {}, operations: {} }

/** A definition with parts put in the place of others: what is not given stays, null takes a part away. */
export function changedDefinition(current: ConnectorDefinition, given: ConnectorDefinitionInput): ConnectorDefinition {
  const part = <T>(value: T | null | undefined, before: T): T =>
    value === undefined || value === null ? before : value
  const field = <Name extends 'parametersSchema' | 'makeApiClient' | 'test' | 'disconnect' | 'responseHandlers'>(
    name: Name,
  ): ConnectorDefinition[Name] => {
    const value = given[name]
    return value === null ? undefined : ((value ?? current[name]) as ConnectorDefinition[Name])
  }
  return {
    options: part(given.options, given.options === null ? {} : current.options),
    parametersSchema: field('parametersSchema'),
    makeApiClient: field('makeApiClient'),
    test: field('test'),
    disconnect: field('disconnect'),
    responseHandlers: field('responseHandlers'),
    events: part(given.events, given.events === null ? {} : current.events),
    globalWebhooks: part(given.globalWebhooks, given.globalWebhooks === null ? {} : current.globalWebhooks),
    operations: part(given.operations, given.operations === null ? {} : current.operations),
    data: part(given.data, given.data === null ? {} : current.data),
    udm: part(given.udm, given.udm === null ? {} : current.udm),
  }
}

/**
 * The definition with the fields of the one way to connect, as they stand beside those of the connector, in their place.
 *
 * @source the published client's `CreateConnectorRequest`
 */
export function withOneWay(
  given: z.output<typeof ConnectorInput>,
  current: ConnectorDefinition,
): ConnectorDefinitionInput {
  if (given.options !== undefined && given.options !== null) return given
  const { type, inputSchema, getOAuthConfig, getTokenData, refreshCredentials } = given
  const { getCredentialsFromAccessTokenResponse, getCredentialsFromRefreshTokenResponse } = given
  const { getCredentialsFromConnectionParameters } = given
  const fields = {
    type,
    inputSchema,
    getOAuthConfig,
    getTokenData,
    getCredentialsFromAccessTokenResponse,
    getCredentialsFromRefreshTokenResponse,
    getCredentialsFromConnectionParameters,
    refreshCredentials,
  }
  const named = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
  const before = current.options.default
  const ofType = type ?? before?.type
  if (Object.keys(named).length === 0 || ofType === undefined) return given
  return { ...given, options: { ...current.options, default: { ...before, ...named, type: ofType } } }
}

/** One place for a function in a definition. */
interface Slot {
  /** As in `events.pushed.subscribe`. */
  path: string
  fileName: string
  definition: FunctionDefinition | undefined
  isRequired: boolean
  types: readonly FunctionDefinition['type'][]
}

/** Slots that have no API client: everything is in their argument. */
const PURE = ['mapping', 'javascript'] as const
/** Slots that speak to the app. */
const ACTIVE = ['rest-api-mapping', 'graphql-api-mapping', 'operation-mapping', 'javascript'] as const
const OF_OPERATION = ['rest-api-mapping', 'graphql-api-mapping', 'mapping', 'javascript'] as const
/** Methods of collections take every kind. */
const ANY = ['rest-api-mapping', 'graphql-api-mapping', 'operation-mapping', 'mapping', 'javascript'] as const

const OF_OPTION = {
  getOAuthConfig: PURE,
  getTokenData: PURE,
  getCredentialsFromAccessTokenResponse: PURE,
  getCredentialsFromRefreshTokenResponse: PURE,
  getCredentialsFromConnectionParameters: PURE,
  refreshCredentials: ['javascript'],
  makeApiClient: PURE,
  test: ACTIVE,
  disconnect: ACTIVE,
} as const
const OF_EVENT = {
  subscribe: ACTIVE,
  handle: PURE,
  unsubscribe: ACTIVE,
  refresh: ACTIVE,
  getEventSelector: PURE,
  pull: ACTIVE,
} as const

/** Their requests go to the workspace's own app, whose address and proof the engine knows. */
const SPEAKS_TO_YOUR_APP: readonly AuthType[] = ['membrane-token', 'integration-app-token']
const NEEDS_OAUTH_CONFIG: readonly AuthType[] = ['oauth2', 'oauth1']
const NEEDED_BY_EVENT: Record<ConnectorEvent['implementationType'], readonly string[]> = {
  webhook: ['subscribe', 'handle', 'unsubscribe'],
  'global-webhook': ['getEventSelector'],
  pull: ['pull'],
}

/**
 * Every function of a definition with the rules for its slot.
 *
 * @source wire facts C.1, C.2 and C.4; `test` may be left out here, since a connector without one works too
 */
function* slotsOf(definition: ConnectorDefinition): Generator<Slot> {
  const slot = (
    path: string,
    definition: FunctionDefinition | undefined,
    types: Slot['types'],
    isRequired = false,
  ): Slot => ({ path, fileName: `${path.replaceAll('.', '/')}.js`, definition, isRequired, types })

  for (const name of ['makeApiClient', 'test', 'disconnect'] as const)
    yield slot(name, definition[name], OF_OPTION[name])
  for (const [key, option] of Object.entries(definition.options)) {
    for (const [name, types] of Object.entries(OF_OPTION)) {
      const isRequired =
        (name === 'makeApiClient' &&
          definition.makeApiClient === undefined &&
          !SPEAKS_TO_YOUR_APP.includes(option.type)) ||
        (name === 'getOAuthConfig' && NEEDS_OAUTH_CONFIG.includes(option.type))
      yield slot(`options.${key}.${name}`, option[name as keyof typeof OF_OPTION], types, isRequired)
    }
  }
  for (const [key, event] of Object.entries(definition.events)) {
    const needed = NEEDED_BY_EVENT[event.implementationType]
    for (const [name, types] of Object.entries(OF_EVENT))
      yield slot(`events.${key}.${name}`, event[name as keyof typeof OF_EVENT], types, needed.includes(name))
  }
  for (const [key, webhook] of Object.entries(definition.globalWebhooks))
    yield slot(`globalWebhooks.${key}.handle`, webhook.handle, PURE, true)
  for (const [key, operation] of Object.entries(definition.operations))
    yield slot(`operations.${key}.run`, operation.run, OF_OPERATION, true)
  for (const [key, collection] of Object.entries(definition.data ?? {})) {
    for (const name of COLLECTION_FUNCTIONS) yield slot(`data.${key}.${name}`, collection[name], ANY)
    for (const [name, method] of Object.entries(collection.methods))
      yield slot(`data.${key}.methods.${name}`, method.run, ANY)
    for (const [type, event] of Object.entries(collection.events ?? {}))
      for (const [name, method] of Object.entries(event.methods ?? {}))
        yield slot(`data.${key}.events.${type}.${name}`, method.run, ANY)
  }
}

/**
 * Refuses a definition that cannot work: a slot that must have a function and has none, a kind of function that its slot
 * cannot have, source that does not load, formulas and schemas that can never do anything. Every JavaScript function is
 * loaded once. `data.problems` names slot, line and column of each.
 */
export async function checkDefinition(functions: Functions, definition: ConnectorDefinition): Promise<void> {
  for (const [path, schema] of schemasOf(definition)) {
    try {
      await checkSchema(schema)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      throw new Refusal(error.key, `${path}: ${error.message}`, { problems: [{ field: path, message: error.message }] })
    }
  }
  checkAsked(definition)
  const formulaProblem = checkFormula(definition.responseHandlers ?? [])[0]
  if (formulaProblem !== undefined) {
    const message = `responseHandlers: ${formulaProblem.path}: ${formulaProblem.message}`
    throw new Refusal('invalid_formula', message, { problems: [{ field: 'responseHandlers', message }] })
  }
  const udmProblem = checkFormula(definition.udm ?? {})[0]
  if (udmProblem !== undefined) {
    const message = `udm: ${udmProblem.path}: ${udmProblem.message}`
    throw new Refusal('invalid_formula', message, { problems: [{ field: 'udm', message }] })
  }
  for (const [key, event] of Object.entries(definition.events))
    checkDedupeKey(`events.${key}.dedupeKey`, event.dedupeKey)
  const found = await Promise.all(
    [...slotsOf(definition)].map(async (slot) => ({ slot, problem: await problemOf(functions, definition, slot) })),
  )
  const problems = found.flatMap(({ slot, problem }) =>
    problem === null ? [] : [{ field: slot.path, slot: slot.path, ...problem }],
  )
  const first = problems[0]
  if (first === undefined) return
  const where = first.line === null ? first.slot : `${first.slot} (line ${first.line}, column ${first.column ?? 1})`
  throw new Refusal('invalid_function', `${where}: ${first.message}`, { problems })
}

/** Refuses a key that can never identify anything. */
export function checkDedupeKey(field: string, key: DedupeKey | null | undefined): void {
  const refuse = (part: string, message: string) => {
    const at = `${field}.${part}`
    throw new Refusal('invalid_formula', `${at}: ${message}`, { problems: [{ field: at, message }] })
  }
  const { header, path } = key ?? {}
  // In the words of RFC 9110: no request has a header of another name, so it would identify nothing.
  if (header !== undefined && !/^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(header))
    refuse('header', `${JSON.stringify(header)} is no name of a header`)
  if (path !== undefined && !path.isWellFormed()) refuse('path', 'it has half a character')
  if (typeof key?.path === 'string' && parseLocator(key.path) === null)
    refuse('path', `${JSON.stringify(key.path)} is no locator such as data.id or $.items[0].id`)
  const problem = key?.formula === undefined ? undefined : checkFormula(key.formula)[0]
  if (problem !== undefined) refuse('formula', `${problem.path}: ${problem.message}`)
  if (key?.formula !== undefined && compileFormula(key.formula).isConstant)
    refuse('formula', 'it is the same for every event')
}

async function problemOf(
  functions: Functions,
  definition: ConnectorDefinition,
  slot: Slot,
): Promise<FunctionProblem | null> {
  const problem = (message: string) => ({ message, line: null, column: null })
  const given = slot.definition
  if (given === undefined) return slot.isRequired ? problem('a function is needed here') : null
  if (!slot.types.includes(given.type))
    return problem(`a ${given.type} cannot be used here, only ${slot.types.join(', ')}`)
  if (given.type === 'operation-mapping' && !Object.hasOwn(definition.operations, given.mapping.operationKey))
    return problem(`the connector has no operation ${JSON.stringify(given.mapping.operationKey)}`)
  return functions.problem(given, slot.fileName)
}

function* schemasOf(definition: ConnectorDefinition): Generator<[string, Record<string, unknown>]> {
  const named = (path: string, schemas: Record<string, Record<string, unknown> | undefined>) =>
    Object.entries(schemas).flatMap(([name, schema]): [string, Record<string, unknown>][] =>
      schema === undefined ? [] : [[path === '' ? name : `${path}.${name}`, schema]],
    )
  yield* named('', { parametersSchema: definition.parametersSchema })
  for (const [key, { inputSchema, connectorParametersSchema }] of Object.entries(definition.options))
    yield* named(`options.${key}`, { inputSchema, connectorParametersSchema })
  for (const [key, { parametersSchema, schema }] of Object.entries(definition.events))
    yield* named(`events.${key}`, { parametersSchema, schema })
  for (const [key, { inputSchema, outputSchema }] of Object.entries(definition.operations))
    yield* named(`operations.${key}`, { inputSchema, outputSchema })
  for (const [key, { parametersSchema, fieldsSchema }] of Object.entries(definition.data ?? {}))
    yield* named(`data.${key}`, { parametersSchema, fieldsSchema })
}
