import type { ErrorData } from '@permea/contract'
import type { Page } from '../api/paging.ts'
import { asStoredJson, oldJson } from '../exchanges/stored-json.ts'
import { asJson, type Database, sql, type Tx } from '../platform/database.ts'
import type { NamedLaneOwner } from '../platform/lane-standing.ts'
import { hasText } from '../platform/look-through.ts'
import { shardOf } from '../platform/ownership.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { ExternalSubscription, ExternalSubscriptionStatus } from './subscription.ts'

const columns =
  sql.raw(`s.id, s.workspace_id as "workspaceId", s.customer_id as "customerId", s.connection_id as "connectionId",
  s.integration_id as "integrationId", s.external_event_type_id as "externalEventTypeId", s.event_key as "eventKey", s.parameters,
  s.parameters_hash as "parametersHash", s.name, s.webhook_uuid as "webhookUuid", s.webhook_uri as "webhookUri", s.is_wanted as "isWanted",
  s.is_manual as "isManual", s.is_live as "isLive", s.status, s.error, s.is_registered as "isRegistered", s.wants_resubscribe as "wantsResubscribe",
  s.wants_refresh as "wantsRefresh", s.state_sealed as "stateSealed", s.state_version as "stateVersion", s.subscribed_by as "subscribedBy",
  s.attempts, s.next_attempt_at as "nextAttemptAt", s.next_refresh_at as "nextRefreshAt", s.refresh_due_at as "refreshDueAt",
  s.refresh_attempts as "refreshAttempts", s.global_webhook_key as "globalWebhookKey", s.global_webhook_selector as "globalWebhookSelector",
  s.pull_strategy as "pullStrategy", s.pull_interval_seconds as "pullIntervalSeconds", s.pull_due_at as "pullDueAt",
  s.revision, s.created_at as "createdAt", s.updated_at as "updatedAt", s.archived_at as "archivedAt"`)

export async function insertExternalSubscription(tx: Tx, sealing: Sealing, s: ExternalSubscription): Promise<boolean> {
  const { rows } = await sql<{ id: string }>`
    insert into external_event_subscriptions (id, workspace_id, customer_id, connection_id, integration_id, external_event_type_id, event_key,
      parameters, parameters_hash, name, webhook_uuid, webhook_uri, is_wanted, is_manual, is_live, status, pull_strategy, pull_interval_seconds, is_sealed, revision, created_at,
      updated_at)
    values (${s.id}, ${s.workspaceId}, ${s.customerId}, ${s.connectionId}, ${s.integrationId}, ${s.externalEventTypeId}, ${s.eventKey},
      ${asStoredJson(sealing, s.parameters)}, ${s.parametersHash}, ${s.name}, ${s.webhookUuid}, ${s.webhookUri}, ${s.isWanted}, ${s.isManual}, ${s.isLive},
      ${s.status}, ${s.pullStrategy}, ${s.pullIntervalSeconds}, true, ${s.revision}, ${s.createdAt}, ${s.updatedAt})
    on conflict do nothing returning id`.execute(tx)
  return rows.length === 1
}

/** A subscription as it is to be; the state only where one is given. */
export interface ExternalSubscriptionChange {
  subscription: ExternalSubscription
  state?: { sealed: string | null } | undefined
}

/**
 * Writes everything that changes; where a state is given, what was computed from an older one is refused from now on.
 * One statement: of a row that was written in this transaction already, another one would have the foreign keys
 * checked, and wait for whoever is changing the connection.
 */
