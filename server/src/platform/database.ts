import { CompiledQuery, Kysely, PostgresDialect, sql } from 'kysely'
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

/**
 * A statement that is planned once per connection rather than every time: for what runs many times a second. The name
 * stands for the text, everywhere.
 */
export interface Statement {
  name: string
  text: string
  values: unknown[]
}

export interface Database {
  readonly db: Tx
  readonly pool: pg.Pool
  /** For prepared statements that find their rows by index: see `HOT`. */
  readonly hot: pg.Pool
  /** Runs a statement that is prepared on first use. */
  query<Row extends object>(statement: Statement): Promise<Row[]>
  /**
   * Runs statements in one transaction and one round trip: they are sent without waiting for answers, so none may need
   * another's. All of it is committed when the promise resolves, or none.
   */
  atomically(statements: readonly Statement[]): Promise<void>
  /** Runs `work` in one transaction: all of it is committed when the promise resolves, or none. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** A connection of its own, outside the pool, for locks and notifications that belong to a session. */
  connect(): Promise<pg.Client>
  close(): Promise<void>
}

/** Opens a pool; nothing is sent until the first statement. */
export function createDatabase(options: { url: string; connectionsMax: number; log: Log }): Database {
  const config = { connectionString: options.url, application_name: 'permea' }
  const lost = (error: Error) => options.log.debug({ message: error.message }, 'a database connection was lost')
  const openPool = (more: pg.PoolConfig) => {
    const opened = new pg.Pool({ ...config, idleTimeoutMillis: 30_000, connectionTimeoutMillis: 10_000, ...more })
    opened.on('connect', (client) => client.on('error', lost))
    opened.on('error', (error) => options.log.warn({ message: error.message }, 'an idle database connection was lost'))
    return opened
  }
  const hotMax = Math.min(HOT_MAX, Math.max(1, Math.floor(options.connectionsMax / 2)))
  const hot = openPool({ ...HOT, max: hotMax })
  const pool = openPool({ max: Math.max(1, options.connectionsMax - hotMax) })
  const db = new Kysely<NoTables>({ dialect: new PostgresDialect({ pool }) })
  return {
    db,
    pool,
    hot,
    async query<Row extends object>(statement: Statement) {
      return (await hot.query<Row & pg.QueryResultRow>(statement)).rows
    },
    async atomically(statements) {
      // One statement is a transaction of its own.
      const [only, ...others] = statements
      if (only !== undefined && others.length === 0) await hot.query(only)
      else await inOneGo(hot, statements)
    },
    transaction: (work) => db.transaction().execute(work),
    async connect() {
      const client = new pg.Client({ ...config, keepAlive: true })
      await client.connect()
      return client
    },
    async close() {
      await hot.end()
      await db.destroy()
      // Kysely leaves alone a pool that it never used.
      if (!pool.ended) await pool.end()
    },
  }
}

/** Most of the connections that may be opened which are kept for hot statements. */
const HOT_MAX = 6

/**
 * Statements are sent without waiting for the answers before. Each finds a few rows by index however large the table
 * is; but a plan made while a busy table looks empty would read all of it, with every row that was deleted since.
 */
const HOT: pg.PoolConfig = {
  pipeline: true,
  options: '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off',
}

async function inOneGo(pool: pg.Pool, statements: readonly Statement[]): Promise<void> {
  const client = await pool.connect()
  // After a failure the others fail too and the commit does nothing; each must be heard before the first one is told.
  const answers = await Promise.allSettled([
    client.query('begin'),
    ...statements.map((statement) => client.query(statement)),
    client.query('commit'),
  ])
  const failed = answers.find((answer) => answer.status === 'rejected')
  client.release(failed !== undefined)
  if (failed !== undefined) throw failed.reason
}

/** Runs a prepared statement within a transaction that waits for its answer. */
export async function runPrepared(tx: Tx, { text, values }: Statement): Promise<void> {
  await tx.executeQuery(CompiledQuery.raw(text, values))
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

/** Whether it would fail again the same way: the database refuses the data, or the mistake is ours. */
export function isRefused(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return /^2[23]/.test(error.code ?? '')
  return [TypeError, SyntaxError, RangeError].some((kind) => error instanceof kind)
}

/**
 * `null` and `undefined` become SQL null, everything else JSON text. What `jsonb` cannot hold (U+0000 and half a
 * surrogate pair, as errors of functions and apps may have) is replaced by U+FFFD.
 */
export function asJson(value: unknown): string | null {
  if (value === undefined || value === null) return null
  const text = JSON.stringify(value)
  return NOT_JSONB.test(text) ? JSON.stringify(value, (_name, each) => storable(each)) : text
}

/** How `JSON.stringify` writes such a character. Or a backslash before these letters, which is then found to be none. */
const NOT_JSONB = /\\u(?:0000|d[89a-f])/

function storable(value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '\ufffd') : value
}

export { sql }
