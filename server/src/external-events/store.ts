import type { DedupeKey, FunctionDefinition } from '@permea/contract'
import { CompiledQuery } from 'kysely'
import type { Page } from '../api/paging.ts'
import { byteas, integers, moments, smallints, texts, uuids } from '../platform/array-parameters.ts'
import { type Database, inPortions, type Statement, sql, type Tx } from '../platform/database.ts'
import {
  bytesContain,
  conditionsOf,
  contains,
  eitherOf,
  type Looked,
  lookThrough,
  oneContains,
} from '../platform/look-through.ts'
import { shardOf } from '../platform/ownership.ts'

// ── what an address stands for ──

/** What a URL that an external app posts to stands for, with the function that applies now. */
export interface ExternalSource {
  webhookUuid: string
  subscriptionId: string
  workspaceId: string
  customerId: string
  connectionId: string
  integrationId: string | null
  isArchived: boolean
  isWanted: boolean
  isLive: boolean
  parameters: Record<string, unknown>
  stateSealed: string | null
  stateVersion: number
  /** Of a connector's event; then `handle` is the connector's. */
  eventKey: string | null
  connectorId: string
  hasDestination: boolean
  isOrdered: boolean | null
  concurrency: number | null
  handle: FunctionDefinition | null
  handleTypeId: string | null
  /** What identifies an event of its type; a connector's says it itself. */
  dedupeKey: DedupeKey | null
}

const SOURCE_COLUMNS = `webhook_uuid as "webhookUuid", subscription_id as "subscriptionId", workspace_id as "workspaceId", customer_id as "customerId",
  connection_id as "connectionId", integration_id as "integrationId", is_archived as "isArchived", is_wanted as "isWanted", is_live as "isLive",
  parameters, state_sealed as "stateSealed", state_version as "stateVersion", event_key as "eventKey", connector_id as "connectorId",
  has_destination as "hasDestination", is_ordered as "isOrdered", concurrency, handle, handle_type_id as "handleTypeId", dedupe_key as "dedupeKey"`

export async function sourcesByUuids(
  database: Database,
  webhookUuids: readonly string[],
): Promise<Map<string, ExternalSource>> {
  const rows = await database.query<ExternalSource>({
    name: 'external-sources',
    text: `select ${SOURCE_COLUMNS} from external_event_sources where webhook_uuid = any($1::uuid[])`,
    values: [uuids(webhookUuids)],
  })
  return new Map(rows.map((row) => [row.webhookUuid, row]))
}

export async function sourceById(database: Database, subscriptionId: string): Promise<ExternalSource | null> {
  const rows = await database.query<ExternalSource>({
    name: 'external-source-by-id',
    text: `select ${SOURCE_COLUMNS} from external_event_sources where subscription_id = $1`,
    values: [subscriptionId],
  })
  return rows[0] ?? null
}

/** The living subscriptions that a global webhook's selector names. */
export async function sourcesBySelectors(
  database: Database,
  of: { integrationId: string; globalWebhookKey: string; selectors: readonly string[] },
): Promise<(ExternalSource & { selector: string })[]> {
  return database.query<ExternalSource & { selector: string }>({
    name: 'external-sources-by-selector',
    text: `select ${SOURCE_COLUMNS}, global_webhook_selector as selector from external_event_sources
            where integration_id = $1 and global_webhook_key = $2 and global_webhook_selector = any($3::text[])
              and not is_archived and is_wanted and is_live`,
    values: [of.integrationId, of.globalWebhookKey, texts(of.selectors)],
  })
}

// ── incoming webhooks ──

export interface IncomingWebhookRow {
  id: string
  workspaceId: string
  customerId: string | null
  integrationId: string | null
  connectionId: string | null
  subscriptionId: string | null
  globalWebhookId: string | null
  method: string
  query: string | null
  /** JSON texts. */
  headers: string
  secretsSealed: string | null
  body: Buffer
  status: 'success' | 'error'
  error: string | null
  responseStatus: number | null
  response: string | null
  durationMs: number | null
  functionCallId: string | null
  eventIds: string[]
  /** Events that were there already; null for none. */
  repeatedEventIds: string[] | null
  replayOf: string | null
  /** Since when what it said is gone; null while it is there. */
  payloadCutAt: Date | null
}

