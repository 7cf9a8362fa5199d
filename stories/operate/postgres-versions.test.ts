import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { createEngineProcess, createPostgresProcess, seededRandom, startReceiver, until } from '@permea/testkit'
import { describe, expect, test } from 'vitest'
import { behaveLikeAnApplication, createLedger, furnish, reckon, ship, shipmentMaker, twoCalls } from '../ledger.ts'

// The versions of PostgreSQL that docs/operate/install.md names, besides the one that every other test runs on.

const SUPPORTED = [15, 16, 17]
const TOO_OLD = 14
const FLOWS = ['orders', 'audit']

const binariesOf = (major: number) =>
  fileURLToPath(new URL(`../products/node_modules/postgres-${major}/native`, import.meta.url))

describe.each(SUPPORTED)('on PostgreSQL %i', (major) => {
  test('events are taken in and worked off over a crash of it, lists answer, and a customer is erased', {
    timeout: 120_000,
  }, async () => {
    await using postgres = await createPostgresProcess(tmpdir(), binariesOf(major))
    await postgres.start()
    await using receiver = await startReceiver()
    const random = seededRandom()
    const taken = behaveLikeAnApplication(receiver, random)
    await using engine = await createEngineProcess({
      databaseUrl: postgres.urlOf('postgres'),
      reachablePorts: [receiver.port],
    })
    await engine.start()
    const places = await furnish(
      engine,
      FLOWS.map((key) => twoCalls(key, receiver.port)),
      ['anna', 'ben'],
    )
    const { admin } = places
    const ledger = createLedger()
    const make = shipmentMaker(random, { ...places, tokenOf: (customer) => engine.tokenOf({ id: customer }) })
    const send = async (count: number) => {
      for (let sent = 0; sent < count; sent += 1) expect(await ship(engine, make(), ledger)).toBe(true)
    }
    await send(15)
    await postgres.stop('immediate')
    await postgres.start()
    await until('the engine is ready again', 30_000, async () => (await fetch(`${engine.url}/readyz`)).status === 200)
    await send(15)
    await until('every run has ended', 60_000, async () => {
      const open = await Promise.all(
        (['queued', 'running'] as const).map((state) => admin.flowRuns.list({ query: { state } })),
      )
      return open.every(({ items }) => items.length === 0)
    })
    const sums = await reckon(ledger, admin, taken, FLOWS)
    expect({ lost: sums.lost, notCompleted: sums.notCompleted }).toEqual({ lost: [], notCompleted: [] })
    expect((await admin.appEvents.list({ query: { search: 'order-1' } })).items.length).toBeGreaterThan(0)

    const { id } = await admin.erasures.begin({ params: { selector: 'anna' } })
    await until('the erasure is completed', 60_000, async () => {
      return (await admin.erasures.get({ params: { id } })).status === 'completed'
    })
    expect((await admin.customers.list()).items.map(({ internalId }) => internalId)).toEqual(['ben'])

    // One that finds everything migrated.
    await engine.kill('SIGTERM')
    await engine.start()
    expect(engine.log()).not.toMatch(/"level":50/)
  })
})

test(`on PostgreSQL ${TOO_OLD} the start ends with one line that says what is needed`, {
  timeout: 120_000,
}, async () => {
  await using postgres = await createPostgresProcess(tmpdir(), binariesOf(TOO_OLD))
  await postgres.start()
  await using engine = await createEngineProcess({ databaseUrl: postgres.urlOf('postgres'), reachablePorts: [] })
  await expect(engine.start()).rejects.toThrow('the engine ended while it started')
  expect(engine.log()).toMatch(
    /^permea: DATABASE_URL cannot be used: it is PostgreSQL 14\.\d+, and 15 or newer is needed$/m,
  )
})
