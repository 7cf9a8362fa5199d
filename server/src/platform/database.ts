import type { EventEmitter } from 'node:events'
import { parseExactJson } from '@permea/contract'
import { CompiledQuery, Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { createAnswerWatch } from './answer-watch.ts'
import { withWorkBeforehand } from './beforehand.ts'
import { NotWritable } from './database-errors.ts'
import { createServerChoice, type DatabaseServer, readDatabaseUrl, type ServerChoice } from './database-hosts.ts'
import type { Log } from './log.ts'
import { createReadReplica, type ReadReplica } from './read-replica.ts'
import { readingSealedJson } from './sealed-json.ts'
import type { Sealing } from './sealing.ts'

// Counters and sizes fit a JavaScript number; ids are uuids. Timestamps come as Date.
pg.types.setTypeParser(pg.types.builtins.INT8, Number)
pg.types.setTypeParser(pg.types.builtins.JSON, parseExactJson)
pg.types.setTypeParser(pg.types.builtins.JSONB, parseExactJson)

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
  /**
   * For lists of what happened, figures and searches: a read replica may answer, with rows that are a moment old. The same
   * as `db` where there is none. Never for what decides something, nor for transactions.
   */
  readonly reading: Tx
  /** Null where there is no read replica. */
  readonly replica: ReadReplica | null
  /** For prepared statements that find their rows by index: see `HOT`. */
  readonly hot: pg.Pool
  /** Runs a statement that is prepared on first use. */
  query<Row extends object>(statement: Statement): Promise<Row[]>
  /**
   * Runs statements in one transaction and one round trip: they are sent without waiting for answers, so none may need
   * another's. All of it is committed when the promise resolves, or none. Gives the rows of each.
   */
  atomically<Row extends object = never>(statements: readonly Statement[]): Promise<Row[][]>
  /**
   * Runs `work` in one transaction: all of it is committed when the promise resolves, or none. It is run once more where
   * it needs something that is to be done before (`beforehand`), so it changes nothing but the database.
   */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** For chores that may take their time: a connection of its own, closed afterwards, whose statements may be long. */
  unhurried<T>(work: (db: Tx) => Promise<T>): Promise<T>
  /**
   * A connection of its own, outside the pools, for locks and notifications that belong to a session. Answers are
   * waited for without end unless `timing` says how long.
   */
  connect(timing?: { answerMs: number }): Promise<pg.Client>
  close(): Promise<void>
}

/** A statement of the engine that takes longer is given up: it holds a connection, and whoever asked is long gone. */
const STATEMENT_MS = 12_000

/**
 * After that an answer is not waited for: the way to the server is broken without anybody having closed it. Longer than
 * the server takes to give a statement up, so that its own word is heard first.
 */
const ANSWER_MS = 15_000

/** The kernel's probes find a server that vanished while nobody asks it anything. */
const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelayMillis: 5000 }

