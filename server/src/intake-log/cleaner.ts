import type { Database } from '../platform/database.ts'
import type { Log } from '../platform/log.ts'
import { type Ownership, SHARDS } from '../platform/ownership.ts'
import { forgettingErrors } from '../platform/periodic.ts'
import type { Bus } from './bus.ts'
import { appliedShards } from './store.ts'

/** Whoever works this shard removes what all of them have applied. */
const CLEANER_SHARD = 0
const EVERY_MS = 1000
/** Longer than it takes to write all parts of a message, and then the message. */
const NAMED_MS = 300_000

/** Removes from the log what is in the database: everything before the first message that is not. */
export function createCleaner(options: {
  bus: Pick<Bus, 'identity' | 'span' | 'nextOf' | 'removeUpTo' | 'lastPart' | 'removePartsUpTo'>
  database: Database
  ownership: Pick<Ownership, 'owns'>
  log: Log
}): { start(): void; stop(): Promise<void> } {
  const { bus, database, ownership } = options
  let mark: { part: number; atMs: number; last: number | null } | null = null

  return forgettingErrors(options.log, 'removing from the intake log', EVERY_MS, async () => {
    if (!ownership.owns(CLEANER_SHARD)) return
    const { first, last } = await bus.span()
    const upTo = last < first ? last : await removeApplied(first, last)
    await removeParts(upTo, last)
  })

  async function removeApplied(first: number, last: number): Promise<number> {
    const applied = await appliedShards(database.db, bus.identity)
    const shards = Array.from({ length: SHARDS }, (_, shard) => shard)
    // Of a shard that is applied up to the end there is nothing to ask.
    const behind = shards.filter((shard) => (applied.get(shard) ?? 0) < last)
    const nexts = await Promise.all(behind.map((shard) => bus.nextOf(shard, applied.get(shard) ?? 0)))
    const upTo = Math.min(last, ...nexts.map((next) => (next === null ? last : next.sequence - 1)))
    if (upTo >= first) await bus.removeUpTo(upTo)
    return upTo
  }

  /** Parts up to a point go when everything is applied that was in the log when nobody could still name them. */
  async function removeParts(upTo: number, last: number): Promise<void> {
    const nowMs = performance.now()
    if (mark === null) mark = { part: await bus.lastPart(), atMs: nowMs, last: null }
    else if (mark.last === null && nowMs - mark.atMs > NAMED_MS) mark.last = last
    else if (mark.last !== null && upTo >= mark.last) {
      if (mark.part > 0) await bus.removePartsUpTo(mark.part)
      mark = null
    }
  }
}
