const DELAYS_MS = [1_000, 5_000, 30_000, 120_000, 300_000, 600_000]
const RETRY_AFTER_MAX_MS = 86_400_000

/**
 * How long a node run waits before its next try, in milliseconds; null once the tries are spent (seven in all, over
 * about 18 minutes). Moves by at most ±20 %. What the far side asked for may lengthen the wait up to a day, never
 * shorten it.
 *
 * @param jitter uniform in [0, 1)
 */
export function nodeRetryDelayMs(given: {
  attemptsMade: number
  retryAfterMs: number | null
  jitter: number
}): number | null {
  const base = DELAYS_MS[given.attemptsMade - 1]
  if (base === undefined) return null
  return Math.max(Math.round(base * (0.8 + 0.4 * given.jitter)), Math.min(given.retryAfterMs ?? 0, RETRY_AFTER_MAX_MS))
}
