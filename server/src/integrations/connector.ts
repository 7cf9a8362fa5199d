import type { FunctionDefinition } from '@permea/contract'

export type AuthType = 'oauth2' | 'oauth1' | 'client-credentials' | 'membrane-token' | 'integration-app-token' | 'proxy'

/** One way to connect to the app: how credentials come to be, how they are used, kept and given up (wire facts C.4). */
export interface AuthOption {
  type: AuthType
  title?: string
  description?: string
  enabled?: boolean
  /** What a person is asked for when connecting. */
  inputSchema?: Record<string, unknown>
  /** What an operator gives once per integration: client id, client secret. */
  connectorParametersSchema?: Record<string, unknown>
  getOAuthConfig?: FunctionDefinition
  getTokenData?: FunctionDefinition
  getCredentialsFromAccessTokenResponse?: FunctionDefinition
  getCredentialsFromRefreshTokenResponse?: FunctionDefinition
  getCredentialsFromConnectionParameters?: FunctionDefinition
  refreshCredentials?: FunctionDefinition
  makeApiClient?: FunctionDefinition
  test?: FunctionDefinition
  disconnect?: FunctionDefinition
}

/** An event of the connector that flows can wait for (wire facts C.1, C.2). */
export interface ConnectorEvent {
  name: string
  description?: string
  implementationType: 'webhook' | 'global-webhook'
  parametersSchema?: Record<string, unknown>
  schema?: Record<string, unknown>
  example?: unknown
  subscribe?: FunctionDefinition
  handle?: FunctionDefinition
  unsubscribe?: FunctionDefinition
  refresh?: FunctionDefinition
  getEventSelector?: FunctionDefinition
}

export interface GlobalWebhook {
  name: string
  description?: string
  handle: FunctionDefinition
}

export interface ConnectorOperation {
  name: string
  description?: string
  inputSchema?: Record<string, unknown>
  outputSchema?: Record<string, unknown>
  run: FunctionDefinition
}

/** What a connector consists of: data, all of it. */
export interface ConnectorDefinition {
  /** Auth options by key; the first is the one taken where none is named. */
  options: Record<string, AuthOption>
  parametersSchema?: Record<string, unknown>
  /** Used where the auth option has none of its own. */
  makeApiClient?: FunctionDefinition
  test?: FunctionDefinition
  disconnect?: FunctionDefinition
  /** First match wins (wire facts C.4): `{ match, isSuccess?, data?, error?: { message?, key?, data? } }`, values are formulas. */
  responseHandlers?: unknown[]
  events: Record<string, ConnectorEvent>
  globalWebhooks: Record<string, GlobalWebhook>
  operations: Record<string, ConnectorOperation>
}

export interface Connector {
  id: string
  /** Null for the ready-made ones that every workspace has. */
  workspaceId: string | null
  uuid: string
  key: string
  name: string
  description: string | null
  meta: Record<string, unknown> | null
  logoUri: string | null
  categories: string[]
  definition: ConnectorDefinition
  revision: string
  createdAt: Date
  updatedAt: Date
  archivedAt: Date | null
}
