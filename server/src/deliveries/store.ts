import { type DeliveryState, parseExactJson } from '@permea/contract'
import type pg from 'pg'
import type { Page } from '../api/paging.ts'
import { booleans, integers, moments, smallints, texts, uuids } from '../platform/array-parameters.ts'
import { type Database, only, type Statement, sql, type Tx } from '../platform/database.ts'
import { timeOfId } from '../platform/ids.ts'
import { conditionsOf, type Looked, lookThrough, newestOf, oneContains } from '../platform/look-through.ts'
import { shardOf } from '../platform/ownership.ts'
import {
  type Attempt,
  type DeliveryItem,
  type DeliveryRow,
  type Destination,
  deliveryItem,
  EXTERNAL_EVENT,
  type NewDelivery,
} from './delivery.ts'
import { firstAttemptOf, firstAttemptText } from './first-attempt.ts'

const ALWAYS_DUE = new Date(0)

// ── destinations ──

const DESTINATION_COLUMNS = `id, workspace_id as "workspaceId", customer_id as "customerId", kind, url, secret_sealed as "secretSealed",
  previous_secret_sealed as "previousSecretSealed", previous_secret_until as "previousSecretUntil", headers_sealed as "headersSealed",
  concurrency, throttle_per_second as "throttlePerSecond", is_ordered as "isOrdered", schedule_ms as "scheduleMs", state,
  paused_reason as "pausedReason", paused_at as "pausedAt", failing_since as "failingSince", last_success_at as "lastSuccessAt",
  last_failure_at as "lastFailureAt", warned_percent as "warnedPercent", created_at as "createdAt", updated_at as "updatedAt"`
const destinationColumns = sql.raw(DESTINATION_COLUMNS)

export async function insertDestination(tx: Tx, d: Destination): Promise<void> {
  await sql`
    insert into delivery_destinations (id, workspace_id, customer_id, kind, url, secret_sealed, headers_sealed, concurrency, throttle_per_second, is_ordered,
      schedule_ms, state, created_at, updated_at)
    values (${d.id}, ${d.workspaceId}, ${d.customerId}, ${d.kind}, ${d.url}, ${d.secretSealed}, ${d.headersSealed}, ${d.concurrency}, ${d.throttlePerSecond},
      ${d.isOrdered}, ${d.scheduleMs}, ${d.state}, ${d.createdAt}, ${d.updatedAt})`.execute(tx)
}

/** Writes what its owner may change; health has statements of its own. */
export async function updateDestination(tx: Tx, d: Destination): Promise<void> {
  await sql`
    update delivery_destinations set url = ${d.url}, secret_sealed = ${d.secretSealed}, previous_secret_sealed = ${d.previousSecretSealed},
      previous_secret_until = ${d.previousSecretUntil}, headers_sealed = ${d.headersSealed}, concurrency = ${d.concurrency},
      throttle_per_second = ${d.throttlePerSecond}, is_ordered = ${d.isOrdered}, schedule_ms = ${d.scheduleMs}, state = ${d.state},
      paused_reason = ${d.pausedReason}, paused_at = ${d.pausedAt}, failing_since = ${d.failingSince}, warned_percent = ${d.warnedPercent},
      updated_at = ${d.updatedAt}
     where id = ${d.id}`.execute(tx)
}

export async function destinationById(tx: Tx, id: string): Promise<Destination | null> {
  const { rows } =
    await sql<Destination>`select ${destinationColumns} from delivery_destinations where id = ${id}`.execute(tx)
  return rows[0] ?? null
}

/** Locks a destination for a change that messages to it may go on beside. */
export async function lockDestination(tx: Tx, id: string): Promise<Destination> {
  const { rows } = await sql<Destination>`
    select ${destinationColumns} from delivery_destinations where id = ${id} for no key update`.execute(tx)
  return only(rows)
}

/** Locks a destination for its end: waits for messages that are being written, and new ones wait. */
export async function lockDestinationWhole(tx: Tx, id: string): Promise<Destination> {
  const { rows } = await sql<Destination>`
    select ${destinationColumns} from delivery_destinations where id = ${id} for update`.execute(tx)
  return only(rows)
}

