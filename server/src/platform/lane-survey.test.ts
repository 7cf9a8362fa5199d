import { describe, expect, test } from 'vitest'
import { SettableClock } from './clock.ts'
import { createIds } from './ids.ts'
import type { LaneItem } from './lane.ts'
import type { Hindrance, LaneOwner, LaneSurvey, SurveyQuestion } from './lane-standing.ts'
import { type LaneEffect, type LaneEvent, type LaneLimits, type LanesState, newLanesState } from './lane-state.ts'
import { step } from './lane-step.ts'
import { surveyOf } from './lane-survey.ts'
import { SHARDS, shardOf } from './ownership.ts'

const NOW = Date.UTC(2026, 10, 2)
const OWN: LaneOwner = { workspaceId: 'own', customerId: 'anna' }
const OTHER: LaneOwner = { workspaceId: 'other', customerId: 'bert' }
const LANE = laneNumbered(1)

const LIMITS: LaneLimits = {
  processCap: 100,
  laneCap: 4,
  heldMax: 1_000_000,
  heldBytesMax: 1_000_000_000,
  portion: 1000,
  yields: false,
}

function laneNumbered(number: number): string {
  return `00000000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`
}

/** Lanes in memory, told what happens. */
function lanesWith(limits: Partial<LaneLimits> = {}) {
  const state = newLanesState<LaneItem>({ ...LIMITS, ...limits })
  let nowMs = NOW
  const begun = new Map<string, Extract<LaneEffect<LaneItem>, { kind: 'begin' }>>()
  const fetches: Extract<LaneEffect<LaneItem>, { kind: 'fetch' }>[] = []
  type Untimed<Event> = Event extends { atMs: number } ? Omit<Event, 'atMs'> : never
  const tell = (event: Untimed<LaneEvent<LaneItem>>) => {
    for (const effect of step(state, { ...event, atMs: nowMs } as LaneEvent<LaneItem>)) {
      if (effect.kind === 'begin') begun.set(effect.item.id, effect)
      if (effect.kind === 'fetch') fetches.push(effect)
    }
  }
  tell({ kind: 'gained', shards: Array.from({ length: SHARDS }, (_, shard) => shard) })
  return {
    state,
    tell,
    fetches,
    offer: (count: number, more: Partial<LaneItem> = {}) => tell({ kind: 'offered', items: items(count, more) }),
    end(id: string, outcome: Extract<LaneEvent<LaneItem>, { kind: 'ended' }>['outcome']) {
      const work = begun.get(id)
      if (work === undefined) throw new Error(`${id} is not at work`)
      tell({ kind: 'ended', lane: work.lane, item: work.item, outcome })
    },
    pass(ms: number) {
      nowMs += ms
    },
    survey: (question: Partial<SurveyQuestion> = {}) => survey(state, nowMs, question),
  }
}

let made = 0
function items(count: number, more: Partial<LaneItem> = {}): LaneItem[] {
  return Array.from({ length: count }, () => {
    made += 1
    const item = { id: `i${made}`, laneId: LANE, groupId: 'g', groupCap: 100, isOrdered: false, bytes: 1 }
    return { ...item, waitsSinceMs: 0, ...more }
  })
}

function survey(state: LanesState<LaneItem>, nowMs: number, more: Partial<SurveyQuestion>): Promise<LaneSurvey> {
  return surveyOf(state, nowMs, {
    ownersOf: async (ids) => new Map(ids.map((id) => [id, OWN])),
    isWanted: () => true,
    paused: new Map(),
    most: 10,
    ...more,
  })
}

const until = (ms: number) => new Date(NOW + ms)

