import type { Log } from './log.ts'

const QUIET_MS = 30_000
const CALM_MS = 5000

/** Says once that something is away, once in a while that it still is, and once that it is back. */
export interface OutageLog {
  /** One more thing that failed because of it. */
  failed(error: Error): void
  /** Something worked. What does not need it works in between, so it is over when nothing has failed for five seconds. */
  worked(): void
}

/**
 * An outage is one line in the log when it begins and one when it ends, with what failed counted between them: a
 * thousand requests that fail for one reason would bury that reason.
 */
export function createOutageLog(log: Log, what: string, nowMs: () => number = () => performance.now()): OutageLog {
  let outage: { startedMs: number; saidMs: number; failedMs: number; count: number } | null = null
  return {
    failed(error) {
      const now = nowMs()
      outage ??= { startedMs: now, saidMs: Number.NEGATIVE_INFINITY, failedMs: now, count: 0 }
      outage.count += 1
      outage.failedMs = now
      if (now - outage.saidMs < QUIET_MS) return
      outage.saidMs = now
      const seconds = Math.round((now - outage.startedMs) / 1000)
      log.warn({ message: error.message, failed: outage.count, seconds }, `${what} cannot be reached`)
    },
    worked() {
      if (outage === null || nowMs() - outage.failedMs < CALM_MS) return
      const seconds = Math.round((outage.failedMs - outage.startedMs) / 1000)
      log.info({ failed: outage.count, seconds }, `${what} is there again`)
      outage = null
    },
  }
}
