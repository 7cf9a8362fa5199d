import type { RawBuilder } from 'kysely'
import { sql, type Tx } from '../platform/database.ts'
import { table } from './found.ts'
import type { ErasedSubject, Erasing, Found, ItemKind } from './place.ts'
import { GATHERED, PLACES } from './places.ts'
import { addItems } from './store.ts'

/** Rows that are erased in one transaction: some milliseconds of work. */
export const ROWS_MAX = 500
/** Rows that go with them, of one table. */
const DEPENDENTS_MAX = 5000
/** Blocks of a table that are looked through in one transaction: 8 MB. */
export const BLOCKS_MAX = 1000

/** One way of erasing after the other, in the order of the places. */
export interface ErasingStep {
  table: string
  erasing: Erasing
}

export const STEPS: readonly ErasingStep[] = PLACES.flatMap(({ table, erased }) =>
  (erased ?? []).map((erasing) => ({ table, erasing })),
)

/** What erasing some rows came to. */
export interface Portion {
  rows: number
  /** Rows by table, with those that went along. */
  counts: Record<string, number>
  /** Whether this place in the table is done, and the next block where it is walked. */
  isDone: boolean
  block: number
  /** Ids of rows that others are found by. */
  ids: string[]
}

/** Physical tables of a table, in a fixed order: itself, or its partitions. */
export async function leavesOf(tx: Tx, table: string): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    with recursive part (oid) as (
      select ${table}::regclass::oid union all select i.inhrelid from pg_inherits i join part p on i.inhparent = p.oid
    )
    select p.oid::regclass::text as name from part p join pg_class c on c.oid = p.oid where c.relkind = 'r' order by 1`.execute(
    tx,
  )
  return rows.map((row) => row.name)
}

/** Erases the next portion of a physical table. */
export async function erasePortion(
  tx: Tx,
  { table, erasing }: ErasingStep,
  subject: ErasedSubject,
  at: { leaf: string; block: number },
): Promise<Portion> {
  const leaf = sql.table(at.leaf)
  const conditions = [anyOf(erasing.found, subject)]
  if (erasing.only !== undefined) conditions.push(sql`(${erasing.only(subject)})`)
  if (subject.before !== null) conditions.push(sql`t.id < ${subject.before}`)
  const where = sql.join(conditions, sql` and `)
  if (erasing.isWalked !== true) {
    const found = await placesOf(
      tx,
      sql`select t.ctid, ${idOf(erasing)} as id from ${leaf} t where ${where} limit ${ROWS_MAX}`,
    )
    const portion = await eraseFound(tx, { table, erasing, leaf, found })
    return { ...portion, isDone: found.length < ROWS_MAX && portion.isDone, block: 0 }
  }
  const blocks = await blocksOf(tx, at.leaf)
  const end = at.block + BLOCKS_MAX
  // Bounds that stand in the statement let the planner read these blocks alone.
  const range = sql.raw(`t.ctid >= '(${at.block},0)'::tid and t.ctid < '(${end},0)'::tid`)
  if (typeof erasing.how === 'object' && 'noted' in erasing.how) {
    const { column } = erasing.how
    const { rows } = await sql<{ id: string }>`
      select distinct ${sql.ref(`t.${column}`)}::text as id from ${leaf} t where ${range} and ${where}`.execute(tx)
    return { rows: 0, counts: {}, isDone: end >= blocks, block: end, ids: rows.map((row) => row.id) }
  }
  const found = await placesOf(
    tx,
    sql`select t.ctid, ${idOf(erasing)} as id from ${leaf} t where ${range} and ${where} limit ${ROWS_MAX}`,
  )
  const portion = await eraseFound(tx, { table, erasing, leaf, found })
  // These blocks once more where they held more than fits into one portion.
  if (found.length >= ROWS_MAX || !portion.isDone) return { ...portion, isDone: false, block: at.block }
  return { ...portion, isDone: end >= blocks, block: end }
}

function idOf(erasing: Erasing): RawBuilder<unknown> {
  const hasId = erasing.dependents !== undefined || erasing.remembered !== undefined
  return hasId ? sql`t.id::text` : sql`null::text`
}

interface FoundRow {
  ctid: string
  id: string | null
}

export async function placesOf(tx: Tx, query: RawBuilder<unknown>): Promise<FoundRow[]> {
  const { rows } = await sql<FoundRow>`select f.ctid::text as ctid, f.id from (${query}) f`.execute(tx)
  return rows
}

export async function eraseFound(
  tx: Tx,
  of: { table: string; erasing: Erasing; leaf: RawBuilder<unknown>; found: readonly FoundRow[] },
): Promise<Omit<Portion, 'block'>> {
  const { table, erasing, leaf, found } = of
  const none = { rows: 0, counts: {}, isDone: true, ids: [] }
  if (found.length === 0) return none
  const counts: Record<string, number> = {}
  const ids = found.flatMap(({ id }) => id ?? [])
  for (const dependent of erasing.dependents ?? []) {
    const rows = await eraseDependents(tx, dependent, ids)
    if (rows > 0) counts[dependent.table] = rows
    // There may be more: what they belong to waits.
    if (rows >= DEPENDENTS_MAX) return { rows, counts, isDone: false, ids: [] }
  }
  const these = sql`t.ctid = any(${found.map(({ ctid }) => ctid)}::tid[])`
  if (erasing.how === 'deleted') await sql`delete from ${leaf} t where ${these}`.execute(tx)
  else if ('replaced' in erasing.how) {
    const set = Object.entries(erasing.how.replaced).map(([column, value]) => sql`${sql.ref(column)} = ${value}`)
    await sql`update ${leaf} t set ${sql.join(set)} where ${these}`.execute(tx)
  }
  counts[table] = found.length
  return { rows: found.length, counts, isDone: true, ids: erasing.remembered === undefined ? [] : ids }
}

async function eraseDependents(
  tx: Tx,
  { table, column }: { table: string; column: string },
  ids: readonly string[],
): Promise<number> {
  let rows = 0
  for (const name of await leavesOf(tx, table)) {
    const leaf = sql.table(name)
    const { numAffectedRows } = await sql`
      delete from ${leaf} t where t.ctid = any(array(
        select d.ctid from ${leaf} d where ${sql.ref(`d.${column}`)} = any(${ids}::uuid[]) limit ${DEPENDENTS_MAX - rows}))`.execute(
      tx,
    )
    rows += Number(numAffectedRows ?? 0)
    if (rows >= DEPENDENTS_MAX) break
  }
  return rows
}

export async function blocksOf(tx: Tx, leaf: string): Promise<number> {
  const { rows } = await sql<{ blocks: number }>`
    select ceil(pg_relation_size(${leaf}::regclass) / current_setting('block_size')::numeric)::int as blocks`.execute(
    tx,
  )
  return rows[0]?.blocks ?? 0
}

function anyOf(found: readonly Found[], subject: ErasedSubject): RawBuilder<unknown> {
  return sql`(${sql.join(
    found.map((each) => conditionOf(each, subject)),
    sql` or `,
  )})`
}

function conditionOf(found: Found, subject: ErasedSubject): RawBuilder<unknown> {
  if ('where' in found) return sql`(${found.where(subject)})`
  const column = sql.ref(`t.${found.column}`)
  if ('is' in found) return sql`${column} = ${subject.customerId}`
  return found.among === 'wire'
    ? sql`${column} = any(array(${items(subject, found.among)}))`
    : sql`${column} = any(array(select x.item::uuid from (${items(subject, found.among)}) x))`
}

function items({ erasureId }: ErasedSubject, kind: ItemKind): RawBuilder<unknown> {
  return sql`select i.item from ${table('erasure_items')} i where i.erasure_id = ${erasureId} and i.kind = ${kind}`
}

/** Gathers the ids by which rows are found that do not name their customer. */
export async function gatherItems(tx: Tx, subject: ErasedSubject): Promise<void> {
  const { erasureId, customerId } = subject
  for (const { kind, table: named, column } of GATHERED) {
    const from = sql.table(named)
    await sql`
      insert into ${table('erasure_items')} (erasure_id, kind, item)
      select ${erasureId}, ${kind}, ${sql.ref(`t.${column}`)}::text from ${from} t
       where t.customer_id = ${customerId} and ${sql.ref(`t.${column}`)} is not null
         ${subject.before === null || column !== 'id' ? sql`` : onlyOld(kind, subject.before)}
      on conflict do nothing`.execute(tx)
  }
}

/** Of what is under way, what came later goes on. */
function onlyOld(kind: ItemKind, before: string): RawBuilder<unknown> {
  return kind === 'run' || kind === 'delivery' ? sql`and t.id < ${before}` : sql``
}

/** Alerts that are about something of the customer without naming it. */
export async function alertsAbout(tx: Tx, { erasureId }: ErasedSubject): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select a.id from ${table('alerts')} a join ${table('erasure_items')} i on i.item = a.context_key
     where i.erasure_id = ${erasureId} and i.kind = 'wire'`.execute(tx)
  return rows.map((row) => row.id)
}

