import { createHmac } from 'node:crypto'
import { answering, buildHouse, errorOfConnector, type House, startReceiver, valueOfConnector } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

const SECRET = 'hush'
const WEBHOOK_URI = 'https://permea.example/webhooks/1'

let house: House

beforeAll(async () => {
  house = await buildHouse()
})

afterAll(() => house[Symbol.asyncDispose]())

const ORDER = { id: 450789469, admin_graphql_api_id: 'gid://shopify/Order/450789469', name: '#9999' }

/** A request as Shopify sends it. */
function signed(payload: object, secret = SECRET) {
  const rawBody = JSON.stringify(payload)
  return {
    data: payload,
    rawBody,
    query: {},
    headers: {
      'x-shopify-topic': 'orders/create',
      'x-shopify-hmac-sha256': createHmac('sha256', secret).update(rawBody).digest('base64'),
      'x-shopify-shop-domain': 'johns-apparel.myshopify.com',
      'x-shopify-webhook-id': 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043',
      'x-shopify-event-id': '98880550-7158-44d4-b7cd-2c97c8a091b5',
    },
  }
}

const PASSED_ON = {
  topic: 'orders/create',
  shop: 'johns-apparel.myshopify.com',
  webhookId: 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043',
  eventId: '98880550-7158-44d4-b7cd-2c97c8a091b5',
  payload: ORDER,
}

test('what Shopify signed is passed on with its topic; anything else is refused', async () => {
  const call = { connector: 'shopify', slot: 'events.topic.handle' }
  const state = { webhookId: 1, secret: SECRET }
  const given = signed(ORDER)
  expect(await valueOfConnector(house, { ...call, args: { ...given, state } })).toEqual({ events: [PASSED_ON] })
  for (const forged of [
    signed(ORDER, 'another'),
    { ...given, rawBody: given.rawBody.replace('9999', '9998') },
    { ...given, headers: { 'x-shopify-topic': 'orders/create' } },
  ])
    expect(await errorOfConnector(house, { ...call, args: { ...forged, state } })).toMatch(/signature|it has no/)
})

test('the webhooks of the app are given to the shop they are about, by topic too', async () => {
  const call = { connector: 'shopify', slot: 'globalWebhooks.app.handle' }
  const parameters = { clientSecret: SECRET }
  expect(await valueOfConnector(house, { ...call, args: { ...signed(ORDER), parameters } })).toEqual({
    events: [
      { selector: 'johns-apparel.myshopify.com', payload: PASSED_ON },
      { selector: 'johns-apparel.myshopify.com/orders/create', payload: PASSED_ON },
    ],
  })
  const forged = { ...signed(ORDER, 'another'), parameters }
  expect(await errorOfConnector(house, { ...call, args: forged })).toMatch(/signature|it has no/)
  expect(await errorOfConnector(house, { ...call, args: { ...signed(ORDER), parameters: {} } })).toContain(
    'clientSecret',
  )
  const selector = { connector: 'shopify', slot: 'events.app-topic.getEventSelector' }
  const args = { credentials: { shop: 'a.myshopify.com' }, parameters: { topic: 'orders/paid' } }
  expect(await valueOfConnector(house, { ...selector, args })).toEqual({
    globalWebhookKey: 'app',
    globalWebhookEventSelector: 'a.myshopify.com/orders/paid',
  })
})

test('subscribing registers a topic once and keeps the secret that webhooks are signed with', async () => {
  await using app = await startReceiver()
  const webhooks: { id: number; topic: string; address: string }[] = []
  app.behave((request, response) => {
    if (request.method === 'GET') return answering(200, { webhooks })(request, response)
    const { webhook } = request.json as { webhook: { topic: string; address: string } }
    webhooks.push({ ...webhook, id: 4759306 + webhooks.length })
    return answering(201, { webhook: webhooks.at(-1) })(request, response)
  })
  const subscribe = (args: object) => ({
    connector: 'shopify',
    slot: 'events.topic.subscribe',
    apiUrl: app.url,
    args: { webhookUri: WEBHOOK_URI, parameters: { topic: 'orders/create' }, ...args },
  })
  const byApp = subscribe({ credentials: {}, connectorParameters: { clientSecret: SECRET } })
  expect(await valueOfConnector(house, byApp)).toEqual({ state: { webhookId: 4759306, secret: SECRET } })
  expect(await valueOfConnector(house, byApp)).toEqual({ state: { webhookId: 4759306, secret: SECRET } })
  expect(webhooks).toEqual([{ id: 4759306, topic: 'orders/create', address: WEBHOOK_URI, format: 'json' }])
  const byCustomApp = subscribe({ credentials: { apiSecretKey: 'own' }, parameters: { topic: 'orders/paid' } })
  expect(await valueOfConnector(house, byCustomApp)).toEqual({ state: { webhookId: 4759307, secret: 'own' } })
  expect(await errorOfConnector(house, subscribe({ credentials: {} }))).toContain('client secret')
})

test('unsubscribing deletes the webhook, and is content where it is gone', async () => {
  await using app = await startReceiver()
  const args = { state: { webhookId: 5, secret: SECRET } }
  const unsubscribe = { connector: 'shopify', slot: 'events.topic.unsubscribe', apiUrl: app.url, args }
  await valueOfConnector(house, unsubscribe)
  expect(app.received).toMatchObject([{ method: 'DELETE', path: '/webhooks/5.json' }])
  app.behave(answering(404))
  await valueOfConnector(house, unsubscribe)
  app.behave(answering(500))
  expect(await errorOfConnector(house, unsubscribe)).toContain('500')
})

test('secrets are sent to addresses of Shopify only', async () => {
  const parameters = { clientId: 'id', clientSecret: SECRET }
  for (const shop of ['evil.example', 'a.myshopify.com.evil.example', 'evil.example/a.myshopify.com', '', undefined]) {
    const config = { connector: 'shopify', slot: 'options.oauth.getOAuthConfig' }
    const args = { connectorParameters: parameters, connectionInput: { shop } }
    expect(await errorOfConnector(house, { ...config, args })).toContain('my-shop.myshopify.com')
    const client = {
      connector: 'shopify',
      slot: 'makeApiClient',
      args: { credentials: { shop }, connectorParameters: {} },
    }
    expect(await errorOfConnector(house, client)).toContain('my-shop.myshopify.com')
  }
  const credentials = { shop: 'a.myshopify.com', access_token: 'shpat_1' }
  const client = { connector: 'shopify', slot: 'makeApiClient', args: { credentials, connectorParameters: {} } }
  expect(await valueOfConnector(house, client)).toEqual({
    baseUri: 'https://a.myshopify.com/admin/api/2025-10',
    headers: { 'x-shopify-access-token': 'shpat_1' },
  })
})

test('operations send what the API of Shopify wants', async () => {
  await using app = await startReceiver()
  const run = (operation: string, input: object) =>
    valueOfConnector(house, {
      connector: 'shopify',
      slot: `operations.${operation}.run`,
      apiUrl: app.url,
      args: { input },
    })
  app.behave(answering(200, { orders: [{ id: 1 }] }))
  expect(await run('list-orders', { status: 'any' })).toEqual([{ id: 1 }])
  expect(app.received.at(-1)?.path).toBe('/orders.json?status=any')
  app.behave(answering(201, { product: { id: 7, handle: 'hat' } }))
  expect(await run('create-product', { title: 'Hat' })).toEqual({ id: 7, handle: 'hat' })
  expect(app.received.at(-1)?.json).toEqual({ product: { title: 'Hat' } })
})
