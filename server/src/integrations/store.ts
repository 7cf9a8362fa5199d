import type { Page } from '../api/paging.ts'
import { asJson, sql, type Tx } from '../platform/database.ts'
import { hasText } from '../platform/look-through.ts'
import type { Integration } from './integration.ts'

const columns = sql.raw(`id, workspace_id as "workspaceId", uuid, key, name, description, logo_uri as "logoUri", meta,
  connector_id as "connectorId", oauth_callback_uri as "oAuthCallbackUri", options_config as "optionsConfig",
  parameters_sealed as "parametersSealed", revision, created_at as "createdAt", updated_at as "updatedAt", archived_at as "archivedAt"`)

export async function insertIntegration(tx: Tx, i: Integration): Promise<void> {
  await sql`
    insert into integrations (id, workspace_id, uuid, key, name, description, logo_uri, meta, connector_id, oauth_callback_uri, options_config,
      parameters_sealed, revision, created_at, updated_at)
    values (${i.id}, ${i.workspaceId}, ${i.uuid}, ${i.key}, ${i.name}, ${i.description}, ${i.logoUri}, ${asJson(i.meta)}, ${i.connectorId},
      ${i.oAuthCallbackUri}, ${asJson(i.optionsConfig)}, ${i.parametersSealed}, ${i.revision}, ${i.createdAt}, ${i.updatedAt})`.execute(
    tx,
  )
}

export async function updateIntegration(tx: Tx, i: Integration): Promise<void> {
  await sql`
    update integrations set key = ${i.key}, name = ${i.name}, description = ${i.description}, logo_uri = ${i.logoUri}, meta = ${asJson(i.meta)},
      connector_id = ${i.connectorId}, oauth_callback_uri = ${i.oAuthCallbackUri}, options_config = ${asJson(i.optionsConfig)},
      parameters_sealed = ${i.parametersSealed}, revision = ${i.revision}, updated_at = ${i.updatedAt}, archived_at = ${i.archivedAt}
     where id = ${i.id}`.execute(tx)
}

/**
 * Seals parameters that were stored in the open, as they were before they could be secret. Safe at any time and for many
 * processes at once.
 */
export async function sealOldParameters(
  tx: Tx,
  seal: (shared: Record<string, unknown>) => string | null,
): Promise<void> {
  const { rows } = await sql<{ id: string; parameters: Record<string, unknown> }>`
    select id, parameters from integrations where parameters is not null for update`.execute(tx)
  for (const { id, parameters } of rows) {
    await sql`
      update integrations set parameters_sealed = coalesce(parameters_sealed, ${seal(parameters)}), parameters = null
       where id = ${id}`.execute(tx)
  }
}

export async function integrationById(tx: Tx, workspaceId: string, id: string): Promise<Integration | null> {
  const { rows } =
    await sql<Integration>`select ${columns} from integrations where id = ${id} and workspace_id = ${workspaceId}`.execute(
      tx,
    )
  return rows[0] ?? null
}

/** The living one with this key, else the one archived last. */
export async function integrationByKey(tx: Tx, workspaceId: string, key: string): Promise<Integration | null> {
  const { rows } = await sql<Integration>`
    select ${columns} from integrations where workspace_id = ${workspaceId} and key = ${key}
     order by archived_at desc nulls first limit 1`.execute(tx)
  return rows[0] ?? null
}

export async function integrationByUuid(tx: Tx, workspaceId: string, uuid: string): Promise<Integration | null> {
  const { rows } =
    await sql<Integration>`select ${columns} from integrations where uuid = ${uuid} and workspace_id = ${workspaceId}`.execute(
      tx,
    )
  return rows[0] ?? null
}

export async function integrationsByIds(tx: Tx, ids: readonly string[]): Promise<Map<string, Integration>> {
  if (ids.length === 0) return new Map()
  const { rows } =
    await sql<Integration>`select ${columns} from integrations where id = any(${[...new Set(ids)]}::uuid[])`.execute(tx)
  return new Map(rows.map((row) => [row.id, row]))
}

export interface IntegrationFilter {
  workspaceId: string
  search: string | null
  includeArchived: boolean
  connectorId: string | null
}

export async function listIntegrations(tx: Tx, filter: IntegrationFilter, page: Page): Promise<Integration[]> {
  const { rows } = await sql<Integration>`
    select ${columns} from integrations
     where workspace_id = ${filter.workspaceId} and (${page.before}::uuid is null or id < ${page.before})
       and (${filter.includeArchived} or archived_at is null)
       and (${filter.connectorId}::uuid is null or connector_id = ${filter.connectorId})
       and ${hasText(['name', 'key'], filter.search)}
     order by id desc limit ${page.limit}`.execute(tx)
  return rows
}
