import { type RawBuilder, sql } from 'kysely'
import type { Tx } from './database.ts'
import { lowestIdAt } from './ids.ts'

/** A page of a log, of which no more than a bounded part was looked at for it. */
export interface Looked<Row> {
  rows: Row[]
  /** Where looking stopped although the page is not full and the log goes on; null otherwise. */
  lookedTo: string | null
}

export interface LookingThrough {
  /** Name of the log, whose alias is `r`. */
  log: string
  columns: RawBuilder<unknown>
  /** What an index finds or nearly every row is: read newest first however large the log is. */
  known: RawBuilder<unknown>
  /** What must be looked for row by row; null for nothing. */
  rare: RawBuilder<unknown> | null
  page: { limit: number; before: string | null }
  /** Of what rows are heavy by: a page has no more rows than come to `PAGE_BYTES`, but at least one. */
  heavy?: readonly string[]
  /** For how long to look, in milliseconds; 250 where absent. */
  lookMs?: number
}

/** So many rows are looked at with the first statement, four times as many with each that follows, up to a bound, */
const FIRST_SLICE_ROWS = 400
const SLICE_ROWS_MAX = 6400
/** and no more statements are begun after so long: whoever asks goes on from there. */
const LOOK_MS = 250

/** To read, make and send so much holds others up for less than a tenth of a second. */
const PAGE_BYTES = 8 * 1024 * 1024

/**
 * Reads a page of a log, newest first. Its cost does not grow with the log: rows that nothing but a look at each can find
 * are looked for in slices, for a moment, and the answer says how far that came.
 */
export async function lookThrough<Row extends { id: string }>(tx: Tx, wish: LookingThrough): Promise<Looked<Row>> {
  const { rare, page } = wish
  if (rare === null) return newest<Row>(tx, wish)
  const endMs = performance.now() + (wish.lookMs ?? LOOK_MS)
  const rows: Row[] = []
  let sliceRows = FIRST_SLICE_ROWS
  for (let { before } = page; ; sliceRows = Math.min(SLICE_ROWS_MAX, 4 * sliceRows)) {
    const slice = await oneSlice<Row>(tx, wish, rare, { before, sliceRows, limit: page.limit - rows.length })
    rows.push(...slice.rows)
    const cut = cutAt(slice.rows)
    if (cut !== null) return { rows, lookedTo: cut }
    if (rows.length >= page.limit || slice.edge === null) return { rows, lookedTo: null }
    before = slice.edge
    if (performance.now() > endMs) return { rows, lookedTo: slice.edge }
  }
}

async function newest<Row extends { id: string }>(tx: Tx, wish: LookingThrough): Promise<Looked<Row>> {
  const { log, known, page } = wish
  const { rows } = await sql<Weighed<Row>>`
    ${weighed(
      wish,
      sql`select r.* from ${sql.table(log)} r where ${known} and ${isBefore(page.before)}
     order by r.id desc limit ${page.limit}`,
    )}`.execute(tx)
  return { rows, lookedTo: cutAt(rows) }
}

/** A row with how many there were before those that are too many bytes were left out. */
type Weighed<Row> = Row & { inReach?: number }

/** The columns of these rows, as many as are light enough. Lengths are known without the texts being read. */
function weighed({ columns, heavy = [] }: LookingThrough, rows: RawBuilder<unknown>): RawBuilder<unknown> {
  if (heavy.length === 0) return sql`select ${columns} from (${rows}) r order by r.id desc`
  const bytes = sql.join(
    heavy.map((column) => sql`coalesce(octet_length(${sql.ref(`r.${column}`)}), 0)`),
    sql` + `,
  )
  return sql`
    select ${columns}, "inReach" from (
      select r.*, count(*) over ()::int as "inReach",
             sum(${bytes}) over (order by r.id desc rows between unbounded preceding and current row) - (${bytes}) as "bytesBefore"
        from (${rows}) r
    ) r where "bytesBefore" < ${PAGE_BYTES} order by r.id desc`
}

/** The last row, where some that come after it were left out. */
function cutAt(rows: readonly Weighed<{ id: string }>[]): string | null {
  const last = rows.at(-1)
  return last?.inReach !== undefined && last.inReach > rows.length ? last.id : null
}

/** What is found among the next rows, and the last one that was looked at; null for it where there are no more. */
async function oneSlice<Row extends { id: string }>(
  tx: Tx,
  wish: LookingThrough,
  rare: RawBuilder<unknown>,
  { before, sliceRows, limit }: { before: string | null; sliceRows: number; limit: number },
): Promise<{ rows: Weighed<Row>[]; edge: string | null }> {
  const { log, known } = wish
  const { rows } = await sql<Partial<Row> & { edge: string | null; looked: number }>`
    with slice as materialized (
      select r.* from ${sql.table(log)} r where ${known} and ${isBefore(before)} order by r.id desc limit ${sliceRows}
    ), edge as (
      select (array_agg(id order by id))[1] as edge, count(*)::int as looked from slice
    )
    select edge.edge, edge.looked, found.*
      from edge left join (
        ${weighed(wish, sql`select r.* from slice r where ${rare} order by r.id desc limit ${limit}`)}
      ) found on true`.execute(tx)
  const [first] = rows
  const isThereMore = first !== undefined && first.looked >= sliceRows
  return {
    rows: rows.filter((row): row is typeof row & Row => typeof row.id === 'string'),
    edge: isThereMore ? first.edge : null,
  }
}

function isBefore(id: string | null): RawBuilder<unknown> {
  return id === null ? sql`true` : sql`r.id < ${id}`
}

