import { type FetchPage, nextOf, type Query } from './record-list.ts'

export type ExportFormat = 'csv' | 'json'

const PAGE = 250
/** More than this is for the API: a browser holds the file in memory. */
const ROWS_MAX = 100_000

interface ExportOptions<T> {
  fetchPage: FetchPage<T>
  query: Query
  format: ExportFormat
  signal: AbortSignal
  onProgress(rows: number): void
}

/** Everything that a list has, page by page, as a file; `isWhole` is false where it was too much. */
export async function exported<T>(options: ExportOptions<T>): Promise<{ blob: Blob; rows: number; isWhole: boolean }> {
  const { fetchPage, query, format, signal } = options
  const parts: string[] = format === 'json' ? ['['] : []
  let columns: string[] | null = null
  let rows = 0
  let cursor: string | undefined
  do {
    const page = await fetchPage({ ...query, limit: PAGE, cursor }, signal)
    const flat = page.items.map(flattened)
    if (format === 'csv' && columns === null && flat.length > 0) {
      columns = [...new Set(flat.flatMap((each) => Object.keys(each)))]
      parts.push(`${columns.map(csvCell).join(',')}\r\n`)
    }
    for (const [at, item] of page.items.entries()) {
      if (format === 'json') parts.push(`${rows + at === 0 ? '\n' : ',\n'}${JSON.stringify(item)}`)
      else parts.push(`${(columns ?? []).map((column) => csvCell(flat[at]?.[column])).join(',')}\r\n`)
    }
    rows += page.items.length
    options.onProgress(rows)
    cursor = nextOf(page)
  } while (cursor !== undefined && rows < ROWS_MAX)
  if (format === 'json') parts.push('\n]\n')
  const type = format === 'json' ? 'application/json' : 'text/csv;charset=utf-8'
  return { blob: new Blob(parts, { type }), rows, isWhole: cursor === undefined }
}

/** Objects one level down become columns of their own; what is deeper stays JSON. */
function flattened(item: unknown): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(item as object).flatMap(([name, value]) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.entries(value as object).map(([inner, each]) => [`${name}.${inner}`, each])
        : [[name, value]],
    ),
  )
}

/**
 * A cell as RFC 4180 wants it. A text that a spreadsheet would take for a formula gets an apostrophe in front.
 * @source RFC 4180; OWASP on CSV injection
 */
function csvCell(value: unknown): string {
  if (value === undefined || value === null) return ''
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