export async function updateExternalSubscriptions(
  tx: Tx,
  sealing: Sealing,
  changes: readonly ExternalSubscriptionChange[],
): Promise<void> {
  if (changes.length === 0) return
  const rows = changes.map(({ subscription, state }) => ({
    ...subscription,
    // As a text: taken out of JSON it would lose the space that it begins with where it is sealed.
    parameters: asStoredJson(sealing, subscription.parameters),
    // The one that is there is kept where none is given.
    stateSealed: state?.sealed ?? null,
    hasState: state !== undefined,
  }))
  await sql`
    update external_event_subscriptions s set parameters = c."parameters"::json, is_sealed = true, parameters_hash = c."parametersHash", name = c."name",
      webhook_uri = c."webhookUri", is_wanted = c."isWanted", is_manual = c."isManual", is_live = c."isLive", status = c."status",
      error = c."error", is_registered = c."isRegistered", wants_resubscribe = c."wantsResubscribe", wants_refresh = c."wantsRefresh",
      subscribed_by = c."subscribedBy", attempts = c."attempts", next_attempt_at = c."nextAttemptAt", next_refresh_at = c."nextRefreshAt",
      refresh_due_at = c."refreshDueAt", refresh_attempts = c."refreshAttempts", global_webhook_key = c."globalWebhookKey",
      global_webhook_selector = c."globalWebhookSelector", revision = c."revision", updated_at = c."updatedAt", archived_at = c."archivedAt",
      pull_strategy = c."pullStrategy", pull_interval_seconds = c."pullIntervalSeconds", pull_due_at = c."pullDueAt",
      state_sealed = case when c."hasState" then c."stateSealed" else s.state_sealed end,
      state_version = s.state_version + c."hasState"::int
      from json_to_recordset(${asJson(rows)}) as c ("id" uuid, "parameters" text, "parametersHash" text, "name" text, "webhookUri" text,
        "isWanted" boolean, "isManual" boolean, "isLive" boolean, "status" text, "error" jsonb, "isRegistered" boolean,
        "wantsResubscribe" boolean, "wantsRefresh" boolean, "subscribedBy" text, "attempts" int, "nextAttemptAt" timestamptz,
        "nextRefreshAt" timestamptz, "refreshDueAt" timestamptz, "refreshAttempts" int, "globalWebhookKey" text,
        "globalWebhookSelector" text, "revision" uuid, "updatedAt" timestamptz, "archivedAt" timestamptz, "pullStrategy" text,
        "pullIntervalSeconds" int, "pullDueAt" timestamptz, "hasState" boolean, "stateSealed" text)
     where s.id = c."id"`.execute(tx)
}

/** Parameters that were stored before secrets in them were sealed. */
export const unsealedSubscriptions = oldJson('external_event_subscriptions', ['parameters'])

/** The registration that there is will not do any more. */
export async function markForResubscribe(tx: Tx, id: string): Promise<void> {
  await sql`update external_event_subscriptions set wants_resubscribe = true where id = ${id}`.execute(tx)
}

/** Puts a state in the place of the one it was computed from; false where that is not the state any more. */
export async function replaceState(tx: Tx, id: string, fromVersion: number, stateSealed: string): Promise<boolean> {
  const { rows } = await sql<{ id: string }>`
    update external_event_subscriptions set state_sealed = ${stateSealed}, state_version = state_version + 1
     where id = ${id} and state_version = ${fromVersion} returning id`.execute(tx)
  return rows.length === 1
}