describe('why nothing of a lane begins', () => {
  /** What happened, and what is said of the lane then. */
  const told: Record<Hindrance, { limits?: Partial<LaneLimits>; happen(lanes: ReturnType<typeof lanesWith>): void }> = {
    stopping: {
      happen({ offer, tell }) {
        offer(1)
        tell({ kind: 'stopped', leaving: { lanes: [] } })
        tell({ kind: 'stored', laneIds: [LANE] })
      },
    },
    'process-full': { limits: { processCap: 2 }, happen: ({ offer }) => offer(3) },
    'process-busy': { limits: { yields: true, laneCap: 100 }, happen: ({ offer }) => offer(20) },
    'others-turn': { limits: { portion: 2 }, happen: ({ offer }) => offer(3) },
    'given-up': {
      happen({ offer, tell }) {
        offer(1)
        tell({ kind: 'lost', shards: [shardOf(LANE)], isSudden: false, leaving: { lanes: [] } })
      },
    },
    resting: {
      happen({ offer, end }) {
        const [first] = items(1)
        if (first !== undefined) offer(1, first)
        end(first?.id ?? '', { kind: 'rests', until: until(5000) })
      },
    },
    'head-at-work': {
      happen({ tell, fetches }) {
        tell({ kind: 'stored', laneIds: [LANE] })
        tell({ kind: 'fetch-due' })
        const rows = [1, 2, 3].map((ms) => ({ item: { ...ordered(), id: idOf(NOW + ms) }, dueAt: new Date(0) }))
        const [asked] = fetches
        if (asked !== undefined) tell({ kind: 'fetched', fetch: asked.fetch, rows })
      },
    },
    'lane-full': { happen: ({ offer }) => offer(5) },
    'to-be-read': { happen: ({ tell }) => tell({ kind: 'stored', laneIds: [LANE] }) },
    'not-due': {
      happen({ offer, end }) {
        const [first] = items(1)
        if (first !== undefined) offer(1, first)
        end(first?.id ?? '', { kind: 'waits', until: until(5000) })
      },
    },
    'groups-full': { happen: ({ offer }) => offer(3, { groupCap: 2 }) },
    paused: { happen() {} },
  }

  test.each(Object.entries(told))('%s', async (hindrance, { limits, happen }) => {
    const lanes = lanesWith(limits)
    happen(lanes)
    const { standings, counts } = await lanes.survey({
      paused: new Map(hindrance === 'paused' ? [[LANE, { owner: OWN, isOrdered: false, sinceMs: NOW - 1000 }]] : []),
    })
    expect(standings.map((each) => each.hindrance)).toEqual([hindrance])
    expect(counts.byHindrance).toEqual({ [hindrance]: 1 })
  })

  test('nothing is said where nothing waits, and nothing of a lane that is only remembered', async () => {
    const { offer, end, survey } = lanesWith()
    const [first] = items(1)
    offer(1, first)
    const atWork = await survey()
    expect(atWork.standings).toMatchObject([
      { hindrance: null, waitsSinceMs: null, workingIds: [first?.id], working: 1 },
    ])
    expect(atWork.counts).toMatchObject({ lanes: 1, waiting: 0, working: 1, byHindrance: {} })
    end(first?.id ?? '', { kind: 'finished', pace: 'slow' })
    expect((await survey()).counts.lanes).toBe(0)
  })
})

describe('what is said of a lane', () => {
  test('how much of it waits, since when, of which groups, what runs, and that it was narrowed', async () => {
    const lanes = lanesWith()
    const [slow] = items(1)
    lanes.offer(1, slow)
    lanes.end(slow?.id ?? '', { kind: 'finished', pace: 'slow' })
    lanes.offer(1, { groupId: 'a' })
    lanes.offer(1, { groupId: 'b', groupCap: 1 })
    lanes.pass(1000)
    lanes.offer(2, { groupId: 'a' })
    lanes.pass(500)
    lanes.offer(1, { groupId: 'b', groupCap: 1 })
    lanes.pass(500)
    const [standing] = (await lanes.survey()).standings
    expect(standing).toMatchObject({
      hindrance: 'lane-full',
      waitsSinceMs: NOW + 1000,
      ready: 3,
      hasMore: false,
      working: 2,
      cap: 2,
      capMost: 4,
      groups: [
        { id: 'a', ready: 2, working: 1, cap: 100 },
        { id: 'b', ready: 1, working: 1, cap: 1 },
      ],
    })
    expect(standing?.readyIds).toHaveLength(3)
    expect(new Set([...(standing?.readyIds ?? []), ...(standing?.workingIds ?? [])]).size).toBe(5)
  })

  test('what was read waits since it was due, and what keeps an order since it was made', async () => {
    const { tell, fetches, survey } = lanesWith()
    const order = laneNumbered(2)
    tell({ kind: 'stored', laneIds: [LANE, order] })
    tell({ kind: 'fetch-due' })
    const [asked] = fetches
    if (asked === undefined) throw new Error('rows are asked for')
    const rows = [
      ...items(6).map((item, index) => ({ item, dueAt: new Date(NOW - 60_000 + index) })),
      ...[3000, 4000].map((ms) => ({
        item: { ...ordered(), id: idOf(NOW + ms), laneId: order },
        dueAt: new Date(0),
      })),
    ]
    tell({ kind: 'fetched', fetch: asked.fetch, rows })
    // The four that were due first are at work, and so is the first of what keeps an order.
    expect((await survey()).standings.map((each) => [each.id, each.waitsSinceMs])).toEqual([
      [LANE, NOW - 60_000 + 4],
      [order, NOW + 4000],
    ])
  })

  test('what stands in the table alone waits since it was told of, or was due', async () => {
    const { tell, offer, pass, survey } = lanesWith({ processCap: 1 })
    offer(1)
    pass(10_000)
    const [toldOf, looked] = [laneNumbered(3), laneNumbered(4)]
    tell({ kind: 'stored', laneIds: [toldOf] })
    tell({ kind: 'looked', why: 'told', askedAtMs: NOW + 10_000, dues: [{ laneId: looked, dueAt: until(2000) }] })
    pass(10_000)
    tell({ kind: 'stored', laneIds: [toldOf] })
    const { standings } = await survey()
    expect(standings.map(({ id, waitsSinceMs }) => [id, waitsSinceMs])).toEqual([
      [looked, NOW + 2000],
      [toldOf, NOW + 10_000],
      [LANE, null],
    ])
    expect(standings[0]).toMatchObject({ hindrance: 'process-full', ready: 0, hasMore: true })
  })

  test('what is paused is told of, in memory or not, where its shard is worked here', async () => {
    const { tell, survey } = lanesWith()
    const elsewhere = laneNumbered(7)
    tell({ kind: 'lost', shards: [shardOf(elsewhere)], isSudden: false, leaving: { lanes: [] } })
    const since = { owner: OWN, isOrdered: true, sinceMs: NOW - 5 }
    const { standings } = await survey({
      paused: new Map([
        [LANE, since],
        [elsewhere, since],
      ]),
    })
    expect(standings).toMatchObject([{ id: LANE, hindrance: 'paused', waitsSinceMs: NOW - 5, hasMore: true, ready: 0 }])
  })
})

