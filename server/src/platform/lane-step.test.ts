import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LaneItem, LaneOutcome } from './lane.ts'
import { hindranceOf } from './lane-hindrance.ts'
import { hasWaiting, type LaneInMemory } from './lane-in-memory.ts'
import {
  isIdle,
  type LaneEffect,
  type LaneEvent,
  type LaneFetch,
  type LaneLimits,
  type LanesState,
  type Leaving,
  newLanesState,
} from './lane-state.ts'
import { step } from './lane-step.ts'
import { shardOf } from './ownership.ts'

interface Row extends LaneItem {
  dueMs: number
}

/** An event without its time, which the world knows. */
type Untimed<Event> = Event extends { atMs: number } ? Omit<Event, 'atMs'> : never

type Due = { item: Row; dueAt: Date }

/** Two lanes side by side and two that keep an order, in three shards. */
const LANES = ['01', '02', '03', '43'].map((hex, index) => ({
  id: `00000000-0000-7000-8000-0000000000${hex}`,
  isOrdered: index >= 2,
}))
const SHARDS_USED = [...new Set(LANES.map(({ id }) => shardOf(id)))]
const NOW = 1_000_000

function must(isSo: boolean, promise: string): void {
  if (!isSo) throw new Error(`broken: ${promise}`)
}

/**
 * The table, the clock and whoever does the work, as simple as they can be. Whatever `step` wants done lies there until
 * the history says that it is done; what it begins is compared with what the table says.
 */
class World {
  nowMs = NOW
  /** The clock may have been set back; due is what was due at some time. */
  latestMs = NOW
  readonly rows = new Map<string, Row>()
  readonly owned = new Set<number>()
  readonly atWork = new Map<string, { lane: LaneInMemory<Row>; item: Row }>()
  readonly slots = new Map<string, number>()
  readonly rests = new Map<string, number>()
  readonly passed = new Map<string, Map<string, number>>()
  readonly soon: ('fetch-due' | 'tell-due' | 'portion-due' | 'yielded')[] = []
  readonly leavings: Leaving<Row>[] = []
  readonly told: number[] = []
  fetches: { fetch: LaneFetch<Row>; rows: Due[] }[] = []
  looks: { askedAtMs: number; dues: { laneId: string; dueAt: Date }[] }[] = []
  wakes: { laneId: string; atMs: number }[] = []
  #made = 0
  /** There is work that nobody told of: only a sweep finds it. */
  #isUntold = false
  readonly limits: LaneLimits
  readonly state: LanesState<Row>

  constructor(limits: LaneLimits) {
    this.limits = limits
    this.state = newLanesState(limits)
    this.gain(SHARDS_USED)
  }

  add(lane: number, count: number, more: { isHere: boolean; isTold: boolean; groupCap: number; inMs: number }): void {
    const { id: laneId, isOrdered } = LANES[lane] as (typeof LANES)[number]
    const made = Array.from({ length: count }, (): Row => {
      this.#made += 1
      const groupCap = isOrdered ? 1 : more.groupCap
      const dueMs = isOrdered ? 0 : this.nowMs + (more.isHere ? 0 : more.inMs)
      return {
        id: `r${this.#made}`,
        laneId,
        groupId: `${laneId}${groupCap}`,
        groupCap,
        isOrdered,
        bytes: 10,
        waitsSinceMs: 0,
        dueMs,
      }
    })
    for (const row of made) this.rows.set(row.id, row)
    const heldBefore = this.state.held
    if (!more.isHere && !more.isTold) this.#isUntold = true
    if (more.isHere) this.tell({ kind: 'offered', items: made })
    else if (more.isTold && count % 2 === 0) this.tell({ kind: 'stored', laneIds: [laneId] })
    else if (more.isTold && this.owned.has(shardOf(laneId))) this.look([shardOf(laneId)], 'told')
    if (more.isHere) expect(this.state.held).toBeLessThanOrEqual(Math.max(heldBefore, this.limits.heldMax))
  }

