import type { Page } from '../api/paging.ts'
import { byteas, texts } from '../platform/array-parameters.ts'
import { sql, type Tx } from '../platform/database.ts'
import { lowestIdAt } from '../platform/ids.ts'
import { shardOf } from '../platform/ownership.ts'

// ── what is to be done ──

/** A subscription that is to be looked at, with the record of the pull that this will be. */
export interface ActivePull {
  id: string
  pullId: string
  connectionId: string
  dueAt: Date
  failures: number
}

/** Those that are there already stay as they are, but are due at once; gives the pull of each subscription. */
export async function wantPulls(
  tx: Tx,
  pulls: readonly { id: string; pullId: string; connectionId: string }[],
  now: Date,
): Promise<Map<string, string>> {
  if (pulls.length === 0) return new Map()
  const { rows } = await sql<{ id: string; pullId: string }>`
    insert into pulls_active as a (id, pull_id, connection_id, shard, due_at)
    select id, pull_id, connection_id, shard, ${now}::timestamptz from unnest(${pulls.map((each) => each.id)}::uuid[],
      ${pulls.map((each) => each.pullId)}::uuid[], ${pulls.map((each) => each.connectionId)}::uuid[],
      ${pulls.map((each) => shardOf(each.connectionId))}::smallint[]) as w (id, pull_id, connection_id, shard)
    on conflict (id) do update set due_at = least(a.due_at, excluded.due_at)
    returning id, pull_id as "pullId"`.execute(tx)
  return new Map(rows.map((row) => [row.id, row.pullId]))
}

export async function dropPull(tx: Tx, id: string): Promise<void> {
  await sql`delete from pulls_active where id = ${id}`.execute(tx)
}

export async function postponePull(tx: Tx, id: string, until: Date, failures: number): Promise<void> {
  await sql`update pulls_active set due_at = ${until}, failures = ${failures} where id = ${id}`.execute(tx)
}

/** Rows of these shards, as `LaneSource.countOf` describes. */
export async function countPulls(tx: Tx, shards: readonly number[], most: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from (select from pulls_active where shard = any(${shards}::smallint[]) limit ${most}) a`.execute(
    tx,
  )
  return rows[0]?.count ?? 0
}

/** Every lane of these shards that has pulls to do. */
export async function lanesWithPulls(tx: Tx, shards: readonly number[]): Promise<{ laneId: string; dueAt: Date }[]> {
  const { rows } = await sql<{ laneId: string; dueAt: Date }>`
    select connection_id as "laneId", min(due_at) as "dueAt" from pulls_active
     where shard = any(${shards}::smallint[]) group by connection_id`.execute(tx)
  return rows
}

/** Pulls of lanes, as `LaneSource.fetch` describes. */
export async function fetchPulls(
  tx: Tx,
  laneIds: readonly string[],
  limit: number,
  except: readonly string[],
  now: Date,
): Promise<ActivePull[]> {
  const { rows } = await sql<ActivePull>`
    select r.id, r.pull_id as "pullId", r.connection_id as "connectionId", r.due_at as "dueAt", r.failures
      from unnest(${laneIds}::uuid[], ${laneIds.map(shardOf)}::smallint[]) as l (lane_id, shard)
      cross join lateral (
        (select * from pulls_active a
          where a.shard = l.shard and a.connection_id = l.lane_id and a.due_at <= ${now} and a.id <> all(${except}::uuid[])
          order by a.due_at, a.position limit ${limit})
        union all
        (select * from pulls_active a
          where a.shard = l.shard and a.connection_id = l.lane_id and a.due_at > ${now} order by a.due_at, a.position limit 1)
      ) r
     order by r.connection_id, r.due_at, r.position`.execute(tx)
  return rows
}

// ── what was there ──

/** What a page has of a record, and what was known of it before. */
export interface SeenRecord {
  recordId: string
  isNew: boolean
  isChanged: boolean
}

/**
 * Puts a page of records into the snapshot, in one statement; tells which are new and which are other than before, and of
 * what is as it was nothing. Of a first scan nothing at all: `isTold` false.
 */
export async function seeRecords(
  tx: Tx,
  subscriptionId: string,
  scan: number,
  records: readonly { recordId: string; hash: Buffer }[],
  isTold = true,
): Promise<SeenRecord[]> {
  if (records.length === 0) return []
  const { rows } = await sql<SeenRecord>`
    with seen as (
      select * from unnest(${texts(records.map((each) => each.recordId))}::text[], ${byteas(records.map((each) => each.hash))}::bytea[]) as s (record_id, hash)
    ), before as (
      select b.record_id, b.hash from record_snapshots b join seen s using (record_id) where b.subscription_id = ${subscriptionId}
    ), put as (
      insert into record_snapshots as p (subscription_id, record_id, hash, scan)
      select ${subscriptionId}::uuid, record_id, hash, ${scan}::integer from seen
      on conflict (subscription_id, record_id) do update set hash = excluded.hash, scan = excluded.scan
       where p.hash <> excluded.hash or p.scan <> excluded.scan
    )
    select s.record_id as "recordId", b.hash is null as "isNew", b.hash is not null and b.hash <> s.hash as "isChanged"
      from seen s left join before b using (record_id)
     where ${isTold} and b.hash is distinct from s.hash`.execute(tx)
  return rows
}

/** Of a scan that has not begun: what another subscription told of in the meantime. */
const SHARED_SCAN = -1

/** Has other subscriptions know of records, as of their next scan; what they know already stays. */
export async function shareRecords(
  tx: Tx,
  subscriptionIds: readonly string[],
  records: readonly { recordId: string; hash: Buffer }[],
): Promise<void> {
  if (subscriptionIds.length === 0) return
  await sql`
    insert into record_snapshots (subscription_id, record_id, hash, scan)
    select s.id, r.record_id, r.hash, ${SHARED_SCAN}::integer from unnest(${subscriptionIds}::uuid[]) as s (id)
      cross join unnest(${texts(records.map((each) => each.recordId))}::text[], ${byteas(records.map((each) => each.hash))}::bytea[]) as r (record_id, hash)
    on conflict (subscription_id, record_id) do nothing`.execute(tx)
}

/** What was shared with a subscription counts from here on. */
export async function takeInShared(tx: Tx, subscriptionId: string): Promise<void> {
  await sql`
    update record_snapshots set scan = 0 where subscription_id = ${subscriptionId} and scan = ${SHARED_SCAN}::integer`.execute(
    tx,
  )
}

/** Takes records out that a scan which is over has not seen; gives those that were there. */
export async function takeRecords(
  tx: Tx,
  subscriptionId: string,
  scan: number,
  recordIds: readonly string[],
): Promise<string[]> {
  const { rows } = await sql<{ recordId: string }>`
    delete from record_snapshots where subscription_id = ${subscriptionId} and scan <> ${scan} and scan >= 0
       and record_id = any(${texts(recordIds)}::text[]) returning record_id as "recordId"`.execute(tx)
  return rows.map((row) => row.recordId)
}

/** Records that a scan has not seen. */
export async function unseen(tx: Tx, subscriptionId: string, scan: number, limit: number): Promise<string[]> {
  const { rows } = await sql<{ recordId: string }>`
    select record_id as "recordId" from record_snapshots where subscription_id = ${subscriptionId} and scan <> ${scan} and scan >= 0 limit ${limit}`.execute(
    tx,
  )
  return rows.map((row) => row.recordId)
}

export async function snapshotSize(tx: Tx, subscriptionId: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from record_snapshots where subscription_id = ${subscriptionId}`.execute(tx)
  return rows[0]?.count ?? 0
}

