import type { ApiClient } from '../functions/function.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import type { Ids } from '../platform/ids.ts'
import type { Queue } from '../platform/queue.ts'
import { slotOf } from './apps.ts'
import type { AuthMaterial, CallAuthFunction } from './auth-function.ts'
import type { Connection } from './connection.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { MaterialOf } from './material.ts'
import { connectionById, insertConnectionLog, lockConnection } from './store.ts'

/** The job that tells the app that a connection was given up. */
export const DISCONNECT_TASK = 'connection-disconnect'

/** How often it is looked whether everything was taken back that needs the credentials, and for how long at most. */
const WAIT_MS = 30_000
const WAIT_MS_MAX = 24 * 3_600_000

/** Gives connections up, and takes that back. */
export interface Farewell {
  archive(connection: Connection): Promise<void>
  restore(connection: Connection): Promise<Connection>
  /** Calls the connector's `disconnect`, once nothing needs the credentials any more. What the job does. */
  disconnect(payload: { id: string; workspaceId: string; revision: string }): Promise<void>
}

export function createFarewell(options: {
  database: Database
  clock: Clock
  ids: Ids
  queue: Queue
  lifecycle: Lifecycle
  materialOf: MaterialOf
  callFunction: CallAuthFunction
  plainClient(connection: Connection, material: AuthMaterial): ApiClient
  isStillNeeded(connection: Connection): Promise<boolean>
}): Farewell {
  const { database, clock, queue, lifecycle, materialOf } = options
  return {
    async archive(seen) {
      const material = await materialOf(seen)
      await database.transaction(async (tx) => {
        const connection = await lockConnection(tx, seen.id)
        if (connection === null || connection.archivedAt !== null) return
        const app = material.kind === 'made' ? material.value.app : null
        const { id, workspaceId, revision } = await lifecycle.archived(tx, { connection, app })
        if (app === null || slotOf(app, 'disconnect') === undefined) return
        await queue.add(tx, { task: DISCONNECT_TASK, payload: { id, workspaceId, revision }, key: `disconnect:${id}` })
      })
    },
    async restore(seen) {
      const material = await materialOf(seen)
      return database.transaction(async (tx) => {
        const connection = await lockConnection(tx, seen.id)
        if (connection === null || connection.archivedAt === null) return connection ?? seen
        return lifecycle.restored(tx, { connection, app: material.kind === 'made' ? material.value.app : null })
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
      const material = await materialOf(connection)
      const definition = material.kind === 'made' ? slotOf(material.value.app, 'disconnect') : undefined
      if (material.kind === 'failed' || definition === undefined) return
      const beganMs = performance.now()
      const client = options.plainClient(connection, material.value)
      const made = await options.callFunction(material.value, 'disconnect', definition, {}, client)
      await insertConnectionLog(database.db, {
        id: options.ids.next(),
        workspaceId: connection.workspaceId,
        connectionId: connection.id,
        kind: 'disconnect',
        isSuccess: made.kind === 'made',
        error: made.kind === 'made' ? null : made.error,
        durationMs: Math.round(performance.now() - beganMs),
      })
    },
  }
}
