import type { Clock } from '../platform/clock.ts'

/**
 * Spaces out what is sent to one destination: at most `perSecond`, evenly. A destination is worked by one process at
 * a time, so counting in memory is enough. Null where it is the caller's turn, which is waited for if it comes within
 * a second; else when to ask again: whoever waits for long must not hold up others meanwhile.
 */
export type Throttle = (key: string, perSecond: number, signal: AbortSignal) => Promise<Date | null>

const WAIT_MS_MAX = 1000
const REMEMBERED_MAX = 10_000

export function createThrottle(clock: Clock): Throttle {
  const nextMs = new Map<string, number>()
  return async (key, perSecond, signal) => {
    const nowMs = clock.now().getTime()
    const everyMs = 1000 / perSecond
    const givenMs = nextMs.get(key) ?? 0
    // Further ahead than any turn is given: the clock was set back.
    const slotMs = givenMs > nowMs + WAIT_MS_MAX + everyMs ? nowMs : Math.max(nowMs, givenMs)
    if (slotMs > nowMs + WAIT_MS_MAX) return new Date(slotMs)
    nextMs.set(key, slotMs + everyMs)
    if (nextMs.size > REMEMBERED_MAX) for (const [old, atMs] of nextMs) if (atMs < nowMs) nextMs.delete(old)
    if (slotMs > nowMs) await turnAt(clock, new Date(slotMs), signal)
    return null
  }
}

function turnAt(clock: Clock, at: Date, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.wakeAt(at, resolve)
    signal.addEventListener(
      'abort',
      () => {
        cancel()
        resolve()
      },
      { once: true },
    )
  })
}
