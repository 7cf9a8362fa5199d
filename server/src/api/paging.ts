import { fromWire, type Prefix, toWire } from '../platform/ids.ts'
import { Refusal } from './refusal.ts'

const PAGE_SIZE = 100

/** A page of a list that is ordered by id, newest first. */
export interface Page {
  limit: number
  /** Only rows with a smaller id; null for the first page. */
  before: string | null
}

/**
 * Reads `limit` and `cursor`. The literal cursor `0` is the start, because the published client begins so.
 * Walking by id keeps pages stable while rows arrive: none is seen twice, none is skipped.
 */
export function pageOf(query: { limit?: number | undefined; cursor?: string | undefined }, prefix: Prefix): Page {
  const limit = query.limit ?? PAGE_SIZE
  if (query.cursor === undefined || query.cursor === '' || query.cursor === '0') return { limit, before: null }
  const before = fromWire(prefix, query.cursor)
  if (before === null) {
    throw new Refusal('invalid_input', 'cursor is not one that this list gave', {
      problems: [{ field: 'cursor', message: 'unknown cursor' }],
    })
  }
  return { limit, before }
}

/**
 * A list answer. A full page carries a cursor even where nothing follows: one client stops at a page that
 * is not full, the other at a missing cursor, and this satisfies both.
 */
export function listAnswer<Row extends { id: string }, Item>(
  rows: readonly Row[],
  page: Page,
  prefix: Prefix,
  toItem: (row: Row) => Item,
): { items: Item[]; cursor?: string } {
  const last = rows.at(-1)
  return {
    items: rows.map(toItem),
    ...(last !== undefined && rows.length >= page.limit ? { cursor: toWire(prefix, last.id) } : {}),
  }
}
