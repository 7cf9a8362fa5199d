import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { auditElementTypeOf, contract, type Endpoint, ExactNumber, parseExactJson } from '@permea/contract'
import type { z } from 'zod'
import type { CallToRecord } from './recorded-call.ts'
import type { Call } from './routes.ts'
import { answerText } from './shown-json.ts'

export type ExportFormat = 'csv' | 'json' | 'ndjson'

interface Listed {
  items: unknown[]
  cursor?: string | undefined
  lookedBackTo?: string | undefined
}

/** Small enough that a page of the largest rows is not much, large enough that reading it costs little. */
const PAGE = 250

const TYPES: Record<ExportFormat, string> = {
  csv: 'text/csv; charset=utf-8; header=present',
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
}

/** Which file is asked for in place of a page; null where none is, or there is no list. */
export function exportFormatOf({ method, answer }: Endpoint, query: unknown): ExportFormat | null {
  const { export: format } = query as { export?: ExportFormat }
  // Next to every request asks for none: the answer's shape is not looked at for it.
  return format !== undefined && method === 'GET' && answer !== null && itemOf(answer) !== null ? format : null
}

export interface ListExport {
  endpoint: Endpoint
  format: ExportFormat
  call: Call<unknown, unknown>
  rawQuery: unknown
  /** Reads a page, as the token may see it. */
  page(call: Call<unknown, unknown>): Promise<unknown>
  /** Has the export in the audit log; where it rejects, there is none. */
  note(call: CallToRecord): Promise<void>
  /** Whether the process stops: the file then ends as one that was cut off. */
  isEnding(): boolean
}

/** Everything that a list has for its filters, as it is read: nothing of it is held but the page that is written. */
export async function exportedFile(options: ListExport): Promise<{ headers: Record<string, string>; text: Readable }> {
  const { endpoint, format, call, isEnding } = options
  const read = async (cursor?: string) => {
    const at = cursor === undefined ? {} : { cursor }
    return (await options.page({ ...call, query: { ...(call.query as object), limit: PAGE, ...at } })) as Listed
  }
  // What is refused is refused before the file begins.
  const first = await read()
  const { export: _, limit: _limit, ...filter } = options.rawQuery as Record<string, unknown>
  const { noteExport } = contract.auditLog
  const body = { elementType: elementTypeOf(endpoint), format, filter }
  await options.note({ principal: call.principal, params: {}, query: {}, rawQuery: {}, body, endpoint: noteExport })
  const next = (cursor: string) => {
    if (isEnding()) throw new Error('the process stops')
    return read(cursor)
  }
  const pages = pagesOf(first, next)
  const name = endpoint.path.replaceAll(/[^\w-]+/g, '-').replace(/^-/, '')
  return {
    headers: {
      'content-type': TYPES[format],
      'content-disposition': `attachment; filename="${name}.${format}"`,
      // Files hold what is a customer's own: nobody between keeps them.
      'cache-control': 'no-store',
    },
    text: Readable.from(format === 'csv' ? csvText(endpoint, pages) : jsonText(format, pages), { objectMode: false }),
  }
}

/** What the list is of, as records of the audit log call it. */
function elementTypeOf(endpoint: Endpoint): string {
  const group = Object.entries(contract).find(([, table]) => Object.values(table).includes(endpoint as never))
  return auditElementTypeOf(group?.[0] ?? 'lists')
}

async function* pagesOf(first: Listed, next: (cursor: string) => Promise<Listed>): AsyncGenerator<unknown[]> {
  for (let page = first; ; ) {
    yield page.items
    // An empty page is the last one, unless it says that it was not looked to the end.
    if (page.cursor === undefined || (page.items.length === 0 && page.lookedBackTo === undefined)) return
    page = await next(page.cursor)
  }
}

async function* jsonText(format: ExportFormat, pages: AsyncGenerator<unknown[]>): AsyncGenerator<string> {
  const isList = format === 'json'
  if (isList) yield '['
  let isFirst = true
  for await (const items of pages)
    for (const item of items) {
      const text = await answerText(item)
      yield isList ? `${isFirst ? '\n' : ',\n'}${text}` : `${text}\n`
      isFirst = false
      await turn()
    }
  if (isList) yield '\n]\n'
}

/** Holds what a row has and the first page has no column for, as JSON. */
const MORE = 'more'

/** @source RFC 4180 */
async function* csvText(endpoint: Endpoint, pages: AsyncGenerator<unknown[]>): AsyncGenerator<string> {
  let columns: string[] | null = null
  let known: ReadonlySet<string> = new Set()
  for await (const items of pages) {
    const rows: Record<string, unknown>[] = []
    for (const item of items) {
      rows.push(flattened(parseExactJson(await answerText(item)) as object))
      await turn()
    }
    if (columns === null) {
      columns = columnsOf(endpoint, rows)
      known = new Set(columns)
      yield `${[...columns, MORE].map(cell).join(',')}\r\n`
    }
    for (const row of rows) {
      const others = Object.entries(row).filter(([name]) => !known.has(name))
      const more = others.length === 0 ? undefined : Object.fromEntries(others)
      yield `${[...columns.map((name) => cell(row[name])), cell(more)].join(',')}\r\n`
    }
  }
}

/** The fields that rows are said to have, then what the first page has beside. */
function columnsOf({ answer }: Endpoint, rows: readonly object[]): string[] {
  const item = answer === null ? null : itemOf(answer)
  return [...new Set([...plainFieldsOf(item), ...rows.flatMap((row) => Object.keys(row))])]
}

type Shape = {
  type: string
  shape?: Record<string, z.ZodType>
  innerType?: z.ZodType
  in?: z.ZodType
  element?: z.ZodType
}
const definitionOf = (type: z.ZodType) => type.def as unknown as Shape

function bare(type: z.ZodType): z.ZodType {
  const { innerType, in: from } = definitionOf(type)
  const inner = innerType ?? from
  return inner === undefined ? type : bare(inner)
}

/** The shape of what is listed; null where nothing is. */
function itemOf(answer: z.ZodType): z.ZodType | null {
  const list = definitionOf(bare(answer)).shape?.items
  const element = list === undefined ? undefined : definitionOf(bare(list)).element
  return element === undefined ? null : bare(element)
}

const PLAIN = new Set(['string', 'number', 'boolean', 'enum', 'literal', 'date'])

function plainFieldsOf(item: z.ZodType | null): string[] {
  const fields = item === null ? {} : (definitionOf(item).shape ?? {})
  return Object.entries(fields).flatMap(([name, type]) => (PLAIN.has(definitionOf(bare(type)).type) ? [name] : []))
}

/** Objects one level down become columns of their own; what is deeper stays JSON. */
function flattened(item: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(item).flatMap(([name, value]: [string, unknown]) =>
      typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber)
        ? Object.entries(value).map(([inner, each]): [string, unknown] => [`${name}.${inner}`, each])
        : [[name, value]],
    ),
  )
}

/** A text that spreadsheets would take for a formula gets an apostrophe in front. @source OWASP on CSV injection */
function cell(value: unknown): string {
  if (value === undefined || value === null) return ''
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
