import type { ApiClient } from '../functions/function.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import type { Ids } from '../platform/ids.ts'
import type { Queue } from '../platform/queue.ts'
import { functionInSlot } from './apps.ts'
import type { AuthContextOf } from './auth-context.ts'
import type { AuthContext, CallAuthFunction } from './auth-function.ts'
import type { Connection } from './connection.ts'
import type { Lifecycle } from './lifecycle.ts'
import { connectionById, insertConnectionLog, lockConnection } from './store.ts'

/** The job that tells the app that a connection was given up. */
export const DISCONNECT_TASK = 'connection-disconnect'

/** How often it is looked whether everything was taken back that needs the credentials, and for how long at most. */
const WAIT_MS = 30_000
const WAIT_MS_MAX = 24 * 3_600_000

/** Gives connections up, and takes that back. */
export interface Archiving {
  archive(connection: Connection): Promise<void>
  restore(connection: Connection): Promise<Connection>
  /** Tells the app, and forgets the credentials whatever it says; the connection stays. */
  forget(connection: Connection): Promise<void>
  /** Calls the connector's `disconnect`, once nothing needs the credentials any more. What the job does. */
  disconnect(payload: { id: string; workspaceId: string; revision: string }): Promise<void>
}

export function createArchiving(options: {
  database: Database
  clock: Clock
  ids: Ids
  queue: Queue
  lifecycle: Lifecycle
  authContextOf: AuthContextOf
  callFunction: CallAuthFunction
  plainClient(connection: Connection, authContext: AuthContext): ApiClient
  isStillNeeded(connection: Connection): Promise<boolean>
}): Archiving {
  const { database, clock, queue, lifecycle, authContextOf } = options
  /** Calls the connector's `disconnect` where it has one, and keeps what came of it. */
  async function tellApp(connection: Connection): Promise<void> {
    const authContext = await authContextOf(connection)
    const definition = authContext.kind === 'made' ? functionInSlot(authContext.value.app, 'disconnect') : undefined
    if (authContext.kind === 'failed' || definition === undefined) return
    const beganMs = performance.now()
    const client = options.plainClient(connection, authContext.value)
    const made = await options.callFunction(authContext.value, 'disconnect', definition, {}, { apiClient: client })
    await insertConnectionLog(database.db, {
      id: options.ids.next(),
      workspaceId: connection.workspaceId,
      connectionId: connection.id,
      kind: 'disconnect',
      isSuccess: made.kind === 'made',
      error: made.kind === 'made' ? null : made.error,
      durationMs: Math.round(performance.now() - beganMs),
    })
  }

  return {
    async archive(seen) {
      const authContext = await authContextOf(seen)
      await database.transaction(async (tx) => {
        const connection = await lockConnection(tx, seen.id)
        if (connection === null || connection.archivedAt !== null) return
        const app = authContext.kind === 'made' ? authContext.value.app : null
        const { id, workspaceId, revision } = await lifecycle.archived(tx, { connection, app })
        if (app === null || functionInSlot(app, 'disconnect') === undefined) return
        await queue.add(tx, { task: DISCONNECT_TASK, payload: { id, workspaceId, revision }, key: `disconnect:${id}` })
      })
    },
    async restore(seen) {
      const authContext = await authContextOf(seen)
      return database.transaction(async (tx) => {
        const connection = await lockConnection(tx, seen.id)
        if (connection === null || connection.archivedAt === null) return connection ?? seen
        return lifecycle.restored(tx, { connection, app: authContext.kind === 'made' ? authContext.value.app : null })
      })
    },
    async disconnect(payload) {
      const connection = await connectionById(database.db, payload.workspaceId, payload.id)
      // Restored, perhaps archived once more: then there is a job of its own.
      if (connection === null || connection.archivedAt === null || connection.revision !== payload.revision) return
      const waitedMs = clock.now().getTime() - connection.archivedAt.getTime()
      if (waitedMs < WAIT_MS_MAX && (await options.isStillNeeded(connection))) {
        const runAt = new Date(clock.now().getTime() + WAIT_MS)
        await database.transaction((tx) =>
          queue.add(tx, { task: DISCONNECT_TASK, payload, runAt, key: `disconnect:${connection.id}` }),
        )
        return
      }
      await tellApp(connection)
    },
    async forget(seen) {
      await tellApp(seen)
      const authContext = await authContextOf(seen)
      const app = authContext.kind === 'made' ? authContext.value.app : null
      await database.transaction(async (tx) => {
        const connection = await lockConnection(tx, seen.id)
        if (connection !== null) await lifecycle.disconnected(tx, { connection, app })
      })
    },
  }
}
