import type { LaneItem, LaneOutcome, Lanes, LanesOptions } from './lane.ts'
import { LaneFaults } from './lane-faults.ts'
import { hold, type LaneInMemory as Lane, newLane, takeAll, takeNext } from './lane-in-memory.ts'
import { LaneNotices } from './lane-notices.ts'
import { createPace, type Pace } from './lane-pace.ts'
import { createWakeups, type Wakeups } from './lane-wakeups.ts'
import { LaneWatch } from './lane-watch.ts'
import { SHARDS, shardOf } from './ownership.ts'

export function createLanes<Item extends LaneItem>(options: LanesOptions<Item>): Lanes<Item> {
  return new MemoryLanes(options)
}

const FETCH_LIMIT = 100
const RETRY_AFTER_FAULT_MS = 1000

/** What is at work in a shard that must be given up gets this long to end by itself. */
const LEAVE_GRACE_MS = 3000

/** The reason of an abort that is not the user's: the work is to be taken up again, here or elsewhere. */
export const LEAVING = 'leaving'

class MemoryLanes<Item extends LaneItem> implements Lanes<Item> {
  readonly #options: LanesOptions<Item>
  readonly #lanes = new Map<string, Lane<Item>>()
  /** Lanes that could start something, each once, served in turn. */
  #turn: Lane<Item>[] = []
  readonly #pace: Pace<Lane<Item>>
  readonly #controllers = new Map<string, AbortController>()
  /** Of these, the work that must never be done in two places at once. */
  readonly #strict = new Set<string>()
  readonly #wakeups: Wakeups
  readonly #faults: LaneFaults<Item>
  readonly #watch: LaneWatch
  readonly #notices: LaneNotices
  #inFlight = 0
  #held = 0
  #heldBytes = 0
  readonly #starved = new Set<Lane<Item>>()
  #isFetchScheduled = false
  #fetching = 0
  #isPumping = false
  #isStopping = false
  #sweepTimer: NodeJS.Timeout | null = null
  #waiters: (() => void)[] = []