/** Those of the destinations that are not archived, and will not be until the transaction ends. */
export async function livingDestinations(tx: Tx, ids: readonly string[]): Promise<Map<string, Destination>> {
  if (ids.length === 0) return new Map()
  const { rows } = await sql<Destination>`
    select ${destinationColumns} from delivery_destinations
     where id = any(${[...new Set(ids)]}::uuid[]) and state <> 'archived' order by id for key share`.execute(tx)
  return new Map(rows.map((row) => [row.id, row]))
}

/** Destinations as they are now: asked for many times a second while messages go out. */
export async function destinationsByIds(database: Database, ids: readonly string[]): Promise<Map<string, Destination>> {
  if (ids.length === 0) return new Map()
  const values = [uuids([...new Set(ids)])]
  const rows = await database.query<Destination>({ name: 'destinations-by-ids', text: BY_IDS, values })
  return new Map(rows.map((row) => [row.id, row]))
}

const BY_IDS = `select ${DESTINATION_COLUMNS} from delivery_destinations where id = any($1::uuid[])`

/** A success ends a row of failures. Says whether there was one. */
export async function noteSuccess(tx: Tx, id: string, now: Date): Promise<{ hadFailed: boolean }> {
  const { rows } = await sql<{ hadFailed: boolean }>`
    update delivery_destinations d set last_success_at = ${now}, failing_since = null, warned_percent = 0
      from (select id, failing_since from delivery_destinations where id = ${id} for update) o
     where d.id = o.id returning o.failing_since is not null as "hadFailed"`.execute(tx)
  return { hadFailed: rows[0]?.hadFailed ?? false }
}

/** A failure: the first one after a success begins a row of them. */
export async function noteFailure(tx: Tx, id: string, now: Date): Promise<Destination> {
  const { rows } = await sql<Destination>`
    update delivery_destinations set last_failure_at = ${now}, failing_since = coalesce(failing_since, ${now})
     where id = ${id} returning ${destinationColumns}`.execute(tx)
  return only(rows)
}

/** Notes that the owner was warned at this level; false where that had been done. */
export async function noteWarned(tx: Tx, id: string, percent: number): Promise<boolean> {
  const { rows } = await sql<{ id: string }>`
    update delivery_destinations set warned_percent = ${percent} where id = ${id} and warned_percent < ${percent} returning id`.execute(
    tx,
  )
  return rows.length === 1
}

/** Working destinations without one success since before `edge`, and the last error of what was tried. */
export async function failingDestinations(tx: Tx, edge: Date): Promise<(Destination & { lastError: string | null })[]> {
  const { rows } = await sql<Destination & { lastError: string | null }>`
    select ${destinationColumns}, (select a.last_error from deliveries_active a where a.destination_id = d.id and a.last_error is not null
      limit 1) as "lastError"
      from delivery_destinations d where failing_since <= ${edge} and state = 'active' order by id limit 1000`.execute(
    tx,
  )
  return rows
}

// ── deliveries on their way ──

/** Stores new messages. */
export function deliveriesInsert(deliveries: readonly { id: string; delivery: NewDelivery }[], now: Date): Statement {
  const of = <T>(pick: (delivery: NewDelivery) => T) => deliveries.map((each) => pick(each.delivery))
  return {
    name: 'deliveries-insert',
    text: INSERT,
    values: [
      uuids(deliveries.map((each) => each.id)),
      uuids(of((d) => d.workspaceId)),
      uuids(of((d) => d.destinationId)),
      uuids(of((d) => d.messageId)),
      texts(of((d) => d.eventType)),
      uuids(of((d) => d.customerId)),
      texts(of((d) => d.sourceId)),
      texts(deliveries.map(keptBody)),
      smallints(of((d) => shardOf(d.destinationId))),
      booleans(of((d) => d.isOrdered)),
      integers(of((d) => d.concurrency)),
      moments(of((d) => (d.isOrdered ? ALWAYS_DUE : now))),
      texts(of((d) => d.trace ?? null)),
    ],
  }
}