/** The first rows of a page that come to what it may hold, but at least one; then it was looked no further than these. */
export function withinBytes<Row extends { id: string }>(page: Looked<Row>, bytesOf: (row: Row) => number): Looked<Row> {
  let bytes = 0
  const end = page.rows.findIndex((row, at) => {
    const isOver = at > 0 && bytes >= PAGE_BYTES
    bytes += bytesOf(row)
    return isOver
  })
  if (end === -1) return page
  const rows = page.rows.slice(0, end)
  return { rows, lookedTo: rows.at(-1)?.id ?? null }
}

/** The columns of a log that must have these values, where there is one. */
export type Wanted = Readonly<Record<string, string | boolean | null>>

/**
 * Conditions of a log. Of the `indexed` columns the first that has a value is found by its index; the rest, the `others`
 * and what is in `more` are looked for row by row, as a workspace is that nothing else narrows. `span` bounds ids.
 */
export function conditionsOf(given: {
  workspaceId: string
  indexed: Wanted
  others: Wanted
  more?: readonly (RawBuilder<unknown> | null)[]
  span: { from: Date | null; to: Date | null }
}): Pick<LookingThrough, 'known' | 'rare'> {
  const { span } = given
  const [first, ...rest] = equal(given.indexed)
  const isWorkspace = sql`r.workspace_id = ${given.workspaceId}`
  const known = [
    ...(first === undefined ? [] : [first]),
    ...(span.from === null ? [] : [sql`r.id >= ${lowestIdAt(span.from)}`]),
    ...(span.to === null ? [] : [sql`r.id < ${lowestIdAt(new Date(span.to.getTime() + 1))}`]),
  ]
  const rare = [...rest, ...equal(given.others), ...(given.more ?? []).filter((each) => each !== null)]
  if (first !== undefined || rare.length === 0) known.push(isWorkspace)
  else rare.push(isWorkspace)
  return { known: allOf(known) ?? sql`true`, rare: allOf(rare) }
}

function equal(wanted: Wanted): RawBuilder<unknown>[] {
  return Object.entries(wanted).flatMap(([column, value]) =>
    value === null ? [] : [sql`${sql.ref(`r.${column}`)} = ${value}`],
  )
}

function allOf(conditions: readonly RawBuilder<unknown>[]): RawBuilder<unknown> | null {
  return conditions.length === 0 ? null : sql.join([...conditions], sql` and `)
}

/** Whether a column has a text in it, whatever its case; null where none is looked for. */
export function contains(column: RawBuilder<unknown>, text: string | null): RawBuilder<unknown> | null {
  return text === null ? null : sql`${column} ilike ${pattern(text)}`
}

/** Of a list of elements: whether one of these columns has a text in it; true where none is looked for. */
export function hasText(columns: readonly (string | RawBuilder<unknown>)[], text: string | null): RawBuilder<unknown> {
  if (text === null) return sql`true`
  const wanted = pattern(text)
  const found = columns.map((column) => sql`${typeof column === 'string' ? sql.ref(column) : column} ilike ${wanted}`)
  return sql`(${sql.join(found, sql` or `)})`
}

/** In JSON and bytes as they came a text is looked for no further than this, so that no row costs more than others. */
const SEARCHED_LENGTH = 65_536

/** The same, of several columns, as SQL names them: whether one of them has it. */
export function oneContains(columns: readonly string[], text: string | null): RawBuilder<unknown> | null {
  if (text === null) return null
  const wanted = pattern(text)
  const found = columns.map((column) => sql`left(${sql.raw(column)}, ${SEARCHED_LENGTH}) ilike ${wanted}`)
  return sql`(${sql.join(found, sql` or `)})`
}

/** Whether bytes have a text in them; letters beyond ASCII are found in the case in which they are given. */
export function bytesContain(column: RawBuilder<unknown>, text: string | null): RawBuilder<unknown> | null {
  return text === null
    ? null
    : sql`encode(substring(${column} from 1 for ${SEARCHED_LENGTH}), 'escape') ilike ${pattern(asEscaped(text))}`
}

/** What one of two conditions finds; null where neither is asked for. */
export function eitherOf(
  one: RawBuilder<unknown> | null,
  other: RawBuilder<unknown> | null,
): RawBuilder<unknown> | null {
  return one === null || other === null ? (one ?? other) : sql`(${one} or ${other})`
}

/** A text as PostgreSQL's `encode(…, 'escape')` writes its bytes. */
function asEscaped(text: string): string {
  return Array.from(Buffer.from(text), (byte) =>
    byte === 0 || byte > 127
      ? `\\${byte.toString(8).padStart(3, '0')}`
      : String.fromCharCode(byte).replace('\\', '\\\\'),
  ).join('')
}

/** What stands for any letters in a pattern stands for itself in what is looked for. */
const escaped = (text: string) => text.replaceAll(/[\\%_]/g, '\\$&')
const pattern = (text: string) => `%${escaped(text)}%`

/** One page of several logs: no further back than to where all of them were looked through. */
export function newestOf<Row extends { id: string }>(parts: readonly Looked<Row>[], limit: number): Looked<Row> {
  const edges = parts.flatMap(({ lookedTo }) => (lookedTo === null ? [] : [lookedTo])).sort()
  const edge = edges.at(-1) ?? null
  const byId = new Map<string, Row>()
  // Of a row that moved between them, that of the first log counts.
  for (const { rows } of parts.toReversed()) for (const row of rows) byId.set(row.id, row)
  const all = [...byId.values()].sort((one, other) => (one.id < other.id ? 1 : -1))
  const rows = all.filter((row) => edge === null || row.id >= edge).slice(0, limit)
  return { rows, lookedTo: rows.length < limit ? edge : null }
}
