import { sql, type Tx } from '../platform/database.ts'
import { type IdRange, msOfId, type Sample } from '../platform/id-ranges.ts'

/** So many of a stretch are looked at for how long they took. */
const TIMED_MAX = 1000

export interface RunSample extends Sample {
  completed: number
  failed: number
  stopped: number
  p50: number | null
  p95: number | null
}

/**
 * How runs that were launched in each stretch of ids ended; reads at most `sampleMax` rows of each, and for how long it took
 * those at its beginning. */
export async function countRuns(
  tx: Tx,
  workspaceId: string,
  ranges: readonly IdRange[],
  sampleMax: number,
): Promise<RunSample[]> {
  const { rows } = await sql<RunSample>`
    select s.*
      from unnest(${ranges.map((each) => each.from)}::uuid[], ${ranges.map((each) => each.before)}::uuid[])
           with ordinality as b(from_id, before_id, at)
     cross join lateral (
       select count(*)::int as count, (array_agg(id order by id desc))[1] as "lastId",
              count(*) filter (where state = 'completed')::int as completed,
              count(*) filter (where state = 'failed')::int as failed,
              count(*) filter (where state = 'stopped')::int as stopped,
              percentile_disc(0.5) within group (order by ms) filter (where at <= ${TIMED_MAX})::float as p50,
              percentile_disc(0.95) within group (order by ms) filter (where at <= ${TIMED_MAX})::float as p95
         from (select id, state, row_number() over (order by id) as at, extract(epoch from ended_at) * 1000 - ${msOfId('id')} as ms
                 from flow_runs where workspace_id = ${workspaceId} and id >= b.from_id and id < b.before_id
                order by id limit ${sampleMax}) r) s
     order by b.at`.execute(tx)
  return rows
}

/** Runs that are not finished, counted up to `max` of all. */
export async function countActiveRuns(
  tx: Tx,
  workspaceId: string,
  max: number,
): Promise<{ queued: number; running: number }> {
  const { rows } = await sql<{ queued: number; running: number }>`
    select count(*) filter (where state = 'queued')::int as queued, count(*) filter (where state = 'running')::int as running
      from (select state from flow_runs_open where workspace_id = ${workspaceId} limit ${max}) r`.execute(tx)
  return rows[0] ?? { queued: 0, running: 0 }
}
