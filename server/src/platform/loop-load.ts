import { performance } from 'node:perf_hooks'

/** Whether this process has time to spare. */
export interface LoopLoad {
  isBusy(): boolean
}

const WINDOW_MS = 20

/**
 * Says whether the event loop was at work for more than `share` of the last moments. What nobody waits for asks before
 * it begins, and leaves the time to what somebody waits for.
 *
 * @param share of 1
 */
export function createLoopLoad(share: number): LoopLoad {
  let since = performance.eventLoopUtilization()
  let sinceMs = performance.now()
  let isBusy = false
  return {
    isBusy() {
      const nowMs = performance.now()
      if (nowMs - sinceMs < WINDOW_MS) return isBusy
      const current = performance.eventLoopUtilization()
      isBusy = performance.eventLoopUtilization(current, since).utilization > share
      since = current
      sinceMs = nowMs
      return isBusy
    },
  }
}
