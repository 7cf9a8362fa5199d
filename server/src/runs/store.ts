import type { ErrorData, FlowRunState } from '@permea/contract'
import type pg from 'pg'
import type { Page } from '../api/paging.ts'
import { CONCURRENCY_DEFAULT } from '../flows/flow.ts'
import { booleans, integers, moments, smallints, texts, uuids } from '../platform/array-parameters.ts'
import { type Statement, sql, type Tx } from '../platform/database.ts'
import { lowestIdAt } from '../platform/ids.ts'
import { shardOf } from '../platform/ownership.ts'
import {
  laneOf,
  type NewRun,
  type NodeCounts,
  type NodeRun,
  type RunItem,
  type RunRow,
  runItem,
  type Waiting,
} from './run.ts'

const ALWAYS_DUE = new Date(0)

/** Stores new runs, in order, with the news of them where somebody listens. */
export function runsInsert(runs: readonly { id: string; run: NewRun }[], now: Date): Statement {
  const uuidsOf = (pick: (run: NewRun) => string | null) => uuids(runs.map((each) => pick(each.run)))
  const textsOf = (pick: (run: NewRun) => string | null) => texts(runs.map((each) => pick(each.run)))
  return {
    name: 'runs-insert',
    text: INSERT,
    values: [
      uuids(runs.map((each) => each.id)),
      uuidsOf((run) => run.workspaceId),
      uuidsOf((run) => run.customerId),
      uuidsOf((run) => run.connectionId),
      uuidsOf((run) => run.integrationId),
      uuidsOf((run) => run.flowInstanceId),
      uuidsOf((run) => run.flowId),
      uuidsOf((run) => run.universalFlowId),
      uuidsOf((run) => run.versionId),
      textsOf((run) => run.startNodeKey),
      uuidsOf((run) => run.appEventId),
      textsOf((run) => run.inputText),
      textsOf((run) => JSON.stringify(run.launchedBy)),
      textsOf((run) => (run.meta === null ? null : JSON.stringify(run.meta))),
      smallints(runs.map((each) => shardOf(laneOf(each.run)))),
      uuidsOf(laneOf),
      booleans(runs.map((each) => each.run.isOrdered)),
      integers(runs.map((each) => groupCapOf(each.run))),
      moments(runs.map((each) => (each.run.isOrdered ? ALWAYS_DUE : now))),
    ],
  }
}

const INSERT = `
  with queued as (
  insert into flow_runs_active (id, workspace_id, customer_id, connection_id, integration_id, flow_instance_id, flow_id, universal_flow_id,
    version_id, start_node_key, app_event_id, input, launched_by, meta, state, shard, lane_id, is_ordered, group_cap, due_at)
  select id, workspace_id, customer_id, connection_id, integration_id, flow_instance_id, flow_id, universal_flow_id,
    version_id, start_node_key, app_event_id, input, launched_by, meta::json, 'queued', shard, lane_id, is_ordered, group_cap, due_at
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[], $9::uuid[], $10::text[],
      $11::uuid[], $12::text[], $13::text[], $14::text[], $15::smallint[], $16::uuid[], $17::boolean[], $18::integer[], $19::timestamptz[])
    as r (id, workspace_id, customer_id, connection_id, integration_id, flow_instance_id, flow_id, universal_flow_id, version_id, start_node_key,
      app_event_id, input, launched_by, meta, shard, lane_id, is_ordered, group_cap, due_at)
  returning id, workspace_id)
  insert into flow_run_news (run_id, workspace_id, event_type)
  select q.id, q.workspace_id, 'flowRun.queued' from queued q
    join flow_run_audience h on h.workspace_id = q.workspace_id and 'flowRun.queued' = any(h.event_types)`

function groupCapOf(run: NewRun): number {
  return run.concurrency ?? CONCURRENCY_DEFAULT
}

