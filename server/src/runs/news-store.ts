import type { ErrorData } from '@permea/contract'
import { sql, type Tx } from '../platform/database.ts'
import { lowestIdAt } from '../platform/ids.ts'

/** A change of a run's state that somebody is to be notified of. */
export interface RunNews {
  runId: string
  eventType: string
}

const NEWS_LOCK = 0x70650004

/** Takes the oldest news, in order, out of the table. Call it in the transaction that makes notifications of them. */
export async function takeNews(tx: Tx, limit: number): Promise<RunNews[]> {
  // One relay at a time, whatever the process, so that what happened first is told first.
  await sql`select pg_advisory_xact_lock(${NEWS_LOCK})`.execute(tx)
  const { rows } = await sql<RunNews & { position: number }>`
    delete from flow_run_news where position in (select position from flow_run_news order by position limit ${limit})
    returning position, run_id as "runId", event_type as "eventType"`.execute(tx)
  return rows.sort((a, b) => a.position - b.position)
}

/** Whether any workspace listens to runs being queued. */
export async function isQueuedHeard(tx: Tx): Promise<boolean> {
  const { rows } = await sql<{ isHeard: boolean }>`
    select exists (select 1 from flow_run_audience where 'flowRun.queued' = any(event_types)) as "isHeard"`.execute(tx)
  return rows[0]?.isHeard === true
}

/** What is told of a run. */
export interface ToldRun {
  id: string
  workspaceId: string
  customerId: string
  flowInstanceId: string
  flowId: string | null
  universalFlowId: string | null
  startNodeKey: string
  launchedBy: string
  eventId: string | null
  startedAt: Date | null
  endedAt: Date | null
  errors: ErrorData[] | null
}

const told = `id, workspace_id as "workspaceId", customer_id as "customerId", flow_instance_id as "flowInstanceId", flow_id as "flowId",
  universal_flow_id as "universalFlowId", start_node_key as "startNodeKey", launched_by as "launchedBy", app_event_id as "eventId", started_at as "startedAt"`

/** Runs by id, finished or not. */
export async function toldRuns(tx: Tx, ids: readonly string[]): Promise<Map<string, ToldRun>> {
  const { rows } = await sql<ToldRun>`
    select ${sql.raw(told)}, null::timestamptz as "endedAt", null::json as errors from flow_runs_open where id = any(${ids}::uuid[])
    union all
    select ${sql.raw(told)}, ended_at as "endedAt", errors from flow_runs where id = any(${ids}::uuid[])`.execute(tx)
  return new Map(rows.map((row) => [row.id, row]))
}

export const BACKLOGS_MAX = 1000

/** Customers whose runs have waited to start since before `edge`, with the oldest of them. */
export async function backlogs(
  tx: Tx,
  edge: Date,
): Promise<{ workspaceId: string; customerId: string; oldestId: string }[]> {
  const { rows } = await sql<{ workspaceId: string; customerId: string; oldestId: string }>`
    select workspace_id as "workspaceId", customer_id as "customerId", min(id::text)::uuid as "oldestId" from flow_runs_open
     where state = 'queued' and id < ${lowestIdAt(edge)} group by 1, 2 limit ${BACKLOGS_MAX}`.execute(tx)
  return rows
}
