import {
  createEngineProcess,
  createPostgresProcess,
  type EngineProcess,
  seededRandom,
  startReceiver,
  until,
} from '@permea/testkit'
import { expect, test } from 'vitest'
import { behaveLikeAnApplication, createLedger, furnish, reckon, shipmentMaker, twoCalls } from '../ledger.ts'
import { behindCable } from './cable.ts'
import { startClients } from './steady-clients.ts'

const FLOWS = ['orders', 'audit']
const SHARDS = 64

const TAKEN_OVER_MS_MAX = 15_000

/** Longest wait for an answer: what the engine waits for the database, and some time for a busy machine. */
const ANSWERED_MS_MAX = 25_000

async function shardsOf(engine: EngineProcess): Promise<number> {
  const text = await (await fetch(`${engine.url}/metrics`)).text()
  return Number(/^permea_shards_owned (\d+)/m.exec(text)?.[1])
}

test('a process whose cable to the database is pulled loses its shards to another within 15 s, and no event', {
  timeout: 180_000,
}, async () => {
  const random = seededRandom()
  await using postgres = await createPostgresProcess()
  await postgres.start()
  await using cable = await behindCable(postgres)
  await using receiver = await startReceiver()
  const taken = behaveLikeAnApplication(receiver, random)
  const reachablePorts = [receiver.port]
  await using near = await createEngineProcess({ databaseUrl: postgres.urlOf('postgres'), reachablePorts })
  await using far = await createEngineProcess({ databaseUrl: cable.url, reachablePorts })
  await near.start()
  await far.start()
  const { admin, ...places } = await furnish(
    near,
    FLOWS.map((key) => twoCalls(key, receiver.port)),
    Array.from({ length: 12 }, (_, index) => `customer-${index}`),
  )
  const make = shipmentMaker(random, { ...places, tokenOf: (customer) => near.tokenOf({ id: customer }) })
  const [ledger, ledgerOfFar] = [createLedger(), createLedger()]
  await until('each has its share', 30_000, async () => {
    return (await shardsOf(near)) === SHARDS / 2 && (await shardsOf(far)) === SHARDS / 2
  })
  await using load = startClients(() => near, make, ledger)
  // As behind a load balancer: what is not ready is sent nothing more.
  let behindBalancer = far
  await using loadOfFar = startClients(() => behindBalancer, make, ledgerOfFar)
  await until('both have work', 30_000, () => ledger.acknowledged.size > 30 && ledgerOfFar.acknowledged.size > 30)

  cable.pull()
  const pulledMs = performance.now()
  await until('the other works all shards', TAKEN_OVER_MS_MAX, async () => (await shardsOf(near)) === SHARDS)
  process.stdout.write(`${JSON.stringify({ takenOverMs: Math.round(performance.now() - pulledMs) })}\n`)
  await until('requests at the one cut off are refused', 30_000, () => ledgerOfFar.refused.size > 0)
  expect((await fetch(`${far.url}/readyz`)).status).toBe(503)
  behindBalancer = near
  await Promise.all([load.finish(), loadOfFar.finish()])
  expect(Math.max(load.longestMs, loadOfFar.longestMs)).toBeLessThan(ANSWERED_MS_MAX)
  const left = async (state: 'queued' | 'running') => (await admin.flowRuns.list({ query: { state } })).items.length
  await until('every run has ended', 30_000, async () => (await left('queued')) + (await left('running')) === 0)

  for (const each of [ledger, ledgerOfFar]) {
    const sums = await reckon(each, admin, taken, FLOWS)
    expect(sums.lost).toEqual([])
    expect(sums.notCompleted).toEqual([])
    expect([...each.byKey.values()].reduce((sum, ids) => sum + ids.size, 0)).toBe(each.acknowledged.size)
    expect(each.unanswered).toBe(0)
    expect([...each.refused.keys()].filter((what) => what !== '503 internal unavailable')).toEqual([])
  }
  expect(far.log()).not.toMatch(/mistake|a request failed|could not be recorded/)

  cable.plug()
  await until('it has its share again', 30_000, async () => (await shardsOf(far)) === SHARDS / 2)
  expect((await fetch(`${far.url}/readyz`)).status).toBe(200)
})
