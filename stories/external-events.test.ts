import {
  answering,
  buildHouse,
  type ExternalApp,
  type House,
  type Receiver,
  startExternalApp,
  startReceiver,
} from '@permea/testkit'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectVendor, offerVendor, projectUpdated, SEED_FUNCTIONS } from './vendor.ts'

// The seed on external event types, told with its own four functions.

const DAY_MS = 86_400_000

let vendor: ExternalApp
let receiver: Receiver
let house: House

beforeEach(async () => {
  vendor = await startExternalApp()
  receiver = await startReceiver()
  house = await buildHouse({ clock: 'settable' })
})

afterEach(async () => {
  await house[Symbol.asyncDispose]()
  await vendor[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
})

async function connect(customer = 'acme') {
  await offerVendor(house.admin, vendor)
  const client = await house.as(customer)
  return { client, connection: await connectVendor(client, vendor) }
}

test('subscribe, set a destination, receive, refresh, change it, unset it, delete', async () => {
  const { client, connection } = await connect()
  const type = await house.admin.externalEventTypes.create({ body: projectUpdated })
  expect(type.schema).toMatchObject({ type: 'object', properties: { type: { type: 'string' } } })

  // 1. Create the subscription: `subscribe` runs at once.
  const created = await client.externalEventSubscriptions.create({
    body: { connectionId: connection.id, externalEventTypeId: type.id, parameters: { eventName: 'project.updated' } },
  })
  expect(created.status).toBe('subscribed')
  expect(created.nextRefreshTimestamp).toBeGreaterThan(house.clock.now().getTime())
  const [registration] = [...vendor.registrations.values()]
  expect(vendor.registrations.size).toBe(1)
  const seenByAdmin = await house.admin.externalEventSubscriptions.get({ params: { id: created.id } })
  expect(registration).toMatchObject({ event: 'project.updated', url: seenByAdmin.incomingWebhookUri })
  expect(seenByAdmin.stateData).toEqual({ webhookId: registration?.id })

  // Without a destination events are stored and logged, and go nowhere.
  expect(await vendor.emit('project.updated', { action: 'created', payload: { id: 1 } })).toEqual([
    { status: 200, body: '' },
  ])
  await house.settle()
  const [stored] = (await client.externalEvents.list()).items
  expect(stored).toMatchObject({ payload: { type: 'created', record: { id: 1 } }, status: 'created' })
  expect(receiver.received).toEqual([])

  // 2. Attach a webhook URI: each event is posted, signed, as the body.
  const pointed = await client.externalEventSubscriptions.patch({
    params: { id: created.id },
    body: { webhookUri: `${receiver.url}/membrane/events` },
  })
  expect(pointed.webhookUri).toBe(`${receiver.url}/membrane/events`)
  await vendor.emit('project.updated', { action: 'updated', payload: { id: 2 } })
  await house.settle()
  const [posted] = receiver.received
  expect(posted).toMatchObject({ method: 'POST', path: '/membrane/events' })
  expect(posted?.json).toEqual({ type: 'updated', record: { id: 2 } })
  const secret = pointed.webhookSecret ?? ''
  expect(new Webhook(secret).verify(posted?.body ?? '', posted?.headers as Record<string, string>)).toEqual({
    type: 'updated',
    record: { id: 2 },
  })

  // Every hop is linked: the incoming webhook, the event, the delivery with its attempt, the call of `handle`.
  const [event] = (await house.admin.externalEvents.list()).items
  expect(event).toMatchObject({ status: 'success', externalEventSubscriptionId: created.id })
  const webhook = await house.admin.incomingWebhooks.getDetails({ params: { id: event?.incomingWebhookId ?? '' } })
  expect(webhook).toMatchObject({ status: 'success', responseStatus: 200, collectedEventIds: [event?.id] })
  expect(webhook.request.data).toEqual({ action: 'updated', payload: { id: 2 } })
  const delivery = await house.admin.deliveries.get({ params: { id: event?.deliveryId ?? '' } })
  expect(delivery).toMatchObject({ state: 'succeeded', sourceId: event?.id, destinationId: created.id })

  // The stored event can be sent after all.
  await client.externalEvents.replay({ params: { id: stored?.id ?? '' } })
  await house.settle()
  expect(receiver.received[1]?.json).toEqual({ type: 'created', record: { id: 1 } })

  // 3. A day later the registration is refreshed by the clock.
  await house.advance(DAY_MS)
  expect([...vendor.registrations.values()][0]).toMatchObject({ id: registration?.id, refreshed: 1 })
  const refreshed = await client.externalEventSubscriptions.get({ params: { id: created.id } })
  expect(refreshed.nextRefreshTimestamp).toBeGreaterThan(created.nextRefreshTimestamp ?? 0)

  // 4. Another destination, then none.
  await client.externalEventSubscriptions.patch({
    params: { id: created.id },
    body: { webhookUri: `${receiver.url}/elsewhere` },
  })
  await vendor.emit('project.updated', { action: 'deleted', payload: { id: 3 } })
  await house.settle()
  expect(receiver.received.at(-1)).toMatchObject({ path: '/elsewhere' })
  const unset = await client.externalEventSubscriptions.patch({ params: { id: created.id }, body: { webhookUri: '' } })
  expect(unset.webhookUri).toBeUndefined()
  const before = receiver.received.length
  await vendor.emit('project.updated', { action: 'updated', payload: { id: 4 } })
  await house.settle()
  expect(receiver.received).toHaveLength(before)

  // 5. Delete: `unsubscribe` runs before it is removed, and the URL is gone.
  await client.externalEventSubscriptions.archive({ params: { id: created.id } })
  expect(vendor.registrations.size).toBe(0)
  expect((await client.externalEventSubscriptions.list()).items).toEqual([])
  expect((await fetch(registration?.url ?? '', { method: 'POST', body: '{}' })).status).toBe(410)
  expect(vendor.calls.map((call) => call.method)).toEqual(['POST', 'POST', 'DELETE'])
})

test('the destination must be public: private addresses are refused when the event is delivered', async () => {
  await house[Symbol.asyncDispose]()
  house = await buildHouse({
    egressAllow: [{ network: '127.0.0.1', prefixBits: 32, port: vendor.port }],
  })
  const { client, connection } = await connect()
  await house.admin.externalEventTypes.create({ body: projectUpdated })
  const subscription = await client.externalEventSubscriptions.create({
    body: {
      connectionId: connection.id,
      externalEventTypeKey: 'project-updated',
      parameters: { eventName: 'e' },
      webhookUri: `${receiver.url}/private`,
    },
  })
  expect(subscription.webhookUri).toBe(`${receiver.url}/private`)
  await vendor.emit('e', { action: 'created', payload: {} })
  await house.settle()
  const [event] = (await client.externalEvents.list()).items
  const { attempts } = await house.admin.deliveries.get({ params: { id: event?.deliveryId ?? '' } })
  expect(attempts?.[0]).toMatchObject({ outcome: 'forbidden' })
  expect(receiver.received).toEqual([])
})

describe('what goes wrong', () => {
  test('a subscribe that fails is told, tried again, and registers once', async () => {
    const { client, connection } = await connect()
    const type = await house.admin.externalEventTypes.create({ body: projectUpdated })
    vendor.fail('register', 503)
    const body = { connectionId: connection.id, externalEventTypeId: type.id, parameters: { eventName: 'e' } }
    const failed = await client.externalEventSubscriptions.create({ body })
    expect(failed).toMatchObject({ status: 'error', attempts: 1 })
    expect(failed.error?.message).toContain('503')
    vendor.fail('register', null)
    await house.advance(10_000)
    expect(await client.externalEventSubscriptions.get({ params: { id: failed.id } })).toMatchObject({
      status: 'subscribed',
    })
    expect(vendor.registrations.size).toBe(1)
  })

  test('parameters that do not fit the schema are refused by name, and nothing is registered', async () => {
    const { client, connection } = await connect()
    const type = await house.admin.externalEventTypes.create({ body: projectUpdated })
    const refused = client.externalEventSubscriptions.create({
      body: { connectionId: connection.id, externalEventTypeId: type.id },
    })
    await expect(refused).rejects.toMatchObject({ status: 400, key: 'invalid_input' })
    await expect(refused).rejects.toThrow(/parameters.*eventName/)
    expect(vendor.calls).toEqual([])
  })

  test('a handle that throws answers 500; the request is kept and replayed through the function as it is then', async () => {
    const { client, connection } = await connect()
    const type = await house.admin.externalEventTypes.create({
      body: { ...projectUpdated, handle: `export default async () => { throw new Error('forged') }` },
    })
    await client.externalEventSubscriptions.create({
      body: { connectionId: connection.id, externalEventTypeId: type.id, parameters: { eventName: 'e' } },
    })
    const [answer] = await vendor.emit('e', { action: 'created', payload: { id: 9 } })
    expect(answer?.status).toBe(500)
    expect(answer?.body).not.toContain('forged')
    const [failed] = (await client.incomingWebhooks.list({ query: { status: 'error' } })).items
    expect(failed?.error?.message).toContain('forged')
    await house.admin.externalEventTypes.patch({
      params: { selector: type.id },
      body: { handle: SEED_FUNCTIONS.handle },
    })
    const replayed = await client.incomingWebhooks.replay({ params: { id: failed?.id ?? '' } })
    expect(replayed).toMatchObject({ status: 'success', replayOf: failed?.id })
    expect((await client.externalEvents.list()).items[0]?.payload).toEqual({ type: 'created', record: { id: 9 } })
  })

  test('an unsubscribe that fails removes the subscription all the same, and is tried again', async () => {
    const { client, connection } = await connect()
    const type = await house.admin.externalEventTypes.create({ body: projectUpdated })
    const subscription = await client.externalEventSubscriptions.create({
      body: { connectionId: connection.id, externalEventTypeId: type.id, parameters: { eventName: 'e' } },
    })
    vendor.fail('remove', 500)
    await client.externalEventSubscriptions.archive({ params: { id: subscription.id } })
    expect((await client.externalEventSubscriptions.list()).items).toEqual([])
    expect(vendor.registrations.size).toBe(1)
    vendor.fail('remove', null)
    await house.advance(10_000)
    expect(vendor.registrations.size).toBe(0)
  })

  test('a refresh that keeps failing ends in a new registration, and the old one is taken back', async () => {
    const { client, connection } = await connect()
    const type = await house.admin.externalEventTypes.create({ body: projectUpdated })
    const subscription = await client.externalEventSubscriptions.create({
      body: { connectionId: connection.id, externalEventTypeId: type.id, parameters: { eventName: 'e' } },
    })
    vendor.fail('refresh', 500)
    for (const ms of [DAY_MS, 20_000, 120_000, 600_000, 1_800_000]) await house.advance(ms)
    expect([...vendor.registrations.keys()]).toEqual(['hook-2'])
    expect(await client.externalEventSubscriptions.get({ params: { id: subscription.id } })).toMatchObject({
      status: 'subscribed',
    })
  })
})

test('a narrower definition overrides single functions, and the narrowest that applies counts', async () => {
  const { client, connection } = await connect()
  const universal = await house.admin.externalEventTypes.create({ body: projectUpdated })
  const handleSaying = (word: string) => `export default ({ data }) => ({ events: [{ ${word}: data.action }] })`
  await house.admin.externalEventTypes.create({
    body: { key: 'project-updated', integrationKey: 'vendor', handle: handleSaying('integration') },
  })
  const subscription = await client.externalEventSubscriptions.create({
    body: { connectionId: connection.id, externalEventTypeId: universal.id, parameters: { eventName: 'e' } },
  })
  expect(subscription.status).toBe('subscribed')
  await vendor.emit('e', { action: 'x' })
  const own = await house.admin.externalEventTypes.create({
    body: { parentId: universal.id, key: 'project-updated', connectionId: connection.id, handle: handleSaying('own') },
  })
  expect(own).toMatchObject({ layer: 'connection', overrides: ['handle'] })
  await vendor.emit('e', { action: 'y' })
  await house.admin.externalEventTypes.archive({ params: { selector: own.id } })
  await vendor.emit('e', { action: 'z' })
  const payloads = (await client.externalEvents.list()).items.map((event) => event.payload)
  expect(payloads).toEqual([{ integration: 'z' }, { own: 'y' }, { integration: 'x' }])
})

test('the receiver that fails is tried again until it takes the event', async () => {
  const { client, connection } = await connect()
  await house.admin.externalEventTypes.create({ body: projectUpdated })
  await client.externalEventSubscriptions.create({
    body: {
      connectionId: connection.id,
      externalEventTypeKey: 'project-updated',
      parameters: { eventName: 'e' },
      webhookUri: `${receiver.url}/events`,
    },
  })
  receiver.behave(answering(503))
  await vendor.emit('e', { action: 'created', payload: { id: 5 } })
  await house.settle()
  receiver.behave(answering(200))
  await house.advance(10_000)
  expect(receiver.received.map((request) => request.headers['webhook-id'])).toHaveLength(2)
  expect(new Set(receiver.received.map((request) => request.headers['webhook-id'])).size).toBe(1)
  expect((await client.externalEvents.list()).items[0]).toMatchObject({ status: 'success' })
})
