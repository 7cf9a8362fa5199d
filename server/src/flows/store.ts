import { createHash } from 'node:crypto'
import type { FlowNodes } from '@permea/contract'
import type { Page } from '../api/paging.ts'
import type { Actor } from '../api/principal.ts'
import { holdsSecrets } from '../exchanges/literal-secrets.ts'
import { asStoredJson, asStoredRecord } from '../exchanges/stored-json.ts'
import { asJson, only, sql, type Tx } from '../platform/database.ts'
import type { NamedLaneOwner } from '../platform/lane-standing.ts'
import { hasText } from '../platform/look-through.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { Flow, FlowInstance } from './flow.ts'
import { keepHistory } from './history-store.ts'
import { openNodes, type StoredNodes, sealNodes } from './node-secrets.ts'

const shared = `name, description, meta, parameters, is_enabled as "isEnabled", is_ordered as "isOrdered", concurrency,
  base_version_id as "baseVersionId", custom_nodes as "customNodes", is_name_customized as "isNameCustomized", version_id as "versionId",
  universal_flow_id as "universalFlowId", universal_flow_revision as "universalFlowRevision", integration_id as "integrationId",
  workspace_id as "workspaceId", id, uuid, key, revision, created_at as "createdAt", updated_at as "updatedAt", archived_at as "archivedAt"`

const flowColumns = sql.raw(
  `${shared}, parameters_schema as "parametersSchema", auto_create_instances as "autoCreateInstances"`,
)

const instanceColumns =
  sql.raw(`${shared}, customer_id as "customerId", connection_id as "connectionId", flow_id as "flowId",
  instance_key as "instanceKey", flow_revision as "flowRevision", state, errors`)

// ── versions ──

/** Stores the nodes once per content and workspace, the secrets in them sealed; gives the id of the version. */
export async function keepVersion(
  tx: Tx,
  sealing: Sealing,
  { id, workspaceId, nodes }: { id: string; workspaceId: string; nodes: FlowNodes },
): Promise<string> {
  const { shown, secretsSealed } = sealNodes(sealing, nodes)
  const hash = hashOfNodes(sealing, nodes)
  const { rows } = await sql<{ id: string }>`
    insert into flow_versions (id, workspace_id, hash, nodes, secrets_sealed, is_sealed)
    values (${id}, ${workspaceId}, ${hash}, ${asStoredRecord(sealing, shown)}, ${secretsSealed}, true)
    on conflict (workspace_id, hash) do update set hash = excluded.hash returning id`.execute(tx)
  return only(rows).id
}

/** A plain hash would let anybody with a copy of the database try secrets out. */
export function hashOfNodes(sealing: Sealing, nodes: FlowNodes): string {
  const text = JSON.stringify(nodes)
  return holdsSecrets(Object.values(nodes))
    ? sealing.fingerprint(text)
    : createHash('sha256').update(text).digest('hex')
}

interface StoredVersion extends StoredNodes {
  id: string
}

const versionColumns = sql.raw('id, nodes as "shown", secrets_sealed as "secretsSealed"')

/** With the secrets in them. */
export async function nodesOfVersion(tx: Tx, sealing: Sealing, versionId: string): Promise<FlowNodes> {
  const { rows } =
    await sql<StoredVersion>`select ${versionColumns} from flow_versions where id = ${versionId}`.execute(tx)
  return openNodes(sealing, only(rows))
}

export async function nodesOfVersions(
  tx: Tx,
  sealing: Sealing,
  versionIds: readonly string[],
): Promise<Map<string, FlowNodes>> {
  const { rows } = await sql<StoredVersion>`
    select ${versionColumns} from flow_versions where id = any(${[...new Set(versionIds)]}::uuid[])`.execute(tx)
  return new Map(rows.map((row) => [row.id, openNodes(sealing, row)]))
}

/** Without the secrets in them, for what only asks which nodes there are and how they are linked. */
export async function shownNodesOfVersion(tx: Tx, versionId: string): Promise<FlowNodes> {
  const { rows } =
    await sql<StoredVersion>`select ${versionColumns} from flow_versions where id = ${versionId}`.execute(tx)
  return only(rows).shown
}

// ── definitions ──

