import { LRUCache } from 'lru-cache'
import type { Clock } from '../platform/clock.ts'

/** Slows down whoever guesses. */
export interface AttemptLimit {
  /** Counts an attempt; gives the seconds to wait where there were too many, else null. */
  refusedForSeconds(address: string): number | null
  /** An attempt that succeeded is no guess. */
  succeeded(address: string): void
}

const WINDOW_MS = 60_000
const OF_ONE_ADDRESS = 10
/** All addresses together: whoever has many addresses still guesses slowly, and hashing never takes the machine. */
const OF_ALL = 60
const ADDRESSES_MAX = 10_000
const EVERYBODY = '*'

interface Count {
  sinceMs: number
  attempts: number
}

export function createAttemptLimit(clock: Clock): AttemptLimit {
  const counts = new LRUCache<string, Count>({ max: ADDRESSES_MAX })

  function countOf(whose: string, nowMs: number): Count {
    const known = counts.get(whose)
    if (known !== undefined && Math.abs(nowMs - known.sinceMs) < WINDOW_MS) return known
    const fresh = { sinceMs: nowMs, attempts: 0 }
    counts.set(whose, fresh)
    return fresh
  }

  return {
    refusedForSeconds(address) {
      const nowMs = clock.now().getTime()
      const limits: [string, number][] = [
        [address, OF_ONE_ADDRESS],
        [EVERYBODY, OF_ALL],
      ]
      for (const [whose, max] of limits) {
        const count = countOf(whose, nowMs)
        if (count.attempts >= max) return Math.max(1, Math.ceil((count.sinceMs + WINDOW_MS - nowMs) / 1000))
      }
      for (const [whose] of limits) countOf(whose, nowMs).attempts += 1
      return null
    },
    succeeded(address) {
      counts.delete(address)
    },
  }
}
