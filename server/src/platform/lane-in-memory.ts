import type { LaneItem } from './lane.ts'
import type { LaneOwner } from './lane-standing.ts'

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
  /** Since when the first of these could have begun, epoch ms; of no account where there are none. */
  moreSinceMs: number
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
  /** Whose it is, from when a survey asked for it. */
  owner: LaneOwner | null
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
    moreSinceMs: 0,
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
    owner: null,
  }
}

/** Keeps an item ready behind the others of its group; false where it is known already. */
export function hold<Item extends LaneItem>(lane: LaneInMemory<Item>, item: Item, sinceMs: number): boolean {
  if (lane.known.has(item.id)) return false
  lane.known.add(item.id)
  item.waitsSinceMs = sinceMs
  const group = lane.ready.get(item.groupId)
  if (group === undefined) lane.ready.set(item.groupId, [item])
  else group.push(item)
  lane.readyCount += 1
  return true
}

/** The first group that has something ready and is not at its cap; null where all are. */
export function nextGroup<Item extends LaneItem>(lane: LaneInMemory<Item>): { items: Item[]; head: Item } | null {
  for (const [groupId, items] of lane.ready) {
    const [head] = items
    if (head !== undefined && (lane.atWork.get(groupId) ?? 0) < head.groupCap) return { items, head }
  }
  return null
}

/** The next item of the first group that is not at its cap; null where all are. Groups take turns. */
export function takeNext<Item extends LaneItem>(lane: LaneInMemory<Item>): Item | null {
  const next = nextGroup(lane)
  if (next === null) return null
  const { items, head } = next
  items.shift()
  lane.ready.delete(head.groupId)
  if (items.length > 0) lane.ready.set(head.groupId, items)
  lane.readyCount -= 1
  return head
}

/** Whether it has something that could begin, as far as is known for sure. */
export function hasWaiting(lane: LaneInMemory<unknown>): boolean {
  return lane.readyCount > 0 || (lane.hasMore && !lane.isSupposed)
}

/** Everything that is ready; the lane forgets it. */
export function takeAll<Item extends LaneItem>(lane: LaneInMemory<Item>): Item[] {
  const items = [...lane.ready.values()].flat()
  for (const { id } of items) lane.known.delete(id)
  lane.ready.clear()
  lane.readyCount = 0
  return items
}
