import type { Page } from '../api/paging.ts'
import { texts, uuids } from '../platform/array-parameters.ts'
import { type Database, inPortions, type Statement, sql, type Tx } from '../platform/database.ts'
import { conditionsOf, contains, type Looked, lookThrough } from '../platform/look-through.ts'

/** An internal event as it is stored. */
export interface AppEvent {
  id: string
  workspaceId: string
  customerId: string
  appEventTypeId: string
  subscriptionId: string | null
  /** JSON text, as it came in. */
  payload: string
}

/** Stores new events. */
export function appEventsInsert(events: readonly AppEvent[]): Statement {
  return {
    name: 'app-events-insert',
    text: INSERT,
    values: [
      uuids(events.map((e) => e.id)),
      uuids(events.map((e) => e.workspaceId)),
      uuids(events.map((e) => e.customerId)),
      uuids(events.map((e) => e.appEventTypeId)),
      uuids(events.map((e) => e.subscriptionId)),
      texts(events.map((e) => e.payload)),
    ],
  }
}

const INSERT = `
  insert into app_events (id, workspace_id, customer_id, app_event_type_id, subscription_id, payload)
  select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[])`

/** What a per-customer webhook URL stands for. */
export interface SubscriptionSource {
  webhookUuid: string
  subscriptionId: string
  workspaceId: string
  customerId: string
  appEventTypeId: string
  isArchived: boolean
  isCustomerArchived: boolean
  isTypeArchived: boolean
  validateEvents: boolean
  schema: Record<string, unknown> | boolean | null
  typeRevision: string
}

export async function subscriptionSources(
  database: Database,
  webhookUuids: readonly string[],
): Promise<Map<string, SubscriptionSource>> {
  const rows = await database.query<SubscriptionSource>({
    name: 'subscription-sources',
    text: SOURCES,
    values: [uuids(webhookUuids)],
  })
  return new Map(rows.map((row) => [row.webhookUuid, row]))
}

const SOURCES = `
  select webhook_uuid as "webhookUuid", subscription_id as "subscriptionId", workspace_id as "workspaceId", customer_id as "customerId",
         app_event_type_id as "appEventTypeId", is_archived as "isArchived", is_customer_archived as "isCustomerArchived",
         is_type_archived as "isTypeArchived", validate_events as "validateEvents",
         case when validate_events then schema end as schema, type_revision as "typeRevision"
    from subscription_sources where webhook_uuid = any($1::uuid[])`

// ── idempotency ──

export interface KeptAnswer {
  urlKey: string
  scope: string
  status: number
  answer: unknown
}

/** Longest time that a key makes a request answer as the first did. */
const KEEP_MS = 86_400_000

/**
 * Keeps the answers of requests that came with a key; gives those that are the first with theirs. Where the same key
 * is being kept by another transaction, waits for it. Sorted, so that two batches with the same keys cannot wait for
 * each other.
 */
export async function keepAnswers(tx: Tx, answers: readonly KeptAnswer[], now: Date): Promise<Set<string>> {
  const sorted = [...answers].sort((a, b) => (slotOf(a) < slotOf(b) ? -1 : 1))
  const { rows } = await sql<{ urlKey: string; scope: string }>`
    insert into ingress_answers as a (url_key, scope, status, answer, created_at)
    select url_key, scope, status, answer::json, ${now} from unnest(${sorted.map((each) => each.urlKey)}::uuid[], ${sorted.map((each) => each.scope)}::text[],
      ${sorted.map((each) => each.status)}::integer[], ${sorted.map((each) => JSON.stringify(each.answer))}::text[]) as k (url_key, scope, status, answer)
    on conflict (url_key, scope) do update set status = excluded.status, answer = excluded.answer, created_at = excluded.created_at
      where a.created_at < ${new Date(now.getTime() - KEEP_MS)}
    returning url_key as "urlKey", scope`.execute(tx)
  return new Set(rows.map(slotOf))
}

export async function keptAnswers(
  tx: Tx,
  slots: readonly { urlKey: string; scope: string }[],
): Promise<Map<string, KeptAnswer>> {
  const { rows } = await sql<KeptAnswer>`
    select a.url_key as "urlKey", a.scope, a.status, a.answer
      from unnest(${slots.map((each) => each.urlKey)}::uuid[], ${slots.map((each) => each.scope)}::text[]) as k (url_key, scope)
      join ingress_answers a on a.url_key = k.url_key and a.scope = k.scope`.execute(tx)
  return new Map(rows.map((row) => [slotOf(row), row]))
}

export function slotOf(slot: { urlKey: string; scope: string }): string {
  return `${slot.urlKey}|${slot.scope}`
}

/** Forgets answers that are too old to count. */
export async function forgetOldAnswers(tx: Tx, now: Date): Promise<void> {
  const before = new Date(now.getTime() - KEEP_MS)
  await inPortions((limit) =>
    sql`delete from ingress_answers where ctid in
      (select ctid from ingress_answers where created_at < ${before} limit ${limit})`.execute(tx),
  )
}

// ── reading ──

export interface EventFilter {
  workspaceId: string
  customerId: string | null
  id: string | null
  appEventTypeId: string | null
  subscriptionId: string | null
  /** Streams with this instance key. */
  subscriptionIds: readonly string[] | null
  search: string | null
  from: Date | null
  to: Date | null
}

const columns =
  sql.raw(`id, workspace_id as "workspaceId", customer_id as "customerId", app_event_type_id as "appEventTypeId",
  subscription_id as "subscriptionId", payload, payload_cut_at as "payloadCutAt"`)

/** An event as it is listed. */
export interface StoredAppEvent extends AppEvent {
  /** Since when its payload is gone; null while it is there. */
  payloadCutAt: Date | null
}

export function listAppEvents(tx: Tx, f: EventFilter, page: Page): Promise<Looked<StoredAppEvent>> {
  const conditions = conditionsOf({
    workspaceId: f.workspaceId,
    indexed: { id: f.id, subscription_id: f.subscriptionId, customer_id: f.customerId },
    others: { app_event_type_id: f.appEventTypeId },
    more: [
      f.subscriptionIds === null ? null : sql`r.subscription_id = any(${f.subscriptionIds}::uuid[])`,
      contains(sql.ref('r.payload'), f.search),
    ],
    span: f,
  })
  return lookThrough(tx, { log: 'app_events', columns, ...conditions, page, heavy: ['payload'] })
}

export async function appEventById(tx: Tx, workspaceId: string, id: string): Promise<StoredAppEvent | null> {
  const { rows } =
    await sql<StoredAppEvent>`select ${columns} from app_events where id = ${id} and workspace_id = ${workspaceId}`.execute(
      tx,
    )
  return rows[0] ?? null
}
