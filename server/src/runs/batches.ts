import type { Clock } from '../platform/clock.ts'
import type { Statement } from '../platform/database.ts'
import { isRefused } from '../platform/database-errors.ts'
import type { Ids } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import { type Notice, type Ownership, shardOf } from '../platform/ownership.ts'
import { type BatchStore, fitsBatch } from './batch-store.ts'
import { type Batch, type RunItem, runItem } from './run.ts'

/** Batches of which nothing is left are deleted with what is recorded next, or after this time. */
const DELETE_AFTER_MS = 500
const AGAIN_MS = 200
/** A commit that takes longer than this is taken to have failed. */
const UNSURE_MS = 30_000
/** How often it is looked for what dead sessions left, at most. */
const TAKE_OVER_MS = 1000

/** What a notice to the session that is to work batches is about. */
const HANDED_OVER = 'run-batches'

export interface BatchesOptions {
  store: BatchStore
  ownership: Ownership
  clock: Clock
  ids: Ids
  log: Log
}

/**
 * New runs of one committed batch are stored as one row while they are worked here from memory: most are in the log
 * a moment later and never need a row among the active ones. What does need one gets it: what waits, goes on for long,
 * has several effects or does not fit into memory. Those that another process works are a batch of its own, which it is
 * told of.
 *
 * @source decision 0008
 */
export class Batches {
  readonly #o: BatchesOptions
  /** Batches that are worked here, from before their commit on. */
  readonly #known = new Map<string, Batch>()
  /** Those whose commit is not known of, and since when. */
  readonly #unsure = new Map<string, number>()
  readonly #done = new Set<string>()
  readonly #underWay = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | null = null
  #isStopped = false
  #isTakeOverDue = true
  #lookedMs = 0
  #takingOver: Promise<unknown> = Promise.resolve()
  /** Batches that other processes work and are about to be told of, by their sessions. */
  #handed = new Map<number, Set<string>>()

  constructor(options: BatchesOptions) {
    this.#o = options
    options.ownership.listen({
      gained: async () => {
        this.#isTakeOverDue = true
      },
    })
  }

  /** Stores those of the items that can stand in a batch as one; gives the items that need rows of their own. */
  inserting(items: readonly RunItem[]): { statements: Statement[]; others: RunItem[] } {
    const { ownership, ids, store } = this.#o
    const own = ownership.session
    if (own === null) return { statements: [], others: [...items] }
    const byOwner = Map.groupBy(items, (item) =>
      fitsBatch(item.run) ? ownership.sessionOf(shardOf(item.laneId)) : null,
    )
    const statements: Statement[] = []
    for (const [owner, together] of byOwner) {
      if (owner === null) continue
      const batch: Batch = { id: ids.next(), owner, left: together.length }
      if (owner === own) {
        this.#known.set(batch.id, batch)
        this.#unsure.set(batch.id, performance.now())
      }
      for (const item of together) item.batch = batch
      statements.push(store.inserting(batch.id, owner, together))
    }
    return { statements, others: byOwner.get(null) ?? [] }
  }

