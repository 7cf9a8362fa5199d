import type { Page } from '../api/paging.ts'
import { texts } from '../platform/array-parameters.ts'
import { asJson, sql, type Tx } from '../platform/database.ts'
import { hasText } from '../platform/look-through.ts'
import { shardOf } from '../platform/ownership.ts'
import type { BrokerSource, SourceState } from './source.ts'

const columns = sql.raw(`s.id, s.workspace_id as "workspaceId", s.uuid, s.key, s.name, s.description, s.meta,
  s.app_event_type_id as "appEventTypeId", s.url, s.login_sealed as "loginSealed", s.customer_header as "customerHeader",
  s.id_header as "idHeader", s.paused_at as "pausedAt", s.revision, s.created_at as "createdAt", s.updated_at as "updatedAt",
  s.archived_at as "archivedAt"`)

const states =
  sql.raw(`t.state, t.seen_at as "seenAt", t.connected_at as "connectedAt", t.error, t.error_at as "errorAt",
  t.last_message_at as "lastMessageAt", t.lag, t.accepted, t.refused`)

/** A source with what was last said of it. */
export interface KnownSource {
  id: string
  source: BrokerSource
  known: SourceState | null
}

type Row = BrokerSource & { [K in keyof SourceState]: SourceState[K] | null }

function knownOf(row: Row): KnownSource {
  const { state, seenAt, connectedAt, error, errorAt, lastMessageAt, lag, accepted, refused, ...source } = row
  if (state === null || seenAt === null) return { id: row.id, source, known: null }
  const counts = { lag: lag === null ? null : Number(lag), accepted: Number(accepted), refused: Number(refused) }
  return { id: row.id, source, known: { state, seenAt, connectedAt, error, errorAt, lastMessageAt, ...counts } }
}

export async function insertSource(tx: Tx, s: BrokerSource): Promise<void> {
  await sql`
    insert into broker_sources (id, workspace_id, uuid, key, name, description, meta, app_event_type_id, url, login_sealed,
      customer_header, id_header, paused_at, shard, revision, created_at, updated_at)
    values (${s.id}, ${s.workspaceId}, ${s.uuid}, ${s.key}, ${s.name}, ${s.description}, ${asJson(s.meta)}, ${s.appEventTypeId}, ${s.url},
      ${s.loginSealed}, ${s.customerHeader}, ${s.idHeader}, ${s.pausedAt}, ${shardOf(s.id)}, ${s.revision}, ${s.createdAt}, ${s.updatedAt})`.execute(
    tx,
  )
}

export async function updateSource(tx: Tx, s: BrokerSource): Promise<void> {
  await sql`
    update broker_sources set key = ${s.key}, name = ${s.name}, description = ${s.description}, meta = ${asJson(s.meta)},
      app_event_type_id = ${s.appEventTypeId}, url = ${s.url}, login_sealed = ${s.loginSealed}, customer_header = ${s.customerHeader},
      id_header = ${s.idHeader}, paused_at = ${s.pausedAt}, revision = ${s.revision}, updated_at = ${s.updatedAt}, archived_at = ${s.archivedAt}
     where id = ${s.id}`.execute(tx)
}

export async function brokerSourceById(tx: Tx, workspaceId: string, id: string): Promise<KnownSource | null> {
  const { rows } = await sql<Row>`
    select ${columns}, ${states} from broker_sources s left join broker_source_states t on t.source_id = s.id
     where s.id = ${id} and s.workspace_id = ${workspaceId}`.execute(tx)
  return rows[0] === undefined ? null : knownOf(rows[0])
}

/** The living one with this key, else the one archived last. */
export async function brokerSourceByKey(tx: Tx, workspaceId: string, key: string): Promise<KnownSource | null> {
  const { rows } = await sql<Row>`
    select ${columns}, ${states} from broker_sources s left join broker_source_states t on t.source_id = s.id
     where s.workspace_id = ${workspaceId} and s.key = ${key} order by s.archived_at desc nulls first limit 1`.execute(
    tx,
  )
  return rows[0] === undefined ? null : knownOf(rows[0])
}

export async function listSources(
  tx: Tx,
  filter: { workspaceId: string; search: string | null; includeArchived: boolean; appEventTypeId: string | null },
  page: Page,
): Promise<KnownSource[]> {
  const { rows } = await sql<Row>`
    select ${columns}, ${states} from broker_sources s left join broker_source_states t on t.source_id = s.id
     where s.workspace_id = ${filter.workspaceId} and (${page.before}::uuid is null or s.id < ${page.before})
       and (${filter.includeArchived} or s.archived_at is null)
       and (${filter.appEventTypeId}::uuid is null or s.app_event_type_id = ${filter.appEventTypeId})
       and ${hasText(['s.name', 's.key'], filter.search)}
     order by s.id desc limit ${page.limit}`.execute(tx)
  return rows.map(knownOf)
}

/** What is to be read in these shards. */
export async function sourcesToRead(tx: Tx, shards: readonly number[]): Promise<BrokerSource[]> {
  if (shards.length === 0) return []
  const { rows } = await sql<BrokerSource>`
    select ${columns} from broker_sources s
     where s.shard = any(${shards}::smallint[]) and s.archived_at is null and s.paused_at is null`.execute(tx)
  return rows
}

/** How a source goes, with how much came since it was last said. */
export type Said = SourceState & { sourceId: string }

/** Says how sources go; what they count is added to what was counted before. */
export async function saySources(tx: Tx, said: readonly Said[]): Promise<void> {
  if (said.length === 0) return
  const of = <T>(pick: (each: Said) => T) => said.map(pick)
  await sql`
    insert into broker_source_states as t (source_id, state, seen_at, connected_at, error, error_at, last_message_at, lag, accepted, refused)
    select w.* from unnest(${of((each) => each.sourceId)}::uuid[], ${of((each) => each.state)}::text[], ${of((each) => each.seenAt)}::timestamptz[],
        ${of((each) => each.connectedAt)}::timestamptz[], ${texts(of((each) => each.error))}::text[], ${of((each) => each.errorAt)}::timestamptz[],
        ${of((each) => each.lastMessageAt)}::timestamptz[], ${of((each) => each.lag)}::bigint[], ${of((each) => each.accepted)}::bigint[],
        ${of((each) => each.refused)}::bigint[]) as w (id, state, seen_at, connected_at, error, error_at, last_message_at, lag, accepted, refused)
      join broker_sources s on s.id = w.id
    on conflict (source_id) do update set state = excluded.state, seen_at = excluded.seen_at, connected_at = excluded.connected_at,
      error = coalesce(excluded.error, t.error), error_at = coalesce(excluded.error_at, t.error_at),
      last_message_at = coalesce(excluded.last_message_at, t.last_message_at), lag = excluded.lag,
      accepted = t.accepted + excluded.accepted, refused = t.refused + excluded.refused`.execute(tx)
}