/** Stores requests with what came of them. */
export function incomingWebhooksInsert(rows: readonly IncomingWebhookRow[]): Statement {
  const of = <T>(pick: (row: IncomingWebhookRow) => T) => rows.map(pick)
  return {
    name: 'incoming-webhooks-insert',
    text: INSERT_WEBHOOKS,
    values: [
      uuids(of((r) => r.id)),
      uuids(of((r) => r.workspaceId)),
      uuids(of((r) => r.customerId)),
      uuids(of((r) => r.integrationId)),
      uuids(of((r) => r.connectionId)),
      uuids(of((r) => r.subscriptionId)),
      uuids(of((r) => r.globalWebhookId)),
      texts(of((r) => r.method)),
      texts(of((r) => r.query)),
      texts(of((r) => r.headers)),
      texts(of((r) => r.secretsSealed)),
      byteas(of((r) => r.body)),
      texts(of((r) => r.status)),
      texts(of((r) => r.error)),
      smallints(of((r) => r.responseStatus)),
      texts(of((r) => r.response)),
      integers(of((r) => (r.durationMs === null ? null : Math.round(r.durationMs * 10)))),
      uuids(of((r) => r.functionCallId)),
      texts(of((r) => `{${r.eventIds.join(',')}}`)),
      uuids(of((r) => r.replayOf)),
      texts(of((r) => (r.repeatedEventIds === null ? null : `{${r.repeatedEventIds.join(',')}}`))),
    ],
  }
}

const INSERT_WEBHOOKS = `
  insert into incoming_webhooks (id, workspace_id, customer_id, integration_id, connection_id, subscription_id, global_webhook_id, method, query,
    headers, secrets_sealed, body, status, error, response_status, response, duration_ms, function_call_id, event_ids, replay_of, repeated_event_ids)
  select id, workspace_id, customer_id, integration_id, connection_id, subscription_id, global_webhook_id, method, query, headers, secrets_sealed,
         body, status, error, response_status, response, duration_tenths / 10.0, function_call_id, event_ids::uuid[], replay_of,
         repeated_event_ids::uuid[]
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::text[], $10::text[],
      $11::text[], $12::bytea[], $13::text[], $14::text[], $15::smallint[], $16::text[], $17::integer[], $18::uuid[], $19::text[], $20::uuid[],
      $21::text[])
      as w (id, workspace_id, customer_id, integration_id, connection_id, subscription_id, global_webhook_id, method, query, headers, secrets_sealed,
            body, status, error, response_status, response, duration_tenths, function_call_id, event_ids, replay_of, repeated_event_ids)`

const WEBHOOK_COLUMNS =
  sql.raw(`id, workspace_id as "workspaceId", customer_id as "customerId", integration_id as "integrationId",
  connection_id as "connectionId", subscription_id as "subscriptionId", global_webhook_id as "globalWebhookId", method, query, headers,
  secrets_sealed as "secretsSealed", body, status, error, response_status as "responseStatus", response, duration_ms as "durationMs",
  function_call_id as "functionCallId", event_ids as "eventIds",
           repeated_event_ids as "repeatedEventIds", replay_of as "replayOf", payload_cut_at as "payloadCutAt"`)

export interface IncomingWebhookFilter {
  workspaceId: string
  customerId: string | null
  integrationId: string | null
  connectionId: string | null
  subscriptionId: string | null
  status: 'success' | 'error' | null
  search: string | null
  from: Date | null
  to: Date | null
}

const listedColumns =
  sql.raw(`id, workspace_id as "workspaceId", customer_id as "customerId", integration_id as "integrationId", connection_id as "connectionId",
  subscription_id as "subscriptionId", global_webhook_id as "globalWebhookId", method, null as query, '{}' as headers,
  null as "secretsSealed", ''::bytea as body, status, error, response_status as "responseStatus", null as response,
  duration_ms as "durationMs", function_call_id as "functionCallId", event_ids as "eventIds",
  repeated_event_ids as "repeatedEventIds", replay_of as "replayOf", payload_cut_at as "payloadCutAt"`)

/** Requests without their bodies, newest first. */
export function listIncomingWebhooks(
  tx: Tx,
  f: IncomingWebhookFilter,
  page: Page,
): Promise<Looked<IncomingWebhookRow>> {
  const conditions = conditionsOf({
    workspaceId: f.workspaceId,
    indexed: {
      subscription_id: f.subscriptionId,
      customer_id: f.customerId,
      // Errors have an index, and are few.
      status: f.status === 'error' ? f.status : null,
    },
    others: {
      connection_id: f.connectionId,
      integration_id: f.integrationId,
      status: f.status === 'error' ? null : f.status,
    },
    more: [
      eitherOf(bytesContain(sql.ref('r.body'), f.search), oneContains(['r.query', 'r.headers', 'r.error'], f.search)),
    ],
    span: f,
  })
  return lookThrough(tx, { log: 'incoming_webhooks', columns: listedColumns, ...conditions, page })
}

/** Whether a request is in the record, or on its way there. */
export async function hasWebhook(tx: Tx, id: string): Promise<boolean> {
  const { rows } = await sql<{ is: boolean }>`
    select exists (select 1 from incoming_webhooks where id = ${id})
        or exists (select 1 from incoming_webhooks_active where id = ${id}) as is`.execute(tx)
  return rows[0]?.is === true
}