/** Subscriptions that scan the same place for other things. */
export async function scanningBeside(
  tx: Tx,
  { id, connectionId, parametersHash }: ExternalSubscription,
  eventKeys: readonly string[],
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from external_event_subscriptions
     where connection_id = ${connectionId} and event_key = any(${eventKeys}::text[]) and parameters_hash = ${parametersHash}
       and pull_strategy = 'full-scan' and archived_at is null and id <> ${id}`.execute(tx)
  return rows.map((row) => row.id)
}

export async function externalSubscriptionById(tx: Tx, id: string): Promise<ExternalSubscription | null> {
  const { rows } =
    await sql<ExternalSubscription>`select ${columns} from external_event_subscriptions s where s.id = ${id}`.execute(
      tx,
    )
  return rows[0] ?? null
}

export async function externalSubscriptionsByIds(
  tx: Tx,
  ids: readonly string[],
): Promise<Map<string, ExternalSubscription>> {
  if (ids.length === 0) return new Map()
  const { rows } = await sql<ExternalSubscription>`
    select ${columns} from external_event_subscriptions s where s.id = any(${[...new Set(ids)]}::uuid[])`.execute(tx)
  return new Map(rows.map((row) => [row.id, row]))
}

/** The same, locked until the transaction ends, in an order that everybody keeps. */
export async function lockExternalSubscriptions(tx: Tx, ids: readonly string[]): Promise<ExternalSubscription[]> {
  const { rows } = await sql<ExternalSubscription>`
    select ${columns} from external_event_subscriptions s where s.id = any(${[...new Set(ids)]}::uuid[]) order by s.id for update`.execute(
    tx,
  )
  return rows
}

/** The one that flows share, locked; null where none was made yet. */
export async function lockSharedSubscription(
  tx: Tx,
  of: { connectionId: string; eventKey: string; parametersHash: string },
): Promise<ExternalSubscription | null> {
  const { rows } = await sql<ExternalSubscription>`
    select ${columns} from external_event_subscriptions s
     where s.connection_id = ${of.connectionId} and s.event_key = ${of.eventKey} and s.parameters_hash = ${of.parametersHash}
       and not s.is_manual and s.archived_at is null for update`.execute(tx)
  return rows[0] ?? null
}

/** Which of them follow a connection, a customer or a chain of types: ids, a page at a time. */
export async function idsOfConnection(tx: Tx, connectionId: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from external_event_subscriptions where connection_id = ${connectionId} order by id`.execute(tx)
  return rows.map((row) => row.id)
}

export async function idsOfCustomer(tx: Tx, customerId: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from external_event_subscriptions where customer_id = ${customerId} and archived_at is null order by id`.execute(
    tx,
  )
  return rows.map((row) => row.id)
}

export async function idsOfTypes(
  tx: Tx,
  typeIds: readonly string[],
  after: string | null,
  limit: number,
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from external_event_subscriptions
     where external_event_type_id = any(${typeIds}::uuid[]) and archived_at is null and (${after}::uuid is null or id > ${after})
     order by id limit ${limit}`.execute(tx)
  return rows.map((row) => row.id)
}

