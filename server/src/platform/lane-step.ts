import type { LaneItem, LaneOutcome } from './lane.ts'
import { disciplineOf, NO_DUE_TIME_MS } from './lane-discipline.ts'
import { hold, type LaneInMemory as Lane } from './lane-in-memory.ts'
import {
  drop,
  enqueue,
  isOwned,
  type LaneEffect,
  type LaneEvent,
  type LaneFetch,
  type LanesState,
  type Leaving,
  laneFor,
  noteMore,
  wakeAt,
} from './lane-state.ts'
import { FETCH_LIMIT, serve } from './lane-turns.ts'
import { shardOf } from './ownership.ts'

/** Lanes whose rows are read in one statement. */
const FETCH_LANES_MAX = 500
const RETRY_AFTER_FAULT_MS = 1000

/**
 * What follows from an event: the state is changed in place, and what is to be done outside comes back. Nothing here
 * waits, calls anybody or asks for the time; the same events have the same effects.
 */
export function step<Item extends LaneItem>(state: LanesState<Item>, event: LaneEvent<Item>): LaneEffect<Item>[] {
  const effects: LaneEffect<Item>[] = []
  change(state, event, effects)
  serve(state, event.atMs, effects)
  return effects
}

function change<Item extends LaneItem>(
  state: LanesState<Item>,
  event: LaneEvent<Item>,
  effects: LaneEffect<Item>[],
): void {
  switch (event.kind) {
    case 'offered':
      offered(state, event, effects)
      return
    case 'stored':
      stored(state, event, effects)
      return
    case 'ended':
      ended(state, event, effects)
      return
    case 'woken':
      woken(state, event.laneIds, event.atMs)
      return
    case 'fetch-due':
      fetchDue(state, event.atMs, effects)
      return
    case 'fetched':
      fetched(state, event.fetch, event.rows, effects)
      fetchOver(state, event.fetch)
      return
    case 'fetch-failed':
      for (const lane of event.fetch.lanes) wakeAt(lane, event.atMs + RETRY_AFTER_FAULT_MS, effects)
      fetchOver(state, event.fetch)
      return
    case 'looking':
      state.reading += 1
      return
    case 'looked':
      state.reading -= 1
      looked(state, event, effects)
      return
    case 'look-failed':
      state.reading -= 1
      return
    case 'tell-due':
      effects.push({ kind: 'tell', shards: [...state.toTell] })
      state.toTell.clear()
      return
    case 'portion-due':
      state.portionNumber += 1
      for (const lane of state.kept) state.turn.push(lane)
      state.kept = []
      return
    case 'yielded':
      state.isYielding = false
      state.begunSinceYield = 0
      return
    case 'load':
      state.isBusy = event.isBusy
      return
    case 'gained':
      for (const shard of event.shards) state.owned[shard] = 1
      return
    case 'lost':
      for (const shard of event.shards) state.owned[shard] = 0
      leave(state, event, effects)
      return
    case 'stopped':
      state.isStopping = true
      leave(state, { shards: null, isSudden: false, leaving: event.leaving }, effects)
      return
    case 'grace-over':
      for (const lane of event.leaving.lanes) for (const id of lane.known) effects.push({ kind: 'cut', id })
      return
  }
}

function offered<Item extends LaneItem>(
  state: LanesState<Item>,
  { items, atMs }: { items: readonly Item[]; atMs: number },
  effects: LaneEffect<Item>[],
): void {
  const { heldMax, heldBytesMax } = state.limits
  const passedOver: Item[] = []
  for (const item of items) {
    const shard = shardOf(item.laneId)
    if (!isOwned(state, shard)) {
      tellOwner(state, shard, effects)
      passedOver.push(item)
      continue
    }
    const lane = laneFor(state, item.laneId)
    lane.isOrdered = item.isOrdered
    const isMemoryFull = state.held >= heldMax || state.heldBytes + item.bytes > heldBytesMax
    const what = disciplineOf(lane).offered(lane, isMemoryFull)
    if (what === 'nothing') continue
    if (what === 'read') {
      noteMore(lane, atMs)
      passedOver.push(item)
    } else {
      keep(state, lane, item, atMs)
    }
    enqueue(state, lane)
  }
  if (passedOver.length > 0) effects.push({ kind: 'passed-over', items: passedOver })
}

