import { csvFile, jsonFile } from './exported-file.ts'
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
  const { fetchPage, query, signal } = options
  const file = options.format === 'json' ? jsonFile() : csvFile()
  let rows = 0
  let cursor: string | undefined
  do {
    const page = await fetchPage({ ...query, limit: PAGE, cursor }, signal)
    file.add(page.items)
    rows += page.items.length
    options.onProgress(rows)
    cursor = nextOf(page)
  } while (cursor !== undefined && rows < ROWS_MAX)
  return { blob: file.blob(), rows, isWhole: cursor === undefined }
}
