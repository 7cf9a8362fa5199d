import { createHash } from 'node:crypto'
import type { DataRecord, ErrorData } from '@permea/contract'
import type { Connection } from '../connections/connection.ts'
import type { DataCollections, MethodContext } from '../data-collections/data-collections.ts'
import type { MethodOutcome } from '../data-collections/method-outcome.ts'
import { objectIn } from '../data-collections/records.ts'
import type { RecordMapping } from './mapping.ts'
import type { ResolvedSource } from './source.ts'

type Json = Record<string, unknown>

/** Where one piece of work with records is done. */
export interface At {
  connection: Connection
  source: ResolvedSource
  mapping: RecordMapping
  context: MethodContext
}

/** Where the reading of a list stands between two pages. */
export interface ListProgress {
  todo: { parameters: Json; filter: unknown; cursor?: string }[]
  /** Marks of the cursors that were asked for at the first place of `todo`. */
  asked: string[]
  pages: number
  records: number
}

/** One output of a node: more than this is for actions, which are paged by who asks, or for a for-each, page by page. */
const GATHERED_MAX = 10_000
/** What a node may put out, in characters of JSON. */
const GATHERED_CHARS_MAX = 20_000_000
const GATHERING_MS_MAX = 10 * 60_000
/** What is handed on page by page. */
const STREAMED_MAX = 100_000
const PAGES_MAX = 1000

/**
 * Every record of a list, page after page and through all drilldowns: bounded in records, pages and time, and beyond
 * those a failure rather than a part.
 */
export async function listAll(
  collections: DataCollections,
  at: At,
  config: Json,
): Promise<MethodOutcome<DataRecord[]>> {
  const records = new Map<string, DataRecord>()
  const startedMs = performance.now()
  let chars = 0
  for (let progress: ListProgress | null = null; ; ) {
    const page = await listPage(collections, at, config, progress)
    if (page.kind === 'failed') return page
    for (const record of page.value.records) if (!records.has(record.id)) records.set(record.id, record)
    if (records.size > GATHERED_MAX) return tooMuch(`more than ${GATHERED_MAX} records`)
    // Ended here, before pages that could not be put out anyway fill the memory.
    chars += JSON.stringify(page.value.records).length
    if (chars > GATHERED_CHARS_MAX) return tooMuch(`more than ${GATHERED_CHARS_MAX} characters`)
    if (performance.now() - startedMs > GATHERING_MS_MAX) return tooMuch('more than ten minutes')
    progress = page.value.next
    if (progress === null) return { kind: 'done', value: [...records.values()] }
  }
}

/** One page of the list that `listAll` reads, from where the one before ended; `next` is null after the last. */
export async function listPage(
  collections: DataCollections,
  { connection, source, mapping, context }: At,
  config: Json,
  from: ListProgress | null,
): Promise<MethodOutcome<{ records: DataRecord[]; next: ListProgress | null }>> {
  const before: ListProgress = from ?? {
    todo: [{ parameters: source.place.parameters, filter: config.filter }],
    asked: [],
    pages: 0,
    records: 0,
  }
  const [current, ...rest] = before.todo
  if (current === undefined) return { kind: 'done', value: { records: [], next: null } }
  const { parameters, filter, cursor } = current
  const page = await collections.list(
    connection,
    { key: source.place.key, parameters },
    { filter, unifiedFilter: config.unifiedFilter, ...(cursor === undefined ? {} : { cursor }) },
    { ...context, udm: source.udm },
  )
  if (page.kind === 'failed') return page
  const records: DataRecord[] = []
  for (const record of page.value.records) records.push(await mapping.imported(bare(record)))
  const deeper = (page.value.drilldowns ?? []).map((each) => ({
    parameters: { ...parameters, ...each.parameters },
    filter: { ...objectIn(filter), ...each.filter },
  }))
  const following = page.value.cursor
  const mark = following === undefined ? '' : markOf(following)
  // A cursor that was there before leads in a circle: everything in it is read.
  const goesOn = following !== undefined && !before.asked.includes(mark)
  const todo = [...(goesOn ? [{ parameters, filter, cursor: following }] : []), ...rest, ...deeper]
  const pages = before.pages + 1
  const total = before.records + records.length
  if (total > STREAMED_MAX) return tooMuch(`more than ${STREAMED_MAX} records`)
  if (pages > PAGES_MAX || todo.length > PAGES_MAX) return tooMuch(`more than ${PAGES_MAX} pages`)
  const asked = goesOn ? [...before.asked, mark] : []
  return {
    kind: 'done',
    value: { records, next: todo.length === 0 ? null : { todo, asked, pages, records: total } },
  }
}

/** Short, because so many are kept as there are pages. */
export function markOf(cursor: string): string {
  return createHash('sha256').update(cursor).digest('base64url').slice(0, 12)
}

/** Without what only `unifiedFields` were computed for. */
export function bare({ unifiedFields: _unified, udm: _udm, ...record }: DataRecord): DataRecord {
  return record as DataRecord
}

function tooMuch(what: string): { kind: 'failed'; error: ErrorData; hostCalls: number } {
  const message = `the list has ${what}: take it page by page, with an action`
  return { kind: 'failed', error: { type: 'configuration', key: 'too_many_records', message }, hostCalls: 2 }
}
