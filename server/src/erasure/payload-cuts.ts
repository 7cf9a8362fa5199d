import { type RawBuilder, sql } from 'kysely'
import type { Tx } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import { table } from './found.ts'
import type { PayloadLog } from './payload-logs.ts'
import type { DaysOf, PayloadRules } from './payload-store.ts'

/** The last id of the next portion of a log; null where there is none. */
export async function endOfPortion(
  tx: Tx,
  { log }: PayloadLog,
  span: { from: string; before: string },
  rowsMax: number,
): Promise<{ lastId: string; rows: number } | null> {
  const { rows } = await sql<{ lastId: string; rows: number }>`
    select p.id as "lastId", p.place::int as rows from (
      select l.id, row_number() over (order by l.id) as place from (
        select i.id from ${table(log)} i where i.id > ${span.from} and i.id < ${span.before} order by i.id limit ${rowsMax}
      ) l
    ) p order by p.id desc limit 1`.execute(tx)
  return rows[0] ?? null
}

/** Rows behind `from` up to `to` whose payload is kept for so many days, and is there. */
export async function dueRows(
  tx: Tx,
  of: PayloadLog,
  rules: PayloadRules,
  days: number,
  span: { from: string; to: string },
): Promise<{ id: string; isNeeded: boolean }[]> {
  const { joins, daysOf } = kept(of, rules)
  const { rows } = await sql<{ id: string; isNeeded: boolean }>`
    select l.id, (${of.isNeeded ?? sql`false`}) as "isNeeded" from ${table(of.log)} l ${joins}
     where l.id > ${span.from} and l.id <= ${span.to} and l.payload_cut_at is null and ${daysOf} = ${days}`.execute(tx)
  return rows
}

function kept({ type }: PayloadLog, rules: PayloadRules): { joins: RawBuilder<unknown>; daysOf: RawBuilder<unknown> } {
  const joins: RawBuilder<unknown>[] = [type?.joins ?? sql``, joined('w', rules.workspaces, sql.raw('l.workspace_id'))]
  const days: RawBuilder<unknown>[] = []
  if (type?.internal !== undefined) {
    joins.push(joined('ti', rules.internal, type.internal))
    days.push(sql.raw('ti.days'))
  }
  if (type?.external !== undefined) {
    joins.push(joined('te', rules.external, type.external))
    days.push(sql.raw('te.days'))
  }
  days.push(sql.raw('w.days'), sql`${rules.usual}::int`)
  return { joins: sql.join(joins, sql` `), daysOf: sql`coalesce(${sql.join(days)})` }
}

function joined(alias: string, of: readonly DaysOf[], column: RawBuilder<unknown>): RawBuilder<unknown> {
  const name = sql.raw(alias)
  return sql`left join unnest(${of.map(({ id }) => id)}::uuid[], ${of.map(({ days }) => days)}::int[]) as ${name} (id, days)
    on ${name}.id = ${column}`
}

/** Of rows that waited: which are needed still, and which are gone. */
export async function neededRows(
  tx: Tx,
  of: PayloadLog,
  ids: readonly string[],
): Promise<{ id: string; isNeeded: boolean }[]> {
  const [first, last] = [ids.at(0), ids.at(-1)]
  if (first === undefined || last === undefined) return []
  const { rows } = await sql<{ id: string; isNeeded: boolean }>`
    select l.id, (${of.isNeeded ?? sql`false`}) as "isNeeded" from ${table(of.log)} l
     where l.id = any(${ids}::uuid[]) and l.id >= ${first} and l.id <= ${last}`.execute(tx)
  return rows
}

/** Cuts the payloads of these rows, which are in order, and of what belongs to them. */
export async function cutRows(tx: Tx, of: PayloadLog, ids: readonly string[], now: Date): Promise<void> {
  const [first, last] = [ids.at(0), ids.at(-1)]
  if (first === undefined || last === undefined) return
  await of.keep?.(tx, ids)
  for (const { table: name, column, cut, wire } of of.dependents ?? []) {
    const keys = wire === undefined ? sql`${ids}::uuid[]` : sql`${ids.map((id) => toWire(wire, id))}::text[]`
    const marked = wire === undefined ? sql`` : sql`, payload_cut_at = ${now}`
    // They came after what they belong to, which leaves out what is older.
    await sql`
      update ${table(name)} d set ${assigned(cut)} ${marked}
       where ${sql.ref(`d.${column}`)} = any(${keys}) and d.id > ${first}`.execute(tx)
  }
  await sql`
    update ${table(of.log)} l set ${assigned(of.cut)}, payload_cut_at = ${now}
     where l.id = any(${ids}::uuid[]) and l.id >= ${first} and l.id <= ${last}`.execute(tx)
}

function assigned(cut: Readonly<Record<string, string | null>>): RawBuilder<unknown> {
  return sql.join(Object.entries(cut).map(([column, value]) => sql`${sql.ref(column)} = ${value}`))
}