export async function insertFlow(tx: Tx, sealing: Sealing, f: Flow, by: Actor): Promise<void> {
  await sql`
    insert into flows (id, workspace_id, integration_id, universal_flow_id, uuid, key, name, description, meta, parameters_schema, parameters,
      is_enabled, auto_create_instances, is_ordered, concurrency, base_version_id, custom_nodes, is_name_customized, version_id,
      universal_flow_revision, is_sealed, revision, created_at, updated_at)
    values (${f.id}, ${f.workspaceId}, ${f.integrationId}, ${f.universalFlowId}, ${f.uuid}, ${f.key}, ${f.name}, ${f.description}, ${asJson(f.meta)},
      ${asJson(f.parametersSchema)}, ${asStoredJson(sealing, f.parameters)}, ${f.isEnabled}, ${f.autoCreateInstances}, ${f.isOrdered}, ${f.concurrency},
      ${f.baseVersionId}, ${asStoredRecord(sealing, f.customNodes)}, ${f.isNameCustomized}, ${f.versionId}, ${f.universalFlowRevision}, true, ${f.revision},
      ${f.createdAt}, ${f.updatedAt})`.execute(tx)
  await keepHistory(tx, f, by)
}

export async function updateFlow(tx: Tx, sealing: Sealing, f: Flow, by: Actor): Promise<void> {
  await sql`
    update flows set key = ${f.key}, name = ${f.name}, description = ${f.description}, meta = ${asJson(f.meta)},
      parameters_schema = ${asJson(f.parametersSchema)}, parameters = ${asStoredJson(sealing, f.parameters)}, is_enabled = ${f.isEnabled},
      auto_create_instances = ${f.autoCreateInstances}, is_ordered = ${f.isOrdered}, concurrency = ${f.concurrency},
      base_version_id = ${f.baseVersionId}, custom_nodes = ${asStoredRecord(sealing, f.customNodes)}, is_name_customized = ${f.isNameCustomized},
      version_id = ${f.versionId}, universal_flow_revision = ${f.universalFlowRevision}, revision = ${f.revision},
      is_sealed = true, updated_at = ${f.updatedAt}, archived_at = ${f.archivedAt}
     where id = ${f.id}`.execute(tx)
  await keepHistory(tx, f, by)
}

export async function flowById(tx: Tx, workspaceId: string, id: string): Promise<Flow | null> {
  const { rows } =
    await sql<Flow>`select ${flowColumns} from flows where id = ${id} and workspace_id = ${workspaceId}`.execute(tx)
  return rows[0] ?? null
}

export async function flowsByIds(tx: Tx, ids: readonly string[]): Promise<Map<string, Flow>> {
  if (ids.length === 0) return new Map()
  const { rows } =
    await sql<Flow>`select ${flowColumns} from flows where id = any(${[...new Set(ids)]}::uuid[])`.execute(tx)
  return new Map(rows.map((row) => [row.id, row]))
}

/** All flows with this key, of one integration where it is given; living ones first. */
export async function flowsByKey(
  tx: Tx,
  workspaceId: string,
  key: string,
  integrationId: string | null,
): Promise<Flow[]> {
  const { rows } = await sql<Flow>`
    select ${flowColumns} from flows
     where workspace_id = ${workspaceId} and key = ${key} and (${integrationId}::uuid is null or integration_id = ${integrationId})
     order by archived_at desc nulls first, id limit 100`.execute(tx)
  return rows
}

/** Universal flows that promise instances by themselves. */
export async function autoCreatedFlows(tx: Tx, workspaceId: string): Promise<Flow[]> {
  const { rows } = await sql<Flow>`
    select ${flowColumns} from flows
     where workspace_id = ${workspaceId} and auto_create_instances and integration_id is null and archived_at is null order by id`.execute(
    tx,
  )
  return rows
}

/** Living flows of one integration. */
export async function flowsOfIntegration(tx: Tx, workspaceId: string, integrationId: string): Promise<Flow[]> {
  const { rows } = await sql<Flow>`
    select ${flowColumns} from flows
     where workspace_id = ${workspaceId} and integration_id = ${integrationId} and archived_at is null order by id`.execute(
    tx,
  )
  return rows
}

/** The living flow of an integration that stands in for a universal one: that follows it, or has its key. */
export async function flowStandingIn(tx: Tx, universal: Flow, integrationId: string): Promise<Flow | null> {
  const { rows } = await sql<Flow>`
    select ${flowColumns} from flows
     where workspace_id = ${universal.workspaceId} and integration_id = ${integrationId} and archived_at is null
       and (universal_flow_id = ${universal.id} or key = ${universal.key})
     order by universal_flow_id is distinct from ${universal.id}, id limit 1`.execute(tx)
  return rows[0] ?? null
}

