import { z } from 'zod'
import { ConnectorOperationSpec } from './connectors.ts'
import { Customer } from './customers.ts'
import type { EndpointTable } from './endpoint.ts'
import { ErrorData } from './errors.ts'
import { Integration } from './integrations.ts'
import {
  ElementDependency,
  ElementState,
  elementInput,
  elementListQuery,
  listOf,
  Meta,
  paging,
  QueryBoolean,
  Timestamp,
} from './shapes.ts'

/** A customer's link to an external app. Credentials and what they were made of are shown to admins who ask for them. */
export const Connection = z
  .object({
    id: z.string(),
    uuid: z.string().optional(),
    key: z.string().optional(),
    name: z.string(),
    meta: Meta.optional(),
    userId: z.string(),
    tenantId: z.string(),
    isTest: z.boolean(),
    connected: z.boolean(),
    disconnected: z.boolean(),
    isDefunct: z.boolean(),
    state: ElementState,
    errors: z.array(ErrorData).optional(),
    error: ErrorData.optional(),
    integrationId: z.string().optional(),
    connectorId: z.string(),
    authOptionKey: z.string(),
    revision: z.string(),
    createdAt: Timestamp,
    updatedAt: Timestamp,
    lastActiveAt: Timestamp.optional(),
    nextCredentialsRefreshAt: Timestamp.optional(),
    nextRetryTimestamp: Timestamp.optional(),
    retryAttempts: z.number().int(),
    canTest: z.boolean(),
    canRefreshCredentials: z.boolean(),
    archivedAt: Timestamp.optional(),
    user: Customer.optional(),
    integration: Integration.optional(),
    credentials: z.unknown().optional(),
    input: z.unknown().optional(),
    connectorParameters: z.unknown().optional(),
    /** What a person has to do before the connection works. */
    clientAction: z.object({ type: z.enum(['connect']), description: z.string(), uiUrl: z.string() }).optional(),
  })
  .meta({ id: 'Connection' })
export type Connection = z.infer<typeof Connection>

/** A connection as it could be made elsewhere. */
export const ConnectionExport = Connection.pick({
  uuid: true,
  key: true,
  name: true,
  meta: true,
  isTest: true,
  authOptionKey: true,
  credentials: true,
  input: true,
  connectorParameters: true,
})
  .extend({ integrationUuid: z.string().optional(), integrationKey: z.string().optional() })
  .meta({ id: 'ConnectionExport' })

/** Whose connection an admin token is about. */
const onBehalfOf = {
  userId: z.string().optional(),
  tenantId: z.string().optional(),
  customerId: z.string().optional(),
}

/** Which app is connected: an integration of the workspace, or a connector by itself. */
const app = {
  integrationId: z.string().optional(),
  integrationUuid: z.string().optional(),
  integrationKey: z.string().optional(),
  connectorId: z.string().optional(),
  connectorUuid: z.string().optional(),
  connectorKey: z.string().optional(),
}

export const ConnectionInput = z.object({
  ...onBehalfOf,
  ...app,
  uuid: elementInput.uuid,
  key: elementInput.key.nullish(),
  name: elementInput.name,
  meta: elementInput.meta,
  isTest: z.boolean().optional(),
  authOptionKey: z.string().optional(),
  /** As the app's API takes them; where absent they are made of `input`. */
  credentials: z.unknown().optional(),
  /** What a person would fill in when connecting. */
  input: z.unknown().optional(),
  connectorParameters: z.unknown().optional(),
})

/** One try to connect, refresh, test or disconnect. */
export const ConnectionLog = z
  .object({
    id: z.string(),
    connectionId: z.string(),
    userId: z.string(),
    tenantId: z.string(),
    integrationId: z.string().optional(),
    connectorId: z.string(),
    authOptionKey: z.string(),
    kind: z.enum(['connect', 'refresh', 'test', 'disconnect']),
    status: z.enum(['success', 'error']),
    error: ErrorData.optional(),
    durationMs: z.number().optional(),
    createdAt: Timestamp,
  })
  .meta({ id: 'ConnectionLog' })