  end(id: string, outcome: LaneOutcome): void {
    const work = this.atWork.get(id)
    const row = this.rows.get(id)
    if (work === undefined || row === undefined) return
    this.atWork.delete(id)
    if (outcome.kind === 'finished') this.rows.delete(id)
    else if (outcome.kind === 'waits') this.rows.set(id, { ...row, dueMs: outcome.until.getTime() })
    else this.rests.set(row.laneId, outcome.until.getTime())
    const slots = this.slots.get(row.laneId) ?? this.limits.laneCap
    if (outcome.kind !== 'rests')
      this.slots.set(
        row.laneId,
        outcome.pace === 'slow' ? Math.max(1, slots >> 1) : Math.min(slots + 1, this.limits.laneCap),
      )
    this.tell({ kind: 'ended', ...work, outcome })
  }

  look(shards: readonly number[], why: 'told' | 'sweep' | 'gained', isAnswered = true): void {
    const wanted = shards.filter((shard) => this.owned.has(shard))
    this.tell({ kind: 'looking' })
    const firsts = new Map<string, number>()
    for (const { laneId, dueMs, isOrdered } of this.rows.values())
      if (wanted.includes(shardOf(laneId)) && !(isOrdered && firsts.has(laneId)))
        firsts.set(laneId, Math.min(firsts.get(laneId) ?? Number.POSITIVE_INFINITY, dueMs))
    const dues = [...firsts].map(([laneId, dueMs]) => ({ laneId, dueAt: new Date(dueMs) }))
    if (!isAnswered) {
      this.looks.push({ askedAtMs: this.nowMs, dues })
      return
    }
    this.#looked(why, this.nowMs, dues)
  }

