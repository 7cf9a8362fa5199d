import {
  addApp,
  buildHouse,
  connectApp,
  type ExternalApp,
  type House,
  type Receiver,
  refusalKey,
  startExternalApp,
  startReceiver,
} from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

const NOTHING = 'export default () => ({})'
const EVENTS = {
  thing: {
    name: 'Thing',
    implementationType: 'webhook' as const,
    subscribe: `export default async ({ apiClient, webhookUri, parameters }) => {
      const { id } = await apiClient.post('/webhooks', { url: webhookUri, event: parameters.of ?? 'thing' })
      return { state: { webhookId: id, secret: 'kept' } }
    }`,
    handle: 'export default ({ data }) => ({ events: [data] })',
    unsubscribe: "export default ({ apiClient, state }) => apiClient.delete('/webhooks/' + state.webhookId)",
    refresh:
      "export default async ({ apiClient, state }) => void (await apiClient.post('/webhooks/' + state.webhookId + '/refresh'))",
    parametersSchema: { type: 'object', properties: { of: { type: 'string' } } },
  },
}

let vendor: ExternalApp
let receiver: Receiver
let house: House

beforeAll(async () => {
  vendor = await startExternalApp()
  receiver = await startReceiver()
  house = await buildHouse()
  await addApp(house, { url: vendor.url, events: EVENTS })
})

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
  await vendor[Symbol.asyncDispose]()
})

const connect = (customer: string) => connectApp(house, { customer, apiKey: vendor.apiKey })

test('a subscription goes through everything that can be asked of it', async () => {
  const { client, connection } = await connect('all')
  const subscriptions = client.externalEventSubscriptions
  const made = await subscriptions.create({ body: { connectionId: connection.id, eventKey: 'thing' } })
  expect(made).toMatchObject({ status: 'subscribed', config: { eventKey: 'thing' }, isManual: true })
  // Customers see neither the address that the app posts to nor the state; admins see no secret in it.
  expect(made).not.toHaveProperty('incomingWebhookUri')
  expect(made).not.toHaveProperty('stateData')
  const params = { id: made.id }
  const { stateData } = await house.admin.externalEventSubscriptions.get({ params })
  expect(stateData).toEqual({ webhookId: 'hook-1', secret: '***' })

  expect(await subscriptions.refreshWebhook({ params })).toMatchObject({ status: 'subscribed' })
  expect(vendor.registrations.get('hook-1')?.refreshed).toBe(1)
  expect(await subscriptions.unsubscribe({ params })).toMatchObject({ status: 'unsubscribed', isDeactivated: true })
  expect(vendor.registrations.size).toBe(0)
  expect(await subscriptions.subscribe({ params })).toMatchObject({ status: 'subscribed', isDeactivated: false })
  expect(await subscriptions.resubscribe({ params })).toMatchObject({ status: 'subscribed' })
  expect([...vendor.registrations.keys()]).toEqual(['hook-3'])
  expect(await subscriptions.setup({ params })).toMatchObject({ status: 'subscribed' })
  // Other parameters are another registration.
  const changed = await subscriptions.put({ params, body: { parameters: { of: 'other' }, name: 'Mine' } })
  expect(changed).toMatchObject({ status: 'subscribed', name: 'Mine', parameters: { of: 'other' } })
  expect([...vendor.registrations.values()]).toMatchObject([{ id: 'hook-4', event: 'other' }])

  const pointed = await subscriptions.patch({ params, body: { webhookUri: `${receiver.url}/a` } })
  const rotated = await subscriptions.rotateWebhookSecret({ params, body: { overlapSeconds: 60 } })
  expect(rotated.webhookSecret).toMatch(/^whsec_/)
  expect(rotated.webhookSecret).not.toBe(pointed.webhookSecret)
  expect(await subscriptions.get({ params })).not.toHaveProperty('webhookSecret')
  expect(await subscriptions.resumeDelivery({ params })).toMatchObject({ deliveryState: 'active' })
  const listed = await subscriptions.list({
    query: { connectionId: connection.id, integrationId: 'crm', status: 'subscribed', search: 'Min' },
  })
  expect(listed.items.map((each) => each.id)).toEqual([made.id])
  await subscriptions.archive({ params })
  expect(vendor.registrations.size).toBe(0)
})

