import type { ErrorData } from '@permea/contract'
import { sql, type Tx } from '../platform/database.ts'
import { lowestIdAt, timeOfId } from '../platform/ids.ts'
import { nodeKeyOfPath } from './node-run-text.ts'

/** A finished run, with the nodes in it that did what they are for, and those that failed. */
export interface EndedRun {
  id: string
  state: string
  errors: ErrorData[] | null
  completedNodes: string[]
  failedNodes: string[]
}

/** Clocks of processes may differ by this much, or be set back. */
const CLOCK_ERROR_MS_MAX = 86_400_000

/** The last finished runs of an instance, newest first. Nodes that a filter kept from running are in neither list. */
export async function lastEnded(tx: Tx, flowInstanceId: string, count: number): Promise<EndedRun[]> {
  const { rows: runs } = await sql<{ id: string; state: string; errors: ErrorData[] | null }>`
    select id, state, errors from flow_runs where flow_instance_id = ${flowInstanceId} order by id desc limit ${count}`.execute(
    tx,
  )
  const oldest = runs.at(-1)
  if (oldest === undefined) return []
  const since = lowestIdAt(new Date(timeOfId(oldest.id).getTime() - CLOCK_ERROR_MS_MAX))
  const { rows: nodes } = await sql<{ runId: string; nodeKey: string; status: string }>`
    select distinct run_id as "runId", node_key as "nodeKey", status from flow_node_runs
     where run_id = any(${runs.map((run) => run.id)}::uuid[]) and id >= ${since} and status in ('completed', 'failed')`.execute(
    tx,
  )
  // Of most runs they stand in the run's own row, as a moment and then one list each.
  const { rows: within } = await sql<{ runId: string; path: string; status: string }>`
    select distinct r.id as "runId", e.entry ->> 1 as path, e.entry ->> 2 as status
      from flow_runs r cross join lateral json_array_elements(r.node_runs::json) with ordinality as e (entry, place)
     where r.id = any(${runs.map((run) => run.id)}::uuid[]) and r.node_runs is not null and e.place > 1
       and e.entry ->> 2 in ('completed', 'failed')`.execute(tx)
  const inRows = within.map(({ runId, path, status }) => ({ runId, nodeKey: nodeKeyOfPath(path), status }))
  const byRun = Map.groupBy([...nodes, ...inRows], (node) => node.runId)
  return runs.map((run) => {
    const own = byRun.get(run.id) ?? []
    const keysOf = (status: string) => own.filter((node) => node.status === status).map((node) => node.nodeKey)
    return { ...run, completedNodes: keysOf('completed'), failedNodes: keysOf('failed') }
  })
}