export const ConnectionRequestInput = z.object({
  ...onBehalfOf,
  ...app,
  connectionId: z.string().optional(),
  connectionKey: z.string().optional(),
  name: z.string().min(1).max(500).optional(),
  authOptionKey: z.string().optional(),
  connectorParameters: Meta.optional(),
  /** A further connection of the same app, rather than the renewal of the one there is. */
  allowMultipleConnections: z.boolean().optional(),
  /** Where the browser goes when it is done; http or https. */
  redirectUri: z.string().max(4000).optional(),
})

/** A person is asked to connect an app: `url` is the page to show. It may be used for 24 hours, until one try succeeds. */
export const ConnectionRequest = z
  .object({
    requestId: z.string(),
    tenantId: z.string(),
    status: z.enum(['pending', 'success', 'cancelled', 'error']),
    url: z.string(),
    integrationId: z.string().optional(),
    integrationKey: z.string().optional(),
    connectorId: z.string().optional(),
    connectorKey: z.string().optional(),
    connectionId: z.string().optional(),
    connectionKey: z.string().optional(),
    name: z.string().optional(),
    authOptionKey: z.string().optional(),
    allowMultipleConnections: z.boolean().optional(),
    redirectUri: z.string().optional(),
    resultConnectionId: z.string().optional(),
    resultError: ErrorData.optional(),
    createdAt: Timestamp,
    expiresAt: Timestamp,
  })
  .meta({ id: 'ConnectionRequest' })

const selection = z.object({
  ...onBehalfOf,
  includeSecrets: QueryBoolean.optional(),
})
const one = {
  access: 'customer',
  needs: 'customers',
  query: selection,
  refusals: ['not_found', 'ambiguous_selector'],
} as const
const change = {
  ...one,
  body: ConnectionInput,
  answer: Connection,
  refusals: [...one.refusals, 'access_denied', 'already_exists', 'archived', 'connection_failed'],
} as const