export interface FlowFilter {
  workspaceId: string
  layer: 'universal' | 'integration' | null
  integrationId: string | null
  universalFlowId: string | null
  id: string | null
  search: string | null
  includeArchived: boolean
}

export async function listFlows(tx: Tx, filter: FlowFilter, page: Page): Promise<Flow[]> {
  const { rows } = await sql<Flow>`
    select ${flowColumns} from flows
     where workspace_id = ${filter.workspaceId} and (${page.before}::uuid is null or id < ${page.before})
       and (${filter.layer}::text is null or (integration_id is null) = (${filter.layer} = 'universal'))
       and (${filter.integrationId}::uuid is null or integration_id = ${filter.integrationId})
       and (${filter.universalFlowId}::uuid is null or universal_flow_id = ${filter.universalFlowId})
       and (${filter.id}::uuid is null or id = ${filter.id})
       and (${filter.includeArchived} or archived_at is null)
       and ${hasText(['name', 'key'], filter.search)}
     order by id desc limit ${page.limit}`.execute(tx)
  return rows
}

// ── instances ──

export async function insertInstance(tx: Tx, sealing: Sealing, i: FlowInstance): Promise<void> {
  await sql`
    insert into flow_instances (id, workspace_id, customer_id, connection_id, integration_id, flow_id, universal_flow_id, instance_key, uuid, key,
      name, description, meta, parameters, is_enabled, is_ordered, concurrency, base_version_id, custom_nodes, is_name_customized, version_id,
      flow_revision, universal_flow_revision, state, errors, is_sealed, revision, created_at, updated_at)
    values (${i.id}, ${i.workspaceId}, ${i.customerId}, ${i.connectionId}, ${i.integrationId}, ${i.flowId}, ${i.universalFlowId}, ${i.instanceKey},
      ${i.uuid}, ${i.key}, ${i.name}, ${i.description}, ${asJson(i.meta)}, ${asStoredJson(sealing, i.parameters)}, ${i.isEnabled}, ${i.isOrdered}, ${i.concurrency},
      ${i.baseVersionId}, ${asStoredRecord(sealing, i.customNodes)}, ${i.isNameCustomized}, ${i.versionId}, ${i.flowRevision}, ${i.universalFlowRevision},
      ${i.state}, ${asJson(i.errors)}, true, ${i.revision}, ${i.createdAt}, ${i.updatedAt})`.execute(tx)
}

export async function updateInstance(tx: Tx, sealing: Sealing, i: FlowInstance): Promise<void> {
  await sql`
    update flow_instances set key = ${i.key}, name = ${i.name}, description = ${i.description}, meta = ${asJson(i.meta)},
      parameters = ${asStoredJson(sealing, i.parameters)}, is_enabled = ${i.isEnabled}, is_ordered = ${i.isOrdered}, concurrency = ${i.concurrency},
      base_version_id = ${i.baseVersionId}, custom_nodes = ${asStoredRecord(sealing, i.customNodes)}, is_name_customized = ${i.isNameCustomized},
      version_id = ${i.versionId}, flow_revision = ${i.flowRevision}, universal_flow_revision = ${i.universalFlowRevision},
      state = ${i.state}, errors = ${asJson(i.errors)}, is_sealed = true, revision = ${i.revision}, updated_at = ${i.updatedAt}, archived_at = ${i.archivedAt}
     where id = ${i.id}`.execute(tx)
}

export async function instanceById(tx: Tx, workspaceId: string, id: string): Promise<FlowInstance | null> {
  const { rows } =
    await sql<FlowInstance>`select ${instanceColumns} from flow_instances where id = ${id} and workspace_id = ${workspaceId}`.execute(
      tx,
    )
  return rows[0] ?? null
}

/** The same, locked until the transaction ends: changes of one instance happen one after the other. */
export async function lockInstance(tx: Tx, id: string): Promise<FlowInstance> {
  const { rows } =
    await sql<FlowInstance>`select ${instanceColumns} from flow_instances where id = ${id} for update`.execute(tx)
  return only(rows)
}

