import type { FlowRunState } from '@permea/contract'
import type { Page } from '../api/paging.ts'
import { type Statement, sql, type Tx } from '../platform/database.ts'
import { conditionsOf, type Looked, lookThrough, newestOf, withinBytes } from '../platform/look-through.ts'
import { shardOf } from '../platform/ownership.ts'
import { type RowLists, rowLists } from '../platform/row-lists.ts'
import { ACTIVE_COLUMNS } from './batch-store.ts'
import { ALWAYS_DUE } from './record-store.ts'
import { beginsWithNodeRuns, laneOf, type NewRun, type RunItem, type RunRow, runItem, type Waiting } from './run.ts'

/** Stores new runs with rows of their own, in order, with the news of them where somebody listens. */
export function runsInsert(runs: readonly { id: string; run: NewRun }[], now: Date): Statement {
  return { name: 'runs-insert', text: INSERT, values: [...NEW.values(runs.map((each) => ({ ...each, now })))] }
}

const NEW: RowLists<{ id: string; run: NewRun; now: Date }> = rowLists<{ id: string; run: NewRun; now: Date }>({
  ...ACTIVE_COLUMNS,
  meta: ['text', ({ run }) => (run.meta === null ? null : JSON.stringify(run.meta))],
  shard: ['smallint', ({ run }) => shardOf(laneOf(run))],
  due_at: ['timestamptz', ({ run, now }) => (run.isOrdered ? ALWAYS_DUE : now)],
})

const INSERT = `
  with queued as (
  insert into flow_runs_active (${NEW.names}, state)
  select ${NEW.names.replace(/\bmeta\b/, 'meta::json')}, 'queued' from ${NEW.table('r')}
  returning id, workspace_id)
  insert into flow_run_news (run_id, workspace_id, event_type)
  select q.id, q.workspace_id, 'flowRun.queued' from queued q
    join flow_run_audience h on h.workspace_id = q.workspace_id and 'flowRun.queued' = any(h.event_types)`

