import { z } from 'zod'
import { ConnectorCollection, ConnectorCollectionInput, ConnectorUdm } from './connector-data.ts'
import { DedupeKey } from './dedupe-key.ts'
import type { EndpointTable } from './endpoint.ts'
import { FunctionDefinition, FunctionInput } from './functions.ts'
import { elementInput, elementListQuery, elementOutput, listOf, Meta } from './shapes.ts'

export const AuthType = z.enum([
  'oauth2',
  'oauth1',
  'client-credentials',
  'membrane-token',
  'integration-app-token',
  'proxy',
])
export type AuthType = z.infer<typeof AuthType>

/** A JSON Schema of an object that a form is made from. */
const FormSchema = z.record(z.string(), z.unknown())

/**
 * Beside a property of a way's `inputSchema`, as `askedWhere`: it is asked for only where the integration's parameters fit one
 * of these, each of which names parameters and what is wanted of them.
 */
export const AskedWhere = z
  .array(
    z.record(
      z.string(),
      z.union([
        z.strictObject({ is: z.array(z.string()).min(1) }),
        z.strictObject({ contains: z.string().min(1) }),
        z.strictObject({ given: z.boolean() }),
      ]),
    ),
  )
  .min(1)

/** Keys within a connector: of auth options, events, global webhooks and operations. They stand in URLs. */
const PartKey = z
  .string()
  .regex(
    /^[A-Za-z0-9][\w.-]{0,199}$/,
    'a key begins with a letter or digit and has only those, dots, dashes and underscores',
  )

/** Keys of collections may also begin with an underscore: those that others are made of do. */
const CollectionKey = z
  .string()
  .regex(/^[\w][\w.-]{0,199}$/, 'a key of a collection has letters, digits, dots, dashes and underscores only')

/** The functions of one way to connect. `Fn` is how functions are written: as they may be given, or as they are kept. */
function authSlots<Fn extends z.ZodType>(fn: Fn) {
  return {
    /** `{ connectorParameters, connectionInput, redirectUri, state }` → addresses, client and scopes of OAuth. */
    getOAuthConfig: fn.optional(),
    getTokenData: fn.optional(),
    getCredentialsFromAccessTokenResponse: fn.optional(),
    getCredentialsFromRefreshTokenResponse: fn.optional(),
    getCredentialsFromConnectionParameters: fn.optional(),
    refreshCredentials: fn.optional(),
    /** `{ credentials, connectorParameters, connectionInput }` → `{ baseUri, headers, query, auth, responseHandlers }`. */
    makeApiClient: fn.optional(),
    /** Gives true where the connection works. */
    test: fn.optional(),
    disconnect: fn.optional(),
  }
}

const authOptionFields = {
  type: AuthType,
  title: z.string().max(500).optional(),
  description: z.string().max(10_000).optional(),
  /** False: kept, but not offered. */
  enabled: z.boolean().optional(),
  /** What a person is asked for when connecting. */
  inputSchema: FormSchema.optional(),
  /** What an operator gives once per integration: client id, client secret. */
  connectorParametersSchema: FormSchema.optional(),
}

/** One way to connect to the app: how credentials come to be, how they are used, kept and given up. */
export const AuthOption = z.object({ ...authOptionFields, ...authSlots(FunctionDefinition) })
export type AuthOption = z.infer<typeof AuthOption>

/** The same as it may be given; `parametersSchema` is another word for `connectorParametersSchema`. */
const AuthOptionInput = z
  .object({ ...authOptionFields, parametersSchema: FormSchema.optional(), ...authSlots(FunctionInput) })
  .transform(
    ({ parametersSchema, ...option }): AuthOption => ({
      ...option,
      connectorParametersSchema: option.connectorParametersSchema ?? parametersSchema,
    }),
  )

