import { createTestDatabase } from '@permea/testkit'
import pg from 'pg'
import { expect, test } from 'vitest'
import { PLACES } from './places.ts'

const REMEDY = 'say in the lists of places of server/src/erasure what it holds of a customer, and how that is erased'

/** Tables as they are asked for, without partitions, with their columns. */
async function tablesOf(url: string): Promise<Map<string, Set<string>>> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ name: string; columns: string[] }>(`
      select case c.table_schema when 'public' then '' else c.table_schema || '.' end || c.table_name as name,
             array_agg(c.column_name::text) as columns
        from information_schema.columns c
        join pg_class k on k.relname = c.table_name and k.relnamespace = c.table_schema::regnamespace
       where k.relkind in ('r', 'p') and not k.relispartition and c.table_schema not in ('pg_catalog', 'information_schema')
       group by 1`)
    return new Map(rows.map((row) => [row.name, new Set(row.columns)]))
  } finally {
    await client.end()
  }
}

const columnsOf = (place: (typeof PLACES)[number]) => Object.values(place.columns).flatMap((names) => names.split(' '))

test('every table and column of the database has its place, and every place a table', async () => {
  await using database = await createTestDatabase()
  const tables = await tablesOf(database.url)
  const places = new Map(PLACES.map((place) => [place.table, columnsOf(place)]))
  const complaints = [...tables].flatMap(([table, columns]) => {
    const classified = places.get(table)
    if (classified === undefined) return [`the table ${table} has no place: ${REMEDY}`]
    return [
      ...[...columns].filter((column) => !classified.includes(column)).map((column) => `${table}.${column}: ${REMEDY}`),
      ...classified
        .filter((column) => !columns.has(column))
        .map((column) => `${table}.${column}: there is no such column`),
    ]
  })
  const gone = [...places.keys()]
    .filter((table) => !tables.has(table))
    .map((table) => `${table}: there is no such table`)
  expect(tables.size).toBeGreaterThan(60)
  expect([...complaints, ...gone]).toEqual([])
})

test('each column stands once, and what holds something of a customer says how it goes or why it need not', () => {
  for (const place of PLACES) {
    const names = columnsOf(place)
    expect([place.table, new Set(names).size]).toEqual([place.table, names.length])
    const { payload, credential, name } = place.columns
    if (payload ?? credential ?? name) expect([place.table, place.erased ?? place.because]).not.toContain(undefined)
  }
})