export async function incomingWebhookById(tx: Tx, workspaceId: string, id: string): Promise<IncomingWebhookRow | null> {
  const { rows } = await sql<IncomingWebhookRow>`
    select ${WEBHOOK_COLUMNS} from incoming_webhooks where id = ${id} and workspace_id = ${workspaceId}`.execute(tx)
  return rows[0] ?? null
}

// ── those that are answered and not settled ──

export interface ActiveWebhook {
  id: string
  workspaceId: string
  /** The subscription or the global webhook. */
  laneId: string
  isGlobal: boolean
  requestSealed: string
}

/** The request that was repeated, however often: that of which others are replays. */
export async function firstOfReplays(
  tx: Tx,
  { id, replayOf }: Pick<IncomingWebhookRow, 'id' | 'replayOf'>,
): Promise<string> {
  if (replayOf === null) return id
  const { rows } = await sql<{ id: string }>`
    with recursive earlier (id, replay_of) as (
      select id, replay_of from incoming_webhooks where id = ${replayOf}
      union all
      select w.id, w.replay_of from earlier e join incoming_webhooks w on w.id = e.replay_of
    )
    select id from earlier order by id limit 1`.execute(tx)
  return rows[0]?.id ?? replayOf
}

export async function insertActiveWebhook(tx: Tx, w: ActiveWebhook, now: Date): Promise<void> {
  await sql`
    insert into incoming_webhooks_active (id, workspace_id, lane_id, shard, is_global, request_sealed, due_at)
    values (${w.id}, ${w.workspaceId}, ${w.laneId}, ${shardOf(w.laneId)}, ${w.isGlobal}, ${w.requestSealed}, ${now})`.execute(
    tx,
  )
}

/** Gone when its outcome is stored, in the same transaction. */
export async function dropActiveWebhook(tx: Tx, id: string): Promise<void> {
  await sql`delete from incoming_webhooks_active where id = ${id}`.execute(tx)
}