/** Every lane of these shards with work, and when its first work is due: walks from lane to lane in the index. */
export async function lanesWithRuns(tx: Tx, shards: readonly number[]): Promise<{ laneId: string; dueAt: Date }[]> {
  const { rows } = await sql<{ laneId: string; dueAt: Date }>`
    with recursive lane as (
      (select shard, lane_id, coalesce(held_until, due_at) as due_at from flow_runs_active
        where shard = any(${shards}::smallint[]) order by shard, lane_id, due_at limit 1)
      union all
      select n.* from lane l cross join lateral
        (select a.shard, a.lane_id, coalesce(a.held_until, a.due_at) from flow_runs_active a
          where (a.shard, a.lane_id) > (l.shard, l.lane_id) and a.shard = any(${shards}::smallint[])
          order by a.shard, a.lane_id, a.due_at limit 1) n
    )
    select lane_id as "laneId", due_at as "dueAt" from lane`.execute(tx)
  return rows
}

interface ActiveRow extends Omit<NewRun, 'inputText' | 'launchedBy' | 'concurrency'> {
  id: string
  laneId: string
  groupCap: number
  launchedBy: string
  input: string | null
  eventPayload: string | null
  state: string
  startedAt: Date | null
  dueAt: Date
  waiting: Waiting | null
}

/** Waiting runs of lanes, as `LaneSource.fetch` describes, with their input. */
export async function fetchRuns(
  tx: Tx,
  laneIds: readonly string[],
  limit: number,
  except: readonly string[],
  now: Date,
): Promise<{ item: RunItem; dueAt: Date }[]> {
  const { rows } = await sql<ActiveRow>`
    select r.id, r.lane_id as "laneId", r.group_cap as "groupCap", r.workspace_id as "workspaceId", r.customer_id as "customerId",
           r.connection_id as "connectionId", r.integration_id as "integrationId", r.flow_instance_id as "flowInstanceId", r.flow_id as "flowId",
           r.universal_flow_id as "universalFlowId", r.version_id as "versionId", r.start_node_key as "startNodeKey", r.app_event_id as "appEventId",
           r.launched_by as "launchedBy", r.meta, r.is_ordered as "isOrdered", r.state, r.started_at as "startedAt", r.waiting,
           coalesce(r.held_until, r.due_at) as "dueAt", r.input, e.payload as "eventPayload"
      from unnest(${laneIds}::uuid[], ${laneIds.map(shardOf)}::smallint[]) as l (lane_id, shard)
      cross join lateral (
        (select * from flow_runs_active a
          where a.shard = l.shard and a.lane_id = l.lane_id and a.due_at <= ${now} and a.id <> all(${except}::uuid[])
          order by a.due_at, a.position limit ${limit})
        union all
        (select * from flow_runs_active a
          where a.shard = l.shard and a.lane_id = l.lane_id and a.due_at > ${now} order by a.due_at, a.position limit 1)
      ) r
      left join event_inputs e on e.id = r.app_event_id
     order by r.lane_id, r.due_at, r.position`.execute(tx)
  return rows.map((row) => ({ item: itemOf(row), dueAt: row.dueAt }))
}

function itemOf(row: ActiveRow): RunItem {
  const input = row.input ?? row.eventPayload ?? 'null'
  const launchedBy = JSON.parse(row.launchedBy) as NewRun['launchedBy']
  const run: NewRun = { ...row, inputText: row.input, launchedBy, concurrency: row.groupCap }
  const item = runItem(row.id, run, input, row.state === 'queued')
  return { ...item, laneId: row.laneId, startedAt: row.startedAt, waiting: row.waiting }
}

/** What a group of runs came to since the last time it was recorded. */
export interface RunProgress {
  runId: string
  startedAt: Date
  nodeRuns: NodeRun[]
  /** It waits: nothing to do until then. */
  waits: { until: Date; isOrdered: boolean; waiting: Waiting } | null
  finish: { state: 'completed' | 'failed'; endedAt: Date; errors: ErrorData[]; nodeCounts: NodeCounts } | null
}

/**
 * Records the progress of many runs in one statement: node runs, that runs have started, that they wait, that they
 * ended. An ended run moves from the active table to the log; gives the ids of those that did, so that of two
 * endings (say, a stop at the same moment) exactly one counts. What is already recorded is left alone, because a
 * commit whose answer was lost is asked for again.
 */
