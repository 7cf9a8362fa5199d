/** Waits between automatic attempts, in milliseconds: ten attempts over about 75 hours. */
export const USUAL_SCHEDULE_MS: readonly number[] = [
  5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 50_400_000, 72_000_000, 86_400_000,
]

const RETRY_AFTER_MAX_MS = 86_400_000

/**
 * How long to wait before the next automatic attempt, in milliseconds; null once the schedule is spent.
 *
 * The wait moves by at most ±20 %, so that deliveries which failed together do not come together again.
 * `retryAfterMs` is what the receiver asked for: it may lengthen the wait up to a day, never shorten it.
 *
 * @param jitter uniform in [0, 1); passed in so the function stays pure
 * @source seeds/000 "Retry Behavior" asks for exponential backoff; the numbers are Standard Webhooks' recommendation
 */
export function retryDelayMs(given: {
  attemptsMade: number
  retryAfterMs: number | null
  jitter: number
  schedule: readonly number[]
}): number | null {
  const base = given.schedule[given.attemptsMade - 1]
  if (base === undefined) return null
  return Math.max(Math.round(base * (0.8 + 0.4 * given.jitter)), Math.min(given.retryAfterMs ?? 0, RETRY_AFTER_MAX_MS))
}
