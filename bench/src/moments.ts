/** Milliseconds on the machine's monotonic clock: the same in every process, so that moments can be compared. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Resolves after `ms`. */
export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** What a list of durations comes to, in milliseconds; NaN where there is none. */
export interface Spread {
  count: number
  p50: number
  p95: number
  p99: number
  max: number
}

export function spreadOf(durationsMs: readonly number[]): Spread {
  const sorted = Float64Array.from(durationsMs).sort()
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) }
}

export function median(values: readonly number[]): number {
  return spreadOf(values).p50
}