test('a misspelt name in what a function returns is told in the record of its call, and the registration stands', async () => {
  await addApp(house, {
    key: 'misspelt',
    url: vendor.url,
    events: {
      thing: {
        ...EVENTS.thing,
        subscribe: `export default async ({ apiClient, webhookUri }) => {
          const { id } = await apiClient.post('/webhooks', { url: webhookUri, event: 'thing' })
          console.log('done')
          return { state: { webhookId: id }, nextRefreshTimestmp: 1, hookId: id }
        }`,
        refresh: 'export default ({ state }) => ({ stat: { ...state, refreshed: true }, answer: 7 })',
      },
      looked: {
        name: 'Looked',
        implementationType: 'pull' as const,
        subscribe: 'export default () => ({ stat: 1 })',
        pull: 'export default ({ state }) => ({ events: [], state })',
      },
    },
  })
  const { client, connection } = await connectApp(house, {
    customer: 'misspelt',
    integrationKey: 'misspelt',
    apiKey: vendor.apiKey,
  })
  const noted = async (id: string, slot: string) => {
    await house.engine.functions.settled()
    const { items } = await house.admin.functions.list({ query: { sourceId: id, slot } })
    const calls = await Promise.all(items.map((each) => house.admin.functions.get({ params: { id: each.id } })))
    return calls.map(({ outcome, logs }) => [outcome, ...(logs ?? []).map((each) => `${each.level} ${each.message}`)])
  }
  const subscriptions = client.externalEventSubscriptions
  const { id, status } = await subscriptions.create({ body: { connectionId: connection.id, eventKey: 'thing' } })
  expect([status, vendor.registrations.size]).toEqual(['subscribed', 1])
  const used = 'state, nextRefreshTimestamp, globalWebhookKey, globalWebhookEventSelector'
  expect(await noted(id, 'subscribe')).toEqual([
    [
      'returned',
      'info done',
      'warn returned "nextRefreshTimestmp", which is not used; did you mean nextRefreshTimestamp?',
      `warn returned "hookId", which is not used; what is used is ${used}`,
    ],
  ])
  expect(await subscriptions.refreshWebhook({ params: { id } })).toMatchObject({ status: 'subscribed' })
  // What an app answered may be returned as it is: only what may be a slip is told.
  expect(await noted(id, 'refresh')).toEqual([
    ['returned', 'warn returned "stat", which is not used; did you mean state?'],
  ])
  expect(await house.admin.externalEventSubscriptions.get({ params: { id } })).toMatchObject({
    stateData: { webhookId: [...vendor.registrations.keys()][0] },
  })
  // What is looked for may give its state as it is, with any names.
  const looked = await subscriptions.create({ body: { connectionId: connection.id, eventKey: 'looked' } })
  expect(await noted(looked.id, 'subscribe')).toEqual([['returned']])
  for (const each of [id, looked.id]) await subscriptions.archive({ params: { id: each } })
  expect(vendor.registrations.size).toBe(0)
})

test('what the database cannot hold is told all the same, and the app is not asked again and again', async () => {
  const unspeakable = 'String.fromCharCode(0) + String.fromCharCode(0xd800)'
  await addApp(house, {
    key: 'unspeakable',
    url: vendor.url,
    events: {
      thrown: {
        ...EVENTS.thing,
        subscribe: `export default async ({ apiClient }) => {
          await apiClient.post('/webhooks', { url: 'https://example.com/thrown' })
          throw new Error('no ' + ${unspeakable})
        }`,
      },
      selected: {
        name: 'Selected',
        implementationType: 'global-webhook' as const,
        getEventSelector: `export default () => ({ globalWebhookKey: 'app', globalWebhookEventSelector: ${unspeakable} })`,
      },
    },
  })
  const { client, connection } = await connectApp(house, {
    customer: 'unspeakable',
    integrationKey: 'unspeakable',
    apiKey: vendor.apiKey,
  })
  const create = (eventKey: string) =>
    client.externalEventSubscriptions.create({ body: { connectionId: connection.id, eventKey } })
  expect(await create('thrown')).toMatchObject({
    status: 'error',
    error: { message: expect.stringMatching(/^no \ufffd\ufffd/) },
  })
  expect(await create('selected')).toMatchObject({
    status: 'error',
    error: { message: 'globalWebhookEventSelector has characters that no text has' },
  })
  const calls = await house.admin.externalApiLogs.list({ query: { connectionId: connection.id } })
  expect(calls.items).toHaveLength(1)
})

