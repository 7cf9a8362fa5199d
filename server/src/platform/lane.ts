import type { Clock } from './clock.ts'
import type { LaneSurvey, SurveyQuestion } from './lane-standing.ts'
import type { Log } from './log.ts'
import type { LoopLoad } from './loop-load.ts'
import type { Metrics } from './metrics.ts'
import type { Ownership } from './ownership.ts'

/** One piece of durable work: a row that exists until the work is finished. */
export interface LaneItem {
  id: string
  /** Whose backlog it is in: a customer, or one flow instance or destination that keeps strict order. */
  laneId: string
  /** Work of one group shares a cap of its own inside the lane (a flow instance). */
  groupId: string
  /** Most items of the group at the same time. */
  groupCap: number
  /** In an ordered lane an item starts only after the one before it is finished for good. */
  isOrdered: boolean
  /** Roughly what it holds in memory. */
  bytes: number
  /** Since when it could have begun, epoch ms; the lanes say so of what they hold. */
  waitsSinceMs: number
}

/**
 * What became of an item: finished (its row is gone), to be taken up again at a later time, or not begun because
 * nothing of its lane may begin before then.
 */
export type LaneOutcome =
  | { kind: 'finished'; pace?: 'ok' | 'slow' }
  | { kind: 'waits'; until: Date; pace?: 'ok' | 'slow' }
  | { kind: 'rests'; until: Date }

export interface LaneSource<Item extends LaneItem> {
  /** Name in logs and notices. */
  name: string
  /** Every lane of these shards that has work, and when its earliest work is due. */
  lanesOf(shards: readonly number[]): Promise<{ laneId: string; dueAt: Date }[]>
  /**
   * The first due items of each lane in order, at most `limit` each, not those in `except`; and the one that
   * is due next, if any. Of an ordered lane: its first items in order, due or not.
   */
  fetch(
    laneIds: readonly string[],
    limit: number,
    except: readonly string[],
    now: Date,
  ): Promise<{ item: Item; dueAt: Date }[]>
  /** Does the work. Must not reject for anything the world does; a rejection is our mistake, and the item is tried again. */
  work(item: Item, signal: AbortSignal): Promise<LaneOutcome>
  /** Ends work that keeps being rejected as failed, so that it is not done for ever. */
  giveUp(item: Item): Promise<LaneOutcome>
  /** How many rows there are in these shards, counted up to `most`. */
  countOf(shards: readonly number[], most: number): Promise<number>
  /** Items that were held in memory are let go of: they are looked for in the table when their lane has room again. */
  letGo?(items: readonly Item[]): void
}

export interface LanesOptions<Item extends LaneItem> {
  source: LaneSource<Item>
  ownership: Ownership
  clock: Clock
  log: Log
  metrics: Metrics
  /** Most items at work at once in this process, in one lane, and waiting in memory. */
  processCap: number
  laneCap: number
  heldMax: number
  heldBytesMax: number
  /** Items of one lane that begin within a millisecond; 3 where absent. */
  portion?: number
  /** Given for work that nobody waits for: while the process is busy, no more than a few items are at work. */
  load?: LoopLoad
  /** How often rows are looked for that nobody told us about. */
  sweepMs?: number
}

/**
 * The backlogs of many owners, worked side by side: one lane that is full, slow or dead takes no more
 * than its own slots, so the others never notice it.
 *
 * Rows are the truth; memory holds a bounded window of them. New work of a shard owned here is handed
 * over in memory (`offer`); what does not fit, or was committed by another process, is fetched when its
 * lane has room; what nobody told of is found by a sweep.
 *
 * A lane that answers slowly or with errors is narrowed to half its slots each time, down to one, and
 * widened by one with each success.
 */
export interface Lanes<Item extends LaneItem> extends AsyncDisposable {
  /**
   * Hands over items whose rows were just committed. Those of shards owned elsewhere are announced there. Gives those
   * that are not held in memory from now on, and so are looked for in the table.
   */
  offer(items: readonly Item[]): Item[]
  /**
   * Rows of these lanes were committed some time ago: they may have been read and worked since, so they are looked for in
   * the table. Those of shards owned elsewhere are announced there.
   */
  stored(laneIds: readonly string[]): void
  /** Stops the item where it is being worked here. */
  abort(id: string): void
  /** How its lanes stand, and why nothing of them begins. */
  survey(question: SurveyQuestion): Promise<LaneSurvey>
  readonly inFlight: number
  /** Resolves when no due work is left in the shards owned here. For tests and shutdown. */
  settled(): Promise<void>
  start(): void
  stop(): Promise<void>
}