/** Opens pools; nothing is sent until the first statement. Throws where the URL names no servers that can be read. */
export function createDatabase(options: {
  url: string
  connectionsMax: number
  log: Log
  /** How long an answer is waited for, in milliseconds. */
  answerMs?: number
  /** A standby that lists are read from, and how old its rows may be, in milliseconds. */
  replica?: { url: string; lagMsMax: number } | null
  /** Opens what columns of the type `json` keep sealed; without it they are read as the texts that they are. */
  sealing?: Pick<Sealing, 'open'>
}): Database {
  const answerMs = options.answerMs ?? ANSWER_MS
  const address = readDatabaseUrl(options.url)
  const choice = createServerChoice(address)
  const types = new pg.TypeOverrides()
  if (options.sealing !== undefined) types.setTypeParser(pg.types.builtins.JSON, readingSealedJson(options.sealing))
  const config = { application_name: 'permea', connectionTimeoutMillis: 10_000, types, ...KEEP_ALIVE }
  const Client = clientOf(choice, address.mustTakeWrites)
  const answers = createAnswerWatch()
  const lost = (error: Error) => options.log.debug({ message: error.message }, 'a database connection was lost')
  const openPool = (more: pg.PoolConfig, settings: string, silenceMs: number | null) => {
    const opened = new pg.Pool({
      ...config,
      Client,
      idleTimeoutMillis: 30_000,
      // Not as parameters of the connection: poolers refuse those that they do not know.
      async onConnect(client) {
        if (silenceMs !== null) answers.watch(client as pg.Client, silenceMs)
        await client.query(settings)
      },
      ...more,
    })
    opened.on('connect', (client) => client.on('error', lost))
    opened.on('error', (error) => options.log.debug({ message: error.message }, 'an idle database connection was lost'))
    return opened
  }
  const hotMax = Math.min(HOT_MAX, Math.max(1, Math.floor(options.connectionsMax / 2)))
  const hot = openPool({ pipeline: true, max: hotMax }, `${QUICK}; ${HOT}`, answerMs)
  const pool = openPool({ max: Math.max(1, options.connectionsMax - hotMax) }, QUICK, answerMs)
  const db = new Kysely<NoTables>({ dialect: new PostgresDialect({ pool }) })
  const replica = openReplica()
  return {
    db,
    pool,
    reading: replica === null ? db : new Kysely<NoTables>({ dialect: new PostgresDialect({ pool: replica.pool }) }),
    replica,
    hot,
    async query<Row extends object>(statement: Statement) {
      return (await hot.query<Row & pg.QueryResultRow>(statement)).rows
    },
    async atomically<Row extends object>(statements: readonly Statement[]) {
      // One statement is a transaction of its own.
      const [only, ...others] = statements
      if (only !== undefined && others.length === 0) return [(await hot.query<Row & pg.QueryResultRow>(only)).rows]
      return inOneGo<Row>(hot, statements)
    },
    transaction: (work) => withWorkBeforehand((whole) => db.transaction().execute(async (tx) => whole(await work(tx)))),
    async unhurried(work) {
      const alone = openPool({ max: 1 }, UNHURRIED, null)
      const own = new Kysely<NoTables>({ dialect: new PostgresDialect({ pool: alone }) })
      try {
        return await work(own)
      } finally {
        await own.destroy()
      }
    },
    async connect(timing) {
      const client = new Client(config)
      client.on('error', lost)
      await client.connect()
      if (timing !== undefined) answers.watch(client, timing.answerMs)
      return client
    },
    async close() {
      await replica?.close()
      await hot.end()
      await db.destroy()
      answers.stop()
      // Kysely leaves alone a pool that it never used.
      if (!pool.ended) await pool.end()
    },
  }

  function openReplica(): ReadReplica | null {
    if (options.replica === undefined || options.replica === null) return null
    const { url, lagMsMax } = options.replica
    const address = readDatabaseUrl(url)
    const Standby = clientOf(createServerChoice(address), false)
    const standby = openPool({ Client: Standby, max: REPLICA_MAX }, QUICK, answerMs)
    return createReadReplica({ primary: pool, standby, lagMsMax, log: options.log })
  }
}

/** Connections to a read replica at most. */
const REPLICA_MAX = 8

type Connected = ((error: Error) => void) | ((error: null, client: pg.Client) => void)

/**
 * A client of the server that worked last. One that cannot be reached, or takes no writes where it must, moves the
 * choice on; one that stops taking writes later (a proxy in between turned to a standby) is closed, so that the pool
 * asks for another.
 */
