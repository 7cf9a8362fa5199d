import type pg from 'pg'
import { type Database, sql, type Tx } from './database.ts'
import type { Log } from './log.ts'

/** Lanes are spread over this many shards; each shard is worked by at most one process at a time. */
export const SHARDS = 64

const MEMBER = 0x70650001
const SHARD = 0x70650002
const CHANNEL = 'permea'
const RECONNECT_MS = 250

/** What processes tell each other; small, because the rows themselves are in the database. */
export type Notice = { about: string; [field: string]: unknown }

export interface OwnershipListener {
  /** These shards are ours from now on: take up what waits in them. */
  gained?(shards: readonly number[]): Promise<void>
  /**
   * Give these up: start nothing more in them. Resolves when nothing of them is under way. Where it is `sudden`, others
   * may be at work in them already.
   */
  lost?(shards: readonly number[], how: 'given-up' | 'sudden'): Promise<void>
  noticed?(notice: Notice): void
}

/**
 * Who works which shard, kept as session advisory locks: a killed process loses its shards the moment
 * the database sees its connection closed, and others take them at their next tick. No table, no
 * heartbeat, nothing to clean up.
 *
 * @source decision 0005
 */
export interface Ownership extends AsyncDisposable {
  owns(shard: number): boolean
  /** Whether this process owns every shard: then nobody else needs to be told of new work. */
  ownsAll(): boolean
  listen(listener: OwnershipListener): void
  /** Tells all processes, this one included. */
  notify(notice: Notice): Promise<void>
  /** The same when the transaction commits, and not at all if it does not. */
  notifyOnCommit(tx: Tx, notice: Notice): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

export interface OwnershipOptions {
  database: Database
  log: Log
  /** Uniform in [0, 1); processes that start together should not reach for the same shards. */
  random(): number
  /** Whether this process works shards at all, or only listens (a process of the `api` role). */
  isWorker: boolean
  tickMs?: number
  /** Called on the session each time it is made: for locks that must live and die with it. */
  onSession?(client: pg.Client): Promise<void>
}

export function createOwnership(options: OwnershipOptions): Ownership {
  return new SessionOwnership(options)
}

/** The shard that a lane belongs to: a stable hash of its id. */
export function shardOf(laneId: string): number {
  return Number.parseInt(laneId.slice(-2), 16) % SHARDS
}

class SessionOwnership implements Ownership {
  readonly #options: OwnershipOptions
  readonly #mine = new Set<number>()
  readonly #listeners: OwnershipListener[] = []
  #session: pg.Client | null = null
  #timer: NodeJS.Timeout | null = null
  #isStopping = false
  #turn: Promise<void> = Promise.resolve()

  constructor(options: OwnershipOptions) {
    this.#options = options
  }

  owns(shard: number): boolean {
    return this.#mine.has(shard)
  }

  ownsAll(): boolean {
    return this.#mine.size === SHARDS
  }

  listen(listener: OwnershipListener): void {
    this.#listeners.push(listener)
  }

  async notify(notice: Notice): Promise<void> {
    await this.#options.database.pool.query('select pg_notify($1, $2)', [CHANNEL, JSON.stringify(notice)])
  }

  async notifyOnCommit(tx: Tx, notice: Notice): Promise<void> {
    await sql`select pg_notify(${CHANNEL}, ${JSON.stringify(notice)})`.execute(tx)
  }

  async start(): Promise<void> {
    await this.#connect()
    await this.#inTurn(() => this.#balance())
    this.#scheduleTick()
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#inTurn(async () => {
      await this.#giveUp([...this.#mine])
      const session = this.#session
      this.#session = null
      await session?.end().catch(() => {})
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** Changes of ownership happen one after the other, whatever caused them. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch((error: Error) =>
      this.#options.log.warn({ message: error.message }, 'shard ownership could not be checked'),
    )
    return turn
  }

  #scheduleTick(): void {
    if (this.#isStopping) return
    this.#timer = setTimeout(() => {
      void this.#inTurn(() => this.#balance())
        .catch(() => {})
        .finally(() => this.#scheduleTick())
    }, this.#options.tickMs ?? 2000)
  }