  #looked(why: 'told' | 'sweep' | 'gained', askedAtMs: number, dues: { laneId: string; dueAt: Date }[]): void {
    // A look may end a rest: the clock that told of it may have been set back since.
    for (const { laneId } of dues) this.rests.delete(laneId)
    this.tell({ kind: 'looked', why, askedAtMs, dues })
  }

  answerLook(): void {
    const told = this.told.splice(0).filter((each) => this.owned.has(each))
    if (told.length > 0) this.look(told, 'told')
    const look = this.looks.shift()
    if (look !== undefined) this.#looked('sweep', look.askedAtMs, look.dues)
  }

  answerFetch(isFine: boolean): void {
    const asked = this.fetches.shift()
    if (asked === undefined) return
    if (isFine) this.tell({ kind: 'fetched', ...asked })
    else this.tell({ kind: 'fetch-failed', fetch: asked.fetch })
  }

  advance(ms: number): void {
    this.nowMs += ms
    this.latestMs = Math.max(this.latestMs, this.nowMs)
    const due = this.wakes.filter(({ atMs }) => atMs <= this.nowMs)
    this.wakes = this.wakes.filter(({ atMs }) => atMs > this.nowMs)
    if (due.length > 0) this.tell({ kind: 'woken', laneIds: due.map(({ laneId }) => laneId) })
  }

  hurry(index: number): void {
    const [kind] = this.soon.splice(index % Math.max(1, this.soon.length), 1)
    if (kind !== undefined) this.tell({ kind })
  }

  lose(shard: number, isSudden: boolean): void {
    if (!this.owned.delete(shard)) return
    const leaving: Leaving<Row> = { lanes: [] }
    this.leavings.push(leaving)
    const strict = [...this.atWork.values()]
      .filter(({ item }) => shardOf(item.laneId) === shard && (item.isOrdered || item.groupCap === 1))
      .map(({ item }) => item.id)
    const effects = this.tell({ kind: 'lost', shards: [shard], isSudden, leaving })
    const cut = effects.flatMap((each) => (each.kind === 'cut' ? [each.id] : []))
    expect(cut.toSorted()).toEqual(isSudden ? strict.toSorted() : [])
    for (const id of cut) this.end(id, { kind: 'waits', until: new Date(this.nowMs) })
  }

  graceOver(): void {
    for (const leaving of [...this.leavings]) {
      const cut = this.tell({ kind: 'grace-over', leaving }).flatMap((each) => (each.kind === 'cut' ? [each.id] : []))
      for (const id of cut) this.end(id, { kind: 'waits', until: new Date(this.nowMs) })
    }
    expect(this.leavings).toEqual([])
  }

  /** As ownership does: nothing is gained before what was given up has left. */
  gain(shards: readonly number[]): void {
    const free = shards.filter((shard) => !this.owned.has(shard))
    if (free.length === 0 || this.leavings.length > 0) return
    for (const shard of free) {
      this.owned.add(shard)
      for (const { id } of LANES) if (shardOf(id) === shard) this.slots.delete(id)
    }
    this.tell({ kind: 'gained', shards: free })
    this.look(free, 'gained')
  }

  tell(what: Untimed<LaneEvent<Row>>): LaneEffect<Row>[] {
    const effects = step(this.state, { ...what, atMs: this.nowMs } as LaneEvent<Row>)
    for (const effect of effects) this.#take(effect)
    this.#compare()
    return effects
  }

  #take(effect: LaneEffect<Row>): void {
    switch (effect.kind) {
      case 'begin':
        this.#begun(effect.lane, effect.item)
        return
      case 'fetch':
        this.fetches.push({ fetch: effect.fetch, rows: this.#read(effect.fetch) })
        return
      case 'wake':
        this.wakes.push(effect)
        return
      case 'tell':
        this.told.push(...effect.shards)
        return
      case 'left':
        this.leavings.splice(this.leavings.indexOf(effect.leaving), 1)
        return
      case 'fetch-soon':
        this.soon.push('fetch-due')
        return
      case 'tell-soon':
        this.soon.push('tell-due')
        return
      case 'portion-soon':
        this.soon.push('portion-due')
        return
      case 'yield':
        this.soon.push('yielded')
        return
      // What is cut off ends where it was lost, what is let go of is in the table, and grace is over when it is.
      case 'cut':
      case 'passed-over':
      case 'let-go':
      case 'grace':
        return
    }
  }

  /** What the statement of the room gives, as of the moment it is asked. */
  #read({ lanes, limit, except, atMs }: LaneFetch<Row>): Due[] {
    return lanes.flatMap(({ id: laneId }) => {
      const own = [...this.rows.values()].filter((row) => row.laneId === laneId && !except.includes(row.id))
      const due = own.filter((row) => row.isOrdered || row.dueMs <= atMs).slice(0, limit)
      const next = own.filter((row) => !row.isOrdered && row.dueMs > atMs).slice(0, 1)
      return [...due, ...next].map((item) => ({ item, dueAt: new Date(item.dueMs) }))
    })
  }

  #begun(lane: LaneInMemory<Row>, item: Row): void {
    const { laneId, groupId, groupCap } = item
    const row = this.rows.get(item.id)
    const beside = [...this.atWork.values()].filter((each) => each.item.laneId === laneId)
    const inGroup = beside.filter((each) => each.item.groupId === groupId).length
    must(row !== undefined, 'what begins is there')
    must(!this.atWork.has(item.id), 'nothing begins twice')
    must(this.owned.has(shardOf(laneId)), 'only what is owned begins')
    must(row !== undefined && row.dueMs <= this.latestMs, 'only what is due begins')
    must((this.rests.get(laneId) ?? 0) <= this.latestMs, 'nothing begins while its lane rests')
    must(inGroup < groupCap, 'a group keeps its cap')
    must(beside.length < this.#capOf(item), 'a lane keeps its slots')
    must(this.atWork.size < this.limits.processCap, 'a process keeps its cap')
    if (item.isOrdered) {
      const first = [...this.rows.values()].find((each) => each.laneId === laneId)
      must(item.id === first?.id, 'the first of the table begins')
    }
    this.atWork.set(item.id, { lane, item })
    this.passed.delete(laneId)
    for (const [waiting, others] of this.passed) {
      // It may have had its portion in this very step, or gone to rest.
      const still = this.state.lanes.get(waiting)
      if (still === undefined || !this.#couldBegin(still)) continue
      others.set(laneId, (others.get(laneId) ?? 0) + 1)
      must((others.get(laneId) ?? 0) < 2, 'nobody has two turns while another waits for one')
    }
  }

  /** What holds between two events. */
  #compare(): void {
    const { state } = this
    const lanes = [...state.lanes.values()]
    const ready = lanes.reduce((sum, each) => sum + each.readyCount, 0)
    must(state.inFlight === this.atWork.size, 'what is at work is counted')
    must(state.held === ready && state.heldBytes === ready * 10, 'what is held is counted')
    const hungry = new Set<string>()
    for (const each of lanes) if (this.#couldBegin(each)) hungry.add(each.id)
    const hasSlot = state.inFlight < this.limits.processCap && !state.isYielding
    must(!hasSlot || hungry.size === 0, 'a free slot is taken by whoever could have it')
    for (const each of lanes) if (hasWaiting(each)) this.#seeReasonOf(each, hungry.has(each.id))
    for (const id of this.passed.keys()) if (!hungry.has(id)) this.passed.delete(id)
    for (const id of hungry) if (!this.passed.has(id)) this.passed.set(id, new Map())
  }

  #seeReasonOf(lane: LaneInMemory<Row>, couldBegin: boolean): void {
    const hindrance = hindranceOf(this.state, lane, this.nowMs)
    must(hindrance !== null, 'whatever waits in a lane, there is a reason why it has not begun')
    const isOfOthers = hindrance === 'process-full' || hindrance === 'process-busy' || hindrance === 'others-turn'
    must(isOfOthers || !couldBegin, 'what could begin waits for others alone')
    // Where reading failed, it is read again after a while.
    const isBeingRead = lane.isFetching || Number.isFinite(lane.wakeAtMs)
    must(hindrance !== 'to-be-read' || isBeingRead, 'what is said to be read will be')
    must(hindrance !== 'given-up' || !this.owned.has(lane.shard), 'what is said to be given up is')
  }

  #couldBegin(lane: LaneInMemory<Row>): boolean {
    if (!this.owned.has(lane.shard) || lane.restsUntilMs > 0 || this.state.kept.includes(lane)) return false
    const hasFreeGroup = [...lane.ready].some(
      ([group, [head]]) => head !== undefined && (lane.atWork.get(group) ?? 0) < head.groupCap,
    )
    return lane.working < this.#capOf({ laneId: lane.id, isOrdered: lane.isOrdered }) && hasFreeGroup
  }

  #capOf({ laneId, isOrdered }: { laneId: string; isOrdered: boolean }): number {
    return isOrdered ? 1 : (this.slots.get(laneId) ?? this.limits.laneCap)
  }

  /** Whatever is under way ends well, the shards are ours and time goes on: then everything is done. */
  drain(): void {
    if (this.leavings.length > 0) this.graceOver()
    this.gain(SHARDS_USED)
    for (let round = 0; round < 400; round += 1) {
      while (this.soon.length > 0) this.hurry(0)
      while (this.fetches.length > 0) this.answerFetch(true)
      while (this.looks.length + this.told.length > 0) this.answerLook()
      for (const id of [...this.atWork.keys()]) this.end(id, { kind: 'finished' })
      if (this.rows.size === 0 && isIdle(this.state)) return
      if (this.soon.length + this.fetches.length + this.atWork.size > 0) continue
      this.advance(1000)
      if (this.#isUntold && round % 20 === 19) this.look(SHARDS_USED, 'sweep')
    }
    expect([...this.rows.keys()], 'everything is done in the end').toEqual([])
    expect(isIdle(this.state)).toBe(true)
  }
}

