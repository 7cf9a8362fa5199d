/** Decides whether what waits had better wait a moment longer, because more of it is about to come. */
export interface Gathering {
  /** One more has come. */
  came(): void
  /** Whether to go on waiting; then `over` is called when that has been long enough. */
  isUnderWay(): boolean
  /** What waited is on its way: the next one begins anew. */
  ended(): void
}

/** So many must come in the time that is waited: fewer save less than the wait costs. */
const WORTH_WAITING_FOR = 3

/** The time between two is averaged over about so many. */
const GAPS = 4

/** Waits for `ms` at most, and not at all for what comes slower than that. */
export function createGathering(ms: number, over: () => void): Gathering {
  let lastMs = Number.NEGATIVE_INFINITY
  let gapMs = Number.POSITIVE_INFINITY
  let timer: NodeJS.Timeout | null = null
  let isLongEnough = false

  return {
    came() {
      if (ms === 0) return
      const nowMs = performance.now()
      const latestMs = Math.min(4 * ms, nowMs - lastMs)
      gapMs = Number.isFinite(gapMs) ? gapMs + (latestMs - gapMs) / GAPS : latestMs
      lastMs = nowMs
    },
    isUnderWay() {
      if (ms === 0 || isLongEnough || gapMs * WORTH_WAITING_FOR > ms) return false
      timer ??= setTimeout(() => {
        timer = null
        isLongEnough = true
        over()
      }, ms)
      return true
    },
    ended() {
      isLongEnough = false
      if (timer !== null) clearTimeout(timer)
      timer = null
    },
  }
}
