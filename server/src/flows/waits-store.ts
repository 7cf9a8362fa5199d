import { sql, type Tx } from '../platform/database.ts'

/** What a node of an enabled flow waits for within its runs. */
export interface FlowWait {
  flowInstanceId: string
  nodeKey: string
  kind: 'app' | 'external'
  /** The stream of events: of the application, or of an external app. */
  subscriptionId: string
  /** Null where it is an external app's. */
  appEventTypeId: string | null
  customerId: string
  field: string
}

/** Puts what the nodes of an instance wait for in place of what they did; gives the streams that they used before. */
export async function replaceWaits(
  tx: Tx,
  flowInstanceId: string,
  waits: readonly FlowWait[],
): Promise<{ app: string[]; external: string[] }> {
  const { rows } = await sql<{ app: string | null; external: string | null }>`
    delete from flow_instance_waits where flow_instance_id = ${flowInstanceId}
    returning app_event_subscription_id as app, external_event_subscription_id as external`.execute(tx)
  for (const w of waits) {
    const [app, external] = w.kind === 'app' ? [w.subscriptionId, null] : [null, w.subscriptionId]
    await sql`
      insert into flow_instance_waits (flow_instance_id, node_key, app_event_subscription_id, external_event_subscription_id,
        app_event_type_id, customer_id, field)
      values (${w.flowInstanceId}, ${w.nodeKey}, ${app}, ${external}, ${w.appEventTypeId}, ${w.customerId}, ${w.field})`.execute(
      tx,
    )
  }
  return {
    app: [...new Set(rows.flatMap((row) => row.app ?? []))],
    external: [...new Set(rows.flatMap((row) => row.external ?? []))],
  }
}

/** What a node of an instance waits for now; null where the flow is not enabled, or the node waits for nothing. */
export async function waitOfNode(
  tx: Tx,
  flowInstanceId: string,
  nodeKey: string,
): Promise<Omit<FlowWait, 'flowInstanceId' | 'nodeKey'> | null> {
  const { rows } = await sql<Omit<FlowWait, 'flowInstanceId' | 'nodeKey'>>`
    select case when app_event_subscription_id is null then 'external' else 'app' end as kind,
           coalesce(app_event_subscription_id, external_event_subscription_id) as "subscriptionId",
           app_event_type_id as "appEventTypeId", customer_id as "customerId", field
      from flow_instance_waits where flow_instance_id = ${flowInstanceId} and node_key = ${nodeKey}`.execute(tx)
  return rows[0] ?? null
}