export async function recordProgress(
  pool: pg.Pool,
  progress: readonly RunProgress[],
): Promise<{ ended: Set<string>; hasNews: boolean }> {
  const nodeRuns = progress.flatMap((each) => each.nodeRuns)
  const started = progress.filter((each) => each.finish === null && each.waits === null)
  const waits = progress.flatMap((each) =>
    each.waits === null ? [] : [{ ...each.waits, runId: each.runId, startedAt: each.startedAt }],
  )
  const ends = progress.flatMap((each) =>
    each.finish === null ? [] : [{ ...each.finish, runId: each.runId, startedAt: each.startedAt }],
  )
  const { rows } = await pool.query<{ ended: string[] | null; hasNews: boolean }>({
    name: 'runs-record-progress',
    text: RECORD,
    values: [
      uuids(nodeRuns.map((n) => n.id)),
      uuids(nodeRuns.map((n) => n.runId)),
      texts(nodeRuns.map((n) => n.nodeKey)),
      texts(nodeRuns.map((n) => n.path)),
      texts(nodeRuns.map((n) => n.status)),
      texts(nodeRuns.map((n) => n.item)),
      texts(nodeRuns.map((n) => n.outputs)),
      texts(nodeRuns.map((n) => (n.errors.length === 0 ? null : JSON.stringify(n.errors)))),
      texts(nodeRuns.map((n) => (n.logs.length === 0 ? null : JSON.stringify(n.logs)))),
      moments(nodeRuns.map((n) => n.startedAt)),
      moments(nodeRuns.map((n) => n.endedAt)),
      smallints(nodeRuns.map((n) => n.attempts)),
      uuids(started.map((s) => s.runId)),
      moments(started.map((s) => s.startedAt)),
      uuids(waits.map((w) => w.runId)),
      moments(waits.map((w) => w.startedAt)),
      moments(waits.map((w) => (w.isOrdered ? ALWAYS_DUE : w.until))),
      moments(waits.map((w) => (w.isOrdered ? w.until : null))),
      texts(waits.map((w) => JSON.stringify(w.waiting))),
      uuids(ends.map((e) => e.runId)),
      moments(ends.map((e) => e.startedAt)),
      moments(ends.map((e) => e.endedAt)),
      texts(ends.map((e) => e.state)),
      texts(ends.map((e) => (e.errors.length === 0 ? null : JSON.stringify(e.errors)))),
      texts(ends.map((e) => JSON.stringify(e.nodeCounts))),
    ],
  })
  return { ended: new Set(rows[0]?.ended ?? []), hasNews: rows[0]?.hasNews === true }
}