  async #connect(): Promise<void> {
    const client = await this.#options.database.connect()
    const gone = () => {
      if (this.#session === client) void this.#inTurn(() => this.#sessionLost(client)).catch(() => {})
    }
    client.on('error', gone)
    client.on('end', gone)
    client.on('notification', (message) => this.#hear(message.payload ?? ''))
    try {
      await this.#prepare(client)
    } catch (error) {
      await client.end().catch(() => {})
      throw error
    }
    this.#session = client
  }

  async #prepare(client: pg.Client): Promise<void> {
    // A machine that vanished without closing its connection is noticed by the database in about 8 s.
    await client.query('set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 1; set tcp_keepalives_count = 3')
    await client.query(`listen ${CHANNEL}`)
    if (this.#options.isWorker) await client.query('select pg_advisory_lock_shared($1, 0)', [MEMBER])
    await this.#options.onSession?.(client)
  }

  #hear(payload: string): void {
    const notice: Notice = JSON.parse(payload)
    for (const listener of this.#listeners) listener.noticed?.(notice)
  }

  async #sessionLost(client: pg.Client): Promise<void> {
    if (this.#session !== client) return
    this.#session = null
    this.#options.log.warn({ shards: this.#mine.size }, 'the database session was lost; its shards are given up')
    // With the session went the locks: others may already be at work in these shards.
    const lost = [...this.#mine]
    this.#mine.clear()
    await Promise.all(this.#listeners.map((each) => each.lost?.(lost, 'sudden')))
    while (!this.#isStopping && this.#session === null) {
      await this.#connect().catch(() => new Promise((resolve) => setTimeout(resolve, RECONNECT_MS)))
    }
    if (!this.#isStopping) await this.#balance()
  }

  /** Takes free shards up to a fair share and gives up what is more than that. */
  async #balance(): Promise<void> {
    const session = this.#session
    if (session === null || this.#isStopping || !this.#options.isWorker) return
    const { rows } = await session.query<{ kind: string; shard: string }>(
      `select classid as kind, objid as shard from pg_locks
        where locktype = 'advisory' and granted and classid in ($1, $2)
          and database = (select oid from pg_database where datname = current_database())`,
      [MEMBER, SHARD],
    )
    const members = rows.filter((row) => Number(row.kind) === MEMBER).length
    const taken = new Set(rows.filter((row) => Number(row.kind) === SHARD).map((row) => Number(row.shard)))
    const share = Math.ceil(SHARDS / Math.max(1, members))
    if (this.#mine.size > share) await this.#giveUp([...this.#mine].slice(share))
    const free = Array.from({ length: SHARDS }, (_, shard) => shard).filter((shard) => !taken.has(shard))
    if (free.length > 0 && this.#mine.size < share) await this.#take(session, free, share - this.#mine.size)
  }

  async #take(session: pg.Client, free: number[], most: number): Promise<void> {
    const start = Math.floor(this.#options.random() * free.length)
    const wanted = [...free.slice(start), ...free.slice(0, start)].slice(0, most)
    const { rows } = await session.query<{ shard: number; got: boolean }>(
      'select s as shard, pg_try_advisory_lock($1, s) as got from unnest($2::int[]) s',
      [SHARD, wanted],
    )
    const gained = rows.filter((row) => row.got).map((row) => row.shard)
    for (const shard of gained) this.#mine.add(shard)
    if (gained.length > 0) await Promise.all(this.#listeners.map((each) => each.gained?.(gained)))
  }

  async #giveUp(shards: number[]): Promise<void> {
    if (shards.length === 0) return
    for (const shard of shards) this.#mine.delete(shard)
    await Promise.all(this.#listeners.map((each) => each.lost?.(shards, 'given-up')))
    await this.#session
      ?.query('select pg_advisory_unlock($1, s) from unnest($2::int[]) s', [SHARD, shards])
      .catch(() => {})
  }
}
