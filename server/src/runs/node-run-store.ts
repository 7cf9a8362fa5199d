import type { ErrorData } from '@permea/contract'
import { sql, type Tx } from '../platform/database.ts'
import { lowestIdAt, timeOfId } from '../platform/ids.ts'
import type { NodeRun } from './run.ts'

interface NodeRunRow extends Omit<NodeRun, 'errors' | 'logs'> {
  errors: string | null
  logs: string | null
}

const nodeRunColumns = sql.raw(`id, run_id as "runId", node_key as "nodeKey", path, status, item, outputs, errors, logs,
  started_at as "startedAt", ended_at as "endedAt", attempts`)

function nodeRunOf(row: NodeRunRow): NodeRun {
  return {
    ...row,
    errors: row.errors === null ? [] : (JSON.parse(row.errors) as ErrorData[]),
    logs: row.logs === null ? [] : (JSON.parse(row.logs) as unknown[]),
  }
}

/** Clocks of processes may differ by this much, or be set back. */
const CLOCK_ERROR_MS_MAX = 86_400_000

/** A run's node runs are made after it, by whatever clock: partitions of still earlier days need not be looked at. */
const sinceRun = (runId: string) => lowestIdAt(new Date(timeOfId(runId).getTime() - CLOCK_ERROR_MS_MAX))

/** All finished node runs of a run, oldest first: what it resumes from. */
export async function nodeRunsOf(tx: Tx, runId: string): Promise<NodeRun[]> {
  const { rows } = await sql<NodeRunRow>`
    select ${nodeRunColumns} from flow_node_runs where run_id = ${runId} and id >= ${sinceRun(runId)} order by id`.execute(
    tx,
  )
  return rows.map(nodeRunOf)
}

/** A page of the runs of one node, oldest first. */
export async function nodeRunPage(
  tx: Tx,
  runId: string,
  nodeKey: string,
  after: string | null,
  limit: number,
): Promise<NodeRun[]> {
  const { rows } = await sql<NodeRunRow>`
    select ${nodeRunColumns} from flow_node_runs
     where run_id = ${runId} and id >= ${sinceRun(runId)} and node_key = ${nodeKey} and (${after}::uuid is null or id > ${after})
     order by id limit ${limit}`.execute(tx)
  return rows.map(nodeRunOf)
}

/** The same for the outputs of several nodes. */
export async function nodeRunPageOfKeys(
  tx: Tx,
  runId: string,
  nodeKeys: readonly string[],
  after: string | null,
  limit: number,
): Promise<NodeRun[]> {
  const { rows } = await sql<NodeRunRow>`
    select ${nodeRunColumns} from flow_node_runs
     where run_id = ${runId} and id >= ${sinceRun(runId)} and node_key = any(${nodeKeys}::text[]) and (${after}::uuid is null or id > ${after})
     order by id limit ${limit}`.execute(tx)
  return rows.map(nodeRunOf)
}

export async function nodeRunById(tx: Tx, runId: string, id: string): Promise<NodeRun | null> {
  const { rows } =
    await sql<NodeRunRow>`select ${nodeRunColumns} from flow_node_runs where id = ${id} and run_id = ${runId}`.execute(
      tx,
    )
  return rows[0] === undefined ? null : nodeRunOf(rows[0])
}

/** Node runs by their place in the run, without duplicates: those that others came from. */
export async function nodeRunsAtPaths(tx: Tx, runId: string, paths: readonly string[]): Promise<Map<string, NodeRun>> {
  const { rows } = await sql<NodeRunRow>`
    select ${nodeRunColumns} from flow_node_runs
     where run_id = ${runId} and id >= ${sinceRun(runId)} and path = any(${[...new Set(paths)]}::text[]) order by id`.execute(
    tx,
  )
  const byPath = new Map<string, NodeRun>()
  for (const row of rows) if (!byPath.has(row.path)) byPath.set(row.path, nodeRunOf(row))
  return byPath
}

/** Node runs that were fed by the ones at these places. */
export async function nodeRunsBelow(
  tx: Tx,
  runId: string,
  paths: readonly string[],
): Promise<{ id: string; nodeKey: string; path: string }[]> {
  const { rows } = await sql<{ id: string; nodeKey: string; path: string }>`
    select id, node_key as "nodeKey", path from flow_node_runs
     where run_id = ${runId} and id >= ${sinceRun(runId)} and regexp_replace(path, '>[^>]*$', '') = any(${paths}::text[]) and path like '%>%'
     order by id limit 10000`.execute(tx)
  return rows
}

/** Counts per node of a run that has no counts stored: one that is active or was stopped. */
export async function nodeCountsOf(
  tx: Tx,
  runId: string,
): Promise<{ nodeKey: string; runs: number; erroredRuns: number; outputs: number }[]> {
  const { rows } = await sql<{ nodeKey: string; runs: number; erroredRuns: number; outputs: number }>`
    select node_key as "nodeKey", count(*) as runs, count(*) filter (where status = 'failed') as "erroredRuns",
           coalesce(sum(case when status <> 'completed' then 0 when outputs is null then 1 else json_array_length(outputs::json) end), 0) as outputs
      from flow_node_runs where run_id = ${runId} and id >= ${sinceRun(runId)} group by node_key`.execute(tx)
  return rows
}
