import type { Page } from '../api/paging.ts'
import { reals, smallints, texts, uuids } from '../platform/array-parameters.ts'
import { type Database, sql, type Tx } from '../platform/database.ts'
import { conditionsOf, type Looked, lookThrough } from '../platform/look-through.ts'

/** A call as it is kept: without its argument and its value. */
export interface FunctionCallRecord {
  id: string
  workspaceId: string
  customerId: string | null
  integrationId: string | null
  connectionId: string | null
  ownerId: string
  slot: string
  sourceId: string | null
  /** `returned`, or why it failed. */
  outcome: string
  /** JSON text */
  error: string | null
  /** JSON text */
  logs: string | null
  cpuMs: number
  durationMs: number
  hostCalls: number
}

const INSERT = `
  insert into function_calls (id, workspace_id, customer_id, integration_id, connection_id, owner_id, slot, source_id,
    outcome, error, logs, cpu_ms, duration_ms, host_calls)
  select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::text[], $12::real[], $13::real[], $14::smallint[])`

export async function insertFunctionCalls(database: Database, calls: readonly FunctionCallRecord[]): Promise<void> {
  const of = <T>(pick: (call: FunctionCallRecord) => T) => calls.map(pick)
  await database.query({
    name: 'functions-record-calls',
    text: INSERT,
    values: [
      uuids(of((call) => call.id)),
      uuids(of((call) => call.workspaceId)),
      uuids(of((call) => call.customerId)),
      uuids(of((call) => call.integrationId)),
      uuids(of((call) => call.connectionId)),
      texts(of((call) => call.ownerId)),
      texts(of((call) => call.slot)),
      texts(of((call) => call.sourceId)),
      texts(of((call) => call.outcome)),
      texts(of((call) => call.error)),
      texts(of((call) => call.logs)),
      reals(of((call) => call.cpuMs)),
      reals(of((call) => call.durationMs)),
      smallints(of((call) => call.hostCalls)),
    ],
  })
}

const columns = sql.raw(`id, workspace_id as "workspaceId", customer_id as "customerId",
  integration_id as "integrationId", connection_id as "connectionId", owner_id as "ownerId", slot, source_id as "sourceId",
  outcome, error, logs, cpu_ms as "cpuMs", duration_ms as "durationMs", host_calls as "hostCalls"`)

export async function functionCallById(tx: Tx, workspaceId: string, id: string): Promise<FunctionCallRecord | null> {
  const { rows } = await sql<FunctionCallRecord>`
    select ${columns} from function_calls where id = ${id} and workspace_id = ${workspaceId}`.execute(tx)
  return rows[0] ?? null
}

export interface FunctionCallFilter {
  workspaceId: string
  ownerId: string | null
  sourceId: string | null
  slot: string | null
  /** `failed` stands for everything but `returned`. */
  outcome: string | null
  connectionId: string | null
  customerId: string | null
  from: Date | null
  to: Date | null
}

export function listFunctionCalls(tx: Tx, f: FunctionCallFilter, page: Page): Promise<Looked<FunctionCallRecord>> {
  const isFailed = f.outcome === 'failed'
  const conditions = conditionsOf({
    workspaceId: f.workspaceId,
    indexed: { source_id: f.sourceId, owner_id: f.ownerId },
    others: {
      slot: f.slot,
      outcome: isFailed ? null : f.outcome,
      connection_id: f.connectionId,
      customer_id: f.customerId,
    },
    more: [isFailed ? sql`r.outcome <> 'returned'` : null],
    span: f,
  })
  return lookThrough(tx, { log: 'function_calls', columns, ...conditions, page })
}
