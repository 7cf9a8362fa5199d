import type { FastifyInstance } from 'fastify'
import type { Principal } from '../api/principal.ts'
import type { RouteSet } from '../api/routes.ts'
import type { Outbound } from '../outbound/client.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import type { Ids } from '../platform/ids.ts'
import type { Ownership } from '../platform/ownership.ts'
import type { JobHandlers } from '../platform/queue.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { WorkspaceDirectory } from '../workspaces/directory.ts'
import { apiLogRoutes } from './api-log-routes.ts'
import { createConnect } from './connect.ts'
import { createConnectEvents } from './connect-events.ts'
import { mountConnect } from './connect-mount.ts'
import { createConnectRequests } from './connect-request.ts'
import type { ConnectionsRoom } from './connections.ts'
import { DISCONNECT_TASK } from './farewell.ts'
import { UPKEEP_TASK } from './lifecycle.ts'
import { mountProxy } from './proxy.ts'
import { connectionRequestRoutes } from './request-routes.ts'
import { forgetOldRequests } from './request-store.ts'
import { connectionRoutes } from './routes.ts'

/** What of this room others reach: endpoints, pages, jobs and chores. */
export interface ConnectionsFront {
  routes: RouteSet[]
  mounts: ((app: FastifyInstance) => void)[]
  jobs: JobHandlers
  forgetOldRequests(now: Date): Promise<void>
}

export function createConnectionsFront(options: {
  database: Database
  clock: Clock
  ids: Ids
  sealing: Sealing
  ownership: Ownership
  outbound: Outbound
  directory: WorkspaceDirectory
  authenticate(authorization: string | undefined): Promise<Principal>
  connections: ConnectionsRoom
  publicUrl: string
}): ConnectionsFront {
  const { database, connections } = options
  const requests = createConnectRequests(options)
  const connect = createConnect({ ...options, requests })
  const events = createConnectEvents(options)
  return {
    routes: [connectionRoutes(options), connectionRequestRoutes({ ...options, requests }), apiLogRoutes(options)],
    mounts: [(app) => mountConnect(app, { ...options, connect, requests, events }), (app) => mountProxy(app, options)],
    jobs: {
      [UPKEEP_TASK]: (payload: { id: string; workspaceId: string }) => connections.renewal.upkeep(payload),
      [DISCONNECT_TASK]: (payload: { id: string; workspaceId: string; revision: string }) =>
        connections.farewell.disconnect(payload),
    },
    forgetOldRequests: (now) => forgetOldRequests(database.db, now),
  }
}
