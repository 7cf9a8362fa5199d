import { uuids } from '../platform/array-parameters.ts'
import { type Database, type Statement, sql } from '../platform/database.ts'
import { SESSION } from '../platform/ownership-session.ts'
import { type Column, type RowLists, rowLists } from '../platform/row-lists.ts'
import { groupCapOf, laneOf, launchedByText, type NewRun } from './run.ts'

/** Runs of one batch that the same session works, as one row. */
const RUNS: RowLists<{ id: string; run: NewRun }> = rowLists({
  run_ids: ['uuid', ({ id }) => id],
  workspace_ids: ['uuid', ({ run }) => run.workspaceId],
  customer_ids: ['uuid', ({ run }) => run.customerId],
  connection_ids: ['uuid', ({ run }) => run.connectionId],
  integration_ids: ['uuid', ({ run }) => run.integrationId],
  flow_instance_ids: ['uuid', ({ run }) => run.flowInstanceId],
  flow_ids: ['uuid', ({ run }) => run.flowId],
  universal_flow_ids: ['uuid', ({ run }) => run.universalFlowId],
  version_ids: ['uuid', ({ run }) => run.versionId],
  start_node_keys: ['text', ({ run }) => run.startNodeKey],
  app_event_ids: ['uuid', ({ run }) => run.eventId],
  launched_by: ['text', ({ run }) => launchedByText(run)],
  group_caps: ['integer', ({ run }) => groupCapOf(run)],
})

type Run = { id: string; run: NewRun }

/** What batches need of the database. */
export interface BatchStore {
  inserting(id: string, owner: number, runs: readonly Run[]): Statement
  activate(runs: readonly Run[], now: Date): Promise<unknown>
  runsOf(
    owner: number,
    of: { ids: readonly string[] | null; known: readonly string[] },
  ): Promise<(Run & { batchId: string; input: string })[]>
  delete(ids: readonly string[]): Promise<void>
  takeOver(own: number | null, known: readonly string[], now: Date): Promise<number[]>
}

export function batchStoreOf(database: Database): BatchStore {
  return {
    inserting: batchInsert,
    activate: (runs, now) => database.query(activating(runs, now)),
    runsOf: (owner, of) => runsOfBatches(database, owner, of),
    delete: (ids) => batchesDelete(database, ids),
    takeOver: (own, known, now) => takeOverBatches(database, own, known, now),
  }
}

/** Whether a run can stand in a batch: an event launched it, and no other order counts than that of its owner. */
export function fitsBatch(run: NewRun): boolean {
  return !run.isOrdered && run.eventId !== null && run.inputText === null && run.meta === null
}

/** Stores new runs as one row, with the news of them where somebody listens. */
function batchInsert(id: string, owner: number, runs: readonly { id: string; run: NewRun }[]): Statement {
  return { name: 'run-batches-insert', text: INSERT, values: [id, owner, ...RUNS.values(runs)] }
}

const INSERT = `
  with audience as materialized (select * from flow_run_audience where 'flowRun.queued' = any(event_types)),
  news as (
    insert into flow_run_news (run_id, workspace_id, event_type)
    select r.id, r.workspace_id, 'flowRun.queued' from audience h join unnest($3::uuid[], $4::uuid[]) as r (id, workspace_id)
      on r.workspace_id = h.workspace_id
  )
  insert into flow_run_batches (id, owner, ${RUNS.names}) values ($1::uuid, $2::integer, ${RUNS.parameters(3)})`

/** Gives runs rows among the active ones, but those that are finished. */
export function activating(runs: readonly { id: string; run: NewRun }[], now: Date): Statement {
  return { name: 'runs-activate', text: ACTIVATE, values: [...ACTIVE.values(runs), now] }
}

/** The columns of an active run that come with it; the others say how far it is. */
export const ACTIVE_COLUMNS = {
  id: ['uuid', ({ id }) => id],
  workspace_id: ['uuid', ({ run }) => run.workspaceId],
  customer_id: ['uuid', ({ run }) => run.customerId],
  connection_id: ['uuid', ({ run }) => run.connectionId],
  integration_id: ['uuid', ({ run }) => run.integrationId],
  flow_instance_id: ['uuid', ({ run }) => run.flowInstanceId],
  flow_id: ['uuid', ({ run }) => run.flowId],
  universal_flow_id: ['uuid', ({ run }) => run.universalFlowId],
  version_id: ['uuid', ({ run }) => run.versionId],
  start_node_key: ['text', ({ run }) => run.startNodeKey],
  app_event_id: ['uuid', ({ run }) => run.eventId],
  input: ['text', ({ run }) => run.inputText],
  launched_by: ['text', ({ run }) => launchedByText(run)],
  lane_id: ['uuid', ({ run }) => laneOf(run)],
  is_ordered: ['boolean', ({ run }) => run.isOrdered],
  group_cap: ['integer', ({ run }) => groupCapOf(run)],
} as const satisfies Record<string, Column<{ id: string; run: NewRun }>>

