import { boundedCache } from './bounded-cache.ts'

/** So many at once, and so many more every second; null for as many as come. */
export type Rate = { perSecond: number; burst: number } | null

/** Token buckets by name. */
export interface TokenBuckets {
  /** Takes one from the bucket; null, or in how many seconds there is one again. */
  take(name: string, rate: Rate): number | null
  /** What was taken was for nothing. */
  giveBack(name: string): void
}

interface Bucket {
  tokens: number
  atMs: number
}

/** A bucket that was not asked for a while is full again, so forgetting it changes nothing. */
const BUCKETS_MAX = 50_000

export function createTokenBuckets(nowMs: () => number = () => performance.now()): TokenBuckets {
  const buckets = boundedCache<Bucket>(BUCKETS_MAX)
  return {
    take(name, rate) {
      if (rate === null) return null
      const now = nowMs()
      let bucket = buckets.get(name)
      if (bucket === undefined) {
        bucket = { tokens: rate.burst, atMs: now }
        buckets.set(name, bucket)
      }
      bucket.tokens = Math.min(rate.burst, bucket.tokens + ((now - bucket.atMs) / 1000) * rate.perSecond)
      bucket.atMs = now
      if (bucket.tokens >= 1) {
        bucket.tokens -= 1
        return null
      }
      return Math.max(1, Math.ceil((1 - bucket.tokens) / rate.perSecond))
    },
    giveBack(name) {
      const bucket = buckets.get(name)
      if (bucket !== undefined) bucket.tokens += 1
    },
  }
}