function eventFields<Fn extends z.ZodType>(fn: Fn) {
  return {
    name: z.string().min(1).max(500),
    description: z.string().max(10_000).optional(),
    /** `webhook`: registered for each subscription; `global-webhook`: one URL for all of an integration; `pull`: asked. */
    implementationType: z.enum(['webhook', 'global-webhook', 'pull']),
    parametersSchema: FormSchema.optional(),
    schema: FormSchema.optional(),
    example: z.unknown().optional(),
    subscribe: fn.optional(),
    handle: fn.optional(),
    unsubscribe: fn.optional(),
    refresh: fn.optional(),
    /** Of a `pull`: `{ apiClient, parameters, state }` → `{ events, state }`; called again and again. */
    pull: fn.optional(),
    /** `{ apiClient, credentials, parameters }` → `{ globalWebhookKey, globalWebhookEventSelector }`. */
    getEventSelector: fn.optional(),
    /** What identifies an event: one that the app sends again is shown as repeated, and nothing follows from it. */
    dedupeKey: DedupeKey.optional(),
  }
}

/** An event of the connector that flows and subscriptions can wait for. */
export const ConnectorEvent = z.object(eventFields(FunctionDefinition))
export type ConnectorEvent = z.infer<typeof ConnectorEvent>

function globalWebhookFields<Fn extends z.ZodType>(fn: Fn) {
  return { name: z.string().min(1).max(500), description: z.string().max(10_000).optional(), handle: fn }
}

/** A URL that the app posts events of all connections of an integration to. */
export const GlobalWebhook = z.object(globalWebhookFields(FunctionDefinition))
export type GlobalWebhook = z.infer<typeof GlobalWebhook>

function operationFields<Fn extends z.ZodType>(fn: Fn) {
  return {
    name: z.string().min(1).max(500),
    description: z.string().max(10_000).optional(),
    inputSchema: FormSchema.optional(),
    outputSchema: FormSchema.optional(),
    /** `{ apiClient, input }` → output. */
    run: fn,
  }
}

/** Something that the app can be asked to do. */
export const ConnectorOperation = z.object(operationFields(FunctionDefinition))
export type ConnectorOperation = z.infer<typeof ConnectorOperation>

/** Values are formulas over `{ response, request }`; the first that matches an answer counts. */
const ResponseHandler = z.object({
  match: z.unknown(),
  isSuccess: z.unknown().optional(),
  data: z.unknown().optional(),
  error: z
    .object({ message: z.unknown().optional(), key: z.unknown().optional(), data: z.unknown().optional() })
    .optional(),
})

/** What a connector consists of: data, all of it. */
export const ConnectorDefinition = z.object({
  /** Ways to connect, by key; the first is the one taken where none is named. */
  options: z.record(z.string(), AuthOption),
  /** What an operator gives once per integration, whatever the way to connect. */
  parametersSchema: FormSchema.optional(),
  /** Used where the way to connect has none of its own. */
  makeApiClient: FunctionDefinition.optional(),
  test: FunctionDefinition.optional(),
  disconnect: FunctionDefinition.optional(),
  responseHandlers: z.array(ResponseHandler).optional(),
  events: z.record(z.string(), ConnectorEvent),
  globalWebhooks: z.record(z.string(), GlobalWebhook),
  operations: z.record(z.string(), ConnectorOperation),
  /** Collections of records, by key. */
  data: z.record(z.string(), ConnectorCollection).optional(),
  /** Universal data models, by name. */
  udm: z.record(z.string(), ConnectorUdm).optional(),
})
export type ConnectorDefinition = z.infer<typeof ConnectorDefinition>

/** A definition as it may be given: functions as plain source, parts left out. Null takes a part away. */
const definitionInput = {
  options: z.record(PartKey, AuthOptionInput).nullish(),
  parametersSchema: FormSchema.nullish(),
  makeApiClient: FunctionInput.nullish(),
  test: FunctionInput.nullish(),
  disconnect: FunctionInput.nullish(),
  responseHandlers: z.array(ResponseHandler).max(100).nullish(),
  events: z.record(PartKey, z.object(eventFields(FunctionInput))).nullish(),
  globalWebhooks: z.record(PartKey, z.object(globalWebhookFields(FunctionInput))).nullish(),
  operations: z.record(PartKey, z.object(operationFields(FunctionInput))).nullish(),
  data: z.record(CollectionKey, ConnectorCollectionInput).nullish(),
  udm: z.record(z.string(), ConnectorUdm).nullish(),
}

