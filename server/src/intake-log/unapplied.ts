import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { SHARDS } from '../platform/ownership.ts'
import type { Bus } from './bus.ts'
import { appliedShards } from './store.ts'

/** What of the whole log, whoever works its shards, is not applied yet. */
export interface Unapplied {
  /** How long the oldest message waits; 0 where none does. */
  oldestSeconds: number
  /** Shards with messages that wait, of 64. */
  shards: number
}

/** Asks the log and the database: a request for each shard that is not applied to the end. */
export async function unapplied(options: {
  bus: Pick<Bus, 'identity' | 'span' | 'nextOf'>
  database: Database
  clock: Clock
}): Promise<Unapplied> {
  const { bus, database, clock } = options
  const { last } = await bus.span()
  const applied = await appliedShards(database.db, bus.identity)
  const behind = Array.from({ length: SHARDS }, (_, shard) => shard).filter((shard) => (applied.get(shard) ?? 0) < last)
  const nexts = await Promise.all(behind.map((shard) => bus.nextOf(shard, applied.get(shard) ?? 0)))
  const waiting = nexts.filter((next) => next !== null)
  const oldestMs = Math.min(...waiting.map(({ at }) => at.getTime()))
  return {
    oldestSeconds: waiting.length === 0 ? 0 : Math.max(0, Math.round((clock.now().getTime() - oldestMs) / 1000)),
    shards: waiting.length,
  }
}
