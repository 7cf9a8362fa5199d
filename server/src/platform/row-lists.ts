import { booleans, integers, moments, smallints, texts, uuids } from './array-parameters.ts'

/** How a list of each SQL type is written as a parameter. */
const WRITE = {
  uuid: uuids,
  text: texts,
  timestamptz: moments,
  smallint: smallints,
  integer: integers,
  boolean: booleans,
}

type Written<K extends keyof typeof WRITE> = Parameters<(typeof WRITE)[K]>[0][number]

/** One column: its SQL type and where its value comes from. */
export type Column<Row> = { [K in keyof typeof WRITE]: readonly [K, (row: Row) => Written<K>] }[keyof typeof WRITE]

/** Rows as parameters of a statement, a list per column, so that no two lists can be mixed up. */
export interface RowLists<Row> {
  /** `id, name, …` */
  readonly names: string
  readonly count: number
  /** `$3::uuid[], $4::text[], …`, counted from `first`. */
  parameters(first?: number): string
  /** `unnest(…) as alias (id, name, …)`: the rows as a table. */
  table(alias: string, first?: number): string
  values(rows: readonly Row[]): Buffer[]
}

export function rowLists<Row>(columns: Readonly<Record<string, Column<Row>>>): RowLists<Row> {
  const entries = Object.entries(columns)
  const names = Object.keys(columns).join(', ')
  const parameters = (first = 1) => entries.map(([, [type]], index) => `$${first + index}::${type}[]`).join(', ')
  return {
    names,
    count: entries.length,
    parameters,
    table: (alias, first) => `unnest(${parameters(first)}) as ${alias} (${names})`,
    values: (rows) => entries.map(([, column]) => written(column, rows)),
  }
}

function written<Row>(column: Column<Row>, rows: readonly Row[]): Buffer {
  const [type, of] = column
  const write = WRITE[type] as (values: readonly unknown[]) => Buffer
  return write(rows.map(of as (row: Row) => unknown))
}
