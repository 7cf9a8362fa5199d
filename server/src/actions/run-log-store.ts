import type { ErrorData } from '@permea/contract'
import type { Page } from '../api/paging.ts'
import { sql, type Tx } from '../platform/database.ts'
import { conditionsOf, type Looked, lookThrough } from '../platform/look-through.ts'
import type { ActionRun } from './run-log.ts'

interface Row extends Omit<ActionRun, 'error' | 'logs' | 'meta'> {
  error: string | null
  logs: string | null
  meta: string | null
}

const columns =
  sql.raw(`id, workspace_id as "workspaceId", customer_id as "customerId", action_id as "actionId", action_name as "actionName",
  universal_action_id as "universalActionId", integration_action_id as "integrationActionId", connection_action_id as "connectionActionId",
  integration_id as "integrationId", connection_id as "connectionId", source_id as "sourceId", status, error,
  duration_ms as "durationMs", completed_at as "completedAt", meta`)

export async function insertRun(tx: Tx, r: ActionRun): Promise<void> {
  await sql`
    insert into action_run_logs (id, workspace_id, customer_id, action_id, action_name, universal_action_id, integration_action_id,
      connection_action_id, integration_id, connection_id, source_id, input, output, status, error, logs, meta, duration_ms, completed_at)
    values (${r.id}, ${r.workspaceId}, ${r.customerId}, ${r.actionId}, ${r.actionName}, ${r.universalActionId}, ${r.integrationActionId},
      ${r.connectionActionId}, ${r.integrationId}, ${r.connectionId}, ${r.sourceId}, ${r.input}, ${r.output}, ${r.status},
      ${r.error === null ? null : JSON.stringify(r.error)}, ${r.logs.length === 0 ? null : JSON.stringify(r.logs)},
      ${r.meta === null ? null : JSON.stringify(r.meta)}, ${r.durationMs}, ${r.completedAt})`.execute(tx)
}

export interface ActionRunFilter {
  workspaceId: string
  customerId: string | null
  actionId: string | null
  universalActionId: string | null
  integrationActionId: string | null
  connectionActionId: string | null
  integrationId: string | null
  connectionId: string | null
  sourceId: string | null
  status: 'success' | 'error' | null
  from: Date | null
  to: Date | null
}

/** A page without inputs, outputs and logs, newest first. */
export async function listActionRuns(tx: Tx, f: ActionRunFilter, page: Page): Promise<Looked<ActionRun>> {
  const { actionId } = f
  const isOfAction = sql`${actionId}::uuid in (r.action_id, r.universal_action_id, r.integration_action_id, r.connection_action_id)`
  const conditions = conditionsOf({
    workspaceId: f.workspaceId,
    indexed: { source_id: f.sourceId, connection_id: f.connectionId, customer_id: f.customerId },
    others: {
      universal_action_id: f.universalActionId,
      integration_action_id: f.integrationActionId,
      connection_action_id: f.connectionActionId,
      integration_id: f.integrationId,
      status: f.status,
    },
    more: [actionId === null ? null : isOfAction],
    span: f,
  })
  const wanted = sql`${columns}, null as input, null as output, null as logs`
  const { rows, lookedTo } = await lookThrough<Row>(tx, {
    log: 'action_run_logs',
    columns: wanted,
    ...conditions,
    page,
  })
  return { rows: rows.map(runOf), lookedTo }
}

export async function actionRunById(tx: Tx, workspaceId: string, id: string): Promise<ActionRun | null> {
  const { rows } = await sql<Row>`
    select ${columns}, input, output, logs from action_run_logs where id = ${id} and workspace_id = ${workspaceId}`.execute(
    tx,
  )
  return rows[0] === undefined ? null : runOf(rows[0])
}

function runOf(row: Row): ActionRun {
  return {
    ...row,
    error: row.error === null ? null : (JSON.parse(row.error) as ErrorData),
    logs: row.logs === null ? [] : (JSON.parse(row.logs) as unknown[]),
    meta: row.meta === null ? null : (JSON.parse(row.meta) as Record<string, unknown>),
  }
}
