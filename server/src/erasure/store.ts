import type { Page } from '../api/paging.ts'
import { asJson, sql, type Tx } from '../platform/database.ts'
import type { Erasure } from './erasure.ts'
import type { ItemKind } from './place.ts'

const columns =
  sql.raw(`id, workspace_id as "workspaceId", customer_id as "customerId", keeps_customer as "keepsCustomer",
  name_hashes as "nameHashes", status, phase, asked_by as "askedBy", work, stopped, counts, started_at as "startedAt",
  updated_at as "updatedAt", finished_at as "finishedAt"`)

/** False where one of this customer is running. */
export async function insertErasure(tx: Tx, e: Erasure): Promise<boolean> {
  const { rows } = await sql<{ id: string }>`
    insert into erasures (id, workspace_id, customer_id, keeps_customer, name_hashes, status, phase, asked_by, work, stopped, counts,
      started_at, updated_at)
    values (${e.id}, ${e.workspaceId}, ${e.customerId}, ${e.keepsCustomer}, ${e.nameHashes}::text[], ${e.status}, ${e.phase},
      ${asJson(e.askedBy)}::json, ${asJson(e.work)}::json, ${asJson(e.stopped)}::json, ${asJson(e.counts)}::json, ${e.startedAt}, ${e.updatedAt})
    on conflict do nothing returning id`.execute(tx)
  return rows.length === 1
}

export async function updateErasure(tx: Tx, e: Erasure): Promise<void> {
  await sql`
    update erasures set status = ${e.status}, phase = ${e.phase}, work = ${asJson(e.work)}::json, stopped = ${asJson(e.stopped)}::json,
      counts = ${asJson(e.counts)}::json, updated_at = ${e.updatedAt}, finished_at = ${e.finishedAt}
     where id = ${e.id}`.execute(tx)
}

export async function erasureById(tx: Tx, id: string): Promise<Erasure | null> {
  const { rows } = await sql<Erasure>`select ${columns} from erasures where id = ${id}`.execute(tx)
  return rows[0] ?? null
}

/** Whoever works at it waits for who does already. */
export async function lockErasure(tx: Tx, id: string): Promise<Erasure | null> {
  const { rows } = await sql<Erasure>`select ${columns} from erasures where id = ${id} for update`.execute(tx)
  return rows[0] ?? null
}

export async function listErasures(
  tx: Tx,
  filter: { workspaceId: string; customerId: string | null; status: string | null },
  page: Page,
): Promise<Erasure[]> {
  const { rows } = await sql<Erasure>`
    select ${columns} from erasures
     where workspace_id = ${filter.workspaceId} and (${page.before}::uuid is null or id < ${page.before})
       and (${filter.customerId}::uuid is null or customer_id = ${filter.customerId})
       and (${filter.status}::text is null or status = ${filter.status})
     order by id desc limit ${page.limit}`.execute(tx)
  return rows
}

/** The newest erasure of all that a customer had, else of its history. */
export async function erasureOfCustomer(tx: Tx, workspaceId: string, customerId: string): Promise<Erasure | null> {
  const { rows } = await sql<Erasure>`
    select ${columns} from erasures where customer_id = ${customerId} and workspace_id = ${workspaceId}
     order by keeps_customer, id desc limit 1`.execute(tx)
  return rows[0] ?? null
}

export async function isBeingErased(tx: Tx, customerId: string): Promise<boolean> {
  const { rows } = await sql<{ is: boolean }>`
    select exists (select from erasures where customer_id = ${customerId} and status = 'running' and not keeps_customer) as is`.execute(
    tx,
  )
  return rows[0]?.is === true
}

/** Whether a customer that had this name, as any of these hashes, was erased. */
export async function wasErased(tx: Tx, workspaceId: string, hashes: readonly string[]): Promise<boolean> {
  const { rows } = await sql<{ is: boolean }>`
    select exists (select from erasures
      where name_hashes <> '{}' and name_hashes && ${hashes}::text[] and workspace_id = ${workspaceId}) as is`.execute(
    tx,
  )
  return rows[0]?.is === true
}

/** Erasures that are under way: of a customer, or all. */
export async function runningErasures(
  tx: Tx,
  of: { customerId: string; keepsCustomer: boolean } | null,
): Promise<Erasure[]> {
  const { rows } = await sql<Erasure>`
    select ${columns} from erasures
     where status = 'running' and (${of?.customerId ?? null}::uuid is null or customer_id = ${of?.customerId ?? null})
       and (${of?.keepsCustomer ?? null}::boolean is null or keeps_customer = ${of?.keepsCustomer ?? null})
     order by id limit 1000`.execute(tx)
  return rows
}

/** Customers of a workspace of which everything was erased, or is being erased. */
export async function erasedCustomersOf(tx: Tx, workspaceId: string): Promise<Set<string>> {
  const { rows } = await sql<{ id: string }>`
    select customer_id as id from erasures where workspace_id = ${workspaceId} and not keeps_customer`.execute(tx)
  return new Set(rows.map((row) => row.id))
}

/** Erasures that ended since then. */
export async function endedSince(tx: Tx, since: Date): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from erasures where status = 'completed' and finished_at >= ${since} order by id limit 1000`.execute(tx)
  return rows.map((row) => row.id)
}

// ── ids by which rows are found ──

export async function addItems(tx: Tx, erasureId: string, kind: ItemKind, items: readonly string[]): Promise<void> {
  if (items.length === 0) return
  await sql`
    insert into erasure_items (erasure_id, kind, item) select ${erasureId}, ${kind}, unnest(${items}::text[])
    on conflict do nothing`.execute(tx)
}

/** A page of what there is of these kinds. */
export async function itemsOf(
  tx: Tx,
  erasureId: string,
  kind: ItemKind,
  after: string | null,
  limit: number,
): Promise<string[]> {
  const { rows } = await sql<{ item: string }>`
    select item from erasure_items where erasure_id = ${erasureId} and kind = ${kind} and (${after}::text is null or item > ${after})
     order by item limit ${limit}`.execute(tx)
  return rows.map((row) => row.item)
}

/** Forgets items of an erasure: of one kind, or of erasures that ended before then. */
export async function dropItems(tx: Tx, erasureId: string, kind: ItemKind): Promise<void> {
  await sql`delete from erasure_items where erasure_id = ${erasureId} and kind = ${kind}`.execute(tx)
}

export async function dropOldItems(tx: Tx, before: Date): Promise<void> {
  await sql`
    delete from erasure_items i using erasures e
     where e.id = i.erasure_id and e.finished_at < ${before}`.execute(tx)
}
