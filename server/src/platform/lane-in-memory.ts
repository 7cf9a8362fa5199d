import { shardOf } from './ownership.ts'

/** What is remembered of a lane that has something to do: a window on its rows. */
export interface LaneInMemory<Item> {
  id: string
  shard: number
  /** Waiting items by group, so that a group at its cap does not hold up the others. */
  ready: Map<string, Item[]>
  readyCount: number
  /** Ids known here: ready or at work. A row that is fetched again is recognised by them. */
  known: Set<string>
  /** Ids finished while a fetch was under way, whose snapshot may still have them. */
  finishedMeanwhile: Set<string>
  atWork: Map<string, number>
  working: number
  slots: number
  /** The table may hold due rows of this lane that are not in memory. */
  hasMore: boolean
  /** New rows were told of while a fetch was under way, whose snapshot may not have them. */
  isToldMeanwhile: boolean
  isFetching: boolean
  /** Its head went back to the table while a fetch was under way that left it out: what is fetched may not overtake it. */
  isFetchOutdated: boolean
  isOrdered: boolean
  isQueued: boolean
  /** Epoch ms before which nothing of it begins. */
  restsUntilMs: number
  /** Epoch ms at which it must be looked at again; Infinity for never. */
  wakeAtMs: number
}

export function newLane<Item>(id: string, slots: number): LaneInMemory<Item> {
  return {
    id,
    shard: shardOf(id),
    ready: new Map(),
    readyCount: 0,
    known: new Set(),
    finishedMeanwhile: new Set(),
    atWork: new Map(),
    working: 0,
    slots,
    hasMore: false,
    isToldMeanwhile: false,
    isFetching: false,
    isFetchOutdated: false,
    isOrdered: false,
    isQueued: false,
    restsUntilMs: 0,
    wakeAtMs: Number.POSITIVE_INFINITY,
  }
}
