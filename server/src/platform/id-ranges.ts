import { type RawBuilder, sql } from 'kysely'
import { lowestIdAt, timeOfId } from './ids.ts'

/** A stretch of UUIDv7, which is a stretch of time. */
export interface IdRange {
  from: string
  before: string
}

/** What was found in a stretch, reading no more than a bounded number of rows from its beginning. */
export interface Sample {
  count: number
  /** The last one that was read; null where there was none. */
  lastId: string | null
}

/** Equal stretches of time from `from` on. */
export function idRanges(from: Date, bucketMs: number, count: number): IdRange[] {
  const edge = (at: number) => lowestIdAt(new Date(from.getTime() + at * bucketMs))
  return Array.from({ length: count }, (_, at) => ({ from: edge(at), before: edge(at + 1) }))
}

/**
 * By how much to multiply what a sample counted: 1 where it saw everything. A full sample is taken to go on as it
 * began, by the time between the beginning of the stretch and the last row that was read.
 */
export function growthOf(sample: Sample, sampleMax: number, startMs: number, bucketMs: number): number {
  if (sample.lastId === null || sample.count < sampleMax) return 1
  const seenMs = Math.max(1, timeOfId(sample.lastId).getTime() - startMs)
  return Math.max(1, bucketMs / seenMs)
}

/** The moment of a UUIDv7 column in SQL, in milliseconds since 1970. */
export function msOfId(column: 'id'): RawBuilder<number> {
  return sql.raw(`('x' || substr(replace(${column}::text, '-', ''), 1, 12))::bit(48)::bigint`)
}