test('a subscribe that changed is offered, and counts after a resubscribe', async () => {
  const { client, connection } = await connect('changed')
  const type = await house.admin.externalEventTypes.create({
    body: { key: 'changing', subscribe: NOTHING, handle: NOTHING, unsubscribe: NOTHING },
  })
  const body = { connectionId: connection.id, externalEventTypeId: type.id }
  const { id, needsResubscribe } = await client.externalEventSubscriptions.create({ body })
  expect(needsResubscribe).toBe(false)
  const subscribe = 'export default () => ({ state: { second: true } })'
  await house.admin.externalEventTypes.patch({ params: { selector: type.id }, body: { subscribe } })
  expect(await client.externalEventSubscriptions.get({ params: { id } })).toMatchObject({ needsResubscribe: true })
  await client.externalEventSubscriptions.resubscribe({ params: { id } })
  expect(await house.admin.externalEventSubscriptions.get({ params: { id } })).toMatchObject({
    needsResubscribe: false,
    stateData: { second: true },
  })
})

test('a receiver that answers 410 is paused, keeps its events, and gets them when it is resumed', async () => {
  const { client, connection } = await connect('paused')
  const { id } = await client.externalEventSubscriptions.create({
    body: { connectionId: connection.id, eventKey: 'thing', parameters: { of: 'p' }, webhookUri: `${receiver.url}/p` },
  })
  receiver.behave((_request, response) => void response.writeHead(410).end())
  await vendor.emit('p', { n: 1 })
  await house.settle()
  expect(await client.externalEventSubscriptions.get({ params: { id } })).toMatchObject({ deliveryState: 'paused' })
  const [alert] = (await house.admin.alerts.list({ query: { contextKey: id } })).items
  expect(alert).toMatchObject({ type: 'webhook_endpoint_paused', status: 'ongoing' })
  await vendor.emit('p', { n: 2 })
  receiver.behave((_request, response) => void response.writeHead(200).end())
  await client.externalEventSubscriptions.resumeDelivery({ params: { id } })
  await receiver.waitFor(1, (request) => request.path === '/p' && request.body === '{"n":2}')
})

test('what belongs to another customer is not there', async () => {
  const { client, connection } = await connect('owner')
  const { id } = await client.externalEventSubscriptions.create({
    body: { connectionId: connection.id, eventKey: 'thing', parameters: { of: 'owned' } },
  })
  await vendor.emit('owned', { n: 1 })
  const [webhook] = (await client.incomingWebhooks.list({ query: { subscriptionId: id } })).items
  const [event] = (await client.externalEvents.list({ query: { externalEventSubscriptionId: id } })).items
  const other = await house.as('thief')
  const params = { id }
  const asked = [
    other.externalEventSubscriptions.get({ params }),
    other.externalEventSubscriptions.put({ params, body: {} }),
    other.externalEventSubscriptions.patch({ params, body: {} }),
    other.externalEventSubscriptions.archive({ params }),
    other.externalEventSubscriptions.setup({ params }),
    other.externalEventSubscriptions.subscribe({ params }),
    other.externalEventSubscriptions.unsubscribe({ params }),
    other.externalEventSubscriptions.resubscribe({ params }),
    other.externalEventSubscriptions.refreshWebhook({ params }),
    other.externalEventSubscriptions.rotateWebhookSecret({ params }),
    other.externalEventSubscriptions.resumeDelivery({ params }),
    other.externalEventSubscriptions.create({ body: { connectionId: connection.id, eventKey: 'thing' } }),
    other.externalEventSubscriptions.list({ query: { connectionId: connection.id } }),
    other.incomingWebhooks.get({ params: { id: webhook?.id ?? '' } }),
    other.incomingWebhooks.getDetails({ params: { id: webhook?.id ?? '' } }),
    other.incomingWebhooks.replay({ params: { id: webhook?.id ?? '' } }),
    other.incomingWebhooks.list({ query: { connectionId: connection.id } }),
    other.externalEvents.get({ params: { id: event?.id ?? '' } }),
    other.externalEvents.getDetails({ params: { id: event?.id ?? '' } }),
    other.externalEvents.replay({ params: { id: event?.id ?? '' } }),
    other.externalEvents.list({ query: { connectionId: connection.id } }),
  ]
  expect(new Set(await Promise.all(asked.map(refusalKey)))).toEqual(new Set(['not_found']))
  expect((await other.externalEventSubscriptions.list()).items).toEqual([])
  expect((await other.incomingWebhooks.list()).items).toEqual([])
  expect((await other.externalEvents.list()).items).toEqual([])
  const shown = await client.externalEvents.get({ params: { id: event?.id ?? '' } })
  expect(shown).toMatchObject({ id: event?.id })
  expect(await client.externalEvents.getDetails({ params: { id: event?.id ?? '' } })).toEqual(shown)
  expect(await client.incomingWebhooks.get({ params: { id: webhook?.id ?? '' } })).toMatchObject({ id: webhook?.id })
})

