import type { ApiKeyScope } from '@permea/contract'
import { sql, type Tx } from '../platform/database.ts'

export interface ApiKeyRow {
  id: string
  workspaceId: string
  name: string
  scope: ApiKeyScope
  prefix: string
  createdBy: string | null
  createdAt: Date
  expiresAt: Date | null
  lastUsedAt: Date | null
}

const columns = sql.raw(`id, workspace_id as "workspaceId", name, scope, prefix, created_by as "createdBy",
  created_at as "createdAt", expires_at as "expiresAt", last_used_at as "lastUsedAt"`)

export async function insertApiKey(tx: Tx, key: ApiKeyRow, hash: Buffer): Promise<void> {
  await sql`
    insert into api_keys (id, workspace_id, name, scope, prefix, hash, created_by, created_at, expires_at)
    values (${key.id}, ${key.workspaceId}, ${key.name}, ${key.scope}, ${key.prefix}, ${hash}, ${key.createdBy},
      ${key.createdAt}, ${key.expiresAt})`.execute(tx)
}

export async function apiKeysOf(tx: Tx, workspaceId: string): Promise<ApiKeyRow[]> {
  const { rows } = await sql<ApiKeyRow>`
    select ${columns} from api_keys where workspace_id = ${workspaceId} and revoked_at is null
     order by id desc limit 1000`.execute(tx)
  return rows
}

export async function apiKeyByHash(tx: Tx, hash: Buffer): Promise<ApiKeyRow | null> {
  const { rows } =
    await sql<ApiKeyRow>`select ${columns} from api_keys where hash = ${hash} and revoked_at is null`.execute(tx)
  return rows[0] ?? null
}

export async function noteUse(tx: Tx, id: string, now: Date): Promise<void> {
  await sql`update api_keys set last_used_at = ${now} where id = ${id}`.execute(tx)
}

/** Whether there was one to revoke. */
export async function revokeApiKey(tx: Tx, of: { workspaceId: string; id: string; now: Date }): Promise<boolean> {
  const { rows } = await sql`
    update api_keys set revoked_at = ${of.now}
     where id = ${of.id} and workspace_id = ${of.workspaceId} and revoked_at is null returning id`.execute(tx)
  return rows.length > 0
}
