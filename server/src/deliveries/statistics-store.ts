import { sql, type Tx } from '../platform/database.ts'
import { type IdRange, msOfId, type Sample } from '../platform/id-ranges.ts'
import type { LaneOwner } from '../platform/lane-standing.ts'
import type { Destination } from './delivery.ts'

/** So many of a stretch are looked at for how long they took. */
const TIMED_MAX = 1000

export interface DeliverySample extends Sample {
  succeeded: number
  failed: number
  p50: number | null
  p95: number | null
}

/**
 * What became of the messages made in each stretch of ids; reads at most `sampleMax` rows of each, and for how long it took
 * those at its beginning. */
export async function countDeliveries(
  tx: Tx,
  workspaceId: string,
  ranges: readonly IdRange[],
  sampleMax: number,
): Promise<DeliverySample[]> {
  const { rows } = await sql<DeliverySample>`
    select s.*
      from unnest(${ranges.map((each) => each.from)}::uuid[], ${ranges.map((each) => each.before)}::uuid[])
           with ordinality as b(from_id, before_id, at)
     cross join lateral (
       select count(*)::int as count, (array_agg(id order by id desc))[1] as "lastId",
              count(*) filter (where state = 'succeeded')::int as succeeded,
              count(*) filter (where state = 'exhausted')::int as failed,
              percentile_disc(0.5) within group (order by ms) filter (where at <= ${TIMED_MAX})::float as p50,
              percentile_disc(0.95) within group (order by ms) filter (where at <= ${TIMED_MAX})::float as p95
         from (select id, state, row_number() over (order by id) as at, extract(epoch from last_attempt_at) * 1000 - ${msOfId('id')} as ms
                 from deliveries where workspace_id = ${workspaceId} and id >= b.from_id and id < b.before_id
                order by id limit ${sampleMax}) d) s
     order by b.at`.execute(tx)
  return rows
}

/** Messages that are not settled, counted up to `max`. */
export async function countPendingDeliveries(tx: Tx, workspaceId: string, max: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from (select 1 from deliveries_active where workspace_id = ${workspaceId} limit ${max}) d`.execute(
    tx,
  )
  return rows[0]?.count ?? 0
}

/** Rows of these shards, as `LaneSource.countOf` describes. */
export async function deliveriesWaiting(tx: Tx, shards: readonly number[], most: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from (select from deliveries_active where shard = any(${shards}::smallint[]) limit ${most}) a`.execute(
    tx,
  )
  return rows[0]?.count ?? 0
}

/** Whose lanes these are that destinations have. */
export async function ownersOfDestinationLanes(
  tx: Tx,
  ids: readonly string[],
): Promise<(LaneOwner & Pick<Destination, 'id' | 'kind'>)[]> {
  const { rows } = await sql<LaneOwner & Pick<Destination, 'id' | 'kind'>>`
    select id, workspace_id as "workspaceId", customer_id as "customerId", kind
      from delivery_destinations where id = any(${[...ids]}::uuid[])`.execute(tx)
  return rows
}

/** Paused destinations that something waits for, each with the first of it, those that were paused first. */
export async function pausedDestinations(
  tx: Tx,
  of: { workspaceId: string; customerId: string | null; most: number },
): Promise<(LaneOwner & { id: string; isOrdered: boolean; firstId: string; dueAt: Date })[]> {
  const { rows } = await sql<LaneOwner & { id: string; isOrdered: boolean; firstId: string; dueAt: Date }>`
    select d.id, d.workspace_id as "workspaceId", d.customer_id as "customerId", d.is_ordered as "isOrdered", a.id as "firstId", a.due_at as "dueAt"
      from delivery_destinations d
      cross join lateral (
        select id, coalesce(held_until, due_at) as due_at from deliveries_active
         where shard = get_byte(uuid_send(d.id), 15) % 64 and destination_id = d.id order by deliveries_active.due_at, position limit 1) a
     where d.workspace_id = ${of.workspaceId} and d.state = 'paused'
       and (${of.customerId}::uuid is null or d.customer_id = ${of.customerId})
     order by d.paused_at, d.id limit ${of.most}`.execute(tx)
  return rows
}
