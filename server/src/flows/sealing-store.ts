import { asStoredJson, asStoredRecord, type OldRows } from '../exchanges/stored-json.ts'
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
  async mark(tx, ids) {
    await sql`update flow_versions set is_sealed = true where id = any(${ids}::uuid[])`.execute(tx)
  },
}

type Sealable = Pick<Flow | FlowInstance, 'id' | 'parameters'> & Pick<FlowContent, 'customNodes'>

/** Parameters and own nodes of flows that were stored before secrets in them were sealed. */
export const unsealedFlows: OldRows<Sealable> = {
  take: async (tx, limit) =>
    (
      await sql<Sealable>`
        select id, parameters, custom_nodes as "customNodes" from flows
         where not is_sealed and (parameters is not null or custom_nodes is not null) order by id limit ${limit} for update`.execute(
        tx,
      )
    ).rows,
  async keep(tx, sealing, { id, parameters, customNodes }) {
    await sql`
      update flows set parameters = ${asStoredJson(sealing, parameters)}, custom_nodes = ${asStoredRecord(sealing, shownNodes(customNodes))}
       where id = ${id}`.execute(tx)
  },
  async mark(tx, ids) {
    await sql`update flows set is_sealed = true where id = any(${ids}::uuid[])`.execute(tx)
  },
}

/** The same of customers' flows. */
export const unsealedInstances: OldRows<Sealable> = {
  take: async (tx, limit) =>
    (
      await sql<Sealable>`
        select id, parameters, custom_nodes as "customNodes" from flow_instances
         where not is_sealed and (parameters is not null or custom_nodes is not null) order by id limit ${limit} for update`.execute(
        tx,
      )
    ).rows,
  async keep(tx, sealing, { id, parameters, customNodes }) {
    await sql`
      update flow_instances set parameters = ${asStoredJson(sealing, parameters)},
        custom_nodes = ${asStoredRecord(sealing, shownNodes(customNodes))} where id = ${id}`.execute(tx)
  },
  async mark(tx, ids) {
    await sql`update flow_instances set is_sealed = true where id = any(${ids}::uuid[])`.execute(tx)
  },
}
