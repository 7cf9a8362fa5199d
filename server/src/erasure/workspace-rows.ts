import type { RawBuilder } from 'kysely'
import { sql, type Tx } from '../platform/database.ts'
import { table } from './found.ts'
import type { TablePlace } from './place.ts'
import { PLACES } from './places.ts'
import { BLOCKS_MAX, blocksOf, eraseFound, type Portion, placesOf, ROWS_MAX } from './rows.ts'

/** How a table is emptied of a workspace. */
export interface WorkspaceStep {
  place: TablePlace
  /** Columns that point to rows of the same table, which therefore stay until nothing points to them. */
  pointsToItself: readonly string[]
}

const isEmptied = ({ columns, inWorkspace }: TablePlace) =>
  typeof inWorkspace === 'object' || (inWorkspace === undefined && hasWorkspaceId(columns))

/** Whether rows of a table say whose they are. */
export function hasWorkspaceId(columns: TablePlace['columns']): boolean {
  return Object.values(columns).some((names) => names.split(' ').includes('workspace_id'))
}

/** Every table that may have something of a workspace: what refers to a row goes before it. */
export async function workspaceSteps(tx: Tx): Promise<WorkspaceStep[]> {
  const references = await referencesOf(tx)
  const places = new Map(PLACES.filter(isEmptied).map((place) => [place.table, place]))
  /** By table: those that go before it. */
  const before = new Map<string, Set<string>>([...places.keys()].map((name) => [name, new Set()]))
  for (const { from, to } of references) if (from !== to) before.get(to)?.add(from)
  for (const { table: name, inWorkspace } of places.values()) {
    if (typeof inWorkspace !== 'object') continue
    const later = 'where' in inWorkspace ? inWorkspace.before : inWorkspace.map(({ of }) => of)
    for (const each of later) before.get(each)?.add(name)
  }
  const steps: WorkspaceStep[] = []
  const seen = new Set<string>()
  const take = (name: string): void => {
    const place = places.get(name)
    if (place === undefined || seen.has(name)) return
    seen.add(name)
    for (const each of before.get(name) ?? []) take(each)
    const own = references.filter(({ from, to }) => from === name && to === name)
    steps.push({ place, pointsToItself: own.map(({ column }) => column) })
  }
  for (const name of places.keys()) take(name)
  return steps
}

/** But for those that go with what they refer to. */
async function referencesOf(tx: Tx): Promise<{ from: string; to: string; column: string }[]> {
  const { rows } = await sql<{ from: string; to: string; column: string }>`
    select c.conrelid::regclass::text as "from", c.confrelid::regclass::text as "to", a.attname::text as "column"
      from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
     where c.contype = 'f' and c.conparentid = 0 and c.confdeltype <> 'c' order by 1, 2, 3`.execute(tx)
  return rows
}

/** Erases the next portion of a physical table of a workspace. */
export async function eraseWorkspacePortion(
  tx: Tx,
  { place, pointsToItself }: WorkspaceStep,
  workspaceId: string,
  at: { leaf: string; block: number },
): Promise<Omit<Portion, 'ids'>> {
  const leaf = sql.table(at.leaf)
  const conditions = [ofWorkspace(place, workspaceId)]
  for (const column of pointsToItself)
    conditions.push(sql`not exists (select from ${leaf} c where ${sql.ref(`c.${column}`)} = t.id and c.id <> t.id)`)
  // Of a run in a batch its row says that it has ended.
  if (place.table === 'flow_runs')
    conditions.push(sql`t.id <> all(array(select unnest(b.run_ids) from ${table('flow_run_batches')} b))`)
  const where = sql.join(conditions, sql` and `)
  const dependents = (place.erased ?? []).flatMap((each) => each.dependents ?? [])
  const erasing = { found: [], how: 'deleted' as const, dependents }
  const id = dependents.length === 0 ? sql`null::text` : sql`t.id::text`
  const select = (range: RawBuilder<unknown>) =>
    sql`select t.ctid, ${id} as id from ${leaf} t where ${range} and ${where} limit ${ROWS_MAX}`
  const of = { table: place.table, erasing, leaf }
  if (place.inWorkspace === undefined && (await isIndexed(tx, at.leaf))) {
    const found = await placesOf(tx, select(sql`true`))
    const portion = await eraseFound(tx, { ...of, found })
    // Where rows of a table point to each other, those that nothing points to any more are the next.
    const isDone = found.length === 0 || (pointsToItself.length === 0 && found.length < ROWS_MAX)
    return { ...portion, isDone: isDone && portion.isDone, block: 0 }
  }
  const end = at.block + BLOCKS_MAX
  // Bounds that stand in the statement let the planner read these blocks alone.
  const range = sql.raw(`t.ctid >= '(${at.block},0)'::tid and t.ctid < '(${end},0)'::tid`)
  const found = await placesOf(tx, select(range))
  const portion = await eraseFound(tx, { ...of, found })
  if (found.length >= ROWS_MAX || !portion.isDone) return { ...portion, isDone: false, block: at.block }
  return { ...portion, isDone: end >= (await blocksOf(tx, at.leaf)), block: end }
}