/** Archived ones too: their events are still in the log. */
export async function idsEverOfType(tx: Tx, typeId: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from external_event_subscriptions where external_event_type_id = ${typeId}`.execute(tx)
  return rows.map((row) => row.id)
}

export interface ExternalSubscriptionFilter {
  workspaceId: string
  customerId: string | null
  connectionId: string | null
  integrationId: string | null
  typeId: string | null
  status: ExternalSubscriptionStatus | null
  search: string | null
  includeArchived: boolean
}

export async function listExternalSubscriptions(
  tx: Tx,
  f: ExternalSubscriptionFilter,
  page: Page,
): Promise<ExternalSubscription[]> {
  const { rows } = await sql<ExternalSubscription>`
    select ${columns} from external_event_subscriptions s
     where s.workspace_id = ${f.workspaceId} and (${page.before}::uuid is null or s.id < ${page.before})
       and (${f.customerId}::uuid is null or s.customer_id = ${f.customerId})
       and (${f.connectionId}::uuid is null or s.connection_id = ${f.connectionId})
       and (${f.integrationId}::uuid is null or s.integration_id = ${f.integrationId})
       and (${f.typeId}::uuid is null or s.external_event_type_id = ${f.typeId})
       and (${f.status}::text is null or s.status = ${f.status})
       and ${hasText(['s.name'], f.search)}
       and (${f.includeArchived} or s.archived_at is null)
     order by s.id desc limit ${page.limit}`.execute(tx)
  return rows
}

// ── steps ──

/** Something is to be done about these, not before `dueAt`. What was recorded of a call under way stays. */
export async function wantSteps(
  tx: Tx,
  subscriptions: readonly { id: string; connectionId: string }[],
  dueAt: Date,
): Promise<void> {
  await sql`
    insert into external_subscription_steps as t (id, connection_id, shard, due_at)
    select id, connection_id, shard, ${dueAt}::timestamptz from unnest(${subscriptions.map((each) => each.id)}::uuid[],
      ${subscriptions.map((each) => each.connectionId)}::uuid[], ${subscriptions.map((each) => shardOf(each.connectionId))}::smallint[]) as w (id, connection_id, shard)
    on conflict (id) do update set due_at = excluded.due_at`.execute(tx)
}

export async function dropSteps(tx: Tx, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await sql`delete from external_subscription_steps where id = any(${ids}::uuid[])`.execute(tx)
}

/** The steps are over, and what their calls were answered is of no use any more; others are due. */
export async function renewSteps(tx: Tx, ids: readonly string[], dueAt: Date): Promise<void> {
  if (ids.length === 0) return
  await sql`
    update external_subscription_steps set due_at = ${dueAt}, journal_sealed = null where id = any(${ids}::uuid[])`.execute(
    tx,
  )
}

export async function postponeSteps(tx: Tx, steps: readonly { id: string; until: Date }[]): Promise<void> {
  if (steps.length === 0) return
  await sql`
    update external_subscription_steps t set due_at = w.until
      from unnest(${steps.map((step) => step.id)}::uuid[], ${steps.map((step) => step.until)}::timestamptz[]) as w (id, until)
     where t.id = w.id`.execute(tx)
}

export async function journalOf(tx: Tx, id: string): Promise<string | null> {
  const { rows } = await sql<{ journal: string | null }>`
    select journal_sealed as journal from external_subscription_steps where id = ${id}`.execute(tx)
  return rows[0]?.journal ?? null
}

export async function saveJournal(tx: Tx, id: string, journalSealed: string | null): Promise<void> {
  await sql`update external_subscription_steps set journal_sealed = ${journalSealed} where id = ${id}`.execute(tx)
}

/** Rows of these shards, as `LaneSource.countOf` describes. */
export async function countSteps(tx: Tx, shards: readonly number[], most: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from (select from external_subscription_steps where shard = any(${shards}::smallint[]) limit ${most}) a`.execute(
    tx,
  )
  return rows[0]?.count ?? 0
}

/** Every lane of these shards that has steps: walks from lane to lane in the index. */
export async function lanesWithSteps(tx: Tx, shards: readonly number[]): Promise<{ laneId: string; dueAt: Date }[]> {
  const { rows } = await sql<{ laneId: string; dueAt: Date }>`
    select connection_id as "laneId", due_at as "dueAt" from unnest(${shards}::smallint[]) as s (shard) cross join lateral (
      with recursive lane as (
        (select connection_id, due_at from external_subscription_steps a
          where a.shard = s.shard order by connection_id, due_at limit 1)
        union all
        select n.* from lane l cross join lateral
          (select a.connection_id, a.due_at from external_subscription_steps a
            where a.shard = s.shard and a.connection_id > l.connection_id order by a.connection_id, a.due_at limit 1) n
      )
      select * from lane) l`.execute(tx)
  return rows
}

/** Steps of lanes, as `LaneSource.fetch` describes. */
export async function fetchSteps(
  tx: Tx,
  laneIds: readonly string[],
  limit: number,
  except: readonly string[],
  now: Date,
): Promise<{ id: string; connectionId: string; dueAt: Date }[]> {
  const { rows } = await sql<{ id: string; connectionId: string; dueAt: Date }>`
    select r.id, r.connection_id as "connectionId", r.due_at as "dueAt"
      from unnest(${laneIds}::uuid[], ${laneIds.map(shardOf)}::smallint[]) as l (lane_id, shard)
      cross join lateral (
        (select * from external_subscription_steps a
          where a.shard = l.shard and a.connection_id = l.lane_id and a.due_at <= ${now} and a.id <> all(${except}::uuid[])
          order by a.due_at, a.position limit ${limit})
        union all
        (select * from external_subscription_steps a
          where a.shard = l.shard and a.connection_id = l.lane_id and a.due_at > ${now} order by a.due_at, a.position limit 1)
      ) r
     order by r.connection_id, r.due_at, r.position`.execute(tx)
  return rows
}

