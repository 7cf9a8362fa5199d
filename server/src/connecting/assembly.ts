import type { Authenticate } from '../api/permission.ts'
import type { Room } from '../api/room.ts'
import type { Audit } from '../audit/assembly.ts'
import type { Intake } from '../bodies/intake.ts'
import type { ConnectionParts } from '../connections/connections.ts'
import type { Outbound } from '../outbound/client.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import type { Ids } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { Ownership } from '../platform/ownership.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { WorkspaceDirectory } from '../workspaces/directory.ts'
import { createConnect } from './connect.ts'
import { createConnectEvents } from './connect-events.ts'
import { mountConnect } from './connect-mount.ts'
import { createConnectRequests } from './connect-request.ts'
import { ensureRoutes } from './ensure.ts'
import { mountPortal, type PortalOptions } from './portal.ts'
import { connectionRequestRoutes } from './request-routes.ts'
import { forgetOldRequests } from './request-store.ts'

/** How a person connects an app: links to the page, the page itself, the way to the app and back. */
export function createConnectingRoom(options: {
  database: Database
  clock: Clock
  ids: Ids
  sealing: Sealing
  ownership: Ownership
  outbound: Outbound
  directory: WorkspaceDirectory
  authenticate: Authenticate
  connections: ConnectionParts
  customers: PortalOptions['customers']
  audit: Pick<Audit, 'intendAll'>
  log: Log
  publicUrl: string
  intake: Intake
}): Room<null> {
  const requests = createConnectRequests(options)
  const connect = createConnect({ ...options, requests })
  const events = createConnectEvents(options)
  return {
    api: null,
    routes: [connectionRequestRoutes({ ...options, requests }), ensureRoutes({ ...options, requests })],
    mounts: [(app) => mountConnect(app, { ...options, connect, requests, events }), (app) => mountPortal(app, options)],
    chores: [(now) => forgetOldRequests(options.database.db, now)],
  }
}
