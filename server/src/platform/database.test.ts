import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { promisify } from 'node:util'
import { createLink, createTestDatabase, freePort, postgresSocketOf, until } from '@permea/testkit'
import { expect, test } from 'vitest'
import { createDatabase } from './database.ts'
import { isDatabaseAway, NotWritable } from './database-errors.ts'
import { silentLog } from './log.ts'
import { createOwnership, SHARDS } from './ownership.ts'
import { checkKeepsSessions, checkReady } from './readiness.ts'

const ANSWER_MS = 1500

/** The server of the tests listens at a socket; through a link it is reached by a port. */
const through = (own: { name: string }, ...ports: number[]) =>
  `postgres://postgres@${ports.map((port) => `127.0.0.1:${port}`).join(',')}/${own.name}`

test('a link that is silent without being closed holds no statement for longer than an answer is waited for', async () => {
  await using own = await createTestDatabase()
  await using link = await createLink(postgresSocketOf(own.url))
  const database = createDatabase({
    url: through(own, link.port),
    connectionsMax: 4,
    log: silentLog,
    answerMs: ANSWER_MS,
  })
  await Promise.all([database.pool.query('select 1'), database.hot.query('select 1')])
  link.silence()
  const waiting = await Promise.allSettled([
    database.pool.query('select 1'),
    database.hot.query('select 1'),
    database.transaction(async (tx) => tx.executeQuery(HEARTBEAT)),
  ])
  expect(waiting.map((each) => each.status === 'rejected' && isDatabaseAway(each.reason))).toEqual([true, true, true])
  link.restore()
  await until('the database answers again', 10_000, async () =>
    database.hot.query('select 1').then(
      () => true,
      () => false,
    ),
  )
  expect((await database.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  await database.close()
})

const HEARTBEAT = { sql: 'select 1', parameters: [], query: { kind: 'RawNode' }, queryId: { queryId: '1' } } as never

test('shards behind a silent link are given up, said to be missing, and taken again when it is back', async () => {
  await using own = await createTestDatabase()
  await using link = await createLink(postgresSocketOf(own.url))
  const database = createDatabase({ url: through(own, link.port), connectionsMax: 4, log: silentLog })
  const ownership = createOwnership({ database, log: silentLog, random: Math.random, isWorker: true, tickMs: 50 })
  const losses: string[] = []
  ownership.listen({ lost: async (shards, how) => void losses.push(`${how} ${shards.length}`) })
  await ownership.start()
  expect(ownership.trouble()).toBe(null)
  await checkReady(database, ownership)
  link.silence()
  await until('the shards are given up', 15_000, () => losses.length > 0)
  expect(losses).toEqual([`sudden ${SHARDS}`])
  await expect(checkReady(database, ownership)).rejects.toThrow('no shards can be worked')
  link.restore()
  await until('the shards are there again', 15_000, () => ownership.ownsAll())
  expect(ownership.trouble()).toBe(null)
  await ownership.stop()
  await database.close()
})

test('of several servers the one that can be reached and takes writes is used', async () => {
  await using own = await createTestDatabase()
  await using link = await createLink(postgresSocketOf(own.url))
  const database = createDatabase({
    url: through(own, await freePort(), link.port),
    connectionsMax: 4,
    log: silentLog,
  })
  await until('the second server is used', 10_000, async () =>
    database.pool.query('create table if not exists written (id int)').then(
      () => true,
      () => false,
    ),
  )
  await database.close()
})

test('a server that takes no writes is not used, and one that stops taking them is left', async () => {
  await using own = await createTestDatabase()
  const database = createDatabase({ url: own.url, connectionsMax: 2, log: silentLog })
  await database.pool.query('create table written (id int)')
  const setReadOnly = async (value: 'on' | 'off') => {
    const admin = createDatabase({ url: `${own.url}&target_session_attrs=any`, connectionsMax: 2, log: silentLog })
    await admin.pool.query(
      `begin read write; alter database ${own.name} set default_transaction_read_only = ${value}; commit`,
    )
    await admin.close()
  }
  await setReadOnly('on')
  // The connection that is open already is like one to a server that was demoted.
  await database.pool.query('set default_transaction_read_only = on')
  const refused = await database.pool.query('insert into written values (1)').catch((error: Error) => error)
  expect(isDatabaseAway(refused)).toBe(true)
  await until('the connection is left', 20_000, () => database.pool.totalCount === 0)
  await expect(database.pool.query('select 1')).rejects.toThrow(NotWritable)
  await expect(checkReady(database, { trouble: () => null })).rejects.toThrow('takes no writes')
  await setReadOnly('off')
  await database.pool.query('insert into written values (1)')
  await checkReady(database, { trouble: () => null })
  await database.close()
})

test('a connection that is lost while the server is looked at is told of to who waits for it, and to nobody else', async () => {
  await using own = await createTestDatabase()
  // Ends a connection at the moment at which it is asked whether the server takes writes.
  const cutting = createServer((from) => {
    const to = connect(postgresSocketOf(own.url))
    for (const socket of [from, to]) socket.on('error', () => {})
    to.pipe(from)
    from.on('data', (bytes) => (bytes.includes('transaction_read_only') ? to.destroy() : to.write(bytes)))
    to.on('close', () => from.destroy())
  })
  await once(cutting.listen(0, '127.0.0.1'), 'listening')
  const { port } = cutting.address() as AddressInfo
  const database = createDatabase({ url: through(own, port), connectionsMax: 4, log: silentLog })
  await expect(database.pool.query('select 1')).rejects.toThrow()
  await expect(database.hot.query('select 1')).rejects.toThrow()
  await expect(database.connect()).rejects.toThrow()
  await database.close()
  await promisify(cutting.close.bind(cutting))()
})

test('a direct connection keeps its session', async () => {
  await using own = await createTestDatabase()
  const database = createDatabase({ url: own.url, connectionsMax: 2, log: silentLog })
  await checkKeepsSessions(database)
  await database.close()
})
