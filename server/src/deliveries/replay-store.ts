import type { Page } from '../api/paging.ts'
import { only, sql, type Tx } from '../platform/database.ts'
import { lowestIdAt } from '../platform/ids.ts'

export interface ReplayFilter {
  destinationId: string | null
  state: 'succeeded' | 'exhausted' | 'cancelled' | null
  eventType: string | null
  from: Date | null
  to: Date | null
}

export interface Replay {
  id: string
  workspaceId: string
  filter: Record<string, unknown>
  ratePerSecond: number
  state: 'running' | 'completed' | 'cancelled'
  total: number
  succeeded: number
  failed: number
  doneUntil: string | null
  createdAt: Date
  endedAt: Date | null
}

const replayColumns =
  sql.raw(`id, workspace_id as "workspaceId", filter, rate_per_second as "ratePerSecond", state, total, succeeded, failed,
  done_until as "doneUntil", created_at as "createdAt", ended_at as "endedAt"`)

export async function insertReplay(tx: Tx, r: Replay): Promise<void> {
  await sql`
    insert into delivery_replays (id, workspace_id, filter, rate_per_second, state, total, created_at)
    values (${r.id}, ${r.workspaceId}, ${JSON.stringify(r.filter)}, ${r.ratePerSecond}, ${r.state}, ${r.total}, ${r.createdAt})`.execute(
    tx,
  )
}

/** Progress is written while it runs only: a cancelled replay stays cancelled. */
export async function saveReplayProgress(tx: Tx, r: Replay): Promise<boolean> {
  const { rows } = await sql<{ id: string }>`
    update delivery_replays set state = ${r.state}, succeeded = ${r.succeeded}, failed = ${r.failed}, done_until = ${r.doneUntil}, ended_at = ${r.endedAt}
     where id = ${r.id} and state = 'running' returning id`.execute(tx)
  return rows.length === 1
}

export async function cancelReplay(tx: Tx, id: string, now: Date): Promise<void> {
  await sql`update delivery_replays set state = 'cancelled', ended_at = ${now} where id = ${id} and state = 'running'`.execute(
    tx,
  )
}

export async function replayById(tx: Tx, id: string): Promise<Replay | null> {
  const { rows } = await sql<Replay>`select ${replayColumns} from delivery_replays where id = ${id}`.execute(tx)
  return rows[0] ?? null
}

export async function listReplays(tx: Tx, workspaceId: string, page: Page): Promise<Replay[]> {
  const { rows } = await sql<Replay>`
    select ${replayColumns} from delivery_replays where workspace_id = ${workspaceId} and (${page.before}::uuid is null or id < ${page.before})
     order by id desc limit ${page.limit}`.execute(tx)
  return rows
}

const settledMatching = (
  workspaceId: string,
  f: ReplayFilter,
  until: string,
) => sql`workspace_id = ${workspaceId} and id < ${until}
  and (${f.destinationId}::uuid is null or destination_id = ${f.destinationId})
  and (${f.state}::text is null or state = ${f.state})
  and (${f.eventType}::text is null or event_type = ${f.eventType})
  and (${f.from === null ? null : lowestIdAt(f.from)}::uuid is null or id >= ${f.from === null ? null : lowestIdAt(f.from)})
  and (${f.to === null ? null : lowestIdAt(new Date(f.to.getTime() + 1))}::uuid is null or id < ${f.to === null ? null : lowestIdAt(new Date(f.to.getTime() + 1))})`

export async function countSettled(tx: Tx, workspaceId: string, filter: ReplayFilter, until: string): Promise<number> {
  const { rows } = await sql<{
    count: number
  }>`select count(*) as count from deliveries where ${settledMatching(workspaceId, filter, until)}`.execute(tx)
  return only(rows).count
}

/** Ids of settled deliveries that match, oldest first, after the last one done. */
export async function settledPage(
  tx: Tx,
  workspaceId: string,
  filter: ReplayFilter,
  after: string | null,
  until: string,
  limit: number,
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from deliveries where ${settledMatching(workspaceId, filter, until)} and (${after}::uuid is null or id > ${after})
     order by id limit ${limit}`.execute(tx)
  return rows.map((row) => row.id)
}
