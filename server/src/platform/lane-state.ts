import type { LaneItem, LaneOutcome } from './lane.ts'
import { type LaneInMemory, newLane, takeAll } from './lane-in-memory.ts'
import { SHARDS, shardOf } from './ownership.ts'

/** How much of it at a time. */
export interface LaneLimits {
  processCap: number
  laneCap: number
  heldMax: number
  heldBytesMax: number
  /** Items of one lane that begin in one portion. */
  portion: number
  /** Nobody waits for this work: it leaves the time to what somebody waits for. */
  yields: boolean
}

/**
 * What a process knows of its lanes. `step` alone changes it, and nothing else counts for what it does; whose the lanes
 * are, a survey notes in them.
 */
export interface LanesState<Item extends LaneItem> {
  readonly limits: LaneLimits
  /** By shard: 1 where this process works it. */
  readonly owned: Uint8Array
  readonly lanes: Map<string, LaneInMemory<Item>>
  /** Lanes that could begin something, each once, served in turn. */
  turn: LaneInMemory<Item>[]
  /** Lanes that had their portion and are served again with the next. */
  kept: LaneInMemory<Item>[]
  portionNumber: number
  begunSinceYield: number
  isYielding: boolean
  isBusy: boolean
  /** Of what is at work, that which must never be done in two places at once. */
  readonly strict: Set<string>
  inFlight: number
  held: number
  heldBytes: number
  /** Lanes that need rows. */
  readonly starved: Set<LaneInMemory<Item>>
  isFetchDue: boolean
  /** Answers of the table that are awaited. */
  reading: number
  /** Shards of others that there is new work in. */
  toTell: Set<number>
  readonly leavings: Set<Leaving<Item>>
  isStopping: boolean
}

/** Lanes that are given up: what is at work in them may end. */
export interface Leaving<Item> {
  lanes: LaneInMemory<Item>[]
}

/** Rows that are asked for, of many lanes at a time. */
export interface LaneFetch<Item> {
  lanes: readonly LaneInMemory<Item>[]
  limit: number
  except: string[]
  /** When it was asked, epoch ms. */
  atMs: number
}

/** Why it was looked which lanes have work: somebody told of new work, now and then, or the shards are new here. */
export type LookReason = 'told' | 'sweep' | 'gained'

/** What happened, and when (epoch ms). */
export type LaneEvent<Item extends LaneItem> = { atMs: number } & (
  | { kind: 'offered'; items: readonly Item[] }
  | { kind: 'stored'; laneIds: readonly string[] }
  | { kind: 'ended'; lane: LaneInMemory<Item>; item: Item; outcome: LaneOutcome }
  | { kind: 'woken'; laneIds: readonly string[] }
  | { kind: 'fetch-due' | 'tell-due' | 'portion-due' | 'yielded' | 'looking' | 'look-failed' }
  | { kind: 'fetched'; fetch: LaneFetch<Item>; rows: readonly { item: Item; dueAt: Date }[] }
  | { kind: 'fetch-failed'; fetch: LaneFetch<Item> }
  | { kind: 'looked'; why: LookReason; askedAtMs: number; dues: readonly { laneId: string; dueAt: Date }[] }
  | { kind: 'load'; isBusy: boolean }
  | { kind: 'gained'; shards: readonly number[] }
  | { kind: 'lost'; shards: readonly number[]; isSudden: boolean; leaving: Leaving<Item> }
  | { kind: 'stopped'; leaving: Leaving<Item> }
  | { kind: 'grace-over'; leaving: Leaving<Item> }
)

/** What is to be done about it. */
export type LaneEffect<Item extends LaneItem> =
  | { kind: 'begin'; lane: LaneInMemory<Item>; item: Item }
  /** Cut off what is at work, because others are to do it. */
  | { kind: 'cut'; id: string }
  /** Offered, and not held: to be found in the table. */
  | { kind: 'passed-over'; items: Item[] }
  | { kind: 'let-go'; items: Item[] }
  | { kind: 'wake'; laneId: string; atMs: number }
  | { kind: 'fetch'; fetch: LaneFetch<Item> }
  | { kind: 'tell'; shards: number[] }
  /** Nothing more of it is at work here. */
  | { kind: 'left'; leaving: Leaving<Item> }
  /** Tell of `fetch-due`, `tell-due`, `portion-due`, `yielded`, `grace-over` when its time has come. */
  | { kind: 'fetch-soon' | 'tell-soon' | 'portion-soon' | 'yield' }
  | { kind: 'grace'; leaving: Leaving<Item> }

export function newLanesState<Item extends LaneItem>(limits: LaneLimits): LanesState<Item> {
  return {
    limits,
    owned: new Uint8Array(SHARDS),
    lanes: new Map(),
    turn: [],
    kept: [],
    portionNumber: 0,
    begunSinceYield: 0,
    isYielding: false,
    isBusy: false,
    strict: new Set(),
    inFlight: 0,
    held: 0,
    heldBytes: 0,
    starved: new Set(),
    isFetchDue: false,
    reading: 0,
    toTell: new Set(),
    leavings: new Set(),
    isStopping: false,
  }
}

/** Whether nothing is at work, held, being read or about to be. */
export function isIdle<Item extends LaneItem>(state: LanesState<Item>): boolean {
  return (
    state.inFlight === 0 &&
    state.reading === 0 &&
    !state.isFetchDue &&
    state.turn.length === 0 &&
    state.kept.length === 0 &&
    state.held === 0 &&
    state.toTell.size === 0
  )
}

export function isOwned(state: { owned: Uint8Array }, shard: number): boolean {
  return state.owned[shard] === 1
}

export function laneFor<Item extends LaneItem>(state: LanesState<Item>, laneId: string): LaneInMemory<Item> {
  const existing = state.lanes.get(laneId)
  if (existing !== undefined) return existing
  const lane = newLane<Item>(laneId, shardOf(laneId), state.limits.laneCap)
  state.lanes.set(laneId, lane)
  return lane
}

export function enqueue<Item extends LaneItem>(state: LanesState<Item>, lane: LaneInMemory<Item>): void {
  if (lane.isQueued || lane.isGone) return
  lane.isQueued = true
  state.turn.push(lane)
}

/** The table may have more of the lane than is in memory, the first of it due since then. */
export function noteMore(lane: LaneInMemory<LaneItem>, sinceMs: number): void {
  if (!lane.hasMore) lane.moreSinceMs = sinceMs
  lane.hasMore = true
  lane.isSupposed = false
  if (lane.isFetching) lane.isToldMeanwhile = true
}

export function wakeAt<Item extends LaneItem>(
  lane: LaneInMemory<Item>,
  atMs: number,
  effects: LaneEffect<Item>[],
): void {
  if (lane.wakeAtMs <= atMs) return
  lane.wakeAtMs = atMs
  effects.push({ kind: 'wake', laneId: lane.id, atMs })
}

/** Lets go of what waits in memory; the rows stay. */
export function drop<Item extends LaneItem>(
  state: LanesState<Item>,
  lane: LaneInMemory<Item>,
  effects: LaneEffect<Item>[],
): void {
  const items = takeAll(lane)
  for (const item of items) letGoOf(state, item)
  if (items.length > 0) effects.push({ kind: 'let-go', items })
  lane.hasMore = false
  lane.isFetchOutdated = lane.isFetching
}

export function letGoOf(state: { held: number; heldBytes: number }, item: LaneItem): void {
  state.held -= 1
  state.heldBytes -= item.bytes
}
