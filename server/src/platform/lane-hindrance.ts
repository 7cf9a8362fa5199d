import type { LaneItem } from './lane.ts'
import { disciplineOf } from './lane-discipline.ts'
import { type LaneInMemory as Lane, nextGroup } from './lane-in-memory.ts'
import type { Hindrance, LaneHindrance, ProcessHindrance } from './lane-standing.ts'
import type { LanesState } from './lane-state.ts'

/** Of work that yields: items at work while the process is busy, and how many begin before it is looked at again. */
const BUSY_CAP = 4
const YIELD_AFTER = 8

/**
 * Why nothing of a lane begins just now, as lanes themselves find out when it is its turn, in that order; null where
 * its next item begins.
 */
export function hindranceOf<Item extends LaneItem>(
  state: LanesState<Item>,
  lane: Lane<Item>,
  atMs: number,
): Hindrance | null {
  const ofProcess = processHindrance(state)
  if (ofProcess !== null) return ofProcess
  if (hadPortion(state, lane)) return 'others-turn'
  return laneHindrance(lane, atMs) ?? (nextGroup(lane) === null ? 'groups-full' : null)
}

export function processHindrance<Item extends LaneItem>(state: LanesState<Item>): ProcessHindrance | null {
  const { limits, inFlight } = state
  if (state.isStopping) return 'stopping'
  if (inFlight >= limits.processCap) return 'process-full'
  if (!limits.yields || inFlight < BUSY_CAP) return null
  return state.begunSinceYield < YIELD_AFTER && !state.isBusy ? null : 'process-busy'
}

export function hadPortion<Item extends LaneItem>(state: LanesState<Item>, lane: Lane<Item>): boolean {
  return lane.begunIn === state.portionNumber && lane.begun >= state.limits.portion
}

/** Groups apart: whether one of them may go is seen when it is taken. */
export function laneHindrance<Item extends LaneItem>(lane: Lane<Item>, atMs: number): LaneHindrance | null {
  if (lane.isGone) return 'given-up'
  if (lane.restsUntilMs > atMs) return 'resting'
  if (lane.readyCount === 0 && !lane.hasMore) return 'not-due'
  if (lane.working >= disciplineOf(lane).cap(lane)) return lane.isOrdered ? 'head-at-work' : 'lane-full'
  return lane.readyCount === 0 ? 'to-be-read' : null
}
