import type { ErrorData } from '@permea/contract'
import { uuids } from '../platform/array-parameters.ts'
import type { Database, Statement } from '../platform/database.ts'
import { type RowLists, rowLists } from '../platform/row-lists.ts'
import { activating } from './batch-store.ts'
import type { NodeCounts, NodeRun } from './node-run.ts'
import { nodeRunsText } from './node-run-text.ts'
import { launchedByText, type RunItem, type Waiting } from './run.ts'
import { type EventWait, lockingWaits, registeringWaits } from './waits-store.ts'

/** What a run came to since the last time it was recorded. */
export interface RunProgress {
  item: RunItem
  startedAt: Date
  nodeRuns: NodeRun[]
  /** Whether these are all that it has: then they can stand in its own row. */
  isAll: boolean
  /** It waits: nothing to do until then. */
  waits: { until: Date; isOrdered: boolean; waiting: Waiting } | null
  finish: { state: 'completed' | 'failed'; endedAt: Date; errors: ErrorData[]; nodeCounts: NodeCounts } | null
  /** Somebody stopped it: its end is in the log already. */
  isStopped: boolean
}

/** In a strictly ordered lane position alone gives the order. */
export const ALWAYS_DUE = new Date(0)

type Finished = RunProgress & { finish: NonNullable<RunProgress['finish']>; nodeRunsText: string | null }

/**
 * Records the progress of many runs at once: node runs, that runs have started, that they wait, that they ended. An ended
 * run gets its row in the log and loses the active one, if it has any; gives the ids of those whose row is new there, so
 * that of two endings (say, a stop at the same moment) exactly one counts. What is already recorded is left alone,
 * because a commit whose answer was lost is asked for again. Runs of a batch get rows of their own when they go on.
 *
 * @param doneBatches batches of which nothing is left, to be deleted on the way
 */
async function recordProgress(
  database: Database,
  progress: readonly RunProgress[],
  doneBatches: readonly string[],
  now: Date,
): Promise<{ ended: Set<string>; hasNews: boolean }> {
  const ends: Finished[] = []
  const others: RunProgress[] = []
  for (const each of progress) {
    const { finish } = each
    if (finish === null) {
      others.push(each)
      continue
    }
    const text = each.isAll ? nodeRunsText(each.nodeRuns) : null
    ends.push({ ...each, finish, nodeRunsText: text })
    if (text === null && each.nodeRuns.length > 0) others.push(each)
  }
  const unstored = others.filter((each) => each.finish === null && !each.isStopped && each.item.batch !== null)
  const waits = others.flatMap(eventWaitsOf)
  const statements: Statement[] = [
    ...(waits.length === 0 ? [] : [lockingWaits(waits)]),
    ...(unstored.length === 0
      ? []
      : [
          activating(
            unstored.map((each) => each.item),
            now,
          ),
        ]),
    ...(others.length === 0 ? [] : [going(others)]),
    ...(waits.length === 0 ? [] : [registeringWaits(waits, now)]),
    ...(ends.length === 0 && doneBatches.length === 0 ? [] : [ending(ends, doneBatches)]),
  ]
  const answers = await database.atomically<{ ended?: string[] | null; hasNews?: boolean }>(statements)
  const rows = answers.flat()
  return {
    ended: new Set(rows.flatMap((row) => row.ended ?? [])),
    hasNews: rows.some((row) => row.hasNews === true),
  }
}

/** Stores progress, all of it or nothing, and deletes batches of which nothing is left; gives whose end counts. */
export type RecordProgress = (
  progress: readonly RunProgress[],
  doneBatches: readonly string[],
  now: Date,
) => Promise<{ ended: Set<string>; hasNews: boolean }>

/** Records in this database. */
export function recordingIn(database: Database): RecordProgress {
  return (progress, doneBatches, now) => recordProgress(database, progress, doneBatches, now)
}

