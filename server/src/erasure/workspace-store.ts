import type { Page } from '../api/paging.ts'
import { asJson, sql, type Tx } from '../platform/database.ts'
import type { WorkspaceDeletion } from './workspace-deletion.ts'

const columns =
  sql.raw(`id, workspace_id as "workspaceId", key, status, phase, asked_by as "askedBy", work, stopped, counts,
  audit_sequence::float8 as "auditSequence", audit_hash as "auditHash", started_at as "startedAt", updated_at as "updatedAt",
  finished_at as "finishedAt"`)

/** False where the workspace is being deleted already. */
export async function insertDeletion(tx: Tx, d: WorkspaceDeletion): Promise<boolean> {
  const { rows } = await sql`
    insert into workspace_deletions (id, workspace_id, key, status, phase, asked_by, work, stopped, counts, started_at, updated_at)
    values (${d.id}, ${d.workspaceId}, ${d.key}, ${d.status}, ${d.phase}, ${asJson(d.askedBy)}::json, ${asJson(d.work)}::json,
      ${asJson(d.stopped)}::json, ${asJson(d.counts)}::json, ${d.startedAt}, ${d.updatedAt})
    on conflict do nothing returning id`.execute(tx)
  return rows.length === 1
}

export async function updateDeletion(tx: Tx, d: WorkspaceDeletion): Promise<void> {
  await sql`
    update workspace_deletions set status = ${d.status}, phase = ${d.phase}, work = ${asJson(d.work)}::json,
      stopped = ${asJson(d.stopped)}::json, counts = ${asJson(d.counts)}::json, audit_sequence = ${d.auditSequence},
      audit_hash = ${d.auditHash}, updated_at = ${d.updatedAt}, finished_at = ${d.finishedAt}
     where id = ${d.id}`.execute(tx)
}

export async function deletionById(tx: Tx, id: string): Promise<WorkspaceDeletion | null> {
  const { rows } = await sql<WorkspaceDeletion>`select ${columns} from workspace_deletions where id = ${id}`.execute(tx)
  return rows[0] ?? null
}

export async function deletionOfWorkspace(tx: Tx, workspaceId: string): Promise<WorkspaceDeletion | null> {
  const { rows } = await sql<WorkspaceDeletion>`
    select ${columns} from workspace_deletions where workspace_id = ${workspaceId}`.execute(tx)
  return rows[0] ?? null
}

/** Whoever works at it waits for who does already. */
export async function lockDeletion(tx: Tx, id: string): Promise<WorkspaceDeletion | null> {
  const { rows } = await sql<WorkspaceDeletion>`
    select ${columns} from workspace_deletions where id = ${id} for update`.execute(tx)
  return rows[0] ?? null
}

export async function listDeletions(tx: Tx, status: string | null, page: Page): Promise<WorkspaceDeletion[]> {
  const { rows } = await sql<WorkspaceDeletion>`
    select ${columns} from workspace_deletions
     where (${page.before}::uuid is null or id < ${page.before}) and (${status}::text is null or status = ${status})
     order by id desc limit ${page.limit}`.execute(tx)
  return rows
}

/** Those that are under way, and those that ended since then. */
export async function deletionsToLookAfter(tx: Tx, since: Date): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from workspace_deletions where status = 'running' or finished_at >= ${since} order by id limit 1000`.execute(
    tx,
  )
  return rows.map((row) => row.id)
}