/** There are new rows, which are looked for in the table. */
function stored<Item extends LaneItem>(
  state: LanesState<Item>,
  { laneIds, atMs }: { laneIds: readonly string[]; atMs: number },
  effects: LaneEffect<Item>[],
): void {
  for (const laneId of laneIds) {
    if (!isOwned(state, shardOf(laneId))) {
      tellOwner(state, shardOf(laneId), effects)
      continue
    }
    const lane = laneFor(state, laneId)
    noteMore(lane, atMs)
    enqueue(state, lane)
  }
}

function tellOwner<Item extends LaneItem>(state: LanesState<Item>, shard: number, effects: LaneEffect<Item>[]): void {
  if (state.toTell.size === 0) effects.push({ kind: 'tell-soon' })
  state.toTell.add(shard)
}

function keep<Item extends LaneItem>(state: LanesState<Item>, lane: Lane<Item>, item: Item, sinceMs: number): void {
  if (!hold(lane, item, sinceMs)) return
  state.held += 1
  state.heldBytes += item.bytes
}

function ended<Item extends LaneItem>(
  state: LanesState<Item>,
  { lane, item, outcome }: { lane: Lane<Item>; item: Item; outcome: LaneOutcome },
  effects: LaneEffect<Item>[],
): void {
  state.strict.delete(item.id)
  lane.working -= 1
  state.inFlight -= 1
  const left = (lane.atWork.get(item.groupId) ?? 1) - 1
  if (left > 0) lane.atWork.set(item.groupId, left)
  else lane.atWork.delete(item.groupId)
  lane.known.delete(item.id)
  if (outcome.kind === 'rests') {
    drop(state, lane, effects)
    lane.restsUntilMs = outcome.until.getTime()
    wakeAt(lane, lane.restsUntilMs, effects)
  } else if (outcome.pace === 'slow') lane.slots = Math.max(1, Math.floor(lane.slots / 2))
  else if (lane.slots < state.limits.laneCap) lane.slots += 1
  if (outcome.kind === 'waits') {
    if (disciplineOf(lane).isReadAgainAfterWait) drop(state, lane, effects)
    wakeAt(lane, outcome.until.getTime(), effects)
  }
  enqueue(state, lane)
  if (state.leavings.size > 0) seeWhoHasLeft(state, effects)
}

function woken<Item extends LaneItem>(state: LanesState<Item>, laneIds: readonly string[], atMs: number): void {
  for (const laneId of laneIds) {
    const lane = state.lanes.get(laneId)
    if (lane === undefined || lane.wakeAtMs > atMs) continue
    if (!lane.hasMore) lane.moreSinceMs = lane.wakeAtMs
    lane.wakeAtMs = Number.POSITIVE_INFINITY
    lane.hasMore = true
    // What went back to the table while its rows were read is not among them.
    if (lane.isFetching) lane.isToldMeanwhile = true
    enqueue(state, lane)
  }
}

// ── reading the table ──

function fetchDue<Item extends LaneItem>(state: LanesState<Item>, atMs: number, effects: LaneEffect<Item>[]): void {
  const lanes: Lane<Item>[] = []
  for (const lane of state.starved) {
    if (lanes.length >= FETCH_LANES_MAX) break
    lanes.push(lane)
    state.starved.delete(lane)
    lane.isToldMeanwhile = false
    lane.isFetchOutdated = false
  }
  state.isFetchDue = state.starved.size > 0
  if (state.isFetchDue) effects.push({ kind: 'fetch-soon' })
  state.reading += 1
  // Fewer per lane where many lanes are hungry, so that memory is shared out fairly.
  const limit = Math.max(2, Math.min(FETCH_LIMIT, Math.floor(state.limits.heldMax / Math.max(1, lanes.length))))
  effects.push({ kind: 'fetch', fetch: { lanes, limit, except: lanes.flatMap((lane) => [...lane.known]), atMs } })
}

