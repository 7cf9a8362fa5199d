import type { Page } from '../api/paging.ts'
import { asJson, sql, type Tx } from '../platform/database.ts'
import type { NamedLaneOwner } from '../platform/lane-standing.ts'
import { hasText } from '../platform/look-through.ts'
import type { Customer } from './customer.ts'

const columns =
  sql.raw(`id, workspace_id as "workspaceId", internal_id as "internalId", name, fields, meta, is_test as "isTest",
  created_at as "createdAt", updated_at as "updatedAt", last_active_at as "lastActiveAt", archived_at as "archivedAt"`)

export async function insertCustomer(tx: Tx, customer: Customer, credentialsSealed: string | null): Promise<void> {
  await sql`
    insert into customers (id, workspace_id, internal_id, name, fields, credentials_sealed, meta, is_test, created_at, updated_at, last_active_at)
    values (${customer.id}, ${customer.workspaceId}, ${customer.internalId}, ${customer.name}, ${asJson(customer.fields)}, ${credentialsSealed},
      ${asJson(customer.meta)}, ${customer.isTest}, ${customer.createdAt}, ${customer.updatedAt}, ${customer.lastActiveAt})`.execute(
    tx,
  )
}

/**
 * Finds the customer of a token or makes it, and refreshes what the token says of it; safe when many first
 * tokens come at once. A missing name or fields leaves what is there.
 */
export async function touchCustomer(
  tx: Tx,
  wanted: { id: string; workspaceId: string; internalId: string; name: string | null; fields: unknown },
  now: Date,
): Promise<{ id: string; archivedAt: Date | null; isNew: boolean }> {
  const { rows } = await sql<{ id: string; archivedAt: Date | null; isNew: boolean }>`
    insert into customers as c (id, workspace_id, internal_id, name, fields, created_at, updated_at, last_active_at)
    values (${wanted.id}, ${wanted.workspaceId}, ${wanted.internalId}, ${wanted.name ?? wanted.internalId},
      coalesce(${asJson(wanted.fields)}::jsonb, '{}'), ${now}, ${now}, ${now})
    on conflict (workspace_id, internal_id) do update set
      name = coalesce(${wanted.name}, c.name),
      fields = coalesce(${asJson(wanted.fields)}::jsonb, c.fields),
      updated_at = case when c.name is distinct from coalesce(${wanted.name}, c.name)
                          or c.fields is distinct from coalesce(${asJson(wanted.fields)}::jsonb, c.fields) then ${now} else c.updated_at end,
      last_active_at = ${now}
    returning c.id, c.archived_at as "archivedAt", (xmax = 0) as "isNew"`.execute(tx)
  const row = rows[0]
  if (row === undefined) throw new Error('an upsert gave no row')
  return row
}

export async function customerById(tx: Tx, workspaceId: string, id: string): Promise<Customer | null> {
  const { rows } =
    await sql<Customer>`select ${columns} from customers where id = ${id} and workspace_id = ${workspaceId}`.execute(tx)
  return rows[0] ?? null
}

export async function customerByInternalId(tx: Tx, workspaceId: string, internalId: string): Promise<Customer | null> {
  const { rows } = await sql<Customer>`
    select ${columns} from customers where workspace_id = ${workspaceId} and internal_id = ${internalId}`.execute(tx)
  return rows[0] ?? null
}

export async function customersByIds(tx: Tx, ids: readonly string[]): Promise<Map<string, Customer>> {
  if (ids.length === 0) return new Map()
  const { rows } =
    await sql<Customer>`select ${columns} from customers where id = any(${[...new Set(ids)]}::uuid[])`.execute(tx)
  return new Map(rows.map((row) => [row.id, row]))
}

/** The customers behind pairs of workspace and internal id, in one statement; archived ones included. */
export async function customersByInternalIds(
  tx: Tx,
  pairs: readonly { workspaceId: string; internalId: string }[],
): Promise<{ id: string; workspaceId: string; internalId: string; isArchived: boolean }[]> {
  const { rows } = await sql<{ id: string; workspaceId: string; internalId: string; isArchived: boolean }>`
    select c.id, c.workspace_id as "workspaceId", c.internal_id as "internalId", c.archived_at is not null as "isArchived"
      from unnest(${pairs.map((each) => each.workspaceId)}::uuid[], ${pairs.map((each) => each.internalId)}::text[]) as p (workspace_id, internal_id)
      join customers c on c.workspace_id = p.workspace_id and c.internal_id = p.internal_id`.execute(tx)
  return rows
}

export async function listCustomers(
  tx: Tx,
  filter: {
    workspaceId: string
    search: string | null
    includeArchived: boolean
    isTest: boolean | null
    activeSince: Date | null
    inactiveSince: Date | null
  },
  page: Page,
): Promise<Customer[]> {
  const { rows } = await sql<Customer>`
    select ${columns} from customers
     where workspace_id = ${filter.workspaceId}
       and (${page.before}::uuid is null or id < ${page.before})
       and (${filter.includeArchived} or archived_at is null)
       and (${filter.isTest}::boolean is null or is_test = ${filter.isTest})
       and (${filter.activeSince}::timestamptz is null or last_active_at >= ${filter.activeSince})
       and (${filter.inactiveSince}::timestamptz is null or last_active_at is null or last_active_at < ${filter.inactiveSince})
       and ${hasText(['name', 'internal_id'], filter.search)}
     order by id desc limit ${page.limit}`.execute(tx)
  return rows
}

export async function updateCustomer(tx: Tx, customer: Customer): Promise<void> {
  await sql`
    update customers set internal_id = ${customer.internalId}, name = ${customer.name}, fields = ${asJson(customer.fields)},
      meta = ${asJson(customer.meta)}, is_test = ${customer.isTest}, updated_at = ${customer.updatedAt}, archived_at = ${customer.archivedAt}
     where id = ${customer.id}`.execute(tx)
}

export async function setCredentials(tx: Tx, id: string, sealed: string | null): Promise<void> {
  await sql`update customers set credentials_sealed = ${sealed} where id = ${id}`.execute(tx)
}

export async function sealedCredentials(tx: Tx, id: string): Promise<string | null> {
  const { rows } = await sql<{
    sealed: string | null
  }>`select credentials_sealed as sealed from customers where id = ${id}`.execute(tx)
  return rows[0]?.sealed ?? null
}

/** Ids of living customers, a page at a time, oldest first. */
export async function customerIdPage(
  tx: Tx,
  workspaceId: string,
  after: string | null,
  limit: number,
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from customers
     where workspace_id = ${workspaceId} and archived_at is null and (${after}::uuid is null or id > ${after})
     order by id limit ${limit}`.execute(tx)
  return rows.map((row) => row.id)
}

/** The row itself: what refers to it has to be gone. */
export async function deleteCustomer(tx: Tx, id: string): Promise<void> {
  await sql`delete from customers where id = ${id}`.execute(tx)
}

/** Whose lanes these are that customers have. */
export async function ownersOfCustomerLanes(tx: Tx, ids: readonly string[]): Promise<NamedLaneOwner[]> {
  const { rows } = await sql<NamedLaneOwner>`
    select id, workspace_id as "workspaceId", id as "customerId", name
      from customers where id = any(${[...ids]}::uuid[])`.execute(tx)
  return rows
}
