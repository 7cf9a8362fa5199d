import { sql, type Tx } from '../platform/database.ts'

/** A stream of events, and one enabled flow that wants it (null where none does). */
export interface WantedRun {
  subscriptionId: string
  appEventTypeId: string
  customerId: string
  instanceKey: string
  nodeKey: string | null
  flowInstanceId: string | null
  connectionId: string | null
  integrationId: string | null
  flowId: string | null
  universalFlowId: string | null
  versionId: string
  isOrdered: boolean
  concurrency: number | null
}

const columns =
  sql.raw(`w.subscription_id as "subscriptionId", w.app_event_type_id as "appEventTypeId", w.customer_id as "customerId",
  w.instance_key as "instanceKey", w.node_key as "nodeKey", w.flow_instance_id as "flowInstanceId", w.connection_id as "connectionId",
  w.integration_id as "integrationId", w.flow_id as "flowId", w.universal_flow_id as "universalFlowId", w.version_id as "versionId",
  w.is_ordered as "isOrdered", w.concurrency`)

/** The flows that want events of these streams. */
export async function wantedByStreams(tx: Tx, subscriptionIds: readonly string[]): Promise<WantedRun[]> {
  const { rows } = await sql<WantedRun>`
    select ${columns} from wanted_runs w where w.subscription_id = any(${subscriptionIds}::uuid[])`.execute(tx)
  return rows
}

/** The streams of these pairs of event type and customer, with the flows that want them. */
export async function wantedByCustomers(
  tx: Tx,
  pairs: readonly { appEventTypeId: string; customerId: string }[],
): Promise<WantedRun[]> {
  const { rows } = await sql<WantedRun>`
    select ${columns}
      from unnest(${pairs.map((each) => each.appEventTypeId)}::uuid[], ${pairs.map((each) => each.customerId)}::uuid[]) as p (type_id, customer_id)
      join wanted_runs w on w.customer_id = p.customer_id and w.app_event_type_id = p.type_id`.execute(tx)
  return rows
}
