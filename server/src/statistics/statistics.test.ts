import { sendEvents } from '@permea/sdk'
import { buildHouse, type House } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SettableClock } from '../platform/clock.ts'
import { sql } from '../platform/database.ts'
import { createIds } from '../platform/ids.ts'

let house: House

beforeAll(async () => {
  house = await buildHouse({ clock: 'settable' })
})
afterAll(() => house[Symbol.asyncDispose]())

/** The statistics of the last hour, read anew: an answer may be a few seconds old. */
async function lastHour(buckets: number) {
  const to = house.clock.now()
  return house.admin.statistics.get({ query: { from: new Date(to.getTime() - 3_600_000), to, buckets } })
}

test('events and the ends of their runs are counted in the stretch that they came in', async () => {
  await house.admin.customers.create({ body: { name: 'Acme', internalId: 'acme' } })
  await house.admin.appEventTypes.create({ body: { key: 'order', tenantIdFormula: { $var: '$.of' } } })
  await house.admin.flows.create({
    body: {
      key: 'fails-for-odd',
      nodes: {
        trigger: { type: 'app-event-trigger', config: { appEvent: { key: 'order' } }, links: [{ key: 'check' }] },
        check: { type: 'for-each-v2', config: { items: { $var: '$.input.trigger.items' }, rootNodeKey: 'inner' } },
        inner: { type: 'transform-data', config: { output: 1 } },
      },
    },
  })
  await house.admin.flowInstances.create({ body: { flowKey: 'fails-for-odd', userId: 'acme', enabled: true } })
  await house.settle()
  const { globalWebhookUri } = await house.admin.appEventTypes.get({ params: { selector: 'order' } })
  await sendEvents(globalWebhookUri, [
    { of: 'acme', items: [] },
    { of: 'acme', items: 'not a list' },
    { of: 'acme', items: [1] },
  ])
  await house.settle()
  const { items, bucketMs, now } = await lastHour(12)
  expect(bucketMs).toBe(300_000)
  expect(items).toHaveLength(12)
  expect(items.map((each) => each.events)).toEqual([...Array(11).fill(0), 3])
  expect(items.at(-1)).toMatchObject({ isEstimated: false, runs: { completed: 2, failed: 1, stopped: 0 } })
  expect(items.at(-1)?.runMs?.p95).toBeGreaterThanOrEqual(0)
  expect(items[0]?.runMs).toBeUndefined()
  expect(now).toEqual({ queuedRuns: 0, runningRuns: 0, pendingDeliveries: 0 })
})

test('thousands in a minute are counted one by one; what is too much is estimated as if it went on as it began', async () => {
  const minuteMs = 60_000
  const startMs = Math.floor((house.clock.now().getTime() - 30 * minuteMs) / minuteMs) * minuteMs
  // Six minutes after one another have 5,000 events, evenly: one every 12 ms; then one has 20,000.
  const clock = new SettableClock(new Date(startMs))
  const ids = createIds(clock)
  const uuids = Array.from({ length: 50_000 }, (_, at) => {
    const id = ids.next()
    clock.advance(at < 30_000 ? 12 : 3)
    return id
  })
  const nobody = '00000000-0000-0000-0000-000000000001'
  await sql`
    insert into app_events (id, workspace_id, customer_id, app_event_type_id, payload)
    select id, ${house.workspace.id}, ${nobody}, ${nobody}, '{}' from unnest(${uuids}::uuid[]) id`.execute(
    house.engine.database.db,
  )
  const { items } = await lastHour(60)
  const estimated = items.filter((each) => each.isEstimated)
  expect(estimated).toHaveLength(1)
  for (const { events } of estimated) expect(Math.abs(events - 20_000)).toBeLessThan(100)
  const exact = items.filter((each) => !each.isEstimated).map((each) => each.events)
  expect(exact.filter((count) => count > 1000)).toEqual(Array(6).fill(5000))
})

test('one workspace is not told of another', async () => {
  await using other = await buildHouse({ clock: 'settable' })
  const { items } = await other.admin.statistics.get()
  expect(items.every((each) => each.events === 0)).toBe(true)
})
