import type { LaneItem, LaneOutcome, Lanes, LanesOptions } from './lane.ts'
import { LaneFaults } from './lane-faults.ts'
import type { LaneInMemory as Lane } from './lane-in-memory.ts'
import type { LaneSurvey, SurveyQuestion } from './lane-standing.ts'
import {
  isIdle,
  type LaneEffect,
  type LaneEvent,
  type LaneFetch,
  type LanesState,
  type Leaving,
  type LookReason,
  newLanesState,
} from './lane-state.ts'
import { step } from './lane-step.ts'
import { surveyOf } from './lane-survey.ts'
import { createWakeups, type Wakeups } from './lane-wakeups.ts'
import { LaneWatch } from './lane-watch.ts'
import { SHARDS } from './ownership.ts'

export function createLanes<Item extends LaneItem>(options: LanesOptions<Item>): Lanes<Item> {
  return new LanesInMemory(options)
}

/** What is at work in a shard that must be given up gets this long to end by itself. */
const LEAVE_GRACE_MS = 3000
/** Items of one lane that begin within so many ms. */
const PORTION = 3
const PORTION_MS = 1
/** How long work that yields leaves the process to others. */
const YIELD_MS = 10

/** The reason of an abort that is not the user's: the work is to be taken up again, here or elsewhere. */
export const LEAVING = 'leaving'

/** Tells `step` what happens and does what comes back: every timer, read, notice and piece of work of the lanes. */
class LanesInMemory<Item extends LaneItem> implements Lanes<Item> {
  readonly #options: LanesOptions<Item>
  readonly #state: LanesState<Item>
  readonly #controllers = new Map<string, AbortController>()
  readonly #wakeups: Wakeups
  readonly #faults: LaneFaults<Item>
  readonly #watch: LaneWatch
  readonly #leavings = new Map<Leaving<Item>, { resolve(): void; grace: NodeJS.Timeout | null }>()
  #sweepTimer: NodeJS.Timeout | null = null
  #waiters: (() => void)[] = []

  constructor(options: LanesOptions<Item>) {
    const { processCap, laneCap, heldMax, heldBytesMax, portion = PORTION, ownership } = options
    const yields = options.load !== undefined
    this.#options = options
    this.#state = newLanesState({ processCap, laneCap, heldMax, heldBytesMax, portion, yields })
    this.#faults = new LaneFaults(options)
    this.#watch = new LaneWatch(options, () => this.#state.held + this.#state.inFlight)
    this.#wakeups = createWakeups(options.clock, (laneIds, atMs) => this.#tell({ kind: 'woken', laneIds, atMs }))
    this.#tell({ kind: 'gained', shards: ALL.filter((shard) => ownership.owns(shard)), atMs: this.#nowMs() })
    ownership.listen({
      gained: (shards) => {
        this.#tell({ kind: 'gained', shards, atMs: this.#nowMs() })
        return this.#look(shards, 'gained')
      },
      lost: (shards, how) =>
        this.#leave((leaving) => ({ kind: 'lost', shards, isSudden: how === 'sudden', leaving, atMs: this.#nowMs() })),
      noticed: (notice) => {
        if (notice.about === this.#topic) void this.#look(this.#owned(notice.shards as number[]), 'told')
      },
    })
  }

  get #topic(): string {
    return `lanes:${this.#options.source.name}`
  }

  get inFlight(): number {
    return this.#state.inFlight
  }

