import { createTestDatabase, until } from '@permea/testkit'
import { describe, expect, test } from 'vitest'
import { SettableClock } from './clock.ts'
import { createDatabase, type Database } from './database.ts'
import { createIds, lowestIdAt } from './ids.ts'
import { silentLog } from './log.ts'
import { keepPartitions } from './partitions.ts'

const DAY_MS = 86_400_000

/** A database with one growing table of its own, `things`. */
async function withThings(): Promise<Database & AsyncDisposable> {
  const own = await createTestDatabase()
  const database = createDatabase({ url: own.url, connectionsMax: 12, log: silentLog })
  await database.pool.query(
    'create table things (id uuid primary key, note text not null default $$new$$) partition by range (id)',
  )
  await database.pool.query('create table things_default partition of things default')
  return Object.assign(database, {
    async [Symbol.asyncDispose]() {
      await database.close()
      await own[Symbol.asyncDispose]()
    },
  })
}

async function partitionsOf(database: Database): Promise<string[]> {
  const { rows } = await database.pool.query<{ name: string }>(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'things'::regclass order by 1`,
  )
  return rows.map((row) => row.name)
}

async function add(database: Database, at: Date): Promise<string> {
  const id = createIds(new SettableClock(at)).next()
  await database.pool.query('insert into things (id) values ($1)', [id])
  return id
}

const homeOf = async (database: Database, id: string) =>
  (await database.pool.query('select tableoid::regclass::text as home from things where id = $1', [id])).rows[0]?.home

const NOW = new Date('2031-05-10T12:00:00Z')

test('there is a partition for each day from yesterday to four days ahead, and rows fall into that of their day', async () => {
  await using database = await withThings()
  await keepPartitions(database, NOW, 30)
  expect(await partitionsOf(database)).toEqual([
    ...['09', '10', '11', '12', '13', '14'].map((day) => `things_203105${day}`),
    'things_default',
  ])
  expect(await homeOf(database, await add(database, NOW))).toBe('things_20310510')
  expect(await homeOf(database, await add(database, new Date('2031-05-10T00:00:00.000Z')))).toBe('things_20310510')
  expect(await homeOf(database, await add(database, new Date('2031-05-09T23:59:59.999Z')))).toBe('things_20310509')
  expect(await homeOf(database, await add(database, new Date('2031-06-01T00:00:00Z')))).toBe('things_default')
})

describe('the retention', () => {
  test('drops what is older, whole days only, and says which', async () => {
    await using database = await withThings()
    await keepPartitions(database, NOW, 3)
    const kept = await add(database, new Date(NOW.getTime() - DAY_MS))
    const later = new Date(NOW.getTime() + 2 * DAY_MS)
    expect((await keepPartitions(database, later, 3)).dropped.filter((name) => name.startsWith('things'))).toEqual([])
    expect(await homeOf(database, kept)).toBe('things_20310509')
    const dropped = await keepPartitions(database, new Date(later.getTime() + DAY_MS), 3)
    expect(dropped.dropped.filter((name) => name.startsWith('things'))).toEqual(['things_20310509'])
    expect(await homeOf(database, kept)).toBeUndefined()
  })

  test('waits for somebody who reads, and does not hold up who reads or writes meanwhile', async () => {
    await using database = await withThings()
    await keepPartitions(database, NOW, 1)
    const reader = await database.pool.connect()
    await reader.query('begin')
    await reader.query('select count(*) from things')
    const later = new Date(NOW.getTime() + 3 * DAY_MS)
    const dropping = keepPartitions(database, later, 1)
    const isWaiting = async () =>
      (await database.pool.query('select 1 from pg_locks where not granted and relation is not null limit 1')).rows
        .length > 0
    // While the change is tried again and again, others read and write as ever.
    for (let times = 0; times < 5; times += 1) {
      await until('the change waits for the reader', 20_000, isWaiting, 1)
      await add(database, later)
      await database.pool.query('select count(*) from things')
    }
    await reader.query('commit')
    reader.release()
    expect((await dropping).dropped.filter((name) => name.startsWith('things'))).toEqual([
      'things_20310509',
      'things_20310510',
      'things_20310511',
    ])
  })
})

test('rows that came before their partition move into it', async () => {
  await using database = await withThings()
  const early = await add(database, NOW)
  const far = await add(database, new Date('2035-01-01'))
  expect(await homeOf(database, early)).toBe('things_default')
  await keepPartitions(database, NOW, 30)
  expect(await homeOf(database, early)).toBe('things_20310510')
  expect(await homeOf(database, far)).toBe('things_default')
  const { rows } = await database.pool.query('select note from things where id = $1', [early])
  expect(rows).toEqual([{ note: 'new' }])
  const same = await add(database, NOW)
  await expect(database.pool.query('insert into things (id) values ($1)', [same])).rejects.toMatchObject({
    code: '23505',
  })
})

test('many processes at once make each partition once', async () => {
  await using database = await withThings()
  await Promise.all(Array.from({ length: 10 }, () => keepPartitions(database, NOW, 30)))
  expect(await partitionsOf(database)).toHaveLength(7)
  const later = new Date(NOW.getTime() + 40 * DAY_MS)
  await Promise.all(Array.from({ length: 10 }, () => keepPartitions(database, later, 30)))
  expect((await partitionsOf(database)).filter((name) => name < 'things_203106')).toEqual(
    ['things_20310511', 'things_20310512', 'things_20310513', 'things_20310514'].filter(
      (name) =>
        name >= `things_${new Date(later.getTime() - 30 * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '')}`,
    ),
  )
})

test('the bounds of days are bounds of ids', () => {
  const midnight = new Date('2031-05-10T00:00:00Z')
  expect(createIds(new SettableClock(new Date(midnight.getTime() - 1))).next() < lowestIdAt(midnight)).toBe(true)
})