  constructor(options: LanesOptions<Item>) {
    this.#options = options
    this.#faults = new LaneFaults(options)
    this.#notices = new LaneNotices(options, this.#topic)
    this.#watch = new LaneWatch(options, () => this.#held + this.#inFlight)
    this.#pace = createPace(options, (lanes) => {
      this.#turn.push(...lanes)
      this.#pump()
    })
    this.#wakeups = createWakeups(options.clock, (laneIds, nowMs) => this.#woken(laneIds, nowMs))
    options.ownership.listen({
      gained: (shards) => this.#gained(shards),
      lost: (shards, how) => this.#lost(shards, how === 'sudden'),
      noticed: (notice) => {
        if (notice.about === this.#topic)
          void this.#refresh(
            (notice.shards as number[]).filter((each) => options.ownership.owns(each)),
            'told',
          )
      },
    })
  }

  get #topic(): string {
    return `lanes:${this.#options.source.name}`
  }

  get inFlight(): number {
    return this.#inFlight
  }

  start(): void {
    const sweep = () => {
      this.#sweepTimer = setTimeout(() => {
        const owned = this.#ownedShards()
        void this.#refresh(owned, 'sweep').finally(() => {
          if (!this.#isStopping) sweep()
        })
      }, this.#options.sweepMs ?? 5000)
    }
    sweep()
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    if (this.#sweepTimer !== null) clearTimeout(this.#sweepTimer)
    this.#wakeups.stop()
    await this.#lost(this.#ownedShards())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  offer(items: readonly Item[]): Item[] {
    const passedOver: Item[] = []
    for (const item of items) {
      const shard = shardOf(item.laneId)
      if (!this.#options.ownership.owns(shard)) {
        this.#notices.add(shard)
        passedOver.push(item)
        continue
      }
      const lane = this.#laneOf(item.laneId)
      lane.isOrdered = item.isOrdered
      // A lane with rows left in the table takes them first, in order; so does one whose memory is full. Of a strictly
      // ordered lane only the table knows the order, because other processes take in work of it too; and while its
      // head waits there is nothing to look for.
      if (lane.isOrdered && lane.wakeAtMs !== Number.POSITIVE_INFINITY) continue
      if (
        lane.isOrdered ||
        lane.hasMore ||
        lane.restsUntilMs > 0 ||
        this.#held >= this.#options.heldMax ||
        this.#heldBytes + item.bytes > this.#options.heldBytesMax
      ) {
        this.#hasMore(lane)
        passedOver.push(item)
      } else {
        this.#hold(lane, item)
      }
      this.#enqueue(lane)
    }
    this.#pump()
    return passedOver
  }

  abort(id: string): void {
    this.#controllers.get(id)?.abort()
  }

  async settled(): Promise<void> {
    // Work that was announced in a transaction may be on its way here: the table has it already.
    await this.#refresh(this.#ownedShards(), 'told')
    await new Promise<void>((resolve) => {
      this.#waiters.push(resolve)
      this.#pump()
    })
  }

  #ownedShards(): number[] {
    return Array.from({ length: SHARDS }, (_, shard) => shard).filter((shard) => this.#options.ownership.owns(shard))
  }

  #laneOf(laneId: string): Lane<Item> {
    const existing = this.#lanes.get(laneId)
    if (existing !== undefined) return existing
    const lane = newLane<Item>(laneId, this.#options.laneCap)
    this.#lanes.set(laneId, lane)
    return lane
  }

  #hasMore(lane: Lane<Item>): void {
    lane.hasMore = true
    lane.isSupposed = false
    if (lane.isFetching) lane.isToldMeanwhile = true
  }

  #hold(lane: Lane<Item>, item: Item): void {
    if (!hold(lane, item)) return
    this.#held += 1
    this.#heldBytes += item.bytes
  }

  #enqueue(lane: Lane<Item>): void {
    if (lane.isQueued) return
    lane.isQueued = true
    this.#turn.push(lane)
  }

  /** Serves the lanes in turn, one item each time round, while this process has slots. */
  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    try {
      while (this.#turn.length > 0 && this.#hasRoom() && !this.#isStopping) {
        const round = this.#turn
        this.#turn = []
        for (const [index, lane] of round.entries()) {
          if (!this.#hasRoom()) {
            // Those that had no turn this time come first the next time.
            this.#turn = [...round.slice(index), ...this.#turn]
            break
          }
          if (this.#pace.isOver(lane)) continue
          lane.isQueued = false
          if (this.#startOne(lane)) this.#enqueue(lane)
        }
      }
    } finally {
      this.#isPumping = false
    }
    this.#notifySettled()
  }

  #hasRoom(): boolean {
    return this.#inFlight < this.#options.processCap && this.#pace.mayBegin(this.#inFlight)
  }

  /** Starts the lane's next item if it may; true where the lane may have another one to start. */
  #startOne(lane: Lane<Item>): boolean {
    if (!this.#options.ownership.owns(lane.shard)) return false
    if (lane.restsUntilMs > 0 && this.#isResting(lane)) return false
    const cap = lane.isOrdered ? 1 : Math.floor(lane.slots)
    if (lane.readyCount === 0) {
      if (lane.hasMore && lane.working < cap) this.#wantFetch(lane)
      else if (lane.working === 0) this.#maybeForget(lane)
      return false
    }
    if (lane.working >= cap) return false
    const next = takeNext(lane)
    if (next === null) return false
    this.#letGoOf(next)
    this.#launch(lane, next)
    if (lane.hasMore && lane.readyCount < FETCH_LIMIT / 4) this.#wantFetch(lane)
    return true
  }

  #letGoOf(item: Item): void {
    this.#held -= 1
    this.#heldBytes -= item.bytes
  }

  #launch(lane: Lane<Item>, item: Item): void {
    this.#pace.began(lane)
    lane.working += 1
    lane.atWork.set(item.groupId, (lane.atWork.get(item.groupId) ?? 0) + 1)
    this.#inFlight += 1
    const controller = new AbortController()
    this.#controllers.set(item.id, controller)
    if (item.isOrdered || item.groupCap === 1) this.#strict.add(item.id)
    void this.#options.source
      .work(item, controller.signal)
      .catch((error: Error) => this.#faults.after(item, error, controller.signal))
      .then((outcome) => this.#landed(lane, item, outcome))
  }

  #landed(lane: Lane<Item>, item: Item, outcome: LaneOutcome): void {
    this.#controllers.delete(item.id)
    this.#strict.delete(item.id)
    lane.working -= 1
    this.#inFlight -= 1
    const left = (lane.atWork.get(item.groupId) ?? 1) - 1
    if (left > 0) lane.atWork.set(item.groupId, left)
    else lane.atWork.delete(item.groupId)
    lane.known.delete(item.id)
    if (lane.isFetching) lane.finishedMeanwhile.add(item.id)
    if (outcome.kind === 'rests') this.#rest(lane, outcome.until.getTime())
    else if (outcome.pace === 'slow') lane.slots = Math.max(1, Math.floor(lane.slots / 2))
    else if (lane.slots < this.#options.laneCap) lane.slots += 1
    if (outcome.kind === 'waits') {
      // What comes after the head of an ordered lane must be read again behind it.
      if (lane.isOrdered) this.#drop(lane)
      this.#wakeLaneAt(lane, outcome.until.getTime())
    }
    this.#enqueue(lane)
    this.#pump()
  }

  #rest(lane: Lane<Item>, untilMs: number): void {
    this.#drop(lane)
    lane.restsUntilMs = untilMs
    this.#wakeLaneAt(lane, untilMs)
  }

  #isResting(lane: Lane<Item>): boolean {
    const isResting = lane.restsUntilMs > this.#options.clock.now().getTime()
    if (isResting) this.#wakeLaneAt(lane, lane.restsUntilMs)
    else lane.restsUntilMs = 0
    return isResting
  }

  /** Lets go of what waits in memory; the rows stay. */
  #drop(lane: Lane<Item>): void {
    const items = takeAll(lane)
    for (const item of items) this.#letGoOf(item)
    if (items.length > 0) this.#options.source.letGo?.(items)
    lane.hasMore = false
    lane.isFetchOutdated = lane.isFetching
  }

  #wakeLaneAt(lane: Lane<Item>, atMs: number): void {
    if (lane.wakeAtMs <= atMs) return
    lane.wakeAtMs = atMs
    this.#wakeups.add(lane.id, atMs)
  }

  #woken(laneIds: readonly string[], nowMs: number): void {
    for (const laneId of laneIds) {
      const lane = this.#lanes.get(laneId)
      if (lane === undefined || lane.wakeAtMs > nowMs) continue
      lane.wakeAtMs = Number.POSITIVE_INFINITY
      lane.hasMore = true
      this.#enqueue(lane)
    }
    this.#pump()
  }

  /** Gathers the lanes that need rows and reads for all of them in one statement. */
  #wantFetch(lane: Lane<Item>): void {
    if (lane.isFetching) return
    lane.isFetching = true
    this.#starved.add(lane)
    if (this.#isFetchScheduled) return
    this.#isFetchScheduled = true
    setImmediate(() => void this.#fetchStarved())
  }

  async #fetchStarved(): Promise<void> {
    this.#isFetchScheduled = false
    const lanes = [...this.#starved].slice(0, 500)
    for (const lane of lanes) this.#starved.delete(lane)
    if (this.#starved.size > 0) {
      this.#isFetchScheduled = true
      setImmediate(() => void this.#fetchStarved())
    }
    this.#fetching += 1
    try {
      for (const lane of lanes) {
        lane.finishedMeanwhile.clear()
        lane.isToldMeanwhile = false
        lane.isFetchOutdated = false
      }
      const except = lanes.flatMap((lane) => [...lane.known])
      const now = this.#options.clock.now()
      // Fewer per lane where many lanes are hungry, so that memory is shared out fairly.
      const limit = Math.max(2, Math.min(FETCH_LIMIT, Math.floor(this.#options.heldMax / Math.max(1, lanes.length))))
      const rows = await this.#options.source.fetch(
        lanes.map((lane) => lane.id),
        limit,
        except,
        now,
      )
      this.#fetched(lanes, rows, limit, now)
    } catch (error) {
      this.#options.log.warn({ message: (error as Error).message }, 'waiting work could not be read; it is tried again')
      for (const lane of lanes) this.#wakeLaneAt(lane, this.#options.clock.now().getTime() + RETRY_AFTER_FAULT_MS)
    } finally {
      this.#fetching -= 1
      for (const lane of lanes) {
        lane.isFetching = false
        lane.finishedMeanwhile.clear()
      }
      this.#pump()
    }
  }

  #fetched(lanes: readonly Lane<Item>[], rows: readonly { item: Item; dueAt: Date }[], limit: number, now: Date): void {
    const asked = new Set(lanes)
    const counts = new Map<string, number>()
    const blocked = new Set<string>()
    for (const { item, dueAt } of rows) {
      const lane = this.#lanes.get(item.laneId)
      if (lane === undefined || !asked.has(lane) || lane.isFetchOutdated || blocked.has(lane.id)) continue
      if (!this.#options.ownership.owns(lane.shard)) continue
      lane.isOrdered = item.isOrdered
      if (dueAt.getTime() > now.getTime()) {
        this.#wakeLaneAt(lane, dueAt.getTime())
        if (item.isOrdered) blocked.add(lane.id)
        continue
      }
      counts.set(lane.id, (counts.get(lane.id) ?? 0) + 1)
      // An ordered lane whose head may go waits for nothing any more.
      if (item.isOrdered) lane.wakeAtMs = Number.POSITIVE_INFINITY
      if (!lane.finishedMeanwhile.has(item.id)) this.#hold(lane, item)
    }
    for (const lane of lanes) {
      lane.isSupposed = false
      // What was let go of while its rows were read is read again when it wakes, if it has not woken already.
      if (lane.isFetchOutdated) lane.hasMore = lane.wakeAtMs === Number.POSITIVE_INFINITY
      else lane.hasMore = !blocked.has(lane.id) && (lane.isToldMeanwhile || (counts.get(lane.id) ?? 0) >= limit)
      this.#enqueue(lane)
    }
  }

  /** A lane with nothing in memory and nothing to wait for need not be remembered. */
  #maybeForget(lane: Lane<Item>): void {
    const isQuiet = lane.readyCount === 0 && lane.working === 0 && !lane.hasMore && !lane.isFetching
    if (isQuiet && lane.wakeAtMs === Number.POSITIVE_INFINITY && lane.slots >= this.#options.laneCap)
      this.#lanes.delete(lane.id)
  }

  async #gained(shards: readonly number[]): Promise<void> {
    await this.#refresh(shards, 'gained')
  }

  /** Looks which lanes of these shards have work in the table; surely new work where somebody told of it. */
  async #refresh(shards: readonly number[], why: 'told' | 'sweep' | 'gained'): Promise<void> {
    if (why === 'sweep' && shards.length === 0) this.#watch.look([], [], [])
    if (shards.length === 0 || this.#isStopping) return
    this.#fetching += 1
    try {
      const nowMs = this.#options.clock.now().getTime()
      const dues = await this.#options.source.lanesOf(shards)
      if (why === 'sweep') this.#watch.look(this.#lanes.values(), shards, dues)
      for (const { laneId, dueAt } of dues) {
        if (!this.#options.ownership.owns(shardOf(laneId))) continue
        const lane = this.#laneOf(laneId)
        if (dueAt.getTime() > nowMs) this.#wakeLaneAt(lane, dueAt.getTime())
        else if (why === 'told' || (lane.readyCount === 0 && (lane.working === 0 || !lane.isOrdered))) {
          // It may have been told to rest by a clock that was set back since.
          lane.restsUntilMs = 0
          const isSupposed = why !== 'told' && (lane.isSupposed || !lane.hasMore)
          this.#hasMore(lane)
          lane.isSupposed = isSupposed
          this.#enqueue(lane)
        }
      }
    } catch (error) {
      this.#options.log.warn(
        { message: (error as Error).message },
        'waiting work could not be looked for; it is tried again',
      )
    } finally {
      this.#fetching -= 1
      this.#pump()
    }
  }

  /** Forgets what waits, lets what is at work end (their rows say how far they came), and resolves then. */
  async #lost(shards: readonly number[], isSudden = false): Promise<void> {
    const gone = new Set(shards)
    const leaving = [...this.#lanes.values()].filter((lane) => gone.has(lane.shard))
    for (const lane of leaving) {
      this.#drop(lane)
      // Others may begin with it at this moment: better cut off and done again than done beside them.
      for (const id of lane.known) if (isSudden && this.#strict.has(id)) this.#controllers.get(id)?.abort(LEAVING)
    }
    const deadline = performance.now() + LEAVE_GRACE_MS
    while (leaving.some((lane) => lane.working > 0)) {
      if (performance.now() > deadline) {
        for (const lane of leaving) for (const id of lane.known) this.#controllers.get(id)?.abort(LEAVING)
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    for (const lane of leaving) this.#lanes.delete(lane.id)
  }

  #notifySettled(): void {
    if (this.#waiters.length === 0) return
    const isBusy =
      this.#inFlight > 0 ||
      this.#fetching > 0 ||
      this.#isFetchScheduled ||
      this.#turn.length > 0 ||
      this.#pace.isWaiting ||
      this.#held > 0 ||
      this.#notices.isPending
    if (isBusy) return
    const waiters = this.#waiters
    this.#waiters = []
    for (const each of waiters) each()
  }
}
