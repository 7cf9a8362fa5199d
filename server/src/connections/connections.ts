import type { FunctionDefinition } from '@permea/contract'
import type { Principal } from '../api/principal.ts'
import type { ApiClient, FunctionCall, FunctionOutcome } from '../functions/function.ts'
import type { Tx } from '../platform/database.ts'
import type { ConnectedApp } from './apps.ts'
import type { Connection } from './connection.ts'

/** Whose connection is meant where an admin's token says `integration key`. */
export interface OnBehalfOf {
  userId?: string | undefined
  tenantId?: string | undefined
  customerId?: string | undefined
}

/** What other rooms do when a connection comes, goes, fails and recovers; handed over when the engine is built. */
export interface ConnectionWatcher {
  created(tx: Tx, connection: Connection): Promise<void>
  /** What it had registered in the app must be taken back; its API client still works while this is done. */
  archived(tx: Tx, connection: Connection): Promise<void>
  restored(tx: Tx, connection: Connection): Promise<void>
  disconnected(tx: Tx, connection: Connection): Promise<void>
  reconnected(tx: Tx, connection: Connection): Promise<void>
}

/** A call of one of the connector's or a user's functions on a connection's behalf. */
export interface ConnectionFunctionCall {
  definition: FunctionDefinition
  /** As an id of the wire; the connector's where absent. */
  ownerId?: string
  slot: string
  sourceId: string | null
  /** Beside what every function is given: `apiClient`, `connection`, `connectorParameters`. */
  args?: Record<string, unknown>
  limits?: FunctionCall['limits']
  signal?: AbortSignal
  /** Put between the function and its API client: a journal of what was answered. */
  through?(client: ApiClient): ApiClient
}

/** Customers' links to external apps, as the rooms above use them. */
export interface Connections {
  /**
   * By id or key, or by the id or key of an integration, which means this customer's connection to it. A customer's
   * token finds only its own. Refuses with `not_found` and, where several are meant, `ambiguous_selector`; an archived
   * one is found by its id only.
   */
  find(principal: Principal, selector: string, onBehalfOf?: OnBehalfOf): Promise<Connection>
  /** By database id, archived ones too. */
  byId(workspaceId: string, id: string): Promise<Connection | null>
  /** Null where its connector is gone. */
  appOf(connection: Connection): Promise<ConnectedApp | null>
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
  /** Resolves when every request sent so far is in the record. */
  settled(): Promise<void>
}