export const connections = {
  list: {
    method: 'GET',
    path: '/connections',
    summary: 'Connections; a customer sees its own',
    access: 'customer',
    needs: 'read',
    query: z.object({
      ...elementListQuery,
      ...onBehalfOf,
      integrationId: z.string().optional(),
      integrationKey: z.string().optional(),
      connectorId: z.string().optional(),
      connectorVersion: z.string().optional(),
      externalAppId: z.string().optional(),
      connected: QueryBoolean.optional(),
      disconnected: QueryBoolean.optional(),
      isTest: QueryBoolean.optional(),
      includeSecrets: QueryBoolean.optional(),
    }),
    answer: listOf(Connection),
    refusals: ['not_found', 'access_denied'],
  },
  create: {
    method: 'POST',
    path: '/connections',
    summary: 'Connect an app with credentials, or with the input that they are made of',
    access: 'customer',
    needs: 'customers',
    query: z.object(onBehalfOf),
    body: ConnectionInput,
    answer: Connection,
    status: 201,
    refusals: ['not_found', 'access_denied', 'already_exists', 'archived', 'connection_failed', 'quota_reached'],
  },
  get: {
    method: 'GET',
    path: '/connections/:selector',
    summary: 'One connection, by id or key, or by its integration',
    ...one,
    answer: Connection,
    refusals: [...one.refusals, 'access_denied'],
    needs: 'read',
  },
  put: { method: 'PUT', path: '/connections/:selector', summary: 'Change a connection', ...change },
  patch: {
    method: 'PATCH',
    path: '/connections/:selector',
    summary: 'Change some fields of a connection; new credentials or input reconnect it',
    ...change,
  },
  archive: {
    method: 'DELETE',
    path: '/connections/:selector',
    summary: 'Give up a connection: what it had set up in the app is taken back',
    ...one,
    answer: null,
  },
  restore: {
    method: 'POST',
    path: '/connections/:selector/restore',
    summary: 'Undo archiving',
    ...one,
    answer: Connection,
    refusals: [...one.refusals, 'already_exists'],
  },
  test: {
    method: 'POST',
    path: '/connections/:selector/test',
    summary: 'Ask the app whether the credentials are good',
    ...one,
    answer: z.object({ success: z.boolean(), error: ErrorData.optional() }),
    refusals: [...one.refusals, 'archived', 'not_supported'],
    needs: 'test',
  },
  refreshCredentials: {
    method: 'POST',
    path: '/connections/:selector/refresh-credentials',
    summary: 'Get new credentials now',
    ...one,
    answer: Connection,
    refusals: [...one.refusals, 'archived', 'not_supported', 'connection_failed'],
  },
  ensure: {
    method: 'POST',
    path: '/connections/ensure',
    summary: 'The connection to the app at an address; made where there is none, as far as that goes without a person',
    access: 'customer',
    needs: 'customers',
    query: z.object(onBehalfOf),
    body: z.object({ ...onBehalfOf, appUrl: z.string().min(1).max(4000), name: elementInput.name }),
    answer: Connection,
    refusals: ['not_found', 'archived'],
  },
  disconnect: {
    method: 'POST',
    path: '/connections/:selector/disconnect',
    summary: 'Tell the app and forget the credentials; the connection stays and can be connected again',
    ...one,
    answer: null,
    refusals: [...one.refusals, 'archived'],
  },
  refresh: {
    method: 'POST',
    path: '/connections/:selector/refresh',
    summary: 'Look again at how it stands',
    ...one,
    answer: Connection,
  },
  export: {
    method: 'GET',
    path: '/connections/:selector/export',
    summary: 'What it is, without what belongs to this installation; credentials only for an admin who asks for them',
    ...one,
    answer: ConnectionExport,
    refusals: [...one.refusals, 'access_denied'],
    needs: 'read',
  },
  dependencies: {
    method: 'GET',
    path: '/connections/:selector/dependencies',
    summary: 'What it hangs on: its integration',
    ...one,
    answer: z.array(ElementDependency),
    needs: 'read',
  },
  logs: {
    method: 'GET',
    path: '/connections/:selector/logs',
    summary: 'Every try to connect, refresh, test and disconnect, newest first',
    ...one,
    query: z.object({ ...paging, ...onBehalfOf, status: z.enum(['success', 'error']).optional() }),
    answer: listOf(ConnectionLog),
    needs: 'read',
  },
  executeRequest: {
    method: 'POST',
    path: '/connections/:selector/execute-request',
    summary: 'Run an operation of the connector by its key, or post to a path of the app',
    ...one,
    body: z.object({ key: z.string().min(1), payload: z.unknown().optional() }),
    takesData: true,
    answer: z.unknown(),
    refusals: [...one.refusals, 'archived', 'connection_failed'],
    needs: 'test',
  },
  listOperations: {
    method: 'GET',
    path: '/connections/:selector/operations',
    summary: 'What the connector of the connection can do',
    ...one,
    answer: z.array(ConnectorOperationSpec),
    needs: 'read',
  },
  getOperation: {
    method: 'GET',
    path: '/connections/:selector/operations/:key',
    summary: 'One operation of the connector',
    ...one,
    answer: ConnectorOperationSpec,
    needs: 'read',
  },
  runOperation: {
    method: 'POST',
    path: '/connections/:selector/operations/:key/run',
    summary: 'Run an operation of the connector',
    ...one,
    body: z.object({ input: z.unknown().optional() }),
    takesData: true,
    answer: z.object({
      output: z.unknown().optional(),
      executionLogs: z.array(z.unknown()),
      logs: z.array(z.unknown()),
    }),
    refusals: [...one.refusals, 'archived', 'connection_failed'],
    needs: 'test',
  },
} as const satisfies EndpointTable

export const connectionRequests = {
  create: {
    method: 'POST',
    path: '/connection-requests',
    summary: 'Make a link to a page on which a person connects an app',
    access: 'customer',
    needs: 'customers',
    query: z.object(onBehalfOf),
    body: ConnectionRequestInput,
    answer: ConnectionRequest,
    status: 201,
    refusals: ['not_found', 'access_denied', 'ambiguous_selector', 'archived'],
  },
  get: {
    method: 'GET',
    path: '/connection-requests/:requestId',
    summary: 'What came of a request to connect',
    access: 'customer',
    needs: 'read',
    answer: ConnectionRequest,
    refusals: ['not_found', 'ambiguous_selector'],
  },
  patch: {
    method: 'PATCH',
    path: '/connection-requests/:requestId',
    summary: 'Cancel a request to connect',
    access: 'customer',
    needs: 'customers',
    body: z.object({ status: z.literal('cancelled').optional() }),
    answer: ConnectionRequest,
    refusals: ['not_found', 'ambiguous_selector'],
  },
} as const satisfies EndpointTable