/** What of a run's node runs waits for events. */
function eventWaitsOf({ item, waits, isStopped }: RunProgress): EventWait[] {
  if (waits === null || isStopped) return []
  return Object.entries(waits.waiting).flatMap(([path, { awaits, logs }]) =>
    awaits === undefined
      ? []
      : [
          {
            runId: item.id,
            path,
            customerId: item.run.customerId,
            key: awaits,
            about: JSON.stringify(logs[0] ?? null),
            sinceId: item.run.eventId ?? item.id,
          },
        ],
  )
}

// ── runs that go on ──

const NODE_RUNS: RowLists<NodeRun> = rowLists({
  id: ['uuid', (n) => n.id],
  run_id: ['uuid', (n) => n.runId],
  node_key: ['text', (n) => n.nodeKey],
  path: ['text', (n) => n.path],
  status: ['text', (n) => n.status],
  item: ['text', (n) => n.item],
  outputs: ['text', (n) => n.outputs],
  errors: ['text', (n) => (n.errors.length === 0 ? null : JSON.stringify(n.errors))],
  logs: ['text', (n) => (n.logs.length === 0 ? null : JSON.stringify(n.logs))],
  started_at: ['timestamptz', (n) => n.startedAt],
  ended_at: ['timestamptz', (n) => n.endedAt],
  attempts: ['smallint', (n) => n.attempts],
  next: ['text', (n) => n.next],
})

/** Node runs that a run begins with. */
export function nodeRunsInsert(nodeRuns: readonly NodeRun[]): Statement {
  return {
    name: 'node-runs-insert',
    text: `insert into flow_node_runs (${NODE_RUNS.names}) select * from ${NODE_RUNS.table('n')}`,
    values: [...NODE_RUNS.values([...nodeRuns])],
  }
}

const STARTED: RowLists<RunProgress> = rowLists({
  id: ['uuid', ({ item }) => item.id],
  started_at: ['timestamptz', ({ startedAt }) => startedAt],
})

const WAITING: RowLists<RunProgress> = rowLists({
  id: ['uuid', ({ item }) => item.id],
  started_at: ['timestamptz', ({ startedAt }) => startedAt],
  due_at: ['timestamptz', ({ waits }) => (waits?.isOrdered === true ? ALWAYS_DUE : (waits?.until ?? null))],
  held_until: ['timestamptz', ({ waits }) => (waits?.isOrdered === true ? waits.until : null)],
  waiting: ['text', ({ waits }) => JSON.stringify(waits?.waiting ?? null)],
})

const STARTED_FIRST = 1 + NODE_RUNS.count
const WAITING_FIRST = STARTED_FIRST + STARTED.count
const STOPPED_AT = WAITING_FIRST + WAITING.count

function going(progress: readonly RunProgress[]): Statement {
  const started = progress.filter((each) => each.finish === null && each.waits === null && !each.isStopped)
  const waits = progress.filter((each) => each.waits !== null && !each.isStopped)
  const stopped = progress.filter((each) => each.isStopped)
  return {
    name: 'runs-record-progress',
    text: GOING,
    values: [
      ...NODE_RUNS.values(progress.flatMap((each) => each.nodeRuns)),
      ...STARTED.values(started),
      ...WAITING.values(waits),
      uuids(stopped.map(({ item }) => item.id)),
    ],
  }
}

