import {
  addApp,
  answering,
  buildHouse,
  connectApp,
  createTestDatabase,
  type House,
  type Receiver,
  type RecordApp,
  refusalKey,
  startReceiver,
  startRecordApp,
  ticketCollection,
} from '@permea/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'

/** What goes wrong while an app is looked at, in one house for all: each test has a customer of its own. */

let house: House
let receiver: Receiver
let desk: RecordApp
let customers = 0
const KINDS = ['created', 'updated', 'deleted'] as const
const LOOK_MS = 80_000

beforeAll(async () => {
  receiver = await startReceiver()
  desk = await startRecordApp()
  house = await buildHouse({ appBaseUri: receiver.url, clock: 'settable' })
  await furnish(house)
})
afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await desk[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
})
beforeEach(() => {
  receiver.behave(answering(200))
  receiver.received.length = 0
  desk.records.clear()
  desk.pageSize = 2
})
afterEach(() => {
  desk.onPage = null
  desk.failNext()
})

/** A collection whose pages go in a circle, beside that of the tickets; and flows that tell of each kind of change. */
async function furnish(at: House): Promise<void> {
  const run = `export default async ({ apiClient, cursor }) => {
    const { items } = await apiClient.get('/tickets', { cursor: cursor ?? '0' })
    return { records: items, cursor: cursor === '4' ? '2' : String(Number(cursor ?? 0) + 2) }
  }`
  const round = { name: 'Round', methods: { list: { run } } }
  // The newest first, without those of another queue: they are on the pages all the same.
  const newest = `export default async ({ apiClient, cursor }) => {
    const { items, next } = await apiClient.get('/tickets/latest', { cursor: cursor ?? '0' })
    return { records: items.filter((each) => each.queue !== 'other'), cursor: next }
  }`
  const events = {
    created: {
      implementationType: 'pull-latest-records' as const,
      methods: { pullLatestRecords: { run: newest } },
    },
  }
  await addApp(at, {
    url: desk.url,
    data: { tickets: ticketCollection, round, latest: { ...ticketCollection, name: 'Latest', events } },
  })
  for (const collectionKey of ['tickets', 'round', 'latest'])
    for (const what of KINDS) {
      const dataSource = { collectionKey, fullSyncIntervalSeconds: 60, pullUpdatesIntervalSeconds: 60 }
      const body = { id: { $var: '$.input.t.record.id' } }
      const nodes = {
        t: { type: `data-record-${what}-trigger`, config: { dataSource }, links: [{ key: 'tell' }] },
        tell: { type: 'api-request-to-your-app', config: { request: { method: 'POST', uri: what, body } } },
      }
      await at.admin.flows.create({ body: { key: `${collectionKey}-${what}`, nodes } })
    }
}

/** A customer whose flows look at the collection; the first look, which only looks, is over. */
async function watch(collectionKey: string, kinds: readonly (typeof KINDS)[number][]) {
  customers += 1
  const { client, connection } = await connectApp(house, { customer: `customer-${customers}` })
  for (const what of kinds) {
    const query = { flowKey: `${collectionKey}-${what}`, connectionId: connection.id, autoCreate: true } as const
    await client.flowInstances.getByQuery({ query })
  }
  await house.settle()
  const pulls = async () => (await client.externalEventPulls.list({ query: { connectionId: connection.id } })).items
  return { client, connection, pulls }
}

const told = (kind: string) =>
  receiver.received.filter((each) => each.path === `/${kind}`).map((each) => (each.json as { id: string }).id)

const asked = (from: number) =>
  desk.received.slice(from).map((each) => new URL(each.path, desk.url).searchParams.get('cursor') ?? '0')

async function fill(count: number): Promise<string[]> {
  const ids: string[] = []
  for (let number = 1; number <= count; number += 1) ids.push(await desk.create('tickets', { subject: `No ${number}` }))
  return ids
}

test('a page that the app refuses for now is asked for when the app says so, and the pull tells of all that it found', async () => {
  const { client, connection, pulls } = await watch('tickets', ['created'])
  expect((await pulls())[0]?.found).toEqual({ created: 0, updated: 0, deleted: 0, skipped: 0 })
  const ids = await fill(5)
  const before = desk.received.length
  desk.failNext(null, { status: 429, headers: { 'retry-after': '40' } })
  await house.advance(LOOK_MS)
  expect(told('created')).toEqual(ids.slice(0, 2))
  const [waiting] = await pulls()
  expect(waiting).toMatchObject({
    status: 'running',
    error: { data: { status: 429 } },
    found: { created: 2, skipped: 0 },
  })
  await house.advance(39_000)
  expect(asked(before)).toEqual(['0', '2'])
  await house.advance(2000)
  expect(asked(before)).toEqual(['0', '2', '2', '4'])
  expect(told('created')).toEqual(ids)
  const [done] = await pulls()
  expect(done).toMatchObject({
    id: waiting?.id,
    status: 'success',
    found: { created: 5, updated: 0, deleted: 0, skipped: 0 },
  })
  expect(done?.error).toBeUndefined()
  expect(done?.collectedEventIds).toHaveLength(5)
  const params = { id: done?.id ?? '' }
  const { logs } = await client.externalEventPulls.logs({ params })
  expect(logs).toMatchObject([
    { level: 'info', message: 'scan 2' },
    { level: 'error', message: expect.stringContaining('tried again') },
    { level: 'info', message: 'goes on after page 1' },
  ])
  const telemetry = await client.externalEventPulls.telemetry({ params })
  expect(telemetry).toMatchObject({ emittedEventCount: 5, strategy: 'full-scan', fullScan: { totalPages: 3 } })
  expect(telemetry.emittedEvents.map((each) => each.recordId)).toEqual(ids)

  // The next look finds nothing new, and says what it read.
  await house.advance(LOOK_MS)
  expect((await pulls())[0]?.found).toEqual({ created: 0, updated: 0, deleted: 0, skipped: 5 })
  await client.connections.archive({ params: { selector: connection.id } })
})

