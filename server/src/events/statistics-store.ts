import { sql, type Tx } from '../platform/database.ts'
import type { IdRange, Sample } from '../platform/id-ranges.ts'

/** How many events each stretch of ids has; reads at most `sampleMax` rows of each. */
export async function countEvents(
  tx: Tx,
  workspaceId: string,
  ranges: readonly IdRange[],
  sampleMax: number,
): Promise<Sample[]> {
  const { rows } = await sql<Sample>`
    select s.count, s.last_id as "lastId"
      from unnest(${ranges.map((each) => each.from)}::uuid[], ${ranges.map((each) => each.before)}::uuid[])
           with ordinality as b(from_id, before_id, at)
     cross join lateral (
       select count(*)::int as count, (array_agg(id order by id desc))[1] as last_id
         from (select id from app_events where workspace_id = ${workspaceId} and id >= b.from_id and id < b.before_id
                order by id limit ${sampleMax}) e) s
     order by b.at`.execute(tx)
  return rows
}
