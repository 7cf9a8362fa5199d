import { createEngineProcess, createPostgresProcess, seededRandom, startReceiver, until } from '@permea/testkit'
import pg from 'pg'
import { expect, test } from 'vitest'
import { behaveLikeAnApplication, createLedger, furnish, reckon, shipmentMaker, twoCalls } from '../ledger.ts'
import { mountSmallDisk } from './small-disk.ts'
import { startClients } from './steady-clients.ts'

const FLOWS = ['orders', 'audit']

/** Asks for one new file of the write-ahead log after the other, until PostgreSQL gives up for want of space. */
async function useUpTheLog(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  const next = `select pg_logical_emit_message(false, 'story', 'more'), pg_switch_wal()`
  await until('there is no room for the log', 30_000, () =>
    client.query(next).then(
      () => false,
      () => true,
    ),
  )
  await client.end().catch(() => {})
}

test('while the disk of PostgreSQL is full, tables or log, events are refused for later and nothing is lost', {
  timeout: 180_000,
}, async () => {
  const random = seededRandom()
  using disk = mountSmallDisk(400)
  await using postgres = await createPostgresProcess(disk.dir)
  await postgres.start()
  await using receiver = await startReceiver()
  const taken = behaveLikeAnApplication(receiver, random)
  await using engine = await createEngineProcess({
    databaseUrl: postgres.urlOf('postgres'),
    reachablePorts: [receiver.port],
  })
  await engine.start()
  const { admin, ...places } = await furnish(
    engine,
    FLOWS.map((key) => twoCalls(key, receiver.port)),
    ['anna', 'ben'],
  )
  const make = shipmentMaker(random, { ...places, tokenOf: (customer) => engine.tokenOf({ id: customer }) })
  const ledger = createLedger()
  await using load = startClients(() => engine, make, ledger)
  const works = async (after: string) => {
    const before = taken.size
    await until(`work goes on ${after}`, 30_000, () => taken.size > before + 10)
  }
  const isRefused = async () => {
    const body = JSON.stringify({ order: 'of nobody', filling: random.next().toString().repeat(500) })
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${engine.url}${places.pathOf.get('anna')}`, { method: 'POST', headers, body })
    if (answer.status === 503) expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
    return answer.status === 503
  }
  await works('at first')

  await until('events are refused for want of room', 60_000, async () => {
    disk.fill()
    return await isRefused()
  })
  await until('so are those of clients', 60_000, () => ledger.refused.size > 0)
  await until('the log says why', 30_000, () => engine.log().includes('No space left on device'))
  disk.empty()
  await works('when there is room')

  const refusals = () => [...ledger.refused.values()].reduce((sum, times) => sum + times, 0)
  const before = refusals()
  disk.fill()
  await useUpTheLog(postgres.urlOf('postgres'))
  await until('events are refused for want of a log', 60_000, async () => {
    // PostgreSQL may come back by itself and have files of its log to spare.
    disk.fill()
    return refusals() > before || (await isRefused())
  })
  disk.empty()
  // Where it could not even replay its log it has ended, and whoever keeps it running starts it again.
  await until('PostgreSQL is there', 60_000, () =>
    postgres.start().then(
      () => true,
      () => false,
    ),
  )
  await until('the engine is ready again', 30_000, async () => (await fetch(`${engine.url}/readyz`)).status === 200)
  await works('when there is a log')
  await load.finish()
  const left = async (state: 'queued' | 'running') => (await admin.flowRuns.list({ query: { state } })).items.length
  await until('every run has ended', 60_000, async () => (await left('queued')) + (await left('running')) === 0)

  const sums = await reckon(ledger, admin, taken, FLOWS)
  expect(sums.lost).toEqual([])
  expect(sums.notCompleted).toEqual([])
  expect([...ledger.byKey.values()].reduce((sum, ids) => sum + ids.size, 0)).toBe(ledger.acknowledged.size)
  expect(ledger.unanswered).toBe(0)
  expect([...ledger.refused.keys()]).toEqual(['503 internal unavailable'])
  expect(engine.isUp, engine.log()).toBe(true)
  expect(engine.log()).not.toMatch(/mistake|a request failed|could not be recorded/)
})