test('an app that lets a scan wait for longer than one may take is read to its end', async () => {
  const { client, connection, pulls } = await watch('tickets', ['created'])
  const ids = await fill(5)
  const before = desk.received.length
  desk.failNext(null, { status: 429, headers: { 'retry-after': '1500' } }, null, {
    status: 429,
    headers: { 'retry-after': '3600' },
  })
  await house.advance(LOOK_MS)
  await house.advance(1_501_000)
  await house.advance(3_601_000)
  expect(asked(before).slice(0, 5)).toEqual(['0', '2', '2', '4', '4'])
  expect(told('created')).toEqual(ids)
  expect((await pulls()).find((each) => each.found?.created === 5)).toMatchObject({ status: 'success' })
  await client.connections.archive({ params: { selector: connection.id } })
})

test('records with ids that cannot be kept are passed over, and the others told of', async () => {
  const { client, connection, pulls } = await watch('tickets', ['created'])
  const random = Array.from({ length: 4000 }, (_, index) => ((index * 7919) % 9973).toString(36)).join('')
  const given = ['first', 'a\0b', random, '\ud800', '__proto__', 'last']
  desk.records.set('tickets', new Map(given.map((id) => [id, { id, subject: 'New' }])))
  await house.advance(LOOK_MS)
  expect(told('created')).toEqual(['first', '__proto__', 'last'])
  const [pull] = await pulls()
  expect(pull).toMatchObject({ status: 'success', found: { created: 3 } })
  const { logs } = await client.externalEventPulls.logs({ params: { id: pull?.id ?? '' } })
  expect(JSON.stringify(logs)).toContain('passed over')
  await client.connections.archive({ params: { selector: connection.id } })
})

test('neither a record of the future nor pages of nothing hide what is new behind them', async () => {
  await fill(1)
  const { client, connection } = await watch('latest', ['created'])
  const put = (id: string, createdAt: string, queue = 'mine') =>
    desk.records.set('tickets', new Map([...(desk.records.get('tickets') ?? []), [id, { id, createdAt, queue }]]))
  put('of the future', '2999-01-01T00:00:00.000Z')
  await house.advance(LOOK_MS)
  put('of today', '2026-02-01T00:00:00.000Z')
  await house.advance(LOOK_MS)
  expect(told('created')).toEqual(['of the future', 'of today'])
  put('behind', '2026-02-02T00:00:00.000Z')
  for (let number = 1; number <= 5; number += 1) put(`other ${number}`, '2026-02-03T00:00:00.000Z', 'other')
  await house.advance(LOOK_MS)
  await house.advance(LOOK_MS)
  expect(told('created')).toEqual(['of the future', 'of today', 'behind'])
  await client.connections.archive({ params: { selector: connection.id } })
})

test('what is there at the beginning is never told of, also on pages behind the first', async () => {
  const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()
  // Seven within the time that is looked back, on four pages; one that is older.
  const given = [...Array.from({ length: 7 }, (_, n) => ({ id: `${n}`, createdAt: at(20), queue: 'mine' }))]
  const old = { id: 'old', createdAt: at(1), queue: 'mine' }
  desk.records.set('tickets', new Map([...given, old].map((each) => [each.id, each])))
  const { client, connection, pulls } = await watch('latest', ['created'])
  await house.advance(LOOK_MS)
  expect(told('created')).toEqual([])
  const late = { id: 'late', createdAt: at(18), queue: 'mine' }
  desk.records.set('tickets', new Map([...given, late, old].map((each) => [each.id, each])))
  await house.advance(LOOK_MS)
  expect(told('created')).toEqual(['late'])
  expect((await pulls()).every((each) => each.status === 'success')).toBe(true)
  await client.connections.archive({ params: { selector: connection.id } })
})

