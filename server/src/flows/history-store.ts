import type { FlowNodes } from '@permea/contract'
import type { Actor } from '../api/principal.ts'
import { sql, type Tx } from '../platform/database.ts'
import type { Flow } from './flow.ts'

/** Notes which version the flow has from now on and by whom, where it is another; its row is locked by who changes it. */
export async function keepHistory(tx: Tx, { id, versionId, updatedAt }: Flow, by: Actor): Promise<void> {
  await sql`
    with newest as (select number, version_id from flow_history where flow_id = ${id} order by number desc limit 1)
    insert into flow_history (flow_id, number, version_id, since, changed_by)
    select ${id}, coalesce((select number from newest), 0) + 1, ${versionId}, ${updatedAt}, ${by.name ?? by.kind}
     where (select version_id from newest) is distinct from ${versionId}`.execute(tx)
}

/** What nodes a flow had, shown without secrets, since when, and by whom where that is known. */
export interface FlowPast {
  number: number
  versionId: string
  since: Date
  changedBy: string | null
  nodes: FlowNodes
}

/** Newest first; only those before the number, where it is given. */
export async function flowHistory(tx: Tx, flowId: string, before: number | null, limit: number): Promise<FlowPast[]> {
  const { rows } = await sql<FlowPast>`
    select h.number, h.version_id as "versionId", h.since, h.changed_by as "changedBy", v.nodes
      from flow_history h join flow_versions v on v.id = h.version_id
     where h.flow_id = ${flowId} and (${before}::integer is null or h.number < ${before})
     order by h.number desc limit ${limit}`.execute(tx)
  return rows
}

export async function flowPast(tx: Tx, flowId: string, number: number): Promise<FlowPast | null> {
  const [past] = await flowHistory(tx, flowId, number + 1, 1)
  return past?.number === number ? past : null
}
