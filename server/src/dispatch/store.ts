import { uuids } from '../platform/array-parameters.ts'
import { type Database, sql, type Tx } from '../platform/database.ts'

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
  /** Where in its events runs look for what they wait for; null where none waits. */
  waitFields: string[] | null
}

const COLUMNS = `w.subscription_id as "subscriptionId", w.app_event_type_id as "appEventTypeId", w.customer_id as "customerId",
  w.instance_key as "instanceKey", w.node_key as "nodeKey", w.flow_instance_id as "flowInstanceId", w.connection_id as "connectionId",
  w.integration_id as "integrationId", w.flow_id as "flowId", w.universal_flow_id as "universalFlowId", w.version_id as "versionId",
  w.is_ordered as "isOrdered", w.concurrency, w.wait_fields as "waitFields"`
const columns = sql.raw(COLUMNS)

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

/** The streams that these webhook URLs stand for, with the flows that want their events. */
export async function wantedAtStreams(
  database: Database,
  webhookUuids: readonly string[],
): Promise<(WantedRun & { webhookUuid: string })[]> {
  return database.query({ name: 'wanted-at-streams', text: AT_STREAMS, values: [uuids(webhookUuids)] })
}

const AT_STREAMS = `
  select ${COLUMNS}, w.webhook_uuid as "webhookUuid" from wanted_runs w where w.webhook_uuid = any($1::uuid[])`

/** The streams that each customer has at a global webhook URL, with the flows that want their events. */
export async function wantedAtGlobals(
  database: Database,
  places: readonly { webhookKey: string; customerId: string }[],
): Promise<(WantedRun & { webhookKey: string })[]> {
  const values = [uuids(places.map((each) => each.webhookKey)), uuids(places.map((each) => each.customerId))]
  return database.query({ name: 'wanted-at-globals', text: AT_GLOBALS, values })
}

const AT_GLOBALS = `
  select ${COLUMNS}, w.webhook_key as "webhookKey"
    from unnest($1::uuid[], $2::uuid[]) as p (webhook_key, customer_id)
    join wanted_runs w on w.customer_id = p.customer_id and w.webhook_key = p.webhook_key`

/** Whom the connector events of these subscriptions are for, in one question. */
export async function wantedByExternal(
  database: Database,
  subscriptionIds: readonly string[],
): Promise<{ runs: ExternalWantedRun[]; waits: ExternalWait[] }> {
  if (subscriptionIds.length === 0) return { runs: [], waits: [] }
  const rows = await database.query<ExternalWantedRun & { field: string | null }>({
    name: 'wanted-by-external',
    text: BY_EXTERNAL,
    values: [uuids(subscriptionIds)],
  })
  return {
    runs: rows.filter(({ field }) => field === null),
    waits: rows.flatMap(({ subscriptionId, field }) => (field === null ? [] : [{ subscriptionId, field }])),
  }
}

/** Where in the events of a subscription runs look for what they wait for. */
export interface ExternalWait {
  subscriptionId: string
  field: string
}

/** An enabled flow that a connector's event starts. */
export interface ExternalWantedRun {
  subscriptionId: string
  customerId: string
  nodeKey: string
  flowInstanceId: string
  connectionId: string | null
  integrationId: string | null
  flowId: string | null
  universalFlowId: string | null
  versionId: string
  isOrdered: boolean
  concurrency: number | null
}

const BY_EXTERNAL = `
  select w.subscription_id as "subscriptionId", w.node_key as "nodeKey", w.customer_id as "customerId", w.flow_instance_id as "flowInstanceId",
         w.connection_id as "connectionId", w.integration_id as "integrationId", w.flow_id as "flowId", w.universal_flow_id as "universalFlowId",
         w.version_id as "versionId", w.is_ordered as "isOrdered", w.concurrency, null as field
    from wanted_external_runs w where w.subscription_id = any($1::uuid[])
   union all
  select distinct f.subscription_id, null, null::uuid, null::uuid, null::uuid, null::uuid, null::uuid, null::uuid,
         null::uuid, null::boolean, null::integer, f.field
    from external_wait_fields f where f.subscription_id = any($1::uuid[])`
