import type pg from 'pg'
import type { Database, Tx } from './database.ts'
import { isDatabaseAway } from './database-errors.ts'
import type { Log } from './log.ts'
import { createOutageLog, type OutageLog } from './outage-log.ts'
import {
  type HeldLock,
  type LockSession,
  type LockSessions,
  lockSessionsOf,
  MEMBER,
  SESSION,
  SHARD,
} from './ownership-session.ts'

/** Lanes are spread over this many shards; each shard is worked by at most one process at a time. */
export const SHARDS = 64

const SESSION_NUMBERS = 2 ** 31
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
  /**
   * The number of the session that holds the locks, which holds one by this number too: what is written down under it
   * is nobody's from the moment the session ends. Null while there is none.
   */
  readonly session: number | null
  /**
   * The session of the process that works this shard, as far as is known: what was so some 2 s ago. Null where nobody
   * did.
   */
  sessionOf(shard: number): number | null
  /** Whether this process owns every shard: then nobody else needs to be told of new work. */
  ownsAll(): boolean
  listen(listener: OwnershipListener): void
  /** Why this process works no shards and hears nothing just now; null when all is well. */
  trouble(): string | null
  /** Tells all processes, this one included. */
  notify(notice: Notice): Promise<void>
  /** The same when the transaction commits, and not at all if it does not. */
  notifyOnCommit(tx: Tx, notice: Notice): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

export interface OwnershipOptions extends Member {
  database: Database
  /** Called on the session each time it is made: for locks that must live and die with it. */
  onSession?(client: pg.Client): Promise<void>
}

/** How a process takes part. */
interface Member {
  log: Log
  /** Uniform in [0, 1); processes that start together should not reach for the same shards. */
  random(): number
  /** Whether this process works shards at all, or only listens (a process of the `api` role). */
  isWorker: boolean
  tickMs?: number
}

export function createOwnership(options: OwnershipOptions): Ownership {
  return ownershipBy(lockSessionsOf(options.database, options.onSession), options)
}

/** Ownership by whatever sessions there are. */
export function ownershipBy(sessions: LockSessions, member: Member): Ownership {
  return new SessionOwnership(sessions, member)
}

/** The shard that a lane belongs to: a stable hash of its id. */
export function shardOf(laneId: string): number {
  return Number.parseInt(laneId.slice(-2), 16) % SHARDS
}

class SessionOwnership implements Ownership {
  readonly #sessions: LockSessions
  readonly #options: Member
  readonly #mine = new Set<number>()
  readonly #listeners: OwnershipListener[] = []
  /** Sessions of other processes, by the shards that they work. */
  #others: ReadonlyMap<number, number> = new Map()
  #session: LockSession | null = null
  #sessionNumber: number | null = null
  #timer: NodeJS.Timeout | null = null
  #isStopping = false
  #isStarted = false
  #trouble: string | null = null
  readonly #outage: OutageLog
  #turn: Promise<void> = Promise.resolve()

  constructor(sessions: LockSessions, options: Member) {
    this.#sessions = sessions
    this.#options = options
    this.#outage = createOutageLog(options.log, 'the session that holds the shards')
  }

  owns(shard: number): boolean {
    return this.#mine.has(shard)
  }

  get session(): number | null {
    return this.#session === null ? null : this.#sessionNumber
  }

  sessionOf(shard: number): number | null {
    return this.owns(shard) ? this.session : (this.#others.get(shard) ?? null)
  }

  ownsAll(): boolean {
    return this.#mine.size === SHARDS
  }

  listen(listener: OwnershipListener): void {
    this.#listeners.push(listener)
  }

  trouble(): string | null {
    if (this.#session !== null || !this.#isStarted) return null
    return this.#trouble ?? 'the session that holds the shards was lost'
  }

  async notify(notice: Notice): Promise<void> {
    await this.#sessions.notify(JSON.stringify(notice))
  }

  async notifyOnCommit(tx: Tx, notice: Notice): Promise<void> {
    await this.#sessions.notifyOnCommit(tx, JSON.stringify(notice))
  }

  async start(): Promise<void> {
    await this.#connect()
    this.#isStarted = true
    await this.#inTurn(() => this.#balance())
    this.#scheduleTick()
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    this.#isStarted = false
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
    this.#turn = turn.catch((error: Error) => {
      if (!isDatabaseAway(error)) {
        this.#options.log.warn({ message: error.message }, 'shard ownership could not be checked')
        return
      }
      // What does not answer may still hold its connection open, and with it the locks.
      const session = this.#session
      if (session !== null) this.#lostSoon(session)
    })
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
    const number = Math.floor(this.#options.random() * SESSION_NUMBERS)
    let session: LockSession | null = null
    const gone = () => {
      if (session !== null && this.#session === session) this.#lostSoon(session)
    }
    session = await this.#sessions.open({
      number,
      isMember: this.#options.isWorker,
      onGone: gone,
      onNotice: (payload) => this.#hear(payload),
    })
    this.#session = session
    this.#sessionNumber = number
  }