export async function snapshotOf(
  tx: Tx,
  subscriptionId: string,
  limit: number,
): Promise<{ recordId: string; hash: Buffer }[]> {
  const { rows } = await sql<{ recordId: string; hash: Buffer }>`
    select record_id as "recordId", hash from record_snapshots where subscription_id = ${subscriptionId} order by record_id limit ${limit}`.execute(
    tx,
  )
  return rows
}

/** Nobody looks at it any more. */
export async function dropSnapshot(tx: Tx, subscriptionId: string): Promise<void> {
  await sql`delete from record_snapshots where subscription_id = ${subscriptionId}`.execute(tx)
}

// ── the record of pulls ──

export interface PullRow {
  id: string
  workspaceId: string
  customerId: string
  connectionId: string
  integrationId: string | null
  subscriptionId: string
  status: 'queued' | 'running' | 'success' | 'error'
  strategy: string
  startedAt: Date
  endedAt: Date | null
  eventIds: string[]
  /** JSON texts. */
  error: string | null
  telemetry: string | null
  logs: string | null
}

const columns =
  sql.raw(`id, workspace_id as "workspaceId", customer_id as "customerId", connection_id as "connectionId",
  integration_id as "integrationId", subscription_id as "subscriptionId", status, strategy, started_at as "startedAt", ended_at as "endedAt",
  event_ids as "eventIds", error, telemetry, logs`)

export async function putPull(tx: Tx, p: PullRow): Promise<void> {
  await sql`
    insert into external_event_pulls (id, workspace_id, customer_id, connection_id, integration_id, subscription_id, status, strategy, started_at,
      ended_at, event_ids, error, telemetry, logs)
    values (${p.id}, ${p.workspaceId}, ${p.customerId}, ${p.connectionId}, ${p.integrationId}, ${p.subscriptionId}, ${p.status}, ${p.strategy},
      ${p.startedAt}, ${p.endedAt}, ${p.eventIds}::uuid[], ${p.error}, ${p.telemetry}, ${p.logs})
    on conflict (id) do update set status = excluded.status, strategy = excluded.strategy, ended_at = excluded.ended_at,
      event_ids = excluded.event_ids, error = excluded.error, telemetry = excluded.telemetry, logs = excluded.logs`.execute(
    tx,
  )
}

export interface PullFilter {
  workspaceId: string
  customerId: string | null
  connectionId: string | null
  integrationId: string | null
  subscriptionId: string | null
  status: PullRow['status'] | null
  from: Date | null
  to: Date | null
}

export async function listPulls(tx: Tx, f: PullFilter, page: Page): Promise<PullRow[]> {
  const from = f.from === null ? null : lowestIdAt(f.from)
  const to = f.to === null ? null : lowestIdAt(new Date(f.to.getTime() + 1))
  const { rows } = await sql<PullRow>`
    select ${columns} from external_event_pulls
     where workspace_id = ${f.workspaceId} and (${page.before}::uuid is null or id < ${page.before})
       and (${f.customerId}::uuid is null or customer_id = ${f.customerId})
       and (${f.connectionId}::uuid is null or connection_id = ${f.connectionId})
       and (${f.integrationId}::uuid is null or integration_id = ${f.integrationId})
       and (${f.subscriptionId}::uuid is null or subscription_id = ${f.subscriptionId})
       and (${f.status}::text is null or status = ${f.status})
       and (${from}::uuid is null or id >= ${from}) and (${to}::uuid is null or id < ${to})
     order by id desc limit ${page.limit}`.execute(tx)
  return rows
}

export async function pullById(tx: Tx, workspaceId: string, id: string): Promise<PullRow | null> {
  const { rows } = await sql<PullRow>`
    select ${columns} from external_event_pulls where id = ${id} and workspace_id = ${workspaceId}`.execute(tx)
  return rows[0] ?? null
}