describe('of many lanes', () => {
  const MANY = 100_000
  /** A lane waits the longer the higher its number; every hundredth is another workspace's. */
  function manyLanes() {
    const lanes = lanesWith({ processCap: 1 })
    for (let number = MANY; number > 0; number -= 1) {
      lanes.offer(1, { laneId: laneNumbered(number) })
      lanes.pass(1)
    }
    let asked = 0
    const ownersOf: SurveyQuestion['ownersOf'] = async (ids) => {
      asked += ids.length
      return new Map(ids.map((id) => [id, Number.parseInt(id.slice(-12), 16) % 100 === 0 ? OTHER : OWN]))
    }
    const isWanted = ({ workspaceId }: LaneOwner) => workspaceId === 'own'
    return { ...lanes, question: { ownersOf, isWanted }, askedFor: () => asked }
  }

  test('the longest waits are given, all that are wanted counted, and others have their turns meanwhile', async () => {
    const { survey, question, askedFor } = manyLanes()
    let turns = 0
    let isOver = false
    setImmediate(function turn() {
      turns += 1
      if (!isOver) setImmediate(turn)
    })
    const { standings, counts } = await survey({ ...question, most: 3 })
    isOver = true
    expect(turns).toBeGreaterThan(16)
    // The very first is at work.
    expect(standings.map(({ id }) => id)).toEqual([MANY - 1, MANY - 2, MANY - 3].map(laneNumbered))
    expect(counts).toMatchObject({ lanes: MANY * 0.99, waiting: MANY * 0.99, ready: MANY * 0.99, working: 0 })
    expect(askedFor()).toBe(MANY)
    // Whose they are is known from then on.
    expect((await survey({ ...question, most: 1 })).counts.lanes).toBe(MANY * 0.99)
    expect(askedFor()).toBe(MANY)
  })

  test('whose owner nobody knows is left out, and asked for again', async () => {
    const { offer, survey } = lanesWith()
    offer(1)
    expect((await survey({ ownersOf: async () => new Map() })).counts.lanes).toBe(0)
    expect((await survey()).counts.lanes).toBe(1)
  })

  test('what ended while it was asked whose it is does not count', async () => {
    const { offer, end, survey } = lanesWith()
    const [first] = items(1)
    offer(1, first)
    const { standings, counts } = await survey({
      async ownersOf(ids) {
        end(first?.id ?? '', { kind: 'finished' })
        return new Map(ids.map((id) => [id, OWN]))
      },
    })
    expect([standings, counts.lanes]).toEqual([[], 0])
  })
})

function ordered(): LaneItem {
  const [item] = items(1, { isOrdered: true, groupCap: 1 })
  if (item === undefined) throw new Error('there is one')
  return item
}

/** An id that was made then. */
function idOf(ms: number): string {
  return createIds(new SettableClock(new Date(ms))).next()
}