/** A whole definition as it may be given: what a connector's files come to. */
export const ConnectorDefinitionInput = z.object(definitionInput)
export type ConnectorDefinitionInput = z.output<typeof ConnectorDefinitionInput>

const { makeApiClient: _client, test: _test, disconnect: _disconnect, ...slotsOfOneWay } = authSlots(FunctionInput)

export const ConnectorInput = z.object({
  ...elementInput,
  logoUri: z.string().max(100_000).nullish(),
  categories: z.array(z.string().max(100)).max(50).nullish(),
  ...definitionInput,
  /** The fields of a connector with one way to connect, which is called `default`; where `options` are given they count. */
  type: AuthType.optional(),
  inputSchema: FormSchema.optional(),
  ...slotsOfOneWay,
})

/** A connector: what the engine knows of an external app. Functions are shown to admins only. */
export const Connector = z
  .object({
    ...elementOutput,
    uuid: z.string(),
    key: z.string(),
    revision: z.string(),
    logoUri: z.string(),
    categories: z.array(z.string()),
    /** Ready-made: every workspace has it, and nobody changes it. */
    isPublic: z.boolean(),
    isReadOnly: z.boolean(),
    externalAppId: z.string(),
    baseUri: z.string(),
    version: z.string(),
    operationsCount: z.number().int(),
    eventsCount: z.number().int(),
    dataCollectionsCount: z.number().int(),
    hasTest: z.boolean(),
    hasAuthTest: z.boolean(),
    hasOperations: z.boolean(),
    hasData: z.boolean(),
    parametersSchema: FormSchema.optional(),
    options: z.record(z.string(), AuthOption).optional(),
    makeApiClient: FunctionDefinition.optional(),
    test: FunctionDefinition.optional(),
    disconnect: FunctionDefinition.optional(),
    responseHandlers: z.array(ResponseHandler).optional(),
    events: z.record(z.string(), ConnectorEvent).optional(),
    globalWebhooks: z.record(z.string(), GlobalWebhook).optional(),
    operations: z.record(z.string(), ConnectorOperation).optional(),
    data: z.record(z.string(), ConnectorCollection).optional(),
    udm: z.record(z.string(), ConnectorUdm).optional(),
  })
  .meta({ id: 'Connector' })

/** A way to connect, as a form needs it. */
export const ConnectionOption = z
  .object({
    key: z.string(),
    type: AuthType,
    title: z.string().optional(),
    description: z.string().optional(),
    inputSchema: FormSchema.optional(),
    connectorParametersSchema: FormSchema.optional(),
    oAuthCallbackUri: z.string().optional(),
  })
  .meta({ id: 'ConnectionOption' })

/** What may be known of an event without its functions. */
export const ConnectorEventSpec = z
  .object({
    key: z.string(),
    name: z.string(),
    description: z.string().optional(),
    implementationType: z.enum(['webhook', 'global-webhook', 'pull']),
    parametersSchema: FormSchema.optional(),
    schema: FormSchema.optional(),
    example: z.unknown().optional(),
  })
  .meta({ id: 'ConnectorEventSpec' })

/** What may be known of an operation without its function. */
export const ConnectorOperationSpec = z
  .object({
    key: z.string(),
    name: z.string(),
    description: z.string().optional(),
    inputSchema: FormSchema.optional(),
    outputSchema: FormSchema.optional(),
  })
  .meta({ id: 'ConnectorOperationSpec' })

/** An app that there is a connector for. */
export const ExternalApp = z
  .object({
    id: z.string(),
    uuid: z.string(),
    key: z.string(),
    name: z.string(),
    description: z.string().optional(),
    logoUri: z.string(),
    appUri: z.string(),
    apiDocsUri: z.string(),
    categories: z.array(z.string()),
    popularity: z.number(),
    defaultConnectorId: z.string(),
    isPublic: z.boolean(),
    isReadOnly: z.boolean(),
  })
  .meta({ id: 'ExternalApp' })