  /** Whether another process works the item; it is told of the batch, which is committed, a moment later. */
  handOver({ batch }: RunItem): boolean {
    if (batch === null || batch.owner === this.#o.ownership.session || this.#known.has(batch.id)) return false
    if (this.#handed.size === 0) setImmediate(() => this.#tellOthers())
    const ids = this.#handed.get(batch.owner) ?? new Set()
    this.#handed.set(batch.owner, ids.add(batch.id))
    return true
  }

  /** What is to be worked of a notice from a process that stored batches for this one; null where it is about others. */
  heard(notice: Notice): Promise<RunItem[]> | null {
    const isForThis = notice.about === HANDED_OVER && notice.session === this.#o.ownership.session
    return isForThis ? this.receive(notice.ids as string[]) : null
  }

  /**
   * Takes in batches that other processes stored for this one; all there are where `given` is null, for some may be on
   * their way here.
   */
  async receive(given: readonly string[] | null): Promise<RunItem[]> {
    const { store, ownership, log } = this.#o
    const owner = ownership.session
    if (owner === null) return []
    const known = [...this.#known.keys()]
    const ids = given?.filter((id) => !this.#known.has(id)) ?? null
    // Known from here on, so that they are not taken over like those of a dead session; what is being taken over is gone.
    for (const id of ids ?? []) this.#known.set(id, { id, owner, left: 0 })
    await this.#takingOver
    try {
      const rows = ids?.length === 0 ? [] : await store.runsOf(owner, { ids, known })
      // Of all there are, some may have been told of meanwhile.
      const fresh = ids === null ? rows.filter(({ batchId }) => !this.#known.has(batchId)) : rows
      const items = this.#received(fresh, owner)
      // Of which nothing is left to do: they go like those of a dead session.
      for (const id of ids ?? []) if (this.#known.get(id)?.left === 0) this.#known.delete(id)
      return items
    } catch (error) {
      for (const id of ids ?? []) this.#known.delete(id)
      log.warn({ message: (error as Error).message }, 'runs that were handed over are taken up later')
      return []
    }
  }

  #received(rows: Awaited<ReturnType<BatchStore['runsOf']>>, owner: number): RunItem[] {
    return rows.map(({ batchId, id, run, input }) => {
      const batch = this.#known.get(batchId) ?? { id: batchId, owner, left: 0 }
      this.#known.set(batchId, batch)
      batch.left += 1
      return { ...runItem(id, run, input, true), batch }
    })
  }

  /** What cannot be told is found by whom it is for when it looks for batches of its own that it does not know. */
  #tellOthers(): void {
    const handed = this.#handed
    this.#handed = new Map()
    for (const [session, ids] of handed)
      this.#o.ownership
        .notify({ about: HANDED_OVER, session, ids: [...ids] })
        .catch((error: Error) =>
          this.#o.log.warn({ message: error.message }, 'runs could not be handed over; they are found later'),
        )
  }

  /** Of an item whose batch was committed: whether it can be worked from memory, or needs a row. */
  isWorkedHere(item: RunItem): boolean {
    if (item.batch === null) return true
    this.#unsure.delete(item.batch.id)
    return this.#known.has(item.batch.id) && this.#o.ownership.owns(shardOf(item.laneId))
  }

  /** Gives items rows of their own, if they have none; waits for a database that is away. Does not reject. */
  activate(items: readonly RunItem[]): Promise<void> {
    const activating = this.#activateOrAbandon(items).finally(() => this.#underWay.delete(activating))
    this.#underWay.add(activating)
    return activating
  }

  /** The item is in the log or has a row of its own. */
  settle(item: RunItem): void {
    const { batch } = item
    if (batch === null) return
    item.batch = null
    batch.left -= 1
    if (batch.left > 0) return
    this.#done.add(batch.id)
    this.#deleteSoon()
  }

  /** What became of the item could not be recorded: what is left of its batch is taken over like a dead session's. */
  abandon(item: RunItem): void {
    if (item.batch !== null) this.#known.delete(item.batch.id)
  }

  /** Batches to be deleted with what is recorded next; call `deleted` when that is done. */
  get done(): string[] {
    return [...this.#done]
  }

  deleted(ids: readonly string[]): void {
    for (const id of ids) {
      this.#done.delete(id)
      this.#known.delete(id)
    }
  }

  /**
   * Makes active rows of what dead sessions left: now and then, and surely before a shard that was gained is read for
   * the first time. Gives the shards of others that have such rows now.
   */
  async takeOver(): Promise<number[]> {
    if (!this.#isTakeOverDue && performance.now() - this.#lookedMs < TAKE_OVER_MS) return []
    this.#isTakeOverDue = false
    this.#lookedMs = performance.now()
    this.#forgetUnsure()
    const { store, ownership, clock } = this.#o
    const taking = store.takeOver(ownership.session, [...this.#known.keys()], clock.now())
    this.#takingOver = taking.catch(() => {})
    const shards = await taking
    return shards.filter((shard) => !ownership.owns(shard))
  }

  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
    await this.#deleteDone()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.settled()
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  async #activateOrAbandon(items: readonly RunItem[]): Promise<void> {
    const unstored = items.filter((item) => item.batch !== null)
    if (unstored.length === 0) return
    try {
      await this.#activate(unstored)
      for (const item of unstored) this.settle(item)
    } catch (error) {
      this.#o.log.warn({ message: (error as Error).message }, 'some runs get their rows later')
      for (const item of unstored) this.abandon(item)
    }
  }

  async #activate(items: readonly RunItem[]): Promise<void> {
    const { store, clock } = this.#o
    for (;;) {
      try {
        await store.activate(items, clock.now())
        return
      } catch (error) {
        // They are safe in their batches, which whoever comes next takes over.
        if (this.#isStopped || isRefused(error)) throw error
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
      }
    }
  }

  async #deleteDone(): Promise<void> {
    const ids = this.done
    if (ids.length === 0) return
    try {
      await this.#o.store.delete(ids)
      this.deleted(ids)
    } catch (error) {
      this.#o.log.warn({ message: (error as Error).message }, 'finished batches are deleted later')
      this.#deleteSoon()
    }
  }

  #deleteSoon(): void {
    if (this.#timer !== null || this.#isStopped) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      void this.#deleteDone()
    }, DELETE_AFTER_MS)
    this.#timer.unref()
  }

  /** A batch that nobody heard the end of may be there or not: if it is, it is found like that of a dead session. */
  #forgetUnsure(): void {
    const edgeMs = performance.now() - UNSURE_MS
    for (const [id, sinceMs] of this.#unsure) {
      if (sinceMs > edgeMs) return
      this.#unsure.delete(id)
      this.#known.delete(id)
    }
  }
}