/**
 * Null where the payload of the event that it carries stands for it: of one that goes when the delivery does, since both
 * are of one day.
 */
function keptBody({ id, delivery }: { id: string; delivery: NewDelivery }): string | null {
  const { eventType, messageId, body } = delivery
  return eventType === EXTERNAL_EVENT && dayOfId(id) === dayOfId(messageId) ? null : body
}

function dayOfId(id: string): number {
  return Math.floor(timeOfId(id).getTime() / 86_400_000)
}

const BODY = `coalesce(r.body, (select m.body from message_bodies m where m.id = r.message_id))`
const SEARCHED = [BODY, 'r.event_type', 'r.source_id', 'r.last_error']

const INSERT = `
  insert into deliveries_active (id, workspace_id, destination_id, message_id, event_type, customer_id, source_id, body, shard, is_ordered, group_cap, due_at, trace)
  select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::text[], $8::text[], $9::smallint[], $10::boolean[],
    $11::integer[], $12::timestamptz[], $13::text[])`

/** A message that is only sent when somebody asks: not counted as on its way. */
export async function insertSettled(tx: Tx, item: { id: string; delivery: NewDelivery }, now: Date): Promise<void> {
  const { id, delivery: d } = item
  await sql`
    insert into deliveries (id, workspace_id, destination_id, message_id, event_type, customer_id, source_id, body, state, attempts_made, settled_at)
    values (${id}, ${d.workspaceId}, ${d.destinationId}, ${d.messageId}, ${d.eventType}, ${d.customerId}, ${d.sourceId}, ${d.body}, 'cancelled', 0, ${now})`.execute(
    tx,
  )
}

/** Every lane of these shards that has work and is not paused: walks from lane to lane in the index. */
export async function lanesWithDeliveries(
  tx: Tx,
  shards: readonly number[],
): Promise<{ laneId: string; dueAt: Date }[]> {
  const { rows } = await sql<{ laneId: string; dueAt: Date }>`
    select l.destination_id as "laneId", l.due_at as "dueAt" from unnest(${shards}::smallint[]) as s (shard) cross join lateral (
      with recursive lane as (
        (select destination_id, coalesce(held_until, due_at) as due_at from deliveries_active a
          where a.shard = s.shard order by destination_id, a.due_at limit 1)
        union all
        select n.* from lane l cross join lateral
          (select a.destination_id, coalesce(a.held_until, a.due_at) from deliveries_active a
            where a.shard = s.shard and a.destination_id > l.destination_id order by a.destination_id, a.due_at limit 1) n
      )
      select * from lane) l
      join delivery_destinations d on d.id = l.destination_id and d.state = 'active'`.execute(tx)
  return rows
}

interface ActiveRow extends NewDelivery {
  id: string
  attemptsMade: number
  dueAt: Date
}

const activeColumns =
  sql.raw(`r.id, r.workspace_id as "workspaceId", r.destination_id as "destinationId", r.message_id as "messageId",
  r.event_type as "eventType", r.customer_id as "customerId", r.source_id as "sourceId", ${BODY} as body, r.is_ordered as "isOrdered",
  r.trace, d.concurrency, r.attempts_made as "attemptsMade", coalesce(r.held_until, r.due_at) as "dueAt"`)

/** Waiting deliveries of lanes, as `LaneSource.fetch` describes; none of paused destinations. */
export async function fetchDeliveries(
  tx: Tx,
  laneIds: readonly string[],
  limit: number,
  except: readonly string[],
  now: Date,
): Promise<{ item: DeliveryItem; dueAt: Date }[]> {
  const { rows } = await sql<ActiveRow>`
    select ${activeColumns}
      from unnest(${laneIds}::uuid[], ${laneIds.map(shardOf)}::smallint[]) as l (lane_id, shard)
      join delivery_destinations d on d.id = l.lane_id and d.state = 'active'
      cross join lateral (
        (select * from deliveries_active a
          where a.shard = l.shard and a.destination_id = l.lane_id and a.due_at <= ${now} and a.id <> all(${except}::uuid[])
          order by a.due_at, a.position limit ${limit})
        union all
        (select * from deliveries_active a
          where a.shard = l.shard and a.destination_id = l.lane_id and a.due_at > ${now} order by a.due_at, a.position limit 1)
      ) r
     order by r.destination_id, r.due_at, r.position`.execute(tx)
  return rows.map((row) => ({ item: deliveryItem(row.id, row, row.attemptsMade), dueAt: row.dueAt }))
}

