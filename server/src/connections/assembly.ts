import type { Room } from '../api/room.ts'
import { DISCONNECT_TASK } from './archiving.ts'
import { type ConnectionParts, type ConnectionsOptions, createConnections } from './connections.ts'
import { UPKEEP_TASK } from './lifecycle.ts'
import { connectionRoutes } from './routes.ts'

/** Connections, their endpoints, and the jobs that keep their credentials good. */
export function createConnectionsRoom(options: ConnectionsOptions): Room<ConnectionParts> {
  const connections = createConnections(options)
  return {
    api: connections,
    routes: [connectionRoutes({ ...options, connections })],
    jobs: {
      [UPKEEP_TASK]: (payload: { id: string; workspaceId: string }) => connections.renewal.upkeep(payload),
      [DISCONNECT_TASK]: (payload: { id: string; workspaceId: string; revision: string }) =>
        connections.archiving.disconnect(payload),
    },
  }
}
