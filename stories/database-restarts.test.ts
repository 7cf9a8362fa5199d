import { createEngineProcess, createPostgresProcess, pause, seededRandom, startReceiver, until } from '@permea/testkit'
import { expect, test } from 'vitest'
import { behaveLikeAnApplication, createLedger, furnish, reckon, ship, shipmentMaker, twoCalls } from './ledger.ts'

// The database may go away at any time; the engine stays up, takes nothing in meanwhile, and goes on by itself.

const OUTAGES = 8
const CLIENTS = 4

test(`while PostgreSQL is restarted ${OUTAGES} times, the engine stays up and loses nothing`, {
  timeout: 240_000,
}, async () => {
  const random = seededRandom()
  await using postgres = await createPostgresProcess()
  await postgres.start()
  await using receiver = await startReceiver()
  const taken = behaveLikeAnApplication(receiver, random)
  await using engine = await createEngineProcess({
    databaseUrl: postgres.urlOf('postgres'),
    reachablePorts: [receiver.port],
  })
  await engine.start()
  const customers = ['anna', 'ben', 'chloe']
  const flows = ['orders', 'audit']
  const places = await furnish(
    engine,
    flows.map((key) => twoCalls(key, receiver.port)),
    customers,
  )
  const make = shipmentMaker(random, { ...places, tokenOf: (customer) => engine.tokenOf({ id: customer }) })
  const ledger = createLedger()

  let isOver = false
  const load = Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (!isOver) {
        const shipment = make()
        // What was not acknowledged is sent again until it is, as an application would.
        while (!(await ship(engine, { ...shipment, key: shipment.key ?? shipment.orders.join() }, ledger)))
          await pause(20)
        await pause(20)
      }
    }),
  )
  const recoveriesMs: number[] = []
  for (let outage = 1; outage <= OUTAGES; outage += 1) {
    await pause(random.between(500, 2500))
    await postgres.stop(outage % 2 === 0 ? 'immediate' : 'fast')
    expect((await fetch(`${engine.url}/readyz`)).status).toBe(503)
    await pause(random.between(0, 1500))
    await postgres.start()
    const backMs = performance.now()
    await until('the engine is ready again', 10_000, async () => (await fetch(`${engine.url}/readyz`)).status === 200)
    const before = taken.size
    await until('work goes on', 10_000, () => taken.size > before)
    recoveriesMs.push(Math.round(performance.now() - backMs))
  }
  isOver = true
  await load
  await until('every run has ended', 60_000, async () =>
    (
      await Promise.all(
        (['queued', 'running'] as const).map((state) => places.admin.flowRuns.list({ query: { state } })),
      )
    ).every(({ items }) => items.length === 0),
  )

  const sums = await reckon(ledger, places.admin, taken, flows)
  process.stdout.write(
    `${JSON.stringify({
      seed: random.seed,
      outages: OUTAGES,
      acknowledged: sums.acknowledged,
      lost: sums.lost.length,
      duplicates: sums.duplicates,
      unanswered: ledger.unanswered,
      refused: Object.fromEntries(ledger.refused),
      recoveryMs: recoveriesMs,
    })}\n`,
  )
  expect(sums.lost).toEqual([])
  expect(sums.notCompleted).toEqual([])
  expect(engine.isUp, engine.log()).toBe(true)
  // Every request was answered: taken, or refused as being for later.
  expect(ledger.unanswered).toBe(0)
  // The outages are told of once each, by whoever noticed, and nothing is taken for a mistake.
  expect(engine.log()).not.toMatch(/"level":50/)
  expect(engine.log()).toContain('the database, for background jobs, cannot be reached')
  expect(engine.log()).toContain('freeing jobs waits for the database')
  expect([...ledger.refused.keys()]).toEqual(['503 internal unavailable'])
  expect([...ledger.byKey.values()].reduce((sum, ids) => sum + ids.size, 0)).toBe(ledger.acknowledged.size)
})

test('an engine that is told to end while the database is away does so', { timeout: 120_000 }, async () => {
  await using postgres = await createPostgresProcess()
  await postgres.start()
  await using receiver = await startReceiver()
  let answer = () => {}
  receiver.behave((_request, response) => {
    answer = () => response.writeHead(200).end('{}')
  })
  await using engine = await createEngineProcess({
    databaseUrl: postgres.urlOf('postgres'),
    reachablePorts: [receiver.port],
  })
  await engine.start()
  const { pathOf } = await furnish(engine, [twoCalls('orders', receiver.port)], ['anna'])
  const path = pathOf.get('anna') ?? ''
  const shipment = { path, token: null, orders: ['1'], customer: 'anna', isBatch: false, key: null }
  expect(await ship(engine, shipment, createLedger())).toBe(true)
  await receiver.waitFor(1)
  await postgres.stop('fast')
  answer()
  const beganMs = performance.now()
  await engine.kill('SIGTERM')
  expect(performance.now() - beganMs).toBeLessThan(15_000)
  await postgres.start()
})
