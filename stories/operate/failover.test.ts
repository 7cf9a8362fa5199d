import {
  createEngineProcess,
  createLink,
  createPostgresProcess,
  createStandby,
  postgresSocketOf,
  seededRandom,
  startReceiver,
  toWire,
  until,
} from '@permea/testkit'
import pg from 'pg'
import { expect, test } from 'vitest'
import { behaveLikeAnApplication, createLedger, furnish, reckon, shipmentMaker, twoCalls } from '../ledger.ts'
import { startClients } from './steady-clients.ts'

// The primary is lost and a standby takes its place. Both are named in DATABASE_URL; nobody tells the engine.

const FLOWS = ['orders', 'audit']

async function ask<Row extends pg.QueryResultRow>(url: string, statement: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return (await client.query<Row>(statement).finally(() => client.end())).rows
}

async function eventsAt(url: string): Promise<Set<string>> {
  return new Set((await ask<{ id: string }>(url, 'select id from app_events')).map(({ id }) => toWire('aev', id)))
}

/** A primary and a standby of it under load, the way between the two, and an engine that knows both. */
async function buildPair() {
  const random = seededRandom()
  await using built = new AsyncDisposableStack()
  const primary = built.use(await createPostgresProcess())
  await primary.start()
  const primaryUrl = primary.urlOf('postgres')
  const toPrimary = built.use(await createLink(postgresSocketOf(primaryUrl)))
  const replication = built.use(await createLink(postgresSocketOf(primaryUrl)))
  // Nobody answers there until the standby runs.
  const toStandby = built.use(await createLink(1))
  const receiver = built.use(await startReceiver())
  const taken = behaveLikeAnApplication(receiver, random)
  const hosts = [toPrimary, toStandby].map(({ port }) => `127.0.0.1:${port}`).join(',')
  const engine = built.use(
    await createEngineProcess({
      databaseUrl: `postgres://postgres@${hosts}/postgres`,
      reachablePorts: [receiver.port],
    }),
  )
  await engine.start()
  const places = await furnish(
    engine,
    FLOWS.map((key) => twoCalls(key, receiver.port)),
    ['anna', 'ben'],
  )
  const standby = built.use(await createStandby(primary, { port: replication.port }))
  await standby.start()
  const standbyUrl = standby.urlOf('postgres')
  toStandby.turnTo(postgresSocketOf(standbyUrl))
  await until('the standby follows', 30_000, async () => (await ask(primaryUrl, FOLLOWERS)).length === 1)
  const ledger = createLedger()
  const make = shipmentMaker(random, { ...places, tokenOf: (customer) => engine.tokenOf({ id: customer }) })
  const kept = built.move()
  return {
    primary,
    primaryUrl,
    standbyUrl,
    replication,
    engine,
    admin: places.admin,
    taken,
    ledger,
    startLoad: () => startClients(() => engine, make, ledger),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

type Pair = Awaited<ReturnType<typeof buildPair>>

const FOLLOWERS = `select 1 from pg_stat_replication where state = 'streaming'`
const IN_SYNC = `select 1 from pg_stat_replication where sync_state = 'sync'`

/** Promotes the standby, and sees that the engine finds it and works. */
async function failOver({ standbyUrl, engine, taken }: Pair): Promise<void> {
  await ask(standbyUrl, 'select pg_promote(true, 60)')
  // Counted from the promotion: before it there is nothing that could be used.
  await until('the engine is ready again', 10_000, async () => (await fetch(`${engine.url}/readyz`)).status === 200)
  const before = taken.size
  await until('work goes on', 30_000, () => taken.size > before + 10)
}

async function settled({ admin }: Pair): Promise<void> {
  const left = async (state: 'queued' | 'running') => (await admin.flowRuns.list({ query: { state } })).items.length
  await until('every run has ended', 60_000, async () => (await left('queued')) + (await left('running')) === 0)
}

/** Nobody was told anything but to come back later, and the engine blames nothing on itself. */
function expectNoErrorsOf({ engine, ledger }: Pair): void {
  expect(ledger.unanswered).toBe(0)
  expect([...ledger.refused.keys()].filter((what) => what !== '503 internal unavailable')).toEqual([])
  expect(engine.isUp, engine.log()).toBe(true)
  expect(engine.log()).not.toMatch(/mistake|a request failed|could not be recorded/)
}

test('a synchronous standby takes over without the loss of anything that was acknowledged', {
  timeout: 180_000,
}, async () => {
  await using pair = await buildPair()
  const { primary, primaryUrl, standbyUrl, engine, admin, taken, ledger } = pair
  await ask(primaryUrl, `alter system set synchronous_standby_names = '*'`)
  await ask(primaryUrl, 'select pg_reload_conf()')
  await until('it is synchronous', 30_000, async () => (await ask(primaryUrl, IN_SYNC)).length === 1)

  await using load = pair.startLoad()
  await until('there is work', 30_000, () => taken.size > 40)
  await primary.stop('immediate')
  expect((await fetch(`${engine.url}/readyz`)).status).toBe(503)
  await failOver(pair)
  await load.finish()
  await settled(pair)

  const there = await eventsAt(standbyUrl)
  expect([...ledger.acknowledged.keys()].filter((id) => !there.has(id))).toEqual([])
  const sums = await reckon(ledger, admin, taken, FLOWS)
  expect(sums.lost).toEqual([])
  expect(sums.notCompleted).toEqual([])
  // What was sent again because its answer never came is the same event.
  expect([...ledger.byKey.values()].reduce((sum, ids) => sum + ids.size, 0)).toBe(ledger.acknowledged.size)
  expectNoErrorsOf(pair)
})

test('of an asynchronous standby that lags, exactly what it had not replayed is lost, and the engine goes on', {
  timeout: 180_000,
}, async () => {
  await using pair = await buildPair()
  const { primary, standbyUrl, replication, admin, taken, ledger } = pair
  await using load = pair.startLoad()
  await until('there is work', 30_000, () => taken.size > 40)
  const early = new Set(ledger.acknowledged.keys())
  await until('the standby has what was acknowledged so far', 30_000, async () => {
    const there = await eventsAt(standbyUrl)
    return [...early].every((id) => there.has(id))
  })
  replication.silence()
  const behind = ledger.acknowledged.size
  await until('more is acknowledged than it has', 30_000, () => ledger.acknowledged.size > behind + 40)
  await primary.stop('immediate')
  const before = new Set(ledger.acknowledged.keys())
  const replayed = await eventsAt(standbyUrl)
  await failOver(pair)
  await load.finish()
  await settled(pair)

  const there = await eventsAt(standbyUrl)
  const lost = [...ledger.acknowledged.keys()].filter((id) => !there.has(id))
  process.stdout.write(
    `${JSON.stringify({ acknowledged: ledger.acknowledged.size, early: early.size, lost: lost.length })}\n`,
  )
  expect(lost.length).toBeGreaterThanOrEqual(40)
  expect(lost.filter((id) => replayed.has(id) || early.has(id) || !before.has(id))).toEqual([])
  expect([...before].filter((id) => !replayed.has(id)).toSorted()).toEqual(lost.toSorted())
  // What is there is there whole, and was worked through; of the rest there is nothing.
  for (const id of lost) ledger.acknowledged.delete(id)
  const sums = await reckon(ledger, admin, taken, FLOWS)
  expect(sums.lost).toEqual([])
  expect(sums.notCompleted).toEqual([])
  expectNoErrorsOf(pair)
})