export async function instancesByIds(tx: Tx, ids: readonly string[]): Promise<Map<string, FlowInstance>> {
  if (ids.length === 0) return new Map()
  const { rows } =
    await sql<FlowInstance>`select ${instanceColumns} from flow_instances where id = any(${[...new Set(ids)]}::uuid[])`.execute(
      tx,
    )
  return new Map(rows.map((row) => [row.id, row]))
}

/** Living instances of a flow, a page at a time, oldest first. */
export async function instancesOfFlow(
  tx: Tx,
  flowId: string,
  after: string | null,
  limit: number,
): Promise<FlowInstance[]> {
  const { rows } = await sql<FlowInstance>`
    select ${instanceColumns} from flow_instances
     where flow_id = ${flowId} and archived_at is null and (${after}::uuid is null or id > ${after})
     order by id limit ${limit}`.execute(tx)
  return rows
}

export interface InstanceFilter {
  workspaceId: string
  customerId: string | null
  id: string | null
  flowId: string | null
  universalFlowId: string | null
  integrationId: string | null
  connectionId: string | null
  instanceKey: string | null
  isEnabled: boolean | null
  search: string | null
  includeArchived: boolean
}

export async function listInstances(tx: Tx, filter: InstanceFilter, page: Page): Promise<FlowInstance[]> {
  const { rows } = await sql<FlowInstance>`
    select ${instanceColumns} from flow_instances
     where workspace_id = ${filter.workspaceId} and (${page.before}::uuid is null or id < ${page.before})
       and (${filter.customerId}::uuid is null or customer_id = ${filter.customerId})
       and (${filter.id}::uuid is null or id = ${filter.id})
       and (${filter.flowId}::uuid is null or flow_id = ${filter.flowId})
       and (${filter.universalFlowId}::uuid is null or universal_flow_id = ${filter.universalFlowId})
       and (${filter.integrationId}::uuid is null or integration_id = ${filter.integrationId})
       and (${filter.connectionId}::uuid is null or connection_id = ${filter.connectionId})
       and (${filter.instanceKey}::text is null or instance_key = ${filter.instanceKey})
       and (${filter.isEnabled}::boolean is null or is_enabled = ${filter.isEnabled})
       and (${filter.includeArchived} or archived_at is null)
       and ${hasText(['name', 'key'], filter.search)}
     order by id desc limit ${page.limit}`.execute(tx)
  return rows
}

/** Living instances of a connection. */
export async function instancesOfConnection(tx: Tx, connectionId: string): Promise<FlowInstance[]> {
  const { rows } = await sql<FlowInstance>`
    select ${instanceColumns} from flow_instances where connection_id = ${connectionId} and archived_at is null order by id`.execute(
    tx,
  )
  return rows
}

/** Which of these connections have a living instance of the flow without instance key. */
export async function connectionsWithInstance(
  tx: Tx,
  flowId: string,
  connectionIds: readonly string[],
): Promise<Set<string>> {
  const { rows } = await sql<{ id: string }>`
    select connection_id as id from flow_instances
     where flow_id = ${flowId} and connection_id = any(${connectionIds}::uuid[]) and instance_key = '' and archived_at is null`.execute(
    tx,
  )
  return new Set(rows.map((row) => row.id))
}

/** Which of these customers have a living instance of the flow without connection and instance key. */
export async function customersWithInstance(
  tx: Tx,
  flowId: string,
  customerIds: readonly string[],
): Promise<Set<string>> {
  const { rows } = await sql<{ id: string }>`
    select customer_id as id from flow_instances
     where flow_id = ${flowId} and customer_id = any(${customerIds}::uuid[]) and connection_id is null and instance_key = ''
       and archived_at is null`.execute(tx)
  return new Set(rows.map((row) => row.id))
}

// ── triggers and schedules ──

export interface EventTrigger {
  flowInstanceId: string
  nodeKey: string
  appEventTypeId: string
  customerId: string
  subscriptionId: string
}

/** Puts the event triggers of an instance in place of those it had; gives the streams that the old ones used. */
export async function replaceEventTriggers(
  tx: Tx,
  flowInstanceId: string,
  triggers: readonly EventTrigger[],
): Promise<string[]> {
  const { rows } = await sql<{ subscriptionId: string }>`
    delete from flow_instance_triggers where flow_instance_id = ${flowInstanceId} returning app_event_subscription_id as "subscriptionId"`.execute(
    tx,
  )
  for (const t of triggers) {
    await sql`
      insert into flow_instance_triggers (flow_instance_id, node_key, app_event_type_id, customer_id, app_event_subscription_id)
      values (${t.flowInstanceId}, ${t.nodeKey}, ${t.appEventTypeId}, ${t.customerId}, ${t.subscriptionId})`.execute(tx)
  }
  return [...new Set(rows.map((row) => row.subscriptionId))]
}

