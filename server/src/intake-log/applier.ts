import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { sql } from '../platform/database.ts'
import { isDatabaseAway } from '../platform/database-errors.ts'
import type { Ids } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { ApplyEvents, Prepared, Stored } from './apply-events.ts'
import type { ApplyWebhook } from './apply-webhook.ts'
import type { Bus } from './bus.ts'
import { encodeEntries, type LogEntry, type LoggedEvents, type LoggedWebhook } from './log-entry.ts'
import { Reader } from './reader.ts'
import { isPlain, type Piece, type Shard, standingAt } from './shard.ts'
import { advanceShards, insertSetAside, openShards } from './store.ts'

export interface ApplierOptions {
  bus: Pick<Bus, 'identity' | 'follow'>
  database: Database
  clock: Clock
  ids: Ids
  log: Log
  events: ApplyEvents
  webhooks: ApplyWebhook
  /** How often a message is tried before it is set aside; 5 where absent. */
  triesMax?: number
  /** Bytes that wait here, of all shards that are read together; 16 MiB where absent. */
  waitingBytesMax?: number
}

/** Applies the log of the shards that this process works, each message once and in order. */
export interface Applier {
  follow(shards: readonly number[]): Promise<void>
  /** Resolves when nothing of these shards is applied any more; at once where that is `sudden`, since then it is refused. */
  leave(shards: readonly number[], how?: 'given-up' | 'sudden'): Promise<void>
  lags(): ShardLag[]
  /** Messages of the log that were not read yet, as far as was seen a moment ago. */
  unread(): number
  /** Resolves when these shards, as far as they are worked here, are applied up to these sequences. */
  applied(upTo: ReadonlyMap<number, number>): Promise<void>
  stop(): Promise<void>
}

/** What of a shard was read and is not yet applied. */
export interface ShardLag {
  shard: number
  messages: number
  /** How long the oldest of them waits. */
  ageMs: number
}

/** Entries and bytes that are stored in one transaction. */
const GROUP_MAX = 500
const GROUP_BYTES_MAX = 8 * 1024 * 1024
const TRIES_MAX = 5
const AWAY_MS = 250
const RETRY_MS = 100
/** How often shards that could not be followed are tried again, and those that stand are said to be further. */
const LOOK_MS = 1000
/** Somebody else applied what this process was about to: it has to look where the shard stands. */
class Behind extends Error {}

export function createApplier(options: ApplierOptions): Applier {
  return new LogApplier(options)
}

class LogApplier implements Applier {
  readonly #o: ApplierOptions
  readonly #shards = new Map<number, Shard>()
  /** Shards to be followed; those that could not be yet are tried again. */
  readonly #wanted = new Set<number>()
  readonly #reader: Reader
  #isStopped = false
  #wake: () => void = () => {}
  readonly #running: Promise<void>
  readonly #looking: NodeJS.Timeout
  #look: Promise<void> = Promise.resolve()

