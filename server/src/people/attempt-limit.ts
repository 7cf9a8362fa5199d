import { isIPv6 } from 'node:net'
import { boundedCache } from '../platform/bounded-cache.ts'
import type { Clock } from '../platform/clock.ts'

/**
 * Slows down whoever guesses. Who has got in before is held to the limit of one address only, so that nobody with many
 * addresses keeps the operators out.
 */
export interface AttemptLimit {
  /** Counts an attempt; gives the seconds to wait where there were too many, else null. */
  refusedForSeconds(address: string): number | null
  /** An attempt that succeeded is no guess. */
  succeeded(address: string): void
}

const WINDOW_MS = 60_000
const OF_ONE_ADDRESS = 10
/** All addresses that nobody got in from: whoever has many addresses still guesses slowly, and hashing never takes the machine. */
const OF_ALL = 60
const ADDRESSES_MAX = 10_000
const EVERYBODY = '*'

interface Count {
  sinceMs: number
  attempts: number
}

export function createAttemptLimit(clock: Clock): AttemptLimit {
  const counts = boundedCache<Count>(ADDRESSES_MAX)
  const known = boundedCache<true>(ADDRESSES_MAX)

  function countOf(whose: string, nowMs: number): Count {
    const current = counts.get(whose)
    if (current !== undefined && Math.abs(nowMs - current.sinceMs) < WINDOW_MS) return current
    const fresh = { sinceMs: nowMs, attempts: 0 }
    counts.set(whose, fresh)
    return fresh
  }

  return {
    refusedForSeconds(address) {
      const nowMs = clock.now().getTime()
      const limits: [string, number][] = [[placeOf(address), OF_ONE_ADDRESS]]
      if (!known.has(placeOf(address))) limits.push([EVERYBODY, OF_ALL])
      for (const [whose, max] of limits) {
        const count = countOf(whose, nowMs)
        if (count.attempts >= max) return Math.max(1, Math.ceil((count.sinceMs + WINDOW_MS - nowMs) / 1000))
      }
      for (const [whose] of limits) countOf(whose, nowMs).attempts += 1
      return null
    },
    succeeded(address) {
      counts.delete(placeOf(address))
      known.set(placeOf(address), true)
    },
  }
}

/** One subscriber of a network has all addresses of IPv6 that begin with the same 64 bits. */
function placeOf(address: string): string {
  if (!isIPv6(address) || address.includes('.')) return address
  const [before = '', after = ''] = address.split('::')
  const groups = before.split(':').filter((each) => each !== '')
  const rest = after.split(':').filter((each) => each !== '')
  const missing = Array<string>(Math.max(0, 8 - groups.length - rest.length)).fill('0')
  return [...groups, ...missing, ...rest].slice(0, 4).join(':')
}
