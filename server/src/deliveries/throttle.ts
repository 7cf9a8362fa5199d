import type { Clock } from '../platform/clock.ts'

/**
 * Spaces out what is sent to one destination: at most `perSecond`, evenly. A destination is worked by one process at
 * a time, so counting in memory is enough.
 */
export type Throttle = (key: string, perSecond: number, signal: AbortSignal) => Promise<void>

const REMEMBERED_MAX = 10_000

export function createThrottle(clock: Clock): Throttle {
  const nextMs = new Map<string, number>()
  return async (key, perSecond, signal) => {
    const nowMs = clock.now().getTime()
    const slotMs = Math.max(nowMs, nextMs.get(key) ?? 0)
    nextMs.set(key, slotMs + 1000 / perSecond)
    if (nextMs.size > REMEMBERED_MAX) for (const [old, atMs] of nextMs) if (atMs < nowMs) nextMs.delete(old)
    if (slotMs <= nowMs) return
    await new Promise<void>((resolve) => {
      const cancel = clock.wakeAt(new Date(slotMs), resolve)
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
}