  start(): void {
    const sweep = () => {
      this.#sweepTimer = setTimeout(() => {
        void this.#look(this.#owned(), 'sweep').finally(() => {
          if (!this.#state.isStopping) sweep()
        })
      }, this.#options.sweepMs ?? 5000)
    }
    sweep()
  }

  async stop(): Promise<void> {
    if (this.#sweepTimer !== null) clearTimeout(this.#sweepTimer)
    this.#wakeups.stop()
    await this.#leave((leaving) => ({ kind: 'stopped', leaving, atMs: this.#nowMs() }))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  offer(items: readonly Item[]): Item[] {
    const effects = this.#tell({ kind: 'offered', items, atMs: this.#nowMs() })
    for (const effect of effects) if (effect.kind === 'passed-over') return effect.items
    return []
  }

  stored(laneIds: readonly string[]): void {
    if (laneIds.length > 0) this.#tell({ kind: 'stored', laneIds, atMs: this.#nowMs() })
  }

  survey(question: SurveyQuestion): Promise<LaneSurvey> {
    return surveyOf(this.#state, this.#nowMs(), question)
  }

  abort(id: string): void {
    this.#controllers.get(id)?.abort()
  }

  async settled(): Promise<void> {
    // Work that was announced in a transaction may be on its way here: the table has it already.
    await this.#look(this.#owned(), 'told')
    await new Promise<void>((resolve) => {
      this.#waiters.push(resolve)
      this.#seeIfIdle()
    })
  }

  #owned(shards: readonly number[] = ALL): number[] {
    return shards.filter((shard) => this.#state.owned[shard] === 1)
  }

  #nowMs(): number {
    return this.#options.clock.now().getTime()
  }

  #tell(event: LaneEvent<Item>): LaneEffect<Item>[] {
    const isBusy = this.#options.load?.isBusy() ?? false
    if (isBusy !== this.#state.isBusy) this.#doAll(step(this.#state, { kind: 'load', isBusy, atMs: event.atMs }))
    const effects = step(this.#state, event)
    this.#doAll(effects)
    if (this.#waiters.length > 0) this.#seeIfIdle()
    return effects
  }

  #doAll(effects: readonly LaneEffect<Item>[]): void {
    for (const effect of effects) this.#do(effect)
  }

  #do(effect: LaneEffect<Item>): void {
    switch (effect.kind) {
      case 'begin':
        this.#begin(effect.lane, effect.item)
        return
      case 'cut':
        this.#controllers.get(effect.id)?.abort(LEAVING)
        return
      case 'passed-over':
        return
      case 'let-go':
        this.#options.source.letGo?.(effect.items)
        return
      case 'wake':
        this.#wakeups.add(effect.laneId, effect.atMs)
        return
      case 'fetch':
        void this.#fetch(effect.fetch)
        return
      case 'fetch-soon':
        setImmediate(() => this.#tell({ kind: 'fetch-due', atMs: this.#nowMs() }))
        return
      case 'tell':
        this.#announce(effect.shards)
        return
      case 'tell-soon':
        setImmediate(() => this.#tell({ kind: 'tell-due', atMs: this.#nowMs() }))
        return
      case 'portion-soon':
        setTimeout(() => this.#tell({ kind: 'portion-due', atMs: this.#nowMs() }), PORTION_MS)
        return
      case 'yield':
        setTimeout(() => this.#tell({ kind: 'yielded', atMs: this.#nowMs() }), YIELD_MS)
        return
      case 'grace':
        this.#graceFor(effect.leaving)
        return
      case 'left':
        this.#hasLeft(effect.leaving)
        return
    }
  }

  #begin(lane: Lane<Item>, item: Item): void {
    const controller = new AbortController()
    this.#controllers.set(item.id, controller)
    void this.#options.source
      .work(item, controller.signal)
      .catch((error: Error) => this.#faults.after(item, error, controller.signal))
      .then((outcome) => this.#ended(lane, item, outcome))
  }

  #ended(lane: Lane<Item>, item: Item, outcome: LaneOutcome): void {
    this.#controllers.delete(item.id)
    this.#tell({ kind: 'ended', lane, item, outcome, atMs: this.#nowMs() })
  }

  async #fetch(fetch: LaneFetch<Item>): Promise<void> {
    const { source, log } = this.#options
    const { lanes, limit, except, atMs } = fetch
    let rows: { item: Item; dueAt: Date }[]
    try {
      rows = await source.fetch(
        lanes.map((lane) => lane.id),
        limit,
        except,
        new Date(atMs),
      )
    } catch (error) {
      log.warn({ message: (error as Error).message }, 'waiting work could not be read; it is tried again')
      this.#tell({ kind: 'fetch-failed', fetch, atMs: this.#nowMs() })
      return
    }
    this.#tell({ kind: 'fetched', fetch, rows, atMs: this.#nowMs() })
  }

  /** Looks which lanes of these shards have work in the table. */
  async #look(shards: readonly number[], why: LookReason): Promise<void> {
    if (why === 'sweep' && shards.length === 0) this.#watch.look([], [], [])
    if (shards.length === 0 || this.#state.isStopping) return
    const askedAtMs = this.#nowMs()
    this.#tell({ kind: 'looking', atMs: askedAtMs })
    let dues: { laneId: string; dueAt: Date }[]
    try {
      dues = await this.#options.source.lanesOf(shards)
    } catch (error) {
      const { message } = error as Error
      this.#options.log.warn({ message }, 'waiting work could not be looked for; it is tried again')
      this.#tell({ kind: 'look-failed', atMs: this.#nowMs() })
      return
    }
    if (why === 'sweep') this.#watch.look(this.#state.lanes.values(), shards, dues)
    this.#tell({ kind: 'looked', why, askedAtMs, dues, atMs: this.#nowMs() })
  }

  /** Tells the owners of other shards that there is new work for them. */
  #announce(shards: number[]): void {
    const { ownership, log } = this.#options
    ownership
      .notify({ about: this.#topic, shards })
      .catch((error: Error) =>
        log.warn({ message: error.message }, 'new work could not be announced; the sweep will find it'),
      )
  }

  /** Resolves when nothing of what is given up is at work any more. */
  #leave(event: (leaving: Leaving<Item>) => LaneEvent<Item>): Promise<void> {
    return new Promise((resolve) => {
      const leaving: Leaving<Item> = { lanes: [] }
      this.#leavings.set(leaving, { resolve, grace: null })
      this.#tell(event(leaving))
    })
  }

  #graceFor(leaving: Leaving<Item>): void {
    const waiting = this.#leavings.get(leaving)
    if (waiting === undefined) return
    waiting.grace = setTimeout(() => this.#tell({ kind: 'grace-over', leaving, atMs: this.#nowMs() }), LEAVE_GRACE_MS)
  }

  #hasLeft(leaving: Leaving<Item>): void {
    const waiting = this.#leavings.get(leaving)
    this.#leavings.delete(leaving)
    if (waiting === undefined) return
    if (waiting.grace !== null) clearTimeout(waiting.grace)
    waiting.resolve()
  }

  #seeIfIdle(): void {
    if (!isIdle(this.#state)) return
    const waiters = this.#waiters
    this.#waiters = []
    for (const each of waiters) each()
  }
}

const ALL: readonly number[] = Array.from({ length: SHARDS }, (_, shard) => shard)
