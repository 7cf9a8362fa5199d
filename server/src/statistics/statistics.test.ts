import { sendEvents } from '@permea/sdk'
import { buildHouse, type House } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sourcesBehind } from '../broker-sources/statistics-store.ts'
import { saySources } from '../broker-sources/store.ts'
import { SettableClock } from '../platform/clock.ts'
import { sql } from '../platform/database.ts'
import { createIds, toWire } from '../platform/ids.ts'

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

test('what waits at brokers is summed where it is known; what is not known is not nothing', async () => {
  const { db } = house.engine.database
  const behind = async () => (await lastHour(12)).now.brokerSources
  const type = await house.admin.appEventTypes.create({ body: { key: 'from-brokers' } })
  const ids = createIds(house.clock)
  /** In a shard that nobody works: how it goes is what is said here. */
  const add = async (key: string, more: { pausedAt?: Date; archivedAt?: Date } = {}) => {
    const id = ids.next()
    await sql`
      insert into broker_sources (id, workspace_id, uuid, key, name, app_event_type_id, url, shard, revision, created_at,
        updated_at, paused_at, archived_at)
      select ${id}, ${house.workspace.id}, ${id}, ${key}, ${`Name of ${key}`}, id, 'nats://127.0.0.1:9/a', 999, '1', now(), now(),
             ${more.pausedAt ?? null}, ${more.archivedAt ?? null}
        from app_event_types where uuid = ${type.uuid}`.execute(db)
    return id
  }
  const say = (sourceId: string, state: 'reading' | 'failing' | 'held', lag: number | null, ageMs = 0) => {
    const seenAt = new Date(house.clock.now().getTime() - ageMs)
    const connectedAt = state === 'failing' ? null : seenAt
    const none = { error: null, errorAt: null, lastMessageAt: null, accepted: 0, refused: 0 }
    return saySources(db, [{ ...none, sourceId, state, seenAt, connectedAt, lag }])
  }
  const later = async () => {
    house.clock.advance(300_000)
    return behind()
  }
  const [pausedAt, archivedAt] = [new Date(), new Date()]
  await say(await add('paused', { pausedAt }), 'reading', 1000)
  await say(await add('archived', { archivedAt }), 'failing', null)
  expect(await behind()).toBeUndefined()
  const first = await add('a')
  // Nobody has read it yet.
  expect(await later()).toEqual({ sources: 1, unknown: 1, failing: 0, failingFirst: [] })
  house.clock.advance(300_000)
  await say(first, 'reading', 0)
  expect(await behind()).toEqual({ sources: 1, waiting: 0, unknown: 0, failing: 0, failingFirst: [] })
  house.clock.advance(300_000)
  // Said too long ago to be believed.
  await say(first, 'reading', 5, 31_000)
  // More than 32 bits hold.
  await say(await add('b'), 'held', 5_000_000_000)
  await say(await add('c'), 'reading', 7)
  // A broker that does not tell.
  await say(await add('d'), 'reading', null)
  const failing = await Promise.all(['z9', 'z1', 'z2', 'z3', 'z4', 'z5'].map((key) => add(key)))
  for (const id of failing) await say(id, 'failing', 3)
  expect(await behind()).toEqual({
    ...{ sources: 10, waiting: 5_000_000_007, unknown: 8, failing: 6 },
    failingFirst: [1, 2, 3, 4, 5].map((at) => ({ id: toWire('bsr', failing[at] ?? ''), name: `Name of z${at}` })),
  })
  // However many there are, only so many are looked at.
  expect(await sourcesBehind(db, house.workspace.id, house.clock.now(), 2)).toMatchObject({ sources: 2, unknown: 1 })
  const elsewhere = await sourcesBehind(db, ids.next(), house.clock.now(), 100)
  expect(elsewhere).toEqual({ sources: 0, waiting: null, unknown: 0, failing: 0, failingFirst: [] })
})

test('one workspace is not told of another', async () => {
  await using other = await buildHouse({ clock: 'settable' })
  const { items, now } = await other.admin.statistics.get()
  expect(now.brokerSources).toBeUndefined()
  expect(items.every((each) => each.events === 0)).toBe(true)
})
