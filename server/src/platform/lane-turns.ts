import type { LaneItem } from './lane.ts'
import { hadPortion, laneHindrance, processHindrance } from './lane-hindrance.ts'
import { type LaneInMemory as Lane, takeNext } from './lane-in-memory.ts'
import { enqueue, type LaneEffect, type LanesState, letGoOf, wakeAt } from './lane-state.ts'

/** Most rows of one lane that are read at a time. */
export const FETCH_LIMIT = 100

/** Serves the lanes in turn, one item each time round, while this process has slots. */
export function serve<Item extends LaneItem>(state: LanesState<Item>, atMs: number, effects: LaneEffect<Item>[]): void {
  while (state.turn.length > 0 && hasRoom(state, effects)) {
    const round = state.turn
    state.turn = []
    for (let index = 0; index < round.length; index += 1) {
      const lane = round[index] as Lane<Item>
      if (!hasRoom(state, effects)) {
        // Those that had no turn this time come first the next time.
        state.turn = [...round.slice(index), ...state.turn]
        break
      }
      if (hasHadItsPortion(state, lane, effects)) continue
      lane.isQueued = false
      if (beginOne(state, lane, atMs, effects)) enqueue(state, lane)
    }
  }
}

/** Whether one more may begin in this process; where it yields, it is asked again soon. */
function hasRoom<Item extends LaneItem>(state: LanesState<Item>, effects: LaneEffect<Item>[]): boolean {
  const hindrance = processHindrance(state)
  if (hindrance !== 'process-busy') return hindrance === null
  if (!state.isYielding) effects.push({ kind: 'yield' })
  state.isYielding = true
  return false
}

/** A lane that had its portion is kept for the next: whoever comes with hundreds lets others go between. */
function hasHadItsPortion<Item extends LaneItem>(
  state: LanesState<Item>,
  lane: Lane<Item>,
  effects: LaneEffect<Item>[],
): boolean {
  if (!hadPortion(state, lane)) return false
  if (state.kept.length === 0) effects.push({ kind: 'portion-soon' })
  state.kept.push(lane)
  return true
}

/** Begins the lane's next item if it may; true where the lane may have another one to begin. */
function beginOne<Item extends LaneItem>(
  state: LanesState<Item>,
  lane: Lane<Item>,
  atMs: number,
  effects: LaneEffect<Item>[],
): boolean {
  if (lane.restsUntilMs > 0 && lane.restsUntilMs <= atMs) lane.restsUntilMs = 0
  const hindrance = laneHindrance(lane, atMs)
  if (hindrance !== null) {
    if (hindrance === 'resting') wakeAt(lane, lane.restsUntilMs, effects)
    else if (hindrance === 'to-be-read') wantRows(state, lane, effects)
    else if (hindrance === 'not-due' && lane.working === 0) maybeForget(state, lane)
    return false
  }
  const next = takeNext(lane)
  if (next === null) return false
  letGoOf(state, next)
  begin(state, lane, next)
  effects.push({ kind: 'begin', lane, item: next })
  if (lane.hasMore && lane.readyCount < FETCH_LIMIT / 4) wantRows(state, lane, effects)
  return true
}

function begin<Item extends LaneItem>(state: LanesState<Item>, lane: Lane<Item>, item: Item): void {
  lane.begun = lane.begunIn === state.portionNumber ? lane.begun + 1 : 1
  lane.begunIn = state.portionNumber
  state.begunSinceYield += 1
  lane.working += 1
  lane.atWork.set(item.groupId, (lane.atWork.get(item.groupId) ?? 0) + 1)
  state.inFlight += 1
  if (item.isOrdered || item.groupCap === 1) state.strict.add(item.id)
}

/** Lanes that need rows are gathered, and read for together. */
function wantRows<Item extends LaneItem>(state: LanesState<Item>, lane: Lane<Item>, effects: LaneEffect<Item>[]): void {
  if (lane.isFetching) return
  lane.isFetching = true
  state.starved.add(lane)
  if (state.isFetchDue) return
  state.isFetchDue = true
  effects.push({ kind: 'fetch-soon' })
}

/** A lane with nothing in memory and nothing to wait for need not be remembered. */
function maybeForget<Item extends LaneItem>(state: LanesState<Item>, lane: Lane<Item>): void {
  const isQuiet = lane.readyCount === 0 && lane.working === 0 && !lane.hasMore && !lane.isFetching
  if (isQuiet && lane.wakeAtMs === Number.POSITIVE_INFINITY && lane.slots >= state.limits.laneCap)
    state.lanes.delete(lane.id)
}
