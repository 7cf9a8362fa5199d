import { LRUCache } from 'lru-cache'

/** Gives a row by its id; undefined where there is none. */
export interface BatchLoader<Row> {
  (id: string): Promise<Row | undefined>
  /** The row has changed: it is read anew when it is asked for. */
  forget(id: string): void
}

/** Statements under way at the same time; what is asked for meanwhile becomes one when the first of them ends. */
const READERS_MAX = 2

/**
 * Reads rows by id for many callers at once: what is asked for in one turn of the event loop, or while other rows are
 * read, becomes one statement. What was read is used again for `keepMs`, for rows that may be a moment old; where that
 * is absent, every row is read after it was asked for.
 */
export function createBatchLoader<Row extends object>(options: {
  load(ids: readonly string[]): Promise<ReadonlyMap<string, Row>>
  keepMs?: number
  max?: number
}): BatchLoader<Row> {
  const { keepMs = 0, max = 1 } = options
  const known = new LRUCache<string, Promise<Row | undefined>>({ max, ttl: keepMs })
  let wanted: { id: string; resolve(row: Row | undefined): void; reject(reason: unknown): void }[] = []

  let readers = 0
  let isScheduled = false

  function schedule(): void {
    if (isScheduled || readers >= READERS_MAX || wanted.length === 0) return
    isScheduled = true
    setImmediate(() => {
      isScheduled = false
      void loadWanted()
    })
  }

  async function loadWanted(): Promise<void> {
    const batch = wanted
    wanted = []
    readers += 1
    try {
      const rows = await options.load(batch.map((each) => each.id))
      for (const each of batch) each.resolve(rows.get(each.id))
    } catch (error) {
      for (const each of batch) {
        known.delete(each.id)
        each.reject(error)
      }
    } finally {
      readers -= 1
      schedule()
    }
  }

  const loader = (id: string) => {
    const kept = known.get(id)
    if (kept !== undefined) return kept
    const row = new Promise<Row | undefined>((resolve, reject) => {
      wanted.push({ id, resolve, reject })
      schedule()
    })
    if (keepMs > 0) known.set(id, row)
    return row
  }
  return Object.assign(loader, { forget: (id: string) => void known.delete(id) })
}
