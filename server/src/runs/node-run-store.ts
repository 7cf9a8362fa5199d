import { type ErrorData, parseExactJson } from '@permea/contract'
import { sql, type Tx } from '../platform/database.ts'
import { lowestIdAt, timeOfId } from '../platform/ids.ts'
import type { NodeRun, RecordedNodeRun } from './node-run.ts'
import { nodeRunsOfText } from './node-run-text.ts'
import type { RunRow } from './run.ts'

interface NodeRunRow extends Omit<NodeRun, 'errors' | 'logs'> {
  errors: string | null
  logs: string | null
}

const nodeRunColumns = sql.raw(`id, run_id as "runId", node_key as "nodeKey", path, status, item, outputs, errors, logs,
  started_at as "startedAt", ended_at as "endedAt", attempts, next`)

function nodeRunOf(row: NodeRunRow): NodeRun {
  return {
    ...row,
    errors: row.errors === null ? [] : (JSON.parse(row.errors) as ErrorData[]),
    logs: row.logs === null ? [] : (parseExactJson(row.logs) as unknown[]),
  }
}

/** Clocks of processes may differ by this much, or be set back. */
const CLOCK_ERROR_MS_MAX = 86_400_000

/** A run's node runs are made after it, by whatever clock: partitions of still earlier days need not be looked at. */
const sinceRun = (runId: string) => lowestIdAt(new Date(timeOfId(runId).getTime() - CLOCK_ERROR_MS_MAX))

/** Outputs that are longer are not held while a run goes on. */
const HELD_CHARS_MAX = 100_000

/** All finished node runs of a run, oldest first: what it resumes from. */
export async function recordedNodeRuns(tx: Tx, runId: string): Promise<RecordedNodeRun[]> {
  const { rows } = await sql<RecordedNodeRun & { errors: string | null }>`
    select id, path, status, errors, next, case when length(outputs) <= ${HELD_CHARS_MAX} then outputs end as outputs,
           coalesce(length(outputs) > ${HELD_CHARS_MAX}, false) as "isLong"
      from flow_node_runs where run_id = ${runId} and id >= ${sinceRun(runId)} order by id`.execute(tx)
  return rows.map((row) => ({ ...row, errors: row.errors === null ? [] : (JSON.parse(row.errors) as ErrorData[]) }))
}

/** JSON text of the outputs of one of them. */
export async function outputsOfNodeRun(tx: Tx, runId: string, id: string): Promise<string> {
  const { rows } = await sql<{ outputs: string }>`
    select outputs from flow_node_runs where id = ${id} and run_id = ${runId}`.execute(tx)
  if (rows[0] === undefined) throw new Error(`there is no node run ${id}`)
  return rows[0].outputs
}

/** What tells the node runs of a run: its id, and its row where they stand in that. */
export type Recorded = Pick<RunRow, 'id' | 'nodeRuns'>

function inItsRow({ id, nodeRuns }: Recorded): NodeRun[] | null {
  return nodeRuns === null ? null : nodeRunsOfText(id, nodeRuns)
}

/** All node runs of a run that is shown, oldest first. */
export async function allNodeRuns(tx: Tx, run: Recorded): Promise<NodeRun[]> {
  const beside = inItsRow(run)
  if (beside !== null) return beside
  const { rows } = await sql<NodeRunRow>`
    select ${nodeRunColumns} from flow_node_runs where run_id = ${run.id} and id >= ${sinceRun(run.id)} order by id`.execute(
    tx,
  )
  return rows.map(nodeRunOf)
}

/** A page of the runs of some nodes, oldest first. */
export async function nodeRunPage(
  tx: Tx,
  run: Recorded,
  nodeKeys: readonly string[],
  after: string | null,
  limit: number,
): Promise<NodeRun[]> {
  const beside = inItsRow(run)
  if (beside !== null)
    return beside
      .filter((each) => nodeKeys.includes(each.nodeKey) && (after === null || each.id > after))
      .slice(0, limit)
  const { rows } = await sql<NodeRunRow>`
    select ${nodeRunColumns} from flow_node_runs
     where run_id = ${run.id} and id >= ${sinceRun(run.id)} and node_key = any(${nodeKeys}::text[]) and (${after}::uuid is null or id > ${after})
     order by id limit ${limit}`.execute(tx)
  return rows.map(nodeRunOf)
}

export async function nodeRunById(tx: Tx, run: Recorded, id: string): Promise<NodeRun | null> {
  const beside = inItsRow(run)
  if (beside !== null) return beside.find((each) => each.id === id) ?? null
  const { rows } =
    await sql<NodeRunRow>`select ${nodeRunColumns} from flow_node_runs where id = ${id} and run_id = ${run.id}`.execute(
      tx,
    )
  return rows[0] === undefined ? null : nodeRunOf(rows[0])
}

/** Node runs by their place in the run, without duplicates: those that others came from. */
export async function nodeRunsAtPaths(tx: Tx, run: Recorded, paths: readonly string[]): Promise<Map<string, NodeRun>> {
  const wanted = new Set(paths)
  const found = inItsRow(run)?.filter((each) => wanted.has(each.path)) ?? (await storedAtPaths(tx, run.id, [...wanted]))
  const byPath = new Map<string, NodeRun>()
  for (const each of found) if (!byPath.has(each.path)) byPath.set(each.path, each)
  return byPath
}

async function storedAtPaths(tx: Tx, runId: string, paths: readonly string[]): Promise<NodeRun[]> {
  const { rows } = await sql<NodeRunRow>`
    select ${nodeRunColumns} from flow_node_runs
     where run_id = ${runId} and id >= ${sinceRun(runId)} and path = any(${paths}::text[]) order by id`.execute(tx)
  return rows.map(nodeRunOf)
}

/** Most node runs that are shown as fed by one. */
const BELOW_MAX = 10_000

/** Node runs that were fed by the ones at these places. */
export async function nodeRunsBelow(
  tx: Tx,
  run: Recorded,
  paths: readonly string[],
): Promise<Pick<NodeRun, 'id' | 'nodeKey' | 'path'>[]> {
  const beside = inItsRow(run)
  if (beside !== null)
    return beside.filter(({ path }) => path.includes('>') && paths.includes(path.slice(0, path.lastIndexOf('>'))))
  const { rows } = await sql<{ id: string; nodeKey: string; path: string }>`
    select id, node_key as "nodeKey", path from flow_node_runs
     where run_id = ${run.id} and id >= ${sinceRun(run.id)} and regexp_replace(path, '>[^>]*$', '') = any(${paths}::text[]) and path like '%>%'
     order by id limit ${BELOW_MAX}`.execute(tx)
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
