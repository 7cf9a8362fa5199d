import { asStoredJson, asStoredRecord, markedIn, type OldRows } from '../exchanges/stored-json.ts'
import { sql } from '../platform/database.ts'
import type { Flow, FlowContent, FlowInstance } from './flow.ts'
import { openNodes, type StoredNodes, sealNodes, shownNodes } from './node-secrets.ts'
import { hashOfNodes } from './store.ts'

/** Nodes that were stored before all secrets in them were sealed. */
export const unsealedVersions: OldRows<StoredNodes & { id: string }> = {
  take: async (tx, limit) =>
    (
      await sql<StoredNodes & { id: string }>`
        select id, nodes as "shown", secrets_sealed as "secretsSealed" from flow_versions
         where not is_sealed order by id limit ${limit} for update`.execute(tx)
    ).rows,
  async keep(tx, sealing, { id, ...stored }) {
    const nodes = openNodes(sealing, stored)
    const { shown, secretsSealed } = sealNodes(sealing, nodes)
    const hash = hashOfNodes(sealing, nodes)
    // The same nodes may have been stored once more meanwhile, by a process that seals: then those are found by the hash.
    await sql`
      update flow_versions v set nodes = ${asStoredRecord(sealing, shown)}, secrets_sealed = ${secretsSealed},
        hash = case when exists (select 1 from flow_versions o where o.workspace_id = v.workspace_id and o.hash = ${hash} and o.id <> v.id)
                    then ${hash} || ':' || v.id else ${hash} end
       where id = ${id}`.execute(tx)
  },
  mark: markedIn('flow_versions'),
}

type Sealable = Pick<Flow | FlowInstance, 'id' | 'parameters'> & Pick<FlowContent, 'customNodes'>

/** Parameters and own nodes of flows that were stored before secrets in them were sealed. */
export const unsealedFlows = unsealedIn('flows')

/** The same of customers' flows. */
export const unsealedInstances = unsealedIn('flow_instances')

function unsealedIn(table: string): OldRows<Sealable> {
  const of = sql.table(table)
  return {
    async take(tx, limit) {
      const { rows } = await sql<Sealable>`
        select id, parameters, custom_nodes as "customNodes" from ${of}
         where not is_sealed and (parameters is not null or custom_nodes is not null)
         order by id limit ${limit} for update`.execute(tx)
      return rows
    },
    async keep(tx, sealing, { id, parameters, customNodes }) {
      await sql`
        update ${of} set parameters = ${asStoredJson(sealing, parameters)},
          custom_nodes = ${asStoredRecord(sealing, shownNodes(customNodes))} where id = ${id}`.execute(tx)
    },
    mark: markedIn(table),
  }
}