/** What became of a delivery by an automatic attempt. */
export interface AttemptRecord {
  attempt: Attempt
  isOrdered: boolean
  attemptsMade: number
  /** Settled for good, or null: due again at `attempt.nextAttemptAt`. */
  settled: 'succeeded' | 'exhausted' | null
  at: Date
}

/**
 * Records attempts in one statement: the attempts themselves, when deliveries are due again, and those that are
 * settled, which move from the active table to the log. Gives the ids of those that did, so that of two endings one
 * counts. What is already recorded is left alone, because a commit whose answer was lost is asked for again.
 */
export async function recordAttempts(database: Database, records: readonly AttemptRecord[]): Promise<Set<string>> {
  const waits = records.filter((each) => each.settled === null)
  const ends = records.filter((each) => each.settled !== null)
  const isOnly = (each: AttemptRecord) => each.settled !== null && each.attemptsMade === 1
  const rows = await database.query<{ id: string }>({
    name: 'deliveries-record-attempts',
    text: RECORD,
    values: [
      ...attemptArrays(records.filter((each) => !isOnly(each)).map((each) => each.attempt)),
      uuids(waits.map((w) => w.attempt.deliveryId)),
      integers(waits.map((w) => w.attemptsMade)),
      moments(waits.map((w) => w.at)),
      texts(waits.map((w) => w.attempt.error)),
      moments(waits.map((w) => (w.isOrdered ? ALWAYS_DUE : w.attempt.nextAttemptAt))),
      moments(waits.map((w) => (w.isOrdered ? w.attempt.nextAttemptAt : null))),
      uuids(ends.map((e) => e.attempt.deliveryId)),
      integers(ends.map((e) => e.attemptsMade)),
      moments(ends.map((e) => e.at)),
      texts(ends.map((e) => e.attempt.error)),
      texts(ends.map((e) => e.settled)),
      texts(ends.map((e) => (isOnly(e) ? firstAttemptText(e.attempt) : null))),
    ],
  })
  return new Set(rows.map((row) => row.id))
}

function attemptArrays(attempts: readonly Attempt[]): unknown[] {
  return [
    uuids(attempts.map((a) => a.id)),
    uuids(attempts.map((a) => a.workspaceId)),
    uuids(attempts.map((a) => a.deliveryId)),
    uuids(attempts.map((a) => a.destinationId)),
    integers(attempts.map((a) => a.number)),
    texts(attempts.map((a) => a.trigger)),
    uuids(attempts.map((a) => a.replayId)),
    texts(attempts.map((a) => a.outcome)),
    texts(attempts.map((a) => a.errorClass)),
    texts(attempts.map((a) => a.error)),
    integers(attempts.map((a) => a.httpStatus)),
    integers(attempts.map((a) => a.durationMs)),
    texts(attempts.map((a) => JSON.stringify(a.request))),
    texts(attempts.map((a) => (a.response === null || a.response === undefined ? null : JSON.stringify(a.response)))),
    moments(attempts.map((a) => a.nextAttemptAt)),
  ]
}

const INSERT_ATTEMPTS = `
    insert into delivery_attempts (id, workspace_id, delivery_id, destination_id, number, trigger, replay_id, outcome, error_class, error, http_status,
      duration_ms, request, response, next_attempt_at)
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::integer[], $6::text[], $7::uuid[], $8::text[], $9::text[], $10::text[],
      $11::integer[], $12::integer[], $13::text[], $14::text[], $15::timestamptz[])
    on conflict do nothing`

