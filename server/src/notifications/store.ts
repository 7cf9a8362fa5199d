import type { Page } from '../api/paging.ts'
import { sql, type Tx } from '../platform/database.ts'

/** What a notification endpoint adds to its destination. */
export interface EndpointRow {
  id: string
  workspaceId: string
  name: string
  eventTypes: string[]
  /** It stands for the workspace's `webhookUri`. */
  isWorkspaceWebhook: boolean
  archivedAt: Date | null
}

const columns =
  sql.raw(`id, workspace_id as "workspaceId", name, event_types as "eventTypes", is_workspace_webhook as "isWorkspaceWebhook",
  archived_at as "archivedAt"`)

export async function insertEndpoint(tx: Tx, e: EndpointRow): Promise<void> {
  await sql`
    insert into notification_endpoints (id, workspace_id, name, event_types, is_workspace_webhook)
    values (${e.id}, ${e.workspaceId}, ${e.name}, ${e.eventTypes}, ${e.isWorkspaceWebhook})`.execute(tx)
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

export async function listEndpoints(
  tx: Tx,
  workspaceId: string,
  includeArchived: boolean,
  page: Page,
): Promise<EndpointRow[]> {
  const { rows } = await sql<EndpointRow>`
    select ${columns} from notification_endpoints
     where workspace_id = ${workspaceId} and (${includeArchived} or archived_at is null) and (${page.before}::uuid is null or id < ${page.before})
     order by id desc limit ${page.limit}`.execute(tx)
  return rows
}

/** The living endpoints of these workspaces. */
export async function audienceOf(
  tx: Tx,
  workspaceIds: readonly string[],
): Promise<{ id: string; workspaceId: string; eventTypes: string[] }[]> {
  const { rows } = await sql<{ id: string; workspaceId: string; eventTypes: string[] }>`
    select id, workspace_id as "workspaceId", event_types as "eventTypes" from notification_endpoints
     where workspace_id = any(${[...new Set(workspaceIds)]}::uuid[]) and archived_at is null order by id`.execute(tx)
  return rows
}
