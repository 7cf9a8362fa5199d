import { answering, buildHouse, type House, type Receiver, startReceiver, until } from '@permea/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sql } from '../platform/database.ts'

let receiver: Receiver
let house: House
let destinationId: string

beforeEach(async () => {
  receiver = await startReceiver()
  house = await buildHouse({ clock: 'settable' })
  receiver.behave(answering(500))
  const body = { url: receiver.url, eventTypes: ['alert.created' as const], scheduleMs: [] }
  destinationId = (await house.admin.notificationEndpoints.create({ body })).id
})

afterEach(async () => {
  await house[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
})

/** Deliveries that were given up, with one attempt each. */
async function exhausted(count: number): Promise<void> {
  await house.engine.database.transaction(async (tx) => {
    for (let made = 0; made < count; made += 1)
      await house.engine.alerts.raise(tx, {
        workspaceId: house.workspace.id,
        key: `of a test ${made}`,
        type: 'flow_failing',
        severity: 'warning',
        description: 'for a test',
        customerId: null,
        contextKey: null,
        details: null,
      })
  })
  await house.settle()
  receiver.behave(answering(200))
  receiver.received.length = 0
}

test('cancelled, it sends at most what is due within two seconds', async () => {
  await exhausted(20)
  const { id } = await house.admin.replays.create({ body: { destinationId, ratePerSecond: 1 } })
  const params = { id }
  while (receiver.received.length < 3) {
    house.clock.advance(100)
    await house.admin.replays.get({ params })
  }
  expect(await house.admin.replays.cancel({ params })).toMatchObject({ state: 'cancelled' })
  const sent = receiver.received.length
  house.clock.advance(60_000)
  await house.settle()
  expect(receiver.received.length).toBeLessThanOrEqual(sent + 2)
  expect(await house.admin.replays.get({ params })).toMatchObject({ state: 'cancelled' })
})

test('a fault in the middle of it ends neither the process nor the replay: it goes on where it was', async () => {
  await exhausted(10)
  await sql
    .raw(`create function refuse() returns trigger language plpgsql as $$ begin raise 'refused'; end $$`)
    .execute(house.engine.database.db)
  await sql`create trigger refuse before insert on delivery_attempts for each row execute function refuse()`.execute(
    house.engine.database.db,
  )
  const { id, total } = await house.admin.replays.create({ body: { destinationId, ratePerSecond: 5 } })
  expect(total).toBeGreaterThanOrEqual(10)
  const params = { id }
  await until('it has failed', 10_000, async () => {
    house.clock.advance(100)
    const { rows } = await sql<{ error: string | null }>`
      select last_error as error from graphile_worker._private_jobs where last_error is not null`.execute(
      house.engine.database.db,
    )
    return rows.length > 0
  })
  await sql`drop trigger refuse on delivery_attempts`.execute(house.engine.database.db)
  await house.engine.database.transaction((tx) =>
    sql`update graphile_worker._private_jobs set run_at = now()`.execute(tx),
  )
  await until('it is done', 10_000, async () => {
    house.clock.advance(100)
    return (await house.admin.replays.get({ params })).state === 'completed'
  })
  expect(await house.admin.replays.get({ params })).toMatchObject({ succeeded: total, failed: 0, done: total })
  expect((await house.admin.deliveries.list({ query: { state: 'succeeded' } })).items).toHaveLength(total)
})
