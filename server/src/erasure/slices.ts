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

/** Rows by table, with more of them. */
export function counted(before: Record<string, number>, more: Record<string, number>): Record<string, number> {
  const sums = { ...before }
  for (const [table, rows] of Object.entries(more)) sums[table] = (sums[table] ?? 0) + rows
  return sums
}
