import { asJson, type Database, sql, type Tx } from '../platform/database.ts'
import { sealedJson } from '../platform/sealed-json.ts'
import type { Sealing } from '../platform/sealing.ts'
import { holdsSecrets } from './literal-secrets.ts'

/**
 * A value of a column of the type `json` in which secrets may stand literally: as it is where none does, else sealed
 * whole. The database opens it where it is read (`createDatabase`), so that everybody else sees the value.
 */
export function asStoredJson(sealing: Pick<Sealing, 'seal'>, value: unknown): string | null {
  return sealedWhere(sealing, value, () => holdsSecrets(value))
}

/** The same of values by names that people choose, as nodes have, and that say nothing of what stands under them. */
export function asStoredRecord(sealing: Pick<Sealing, 'seal'>, values: object | null): string | null {
  return sealedWhere(sealing, values, () => values !== null && holdsSecrets(Object.values(values)))
}

/** Values whose text is longer are sealed unseen: looking through them takes longer than sealing. */
const LOOKED_THROUGH_CHARS_MAX = 256 * 1024

function sealedWhere(sealing: Pick<Sealing, 'seal'>, value: unknown, isSecret: () => boolean): string | null {
  const text = asJson(value)
  if (text === null) return null
  return text.length > LOOKED_THROUGH_CHARS_MAX || isSecret() ? sealedJson(sealing, text) : text
}

/** Rows that were stored before secrets in them were sealed, or by a process of an older version. */
export interface OldRows<Row> {
  /** Some of them, locked. */
  take(tx: Tx, limit: number): Promise<Row[]>
  keep(tx: Tx, sealing: Sealing, row: Row): Promise<void>
  mark(tx: Tx, ids: string[]): Promise<void>
}

/** Rows of a table of whose columns, all of the type `json` and named as in TypeScript, each may hold secrets. */
export function oldJson<Name extends string>(
  table: string,
  columns: readonly Name[],
): OldRows<{ id: string } & Record<Name, unknown>> {
  type Row = { id: string } & Record<Name, unknown>
  return {
    async take(tx, limit) {
      const names = sql.join(columns.map((each) => sql.ref(each)))
      const { rows } = await sql<Row>`
        select id, ${names} from ${sql.table(table)} where not is_sealed order by id limit ${limit} for update`.execute(
        tx,
      )
      return rows
    },
    async keep(tx, sealing, row) {
      const values = sql.join(columns.map((each) => sql`${sql.ref(each)} = ${asStoredJson(sealing, row[each])}`))
      await sql`update ${sql.table(table)} set ${values} where id = ${row.id}`.execute(tx)
    },
    mark: markedIn(table),
  }
}

/** Notes that rows of a table were looked at. */
export function markedIn(table: string): OldRows<never>['mark'] {
  return async (tx, ids) => {
    await sql`update ${sql.table(table)} set is_sealed = true where id = any(${ids}::uuid[])`.execute(tx)
  }
}

const SEALED_AT_ONCE = 500

/** Seals all of them, some in a transaction. Safe at any time and for many processes at once. */
export async function sealOldRows<Row extends { id: string }>(
  database: Pick<Database, 'transaction'>,
  sealing: Sealing,
  old: OldRows<Row>,
): Promise<void> {
  for (let count = SEALED_AT_ONCE; count === SEALED_AT_ONCE; ) {
    count = await database.transaction(async (tx) => {
      const rows = await old.take(tx, SEALED_AT_ONCE)
      for (const row of rows) if (holdsSecrets(row)) await old.keep(tx, sealing, row)
      if (rows.length > 0)
        await old.mark(
          tx,
          rows.map(({ id }) => id),
        )
      return rows.length
    })
  }
}