  constructor(options: ApplierOptions) {
    this.#o = options
    const { bus, waitingBytesMax } = options
    this.#reader = new Reader({ bus, shards: this.#shards, bytesMax: waitingBytesMax, came: () => this.#wake() })
    this.#running = this.#run()
    this.#looking = setInterval(() => {
      this.#look = this.#look.then(() => this.#followMissing()).then(() => this.#advanceStanding())
    }, LOOK_MS)
  }

  async follow(numbers: readonly number[]): Promise<void> {
    for (const number of numbers) this.#wanted.add(number)
    await this.#followMissing()
  }

  async #followMissing(): Promise<void> {
    const missing = [...this.#wanted].filter((number) => !this.#shards.has(number))
    if (missing.length === 0 || this.#isStopped) return
    try {
      await this.#begin(missing)
    } catch (error) {
      this.#o.log.debug({ message: (error as Error).message }, 'shards of the intake log are followed later')
    }
  }

  async #begin(numbers: readonly number[]): Promise<void> {
    const applied = await openShards(this.#o.database.db, numbers, this.#o.bus.identity)
    const isWanted = (number: number) => !this.#isStopped && !this.#shards.has(number) && this.#wanted.has(number)
    const begun = numbers.filter(isWanted).map((number) => standingAt(number, applied.get(number) ?? 0))
    if (begun.length === 0) return
    // Before they are among the others: those have taken more than what is read again for these.
    this.#reader.readFrom(Math.min(...begun.map((each) => each.applied)))
    for (const shard of begun) this.#shards.set(shard.number, shard)
  }

  async leave(numbers: readonly number[], how: 'given-up' | 'sudden' = 'given-up'): Promise<void> {
    for (const number of numbers) this.#wanted.delete(number)
    const left = numbers.flatMap((number) => this.#shards.get(number) ?? [])
    for (const shard of left) {
      shard.isLeft = true
      this.#shards.delete(shard.number)
      this.#reader.left(shard)
    }
    if (how === 'sudden') return
    while (left.some((shard) => shard.isBusy)) await pause(5)
  }

  lags(): ShardLag[] {
    const nowMs = this.#o.clock.now().getTime()
    return [...this.#shards.values()].map(({ number, waiting }) => ({
      shard: number,
      messages: waiting.length,
      ageMs: waiting[0] === undefined ? 0 : Math.max(0, nowMs - waiting[0].atMs),
    }))
  }

  unread(): number {
    return this.#reader.unread()
  }

  async applied(upTo: ReadonlyMap<number, number>): Promise<void> {
    const isBehind = ([number, sequence]: [number, number]) => {
      const shard = this.#shards.get(number)
      return shard === undefined ? this.#wanted.has(number) : shard.applied < sequence
    }
    while ([...upTo].some(isBehind)) await pause(5)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearInterval(this.#looking)
    await this.leave([...this.#shards.keys()])
    this.#wanted.clear()
    this.#wake()
    await this.#look
    await this.#running
  }

  /** Writes how far shards are for which nothing came, or of which what comes next waits: what is before may leave the log. */
  async #advanceStanding(): Promise<void> {
    const standing = [...this.#shards.values()].flatMap((shard) => {
      const [first] = shard.waiting
      const after = first === undefined ? this.#reader.positionOf(shard) : first.sequence - 1
      return shard.isBusy || after <= shard.applied ? [] : [{ shard, after }]
    })
    if (standing.length === 0 || this.#isStopped) return
    for (const { shard } of standing) shard.isBusy = true
    try {
      const advances = standing.map(({ shard, after }) => ({ shard: shard.number, before: shard.applied, after }))
      const isSo = await advanceShards(this.#o.database.db, this.#o.bus.identity, advances)
      for (const { shard, after } of standing) {
        if (isSo) shard.applied = after
        else await this.#failed(shard, new Behind(), true)
      }
    } catch (error) {
      this.#o.log.debug({ message: (error as Error).message }, 'how far the intake log is read is written later')
    } finally {
      for (const { shard } of standing) shard.isBusy = false
      this.#wake()
    }
  }

  // ── what is due ──

  async #run(): Promise<void> {
    let next = 0
    while (!this.#isStopped) {
      const all = [...this.#shards.values()]
      const turn = [...all.slice(next % (all.length || 1)), ...all.slice(0, next % (all.length || 1))]
      next += 1
      const group = this.#groupOf(turn)
      if (group.size > 0) await this.#applyGroup(group)
      else await this.#pause(all)
    }
  }

  /** Whole messages from the front of shards; what is not plain events goes its own way. */
  #groupOf(shards: readonly Shard[]): Map<Shard, Piece[]> {
    const group = new Map<Shard, Piece[]>()
    const nowMs = performance.now()
    let [entries, bytes] = [0, 0]
    for (const shard of shards) {
      if (shard.isBusy || shard.notBeforeMs > nowMs) continue
      const [first] = shard.waiting
      if (first === undefined) continue
      if (shard.tries > 0 || !isPlain(first)) {
        void this.#applyAlone(shard, first)
        continue
      }
      const taken: Piece[] = []
      for (const message of shard.waiting) {
        if (!isPlain(message) || (entries > 0 && (entries >= GROUP_MAX || bytes >= GROUP_BYTES_MAX))) break
        taken.push(message)
        entries += message.entries.length
        bytes += message.bytes
      }
      if (taken.length > 0) group.set(shard, taken)
    }
    return group
  }

  #pause(shards: readonly Shard[]): Promise<void> {
    const due = shards.filter((shard) => shard.waiting.length > 0 && !shard.isBusy).map((shard) => shard.notBeforeMs)
    return new Promise((resolve) => {
      const timer =
        due.length === 0 ? undefined : setTimeout(resolve, Math.max(1, Math.min(...due) - performance.now()))
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  // ── applying ──

  async #applyGroup(group: Map<Shard, Piece[]>): Promise<void> {
    for (const shard of group.keys()) shard.isBusy = true
    try {
      const entries = [...group.values()].flat().flatMap((message) => message.entries as LoggedEvents[])
      const prepared = await this.#o.events.prepare(entries)
      const stored = await this.#o.database.transaction(async (tx) => {
        const advances = [...group].map(([shard, messages]) => ({
          shard: shard.number,
          before: shard.applied,
          after: messages.at(-1)?.sequence ?? shard.applied,
        }))
        if (!(await advanceShards(tx, this.#o.bus.identity, advances))) throw new Behind()
        return this.#o.events.store(tx, prepared)
      })
      this.#o.events.committed(prepared, stored)
      for (const [shard, messages] of group) this.#done(shard, messages)
    } catch (error) {
      for (const shard of group.keys()) await this.#failed(shard, error as Error, group.size === 1)
    } finally {
      for (const shard of group.keys()) shard.isBusy = false
    }
  }

  /** What may be in the way of others, or takes its time: one message, while the other shards go on. */
  async #applyAlone(shard: Shard, message: Piece): Promise<void> {
    shard.isBusy = true
    try {
      if (message.unreadable !== null) await this.#setAside(shard, message, message.unreadable)
      else if (shard.tries >= (this.#o.triesMax ?? TRIES_MAX)) await this.#applyEach(shard, message)
      else await this.#applyOne(shard, message, message.entries)
      this.#done(shard, [message])
    } catch (error) {
      await this.#failed(shard, error as Error, true)
    } finally {
      shard.isBusy = false
      this.#wake()
    }
  }

  async #applyOne(shard: Shard, message: Piece, entries: readonly LogEntry[]): Promise<void> {
    for (const entry of entries) if (entry.kind === 'webhook') await this.#o.webhooks.apply(entry)
    const prepared = await this.#o.events.prepare(entries.filter((entry) => entry.kind === 'events'))
    const stored = await this.#advancing(shard, message, (tx) => this.#o.events.store(tx, prepared))
    this.#o.events.committed(prepared, stored)
  }

  /** After the last try: each entry by itself, so that only what cannot be applied is set aside. */
  async #applyEach(shard: Shard, message: Piece): Promise<void> {
    const after: { prepared: Prepared; stored: Stored }[] = []
    await this.#advancing(shard, message, async (tx) => {
      for (const entry of message.entries) {
        await sql`savepoint entry`.execute(tx)
        try {
          if (entry.kind === 'webhook') await this.#o.webhooks.apply(entry)
          else {
            const prepared = await this.#o.events.prepare([entry])
            after.push({ prepared, stored: await this.#o.events.store(tx, prepared) })
          }
        } catch (error) {
          if (isDatabaseAway(error)) throw error
          await sql`rollback to savepoint entry`.execute(tx)
          await insertSetAside(
            tx,
            this.#asideOf(shard, message, encodeEntries([entry]), (error as Error).message, entry),
          )
        }
      }
    })
    for (const { prepared, stored } of after) this.#o.events.committed(prepared, stored)
  }

  async #setAside(shard: Shard, message: Piece, data: Uint8Array): Promise<void> {
    await this.#advancing(shard, message, (tx) =>
      insertSetAside(tx, this.#asideOf(shard, message, Buffer.from(data), 'it cannot be read', null)),
    )
  }

  #asideOf(shard: Shard, { sequence }: Piece, entry: Buffer, error: string, of: LogEntry | null) {
    this.#o.log.warn({ shard: shard.number, sequence, message: error }, 'a message of the intake log was set aside')
    const workspaceId = of === null ? null : workspaceOf(of)
    return { id: this.#o.ids.next(), workspaceId, shard: shard.number, sequence, entry, error, tries: shard.tries }
  }

  #advancing<T>(shard: Shard, { sequence }: Piece, work: (tx: Parameters<ApplyEvents['store']>[0]) => Promise<T>) {
    return this.#o.database.transaction(async (tx) => {
      const advance = { shard: shard.number, before: shard.applied, after: sequence }
      if (!(await advanceShards(tx, this.#o.bus.identity, [advance]))) throw new Behind()
      return work(tx)
    })
  }

  #done(shard: Shard, messages: readonly Piece[]): void {
    shard.waiting.splice(0, messages.length)
    shard.waitingBytes -= messages.reduce((sum, each) => sum + each.bytes, 0)
    shard.applied = messages.at(-1)?.sequence ?? shard.applied
    shard.tries = 0
    shard.notBeforeMs = 0
    this.#reader.roomMade(shard)
  }

  async #failed(shard: Shard, error: Error, isAlone: boolean): Promise<void> {
    if (error instanceof Behind) {
      this.#o.log.warn({ shard: shard.number }, 'this shard of the intake log was applied elsewhere')
      // What it had in hand is read anew from where it stands.
      await this.leave([shard.number], 'sudden')
      await this.follow([shard.number])
      return
    }
    if (isDatabaseAway(error)) {
      shard.notBeforeMs = performance.now() + AWAY_MS
      return
    }
    // In a group it may be another's fault: from here on each shard goes alone.
    shard.tries += 1
    if (isAlone) shard.notBeforeMs = performance.now() + RETRY_MS * 2 ** shard.tries
    this.#o.log.debug({ shard: shard.number, message: error.message }, 'a message of the intake log is tried again')
  }
}

function workspaceOf(entry: LoggedEvents | LoggedWebhook): string | null {
  return entry.kind === 'webhook' ? entry.workspaceId : (entry.events[0]?.event.workspaceId ?? null)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
