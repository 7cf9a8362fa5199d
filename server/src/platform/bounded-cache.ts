import { LRUCache } from 'lru-cache'

/**
 * A cache of at most `entriesMax` entries; the one that nobody asked for the longest goes first. It takes room only for
 * what is in it: with `max` alone the library sets aside the whole of it at once (30 ms and 2 MB for 50,000 entries).
 *
 * @param ttl milliseconds that an entry is kept
 */
export function boundedCache<V extends object | string | number | true>(
  entriesMax: number,
  ttl?: number,
): LRUCache<string, V> {
  return new LRUCache<string, V>({
    maxSize: entriesMax,
    sizeCalculation: () => 1,
    ...(ttl === undefined ? {} : { ttl }),
  })
}
