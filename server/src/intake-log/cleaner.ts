import type { Database } from '../platform/database.ts'
import type { Log } from '../platform/log.ts'
import { type Ownership, SHARDS } from '../platform/ownership.ts'
import { forgettingErrors } from '../platform/periodic.ts'
import type { Bus, LogSpan } from './bus.ts'
import { appliedShards } from './store.ts'

/** Whoever works this shard removes what all of them have applied. */
const CLEANER_SHARD = 0
const EVERY_MS = 1000
/** Longer than it takes to write all parts of a message, and then the message. */
const NAMED_MS = 300_000
/** The servers take longer than this to choose another leader, and then the first one again. */
const LEADING_MS = 2000

interface CleaningOptions {
  bus: Pick<Bus, 'identity' | 'span' | 'nextOf' | 'removeUpTo' | 'lastPart' | 'removePartsUpTo'>
  database: Database
  ownership: Pick<Ownership, 'owns'>
  nowMs: () => number
}

/** Removes from the log what is in the database: everything before the first message that is not. */
export function createCleaner(options: Omit<CleaningOptions, 'nowMs'> & { log: Log }): {
  start(): void
  stop(): Promise<void>
} {
  return forgettingErrors(
    options.log,
    'removing from the intake log',
    EVERY_MS,
    createCleaning({ ...options, nowMs: () => performance.now() }),
  )
}

/** One round of it, again and again. */
export function createCleaning({ bus, database, ownership, nowMs }: CleaningOptions): () => Promise<void> {
  let seen: LogSpan | null = null
  let mark: { part: number; atMs: number; last: number | null } | null = null

  const clean = async () => {
    if (!ownership.owns(CLEANER_SHARD)) return
    const beganMs = nowMs()
    const span = await bus.span()
    const before = seen
    seen = span
    // That there is nothing behind a sequence is certain only of a server that has what the span tells of. One that
    // was just chosen may be working it off: what there is must be what the same server had a round before.
    if (before?.leader !== span.leader) return
    const last = Math.min(before.last, span.last)
    const upTo = last < span.first ? last : await removeApplied(span, last, beganMs)
    // The end of the log as it is now: one of before may lack messages that name parts.
    if (upTo !== null) await removeParts(upTo, span.last)
  }

  /** Gives up to where everything is applied; null where that is not certain. */
  async function removeApplied({ first, leader }: LogSpan, last: number, beganMs: number): Promise<number | null> {
    const applied = await appliedShards(database.db, bus.identity)
    const shards = Array.from({ length: SHARDS }, (_, shard) => shard)
    // Of a shard that is applied up to the end there is nothing to ask.
    const behind = shards.filter((shard) => (applied.get(shard) ?? 0) < last)
    const nexts = await Promise.all(behind.map((shard) => bus.nextOf(shard, applied.get(shard) ?? 0)))
    const upTo = Math.min(last, ...nexts.map((next) => (next === null ? last : next.sequence - 1)))
    if ((await bus.span()).leader !== leader || nowMs() - beganMs > LEADING_MS) return null
    if (upTo >= first) await bus.removeUpTo(upTo)
    return upTo
  }

  /** Parts up to a point go when everything is applied that was in the log when nobody could still name them. */
  async function removeParts(upTo: number, last: number): Promise<void> {
    if (mark === null) mark = { part: await bus.lastPart(), atMs: nowMs(), last: null }
    else if (mark.last === null && nowMs() - mark.atMs > NAMED_MS) mark.last = last
    else if (mark.last !== null && upTo >= mark.last) {
      if (mark.part > 0) await bus.removePartsUpTo(mark.part)
      mark = null
    }
  }

  return clean
}
