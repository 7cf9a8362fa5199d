import type { Authenticate } from '../api/permission.ts'
import type { Room } from '../api/room.ts'
import type { AppCalls } from '../connections/app-calls.ts'
import type { AuthContext } from '../connections/auth-function.ts'
import type { Connection } from '../connections/connection.ts'
import type { ConnectionParts } from '../connections/connections.ts'
import { type Mask, maskOf } from '../exchanges/mask.ts'
import type { ApiClient, Functions } from '../functions/function.ts'
import type { Outbound } from '../outbound/client.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import type { Ids } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { WorkspaceDirectory } from '../workspaces/directory.ts'
import type { YourApp } from '../workspaces/your-app.ts'
import { apiLogRoutes } from './api-log-routes.ts'
import { createApiLogs } from './api-logs.ts'
import { createClientConfigs } from './client-config.ts'
import { createClients } from './clients.ts'
import { createFunctionCalls } from './function-calls.ts'
import { operationRoutes } from './operation-routes.ts'
import { mountProxy } from './proxy.ts'

/** Requests to apps on connections' behalf, as the rooms above make them. */
export interface AppRequests extends AppCalls {
  /** With these very credentials, which are not renewed, also where the connection counts as lost. */
  plainClient(connection: Connection, context: AuthContext): ApiClient
  /** Resolves when every request sent so far is in the record. */
  settled(): Promise<void>
}

export interface AppRequestsOptions {
  database: Database
  clock: Clock
  ids: Ids
  log: Log
  outbound: Outbound
  functions: Functions
  directory: WorkspaceDirectory
  yourApp: YourApp
  authenticate: Authenticate
  connections: ConnectionParts
  publicUrl: string
  /** What is kept of registrations of a connection at its app, and proves events: no customer is shown it. */
  secretsOf(connectionId: string): Promise<unknown[]>
}

export function createAppRequestsRoom(options: AppRequestsOptions): Room<AppRequests> {
  const { database, clock, ids, log, outbound, functions, connections, yourApp } = options
  const { authContextOf, renewal, callAuthFunction } = connections
  const logs = createApiLogs({ pool: database.pool, log })
  // Shared by requests of the same moment alone: what a registration has just brought has to be masked in the next record.
  const masks = new Map<string, Promise<Mask>>()
  function maskOfRegistrations(connectionId: string): Promise<Mask> {
    const underWay = masks.get(connectionId)
    if (underWay !== undefined) return underWay
    const mask = options.secretsOf(connectionId).then((secrets) => maskOf({ args: {}, secrets }))
    const shared = mask.finally(() => masks.delete(connectionId))
    masks.set(connectionId, shared)
    return shared
  }
  const clients = createClients({
    database,
    authContextOf,
    configs: createClientConfigs({ outbound, clock, yourApp, callFunction: callAuthFunction }),
    renewal,
    sender: {
      outbound,
      clock,
      ids,
      logs,
      async recordMask({ id, workspaceId }) {
        const isLogged = (await options.directory.byId(workspaceId)).settings.enableApiLogs !== false
        return isLogged ? maskOfRegistrations(id) : null
      },
    },
  })
  const calls = createFunctionCalls({ functions, authContextOf, clients })
  const appRequests: AppRequests = {
    apiClient: (connection, context) => clients.clientOf(connection, context),
    callFunction: (connection, call) => calls.call(connection, call),
    runOperation: (connection, key, input, context) => calls.runOperation(connection, key, input, context),
    plainClient: (connection, context) => clients.plainClient(connection, context),
    settled: () => logs.settled(),
  }
  return {
    api: appRequests,
    routes: [operationRoutes({ connections, calls: appRequests }), apiLogRoutes(options)],
    mounts: [(app) => mountProxy(app, { ...options, clients })],
    stop: () => logs.settled(),
  }
}