test('what cannot be subscribed to is refused, naming the field', async () => {
  const { client, connection } = await connect('wrong')
  const { create, patch, archive } = client.externalEventSubscriptions
  const connectionId = connection.id
  const refused = (body: object) => refusalKey(create({ body: { connectionId, ...body } as never }))
  expect(await refused({})).toBe('invalid_input')
  expect(await refused({ eventKey: 'thing', externalEventTypeId: 'x' })).toBe('invalid_input')
  expect(await refused({ eventKey: 'nothing' })).toBe('invalid_input')
  expect(await refused({ eventKey: 'thing', parameters: { of: 1 } })).toBe('invalid_input')
  expect(await refused({ eventKey: 'thing', webhookUri: 'not a url' })).toBe('invalid_input')
  expect(await refused({ externalEventTypeId: 'nowhere' })).toBe('not_found')
  expect(await refused({ connectionId: 'nowhere', eventKey: 'thing' })).toBe('not_found')
  // Two connections to one app: its key does not say which.
  await client.connections.create({
    body: { integrationKey: 'crm', input: { apiKey: vendor.apiKey }, key: 'second' },
  })
  expect(await refused({ connectionId: 'crm', eventKey: 'thing' })).toBe('ambiguous_selector')
  const functions = { subscribe: NOTHING, handle: NOTHING, unsubscribe: NOTHING }
  await addApp(house, { url: vendor.url, key: 'elsewhere' })
  const elsewhere = await house.admin.externalEventTypes.create({
    body: { key: 'elsewhere', integrationKey: 'elsewhere', ...functions },
  })
  expect(await refused({ externalEventTypeId: elsewhere.id })).toBe('invalid_input')
  const gone = await house.admin.externalEventTypes.create({ body: { key: 'gone', ...functions } })
  await house.admin.externalEventTypes.archive({ params: { selector: gone.id } })
  expect(await refused({ externalEventTypeId: gone.id })).toBe('archived')

  const { id } = await create({ body: { connectionId, eventKey: 'thing', parameters: { of: 'w' } } })
  const params = { id }
  const subscriptions = client.externalEventSubscriptions
  expect(await refusalKey(patch({ params, body: { webhookUri: 'nonsense' } }))).toBe('invalid_input')
  expect(await refusalKey(subscriptions.put({ params, body: { parameters: { of: 1 } } }))).toBe('invalid_input')
  // There is no destination yet.
  expect(await refusalKey(subscriptions.rotateWebhookSecret({ params }))).toBe('invalid_input')
  expect(await refusalKey(subscriptions.resumeDelivery({ params }))).toBe('invalid_input')
  const type = await house.admin.externalEventTypes.create({
    body: { key: 'unsent', ...functions, handle: 'export default () => ({ events: [1] })' },
  })
  const unsent = await create({ body: { connectionId, externalEventTypeId: type.id } })
  const uri = (await house.admin.externalEventSubscriptions.get({ params: { id: unsent.id } })).incomingWebhookUri
  await fetch(uri ?? '', { method: 'POST' })
  const [event] = (await client.externalEvents.list({ query: { externalEventSubscriptionId: unsent.id } })).items
  expect(await refusalKey(client.externalEvents.replay({ params: { id: event?.id ?? '' } }))).toBe('invalid_input')

  const [webhook] = (await client.incomingWebhooks.list({ query: { subscriptionId: unsent.id } })).items
  await archive({ params: { id: unsent.id } })
  expect(await refusalKey(client.incomingWebhooks.replay({ params: { id: webhook?.id ?? '' } }))).toBe('archived')
  expect(await refusalKey(client.externalEvents.replay({ params: { id: event?.id ?? '' } }))).toBe('archived')
  await archive({ params })
  const asked = [
    patch({ params, body: {} }),
    subscriptions.put({ params, body: {} }),
    subscriptions.setup({ params }),
    subscriptions.subscribe({ params }),
    subscriptions.resubscribe({ params }),
    subscriptions.refreshWebhook({ params }),
    subscriptions.rotateWebhookSecret({ params }),
    subscriptions.resumeDelivery({ params }),
  ]
  expect(new Set(await Promise.all(asked.map(refusalKey)))).toEqual(new Set(['archived']))
})
