import {
  createEngineProcess,
  createLink,
  createPostgresProcess,
  type EngineProcess,
  type Link,
  pause,
  postgresSocketOf,
  seededRandom,
  startReceiver,
  until,
} from '@permea/testkit'
import pg from 'pg'
import { expect, test } from 'vitest'
import { behaveLikeAnApplication, createLedger, furnish, reckon, ship, shipmentMaker, twoCalls } from './ledger.ts'

// The way to the database breaks as networks and failovers break it. Nothing that was acknowledged is lost, every
// request gets an answer, and no run is told to have failed for it.

/** Longer than an answer of the database is waited for. */
const SILENT_MS = 17_000

interface Place {
  link: Link
  socket: string
  engine: EngineProcess
  setReadOnly(value: 'on' | 'off'): Promise<void>
}

const TROUBLES: Record<string, (place: Place) => Promise<void>> = {
  async 'every connection is refused for a while'({ link, socket }) {
    link.turnTo(1)
    await pause(2500)
    link.turnTo(socket)
  },
  async 'the server behind the name takes no writes for a while'({ link, socket, setReadOnly }) {
    await setReadOnly('on')
    link.turnTo(socket)
    await pause(3000)
    await setReadOnly('off')
  },
  async 'the link stops forwarding without being closed'({ link, engine }) {
    link.silence()
    const { status } = await fetch(`${engine.url}/readyz`)
    expect(status).toBe(503)
    await pause(SILENT_MS)
    link.restore()
  },
}

test('a broken way to the database costs answers of 503 and nothing else', { timeout: 180_000 }, async () => {
  const random = seededRandom()
  await using postgres = await createPostgresProcess()
  await postgres.start()
  const url = postgres.urlOf('postgres')
  const socket = postgresSocketOf(url)
  await using link = await createLink(socket)
  await using receiver = await startReceiver()
  const taken = behaveLikeAnApplication(receiver, random)
  await using engine = await createEngineProcess({
    databaseUrl: `postgres://postgres@127.0.0.1:${link.port}/postgres`,
    reachablePorts: [receiver.port],
  })
  await engine.start()
  const flows = ['orders', 'audit']
  const places = await furnish(
    engine,
    flows.map((key) => twoCalls(key, receiver.port)),
    ['anna', 'ben'],
  )
  const make = shipmentMaker(random, { ...places, tokenOf: (customer) => engine.tokenOf({ id: customer }) })
  const ledger = createLedger()
  const setReadOnly = async (value: 'on' | 'off') => {
    const admin = new pg.Client({ connectionString: url })
    await admin.connect()
    await admin.query('set default_transaction_read_only = off')
    await admin.query(`alter database postgres set default_transaction_read_only = ${value}`)
    await admin.end()
  }

  let isOver = false
  const load = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (!isOver) {
        const shipment = make()
        while (!(await ship(engine, { ...shipment, key: shipment.key ?? shipment.orders.join() }, ledger)))
          await pause(50)
        await pause(20)
      }
    }),
  )
  for (const [trouble, happen] of Object.entries(TROUBLES)) {
    await pause(500)
    await happen({ link, socket, engine, setReadOnly })
    await until(`the engine is ready after ${trouble}`, 15_000, async () => {
      return (await fetch(`${engine.url}/readyz`)).status === 200
    })
    const before = taken.size
    await until(`work goes on after ${trouble}`, 15_000, () => taken.size > before)
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
    `${JSON.stringify({ seed: random.seed, ...sums, lost: sums.lost.length, refused: Object.fromEntries(ledger.refused) })}\n`,
  )
  expect(sums.lost).toEqual([])
  expect(sums.notCompleted).toEqual([])
  expect(ledger.unanswered).toBe(0)
  expect([...ledger.refused.keys()]).toEqual(['503 internal unavailable'])
  expect(engine.log()).not.toMatch(/mistake|a request failed/)
  // An outage is a few lines, however many requests it cost.
  expect(engine.log().split('cannot be reached').length).toBeLessThan(20)
})
