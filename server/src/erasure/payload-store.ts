import { sql, type Tx } from '../platform/database.ts'
import { table } from './found.ts'

/** After how many days the payloads of something are cut. */
export interface DaysOf {
  id: string
  days: number
}

/** How long payloads are kept: of event types, else of their workspace, else usually; null: as long as the rest. */
export interface PayloadRules {
  usual: number | null
  workspaces: DaysOf[]
  internal: DaysOf[]
  external: DaysOf[]
}

export async function payloadRules(tx: Tx, usual: number | null): Promise<PayloadRules> {
  const { rows } = await sql<DaysOf & { of: 'workspaces' | 'internal' | 'external' }>`
    select 'workspaces' as of, w.id, (w.settings ->> 'payloadRetentionDays')::int as days
      from ${table('workspaces')} w where jsonb_typeof(w.settings -> 'payloadRetentionDays') = 'number'
    union all
    select 'internal', t.id, t.payload_retention_days from ${table('app_event_types')} t where t.payload_retention_days is not null
    union all
    select 'external', t.id, t.payload_retention_days from ${table('external_event_types')} t where t.payload_retention_days is not null
     order by 1, 2`.execute(tx)
  const of = (kind: string) => rows.filter((row) => row.of === kind).map(({ id, days }) => ({ id, days }))
  return { usual, workspaces: of('workspaces'), internal: of('internal'), external: of('external') }
}

/**
 * Forgets how far logs were gone through where that was by other rules. Waits for whoever cuts by them just now.
 */
export async function keepRules(tx: Tx, fingerprint: string): Promise<void> {
  const { rows } = await sql<{ isNew: boolean }>`
    insert into payload_rules as r (is_only, fingerprint) values (true, ${fingerprint})
    on conflict (is_only) do update set fingerprint = excluded.fingerprint where r.fingerprint <> excluded.fingerprint
    returning true as "isNew"`.execute(tx)
  if (rows.length === 0) return
  await sql`delete from payload_cuts`.execute(tx)
  await sql`delete from payload_cuts_waiting`.execute(tx)
}

/** How far a log was gone through; locked, so that one process does it at a time. */
export async function lockCut(
  tx: Tx,
  log: string,
  days: number,
): Promise<{ untilId: string; lookedBackOn: number } | null> {
  await sql`
    insert into payload_cuts (log, days, until_id, looked_back_on)
    values (${log}, ${days}, '00000000-0000-0000-0000-000000000000', 0) on conflict do nothing`.execute(tx)
  const { rows } = await sql<{ untilId: string; lookedBackOn: number }>`
    select until_id as "untilId", looked_back_on as "lookedBackOn" from payload_cuts
     where log = ${log} and days = ${days} for update skip locked`.execute(tx)
  return rows[0] ?? null
}

export async function keepCut(
  tx: Tx,
  cut: { log: string; days: number; untilId: string; lookedBackOn: number },
): Promise<void> {
  await sql`
    update payload_cuts set until_id = ${cut.untilId}, looked_back_on = ${cut.lookedBackOn}
     where log = ${cut.log} and days = ${cut.days}`.execute(tx)
}

export async function addWaiting(tx: Tx, log: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await sql`
    insert into payload_cuts_waiting (log, id) select ${log}, unnest(${ids}::uuid[]) on conflict do nothing`.execute(tx)
}

/** The logs of which something waits to be cut. */
export async function logsWaiting(tx: Tx): Promise<Set<string>> {
  const { rows } = await sql<{ log: string }>`select distinct log from payload_cuts_waiting`.execute(tx)
  return new Set(rows.map(({ log }) => log))
}

export async function waitingOf(tx: Tx, log: string, after: string, limit: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from payload_cuts_waiting where log = ${log} and id > ${after} order by id limit ${limit} for update skip locked`.execute(
    tx,
  )
  return rows.map((row) => row.id)
}

export async function dropWaiting(tx: Tx, log: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await sql`delete from payload_cuts_waiting where log = ${log} and id = any(${ids}::uuid[])`.execute(tx)
}
