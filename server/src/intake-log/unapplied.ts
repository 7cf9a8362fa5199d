import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import type { Bus } from './bus.ts'
import { appliedShards, everywhereApplied } from './store.ts'

/** What of the whole log, whoever works its shards, is not applied yet. */
export interface Unapplied {
  /** How long the oldest message waits; 0 where none does. */
  oldestSeconds: number
  /** Shards with messages that wait, of 64, as far as the first messages tell. */
  shards: number
}

/** How far a shard is known to be applied is written once a second: so many messages may stand behind that, and are. */
const LOOKED_AT_MAX = 512
/** Looked at behind the first that is not applied. */
const MORE_MAX = 16

/** Asks the log and the database. */
export async function unapplied(options: {
  bus: Pick<Bus, 'identity' | 'span' | 'next'>
  database: Database
  clock: Clock
}): Promise<Unapplied> {
  const { bus, database, clock } = options
  const { last } = await bus.span()
  const applied = await appliedShards(database.db, bus.identity)
  const isWaiting = (shard: number, sequence: number) => (applied.get(shard) ?? 0) < sequence
  const waiting = new Set<number>()
  let oldestMs: number | null = null
  let [at, left] = [everywhereApplied(applied), LOOKED_AT_MAX]
  for (; at < last && left > 0; left -= 1) {
    const message = await bus.next(at)
    if (message === null) break
    at = message.sequence
    const behind = message.shards.filter((shard) => isWaiting(shard, message.sequence))
    if (behind.length === 0) continue
    if (oldestMs === null) [oldestMs, left] = [message.atMs, Math.min(left, MORE_MAX)]
    for (const shard of behind) waiting.add(shard)
  }
  const nowMs = clock.now().getTime()
  return {
    oldestSeconds: oldestMs === null ? 0 : Math.max(0, Math.round((nowMs - oldestMs) / 1000)),
    shards: waiting.size,
  }
}
