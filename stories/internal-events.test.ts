import { sendEvents } from '@permea/sdk'
import { answering, buildHouse, type House, type Receiver, startReceiver } from '@permea/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

// The seed on internal event subscriptions, told as it is written there.

let app: Receiver
let house: House

beforeEach(async () => {
  app = await startReceiver()
  house = await buildHouse({ appBaseUri: app.url })
})

afterEach(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

/** A flow that posts what it gets to your app, so that the test sees it ran. */
function postingFlow(key: string, eventKey: string) {
  return {
    key,
    name: key,
    nodes: {
      trigger: { type: 'app-event-trigger', config: { appEvent: { key: eventKey } }, links: [{ key: 'post' }] },
      post: {
        type: 'api-request-to-your-app',
        config: { request: { uri: `/${key}`, method: 'POST', body: { orderId: { $var: '$.input.trigger.orderId' } } } },
      },
    },
  }
}

async function flowFor(customer: string, flowKey: string) {
  const client = await house.as(customer)
  return client.flowInstances.getByQuery({ query: { flowKey, autoCreate: true } })
}

test('two flows on one event share a subscription, both run, and it lives until the last of them is disabled', async () => {
  app.behave(answering(200, { id: 'hook-1' }))
  await house.admin.appEventTypes.create({
    body: {
      key: 'order-created',
      name: 'Order Created',
      subscribeRequest: {
        uri: `${app.url}/webhooks/subscribe`,
        method: 'POST',
        headers: { Authorization: { $concat: ['Bearer ', { $var: '$.user.fields.apiKey' }] } },
        body: { webhook: { $var: '$.webhookUri' } },
      },
      unsubscribeRequest: {
        uri: { $concat: [`${app.url}/webhooks/`, { $var: '$.subscriptionResponse.body.id' }] },
        method: 'DELETE',
      },
    },
  })
  await house.admin.flows.create({ body: postingFlow('flow-a', 'order-created') })
  await house.admin.flows.create({ body: postingFlow('flow-b', 'order-created') })
  const customer = await house.as('customer-x', { name: 'Customer X', fields: { apiKey: 'key-of-x' } })

  // Enabled at the same moment.
  const [a, b] = await Promise.all(
    ['flow-a', 'flow-b'].map((flowKey) => customer.flowInstances.getByQuery({ query: { flowKey, autoCreate: true } })),
  )
  await house.settle()

  const { items: subscriptions } = await customer.appEventSubscriptions.list()
  expect(subscriptions).toHaveLength(1)
  const subscription = subscriptions[0]
  expect(subscription).toMatchObject({ isSubscribed: true, status: 'subscribed' })
  const asked = app.received.filter((request) => request.path === '/webhooks/subscribe')
  expect(asked).toHaveLength(1)
  expect(asked[0]?.headers.authorization).toBe('Bearer key-of-x')
  expect(asked[0]?.json).toEqual({ webhook: subscription?.webhookUri })

  const sent = await sendEvents(subscription?.webhookUri ?? '', { orderId: '123' })
  await house.settle()
  expect(
    app.received
      .filter((request) => /^\/flow-[ab]$/.test(request.path))
      .map((request) => [request.path, request.json])
      .sort(),
  ).toEqual([
    ['/flow-a', { orderId: '123' }],
    ['/flow-b', { orderId: '123' }],
  ])
  const event = await customer.appEvents.get({ params: { id: sent.id ?? '' } })
  expect(event.launchedFlowRuns.map((run) => run.state)).toEqual(['completed', 'completed'])
  expect(event.appEventSubscriptionId).toBe(subscription?.id)

  await customer.flowInstances.patch({ params: { id: a?.id ?? '' }, body: { enabled: false } })
  await house.settle()
  expect((await customer.appEventSubscriptions.list()).items[0]?.isSubscribed).toBe(true)
  expect(app.received.some((request) => request.method === 'DELETE')).toBe(false)

  await customer.flowInstances.patch({ params: { id: b?.id ?? '' }, body: { enabled: false } })
  await house.settle()
  expect((await customer.appEventSubscriptions.list()).items[0]).toMatchObject({
    isSubscribed: false,
    status: 'unsubscribed',
  })
  expect(app.received.filter((request) => request.method === 'DELETE').map((request) => request.path)).toEqual([
    '/webhooks/hook-1',
  ])
  const history = await customer.appEventSubscriptions.listRequests({ params: { id: subscription?.id ?? '' } })
  expect(history.items.map((request) => request.kind)).toEqual(['unsubscribe', 'subscribe'])
})

describe('events', () => {
  beforeEach(async () => {
    await house.admin.appEventTypes.create({
      body: { key: 'order-created', name: 'Order Created', tenantIdFormula: { $var: '$.customerId' } },
    })
    await house.admin.flows.create({ body: postingFlow('orders', 'order-created') })
  })

  test('arrive at the URL of a customer, one or a batch', async () => {
    await flowFor('customer-x', 'orders')
    const [subscription] = (await house.admin.appEventSubscriptions.list()).items
    const single = await sendEvents(subscription?.webhookUri ?? '', { orderId: '123', status: 'completed' })
    expect(single.id).toBe('id' in (single.results[0] ?? {}) ? (single.results[0] as { id: string }).id : '')
    const batch = await sendEvents(subscription?.webhookUri ?? '', [
      { orderId: '123', status: 'completed' },
      { orderId: '124', status: 'pending' },
    ])
    expect(batch.results).toHaveLength(2)
    await house.settle()
    expect(app.received.map((request) => (request.json as { orderId: string }).orderId).sort()).toEqual([
      '123',
      '123',
      '124',
    ])
  })

  test('arrive at the global URL: by token, by formula, mixed, refused', async () => {
    await flowFor('customer-x', 'orders')
    await flowFor('customer-y', 'orders')
    const type = await house.admin.appEventTypes.get({ params: { selector: 'order-created' } })
    const token = await house.tokenOf({ id: 'customer-x' })

    await sendEvents(type.globalWebhookUri, { eventType: 'order.created', orderId: 'by-token' }, { token })
    await sendEvents(type.globalWebhookUri, { orderId: 'by-formula', customerId: 'customer-y' })
    const mixed = await sendEvents(type.globalWebhookUri, [
      { orderId: 'x', customerId: 'customer-x' },
      { orderId: 'y', customerId: 'customer-y' },
      { orderId: 'lost' },
      { orderId: 'stranger', customerId: 'customer-z' },
    ])
    expect(mixed.results.map((result) => ('id' in result ? 'ok' : result.error.key))).toEqual([
      'ok',
      'ok',
      'customer_unresolved',
      'customer_unknown',
    ])
    await expect(sendEvents(type.globalWebhookUri, { orderId: 'lost' })).rejects.toMatchObject({
      status: 400,
      key: 'events_refused',
    })
    await expect(
      sendEvents(type.globalWebhookUri, { customerId: 'customer-x' }, { token: 'not-a-token' }),
    ).rejects.toMatchObject({ status: 401 })

    await house.settle()
    expect(app.received.map((request) => (request.json as { orderId: string }).orderId).sort()).toEqual([
      'by-formula',
      'by-token',
      'x',
      'y',
    ])
    const y = await house.as('customer-y')
    expect(
      (await y.appEvents.list()).items.map((event) => (event.event as { orderId: string }).orderId).sort(),
    ).toEqual(['by-formula', 'y'])
  })
})
