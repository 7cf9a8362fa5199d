import type { Page } from '../api/paging.ts'
import { only, sql, type Tx } from '../platform/database.ts'

/** What a notification endpoint adds to its destination. */
export interface EndpointRow {
  id: string
  workspaceId: string
  name: string
  eventTypes: string[]
  /** Whose it is; null: the workspace's own. */
  customerId: string | null
  /** It stands for the workspace's `webhookUri`. */
  isWorkspaceWebhook: boolean
  archivedAt: Date | null
}

const columns =
  sql.raw(`id, workspace_id as "workspaceId", name, event_types as "eventTypes", is_workspace_webhook as "isWorkspaceWebhook",
  customer_id as "customerId", archived_at as "archivedAt"`)

export async function insertEndpoint(tx: Tx, e: EndpointRow): Promise<void> {
  await sql`
    insert into notification_endpoints (id, workspace_id, name, event_types, is_workspace_webhook, customer_id)
    values (${e.id}, ${e.workspaceId}, ${e.name}, ${e.eventTypes}, ${e.isWorkspaceWebhook}, ${e.customerId})`.execute(
    tx,
  )
}

/** What a customer listens to is looked for from now on. */
export async function widenCustomersAudience(
  tx: Tx,
  workspaceId: string,
  eventTypes: readonly string[],
): Promise<void> {
  await sql`
    insert into customers_audience as a (workspace_id, event_types) values (${workspaceId}, ${eventTypes})
    on conflict (workspace_id) do update
      set event_types = (select array_agg(distinct type) from unnest(a.event_types || excluded.event_types) as type)
      where not a.event_types @> excluded.event_types`.execute(tx)
}

/** Living endpoints of a customer. */
export async function countEndpointsOf(tx: Tx, customerId: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from notification_endpoints where customer_id = ${customerId} and archived_at is null`.execute(
    tx,
  )
  return only(rows).count
}

export async function updateEndpoint(tx: Tx, e: EndpointRow): Promise<void> {
  await sql`
    update notification_endpoints set name = ${e.name}, event_types = ${e.eventTypes}, archived_at = ${e.archivedAt} where id = ${e.id}`.execute(
    tx,
  )
}

export async function endpointById(tx: Tx, workspaceId: string, id: string): Promise<EndpointRow | null> {
  const { rows } = await sql<EndpointRow>`
    select ${columns} from notification_endpoints where id = ${id} and workspace_id = ${workspaceId}`.execute(tx)
  return rows[0] ?? null
}

export async function workspaceWebhook(tx: Tx, workspaceId: string): Promise<EndpointRow | null> {
  const { rows } = await sql<EndpointRow>`
    select ${columns} from notification_endpoints
     where workspace_id = ${workspaceId} and is_workspace_webhook and archived_at is null`.execute(tx)
  return rows[0] ?? null
}

/** Endpoints of a customer, or those of the workspace itself. */
export async function listEndpoints(
  tx: Tx,
  of: { workspaceId: string; customerId: string | null; includeArchived: boolean },
  page: Page,
): Promise<EndpointRow[]> {
  const whose = of.customerId === null ? sql`customer_id is null` : sql`customer_id = ${of.customerId}`
  const { rows } = await sql<EndpointRow>`
    select ${columns} from notification_endpoints
     where workspace_id = ${of.workspaceId} and ${whose} and (${of.includeArchived} or archived_at is null)
       and (${page.before}::uuid is null or id < ${page.before})
     order by id desc limit ${page.limit}`.execute(tx)
  return rows
}

/** The living endpoints of these workspaces, and of these customers. */
export async function endpointsToTell(
  tx: Tx,
  workspaceIds: readonly string[],
  customerIds: readonly string[],
): Promise<Pick<EndpointRow, 'id' | 'workspaceId' | 'eventTypes' | 'customerId'>[]> {
  const { rows } = await sql<Pick<EndpointRow, 'id' | 'workspaceId' | 'eventTypes' | 'customerId'>>`
    select id, workspace_id as "workspaceId", event_types as "eventTypes", customer_id as "customerId" from notification_endpoints
     where workspace_id = any(${[...new Set(workspaceIds)]}::uuid[]) and customer_id is null and archived_at is null
    union all
    select id, workspace_id, event_types, customer_id from notification_endpoints
     where customer_id = any(${[...new Set(customerIds)]}::uuid[]) and archived_at is null
     order by id`.execute(tx)
  return rows
}