  #hear(payload: string): void {
    const notice: Notice = JSON.parse(payload)
    for (const listener of this.#listeners) listener.noticed?.(notice)
  }

  #lostSoon(session: LockSession): void {
    void this.#inTurn(() => this.#sessionLost(session)).catch(() => {})
  }

  async #sessionLost(session: LockSession): Promise<void> {
    if (this.#session !== session) return
    this.#session = null
    this.#options.log.warn({ shards: this.#mine.size }, 'the database session was lost; its shards are given up')
    // It may be half open: the database must not keep the locks for a client that nobody listens to.
    void session.end().catch(() => {})
    // With the session went the locks: others may already be at work in these shards.
    const lost = [...this.#mine]
    this.#mine.clear()
    await Promise.all(this.#listeners.map((each) => each.lost?.(lost, 'sudden')))
    while (!this.#isStopping && this.#session === null) {
      try {
        await this.#connect()
        this.#trouble = null
      } catch (error) {
        this.#trouble = (error as Error).message
        this.#outage.failed(error as Error)
        await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS))
      }
    }
    if (!this.#isStopping) await this.#balance()
  }

  /** Takes free shards up to a fair share and gives up what is more than that. */
  async #balance(): Promise<void> {
    const session = this.#session
    if (session === null || this.#isStopping) return
    const locks = await session.held()
    this.#others = workersIn(locks)
    if (!this.#options.isWorker) return
    const { free, share } = sharesIn(locks)
    if (this.#mine.size > share) await this.#giveUp([...this.#mine].slice(share))
    if (free.length > 0 && this.#mine.size < share) await this.#take(session, free, share - this.#mine.size)
  }

  async #take(session: LockSession, free: number[], most: number): Promise<void> {
    const start = Math.floor(this.#options.random() * free.length)
    const wanted = [...free.slice(start), ...free.slice(0, start)].slice(0, most)
    const gained = await session.take(wanted)
    for (const shard of gained) this.#mine.add(shard)
    if (gained.length > 0) await Promise.all(this.#listeners.map((each) => each.gained?.(gained)))
  }

  async #giveUp(shards: number[]): Promise<void> {
    if (shards.length === 0) return
    for (const shard of shards) this.#mine.delete(shard)
    await Promise.all(this.#listeners.map((each) => each.lost?.(shards, 'given-up')))
    await this.#session?.release(shards).catch(() => {})
  }
}

/** Which shards nobody works, and how many each of the members should. */
function sharesIn(locks: readonly HeldLock[]): { free: number[]; share: number } {
  const members = locks.filter(({ kind }) => kind === MEMBER).length
  const taken = new Set(locks.filter(({ kind }) => kind === SHARD).map(({ shard }) => shard))
  const free = Array.from({ length: SHARDS }, (_, shard) => shard).filter((shard) => !taken.has(shard))
  return { free, share: Math.ceil(SHARDS / Math.max(1, members)) }
}

/** Which session works which shard. */
function workersIn(locks: readonly HeldLock[]): Map<number, number> {
  const of = (kind: number) => locks.filter((lock) => lock.kind === kind)
  const sessions = new Map(of(SESSION).map(({ pid, shard }) => [pid, shard]))
  return new Map(
    of(SHARD).flatMap(({ pid, shard }) => {
      const session = sessions.get(pid)
      return session === undefined ? [] : [[shard, session] as const]
    }),
  )
}
