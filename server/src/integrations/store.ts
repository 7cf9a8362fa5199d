import type { Page } from '../api/paging.ts'
import { asJson, sql, type Tx } from '../platform/database.ts'
import type { Integration } from './integration.ts'

const columns =
  sql.raw(`id, workspace_id as "workspaceId", uuid, key, name, description, logo_uri as "logoUri", meta, parameters, revision,
  created_at as "createdAt", updated_at as "updatedAt", archived_at as "archivedAt"`)

export async function insertIntegration(tx: Tx, i: Integration): Promise<void> {
  await sql`
    insert into integrations (id, workspace_id, uuid, key, name, description, logo_uri, meta, parameters, revision, created_at, updated_at)
    values (${i.id}, ${i.workspaceId}, ${i.uuid}, ${i.key}, ${i.name}, ${i.description}, ${i.logoUri}, ${asJson(i.meta)}, ${asJson(i.parameters)},
      ${i.revision}, ${i.createdAt}, ${i.updatedAt})`.execute(tx)
}

export async function updateIntegration(tx: Tx, i: Integration): Promise<void> {
  await sql`
    update integrations set key = ${i.key}, name = ${i.name}, description = ${i.description}, logo_uri = ${i.logoUri}, meta = ${asJson(i.meta)},
      parameters = ${asJson(i.parameters)}, revision = ${i.revision}, updated_at = ${i.updatedAt}, archived_at = ${i.archivedAt}
     where id = ${i.id}`.execute(tx)
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

export async function integrationsByIds(tx: Tx, ids: readonly string[]): Promise<Map<string, Integration>> {
  if (ids.length === 0) return new Map()
  const { rows } =
    await sql<Integration>`select ${columns} from integrations where id = any(${[...new Set(ids)]}::uuid[])`.execute(tx)
  return new Map(rows.map((row) => [row.id, row]))
}

export async function listIntegrations(
  tx: Tx,
  filter: { workspaceId: string; search: string | null; includeArchived: boolean },
  page: Page,
): Promise<Integration[]> {
  const { rows } = await sql<Integration>`
    select ${columns} from integrations
     where workspace_id = ${filter.workspaceId} and (${page.before}::uuid is null or id < ${page.before})
       and (${filter.includeArchived} or archived_at is null)
       and (${filter.search}::text is null or name ilike '%' || ${filter.search} || '%' or key ilike '%' || ${filter.search} || '%')
     order by id desc limit ${page.limit}`.execute(tx)
  return rows
}