const lane = fc.nat(LANES.length - 1)
const shard = fc.constantFrom(...SHARDS_USED)
const waitMs = fc.constantFrom(0, 100, 1000, 5000)

/** What may happen, as something done to the world. */
const happening: fc.Arbitrary<(world: World) => void> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({
        lane,
        count: fc.integer({ min: 1, max: 12 }),
        isHere: fc.boolean(),
        isTold: fc.boolean(),
        groupCap: fc.constantFrom(1, 3, 100),
        inMs: waitMs,
      })
      .map(
        ({ lane: to, count, ...more }) =>
          (world: World) =>
            world.add(to, count, more),
      ),
  },
  {
    weight: 6,
    arbitrary: fc.tuple(fc.nat(20), fc.boolean()).map(([nth, isSlow]) => (world: World) => {
      const ids = [...world.atWork.keys()]
      world.end(ids[nth % Math.max(1, ids.length)] ?? '', { kind: 'finished', pace: isSlow ? 'slow' : 'ok' })
    }),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.nat(20), waitMs, fc.constantFrom('waits' as const, 'rests' as const))
      .map(([nth, ms, kind]) => (world: World) => {
        const ids = [...world.atWork.keys()]
        world.end(ids[nth % Math.max(1, ids.length)] ?? '', { kind, until: new Date(world.nowMs + ms) })
      }),
  },
  { weight: 6, arbitrary: fc.nat(5).map((index) => (world: World) => world.hurry(index)) },
  { weight: 4, arbitrary: fc.nat(5).map((dice) => (world: World) => world.answerFetch(dice > 0)) },
  { weight: 3, arbitrary: waitMs.map((ms) => (world: World) => world.advance(ms)) },
  { weight: 1, arbitrary: waitMs.map((ms) => (world: World) => world.advance(-ms)) },
  {
    weight: 2,
    arbitrary: fc.boolean().map((isAnswered) => (world: World) => world.look(SHARDS_USED, 'sweep', isAnswered)),
  },
  { weight: 2, arbitrary: fc.constant((world: World) => world.answerLook()) },
  {
    weight: 1,
    arbitrary: fc.tuple(shard, fc.boolean()).map(
      ([one, isSudden]) =>
        (world: World) =>
          world.lose(one, isSudden),
    ),
  },
  { weight: 1, arbitrary: fc.constant((world: World) => world.graceOver()) },
  { weight: 2, arbitrary: shard.map((one) => (world: World) => world.gain([one])) },
)

const limits: fc.Arbitrary<LaneLimits> = fc.record({
  processCap: fc.integer({ min: 1, max: 12 }),
  laneCap: fc.integer({ min: 1, max: 6 }),
  heldMax: fc.integer({ min: 1, max: 20 }),
  heldBytesMax: fc.constantFrom(30, 10_000),
  portion: fc.constantFrom(1, 3, 1000),
  yields: fc.boolean(),
})

describe('whatever happens, in whatever order', () => {
  test('order, caps and turns are kept, and everything is done once it can be', () => {
    fc.assert(
      fc.property(limits, fc.array(happening, { maxLength: 80, size: 'max' }), (given, history) => {
        const world = new World(given)
        for (const each of history) each(world)
        world.drain()
      }),
      { numRuns: 300 },
    )
  })
})

test('the same events have the same effects', () => {
  fc.assert(
    fc.property(limits, fc.array(happening, { maxLength: 40, size: 'max' }), (given, history) => {
      const [one, other] = [new World(given), new World(given)]
      for (const each of history) {
        each(one)
        each(other)
        expect([...other.atWork.keys()]).toEqual([...one.atWork.keys()])
      }
      expect(other.wakes).toEqual(one.wakes)
    }),
    { numRuns: 50 },
  )
})
