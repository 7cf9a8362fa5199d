import { lookup } from 'node:dns/promises'
import { createTestDatabase, freePort } from '@permea/testkit'
import { expect, test } from 'vitest'
import { createDatabase, sql } from './database.ts'
import { failureOf } from './database-errors.ts'
import { silentLog } from './log.ts'

// Every error here is one that the real thing raised a moment ago.

const failure = async (work: () => Promise<unknown>) => {
  try {
    await work()
  } catch (error) {
    return failureOf(error)
  }
  throw new Error('it was expected to fail')
}

test('what PostgreSQL says of data is refused, and what it says of the moment is not', async () => {
  await using own = await createTestDatabase()
  const database = createDatabase({ url: own.url, connectionsMax: 2, log: silentLog })
  const { pool } = database
  await pool.query('create table one (id int primary key, text text)')
  await pool.query('insert into one values (1)')
  const kinds: [string, 'refused' | 'unreached' | null][] = [
    ['insert into one values (1)', 'refused'],
    [`select 'x'::int`, 'refused'],
    [`select convert_from('\\x00', 'utf8')`, 'refused'],
    [`select repeat('x', 2000000000)`, 'refused'],
    ['set statement_timeout = 1; select pg_sleep(1)', 'unreached'],
    [`begin; set local lock_timeout = 1; select pg_terminate_backend(pg_backend_pid())`, 'unreached'],
    ['begin read only; insert into one values (2)', 'unreached'],
    ['select nothing_of_this_name', null],
    ['insert into two values (1)', null],
  ]
  for (const [statement, kind] of kinds) {
    const client = await database.connect()
    expect([statement, await failure(() => client.query(statement))]).toEqual([statement, kind])
    await client.end()
  }
  await database.close()
})

test('a way to the database that is broken is no word about the statement, whatever breaks it', async () => {
  const port = await freePort()
  const unreachable = [
    `postgres://permea@127.0.0.1:${port}/permea`,
    'postgres://permea@no-such-host.invalid/permea',
    'postgres://permea@%2Fno%2Fsuch%2Fdirectory/permea',
  ]
  for (const url of unreachable) {
    const database = createDatabase({ url, connectionsMax: 2, log: silentLog })
    expect([url, await failure(() => database.pool.query('select 1'))]).toEqual([url, 'unreached'])
    expect([url, await failure(() => database.connect())]).toEqual([url, 'unreached'])
    await database.close()
  }
  expect(await failure(() => lookup('no-such-host.invalid'))).toBe('unreached')
})

test('what a process still asks while it ends is nobody’s mistake', async () => {
  await using own = await createTestDatabase()
  const database = createDatabase({ url: own.url, connectionsMax: 2, log: silentLog })
  await Promise.all([database.pool.query('select 1'), database.hot.query('select 1')])
  await sql`select 1`.execute(database.db)
  await database.close()
  expect(await failure(() => database.pool.query('select 1'))).toBe('unreached')
  expect(await failure(() => database.query({ name: 'one', text: 'select 1', values: [] }))).toBe('unreached')
  expect(await failure(() => sql`select 1`.execute(database.db))).toBe('unreached')
  expect(await failure(() => database.transaction((tx) => sql`select 1`.execute(tx)))).toBe('unreached')
})

test('a mistake of ours fails again, and errors from elsewhere say nothing of the database', () => {
  expect(failureOf(new TypeError('x is not a function'))).toBe('refused')
  expect(failureOf(new Error('a receiver did not answer'))).toBe(null)
  expect(failureOf(Object.assign(new Error('no such file'), { code: 'ENOENT', syscall: 'open' }))).toBe(null)
  expect(failureOf('a text')).toBe(null)
})