function fetched<Item extends LaneItem>(
  state: LanesState<Item>,
  { lanes, limit, atMs }: LaneFetch<Item>,
  rows: readonly { item: Item; dueAt: Date }[],
  effects: LaneEffect<Item>[],
): void {
  const asked = new Set(lanes)
  const counts = new Map<string, number>()
  const blocked = new Set<string>()
  for (const { item, dueAt } of rows) {
    const lane = state.lanes.get(item.laneId)
    if (lane === undefined || !asked.has(lane) || lane.isFetchOutdated || blocked.has(lane.id)) continue
    if (!isOwned(state, lane.shard)) continue
    lane.isOrdered = item.isOrdered
    const what = disciplineOf(lane).read(lane, dueAt.getTime() <= atMs)
    if (what !== 'hold') wakeAt(lane, dueAt.getTime(), effects)
    if (what === 'block') blocked.add(lane.id)
    if (what !== 'hold') continue
    counts.set(lane.id, (counts.get(lane.id) ?? 0) + 1)
    const sinceMs = waitsSince(dueAt, atMs)
    // Rows come in the order in which they became due: what was not read is not due for longer.
    lane.moreSinceMs = sinceMs
    keep(state, lane, item, sinceMs)
  }
  for (const lane of lanes) {
    lane.isSupposed = false
    // What was let go of while its rows were read is read again when it wakes, if it has not woken already.
    if (lane.isFetchOutdated) lane.hasMore = lane.wakeAtMs === Number.POSITIVE_INFINITY
    else lane.hasMore = !blocked.has(lane.id) && (lane.isToldMeanwhile || (counts.get(lane.id) ?? 0) >= limit)
    enqueue(state, lane)
  }
}

/** Strictly ordered work has no due time until it waits for something: then it counts from when it was seen. */
function waitsSince(dueAt: Date, seenAtMs: number): number {
  return dueAt.getTime() > NO_DUE_TIME_MS ? dueAt.getTime() : seenAtMs
}

function fetchOver<Item extends LaneItem>(state: LanesState<Item>, { lanes }: LaneFetch<Item>): void {
  state.reading -= 1
  for (const lane of lanes) lane.isFetching = false
}

/** Takes in which lanes have work in the table; surely new work where somebody told of it. */
function looked<Item extends LaneItem>(
  state: LanesState<Item>,
  { why, askedAtMs, dues }: Extract<LaneEvent<Item>, { kind: 'looked' }>,
  effects: LaneEffect<Item>[],
): void {
  for (const { laneId, dueAt } of dues) {
    if (!isOwned(state, shardOf(laneId))) continue
    const lane = laneFor(state, laneId)
    if (dueAt.getTime() > askedAtMs) wakeAt(lane, dueAt.getTime(), effects)
    else if (why === 'told' || disciplineOf(lane).isNews(lane)) {
      // It may have been told to rest by a clock that was set back since.
      lane.restsUntilMs = 0
      const isSupposed = why !== 'told' && (lane.isSupposed || !lane.hasMore)
      // Of a lane at work, what is due first may be what is at work.
      noteMore(lane, lane.working === 0 ? waitsSince(dueAt, askedAtMs) : askedAtMs)
      lane.isSupposed = isSupposed
      enqueue(state, lane)
    }
  }
}

// ── giving shards up ──

/** Forgets what waits, and lets what is at work end: its rows say how far it came. */
function leave<Item extends LaneItem>(
  state: LanesState<Item>,
  { shards, isSudden, leaving }: { shards: readonly number[] | null; isSudden: boolean; leaving: Leaving<Item> },
  effects: LaneEffect<Item>[],
): void {
  const gone = shards === null ? null : new Set(shards)
  for (const lane of state.lanes.values()) {
    if (gone === null ? !isOwned(state, lane.shard) : !gone.has(lane.shard)) continue
    leaving.lanes.push(lane)
    lane.isGone = true
    drop(state, lane, effects)
    // Others may begin with it at this moment: better cut off and done again than done beside them.
    for (const id of lane.known) if (isSudden && state.strict.has(id)) effects.push({ kind: 'cut', id })
  }
  state.leavings.add(leaving)
  seeWhoHasLeft(state, effects)
  if (state.leavings.has(leaving)) effects.push({ kind: 'grace', leaving })
}

function seeWhoHasLeft<Item extends LaneItem>(state: LanesState<Item>, effects: LaneEffect<Item>[]): void {
  for (const leaving of state.leavings) {
    if (leaving.lanes.some((lane) => lane.working > 0)) continue
    state.leavings.delete(leaving)
    for (const lane of leaving.lanes) if (state.lanes.get(lane.id) === lane) state.lanes.delete(lane.id)
    effects.push({ kind: 'left', leaving })
  }
}
