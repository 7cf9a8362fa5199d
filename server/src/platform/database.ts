import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import type { Log } from './log.ts'

// Counters and sizes fit a JavaScript number; ids are uuids. Timestamps come as Date.
pg.types.setTypeParser(pg.types.builtins.INT8, Number)

// Rooms type their rows where they read them; the database itself is untyped here because no room
// may know another room's tables.
// biome-ignore lint/complexity/noBannedTypes: an empty schema is the point
type NoTables = {}

/** A connection pool or a transaction: what every `store.ts` function takes first. */
export type Tx = Kysely<NoTables>

export interface Database {
  readonly db: Tx
  readonly pool: pg.Pool
  /** Runs `work` in one transaction: all of it is committed when the promise resolves, or none. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** A connection of its own, outside the pool, for locks and notifications that belong to a session. */
  connect(): Promise<pg.Client>
  close(): Promise<void>
}

/** Opens a pool; nothing is sent until the first statement. */
export function createDatabase(options: { url: string; connectionsMax: number; log: Log }): Database {
  const config = { connectionString: options.url, application_name: 'permea' }
  const pool = new pg.Pool({
    ...config,
    max: options.connectionsMax,
    idleTimeoutMillis: 30_000,
    connectionTimeoutMillis: 10_000,
  })
  const lost = (error: Error) => options.log.debug({ message: error.message }, 'a database connection was lost')
  pool.on('connect', (client) => client.on('error', lost))
  pool.on('error', (error) => options.log.warn({ message: error.message }, 'an idle database connection was lost'))
  const db = new Kysely<NoTables>({ dialect: new PostgresDialect({ pool }) })
  return {
    db,
    pool,
    transaction: (work) => db.transaction().execute(work),
    async connect() {
      const client = new pg.Client({ ...config, keepAlive: true })
      await client.connect()
      return client
    },
    async close() {
      await db.destroy()
      // Kysely leaves alone a pool that it never used.
      if (!pool.ended) await pool.end()
    },
  }
}

/** The one row of a statement that must give exactly one. */
export function only<T>(rows: readonly T[]): T {
  const row = rows[0]
  if (row === undefined || rows.length !== 1) throw new Error(`expected one row, got ${rows.length}`)
  return row
}

/** Whether an error is PostgreSQL saying that a unique rule was broken, and which. */
export function brokenUniqueRule(error: unknown): string | null {
  return error instanceof pg.DatabaseError && error.code === '23505' ? (error.constraint ?? '') : null
}

/** Whether the database could not be reached or closed the connection: worth trying again, and nobody's mistake. */
export function isDatabaseAway(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return /^(08|57P|53)/.test(error.code ?? '')
  const { code, message } = error as { code?: string; message?: string }
  return (
    ['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', 'ETIMEDOUT'].includes(code ?? '') ||
    /Connection terminated|timeout exceeded when trying to connect|not queryable|connection error/i.test(message ?? '')
  )
}

/** `null` and `undefined` become SQL null, everything else JSON text. */
export function asJson(value: unknown): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value)
}

export { sql }
