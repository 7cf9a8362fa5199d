import { sql, type Tx } from '../platform/database.ts'
import { SOURCE_BELIEVED_MS } from './source.ts'

/** How far the sources of a workspace that are to be read are behind, as it was last said of them. */
export interface SourcesBehind {
  sources: number
  /** Of those of which it is known; null where of none. */
  waiting: number | null
  unknown: number
  failing: number
  failingFirst: { id: string; name: string }[]
}

/**
 * Sums what was said of up to `max` sources. Whoever is not connected knows nothing of what waits, and what was said long
 * ago is as good as unsaid: neither counts as nothing.
 */
export async function sourcesBehind(tx: Tx, workspaceId: string, now: Date, max: number): Promise<SourcesBehind> {
  const believedFrom = new Date(now.getTime() - SOURCE_BELIEVED_MS)
  const { rows } = await sql<Omit<SourcesBehind, 'waiting'> & { waiting: string | null }>`
    select count(*)::int as sources, sum(lag) as waiting, (count(*) - count(lag))::int as unknown,
           count(*) filter (where "isFailing")::int as failing,
           coalesce((array_agg(json_build_object('id', id, 'name', name) order by key) filter (where "isFailing"))[1:5],
             '{}') as "failingFirst"
      from (select s.id, s.key, s.name, case when t.connected_at is not null then t.lag end as lag,
                   coalesce(t.state = 'failing', false) as "isFailing"
              from (select id, key, name, paused_at from broker_sources
                     where workspace_id = ${workspaceId} and archived_at is null order by key limit ${max}) s
              left join lateral (select state, connected_at, lag from broker_source_states
                                  where source_id = s.id and seen_at > ${believedFrom} limit 1) t on true
             where s.paused_at is null) s`.execute(tx)
  const [row] = rows
  if (row === undefined) return { sources: 0, waiting: null, unknown: 0, failing: 0, failingFirst: [] }
  return { ...row, waiting: row.waiting === null ? null : Number(row.waiting) }
}
