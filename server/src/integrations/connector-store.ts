import type { Page } from '../api/paging.ts'
import { asStoredJson, oldJson } from '../exchanges/stored-json.ts'
import { asJson, sql, type Tx } from '../platform/database.ts'
import type { NamedLaneOwner } from '../platform/lane-standing.ts'
import { hasText } from '../platform/look-through.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { Connector } from './connector.ts'

const columns = sql.raw(`id, workspace_id as "workspaceId", uuid, key, name, description, meta, logo_uri as "logoUri",
  categories, definition, revision, created_at as "createdAt", updated_at as "updatedAt", archived_at as "archivedAt"`)

export async function insertConnector(tx: Tx, sealing: Sealing, c: Connector): Promise<void> {
  await sql`
    insert into connectors (id, workspace_id, uuid, key, name, description, meta, logo_uri, categories, definition, is_sealed, revision, created_at, updated_at)
    values (${c.id}, ${c.workspaceId}, ${c.uuid}, ${c.key}, ${c.name}, ${c.description}, ${asJson(c.meta)}, ${c.logoUri}, ${c.categories},
      ${asStoredJson(sealing, c.definition)}, true, ${c.revision}, ${c.createdAt}, ${c.updatedAt})`.execute(tx)
}

export async function updateConnector(tx: Tx, sealing: Sealing, c: Connector): Promise<void> {
  await sql`
    update connectors set key = ${c.key}, name = ${c.name}, description = ${c.description}, meta = ${asJson(c.meta)}, logo_uri = ${c.logoUri},
      categories = ${c.categories}, definition = ${asStoredJson(sealing, c.definition)}, is_sealed = true, revision = ${c.revision}, updated_at = ${c.updatedAt}, archived_at = ${c.archivedAt}
     where id = ${c.id}`.execute(tx)
}

/** Definitions that were stored before secrets in them were sealed. */
export const unsealedConnectors = oldJson('connectors', ['definition'])

export async function connectorById(tx: Tx, workspaceId: string, id: string): Promise<Connector | null> {
  const { rows } =
    await sql<Connector>`select ${columns} from connectors where id = ${id} and workspace_id = ${workspaceId}`.execute(
      tx,
    )
  return rows[0] ?? null
}

export async function connectorByUuid(tx: Tx, workspaceId: string, uuid: string): Promise<Connector | null> {
  const { rows } =
    await sql<Connector>`select ${columns} from connectors where uuid = ${uuid} and workspace_id = ${workspaceId}`.execute(
      tx,
    )
  return rows[0] ?? null
}

/** The living one with this key, else the one archived last. */
export async function connectorByKey(tx: Tx, workspaceId: string, key: string): Promise<Connector | null> {
  const { rows } = await sql<Connector>`
    select ${columns} from connectors where workspace_id = ${workspaceId} and key = ${key}
     order by archived_at desc nulls first limit 1`.execute(tx)
  return rows[0] ?? null
}

/** Of whichever workspace. */
export async function connectorsByIds(tx: Tx, ids: readonly string[]): Promise<Map<string, Connector>> {
  const { rows } = await sql<Connector>`
    select ${columns} from connectors where id = any(${[...new Set(ids)]}::uuid[])`.execute(tx)
  return new Map(rows.map((row) => [row.id, row]))
}

export interface ConnectorFilter {
  workspaceId: string
  search: string | null
  includeArchived: boolean
}

export async function listConnectors(tx: Tx, filter: ConnectorFilter, page: Page): Promise<Connector[]> {
  const { rows } = await sql<Connector>`
    select ${columns} from connectors
     where workspace_id = ${filter.workspaceId} and (${page.before}::uuid is null or id < ${page.before})
       and (${filter.includeArchived} or archived_at is null)
       and ${hasText(['name', 'key'], filter.search)}
     order by id desc limit ${page.limit}`.execute(tx)
  return rows
}

/** A URL that an external app posts events of all connections of an integration to. */
export interface GlobalWebhookUrl {
  id: string
  workspaceId: string
  integrationId: string
  /** Of the global webhook in the integration's connector. */
  key: string
  webhookUuid: string
}

const webhookColumns = sql.raw(
  `id, workspace_id as "workspaceId", integration_id as "integrationId", key, webhook_uuid as "webhookUuid"`,
)

/** Makes URLs for the keys that have none yet; those that have one keep it. */
export async function insertGlobalWebhooks(tx: Tx, webhooks: readonly GlobalWebhookUrl[], now: Date): Promise<void> {
  if (webhooks.length === 0) return
  await sql`
    insert into global_webhooks (id, workspace_id, integration_id, key, webhook_uuid, created_at)
    select *, ${now}::timestamptz from unnest(${webhooks.map((each) => each.id)}::uuid[], ${webhooks.map((each) => each.workspaceId)}::uuid[],
      ${webhooks.map((each) => each.integrationId)}::uuid[], ${webhooks.map((each) => each.key)}::text[], ${webhooks.map((each) => each.webhookUuid)}::uuid[])
        on conflict (integration_id, key) do nothing`.execute(tx)
}

export async function globalWebhooksOf(tx: Tx, integrationId: string): Promise<GlobalWebhookUrl[]> {
  const { rows } =
    await sql<GlobalWebhookUrl>`select ${webhookColumns} from global_webhooks where integration_id = ${integrationId}`.execute(
      tx,
    )
  return rows
}

/** Whose URL this is. */
export async function globalWebhookByUuid(tx: Tx, webhookUuid: string): Promise<GlobalWebhookUrl | null> {
  const { rows } =
    await sql<GlobalWebhookUrl>`select ${webhookColumns} from global_webhooks where webhook_uuid = ${webhookUuid}`.execute(
      tx,
    )
  return rows[0] ?? null
}

/** The workspaces of such URLs, by their unguessable parts. */
export async function globalWebhookWorkspaces(
  tx: Tx,
  webhookUuids: readonly string[],
): Promise<{ webhookUuid: string; workspaceId: string; integrationId: string }[]> {
  const { rows } = await sql<{ webhookUuid: string; workspaceId: string; integrationId: string }>`
    select webhook_uuid as "webhookUuid", workspace_id as "workspaceId", integration_id as "integrationId"
      from global_webhooks
     where webhook_uuid = any(${[...webhookUuids]}::uuid[])`.execute(tx)
  return rows
}

export async function globalWebhookById(tx: Tx, id: string): Promise<GlobalWebhookUrl | null> {
  const { rows } = await sql<GlobalWebhookUrl>`select ${webhookColumns} from global_webhooks where id = ${id}`.execute(
    tx,
  )
  return rows[0] ?? null
}

/** Whose lanes these are that global webhooks have, with the integration of each. */
export async function ownersOfWebhookLanes(
  tx: Tx,
  ids: readonly string[],
): Promise<(NamedLaneOwner & { integrationId: string })[]> {
  const { rows } = await sql<NamedLaneOwner & { integrationId: string }>`
    select w.id, w.workspace_id as "workspaceId", null as "customerId", i.name, w.integration_id as "integrationId"
      from global_webhooks w join integrations i on i.id = w.integration_id
     where w.id = any(${[...ids]}::uuid[])`.execute(tx)
  return rows
}