/** Rows of these shards, as `LaneSource.countOf` describes. */
export async function runsWaiting(tx: Tx, shards: readonly number[], most: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from (select from flow_runs_active where shard = any(${shards}::smallint[]) limit ${most}) a`.execute(
    tx,
  )
  return rows[0]?.count ?? 0
}

/** Every lane of these shards with work, and when its first work is due: walks from lane to lane in the index. */
export async function lanesWithRuns(tx: Tx, shards: readonly number[]): Promise<{ laneId: string; dueAt: Date }[]> {
  const { rows } = await sql<{ laneId: string; dueAt: Date }>`
    select lane_id as "laneId", due_at as "dueAt" from unnest(${shards}::smallint[]) as s (shard) cross join lateral (
      with recursive lane as (
        (select lane_id, coalesce(held_until, due_at) as due_at from flow_runs_active a
          where a.shard = s.shard order by lane_id, a.due_at limit 1)
        union all
        select n.* from lane l cross join lateral
          (select a.lane_id, coalesce(a.held_until, a.due_at) from flow_runs_active a
            where a.shard = s.shard and a.lane_id > l.lane_id order by a.lane_id, a.due_at limit 1) n
      )
      select * from lane) l`.execute(tx)
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
           r.universal_flow_id as "universalFlowId", r.version_id as "versionId", r.start_node_key as "startNodeKey", r.app_event_id as "eventId",
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
  const item = runItem(row.id, run, input, row.state === 'queued' && !beginsWithNodeRuns(run))
  return { ...item, laneId: row.laneId, startedAt: row.startedAt, waiting: row.waiting }
}

/**
 * Ends a run that is not finished as stopped, wherever it stands; null where it had ended already. Says whether anybody
 * is to be notified.
 */
export async function stopRun(tx: Tx, id: string, now: Date): Promise<{ hasNews: boolean } | null> {
  const { rows } = await sql<{ isStopped: boolean; hasNews: boolean }>`
    with open as (
      select * from flow_runs_open where id = ${id} limit 1
    ), gone as (
      delete from flow_runs_active where id = ${id}
    ), unwaited as (
      delete from flow_run_waits where run_id = ${id}
    ), logged as (
      insert into flow_runs (id, workspace_id, customer_id, connection_id, integration_id, flow_instance_id, flow_id, universal_flow_id, version_id,
        start_node_key, app_event_id, input, launched_by, meta, state, started_at, ended_at)
      select id, workspace_id, customer_id, connection_id, integration_id, flow_instance_id, flow_id, universal_flow_id, version_id,
        start_node_key, app_event_id, input, launched_by, meta, 'stopped', started_at, ${now} from open
      on conflict do nothing
      returning id, workspace_id
    ), news as (
      insert into flow_run_news (run_id, workspace_id, event_type)
      select l.id, l.workspace_id, 'flowRun.stopped' from logged l
        join flow_run_audience h on h.workspace_id = l.workspace_id and 'flowRun.stopped' = any(h.event_types)
      returning 1
    )
    select exists (select 1 from logged) as "isStopped", exists (select 1 from news) as "hasNews"`.execute(tx)
  const [row] = rows
  return row?.isStopped === true ? { hasNews: row.hasNews } : null
}

// ── reading ──

const listed = (kind: 'open' | 'final') =>
  sql.raw(`r.id, r.workspace_id, r.customer_id, r.connection_id, r.integration_id, r.flow_instance_id, r.flow_id, r.universal_flow_id, r.version_id,
    r.start_node_key, r.app_event_id, r.input, r.launched_by, r.meta, r.state, r.started_at,
    ${kind === 'final' ? 'r.ended_at, r.errors, r.node_counts, r.node_runs, r.payload_cut_at, null::timestamptz as due_at' : 'null::timestamptz as ended_at, null::json as errors, null::json as node_counts, null::text as node_runs, null::timestamptz as payload_cut_at, r.due_at'}`)

export interface RunFilter {
  workspaceId: string
  customerId: string | null
  flowInstanceId: string | null
  flowId: string | null
  universalFlowId: string | null
  integrationId: string | null
  connectionId: string | null
  eventId: string | null
  state: FlowRunState | null
  startNodeKey: string | null
  /** Of these instances only. */
  flowInstanceIds: readonly string[] | null
  from: Date | null
  to: Date | null
}

/**
 * Runs, finished or not, newest first. Those that are not are read first, so that one that ends meanwhile is not missed.
 */
export async function listRuns(tx: Tx, f: RunFilter, page: Page): Promise<Looked<RunRow>> {
  const others = {
    flow_id: f.flowId,
    universal_flow_id: f.universalFlowId,
    integration_id: f.integrationId,
    connection_id: f.connectionId,
    start_node_key: f.startNodeKey,
  }
  const given = {
    workspaceId: f.workspaceId,
    indexed: { app_event_id: f.eventId, flow_instance_id: f.flowInstanceId, customer_id: f.customerId },
    others,
    more: [f.flowInstanceIds === null ? null : sql`r.flow_instance_id = any(${f.flowInstanceIds}::uuid[])`],
    span: f,
  }
  const open =
    f.state !== null && ENDS.includes(f.state)
      ? { rows: [], lookedTo: null }
      : await lookThrough<RunRow>(tx, {
          log: 'flow_runs_open',
          columns: shown('open'),
          heavy: ['input'],
          ...conditionsOf({ ...given, others: { ...others, state: f.state } }),
          page,
        })
  // Failed ones have an index.
  const failed = f.state === 'failed' ? f.state : null
  const final = await lookThrough<RunRow>(tx, {
    log: 'flow_runs',
    columns: shown('final'),
    heavy: ['input', 'node_runs'],
    ...conditionsOf({
      ...given,
      indexed: { ...given.indexed, state: failed },
      others: { ...others, state: failed === null ? f.state : null },
    }),
    page,
  })
  const found = await lightEnough(tx, newestOf([final, open], page.limit))
  return { ...found, rows: await withInputs(tx, found.rows) }
}

/** As many of the runs as a page may hold with the payloads of the events that launched them, but at least one. */
async function lightEnough(tx: Tx, found: Looked<RunRow>): Promise<Looked<RunRow>> {
  const wanted = eventsOf(found.rows)
  if (wanted.length === 0) return found
  const { rows } = await sql<{ id: string; bytes: number }>`
    select id, octet_length(payload) as bytes from event_inputs where id = any(${wanted}::uuid[])`.execute(tx)
  const bytesOf = new Map(rows.map(({ id, bytes }) => [id, bytes]))
  return withinBytes(found, (run) => (run.input === null ? (bytesOf.get(run.eventId ?? '') ?? 0) : run.input.length))
}

function eventsOf(runs: readonly RunRow[]): string[] {
  return [...new Set(runs.flatMap((run) => (run.input === null && run.eventId !== null ? [run.eventId] : [])))]
}

/** The runs with the payloads of the events that launched those without an input of their own. */
async function withInputs(tx: Tx, runs: readonly RunRow[]): Promise<RunRow[]> {
  const wanted = eventsOf(runs)
  if (wanted.length === 0) return [...runs]
  const { rows } = await sql<{ id: string; payload: string; payloadCutAt: Date | null }>`
    select id, payload, payload_cut_at as "payloadCutAt" from event_inputs where id = any(${wanted}::uuid[])`.execute(
    tx,
  )
  const events = new Map(rows.map((row) => [row.id, row]))
  return runs.map((run) => {
    const event = run.input === null ? events.get(run.eventId ?? '') : undefined
    if (event === undefined) return run
    return { ...run, input: event.payload, payloadCutAt: run.payloadCutAt ?? event.payloadCutAt }
  })
}

const ENDS: readonly FlowRunState[] = ['completed', 'failed', 'stopped']

const NAMED = `r.id, r.workspace_id as "workspaceId", r.customer_id as "customerId", r.connection_id as "connectionId",
  r.integration_id as "integrationId", r.flow_instance_id as "flowInstanceId", r.flow_id as "flowId", r.universal_flow_id as "universalFlowId",
  r.version_id as "versionId", r.start_node_key as "startNodeKey", r.app_event_id as "eventId",
  r.launched_by as "launchedBy", r.meta, r.state, r.started_at as "startedAt"`

const FINAL = `r.ended_at as "endedAt", r.errors, r.node_counts as "nodeCounts", r.node_runs as "nodeRuns"`

const shown = (kind: 'open' | 'final') =>
  sql.raw(
    `${NAMED}, r.input, ${
      kind === 'final'
        ? `${FINAL}, r.payload_cut_at as "payloadCutAt", null::timestamptz as "dueAt"`
        : `null::timestamptz as "endedAt", null::json as errors, null::json as "nodeCounts", null::text as "nodeRuns",
           null::timestamptz as "payloadCutAt", r.due_at as "dueAt"`
    }`,
  )

const rowColumns = sql.raw(`${NAMED}, coalesce(r.input, e.payload) as input, ${FINAL},
  coalesce(r.payload_cut_at, case when r.input is null then e.payload_cut_at end) as "payloadCutAt", r.due_at as "dueAt"`)

export async function runById(tx: Tx, workspaceId: string, id: string): Promise<RunRow | null> {
  const { rows } = await sql<RunRow>`
    select ${rowColumns}
      from (
        select ${listed('open')} from flow_runs_open r where r.id = ${id} and r.workspace_id = ${workspaceId}
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
): Promise<{ id: string; eventId: string; flowInstanceId: string; state: FlowRunState }[]> {
  if (eventIds.length === 0) return []
  const { rows } = await sql<{ id: string; eventId: string; flowInstanceId: string; state: FlowRunState }>`
    select id, app_event_id as "eventId", flow_instance_id as "flowInstanceId", state
      from (
        select id, app_event_id, flow_instance_id, state from flow_runs_open where app_event_id = any(${eventIds}::uuid[])
        union all
        select id, app_event_id, flow_instance_id, state from flow_runs where app_event_id = any(${eventIds}::uuid[])
      ) r order by id`.execute(tx)
  return rows
}
