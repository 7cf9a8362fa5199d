import { answering, buildHouse, type House, type Receiver, startReceiver } from '@permea/testkit'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Happening } from '../notifications/payloads.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

let receiver: Receiver
let house: House

beforeEach(async () => {
  receiver = await startReceiver()
  house = await buildHouse({ clock: 'settable' })
})

afterEach(async () => {
  await house[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
})

function connectionCreated(name = 'Slack'): Happening {
  const connection = {
    id: 'con_1',
    integrationId: 'int_1',
    integrationKey: 'slack',
    name,
    disconnected: false,
    customerId: 'customer-123',
  }
  return { workspaceId: house.workspace.id, customerId: null, eventType: 'connection.created', data: { connection } }
}

function createEndpoint(more: object = {}) {
  return house.admin.notificationEndpoints.create({
    body: { url: `${receiver.url}/hook`, eventTypes: ['connection.created', 'alert.created'], ...more },
  })
}

async function tell(...happenings: Happening[]): Promise<void> {
  await house.engine.database.transaction((tx) => house.engine.notifications.tell(tx, happenings))
  await house.settle()
}

const onlyDelivery = async () => {
  const { items } = await house.admin.deliveries.list({ query: { eventType: 'connection.created' } })
  expect(items).toHaveLength(1)
  return house.admin.deliveries.get({ params: { id: items[0]?.id ?? '' } })
}

test('a message is signed so that the receiver’s library takes it, and recorded with its attempt', async () => {
  const { secret } = await createEndpoint({ headers: { 'X-Team': 'blue', Authorization: 'Bearer hidden' } })
  await tell(connectionCreated())
  const [request] = receiver.received
  expect(request?.body).toBe(
    '{"eventType":"connection.created","data":{"connection":{"id":"con_1","integrationId":"int_1","integrationKey":"slack","name":"Slack","disconnected":false,"customerId":"customer-123"}}}',
  )
  expect(request?.headers).toMatchObject({
    'x-team': 'blue',
    authorization: 'Bearer hidden',
    'content-type': 'application/json',
  })
  new Webhook(secret ?? '').verify(request?.body ?? '', request?.headers as Record<string, string>)
  const delivery = await onlyDelivery()
  expect(delivery).toMatchObject({ state: 'succeeded', attemptsMade: 1 })
  expect(delivery.attempts).toMatchObject([{ outcome: 'acknowledged', httpStatus: 200, number: 1, trigger: 'auto' }])
  expect(JSON.stringify(delivery)).not.toContain('hidden')
})

test('a text is found in messages, their kind and their last error, and who may not see payloads may not look', async () => {
  await createEndpoint()
  await tell(connectionCreated('Slack 100%'), connectionCreated('Slack 1000'), connectionCreated('Notion'))
  receiver.behave(answering(503, {}))
  await tell(connectionCreated('Asana'))
  const found = async (search: string, more: object = {}) => {
    const { items } = await house.admin.deliveries.list({ query: { search, ...more } })
    return items.map((each) => (each.body as { data: { connection: { name: string } } }).data.connection.name)
  }
  expect(await found('notion')).toEqual(['Notion'])
  expect(await found('slack 100%')).toEqual(['Slack 100%'])
  expect(await found('slack 1', { state: 'succeeded' })).toHaveLength(2)
  expect(await found('503')).toEqual(['Asana'])
  expect(await found('Asana', { state: 'succeeded' })).toEqual([])
  expect(await found('connection.created')).toHaveLength(4)
  const { key } = await house.admin.apiKeys.create({ body: { name: 'reader', scope: 'reader' } })
  const asReader = (path: string) => fetch(house.url + path, { headers: { authorization: `Bearer ${key}` } })
  expect((await asReader('/deliveries')).status).toBe(200)
  for (const path of [
    '/deliveries',
    '/incoming-webhooks',
    '/app-events',
    '/external-event-log-records',
    '/refused-requests',
  ])
    expect([path, (await asReader(`${path}?search=Notion`)).status]).toEqual([path, 403])
})

test('while a rotation overlaps both secrets sign, afterwards only the new one', async () => {
  const endpoint = await createEndpoint()
  const rotated = await house.admin.notificationEndpoints.rotateSecret({ params: { id: endpoint.id }, body: {} })
  expect(rotated.secret).toMatch(/^whsec_/)
  expect(rotated.secret).not.toBe(endpoint.secret)
  const verifies = (secret: string | undefined, index: number) => {
    const request = receiver.received[index]
    const at = new Date(Number(request?.headers['webhook-timestamp']) * 1000)
    const expected = new Webhook(secret ?? '').sign(String(request?.headers['webhook-id']), at, request?.body ?? '')
    return String(request?.headers['webhook-signature']).split(' ').includes(expected)
  }
  await tell(connectionCreated())
  expect([verifies(endpoint.secret, 0), verifies(rotated.secret, 0)]).toEqual([true, true])
  await house.advance(25 * HOUR)
  await tell(connectionCreated())
  expect([verifies(endpoint.secret, 1), verifies(rotated.secret, 1)]).toEqual([false, true])
  expect((await house.admin.notificationEndpoints.get({ params: { id: endpoint.id } })).secret).toBeUndefined()
})

test('a failing receiver is tried ten times over about 75 hours with the same id, then the delivery is exhausted and an alert opened', async () => {
  receiver.behave(answering(500, { no: 'thanks' }))
  await createEndpoint({ eventTypes: ['connection.created'] })
  await tell(connectionCreated())
  for (let hours = 0; hours < 100; hours += 1) await house.advance(HOUR)
  const delivery = await onlyDelivery()
  expect(delivery).toMatchObject({ state: 'exhausted', attemptsMade: 10 })
  expect(delivery.attempts.map((attempt) => attempt.number)).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
  expect(new Set(receiver.received.map((request) => request.headers['webhook-id'])).size).toBe(1)
  expect(receiver.received).toHaveLength(10)
  const { items } = await house.admin.alerts.list({ query: { type: 'webhook_endpoint_failing' } })
  expect(items.some((alert) => alert.description.includes('given up'))).toBe(true)
})

test('Retry-After lengthens the wait and never shortens it', async () => {
  receiver.behave(answering(429, {}, { 'retry-after': '3600' }))
  await createEndpoint()
  await tell(connectionCreated())
  await house.advance(30 * MINUTE)
  expect(receiver.received).toHaveLength(1)
  await house.advance(31 * MINUTE)
  expect(receiver.received).toHaveLength(2)
})

test('410 pauses the destination and keeps what comes; resuming sends it', async () => {
  receiver.behave(answering(410))
  const endpoint = await createEndpoint({ eventTypes: ['connection.created'] })
  const params = { id: endpoint.id }
  await tell(connectionCreated())
  expect(await house.admin.notificationEndpoints.get({ params })).toMatchObject({
    state: 'paused',
    pausedReason: expect.stringContaining('410'),
  })
  expect((await house.admin.alerts.list({ query: { status: 'ongoing' } })).items.map((alert) => alert.type)).toEqual([
    'webhook_endpoint_paused',
  ])
  await tell(connectionCreated('second'), connectionCreated('third'))
  await house.advance(DAY)
  expect(receiver.received).toHaveLength(1)
  receiver.behave(answering(200))
  await house.admin.notificationEndpoints.resume({ params })
  await receiver.waitFor(4)
  await house.settle()
  expect((await house.admin.deliveries.list({ query: { state: 'succeeded' } })).items).toHaveLength(3)
  expect((await house.admin.alerts.list({ query: { status: 'ongoing' } })).items).toEqual([])
})

test('five days without one success pause a destination, with warnings on the way', async () => {
  receiver.behave(answering(503))
  const endpoint = await createEndpoint({ eventTypes: ['connection.created'], scheduleMs: Array(50).fill(6 * HOUR) })
  await tell(connectionCreated())
  const seen: string[][] = []
  for (let days = 0; days < 7; days += 1) {
    for (let steps = 0; steps < 4; steps += 1) await house.advance(6 * HOUR + 80 * MINUTE)
    const { items } = await house.admin.alerts.list({ query: { type: 'webhook_endpoint_failing' } })
    seen.push(items.map((alert) => alert.key.split(':').at(-1) ?? '').sort())
  }
  expect(seen.at(-1)).toEqual(['50', '70', '90'])
  expect(await house.admin.notificationEndpoints.get({ params: { id: endpoint.id } })).toMatchObject({
    state: 'paused',
  })
  expect((await onlyDelivery()).state).toBe('pending')
})

describe('sending again', () => {
  test('one delivery, by hand: allowed while paused, counted apart, with the current address', async () => {
    receiver.behave(answering(404))
    const endpoint = await createEndpoint({ scheduleMs: [], eventTypes: ['connection.created'] })
    await tell(connectionCreated())
    expect(await onlyDelivery()).toMatchObject({ state: 'exhausted', attemptsMade: 1 })
    const params = { id: endpoint.id }
    await house.admin.notificationEndpoints.pause({ params })
    await house.admin.notificationEndpoints.patch({ params, body: { url: `${receiver.url}/elsewhere` } })
    receiver.behave(answering(200))
    const retried = await house.admin.deliveries.retry({ params: { id: (await onlyDelivery()).id } })
    expect(retried).toMatchObject({
      delivery: { state: 'succeeded', attemptsMade: 1 },
      attempt: { trigger: 'manual', outcome: 'acknowledged' },
    })
    expect(receiver.received.map((request) => request.path)).toEqual(['/hook', '/elsewhere'])
    const ids = receiver.received.map((request) => request.headers['webhook-id'])
    expect(ids[0]).toBe(ids[1])
    expect(await house.admin.notificationEndpoints.get({ params })).toMatchObject({ state: 'paused' })
  })

  test('everything that failed since a moment, at a rate, with progress that can be watched', async () => {
    receiver.behave(answering(400))
    const endpoint = await createEndpoint({ scheduleMs: [], eventTypes: ['connection.created'] })
    await tell(connectionCreated('before'))
    await house.advance(HOUR)
    const failedSince = house.clock.now().toISOString()
    await house.advance(1000)
    await tell(...Array.from({ length: 5 }, (_, index) => connectionCreated(`after ${index}`)))
    receiver.behave(answering(200))
    const replay = await house.admin.replays.create({
      body: { destinationId: endpoint.id, failedSince, ratePerSecond: 2 },
    })
    expect(replay).toMatchObject({ state: 'running', total: 5, done: 0 })
    // The replay waits for the clock between two deliveries: it is moved until the replay says that it is done.
    while ((await house.admin.replays.get({ params: { id: replay.id } })).state === 'running') house.clock.advance(500)
    expect(await house.admin.replays.get({ params: { id: replay.id } })).toMatchObject({
      state: 'completed',
      succeeded: 5,
      failed: 0,
    })
    expect((await house.admin.deliveries.list({ query: { state: 'exhausted' } })).items).toHaveLength(1)
    expect((await house.admin.replays.list()).items).toHaveLength(1)
  })
})

test('strict order holds the ones behind a failing head back', async () => {
  let failures = 2
  receiver.behave((request, response) => answering(failures-- > 0 ? 500 : 200)(request, response))
  await createEndpoint({ ordered: true })
  await tell(...['one', 'two', 'three'].map(connectionCreated))
  expect(receiver.received).toHaveLength(1)
  for (let steps = 0; steps < 10; steps += 1) await house.advance(2 * MINUTE)
  const names = receiver.received.map(
    (request) => (request.json as { data: { connection: { name: string } } }).data.connection.name,
  )
  expect(names).toEqual(['one', 'one', 'one', 'two', 'three'])
})

test('a throttle spaces deliveries out', async () => {
  await createEndpoint({ throttlePerSecond: 1 })
  await house.engine.database.transaction((tx) =>
    house.engine.notifications.tell(tx, ['a', 'b', 'c'].map(connectionCreated)),
  )
  await receiver.waitFor(1)
  expect(receiver.received).toHaveLength(1)
  house.clock.advance(1000)
  await receiver.waitFor(2)
  expect(receiver.received).toHaveLength(2)
  house.clock.advance(1000)
  await receiver.waitFor(3)
})