function ofWorkspace({ inWorkspace }: TablePlace, workspaceId: string): RawBuilder<unknown> {
  if (typeof inWorkspace !== 'object') return sql`t.workspace_id = ${workspaceId}`
  if ('where' in inWorkspace) return sql`(${inWorkspace.where(workspaceId)})`
  const any = inWorkspace.map(
    ({ column, of, its = 'id' }) =>
      sql`${sql.ref(`t.${column}`)} in (select ${sql.ref(`p.${its}`)} from ${table(of)} p where p.workspace_id = ${workspaceId})`,
  )
  return sql`(${sql.join(any, sql` or `)})`
}

/** Whether an index leads to the rows of a workspace; else the table is gone through block by block. */
async function isIndexed(tx: Tx, leaf: string): Promise<boolean> {
  const { rows } = await sql<{ is: boolean }>`
    select exists (select from pg_index i
      join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
     where i.indrelid = ${leaf}::regclass and i.indpred is null and i.indisvalid and a.attname = 'workspace_id') as is`.execute(
    tx,
  )
  return rows[0]?.is === true
}

/** Sessions of who is in other workspaces, too, go on in one of those. */
export async function moveSessions(tx: Tx, workspaceId: string): Promise<void> {
  await sql`
    update ${table('user_sessions')} s
       set workspace_id = (select m.workspace_id from ${table('memberships')} m
                            where m.user_id = s.user_id and m.workspace_id <> ${workspaceId} order by m.created_at limit 1)
     where s.workspace_id = ${workspaceId}
       and exists (select from ${table('memberships')} m where m.user_id = s.user_id and m.workspace_id <> ${workspaceId})`.execute(
    tx,
  )
}

/** Runs of a workspace that have not ended, from an id on. */
export async function openRunsOf(tx: Tx, workspaceId: string, after: string | null, limit: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select r.id from ${table('flow_runs_open')} r
     where r.workspace_id = ${workspaceId} and (${after}::uuid is null or r.id > ${after}) order by r.id limit ${limit}`.execute(
    tx,
  )
  return rows.map((row) => row.id)
}

/** Where messages of a workspace go, from an id on: its own destinations and those of its customers. */
export async function destinationsOf(
  tx: Tx,
  workspaceId: string,
  after: string | null,
  limit: number,
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select d.id from ${table('delivery_destinations')} d
     where d.workspace_id = ${workspaceId} and (${after}::uuid is null or d.id > ${after}) order by d.id limit ${limit}`.execute(
    tx,
  )
  return rows.map((row) => row.id)
}

/** What is still to be said to apps and to your application: steps of subscriptions, and jobs about them. */
export async function registrationsLeftOf(tx: Tx, workspaceId: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select (select count(*) from ${table('external_subscription_steps')} s
              join ${table('external_event_subscriptions')} e on e.id = s.id where e.workspace_id = ${workspaceId})
         + (select count(*) from ${table('graphile_worker._private_jobs')} j
             where j.attempts < j.max_attempts and exists (
               select from ${table('app_event_subscriptions')} a where a.workspace_id = ${workspaceId} and a.id::text = j.payload ->> 'id'
               union all
               select from ${table('connections')} c where c.workspace_id = ${workspaceId} and c.id::text = j.payload ->> 'id'
                 and j.payload ->> 'revision' is not null)) as count`.execute(tx)
  return Number(rows[0]?.count ?? 0)
}

/** Registrations at apps, and streams of your application, that the customers of a workspace have. */
export async function registrationsOfWorkspace(tx: Tx, workspaceId: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select (select count(*) from ${table('external_event_subscriptions')} s where s.workspace_id = ${workspaceId} and s.is_registered)
         + (select count(*) from ${table('app_event_subscriptions')} s where s.workspace_id = ${workspaceId} and s.status = 'subscribed')
        as count`.execute(tx)
  return Number(rows[0]?.count ?? 0)
}

/** Whether runs are left whose batch is not at its end. */
export async function hasRunsLeftOf(tx: Tx, workspaceId: string): Promise<boolean> {
  const { rows } = await sql<{ is: boolean }>`
    select exists (select from ${table('flow_run_batches')} b where ${workspaceId}::uuid = any(b.workspace_ids)) as is`.execute(
    tx,
  )
  return rows[0]?.is === true
}

/** Takes the row of the workspace away, at last. */
export async function deleteWorkspaceRow(tx: Tx, workspaceId: string): Promise<void> {
  await sql`delete from ${table('workspaces')} where id = ${workspaceId}`.execute(tx)
}
