import type { Page } from '../api/paging.ts'
import { sql, type Tx } from '../platform/database.ts'
import { lowestIdAt } from '../platform/ids.ts'
import { hasText } from '../platform/look-through.ts'
import type { RefusedRequest } from './refused-request.ts'

export async function insertRefusedRequests(tx: Tx, rows: readonly RefusedRequest[]): Promise<void> {
  await sql`
    insert into refused_requests (id, workspace_id, customer_id, claimed_id, element_id, reason, status, message, method,
      path, address, excerpt, not_kept)
    select * from unnest(${rows.map((r) => r.id)}::uuid[], ${rows.map((r) => r.workspaceId)}::uuid[],
      ${rows.map((r) => r.customerId)}::uuid[], ${rows.map((r) => r.claimedId)}::text[],
      ${rows.map((r) => r.elementId)}::text[], ${rows.map((r) => r.reason)}::text[],
      ${rows.map((r) => r.status)}::integer[], ${rows.map((r) => r.message)}::text[],
      ${rows.map((r) => r.method)}::text[], ${rows.map((r) => r.path)}::text[], ${rows.map((r) => r.address)}::text[],
      ${rows.map((r) => r.excerpt)}::text[], ${rows.map((r) => r.notKept)}::integer[])`.execute(tx)
}

export interface RefusedFilter {
  workspaceId: string
  customerId: string | null
  elementId: string | null
  reason: string | null
  search: string | null
  from: Date | null
  to: Date | null
}

const columns = sql.raw(`id, workspace_id as "workspaceId", customer_id as "customerId", claimed_id as "claimedId",
  element_id as "elementId", reason, status, message, method, path, address, excerpt, not_kept as "notKept"`)

export async function listRefusedRequests(tx: Tx, f: RefusedFilter, page: Page): Promise<RefusedRequest[]> {
  const from = f.from === null ? null : lowestIdAt(f.from)
  const to = f.to === null ? null : lowestIdAt(new Date(f.to.getTime() + 1))
  const { rows } = await sql<RefusedRequest>`
    select ${columns} from refused_requests
     where workspace_id = ${f.workspaceId} and (${page.before}::uuid is null or id < ${page.before})
       and (${f.customerId}::uuid is null or customer_id = ${f.customerId})
       and (${f.elementId}::text is null or element_id = ${f.elementId})
       and (${f.reason}::text is null or reason = ${f.reason})
       and (${from}::uuid is null or id >= ${from}) and (${to}::uuid is null or id < ${to})
       and ${hasText([sql`concat_ws(' ', message, path, address, claimed_id, excerpt)`], f.search)}
     order by id desc limit ${page.limit}`.execute(tx)
  return rows
}

export async function refusedRequestById(tx: Tx, workspaceId: string, id: string): Promise<RefusedRequest | null> {
  const { rows } = await sql<RefusedRequest>`
    select ${columns} from refused_requests where id = ${id} and workspace_id = ${workspaceId}`.execute(tx)
  return rows[0] ?? null
}
