import type { Tx } from '../platform/database.ts'
import type { Work } from './erasure.ts'
import { leavesOf, type Portion } from './rows.ts'

/** Work of one job before it makes room for others. */
const SLICE_MS = 2000
/** Longest rest after a portion, so that others get at the database. */
const REST_MS_MAX = 200

/** What was written when all was gone already is looked for that long. */
export const LATE_MS = 25 * 3_600_000
/** Another row refers to what is to go: it came a moment ago. */
export const REFERRED_TO = '23503'
/** Before the first place: what the round needs is gathered anew. */
export const GATHER = -1

/** What to do after a portion: go on, or after these milliseconds, or nothing. */
export type Next = 'on' | 'done' | number

/** Portion after portion, with rests as long as the work, until the slice is over or there is nothing to do. */
export async function workInSlices(of: {
  advance(): Promise<Next>
  goOn(waitMs: number): Promise<void>
  /** How far it is. */
  tell(): Promise<void>
}): Promise<void> {
  const untilMs = performance.now() + SLICE_MS
  for (;;) {
    const beganMs = performance.now()
    const next = await of.advance()
    if (next === 'done') return of.tell()
    if (typeof next === 'number' || performance.now() > untilMs) {
      await of.goOn(typeof next === 'number' ? next : 0)
      return of.tell()
    }
    const tookMs = performance.now() - beganMs
    await new Promise((resolve) => setTimeout(resolve, Math.min(tookMs, REST_MS_MAX)))
  }
}

/** How far work on a place is, and what was erased by then. */
export interface Course {
  work: Work
  counts: Record<string, number>
}

/**
 * The next portion of a place, of the first of its physical tables that is not done; then the next table, then the next
 * place.
 */
export async function nextPortion(
  tx: Tx,
  { work, counts }: Course,
  table: string,
  erase: (at: { leaf: string; block: number }) => Promise<Omit<Portion, 'ids'>>,
): Promise<Course> {
  const next = { ...work, step: work.step + 1, leaf: null, block: 0 }
  const leaves = await leavesOf(tx, table)
  const leaf = leaves.find((each) => work.leaf === null || each >= work.leaf)
  if (leaf === undefined) return { counts, work: next }
  const portion = await erase({ leaf, block: leaf === work.leaf ? work.block : 0 })
  const found = work.found + portion.rows
  const sums = counted(counts, portion.counts)
  if (!portion.isDone) return { counts: sums, work: { ...work, found, leaf, block: portion.block } }
  const following = leaves.find((each) => each > leaf)
  if (following === undefined) return { counts: sums, work: { ...next, found } }
  return { counts: sums, work: { ...work, found, leaf: following, block: 0 } }
}

/** Rows by table, with more of them. */
export function counted(before: Record<string, number>, more: Record<string, number>): Record<string, number> {
  const sums = { ...before }
  for (const [table, rows] of Object.entries(more)) sums[table] = (sums[table] ?? 0) + rows
  return sums
}
