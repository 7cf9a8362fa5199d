import type { LaneItem } from './lane.ts'

/** What is remembered of a lane that has something to do: a window on its rows. */
export interface LaneInMemory<Item> {
  id: string
  shard: number
  /** Waiting items by group, so that a group at its cap does not hold up the others. */
  ready: Map<string, Item[]>
  readyCount: number
  /** Ids known here: ready or at work. A row that is fetched again is recognised by them. */
  known: Set<string>
  atWork: Map<string, number>
  working: number
  slots: number
  /** The table may hold due rows of this lane that are not in memory. */
  hasMore: boolean
  /** That there are more is only supposed: what was found may be what is at work. */
  isSupposed: boolean
  /** New rows were told of while a fetch was under way, whose snapshot may not have them. */
  isToldMeanwhile: boolean
  isFetching: boolean
  /** Its head went back to the table while a fetch was under way that left it out: what is fetched may not overtake it. */
  isFetchOutdated: boolean
  isOrdered: boolean
  isQueued: boolean
  /** Given up: whatever comes of it later is of no account, for there may be a new one of the same id. */
  isGone: boolean
  /** Items that began of the portion `begunIn`. */
  begun: number
  begunIn: number
  /** Epoch ms before which nothing of it begins. */
  restsUntilMs: number
  /** Epoch ms at which it must be looked at again; Infinity for never. */
  wakeAtMs: number
}

export function newLane<Item>(id: string, shard: number, slots: number): LaneInMemory<Item> {
  return {
    id,
    shard,
    ready: new Map(),
    readyCount: 0,
    known: new Set(),
    atWork: new Map(),
    working: 0,
    slots,
    hasMore: false,
    isSupposed: false,
    isToldMeanwhile: false,
    isFetching: false,
    isFetchOutdated: false,
    isOrdered: false,
    isQueued: false,
    isGone: false,
    begun: 0,
    begunIn: -1,
    restsUntilMs: 0,
    wakeAtMs: Number.POSITIVE_INFINITY,
  }
}

/** Keeps an item ready behind the others of its group; false where it is known already. */
export function hold<Item extends LaneItem>(lane: LaneInMemory<Item>, item: Item): boolean {
  if (lane.known.has(item.id)) return false
  lane.known.add(item.id)
  const group = lane.ready.get(item.groupId)
  if (group === undefined) lane.ready.set(item.groupId, [item])
  else group.push(item)
  lane.readyCount += 1
  return true
}

/** The next item of the first group that is not at its cap; null where all are. Groups take turns. */
export function takeNext<Item extends LaneItem>(lane: LaneInMemory<Item>): Item | null {
  for (const [groupId, items] of lane.ready) {
    const [head] = items
    if (head === undefined || (lane.atWork.get(groupId) ?? 0) >= head.groupCap) continue
    items.shift()
    lane.ready.delete(groupId)
    if (items.length > 0) lane.ready.set(groupId, items)
    lane.readyCount -= 1
    return head
  }
  return null
}

/** Everything that is ready; the lane forgets it. */
export function takeAll<Item extends LaneItem>(lane: LaneInMemory<Item>): Item[] {
  const items = [...lane.ready.values()].flat()
  for (const { id } of items) lane.known.delete(id)
  lane.ready.clear()
  lane.readyCount = 0
  return items
}
