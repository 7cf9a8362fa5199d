import {
  buildHouse,
  createEmptyDatabase,
  createLink,
  createPostgresProcess,
  createStandby,
  type House,
  type PostgresProcess,
  postgresSocketOf,
  until,
} from '@permea/testkit'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { migrateAll } from '../engine.ts'
import { createDatabase } from './database.ts'
import { isDatabaseAway, NotWritable } from './database-errors.ts'
import { silentLog } from './log.ts'

let primary: PostgresProcess
let standby: PostgresProcess
let house: House

const replicaOf = (of: House) => of.engine.database.replica ?? expect.unreachable('there is no replica')

async function sendTo(of: House, ids: string[]): Promise<void> {
  const { globalWebhookUri } = await of.admin.appEventTypes.get({ params: { selector: 'order' } })
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify(ids.map((id) => ({ of: 'acme', id })))
  expect((await fetch(globalWebhookUri, { method: 'POST', headers, body })).status).toBe(200)
}

async function listed(of: House): Promise<number> {
  return (await of.admin.appEvents.list({ query: { limit: 100 } })).items.length
}

async function onStandby(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: standby.urlOf('postgres') })
  await client.connect()
  await client.query(statement).finally(() => client.end())
}

async function houseWith(replicaUrl: string, url: string): Promise<House> {
  const built = await buildHouse({
    database: { url },
    engine: { databaseReplica: { url: replicaUrl, lagMsMax: 1000 } },
  })
  await built.admin.customers.create({ body: { name: 'Acme', internalId: 'acme' } })
  await built.admin.appEventTypes.create({ body: { key: 'order', tenantIdFormula: { $var: '$.of' } } })
  return built
}

beforeAll(async () => {
  primary = await createPostgresProcess()
  await primary.start()
  standby = await createStandby(primary)
  await standby.start()
  await migrateAll(primary.urlOf('postgres'), silentLog)
  house = await houseWith(standby.urlOf('postgres'), primary.urlOf('postgres'))
}, 120_000)

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await standby[Symbol.asyncDispose]()
  await primary[Symbol.asyncDispose]()
})

const readsFrom = (of: House, server: 'replica' | 'primary') =>
  until(`lists are read from the ${server}`, 30_000, async () => {
    const before = replicaOf(of).answered[server]
    await listed(of)
    return replicaOf(of).answered[server] > before
  })

test('lists come from the standby, and from the primary while it is too far behind or away', async () => {
  await readsFrom(house, 'replica')
  await sendTo(house, ['1', '2'])
  await until('the standby has them', 30_000, async () => (await listed(house)) === 2)

  await onStandby('select pg_wal_replay_pause()')
  await sendTo(house, ['3'])
  // Once it is too old by the engine's own measure, nobody sees what it lacks.
  await readsFrom(house, 'primary')
  expect(await listed(house)).toBe(3)
  await onStandby('select pg_wal_replay_resume()')
  await readsFrom(house, 'replica')

  await standby.stop('immediate')
  await sendTo(house, ['4'])
  // No list fails, not even the first one after it is gone.
  expect(await listed(house)).toBe(4)
  expect((await house.admin.statistics.get({ query: {} })).items.length).toBeGreaterThan(0)
  await until('it is known to be away', 30_000, () => replicaOf(house).lagSeconds() === null)
  const { body } = await house.engine.app.inject({ method: 'GET', url: '/metrics' })
  expect(body).toContain('# TYPE permea_list_statements_total counter')
  expect(body).toMatch(/permea_list_statements_total\{server="primary"\} [1-9]/)
  expect(body).not.toMatch(/^permea_read_replica_lag_seconds\{/m)
  await standby.start()
  await readsFrom(house, 'replica')
  expect(await listed(house)).toBe(4)
})

test('an idle primary does not make a standby look late', async () => {
  await readsFrom(house, 'replica')
  const { answered } = replicaOf(house)
  const before = answered.replica
  // Longer than its rows may be old, with nothing written meanwhile that this test does.
  const endMs = performance.now() + 1500
  await until('time has passed', 30_000, async () => {
    await listed(house)
    return performance.now() > endMs
  })
  expect(answered.replica).toBeGreaterThan(before)
  expect(replicaOf(house).lagSeconds()).toBeLessThan(30)
})

test('a database of another server is never read for the replica', async () => {
  // This one is on the server that all tests share, the replica's is not.
  await using other = await createEmptyDatabase()
  await migrateAll(other.url, silentLog)
  await using wrong = await houseWith(primary.urlOf('postgres'), other.url)
  await sendTo(wrong, ['1'])
  await readsFrom(wrong, 'primary')
  const endMs = performance.now() + 1000
  await until('both were asked how far they are', 30_000, async () => {
    await listed(wrong)
    return performance.now() > endMs
  })
  expect(await listed(wrong)).toBe(1)
  expect(replicaOf(wrong).lagSeconds()).toBeNull()
  expect(replicaOf(wrong).answered.replica).toBe(0)
})

test('a standby in the place of the primary is no server to write to, and another that is named with it is used', async () => {
  const url = standby.urlOf('postgres')
  const alone = createDatabase({ url, connectionsMax: 2, log: silentLog })
  await expect(alone.pool.query('select 1')).rejects.toThrow(NotWritable)
  await expect(alone.hot.query('select 1')).rejects.toThrow(NotWritable)
  await alone.close()

  // What a connection that was there before its server was demoted is told of a statement.
  const any = createDatabase({ url: `${url}&target_session_attrs=any`, connectionsMax: 2, log: silentLog })
  const refused = await any.pool.query('create table written (id int)').catch((error: Error) => error)
  expect(isDatabaseAway(refused)).toBe(true)
  await any.close()

  await using toStandby = await createLink(postgresSocketOf(url))
  await using toPrimary = await createLink(postgresSocketOf(primary.urlOf('postgres')))
  const hosts = [toStandby, toPrimary].map(({ port }) => `127.0.0.1:${port}`).join(',')
  const both = createDatabase({ url: `postgres://postgres@${hosts}/postgres`, connectionsMax: 2, log: silentLog })
  await until('the primary is used', 30_000, () =>
    both.pool.query('select 1').then(
      () => true,
      () => false,
    ),
  )
  await both.close()
})