function clientOf(choice: ServerChoice, mustTakeWrites: boolean): new (config?: pg.ClientConfig) => pg.Client {
  return class extends pg.Client {
    readonly #server: DatabaseServer

    constructor(config: pg.ClientConfig = {}) {
      const server = choice.current()
      super({ ...config, connectionString: server.url })
      this.#server = server
      // Lost while it looks at the server it has no other listener yet, and that would end the process. Who waits for
      // the connection is told by its rejection.
      this.on('error', () => {})
    }

    override connect(): Promise<pg.Client>
    override connect(callback: Connected): void
    override connect(callback?: Connected): Promise<pg.Client> | undefined {
      const connected = this.#connectAndLook().catch((error: Error) => {
        choice.failed(this.#server)
        throw error
      })
      if (callback === undefined) return connected
      const tell = callback as (error: Error | null, client?: pg.Client) => void
      connected.then((client) => tell(null, client), tell)
      return undefined
    }

    async #connectAndLook(): Promise<pg.Client> {
      await super.connect()
      if (!mustTakeWrites) return this
      const { rows } = await this.query<{ readOnly: string }>(
        `select current_setting('transaction_read_only') as "readOnly"`,
      )
      if (rows[0]?.readOnly === 'on') {
        await this.end()
        throw new NotWritable(this.#server.name)
      }
      // The driver tells of a statement's error only who sent it; its connection tells of all.
      const { connection } = this as unknown as { connection: EventEmitter }
      connection.on('errorMessage', ({ code }: { code?: string }) => {
        if (code === '25006') setImmediate(() => void this.end().catch(() => {}))
      })
      return this
    }
  }
}

/** Most of the connections that may be opened which are kept for hot statements. */
const HOT_MAX = 6

/** What a transaction that nobody goes on with may hold its locks for. */
const IDLE_MS = 60_000

/**
 * A machine that vanished without closing its connections is noticed by the database in about 8 s, which then ends their
 * sessions and frees their locks. The kernel sends no probes while something that it sent is not confirmed, as notices
 * are that the machine no longer hears; that has a limit of its own, or it would last a quarter of an hour.
 *
 * @source RFC 5482; tcp(7), TCP_USER_TIMEOUT
 */
export const NOTICES_VANISHED_CLIENTS =
  'set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 1; set tcp_keepalives_count = 3; set tcp_user_timeout = 8000'

const QUICK = `set statement_timeout = ${STATEMENT_MS}; set idle_in_transaction_session_timeout = ${IDLE_MS}; ${NOTICES_VANISHED_CLIENTS}`

const UNHURRIED = 'set statement_timeout = 0'

/**
 * Statements are sent without waiting for the answers before. Each finds a few rows by index however large the table
 * is; but a plan made while a busy table looks empty would read all of it, with every row that was deleted since.
 */
const HOT =
  'set plan_cache_mode = force_generic_plan; set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off'

async function inOneGo<Row extends object>(pool: pg.Pool, statements: readonly Statement[]): Promise<Row[][]> {
  const client = await pool.connect()
  // After a failure the others fail too and the commit does nothing; each must be heard before the first one is told.
  const answers = await Promise.allSettled([
    client.query('begin'),
    ...statements.map((statement) => client.query<Row & pg.QueryResultRow>(statement)),
    client.query('commit'),
  ])
  const failed = answers.find((answer) => answer.status === 'rejected')
  client.release(failed !== undefined)
  if (failed !== undefined) throw failed.reason
  return answers.slice(1, -1).flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.rows as Row[]] : []))
}

/** Runs a prepared statement within a transaction that waits for its answer. */
export async function runPrepared(tx: Tx, { text, values }: Statement): Promise<void> {
  await tx.executeQuery(CompiledQuery.raw(text, values))
}

const PORTION = 20_000

/** Deletes what may be much: each statement at most so many rows, until one finds fewer. */
export async function inPortions(
  remove: (limit: number) => Promise<{ numAffectedRows?: bigint | undefined }>,
): Promise<void> {
  for (;;) {
    const { numAffectedRows } = await remove(PORTION)
    if (Number(numAffectedRows ?? 0) < PORTION) return
  }
}

/** The one row of a statement that must give exactly one. */
export function only<T>(rows: readonly T[]): T {
  const row = rows[0]
  if (row === undefined || rows.length !== 1) throw new Error(`expected one row, got ${rows.length}`)
  return row
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
