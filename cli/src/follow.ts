import { changes } from './live.ts'
import type { Target } from './target.ts'

interface Listed {
  id: string
}

/** What is stored in the same moment may be seen out of order: that long is looked back. */
const OVERLAP_MS = 60_000
const PAGE = 1000
const LOOK_BACK_PAGES = 50

/**
 * Gives the last items of a list, then each new one, oldest first, once, until the signal ends it. Nothing is left out
 * while the engine is away: what came then is found when it is there again.
 */
export async function follow<T extends Listed>(options: {
  target: Target
  signal: AbortSignal
  /** How many of those that are there already. */
  last: number
  isFollowing: boolean
  list(query: { limit: number; cursor?: string; from?: Date }): Promise<{ items: T[]; cursor?: string | undefined }>
  seen(item: T): void | Promise<void>
  note(text: string): void
}): Promise<void> {
  const { signal, list, seen } = options
  let from = new Date(Date.now() - OVERLAP_MS)
  const first = await list({ limit: PAGE })
  const known = new Set(first.items.map((item) => item.id))
  // Ids grow with time: what is older than a full page was there before.
  const oldest = first.items.length < PAGE ? '' : (first.items.at(-1)?.id ?? '')
  for (const item of first.items.slice(0, options.last).toReversed()) await seen(item)
  if (!options.isFollowing) return
  for await (const _ of changes(options.target, signal, options.note)) {
    const startedAt = new Date(Date.now() - OVERLAP_MS)
    const found = await since(list, from, signal).catch(() => null)
    if (found === null) continue
    for (const item of found.toReversed()) {
      if (known.has(item.id) || item.id < oldest) continue
      known.add(item.id)
      await seen(item)
    }
    from = startedAt
  }
}

async function since<T extends Listed>(
  list: (query: {
    limit: number
    cursor?: string
    from?: Date
  }) => Promise<{ items: T[]; cursor?: string | undefined }>,
  from: Date,
  signal: AbortSignal,
): Promise<T[]> {
  const found: T[] = []
  let cursor: string | undefined
  for (let page = 0; page < LOOK_BACK_PAGES && !signal.aborted; page += 1) {
    const answer = await list({ limit: PAGE, from, ...(cursor === undefined ? {} : { cursor }) })
    found.push(...answer.items)
    cursor = answer.cursor
    if (cursor === undefined) break
  }
  return found
}