const RECORD = `
  with recorded as (
    insert into flow_node_runs (id, run_id, node_key, path, status, item, outputs, errors, logs, started_at, ended_at, attempts)
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
      $10::timestamptz[], $11::timestamptz[], $12::smallint[])
    on conflict do nothing
  ), started as (
    update flow_runs_active a set state = 'running', started_at = s.started_at
      from unnest($13::uuid[], $14::timestamptz[]) as s (id, started_at) where a.id = s.id
    returning a.id, a.workspace_id, (select o.state from flow_runs_active o where o.id = a.id) as state_before
  ), waiting as (
    update flow_runs_active a set state = 'running', started_at = w.started_at, due_at = w.due_at, held_until = w.held_until, waiting = w.waiting::json
      from unnest($15::uuid[], $16::timestamptz[], $17::timestamptz[], $18::timestamptz[], $19::text[]) as w (id, started_at, due_at, held_until, waiting)
     where a.id = w.id
    returning a.id, a.workspace_id, (select o.state from flow_runs_active o where o.id = a.id) as state_before
  ), ended as (
    delete from flow_runs_active a
     using unnest($20::uuid[], $21::timestamptz[], $22::timestamptz[], $23::text[], $24::text[], $25::text[])
       as e (id, started_at, ended_at, state, errors, node_counts)
     where a.id = e.id
    returning a.id, a.workspace_id, a.customer_id, a.connection_id, a.integration_id, a.flow_instance_id, a.flow_id, a.universal_flow_id, a.version_id,
      a.start_node_key, a.app_event_id, a.input, a.launched_by, a.meta, e.state, e.started_at, e.ended_at, e.errors::json as errors,
      e.node_counts::json as node_counts, a.state as state_before
  ), news as (
    insert into flow_run_news (run_id, workspace_id, event_type)
    select n.id, n.workspace_id, n.event_type
      from (select id, workspace_id, 'flowRun.started' as event_type, 1 as step from started where state_before = 'queued'
            union all select id, workspace_id, 'flowRun.started', 1 from waiting where state_before = 'queued'
            union all select id, workspace_id, 'flowRun.started', 1 from ended where state_before = 'queued'
            union all select id, workspace_id, 'flowRun.' || state, 2 from ended) n
      join flow_run_audience h on h.workspace_id = n.workspace_id and n.event_type = any(h.event_types)
     order by n.step
    returning 1
  ), moved as (
    insert into flow_runs (id, workspace_id, customer_id, connection_id, integration_id, flow_instance_id, flow_id, universal_flow_id, version_id,
      start_node_key, app_event_id, input, launched_by, meta, state, started_at, ended_at, errors, node_counts)
    select id, workspace_id, customer_id, connection_id, integration_id, flow_instance_id, flow_id, universal_flow_id, version_id,
      start_node_key, app_event_id, input, launched_by, meta, state, started_at, ended_at, errors, node_counts from ended
    returning id
  )
  select (select array_agg(id) from moved) as ended, exists (select 1 from news) as "hasNews"`

/** Ends an active run as stopped; null where it had ended already. Says whether anybody is to be notified. */
export async function stopRun(tx: Tx, id: string, now: Date): Promise<{ hasNews: boolean } | null> {
  const { rows } = await sql<{ isStopped: boolean; hasNews: boolean }>`
    with ended as (
      delete from flow_runs_active where id = ${id} returning *
    ), moved as (
      insert into flow_runs (id, workspace_id, customer_id, connection_id, integration_id, flow_instance_id, flow_id, universal_flow_id, version_id,
        start_node_key, app_event_id, input, launched_by, meta, state, started_at, ended_at)
      select id, workspace_id, customer_id, connection_id, integration_id, flow_instance_id, flow_id, universal_flow_id, version_id,
        start_node_key, app_event_id, input, launched_by, meta, 'stopped', started_at, ${now} from ended
      returning id
    ), news as (
      insert into flow_run_news (run_id, workspace_id, event_type)
      select e.id, e.workspace_id, 'flowRun.stopped' from ended e
        join flow_run_audience h on h.workspace_id = e.workspace_id and 'flowRun.stopped' = any(h.event_types)
      returning 1
    )
    select exists (select 1 from moved) as "isStopped", exists (select 1 from news) as "hasNews"`.execute(tx)
  const [row] = rows
  return row?.isStopped === true ? { hasNews: row.hasNews } : null
}

// ── reading ──

const listed = (kind: 'active' | 'final') =>
  sql.raw(`r.id, r.workspace_id, r.customer_id, r.connection_id, r.integration_id, r.flow_instance_id, r.flow_id, r.universal_flow_id, r.version_id,
    r.start_node_key, r.app_event_id, r.input, r.launched_by, r.meta, r.state, r.started_at,
    ${kind === 'final' ? 'r.ended_at, r.errors, r.node_counts, null::timestamptz as due_at' : 'null::timestamptz as ended_at, null::json as errors, null::json as node_counts, coalesce(r.held_until, r.due_at) as due_at'}`)

export interface RunFilter {
  workspaceId: string
  customerId: string | null
  flowInstanceId: string | null
  flowId: string | null
  universalFlowId: string | null
  integrationId: string | null
  connectionId: string | null
  appEventId: string | null
  state: FlowRunState | null
  startNodeKey: string | null
  /** Of these instances only. */
  flowInstanceIds: readonly string[] | null
  from: Date | null
  to: Date | null
}

