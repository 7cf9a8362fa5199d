import type { Alerts } from '../alerts/alerts.ts'
import type { Principal } from '../api/principal.ts'
import type { Customers } from '../customers/registry.ts'
import type { ApiClient, Functions } from '../functions/function.ts'
import type { Connectors } from '../integrations/connectors.ts'
import type { Notifications } from '../notifications/notifications.ts'
import type { Outbound } from '../outbound/client.ts'
import { createBatchLoader } from '../platform/batch-loader.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import type { Facts } from '../platform/facts.ts'
import type { Ids } from '../platform/ids.ts'
import type { Queue } from '../platform/queue.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { Quotas } from '../workspaces/quotas.ts'
import { type ConnectedApp, createApps } from './apps.ts'
import { createArchiving } from './archiving.ts'
import { createAuthContexts } from './auth-context.ts'
import { type AuthContext, createAuthFunctions } from './auth-function.ts'
import type { Connection, ConnectionFacts, OnBehalfOf } from './connection.ts'
import { createCredentials } from './credentials.ts'
import { createEstablish } from './establish.ts'
import { createLifecycle } from './lifecycle.ts'
import { createRegistry } from './registry.ts'
import { createRenewal } from './renewal.ts'
import { connectionById, connectionsByIds } from './store.ts'
import { createConnectionViews } from './views.ts'

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
}

export interface ConnectionsOptions {
  database: Database
  clock: Clock
  ids: Ids
  /** Uniform in [0, 1). */
  random(): number
  queue: Queue
  sealing: Sealing
  outbound: Outbound
  functions: Functions
  connectors: Connectors
  customers: Customers
  alerts: Alerts
  notifications: Notifications
  facts: Facts<ConnectionFacts>
  quotas: Pick<Quotas, 'roomFor'>
  /** An API client with these very credentials, which are not renewed. */
  plainClient(connection: Connection, context: AuthContext): ApiClient
  /** Whether something that the connection had registered in its app is still being taken back. */
  isStillNeeded(connection: Connection): Promise<boolean>
}

/** The parts of this room, for its endpoints and for the rooms above that are about connections too. */
export type ConnectionParts = Connections & ReturnType<typeof createParts>

export function createConnections(options: ConnectionsOptions): ConnectionParts {
  const parts = createParts(options)
  const { registry } = parts
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
  }
}

function createParts(options: ConnectionsOptions) {
  const { database, clock, ids, sealing, outbound, plainClient } = options
  const apps = createApps(options)
  const callFunction = createAuthFunctions(options.functions)
  const authContextOf = createAuthContexts({ database, sealing, apps })
  const credentials = createCredentials({ outbound, clock, callFunction })
  const lifecycle = createLifecycle(options)
  const renewal = createRenewal({
    database,
    clock,
    ids,
    credentials,
    lifecycle,
    authContextOf,
    callFunction,
    plainClient,
  })
  const establish = createEstablish({ ...options, credentials, lifecycle, callFunction, plainClient })
  const archiving = createArchiving({ ...options, lifecycle, authContextOf, callFunction, plainClient })
  const registry = createRegistry({ ...options, apps })
  const views = createConnectionViews({ ...options, apps })
  return {
    apps,
    callAuthFunction: callFunction,
    authContextOf,
    lifecycle,
    renewal,
    establish,
    archiving,
    registry,
    views,
  }
}