const RECORD = `
  with recorded as (${INSERT_ATTEMPTS}
  ), waiting as (
    update deliveries_active a set attempts_made = w.attempts_made, last_attempt_at = w.at, last_error = w.error, due_at = w.due_at, held_until = w.held_until
      from unnest($16::uuid[], $17::integer[], $18::timestamptz[], $19::text[], $20::timestamptz[], $21::timestamptz[])
        as w (id, attempts_made, at, error, due_at, held_until)
     where a.id = w.id
  ), ended as (
    delete from deliveries_active a
     using unnest($22::uuid[], $23::integer[], $24::timestamptz[], $25::text[], $26::text[], $27::text[]) as e (id, attempts_made, at, error, state, first_attempt)
     where a.id = e.id
    returning a.id, a.workspace_id, a.destination_id, a.message_id, a.event_type, a.customer_id, a.source_id, a.body, e.state, e.attempts_made, e.at as last_attempt_at, e.error, e.at, e.first_attempt, a.trace
  )
  insert into deliveries (id, workspace_id, destination_id, message_id, event_type, customer_id, source_id, body, state, attempts_made, last_attempt_at, last_error, settled_at, first_attempt, trace)
  select * from ended returning id`

/** Records an attempt that somebody asked for. It is not counted among the automatic ones. */
export async function recordAskedAttempt(pool: pg.Pool, attempt: Attempt): Promise<void> {
  await pool.query(INSERT_ATTEMPTS, attemptArrays([attempt]))
}

/** A delivery that was on its way is settled by an attempt that somebody asked for. */
export async function settleActive(tx: Tx, id: string, state: 'succeeded' | 'cancelled', now: Date): Promise<boolean> {
  const { rows } = await sql<{ id: string }>`
    with ended as (delete from deliveries_active where id = ${id} returning *)
    insert into deliveries (id, workspace_id, destination_id, message_id, event_type, customer_id, source_id, body, state, attempts_made,
      last_attempt_at, last_error, settled_at, trace)
    select id, workspace_id, destination_id, message_id, event_type, customer_id, source_id, body, ${state}, attempts_made, ${now}, null, ${now}, trace from ended
    returning id`.execute(tx)
  return rows.length === 1
}

/** A settled delivery that arrived after all. */
export async function markSucceeded(tx: Tx, id: string, now: Date): Promise<void> {
  await sql`
    update deliveries set state = 'succeeded', last_attempt_at = ${now}, last_error = null, settled_at = ${now}
     where id = ${id} and state <> 'succeeded'`.execute(tx)
}

/** Everything that waits for a destination is cancelled. */
export async function cancelDeliveriesOf(tx: Tx, destinationId: string, now: Date): Promise<void> {
  await sql`
    with ended as (delete from deliveries_active where shard = ${shardOf(destinationId)} and destination_id = ${destinationId} returning *)
    insert into deliveries (id, workspace_id, destination_id, message_id, event_type, customer_id, source_id, body, state, attempts_made,
      last_attempt_at, last_error, settled_at, trace)
    select id, workspace_id, destination_id, message_id, event_type, customer_id, source_id, body, 'cancelled', attempts_made, last_attempt_at, last_error,
      ${now}, trace from ended`.execute(tx)
}

// ── reading ──

const listed = (kind: 'active' | 'settled') =>
  sql.raw(`r.id, r.workspace_id as "workspaceId", r.destination_id as "destinationId", r.message_id as "messageId", r.event_type as "eventType",
    r.customer_id as "customerId", r.source_id as "sourceId", r.trace, ${BODY} as body, r.attempts_made as "attemptsMade", r.last_attempt_at as "lastAttemptAt",
    r.last_error as "lastError", ${
      kind === 'active'
        ? `'pending' as state, case when coalesce(r.held_until, r.due_at) > to_timestamp(0) then coalesce(r.held_until, r.due_at) end as "dueAt", null::timestamptz as "settledAt", null::text as "firstAttempt", null::timestamptz as "payloadCutAt"`
        : `r.state, null::timestamptz as "dueAt", r.settled_at as "settledAt", r.first_attempt as "firstAttempt", coalesce(r.payload_cut_at, case when r.body is null then (select m.payload_cut_at from message_bodies m where m.id = r.message_id) end) as "payloadCutAt"`
    }`)