/** Contents of flows that nothing but this customer, or nothing at all, has any more. */
export async function gatherVersions(
  tx: Tx,
  { erasureId, workspaceId, customerId }: ErasedSubject,
  before: string,
): Promise<void> {
  const { rows } = await sql<{ id: string }>`
    select v.id from ${table('flow_versions')} v
     where v.workspace_id = ${workspaceId} and v.id < ${before}
       and not exists (select from ${table('flow_instances')} x where v.id in (x.version_id, x.base_version_id) and x.customer_id <> ${customerId})
       and not exists (select from ${table('flows')} x where v.id in (x.version_id, x.base_version_id))
       and not exists (select from ${table('flow_history')} x where x.version_id = v.id)`.execute(tx)
  await addItems(
    tx,
    erasureId,
    'version',
    rows.map((row) => row.id),
  )
}

/** Registrations at apps, and streams of your application, that a customer has. */
export async function registrationsOf(tx: Tx, customerId: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select (select count(*) from ${table('external_event_subscriptions')} s where s.customer_id = ${customerId} and s.is_registered)
         + (select count(*) from ${table('app_event_subscriptions')} s where s.customer_id = ${customerId} and s.status = 'subscribed')
        as count`.execute(tx)
  return Number(rows[0]?.count ?? 0)
}

/** What is still to be said to apps: steps of subscriptions, and jobs that are about something of the customer. */
export async function registrationsLeft(tx: Tx, erasureId: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    with mine as materialized (select i.item from ${table('erasure_items')} i where i.erasure_id = ${erasureId})
    select (select count(*) from ${table('external_subscription_steps')} s where s.id::text in (select item from mine))
         + (select count(*) from ${table('graphile_worker._private_jobs')} j
             where j.payload ->> 'id' in (select item from mine) and j.attempts < j.max_attempts) as count`.execute(tx)
  return Number(rows[0]?.count ?? 0)
}

/** Whether there are runs of the customer left whose batch is not at its end. */
export async function hasRunsLeft(tx: Tx, { customerId, before }: ErasedSubject): Promise<boolean> {
  const { rows } = await sql<{ is: boolean }>`
    select exists (select from ${table('flow_runs')} r
      where r.customer_id = ${customerId} and (${before}::uuid is null or r.id < ${before})) as is`.execute(tx)
  return rows[0]?.is === true
}
