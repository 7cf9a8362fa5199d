import type pg from 'pg'
import { sql, type Tx } from '../platform/database.ts'
import { conditionsOf, type Looked, lookThrough } from '../platform/look-through.ts'

/** One request that was sent to an external app; secrets are masked before they come here. */
export interface ApiLog {
  id: string
  workspaceId: string
  customerId: string
  integrationId: string | null
  connectionId: string
  sourceId: string | null
  method: string
  requestUri: string
  statusCode: number | null
  isSuccess: boolean
  durationMs: number
  error: string | null
}

export interface ApiLogContent {
  /** JSON text. */
  request: string
  response: string | null
}

const columns =
  sql.raw(`id, workspace_id as "workspaceId", customer_id as "customerId", integration_id as "integrationId",
  connection_id as "connectionId", source_id as "sourceId", method, request_uri as "requestUri", status_code as "statusCode",
  is_success as "isSuccess", duration_ms as "durationMs", error`)

/** Writes many at once. */
export async function insertApiLogs(pool: pg.Pool, logs: readonly (ApiLog & ApiLogContent)[]): Promise<void> {
  await pool.query({
    name: 'insert-external-api-logs',
    text: `
      insert into external_api_logs (id, workspace_id, customer_id, integration_id, connection_id, source_id, method, request_uri,
        status_code, is_success, duration_ms, request, response, error)
      select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[],
        $9::integer[], $10::boolean[], $11::real[], $12::text[], $13::text[], $14::text[])`,
    values: [
      logs.map((each) => each.id),
      logs.map((each) => each.workspaceId),
      logs.map((each) => each.customerId),
      logs.map((each) => each.integrationId),
      logs.map((each) => each.connectionId),
      logs.map((each) => each.sourceId),
      logs.map((each) => each.method),
      logs.map((each) => each.requestUri),
      logs.map((each) => each.statusCode),
      logs.map((each) => each.isSuccess),
      logs.map((each) => each.durationMs),
      logs.map((each) => each.request),
      logs.map((each) => each.response),
      logs.map((each) => each.error),
    ],
  })
}

export interface ApiLogFilter {
  workspaceId: string
  customerId: string | null
  integrationId: string | null
  connectionId: string | null
  sourceId: string | null
  isSuccess: boolean | null
  /** Lowest id of the span, and the first beyond it. */
  fromId: string | null
  toId: string | null
}

const where = (filter: ApiLogFilter) => sql`workspace_id = ${filter.workspaceId}
  and (${filter.customerId}::uuid is null or customer_id = ${filter.customerId})
  and (${filter.integrationId}::uuid is null or integration_id = ${filter.integrationId})
  and (${filter.connectionId}::uuid is null or connection_id = ${filter.connectionId})
  and (${filter.sourceId}::text is null or source_id = ${filter.sourceId})
  and (${filter.isSuccess}::boolean is null or is_success = ${filter.isSuccess})
  and (${filter.fromId}::uuid is null or id >= ${filter.fromId}) and (${filter.toId}::uuid is null or id < ${filter.toId})`

/** Newest first. */
export function newestApiLogs(
  tx: Tx,
  filter: ApiLogFilter,
  page: { limit: number; before: string | null },
): Promise<Looked<ApiLog>> {
  const { known, rare } = conditionsOf({
    workspaceId: filter.workspaceId,
    indexed: { source_id: filter.sourceId, connection_id: filter.connectionId, customer_id: filter.customerId },
    others: { integration_id: filter.integrationId, is_success: filter.isSuccess },
    span: { from: null, to: null },
  })
  const isWithin = sql`(${filter.fromId}::uuid is null or r.id >= ${filter.fromId}) and (${filter.toId}::uuid is null or r.id < ${filter.toId})`
  return lookThrough(tx, { log: 'external_api_logs', columns, known: sql`${known} and ${isWithin}`, rare, page })
}

/** Oldest first. */
export async function oldestApiLogs(
  tx: Tx,
  filter: ApiLogFilter,
  page: { limit: number; edge: string | null },
): Promise<ApiLog[]> {
  const { rows } = await sql<ApiLog>`
    select ${columns} from external_api_logs where ${where(filter)} and (${page.edge}::uuid is null or id > ${page.edge})
     order by id limit ${page.limit}`.execute(tx)
  return rows
}

export async function apiLogById(tx: Tx, workspaceId: string, id: string): Promise<(ApiLog & ApiLogContent) | null> {
  const { rows } = await sql<ApiLog & ApiLogContent>`
    select ${columns}, request, response from external_api_logs where id = ${id} and workspace_id = ${workspaceId}`.execute(
    tx,
  )
  return rows[0] ?? null
}