/** Which of these streams some enabled flow still uses. */
export async function streamsInUse(tx: Tx, subscriptionIds: readonly string[]): Promise<Set<string>> {
  const { rows } = await sql<{ id: string }>`
    select app_event_subscription_id as id from flow_instance_triggers
     where app_event_subscription_id = any(${subscriptionIds}::uuid[])
    union
    select app_event_subscription_id from flow_instance_waits where app_event_subscription_id = any(${subscriptionIds}::uuid[])`.execute(
    tx,
  )
  return new Set(rows.map((row) => row.id))
}

export interface ExternalTrigger {
  flowInstanceId: string
  nodeKey: string
  subscriptionId: string
}

/** The same as `replaceEventTriggers` for events of external apps. */
export async function replaceExternalTriggers(
  tx: Tx,
  flowInstanceId: string,
  triggers: readonly ExternalTrigger[],
): Promise<string[]> {
  const { rows } = await sql<{ subscriptionId: string }>`
    delete from flow_instance_external_triggers where flow_instance_id = ${flowInstanceId}
    returning external_event_subscription_id as "subscriptionId"`.execute(tx)
  for (const t of triggers) {
    await sql`
      insert into flow_instance_external_triggers (flow_instance_id, node_key, external_event_subscription_id)
      values (${t.flowInstanceId}, ${t.nodeKey}, ${t.subscriptionId})`.execute(tx)
  }
  return [...new Set(rows.map((row) => row.subscriptionId))]
}

/** Which of these subscriptions to external events some enabled flow still uses. */
export async function externalStreamsInUse(tx: Tx, subscriptionIds: readonly string[]): Promise<Set<string>> {
  const { rows } = await sql<{ id: string }>`
    select external_event_subscription_id as id from flow_instance_external_triggers
     where external_event_subscription_id = any(${subscriptionIds}::uuid[])
    union
    select external_event_subscription_id from flow_instance_waits
     where external_event_subscription_id = any(${subscriptionIds}::uuid[])`.execute(tx)
  return new Set(rows.map((row) => row.id))
}

export interface FlowSchedule {
  flowInstanceId: string
  nodeKey: string
  cron: string
  timeZone: string
  nextAt: Date
}

export async function replaceSchedules(
  tx: Tx,
  flowInstanceId: string,
  schedules: readonly FlowSchedule[],
): Promise<void> {
  await sql`delete from flow_schedules where flow_instance_id = ${flowInstanceId}`.execute(tx)
  for (const s of schedules) {
    await sql`
      insert into flow_schedules (flow_instance_id, node_key, cron, time_zone, next_at)
      values (${s.flowInstanceId}, ${s.nodeKey}, ${s.cron}, ${s.timeZone}, ${s.nextAt})`.execute(tx)
  }
}

export async function lockSchedule(tx: Tx, flowInstanceId: string, nodeKey: string): Promise<FlowSchedule | null> {
  const { rows } = await sql<FlowSchedule>`
    select flow_instance_id as "flowInstanceId", node_key as "nodeKey", cron, time_zone as "timeZone", next_at as "nextAt"
      from flow_schedules where flow_instance_id = ${flowInstanceId} and node_key = ${nodeKey} for update`.execute(tx)
  return rows[0] ?? null
}

export async function moveSchedule(tx: Tx, schedule: FlowSchedule): Promise<void> {
  await sql`
    update flow_schedules set next_at = ${schedule.nextAt}
     where flow_instance_id = ${schedule.flowInstanceId} and node_key = ${schedule.nodeKey}`.execute(tx)
}

/** Whose lanes these are that instances have which keep an order. */
export async function ownersOfInstanceLanes(tx: Tx, ids: readonly string[]): Promise<NamedLaneOwner[]> {
  const { rows } = await sql<NamedLaneOwner>`
    select id, workspace_id as "workspaceId", customer_id as "customerId", name
      from flow_instances where id = any(${[...ids]}::uuid[])`.execute(tx)
  return rows
}
