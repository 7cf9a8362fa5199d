import { fromWire, type Prefix, timeOfId, toWire } from '../platform/ids.ts'
import type { Looked } from '../platform/look-through.ts'
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
  if (before === null) throw wrongCursor()
  return { limit, before }
}

export function wrongCursor(): Refusal {
  return new Refusal('invalid_input', 'cursor is not one that this list gave', {
    problems: [{ field: 'cursor', message: 'unknown cursor' }],
  })
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

/**
 * The same for a log of which only a part was looked through: then the page may be short, or empty, and still has a
 * cursor; `lookedBackTo` says how far back it was looked.
 */
export function logAnswer<Row extends { id: string }, Item>(
  { rows, lookedTo }: Looked<Row>,
  page: Page,
  prefix: Prefix,
  toItem: (row: Row) => Item,
): { items: Item[]; cursor?: string; lookedBackTo?: string } {
  if (lookedTo === null) return listAnswer(rows, page, prefix, toItem)
  return {
    items: rows.map(toItem),
    cursor: toWire(prefix, lookedTo),
    lookedBackTo: timeOfId(lookedTo).toISOString(),
  }
}