/** Rows of these shards, as `LaneSource.countOf` describes. */
export async function countActiveWebhooks(tx: Tx, shards: readonly number[], most: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from (select from incoming_webhooks_active where shard = any(${shards}::smallint[]) limit ${most}) a`.execute(
    tx,
  )
  return rows[0]?.count ?? 0
}

export async function lanesWithWebhooks(tx: Tx, shards: readonly number[]): Promise<{ laneId: string; dueAt: Date }[]> {
  const { rows } = await sql<{ laneId: string; dueAt: Date }>`
    select lane_id as "laneId", min(due_at) as "dueAt" from incoming_webhooks_active
     where shard = any(${shards}::smallint[]) group by lane_id`.execute(tx)
  return rows
}

export async function fetchActiveWebhooks(
  tx: Tx,
  laneIds: readonly string[],
  limit: number,
  except: readonly string[],
  now: Date,
): Promise<(ActiveWebhook & { dueAt: Date })[]> {
  const { rows } = await sql<ActiveWebhook & { dueAt: Date }>`
    select r.id, r.workspace_id as "workspaceId", r.lane_id as "laneId", r.is_global as "isGlobal", r.request_sealed as "requestSealed",
           r.due_at as "dueAt"
      from unnest(${laneIds}::uuid[], ${laneIds.map(shardOf)}::smallint[]) as l (lane_id, shard)
      cross join lateral (
        select * from incoming_webhooks_active a
         where a.shard = l.shard and a.lane_id = l.lane_id and a.due_at <= ${now} and a.id <> all(${except}::uuid[])
         order by a.due_at, a.position limit ${limit}) r
     order by r.lane_id, r.due_at, r.position`.execute(tx)
  return rows
}

// ── events ──

export interface ExternalEventRow {
  id: string
  workspaceId: string
  customerId: string
  connectionId: string
  integrationId: string | null
  subscriptionId: string
  incomingWebhookId: string | null
  /** JSON text. */
  payload: string
  deliveryId: string | null
  /** Since when its payload is gone; null while it is there. */
  payloadCutAt: Date | null
}

export function externalEventsInsert(rows: readonly ExternalEventRow[]): Statement {
  const of = <T>(pick: (row: ExternalEventRow) => T) => rows.map(pick)
  return {
    name: 'external-events-insert',
    text: INSERT_EVENTS,
    values: [
      uuids(of((r) => r.id)),
      uuids(of((r) => r.workspaceId)),
      uuids(of((r) => r.customerId)),
      uuids(of((r) => r.connectionId)),
      uuids(of((r) => r.integrationId)),
      uuids(of((r) => r.subscriptionId)),
      uuids(of((r) => r.incomingWebhookId)),
      texts(of((r) => r.payload)),
      uuids(of((r) => r.deliveryId)),
    ],
  }
}

const INSERT_EVENTS = `
  insert into external_events (id, workspace_id, customer_id, connection_id, integration_id, subscription_id, incoming_webhook_id, payload, delivery_id)
  select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::uuid[])`

const EVENT_COLUMNS =
  sql.raw(`id, workspace_id as "workspaceId", customer_id as "customerId", connection_id as "connectionId",
  integration_id as "integrationId", subscription_id as "subscriptionId", incoming_webhook_id as "incomingWebhookId", payload,
  delivery_id as "deliveryId", payload_cut_at as "payloadCutAt"`)

export interface ExternalEventFilter {
  workspaceId: string
  customerId: string | null
  integrationId: string | null
  connectionId: string | null
  subscriptionId: string | null
  /** Null: of any. */
  subscriptionIds: readonly string[] | null
  incomingWebhookId: string | null
  search: string | null
  from: Date | null
  to: Date | null
}

export function listExternalEvents(tx: Tx, f: ExternalEventFilter, page: Page): Promise<Looked<ExternalEventRow>> {
  const { incomingWebhookId } = f
  const conditions = conditionsOf({
    workspaceId: f.workspaceId,
    indexed: { subscription_id: f.subscriptionId, customer_id: f.customerId },
    others: { connection_id: f.connectionId, integration_id: f.integrationId },
    more: [
      contains(sql.ref('r.payload'), f.search),
      f.subscriptionIds === null ? null : sql`r.subscription_id = any(${f.subscriptionIds}::uuid[])`,
    ],
    span: f,
  })
  if (incomingWebhookId === null)
    return lookThrough(tx, { log: 'external_events', columns: EVENT_COLUMNS, ...conditions, page, heavy: ['payload'] })
  // The request knows its events.
  const ofWebhook = sql`r.id = any(array(select unnest(event_ids) from incoming_webhooks where id = ${incomingWebhookId}))`
  const known = sql`${ofWebhook} and ${conditions.known}`
  return lookThrough(tx, {
    log: 'external_events',
    columns: EVENT_COLUMNS,
    known,
    rare: conditions.rare,
    page,
    heavy: ['payload'],
  })
}

export async function externalEventById(tx: Tx, workspaceId: string, id: string): Promise<ExternalEventRow | null> {
  const { rows } = await sql<ExternalEventRow>`
    select ${EVENT_COLUMNS} from external_events where id = ${id} and workspace_id = ${workspaceId}`.execute(tx)
  return rows[0] ?? null
}

/** The event was sent again: this is the delivery that counts now. */
export async function setEventDelivery(tx: Tx, id: string, deliveryId: string): Promise<void> {
  await sql`update external_events set delivery_id = ${deliveryId} where id = ${id}`.execute(tx)
}

// ── what identifies events ──

/** An event that is to be known again. */
export interface EventKey {
  subscriptionId: string
  key: Buffer
  eventId: string
  expiresAt: Date
}

/**
 * Says of each key, in order, which event has it: its own where the key was free or has run out, else the one that
 * came before. Whoever claims the same key at the same moment waits until this transaction has ended. Each key once.
 */
export async function claimEventKeys(tx: Tx, keys: readonly EventKey[], now: Date): Promise<string[]> {
  const values = [
    uuids(keys.map((each) => each.subscriptionId)),
    byteas(keys.map((each) => each.key)),
    uuids(keys.map((each) => each.eventId)),
    moments(keys.map((each) => each.expiresAt)),
    now,
  ]
  const { rows } = await tx.executeQuery<{ place: number; eventId: string }>(CompiledQuery.raw(CLAIM_KEYS, values))
  const byPlace = new Map(rows.map((row) => [row.place, row.eventId]))
  return keys.map((each, index) => byPlace.get(index + 1) ?? each.eventId)
}

// In the order of the keys, so that two of these at the same moment never wait for each other.
const CLAIM_KEYS = `
  with wanted as (
    select * from unnest($1::uuid[], $2::bytea[], $3::uuid[], $4::timestamptz[]) with ordinality as w (subscription_id, key, event_id, expires_at, place)
  ), claimed as (
    insert into external_event_keys as k (subscription_id, key, event_id, expires_at)
    select subscription_id, key, event_id, expires_at from wanted order by subscription_id, key
    on conflict (subscription_id, key) do update
       set event_id = case when k.expires_at <= $5 then excluded.event_id else k.event_id end,
           expires_at = case when k.expires_at <= $5 then excluded.expires_at else k.expires_at end
    returning subscription_id, key, event_id
  )
  select w.place::int as place, c.event_id as "eventId" from claimed c join wanted w using (subscription_id, key)`

/** Forgets what identified events that are too old to be known again. */
export async function forgetEventKeys(tx: Tx, now: Date): Promise<void> {
  await inPortions((limit) =>
    sql`delete from external_event_keys where ctid in
      (select ctid from external_event_keys where expires_at < ${now} limit ${limit})`.execute(tx),
  )
}
