import type { Page } from '../api/paging.ts'
import { sql, type Tx } from '../platform/database.ts'
import { SHARDS } from '../platform/ownership.ts'

// ── shards ──

/** How far shards are applied within this stream; of one that was followed in another stream, nothing is. */
export async function openShards(tx: Tx, shards: readonly number[], stream: string): Promise<Map<number, number>> {
  const { rows } = await sql<{ shard: number; applied: number }>`
    insert into intake_shards as s (shard, stream, applied)
    select shard, ${stream}, 0 from unnest(${shards}::int[]) as n (shard) order by shard
    on conflict (shard) do update set stream = excluded.stream,
      applied = case when s.stream = excluded.stream then s.applied else 0 end
    returning shard, applied`.execute(tx)
  return new Map(rows.map((row) => [row.shard, row.applied]))
}

/** How far each shard is applied, of those that anybody followed in this stream. */
export async function appliedShards(tx: Tx, stream: string): Promise<Map<number, number>> {
  const { rows } = await sql<{ shard: number; applied: number }>`
    select shard, applied from intake_shards where stream = ${stream}`.execute(tx)
  return new Map(rows.map((row) => [row.shard, row.applied]))
}

/** The sequence up to which there is nothing that is not applied, of any shard. */
export function everywhereApplied(applied: ReadonlyMap<number, number>): number {
  return applied.size < SHARDS ? 0 : Math.min(...applied.values())
}

export interface Advance {
  shard: number
  before: number
  after: number
}

/** Says that shards are applied further than before; false where one of them does not stand where it is thought to. */
export async function advanceShards(tx: Tx, stream: string, advances: readonly Advance[]): Promise<boolean> {
  const { rows } = await sql<{ shard: number }>`
    update intake_shards s set applied = a.after
      from unnest(${advances.map((each) => each.shard)}::int[], ${advances.map((each) => each.before)}::bigint[],
        ${advances.map((each) => each.after)}::bigint[]) as a (shard, before, after)
     where s.shard = a.shard and s.applied = a.before and s.stream = ${stream}
    returning s.shard`.execute(tx)
  return rows.length === advances.length
}

// ── the catalogue ──

export interface CatalogueRow {
  kind: string
  rowId: string
  name: string
  entry: unknown
}

const columns = sql.raw('kind, row_id as "rowId", name, entry')

/** What is in the catalogue of one kind, a page at a time. */
export async function cataloguePage(
  tx: Tx,
  kind: string,
  after: string | null,
  limit: number,
): Promise<CatalogueRow[]> {
  const { rows } = await sql<CatalogueRow>`
    select ${columns} from intake_catalogue
     where kind = ${kind} and (${after}::uuid is null or row_id > ${after}) order by row_id limit ${limit}`.execute(tx)
  return rows
}

export async function catalogueRows(tx: Tx, kind: string, ids: readonly string[]): Promise<CatalogueRow[]> {
  const { rows } = await sql<CatalogueRow>`
    select ${columns} from intake_catalogue where kind = ${kind} and row_id = any(${ids}::uuid[])`.execute(tx)
  return rows
}

export interface CatalogueChange {
  sequence: number
  kind: string
  rowId: string
  goneName: string | null
}

/** From now on changes of the catalogue are noted. */
export async function followCatalogue(tx: Tx): Promise<void> {
  await sql`select follow_intake_catalogue()`.execute(tx)
}

export async function catalogueChanges(tx: Tx, limit: number): Promise<CatalogueChange[]> {
  const { rows } = await sql<CatalogueChange>`
    select sequence, kind, row_id as "rowId", gone_name as "goneName" from intake_catalogue_changes
     order by sequence limit ${limit}`.execute(tx)
  return rows
}

export async function forgetChanges(tx: Tx, sequences: readonly number[]): Promise<void> {
  await sql`delete from intake_catalogue_changes where sequence = any(${sequences}::bigint[])`.execute(tx)
}

// ── what was set aside ──

export interface SetAside {
  id: string
  workspaceId: string | null
  shard: number
  sequence: number
  entry: Buffer
  error: string
  tries: number
}

const asideColumns = sql.raw('id, workspace_id as "workspaceId", shard, sequence, entry, error, tries')

export async function insertSetAside(tx: Tx, row: SetAside): Promise<void> {
  await sql`
    insert into intake_set_aside (id, workspace_id, shard, sequence, entry, error, tries)
    values (${row.id}, ${row.workspaceId}, ${row.shard}, ${row.sequence}, ${row.entry}, ${row.error}, ${row.tries})`.execute(
    tx,
  )
}

/** Of this workspace, and what nobody can say whose it is. */
export async function listSetAside(tx: Tx, workspaceId: string, page: Page): Promise<SetAside[]> {
  const { rows } = await sql<SetAside>`
    select ${asideColumns} from intake_set_aside
     where (workspace_id = ${workspaceId} or workspace_id is null) and (${page.before}::uuid is null or id < ${page.before})
     order by id desc limit ${page.limit}`.execute(tx)
  return rows
}

export async function findSetAside(tx: Tx, workspaceId: string, id: string): Promise<SetAside | null> {
  const { rows } = await sql<SetAside>`
    select ${asideColumns} from intake_set_aside
     where id = ${id} and (workspace_id = ${workspaceId} or workspace_id is null)`.execute(tx)
  return rows[0] ?? null
}

/** Locked until the transaction ends, so that it is applied again once. */
export async function lockSetAside(tx: Tx, workspaceId: string, id: string): Promise<SetAside | null> {
  const { rows } = await sql<SetAside>`
    select ${asideColumns} from intake_set_aside
     where id = ${id} and (workspace_id = ${workspaceId} or workspace_id is null) for update`.execute(tx)
  return rows[0] ?? null
}

export async function deleteSetAside(tx: Tx, id: string): Promise<void> {
  await sql`delete from intake_set_aside where id = ${id}`.execute(tx)
}

export async function noteTriedAgain(tx: Tx, id: string, error: string): Promise<void> {
  await sql`update intake_set_aside set error = ${error}, tries = tries + 1 where id = ${id}`.execute(tx)
}

/** A page of what may be of a workspace, oldest first. */
export async function setAsideAfter(
  tx: Tx,
  workspaceId: string,
  after: string | null,
  limit: number,
): Promise<Pick<SetAside, 'id' | 'entry'>[]> {
  const { rows } = await sql<Pick<SetAside, 'id' | 'entry'>>`
    select id, entry from intake_set_aside
     where (workspace_id = ${workspaceId} or workspace_id is null) and (${after}::uuid is null or id > ${after})
     order by id limit ${limit}`.execute(tx)
  return rows
}

export async function replaceSetAside(tx: Tx, id: string, entry: Buffer, error: string): Promise<void> {
  await sql`update intake_set_aside set entry = ${entry}, error = ${error} where id = ${id}`.execute(tx)
}
