import { integers, uuids } from '../platform/array-parameters.ts'
import { inPortions, type Statement, sql, type Tx } from '../platform/database.ts'
import { lowestIdAt } from '../platform/ids.ts'
import { NOTICES } from '../platform/ownership-session.ts'
import { type RowLists, rowLists } from '../platform/row-lists.ts'

/** An event that came, under one of the keys by which runs wait. */
export interface Arrival {
  key: string
  eventId: string
  customerId: string
}

/** A node run that begins to wait, or goes on waiting. */
export interface EventWait {
  runId: string
  path: string
  customerId: string
  key: string
  /** JSON text. */
  about: string
  /** Of what came already, what came later than this counts. */
  sinceId: string
}

/** The class of the advisory locks that keep an event and a wait at the same moment from missing each other. */
const WAITS = 0x70650340
/** A transaction holds this many of them at most. */
const SLOTS = 512

const slotsOf = (keys: readonly string[]) =>
  [...new Set(keys.map((key) => Number.parseInt(key.slice(0, 8), 16) % SLOTS))].sort((a, b) => a - b)

/**
 * What stores that events came, wakes the runs that wait for them, and tells who works those. In the transaction of the
 * events: whoever begins to wait at this moment either is seen here, or sees the event.
 */
export function arriving(arrivals: readonly Arrival[], lanes: string, now: Date): Statement[] {
  if (arrivals.length === 0) return []
  const keys = arrivals.map((each) => each.key)
  return [
    { name: 'event-waits-share', text: SHARE, values: [WAITS, integers(slotsOf(keys))] },
    {
      name: 'event-waits-arrive',
      text: ARRIVE,
      values: [
        uuids(keys),
        uuids(arrivals.map((each) => each.eventId)),
        uuids(arrivals.map((each) => each.customerId)),
        now,
        NOTICES,
        lanes,
      ],
    },
  ]
}

const SHARE = 'select pg_advisory_xact_lock_shared($1::integer, slot) from unnest($2::integer[]) as s (slot)'

const wake = (ids: string, now: string) => `
    update flow_runs_active a set due_at = case when a.is_ordered then a.due_at else ${now} end, held_until = case when a.is_ordered then ${now} end
     where a.id in (${ids})`

// Rows in the order of their keys, so that two of these at the same moment never wait for each other.
const ARRIVE = `
  with given as (
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as g (key, event_id, customer_id)
  ), noted as (
    insert into event_wait_keys (key, id, customer_id) select key, event_id, customer_id from given on conflict do nothing
  ), firsts as (
    select distinct on (key) key, event_id from given order by key, event_id
  ), found as materialized (
    select w.run_id, w.path, g.event_id from firsts g join flow_run_waits w on w.key = g.key and w.event_id is null
     order by w.run_id, w.path for update of w
  ), marked as (
    update flow_run_waits w set event_id = f.event_id from found f where w.run_id = f.run_id and w.path = f.path
    returning w.run_id
  ), woken as (${wake('select run_id from marked', '$4::timestamptz')} returning a.shard)
  select pg_notify($5::text, json_build_object('about', $6::text, 'shards', json_agg(distinct shard))::text)
    from woken having count(*) > 0`

/** What comes first in the transaction that records that runs wait: events under these keys wait until it is over. */
export function lockingWaits(waits: readonly EventWait[]): Statement {
  return {
    name: 'event-waits-lock',
    text: 'select pg_advisory_xact_lock($1::integer, slot) from unnest($2::integer[]) as s (slot)',
    values: [WAITS, integers(slotsOf(waits.map((each) => each.key)))],
  }
}

/** What comes last in it: stores the waits; a run whose event is there already is due at once. */
export function registeringWaits(waits: readonly EventWait[], now: Date): Statement {
  return { name: 'event-waits-register', text: REGISTER, values: [...LISTS.values(waits), now] }
}

const LISTS: RowLists<EventWait> = rowLists<EventWait>({
  run_id: ['uuid', (w) => w.runId],
  path: ['text', (w) => w.path],
  customer_id: ['uuid', (w) => w.customerId],
  key: ['uuid', (w) => w.key],
  about: ['text', (w) => w.about],
  since: ['uuid', (w) => w.sinceId],
})

// What the run was given for the same key before does not count twice.
const REGISTER = `
  with given as (
    select * from ${LISTS.table('g')}
  ), stored as (
    insert into flow_run_waits (run_id, path, customer_id, key, about, event_id)
    select g.run_id, g.path, g.customer_id, g.key, g.about, (
        select k.id from event_wait_keys k
         where k.key = g.key and k.id > coalesce((
             select o.event_id from flow_run_waits o where o.run_id = g.run_id and o.key = g.key and o.event_id is not null
              order by o.event_id desc limit 1), g.since)
         order by k.id limit 1)
      from given g
    on conflict do nothing
    returning run_id, event_id
  )${wake(
    `select run_id from stored where event_id is not null
     union all
     select w.run_id from given g join flow_run_waits w on w.run_id = g.run_id and w.path = g.path where w.event_id is not null`,
    `$${LISTS.count + 1}::timestamptz`,
  )}`

/** What came of what the node runs of a run wait for, by path: the payload as JSON text, null where it is gone. */
export async function arrivedFor(
  tx: Tx,
  runId: string,
): Promise<{ path: string; eventId: string; payload: string | null }[]> {
  const { rows } = await sql<{ path: string; eventId: string; payload: string | null }>`
    select w.path, w.event_id as "eventId", e.payload from flow_run_waits w left join event_inputs e on e.id = w.event_id
     where w.run_id = ${runId} and w.event_id is not null`.execute(tx)
  return rows
}

/** What a run waits for, as it is shown. */
export async function waitsOfRun(tx: Tx, runId: string): Promise<string[]> {
  const { rows } = await sql<{ about: string }>`
    select about from flow_run_waits where run_id = ${runId} and event_id is null order by path limit ${SHOWN_MAX}`.execute(
    tx,
  )
  return rows.map((row) => row.about)
}

const SHOWN_MAX = 20

/** A wait that begins finds what came this long before, but not before its run. */
const KEPT_MS = 86_400_000

/** Forgets the keys of events that came too long ago. */
export async function forgetWaitKeys(tx: Tx, now: Date): Promise<void> {
  const lowest = lowestIdAt(new Date(now.getTime() - KEPT_MS))
  await inPortions((limit) =>
    sql`delete from event_wait_keys where ctid in
      (select ctid from event_wait_keys where id < ${lowest} limit ${limit})`.execute(tx),
  )
}