/** Runs, finished or not, newest first. One statement, so that a run that moves between the tables is seen once. */
export async function listRuns(tx: Tx, f: RunFilter, page: Page): Promise<RunRow[]> {
  const matches = sql`r.workspace_id = ${f.workspaceId} and (${page.before}::uuid is null or r.id < ${page.before})
    and (${f.customerId}::uuid is null or r.customer_id = ${f.customerId})
    and (${f.flowInstanceId}::uuid is null or r.flow_instance_id = ${f.flowInstanceId})
    and (${f.flowId}::uuid is null or r.flow_id = ${f.flowId})
    and (${f.universalFlowId}::uuid is null or r.universal_flow_id = ${f.universalFlowId})
    and (${f.integrationId}::uuid is null or r.integration_id = ${f.integrationId})
    and (${f.connectionId}::uuid is null or r.connection_id = ${f.connectionId})
    and (${f.appEventId}::uuid is null or r.app_event_id = ${f.appEventId})
    and (${f.state}::text is null or r.state = ${f.state})
    and (${f.startNodeKey}::text is null or r.start_node_key = ${f.startNodeKey})
    and (${f.flowInstanceIds}::uuid[] is null or r.flow_instance_id = any(${f.flowInstanceIds}))
    and (${f.from === null ? null : lowestIdAt(f.from)}::uuid is null or r.id >= ${f.from === null ? null : lowestIdAt(f.from)})
    and (${f.to === null ? null : lowestIdAt(new Date(f.to.getTime() + 1))}::uuid is null or r.id < ${f.to === null ? null : lowestIdAt(new Date(f.to.getTime() + 1))})`
  const { rows } = await sql<RunRow>`
    select ${rowColumns}
      from (
        (select ${listed('active')} from flow_runs_active r where ${matches} order by r.id desc limit ${page.limit})
        union all
        (select ${listed('final')} from flow_runs r where ${matches} order by r.id desc limit ${page.limit})
      ) r
      left join event_inputs e on e.id = r.app_event_id
     order by r.id desc limit ${page.limit}`.execute(tx)
  return rows
}

const rowColumns =
  sql.raw(`r.id, r.workspace_id as "workspaceId", r.customer_id as "customerId", r.connection_id as "connectionId",
  r.integration_id as "integrationId", r.flow_instance_id as "flowInstanceId", r.flow_id as "flowId", r.universal_flow_id as "universalFlowId",
  r.version_id as "versionId", r.start_node_key as "startNodeKey", r.app_event_id as "appEventId", coalesce(r.input, e.payload) as input,
  r.launched_by as "launchedBy", r.meta, r.state, r.started_at as "startedAt", r.ended_at as "endedAt", r.errors, r.node_counts as "nodeCounts",
  r.due_at as "dueAt"`)

export async function runById(tx: Tx, workspaceId: string, id: string): Promise<RunRow | null> {
  const { rows } = await sql<RunRow>`
    select ${rowColumns}
      from (
        select ${listed('active')} from flow_runs_active r where r.id = ${id} and r.workspace_id = ${workspaceId}
        union all
        select ${listed('final')} from flow_runs r where r.id = ${id} and r.workspace_id = ${workspaceId}
      ) r
      left join event_inputs e on e.id = r.app_event_id`.execute(tx)
  return rows[0] ?? null
}

/** The runs that events launched, oldest first. */
export async function runsOfEvents(
  tx: Tx,
  eventIds: readonly string[],
): Promise<{ id: string; appEventId: string; flowInstanceId: string; state: FlowRunState }[]> {
  if (eventIds.length === 0) return []
  const { rows } = await sql<{ id: string; appEventId: string; flowInstanceId: string; state: FlowRunState }>`
    select id, app_event_id as "appEventId", flow_instance_id as "flowInstanceId", state
      from (
        select id, app_event_id, flow_instance_id, state from flow_runs_active where app_event_id = any(${eventIds}::uuid[])
        union all
        select id, app_event_id, flow_instance_id, state from flow_runs where app_event_id = any(${eventIds}::uuid[])
      ) r order by id`.execute(tx)
  return rows
}
