import type { ErrorData } from '@permea/contract'
import type { Page } from '../api/paging.ts'
import { asJson, only, sql, type Tx } from '../platform/database.ts'
import type { AppEventSubscription } from './subscription.ts'

const columns =
  sql.raw(`id, workspace_id as "workspaceId", customer_id as "customerId", app_event_type_id as "appEventTypeId",
  instance_key as "instanceKey", webhook_uuid as "webhookUuid", is_wanted as "isWanted", is_manual as "isManual", status, error, attempts,
  next_attempt_at as "nextAttemptAt", subscription_request as "subscriptionRequest", subscription_response as "subscriptionResponse",
  response_sealed as "responseSealed", revision, created_at as "createdAt", updated_at as "updatedAt", archived_at as "archivedAt"`)

/**
 * The subscription of this type, customer and instance key, made where there is none, and wanted from now on.
 * Two who ask at the same moment get the same one; its row stays locked until the transaction ends.
 */
export async function wantSubscription(tx: Tx, wanted: AppEventSubscription): Promise<AppEventSubscription> {
  const { rows } = await sql<AppEventSubscription>`
    insert into app_event_subscriptions as s (id, workspace_id, customer_id, app_event_type_id, instance_key, webhook_uuid, is_wanted, is_manual,
      status, attempts, revision, created_at, updated_at)
    values (${wanted.id}, ${wanted.workspaceId}, ${wanted.customerId}, ${wanted.appEventTypeId}, ${wanted.instanceKey}, ${wanted.webhookUuid},
      true, ${wanted.isManual}, ${wanted.status}, 0, ${wanted.revision}, ${wanted.createdAt}, ${wanted.updatedAt})
    on conflict (app_event_type_id, customer_id, instance_key) do update set
      is_wanted = true, is_manual = s.is_manual or excluded.is_manual, archived_at = null
    returning ${columns}`.execute(tx)
  return only(rows)
}

/** Locks the rows in a fixed order, so that two who release the same ones wait for each other. */
export async function lockSubscriptions(tx: Tx, ids: readonly string[]): Promise<AppEventSubscription[]> {
  const { rows } = await sql<AppEventSubscription>`
    select ${columns} from app_event_subscriptions where id = any(${ids}::uuid[]) order by id for update`.execute(tx)
  return rows
}

export async function updateSubscription(tx: Tx, s: AppEventSubscription): Promise<void> {
  await sql`
    update app_event_subscriptions set is_wanted = ${s.isWanted}, is_manual = ${s.isManual}, status = ${s.status}, error = ${asJson(s.error)},
      attempts = ${s.attempts}, next_attempt_at = ${s.nextAttemptAt}, subscription_request = ${asJson(s.subscriptionRequest)},
      subscription_response = ${asJson(s.subscriptionResponse)}, response_sealed = ${s.responseSealed}, revision = ${s.revision},
      updated_at = ${s.updatedAt}, archived_at = ${s.archivedAt}
     where id = ${s.id}`.execute(tx)
}

export async function subscriptionById(tx: Tx, id: string): Promise<AppEventSubscription | null> {
  const { rows } =
    await sql<AppEventSubscription>`select ${columns} from app_event_subscriptions where id = ${id}`.execute(tx)
  return rows[0] ?? null
}

export async function subscriptionsByIds(tx: Tx, ids: readonly string[]): Promise<Map<string, AppEventSubscription>> {
  if (ids.length === 0) return new Map()
  const { rows } = await sql<AppEventSubscription>`
    select ${columns} from app_event_subscriptions where id = any(${[...new Set(ids)]}::uuid[])`.execute(tx)
  return new Map(rows.map((row) => [row.id, row]))
}

export async function subscriptionsOfCustomer(tx: Tx, customerId: string): Promise<AppEventSubscription[]> {
  const { rows } = await sql<AppEventSubscription>`
    select ${columns} from app_event_subscriptions where customer_id = ${customerId} order by id for update`.execute(tx)
  return rows
}

/** Ids of the streams of a type, a page at a time. */
export async function subscriptionIdsOfType(
  tx: Tx,
  appEventTypeId: string,
  after: string | null,
  limit: number,
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from app_event_subscriptions
     where app_event_type_id = ${appEventTypeId} and (${after}::uuid is null or id > ${after}) order by id limit ${limit}`.execute(
    tx,
  )
  return rows.map((row) => row.id)
}

export interface SubscriptionFilter {
  workspaceId: string
  customerId: string | null
  id: string | null
  appEventTypeId: string | null
  isSubscribed: boolean | null
  instanceKey: string | null
  includeArchived: boolean
}

export async function listSubscriptions(
  tx: Tx,
  filter: SubscriptionFilter,
  page: Page,
): Promise<AppEventSubscription[]> {
  const { rows } = await sql<AppEventSubscription>`
    select ${columns} from app_event_subscriptions
     where workspace_id = ${filter.workspaceId} and (${page.before}::uuid is null or id < ${page.before})
       and (${filter.customerId}::uuid is null or customer_id = ${filter.customerId})
       and (${filter.id}::uuid is null or id = ${filter.id})
       and (${filter.appEventTypeId}::uuid is null or app_event_type_id = ${filter.appEventTypeId})
       and (${filter.isSubscribed}::boolean is null or (status = 'subscribed') = ${filter.isSubscribed})
       and (${filter.instanceKey}::text is null or instance_key = ${filter.instanceKey})
       and (${filter.includeArchived} or archived_at is null)
     order by id desc limit ${page.limit}`.execute(tx)
  return rows
}

/** One request to the application, as it was sent and answered; secrets are masked before they come here. */
export interface SubscriptionRequestRecord {
  id: string
  workspaceId: string
  subscriptionId: string
  kind: 'subscribe' | 'unsubscribe'
  trigger: 'auto' | 'manual'
  request: unknown
  response: unknown
  error: ErrorData | null
  durationMs: number | null
}

export async function insertSubscriptionRequest(tx: Tx, r: SubscriptionRequestRecord): Promise<void> {
  await sql`
    insert into app_event_subscription_requests (id, workspace_id, subscription_id, kind, trigger, request, response, error, duration_ms)
    values (${r.id}, ${r.workspaceId}, ${r.subscriptionId}, ${r.kind}, ${r.trigger}, ${asJson(r.request)}, ${asJson(r.response)}, ${asJson(r.error)},
      ${r.durationMs})`.execute(tx)
}

export async function listSubscriptionRequests(
  tx: Tx,
  subscriptionId: string,
  page: Page,
): Promise<SubscriptionRequestRecord[]> {
  const { rows } = await sql<SubscriptionRequestRecord>`
    select id, workspace_id as "workspaceId", subscription_id as "subscriptionId", kind, trigger, request, response, error, duration_ms as "durationMs"
      from app_event_subscription_requests
     where subscription_id = ${subscriptionId} and (${page.before}::uuid is null or id < ${page.before})
     order by id desc limit ${page.limit}`.execute(tx)
  return rows
}