/** Makes steps of refreshes that are due, at most `limit`; gives the shards that have work now. */
export async function takeDueRefreshes(
  database: Database,
  now: Date,
  limit: number,
): Promise<{ count: number; shards: number[] }> {
  return database.transaction(async (tx) => {
    const { rows } = await sql<{ id: string; connectionId: string }>`
      update external_event_subscriptions s set wants_refresh = true, refresh_due_at = null
        from (select id from external_event_subscriptions
               where refresh_due_at <= ${now} and archived_at is null order by refresh_due_at limit ${limit} for update skip locked) due
       where s.id = due.id returning s.id, s.connection_id as "connectionId"`.execute(tx)
    if (rows.length > 0) await wantSteps(tx, rows, now)
    return { count: rows.length, shards: [...new Set(rows.map((row) => shardOf(row.connectionId)))] }
  })
}

/** Whether the app still has registrations of a connection's subscriptions that are to be taken back. */
export async function hasRegistrations(tx: Tx, connectionId: string): Promise<boolean> {
  const { rows } = await sql<{ has: boolean }>`
    select exists (select 1 from external_event_subscriptions s join external_subscription_steps t on t.id = s.id
                    where s.connection_id = ${connectionId} and s.is_registered) as has`.execute(tx)
  return rows[0]?.has === true
}

// ── looking ──

/**
 * Takes subscriptions that are to be looked at, at most `limit`; each is due again after its interval, those that were due
 * together at moments a little apart. A moment that is further away than two intervals is of a clock that was set back.
 */
export async function takeDuePulls(
  tx: Tx,
  now: Date,
  { limit, jitter }: { limit: number; jitter: number },
): Promise<{ id: string; connectionId: string }[]> {
  const { rows } = await sql<{ id: string; connectionId: string }>`
    update external_event_subscriptions s
       set pull_due_at = ${now}::timestamptz + make_interval(secs => s.pull_interval_seconds * (0.9 + 0.2 * ((${jitter}::float8 + due.number * 0.618034)::numeric % 1)::float8))
      from (select id, row_number() over (order by pull_due_at) as number from (
              select id, pull_due_at from external_event_subscriptions
               where pull_due_at is not null and archived_at is null
                 and (pull_due_at <= ${now} or pull_due_at > ${now}::timestamptz + make_interval(secs => pull_interval_seconds * 2))
               order by pull_due_at limit ${limit} for update skip locked) d) due
     where s.id = due.id returning s.id, s.connection_id as "connectionId"`.execute(tx)
  return rows
}

/** What came of a look: its error, or none. */
export async function noteLook(tx: Tx, id: string, error: ErrorData | null): Promise<void> {
  await sql`
    update external_event_subscriptions set error = ${error === null ? null : asJson(error)}, updated_at = updated_at
     where id = ${id} and error is distinct from ${error === null ? null : asJson(error)}::jsonb`.execute(tx)
}

/** Whose lanes these are that subscriptions have. */
export async function ownersOfSubscriptionLanes(tx: Tx, ids: readonly string[]): Promise<NamedLaneOwner[]> {
  const { rows } = await sql<NamedLaneOwner>`
    select id, workspace_id as "workspaceId", customer_id as "customerId", name
      from external_event_subscriptions where id = any(${[...ids]}::uuid[])`.execute(tx)
  return rows
}