const GOING = `
  with recorded as (
    insert into flow_node_runs (${NODE_RUNS.names}) select * from ${NODE_RUNS.table('n')} on conflict do nothing
  ), started as (
    update flow_runs_active a set state = 'running', started_at = s.started_at
      from ${STARTED.table('s', STARTED_FIRST)} where a.id = s.id
    returning a.id, a.workspace_id, (select o.state from flow_runs_active o where o.id = a.id) as state_before
  ), waiting as (
    update flow_runs_active a set state = 'running', started_at = w.started_at, due_at = w.due_at, held_until = w.held_until, waiting = w.waiting::json
      from ${WAITING.table('w', WAITING_FIRST)} where a.id = w.id
    returning a.id, a.workspace_id, (select o.state from flow_runs_active o where o.id = a.id) as state_before
  ), stopped as (
    delete from flow_runs_active where id = any($${STOPPED_AT}::uuid[])
  ), audience as materialized (
    select workspace_id from flow_run_audience where 'flowRun.started' = any(event_types)
  ), news as (
    insert into flow_run_news (run_id, workspace_id, event_type)
    select n.id, n.workspace_id, 'flowRun.started'
      from (select * from started union all select * from waiting) n join audience h on h.workspace_id = n.workspace_id
     where n.state_before = 'queued'
    returning 1
  )
  select exists (select 1 from news) as "hasNews"`

// ── runs that ended ──

const ENDED: RowLists<Finished> = rowLists({
  id: ['uuid', ({ item }) => item.id],
  workspace_id: ['uuid', ({ item }) => item.run.workspaceId],
  customer_id: ['uuid', ({ item }) => item.run.customerId],
  connection_id: ['uuid', ({ item }) => item.run.connectionId],
  integration_id: ['uuid', ({ item }) => item.run.integrationId],
  flow_instance_id: ['uuid', ({ item }) => item.run.flowInstanceId],
  flow_id: ['uuid', ({ item }) => item.run.flowId],
  universal_flow_id: ['uuid', ({ item }) => item.run.universalFlowId],
  version_id: ['uuid', ({ item }) => item.run.versionId],
  start_node_key: ['text', ({ item }) => item.run.startNodeKey],
  app_event_id: ['uuid', ({ item }) => item.run.eventId],
  input: ['text', ({ item }) => item.run.inputText],
  launched_by: ['text', ({ item }) => launchedByText(item.run)],
  meta: ['text', ({ item }) => (item.run.meta === null ? null : JSON.stringify(item.run.meta))],
  state: ['text', ({ finish }) => finish.state],
  started_at: ['timestamptz', ({ startedAt }) => startedAt],
  ended_at: ['timestamptz', ({ finish }) => finish.endedAt],
  errors: ['text', ({ finish }) => (finish.errors.length === 0 ? null : JSON.stringify(finish.errors))],
  // Node runs that stand beside it tell the counts as well.
  node_counts: ['text', (each) => (each.nodeRunsText === null ? JSON.stringify(each.finish.nodeCounts) : null)],
  node_runs: ['text', ({ nodeRunsText: text }) => text],
})

function ending(ends: readonly Finished[], doneBatches: readonly string[]): Statement {
  return { name: 'runs-record-ends', text: ENDING, values: [...ENDED.values(ends), uuids(doneBatches)] }
}

const ENDING = `
  with done as (
    delete from flow_run_batches where id = any($${ENDED.count + 1}::uuid[])
  ), logged as (
    insert into flow_runs (${ENDED.names})
    select ${ENDED.names.replace(/\b(meta|errors|node_counts)\b/g, '$1::json')} from ${ENDED.table('e')}
    on conflict do nothing
    returning id, workspace_id, state
  ), gone as (
    delete from flow_runs_active where id = any($1::uuid[]) returning id, state
  ), unwaited as (
    delete from flow_run_waits where run_id in (select id from gone)
  ), audience as materialized (
    select * from flow_run_audience
  ), news as (
    insert into flow_run_news (run_id, workspace_id, event_type)
    select l.id, l.workspace_id, n.event_type
      from logged l join audience h on h.workspace_id = l.workspace_id
     cross join lateral (values ('flowRun.started', 1), ('flowRun.' || l.state, 2)) as n (event_type, step)
     where n.event_type = any(h.event_types)
       and (n.step = 2 or coalesce((select g.state from gone g where g.id = l.id), 'queued') = 'queued')
     order by n.step
    returning 1
  )
  select (select array_agg(id) from logged) as ended, exists (select 1 from news) as "hasNews"`