export interface DeliveryFilter {
  workspaceId: string
  /** Only to destinations of this customer. */
  ownerId: string | null
  destinationId: string | null
  state: DeliveryState | null
  eventType: string | null
  sourceId: string | null
  search: string | null
  from: Date | null
  to: Date | null
}

/**
 * Deliveries, settled or not, newest first. Those on their way are read first, so that one that is settled meanwhile is
 * not missed.
 */
export async function listDeliveries(tx: Tx, f: DeliveryFilter, page: Page): Promise<Looked<DeliveryRow>> {
  const others = { event_type: f.eventType, source_id: f.sourceId }
  const isOwned = sql`r.destination_id = any(array(select d.id from delivery_destinations d where d.customer_id = ${f.ownerId}))`
  const more = [f.ownerId === null ? null : isOwned, oneContains(SEARCHED, f.search)]
  const given = { workspaceId: f.workspaceId, indexed: { destination_id: f.destinationId }, others, more, span: f }
  const waiting = { log: 'deliveries_active', columns: listed('active'), ...conditionsOf(given), page }
  const active =
    f.state === null || f.state === 'pending'
      ? await lookThrough<DeliveryRow>(tx, waiting)
      : { rows: [], lookedTo: null }
  if (f.state === 'pending') return active
  const settled = await lookThrough<DeliveryRow>(tx, {
    log: 'deliveries',
    columns: listed('settled'),
    ...conditionsOf({ ...given, others: { ...others, state: f.state } }),
    page,
  })
  return newestOf([settled, active], page.limit)
}

export async function deliveryById(tx: Tx, workspaceId: string, id: string): Promise<DeliveryRow | null> {
  const { rows } = await sql<DeliveryRow>`
    select ${listed('active')} from deliveries_active r where r.id = ${id} and r.workspace_id = ${workspaceId}
    union all
    select ${listed('settled')} from deliveries r where r.id = ${id} and r.workspace_id = ${workspaceId}`.execute(tx)
  return rows[0] ?? null
}

/** How these deliveries stand. */
export async function deliveryStates(
  tx: Tx,
  ids: readonly string[],
): Promise<Map<string, { state: DeliveryState; lastError: string | null }>> {
  if (ids.length === 0) return new Map()
  const { rows } = await sql<{ id: string; state: DeliveryState; lastError: string | null }>`
    select id, 'pending' as state, last_error as "lastError" from deliveries_active where id = any(${ids}::uuid[])
    union all
    select id, state, last_error as "lastError" from deliveries where id = any(${ids}::uuid[])`.execute(tx)
  return new Map(rows.map((row) => [row.id, row]))
}

interface AttemptRow extends Omit<Attempt, 'request' | 'response'> {
  request: string
  response: string | null
}

/** The attempts at a delivery, newest first. */
export async function listAttempts(tx: Tx, delivery: DeliveryRow, page: Page): Promise<Attempt[]> {
  const { rows } = await sql<AttemptRow>`
    select id, workspace_id as "workspaceId", delivery_id as "deliveryId", destination_id as "destinationId", number, trigger, replay_id as "replayId",
           outcome, error_class as "errorClass", error, http_status as "httpStatus", duration_ms as "durationMs", request, response,
           next_attempt_at as "nextAttemptAt"
      from delivery_attempts where delivery_id = ${delivery.id} and (${page.before}::uuid is null or id < ${page.before})
     order by id desc limit ${page.limit}`.execute(tx)
  const attempts = rows.map((row) => ({
    ...row,
    request: parseExactJson(row.request) as unknown,
    response: row.response === null ? null : (parseExactJson(row.response) as unknown),
  }))
  // The first one is the oldest: whatever else there is, somebody asked for later.
  if (delivery.firstAttempt !== null && attempts.length < page.limit) {
    const first = firstAttemptOf(delivery, delivery.firstAttempt)
    if (page.before === null || first.id < page.before) attempts.push(first)
  }
  return attempts
}
