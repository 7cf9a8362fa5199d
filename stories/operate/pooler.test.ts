import { createEngineProcess, createPostgresProcess, startReceiver } from '@permea/testkit'
import { expect, test } from 'vitest'
import { createLedger, furnish, ship, twoCalls } from '../ledger.ts'
import { startPgBouncer } from './pgbouncer.ts'

test('behind a pooler in session mode everything works', { timeout: 90_000 }, async () => {
  await using postgres = await createPostgresProcess()
  await postgres.start()
  await using pooler = await startPgBouncer(postgres.urlOf('postgres'), 'session')
  await using receiver = await startReceiver()
  await using engine = await createEngineProcess({ databaseUrl: pooler.url, reachablePorts: [receiver.port] })
  await engine.start()
  const { pathOf } = await furnish(engine, [twoCalls('orders', receiver.port)], ['anna'])
  const shipment = { path: pathOf.get('anna') ?? '', token: null, customer: 'anna', isBatch: false, key: null }
  for (const order of ['1', '2', '3'])
    expect(await ship(engine, { ...shipment, orders: [order] }, createLedger())).toBe(true)
  await receiver.waitFor(6)
})

test('behind a pooler in transaction mode the start ends with one line that names the remedy', {
  timeout: 120_000,
}, async () => {
  await using postgres = await createPostgresProcess()
  await postgres.start()
  await using pooler = await startPgBouncer(postgres.urlOf('postgres'), 'transaction')
  await using engine = await createEngineProcess({ databaseUrl: pooler.url, reachablePorts: [] })
  await expect(engine.start()).rejects.toThrow('the engine ended while it started')
  expect(engine.log()).toMatch(/^permea: DATABASE_URL cannot be used: .*use session mode/m)
})