/** What an operator gave already; options are shown as they are with it. */
const OptionsInput = z.object({ connectorParameters: Meta.optional() })

const change = {
  access: 'admin',
  needs: 'define',
  body: ConnectorInput,
  answer: Connector,
  refusals: [
    'not_found',
    'already_exists',
    'archived',
    'read_only_connector',
    'invalid_function',
    'invalid_formula',
    'invalid_schema',
  ],
} as const

export const connectors = {
  list: {
    method: 'GET',
    path: '/connectors',
    summary: 'Connectors: those of the workspace, then the ready-made ones; without functions',
    access: 'customer',
    needs: 'read',
    query: z.object(elementListQuery),
    answer: listOf(Connector),
    refusals: [],
  },
  create: {
    method: 'POST',
    path: '/connectors',
    summary: 'Create a connector; every function is loaded once, and refused where it cannot work',
    access: 'admin',
    needs: 'define',
    body: ConnectorInput,
    answer: Connector,
    status: 201,
    refusals: ['already_exists', 'invalid_function', 'invalid_formula', 'invalid_schema'],
  },
  get: {
    method: 'GET',
    path: '/connectors/:selector',
    summary: 'One connector, by id, uuid or key; with its functions for admins',
    access: 'customer',
    needs: 'read',
    answer: Connector,
    refusals: ['not_found'],
  },
  put: { method: 'PUT', path: '/connectors/:selector', summary: 'Change a connector', ...change },
  patch: { method: 'PATCH', path: '/connectors/:selector', summary: 'Change some fields of a connector', ...change },
  archive: {
    method: 'DELETE',
    path: '/connectors/:selector',
    summary: 'Archive a connector; connections of it go on working',
    access: 'admin',
    needs: 'define',
    answer: null,
    refusals: ['not_found', 'read_only_connector'],
  },
  restore: {
    method: 'POST',
    path: '/connectors/:selector/restore',
    summary: 'Undo archiving',
    access: 'admin',
    needs: 'define',
    answer: Connector,
    refusals: ['not_found', 'already_exists'],
  },
  clone: {
    method: 'POST',
    path: '/connectors/:selector/clone',
    summary: 'Make a copy that can be changed, of a ready-made connector or of one of your own',
    access: 'admin',
    needs: 'define',
    body: z.object({ key: elementInput.key, name: elementInput.name, uuid: elementInput.uuid }).optional(),
    answer: Connector,
    status: 201,
    refusals: ['not_found', 'already_exists'],
  },
  event: {
    method: 'GET',
    path: '/connectors/:selector/events/:eventKey',
    summary: 'One event of a connector: its schemas',
    access: 'customer',
    needs: 'read',
    answer: ConnectorEventSpec,
    refusals: ['not_found'],
  },
  generateOptions: {
    method: 'POST',
    path: '/connectors/:selector/generate-options',
    summary: 'The ways to connect, as forms need them',
    access: 'customer',
    needs: 'test',
    body: OptionsInput.optional(),
    answer: z.array(ConnectionOption),
    refusals: ['not_found'],
  },
  connectionOptions: {
    method: 'POST',
    path: '/connection-options',
    summary: 'The ways to connect to a connector or an integration, or to renew a connection',
    access: 'customer',
    needs: 'test',
    body: OptionsInput.extend({
      connectorId: z.string().optional(),
      connectorKey: z.string().optional(),
      integrationId: z.string().optional(),
      integrationKey: z.string().optional(),
      connectionId: z.string().optional(),
    }),
    answer: z.array(ConnectionOption),
    refusals: ['not_found'],
  },
  externalApps: {
    method: 'GET',
    path: '/external-apps',
    summary: 'Apps that there is a connector for',
    access: 'customer',
    needs: 'read',
    query: z.object({ ...elementListQuery, category: z.string().optional() }),
    answer: listOf(ExternalApp),
    refusals: [],
  },
} as const satisfies EndpointTable