const ACTIVE: RowLists<{ id: string; run: NewRun }> = rowLists(ACTIVE_COLUMNS)

const SHARD = (lane: string) => `get_byte(uuid_send(${lane}), 15) % 64`

const ACTIVATE = `
  insert into flow_runs_active (${ACTIVE.names}, state, shard, due_at)
  select ${ACTIVE.names}, 'queued', ${SHARD('lane_id')}, $${ACTIVE.count + 1}::timestamptz
    from ${ACTIVE.table('r')}
   where (select true from flow_runs f where f.id = r.id) is null
  on conflict do nothing`

interface HandedRow extends Omit<NewRun, 'inputText' | 'launchedBy' | 'meta' | 'isOrdered'> {
  id: string
  batchId: string
  launchedBy: string
  input: string | null
}

/** What is to be done of batches that session `owner` works, with the inputs; of all of them but `known` where `ids` is null. */
async function runsOfBatches(
  database: Database,
  owner: number,
  { ids, known }: { ids: readonly string[] | null; known: readonly string[] },
): Promise<{ batchId: string; id: string; run: NewRun; input: string }[]> {
  const rows = await database.query<HandedRow>(
    ids === null
      ? {
          name: 'runs-of-all-batches',
          text: `${HANDED} and not r.batch_id = any($2::uuid[])`,
          values: [owner, uuids(known)],
        }
      : { name: 'runs-of-batches', text: `${HANDED} and r.batch_id = any($2::uuid[])`, values: [owner, uuids(ids)] },
  )
  return rows.map(({ id, batchId, input, launchedBy, ...run }) => ({
    batchId,
    id,
    run: {
      ...run,
      inputText: null,
      launchedBy: JSON.parse(launchedBy) as NewRun['launchedBy'],
      meta: null,
      isOrdered: false,
    },
    input: input ?? 'null',
  }))
}

const HANDED = `
  select r.id, r.batch_id as "batchId", r.workspace_id as "workspaceId", r.customer_id as "customerId", r.connection_id as "connectionId",
         r.integration_id as "integrationId", r.flow_instance_id as "flowInstanceId", r.flow_id as "flowId",
         r.universal_flow_id as "universalFlowId", r.version_id as "versionId", r.start_node_key as "startNodeKey",
         r.app_event_id as "eventId", r.launched_by as "launchedBy", r.group_cap as concurrency, e.payload as input
    from flow_runs_in_batches r left join event_inputs e on e.id = r.app_event_id
   where r.owner = $1::integer`

/** Deletes batches whose runs are all in the log or among the active ones. */
async function batchesDelete(database: Database, ids: readonly string[]): Promise<void> {
  await database.query({ name: 'run-batches-delete', text: DELETE, values: [uuids(ids)] })
}

const DELETE = 'delete from flow_run_batches where id = any($1::uuid[])'

/**
 * Makes active rows of what is left of batches that no session works any more, and of those of session `own` that are
 * not in `known`. Gives the shards that have such runs.
 */
async function takeOverBatches(
  { db: tx }: Database,
  own: number | null,
  known: readonly string[],
  now: Date,
): Promise<number[]> {
  const { rows: found } = await sql<{ id: string }>`
    select b.id from flow_run_batches b
     where (b.owner = ${own} and b.id <> all(${known}::uuid[]))
        or (b.owner is distinct from ${own} and not exists (
             select 1 from pg_locks l where l.locktype = 'advisory' and l.granted and l.classid = ${SESSION} and l.objid::bigint = b.owner
                and l.database = (select oid from pg_database where datname = current_database())))`.execute(tx)
  if (found.length === 0) return []
  const { rows } = await sql<{ shard: number }>`
    with open as (
      select * from flow_runs_in_batches where batch_id = any(${found.map(({ id }) => id)}::uuid[])
    ), taken as (
      delete from flow_run_batches where id = any(${found.map(({ id }) => id)}::uuid[]) returning id
    ), activated as (
      insert into flow_runs_active (id, workspace_id, customer_id, connection_id, integration_id, flow_instance_id, flow_id, universal_flow_id,
        version_id, start_node_key, app_event_id, launched_by, lane_id, is_ordered, group_cap, state, shard, due_at)
      select o.id, o.workspace_id, o.customer_id, o.connection_id, o.integration_id, o.flow_instance_id, o.flow_id, o.universal_flow_id,
             o.version_id, o.start_node_key, o.app_event_id, o.launched_by, o.customer_id, false, o.group_cap, 'queued',
             ${sql.raw(SHARD('o.customer_id'))}, ${now}
        from open o join taken t on t.id = o.batch_id
      on conflict do nothing
      returning shard
    )
    select distinct shard from activated`.execute(tx)
  return rows.map((row) => row.shard)
}