test('an id may be any text: records are found by it, changed, deleted and told of', async () => {
  const strange = ['a/b', 'a b', '100%', 'ü?x=1&y#z', '日本', 'o\'neil"', 'a\\b', '%2F', 'a+b', '12345678901234567890']
  const { client, connection, pulls } = await watch('tickets', KINDS)
  const put = (id: string, subject: string) =>
    desk.records.set('tickets', new Map([...(desk.records.get('tickets') ?? []), [id, { id, subject }]]))
  for (const id of strange) put(id, 'New')
  await house.advance(LOOK_MS)
  expect(told('created').toSorted()).toEqual(strange.toSorted())
  const collection = client.dataCollections
  const params = { connectionSelector: connection.id, key: 'tickets' }
  for (const id of strange) {
    const { record } = await collection.findRecordById({ params, body: { id } })
    expect(record).toMatchObject({ id, name: 'New' })
    await collection.updateRecord({ params, body: { id, fields: { subject: 'Other' } } })
  }
  await house.advance(LOOK_MS)
  expect(told('updated').toSorted()).toEqual(strange.toSorted())
  for (const id of strange) await collection.deleteRecord({ params, body: { id } })
  await house.advance(LOOK_MS)
  expect(told('deleted').toSorted()).toEqual(strange.toSorted())
  expect((await pulls()).every((each) => each.status === 'success')).toBe(true)
  await client.connections.archive({ params: { selector: connection.id } })
})

test('a list whose pages go in a circle ends the pull when a cursor comes a second time, and nothing counts as deleted', async () => {
  await fill(6)
  const before = desk.received.length
  const { client, connection, pulls } = await watch('round', ['deleted'])
  const [pull] = await pulls()
  expect(pull).toMatchObject({ status: 'error', error: { key: 'cursor_repeats' } })
  expect(pull?.error?.message).toContain('"2"')
  expect(asked(before)).toEqual(['0', '2', '4'])
  expect(told('deleted')).toEqual([])
  await client.connections.archive({ params: { selector: connection.id } })
})

test('a connection that is archived while it is looked at ends the pull, and is asked nothing more', async () => {
  const { client, connection, pulls } = await watch('tickets', ['created'])
  await fill(9)
  const before = desk.received.length
  const archived = Promise.withResolvers<void>()
  desk.onPage = async (_, from) => {
    if (from !== 2) return
    await client.connections.archive({ params: { selector: connection.id } })
    archived.resolve()
  }
  const looking = house.advance(LOOK_MS)
  await archived.promise
  await looking
  for (let look = 0; look < 3; look += 1) await house.advance(LOOK_MS)
  expect(asked(before).length).toBeLessThanOrEqual(3)
  const [pull] = await pulls()
  expect(pull).toMatchObject({ status: 'error', error: { key: 'ended' } })
  expect(told('created').length).toBe(pull?.found?.created)
})

test('what a full scan saw can be had: ids and hashes, by nobody but its customer', async () => {
  const ids = await fill(5)
  const { client, connection } = await watch('tickets', ['updated'])
  const query = { connectionId: connection.id }
  const [subscription] = (await client.externalEventSubscriptions.list({ query })).items
  const params = { id: subscription?.id ?? '' }
  const first = await client.externalEventPulls.downloadSnapshot({ params })
  expect(first).toMatchObject({ isTruncated: false })
  expect(first.records.map((each) => each.id)).toEqual(ids.toSorted())
  await desk.change('tickets', ids[0] ?? '', { subject: 'Other' })
  await house.advance(LOOK_MS)
  const second = await client.externalEventPulls.downloadSnapshot({ params })
  const changed = second.records.filter(({ id, hash }) => first.records.find((each) => each.id === id)?.hash !== hash)
  expect(changed.map((each) => each.id)).toEqual([ids[0]])
  const other = await house.as('somebody-else')
  expect(await refusalKey(other.externalEventPulls.downloadSnapshot({ params }))).toBe('not_found')
  await client.connections.archive({ params: { selector: connection.id } })
})

test('two processes on one database look at many connections without telling anything twice or not at all', async () => {
  await using database = await createTestDatabase()
  await using first = await buildHouse({ appBaseUri: receiver.url, clock: 'settable', database })
  await using second = await buildHouse({
    clock: 'settable',
    startsAt: first.clock.now(),
    database: { url: database.url, workspace: first.workspace },
  })
  await furnish(first)
  const connections = 6
  for (let number = 0; number < connections; number += 1) {
    const { client, connection } = await connectApp(first, { customer: `c${number}` })
    const query = { flowKey: 'tickets-created', connectionId: connection.id, autoCreate: true } as const
    await client.flowInstances.getByQuery({ query })
  }
  const both = async (does: (at: House) => Promise<void>) => {
    await Promise.all([does(first), does(second)])
  }
  await both((at) => at.settle())
  const ids = await fill(7)
  for (let look = 0; look < 3; look += 1) await both((at) => at.advance(LOOK_MS))
  const times = new Map<string, number>()
  for (const id of told('created')) times.set(id, (times.get(id) ?? 0) + 1)
  expect([...times].toSorted()).toEqual(ids.map((id) => [id, connections]).toSorted())
})
