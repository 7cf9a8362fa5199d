import type { FunctionDefinition } from '@permea/contract'
import type { Alerts } from '../alerts/alerts.ts'
import type { Principal } from '../api/principal.ts'
import type { Customers } from '../customers/registry.ts'
import type { ApiClient, FunctionCall, FunctionOutcome, Functions } from '../functions/function.ts'
import type { Connectors } from '../integrations/connectors.ts'
import type { Notifications } from '../notifications/notifications.ts'
import type { Outbound } from '../outbound/client.ts'
import { createBatchLoader } from '../platform/batch-loader.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import type { Ids } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { Queue } from '../platform/queue.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { WorkspaceDirectory } from '../workspaces/directory.ts'
import type { YourApp } from '../workspaces/your-app.ts'
import { createApiLogs } from './api-logs.ts'
import { type ConnectedApp, createApps } from './apps.ts'
import { createAuthFunctions } from './auth-function.ts'
import { createClientConfigs } from './client-config.ts'
import { createClients } from './clients.ts'
import type { Connection } from './connection.ts'
import { createCredentials } from './credentials.ts'
import { createEstablish } from './establish.ts'
import { createFarewell } from './farewell.ts'
import { createFunctionCalls } from './function-calls.ts'
import { createLifecycle } from './lifecycle.ts'
import { createMaterial } from './material.ts'
import { createRegistry } from './registry.ts'
import { createRenewal } from './renewal.ts'
import { connectionById, connectionsByIds } from './store.ts'
import { createConnectionViews } from './views.ts'

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
  /**
   * Beside what every function is given: `apiClient`, `user`, `connection`, `integration`; the connector's own also
   * `credentials` and `connectorParameters`.
   */
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
  /** By database id, archived ones too. Whoever is in a transaction asks in it: another connection may not be free. */
  byId(workspaceId: string, id: string, tx?: Tx): Promise<Connection | null>
  /** Null where its connector is gone. */
  appOf(connection: Connection, tx?: Tx): Promise<ConnectedApp | null>
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

export interface ConnectionsOptions {
  database: Database
  clock: Clock
  ids: Ids
  /** Uniform in [0, 1). */
  random(): number
  log: Log
  queue: Queue
  sealing: Sealing
  outbound: Outbound
  functions: Functions
  connectors: Connectors
  customers: Customers
  directory: WorkspaceDirectory
  yourApp: YourApp
  alerts: Alerts
  notifications: Notifications
  watcher: ConnectionWatcher
  /** Whether something that the connection had registered in its app is still being taken back. */
  isStillNeeded(connection: Connection): Promise<boolean>
}

/** The parts of this room that its own endpoints and pages use. */
export type ConnectionsRoom = Connections & ReturnType<typeof createParts>

export function createConnections(options: ConnectionsOptions): ConnectionsRoom {
  const parts = createParts(options)
  const { registry, clients, calls } = parts
  const { db } = options.database
  const load = createBatchLoader({ load: (ids) => connectionsByIds(db, ids) })
  return {
    ...parts,
    find: (principal, selector, onBehalfOf) => registry.find(principal, selector, onBehalfOf),
    async byId(workspaceId, id, tx) {
      if (tx !== undefined) return connectionById(tx, workspaceId, id)
      const row = await load(id)
      return row?.workspaceId === workspaceId ? row : null
    },
    appOf: (connection, tx) => parts.apps.of(connection, tx),
    apiClient: (connection, context) => clients.clientOf(connection, context),
    callFunction: (connection, call) => calls.call(connection, call),
    runOperation: (connection, key, input, context) => calls.runOperation(connection, key, input, context),
    settled: () => parts.logs.settled(),
  }
}

function createParts(options: ConnectionsOptions) {
  const { database, clock, ids, sealing, outbound } = options
  const apps = createApps(options)
  const callFunction = createAuthFunctions(options.functions)
  const materialOf = createMaterial({ database, sealing, apps })
  const configs = createClientConfigs({ outbound, clock, yourApp: options.yourApp, callFunction })
  const credentials = createCredentials({ outbound, clock, callFunction })
  const lifecycle = createLifecycle(options)
  const logs = createApiLogs({ pool: database.pool, log: options.log })
  const clients = createClients({
    database,
    materialOf,
    configs,
    renewal: () => renewal,
    sender: {
      outbound,
      clock,
      ids,
      logs,
      async isLogged(workspaceId) {
        return (await options.directory.byId(workspaceId)).settings.enableApiLogs !== false
      },
    },
  })
  const { plainClient } = clients
  const renewal = createRenewal({ database, clock, ids, credentials, lifecycle, materialOf, callFunction, plainClient })
  const establish = createEstablish({ ...options, credentials, lifecycle, callFunction, plainClient })
  const farewell = createFarewell({ ...options, lifecycle, materialOf, callFunction, plainClient })
  const registry = createRegistry({ ...options, apps })
  const views = createConnectionViews({ ...options, apps })
  const calls = createFunctionCalls({ functions: options.functions, materialOf, clients })
  return {
    apps,
    callFunctions: callFunction,
    materialOf,
    logs,
    clients,
    lifecycle,
    renewal,
    establish,
    farewell,
    registry,
    views,
    calls,
  }
}
