import type { FunctionDefinition } from '@permea/contract'
import type { ApiClient, FunctionCall, FunctionOutcome } from '../functions/function.ts'
import type { Connection } from './connection.ts'

/** A call of one of the connector's or a user's functions on a connection's behalf. */
export interface ConnectionFunctionCall {
  definition: FunctionDefinition
  /** As an id of the wire; the connector's where absent. */
  ownerId?: string
  slot: string
  sourceId: string | null
  /**
   * Beside what every function is given: `apiClient`, `user`, `connection`, `integration`; the connector's own also
   * `credentials` and `connectorParameters`.
   */
  args?: Record<string, unknown>
  limits?: FunctionCall['limits']
  returns?: FunctionCall['returns']
  signal?: AbortSignal
  /** Put between the function and its API client: a journal of what was answered. */
  through?(client: ApiClient): ApiClient
}

/** What is done at an app on a connection's behalf. */
export interface AppCalls {
  /**
   * Sends requests to the app with the connection's credentials, which stay behind it: expired ones are refreshed once
   * and the request repeated; everything is recorded under `sourceId` (an id of the wire). Cheap to make.
   */
  apiClient(connection: Connection, context: { sourceId: string | null }): ApiClient
  /** Calls a function with the connection's API client as `apiClient` and `externalApiClient`. */
  callFunction(connection: Connection, call: ConnectionFunctionCall): Promise<FunctionOutcome>
  /** Runs an operation of the connector; null where there is none with this key. */
  runOperation(
    connection: Connection,
    key: string,
    input: unknown,
    context: { sourceId: string | null },
  ): Promise<FunctionOutcome | null>
}
