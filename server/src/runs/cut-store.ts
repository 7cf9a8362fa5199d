import { sql, type Tx } from '../platform/database.ts'
import { nodeCountsIn } from './run.ts'

/** Of runs whose node runs stand in their own row, and are about to go: what they count to is kept. */
export async function keepNodeCounts(tx: Tx, ids: readonly string[]): Promise<void> {
  const [first, last] = [ids.at(0), ids.at(-1)]
  if (first === undefined || last === undefined) return
  const { rows } = await sql<{ id: string; nodeRuns: string }>`
    select id, node_runs as "nodeRuns" from flow_runs
     where id = any(${ids}::uuid[]) and id >= ${first} and id <= ${last} and node_counts is null and node_runs is not null`.execute(
    tx,
  )
  const counts = rows.map(({ id, nodeRuns }) => JSON.stringify(nodeCountsIn({ id, nodeRuns, nodeCounts: null })))
  await sql`
    update flow_runs r set node_counts = c.counts::json
      from unnest(${rows.map(({ id }) => id)}::uuid[], ${counts}::text[]) as c (id, counts)
     where r.id = c.id and r.id >= ${first} and r.id <= ${last}`.execute(tx)
}
