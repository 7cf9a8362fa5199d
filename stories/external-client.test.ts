import {
  ConnectionApiResponse,
  ExternalEventLogRecordApiResponse,
  ExternalEventSubscriptionApiResponse,
  IncomingWebhookApiResponse,
  IntegrationApiResponse,
  isMembraneError,
  MembraneClient,
} from '@membranehq/sdk'
import {
  buildHouse,
  type ExternalApp,
  type House,
  type Receiver,
  startExternalApp,
  startReceiver,
} from '@permea/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { offerVendor, projectUpdated } from './vendor.ts'

// The published JavaScript client on its way from an integration to the events of an app; only its address is changed.
// Its own shapes say whether an answer fits.

let vendor: ExternalApp
let receiver: Receiver
let house: House
let admin: MembraneClient
let customer: MembraneClient

beforeEach(async () => {
  vendor = await startExternalApp()
  receiver = await startReceiver()
  house = await buildHouse({ clock: 'settable' })
  admin = await clientOf({ isAdmin: true })
  customer = await clientOf({ id: 'customer-x' })
  await offerVendor(house.admin, vendor)
})

afterEach(async () => {
  await house[Symbol.asyncDispose]()
  await vendor[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
})

async function clientOf(claims: Record<string, unknown>): Promise<MembraneClient> {
  return new MembraneClient({ token: await house.tokenOf(claims), apiUri: house.url })
}

async function keyOf(call: Promise<unknown>): Promise<string | undefined> {
  const error: unknown = await call.then(
    () => expect.fail('it was not refused'),
    (reason: unknown) => reason,
  )
  if (!isMembraneError(error)) throw error
  return (error as { data: { key?: string } }).data.key
}

async function connect(client = customer): Promise<string> {
  const made = await client.connections.create({ integrationKey: 'vendor', input: { apiKey: vendor.apiKey } })
  return ConnectionApiResponse.parse(made).id
}

/** The client has no call for making one: `POST` as its documentation says. */
async function subscribe(connectionId: string, more: Record<string, unknown> = {}, client = customer) {
  const body = { connectionId, externalEventTypeKey: 'project-updated', parameters: { eventName: 'e' }, ...more }
  return ExternalEventSubscriptionApiResponse.parse(await client.post('/external-event-subscriptions', body))
}

const emitted = () => vendor.emit('e', { action: 'updated', payload: { id: 7 } })
const registered = () => [...vendor.registrations.values()]

test('an app is found, connected, called, subscribed to, and its events are delivered', async () => {
  const [offered] = await customer.integrations.findAll()
  expect(IntegrationApiResponse.parse(offered)).toMatchObject({ key: 'vendor' })
  expect(offered?.connection).toBeUndefined()
  const connectionId = await connect()
  const integration = IntegrationApiResponse.parse(await customer.integration('vendor').get())
  expect(integration.connection).toMatchObject({ id: connectionId, disconnected: false })
  const { items: connections } = await customer.connections.find({ integrationKey: 'vendor' })
  expect(connections.map((each) => ConnectionApiResponse.parse(each).id)).toEqual([connectionId])
  // What the app has registered, read through the proxy with the customer's key.
  expect(await customer.connection(connectionId).proxy.get('/webhooks')).toEqual({ data: [] })

  await admin.post('/external-event-types', projectUpdated)
  const subscription = await subscribe(connectionId, { webhookUri: `${receiver.url}/events` })
  expect(subscription).toMatchObject({ status: 'subscribed', connectionId, integrationId: integration.id })
  expect(await customer.connection('vendor').proxy.get('/webhooks')).toMatchObject({ data: [{ event: 'e' }] })

  expect(await emitted()).toEqual([{ status: 200, body: '' }])
  await house.settle()
  expect(receiver.received).toMatchObject([{ path: '/events', json: { type: 'updated', record: { id: 7 } } }])
  const listed = (await customer.get('/external-event-log-records')) as { items: unknown[] }
  const [event] = listed.items.map((each) => ExternalEventLogRecordApiResponse.parse(each))
  expect(event).toMatchObject({ externalEventSubscriptionId: subscription.id, connectionId, status: 'success' })
  const webhooks = (await customer.get('/incoming-webhooks')) as { items: unknown[] }
  const [webhook] = webhooks.items.map((each) => IncomingWebhookApiResponse.parse(each))
  expect(webhook).toMatchObject({ status: 'success', collectedEventIds: [event?.id] })
})

test('subscriptions are found by what they are of, page by page, and only by whose they are', async () => {
  await admin.post('/external-event-types', projectUpdated)
  const connectionId = await connect()
  const made = [await subscribe(connectionId), await subscribe(connectionId), await subscribe(connectionId)]
  const other = await clientOf({ id: 'customer-y' })
  const theirs = await subscribe(await connect(other), {}, other)

  const newestFirst = made.map(({ id }) => id).reverse()
  const subscriptions = customer.externalEventSubscriptions()
  const first = await subscriptions.find({ limit: 2 })
  expect(first.items.map(({ id }) => id)).toEqual(newestFirst.slice(0, 2))
  const second = await subscriptions.find({ limit: 2, cursor: first.cursor ?? '' })
  expect(second.items.map(({ id }) => id)).toEqual(newestFirst.slice(2))
  const found = async (client: MembraneClient) =>
    (await client.externalEventSubscriptions().find()).items.map(
      (item) => ExternalEventSubscriptionApiResponse.parse(item).id,
    )
  expect(await found(customer)).toEqual(newestFirst)
  expect(await keyOf(subscriptions.find({ connectionId: theirs.connectionId }))).toBe('not_found')
  expect(await keyOf(customer.externalEventSubscription(theirs.id).get())).toBe('not_found')
  expect(await keyOf(customer.externalEventSubscription(theirs.id).unsubscribe())).toBe('not_found')
  expect(vendor.registrations.size).toBe(4)

  expect(await found(admin)).toEqual([theirs.id, ...newestFirst])
  const ofOne = await admin.externalEventSubscriptions().find({ userId: theirs.userId })
  expect(ofOne.items.map(({ id }) => id)).toEqual([theirs.id])

  await customer.delete(`/external-event-subscriptions/${newestFirst[0]}`)
  expect(await found(customer)).toEqual(newestFirst.slice(1))
  expect(await keyOf(customer.externalEventSubscription(newestFirst[0] ?? '').subscribe())).toBe('archived')
})

test('unsubscribe takes the registration back, subscribe makes it anew, resubscribe replaces it, refresh extends it', async () => {
  await admin.post('/external-event-types', projectUpdated)
  const { id } = await subscribe(await connect())
  const accessor = customer.externalEventSubscription(id)
  const now = async () => ExternalEventSubscriptionApiResponse.parse(await accessor.get())
  const refreshAt = (await now()).nextRefreshTimestamp ?? 0
  expect(registered()).toMatchObject([{ id: 'hook-1', refreshed: 0 }])

  house.clock.advance(3_600_000)
  await accessor.refreshWebhook()
  expect(registered()).toMatchObject([{ id: 'hook-1', refreshed: 1 }])
  expect((await now()).nextRefreshTimestamp).toBeGreaterThan(refreshAt)

  await accessor.resubscribe()
  expect(registered()).toMatchObject([{ id: 'hook-2', refreshed: 0 }])
  await accessor.setup()
  expect(registered()).toMatchObject([{ id: 'hook-2' }])

  await accessor.unsubscribe()
  expect(registered()).toEqual([])
  expect(await now()).toMatchObject({ status: 'unsubscribed', isDeactivated: true })
  await accessor.subscribe()
  expect(registered()).toMatchObject([{ id: 'hook-3' }])
  expect(await now()).toMatchObject({ status: 'subscribed', isDeactivated: false })
  expect(await emitted()).toMatchObject([{ status: 200 }])
})

test('a subscription that its app refuses says why, and setup brings it about when the app is well', async () => {
  await admin.post('/external-event-types', projectUpdated)
  vendor.fail('register', 500)
  const { id, ...failed } = await subscribe(await connect())
  expect(failed).toMatchObject({ status: 'error' })
  expect(failed.error?.message).toContain('500')
  const accessor = customer.externalEventSubscription(id)
  await accessor.setup()
  expect(ExternalEventSubscriptionApiResponse.parse(await accessor.get())).toMatchObject({ status: 'error' })
  vendor.fail('register', null)
  await accessor.setup()
  expect(ExternalEventSubscriptionApiResponse.parse(await accessor.get())).toMatchObject({ status: 'subscribed' })
  expect(vendor.registrations.size).toBe(1)
})
