import type { LaneItem } from './lane.ts'
import type { LaneInMemory as Lane } from './lane-in-memory.ts'

/** Strictly ordered work has such a due time until it waits for something. */
export const NO_DUE_TIME_MS = Date.UTC(2000, 0)

/** What differs between lanes that keep an order and lanes that do not. */
interface Discipline {
  /** Most items of the lane at work together. */
  cap(lane: Lane<LaneItem>): number
  /** What to do about new work: hold it, read it in its turn, or nothing, since the lane looks at the table anyway. */
  offered(lane: Lane<LaneItem>, isMemoryFull: boolean): 'hold' | 'read' | 'nothing'
  /** A row that was read, in the order of the table. `block`: nothing behind it may begin. */
  read(lane: Lane<LaneItem>, isDue: boolean): 'hold' | 'wait' | 'block'
  /** Whether what waits in memory is let go of when an item goes back to the table. */
  readonly isReadAgainAfterWait: boolean
  /** Whether due rows that were found are others than those known here, as far as can be told. */
  isNews(lane: Lane<LaneItem>): boolean
}

/**
 * One item at a time, in the order of the table. Only the table knows it, because other processes take in work of the
 * lane too: so everything is read, and while the first waits there is nothing to look for.
 */
const IN_ORDER: Discipline = {
  cap: () => 1,
  // What is being read just now may not have it, and may say that the head waits no longer.
  offered: (lane) => (lane.wakeAtMs === Number.POSITIVE_INFINITY || lane.isFetching ? 'read' : 'nothing'),
  read(lane, isDue) {
    if (!isDue) return 'block'
    // A lane whose head may go waits for nothing any more.
    lane.wakeAtMs = Number.POSITIVE_INFINITY
    return 'hold'
  },
  // What comes after the head must be read again behind it.
  isReadAgainAfterWait: true,
  isNews: (lane) => lane.readyCount === 0 && lane.working === 0,
}

/** As many as it has slots for, side by side. New work starts from memory, behind what the table still has. */
const SIDE_BY_SIDE: Discipline = {
  cap: (lane) => Math.floor(lane.slots),
  offered: (lane, isMemoryFull) => (lane.hasMore || lane.restsUntilMs > 0 || isMemoryFull ? 'read' : 'hold'),
  read: (_lane, isDue) => (isDue ? 'hold' : 'wait'),
  isReadAgainAfterWait: false,
  isNews: (lane) => lane.readyCount === 0,
}

/** By the work in it: what it had last says whether it keeps an order. */
export function disciplineOf(lane: { isOrdered: boolean }): Discipline {
  return lane.isOrdered ? IN_ORDER : SIDE_BY_SIDE
}
