import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { createEmptyDatabase } from '@permea/testkit'
import { describe, expect, test } from 'vitest'
import { migrateAll } from '../engine.ts'
import { createDatabase, type Database } from './database.ts'
import { silentLog } from './log.ts'
import { migrate, migrationNames } from './migrations.ts'

async function emptyDatabase(): Promise<Database & AsyncDisposable> {
  const own = await createEmptyDatabase()
  const database = createDatabase({ url: own.url, connectionsMax: 4, log: silentLog })
  return Object.assign(database, {
    async [Symbol.asyncDispose]() {
      await database.close()
      await own[Symbol.asyncDispose]()
    },
  })
}

/** A directory with these migrations, by name. */
async function directoryOf(files: Record<string, string>): Promise<URL & AsyncDisposable> {
  const dir = await mkdtemp(path.join(tmpdir(), 'permea-migrations-'))
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(dir, name), text)
  return Object.assign(pathToFileURL(`${dir}/`), {
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  })
}

const applied = async (database: Database) =>
  (await database.pool.query<{ name: string }>('select name from migrations order by name')).rows.map((row) => row.name)

test('twenty processes that start at once on an empty database all succeed, and each migration is applied once', async () => {
  await using own = await createEmptyDatabase()
  await Promise.all(Array.from({ length: 20 }, () => migrateAll(own.url, silentLog)))
  const database = createDatabase({ url: own.url, connectionsMax: 1, log: silentLog })
  expect(await applied(database)).toEqual(await migrationNames())
  await database.close()
})

describe('a migration', () => {
  test('that fails leaves nothing behind, says which it was, and is applied once it is mended', async () => {
    await using database = await emptyDatabase()
    await using broken = await directoryOf({
      '0001-good.sql': 'create table good (id int)',
      '0002-bad.sql': 'create table half (id int); insert into half values (1); insert into nowhere values (1)',
      '0003-later.sql': 'create table later (id int)',
    })
    await expect(migrate(database, { directory: broken })).rejects.toThrow(/0002-bad\.sql.*nowhere/)
    expect(await applied(database)).toEqual(['0001-good.sql'])
    const { rows } = await database.pool.query(`select to_regclass('half') as half, to_regclass('later') as later`)
    expect(rows).toEqual([{ half: null, later: null }])

    await using mended = await directoryOf({
      '0001-good.sql': 'this is not looked at again',
      '0002-bad.sql': 'create table half (id int)',
      '0003-later.sql': 'alter table half add column more int',
    })
    await migrate(database, { directory: mended })
    expect(await applied(database)).toEqual(['0001-good.sql', '0002-bad.sql', '0003-later.sql'])
  })

  test('that fails does not keep the lock from the next process', async () => {
    await using database = await emptyDatabase()
    await using broken = await directoryOf({ '0001-bad.sql': 'nonsense' })
    await using fine = await directoryOf({ '0001-fine.sql': 'create table fine (id int)' })
    await expect(migrate(database, { directory: broken })).rejects.toThrow('0001-bad.sql')
    await migrate(database, { directory: fine })
    expect(await applied(database)).toEqual(['0001-fine.sql'])
  })
})
