import { answering, buildHouse, errorOfConnector, type House, startReceiver, valueOfConnector } from '@permea/testkit'
import Stripe from 'stripe'
import { afterAll, beforeAll, expect, test } from 'vitest'

const SECRET = 'whsec_test_secret'
const WEBHOOK_URI = 'https://permea.example/webhooks/1'

let house: House

beforeAll(async () => {
  house = await buildHouse({ clock: 'settable' })
})

afterAll(() => house[Symbol.asyncDispose]())

const EVENT = {
  id: 'evt_1NG8Du2eZvKYlo2CUI79vXWy',
  object: 'event',
  api_version: '2024-06-20',
  created: 1686089970,
  data: { object: { id: 'seti_1NG8Du2eZvKYlo2C9XMqbR0x', object: 'setup_intent' } },
  livemode: false,
  type: 'setup_intent.created',
}

const nowSeconds = () => Math.floor(house.clock.now().getTime() / 1000)

/** A request that is signed by Stripe's own package. */
function signed(event: object, { timestamp = nowSeconds(), secret = SECRET, scheme = 'v1' } = {}) {
  const rawBody = JSON.stringify(event, null, 2)
  const header = Stripe.webhooks.generateTestHeaderString({ payload: rawBody, secret, timestamp, scheme })
  return { data: event, rawBody, query: {}, headers: { 'stripe-signature': header } }
}

const handle = (given: ReturnType<typeof signed>) => ({
  connector: 'stripe',
  slot: 'events.account-events.handle',
  args: { ...given, state: { endpointId: 'we_1', secret: SECRET }, parameters: {} },
})

test('what Stripe signed is passed on, as Stripe’s own package takes it', async () => {
  const given = signed(EVENT)
  const taken = Stripe.webhooks.constructEvent(
    given.rawBody,
    given.headers['stripe-signature'],
    SECRET,
    300,
    undefined,
    house.clock.now().getTime(),
  )
  expect(await valueOfConnector(house, handle(given))).toEqual({ events: [taken] })
})

test('one good signature among several is enough, since secrets are rolled', async () => {
  const given = signed(EVENT)
  const other = signed(EVENT, { secret: 'whsec_old' }).headers['stripe-signature'].split(',')[1]
  const header = given.headers['stripe-signature'].replace(',', `,${other},`)
  await valueOfConnector(house, handle({ ...given, headers: { 'stripe-signature': header } }))
})

test('what was changed, signed with another secret or scheme, or long ago, is refused', async () => {
  const given = signed(EVENT)
  const changed = { ...given, rawBody: given.rawBody.replace('false', 'true') }
  expect(await errorOfConnector(house, handle(changed))).toMatch(/signature|it has no/)
  expect(await errorOfConnector(house, handle(signed(EVENT, { secret: 'whsec_other' })))).toMatch(/signature|it has no/)
  expect(await errorOfConnector(house, handle(signed(EVENT, { scheme: 'v0' })))).toMatch(/signature|it has no/)
  expect(await errorOfConnector(house, handle(signed(EVENT, { timestamp: nowSeconds() - 301 })))).toContain(
    'are allowed',
  )
  const unsigned = { ...given, headers: {} } as unknown as typeof given
  expect(await errorOfConnector(house, handle(unsigned))).toContain('it has no header:stripe-signature')
})

test('subscribing makes an endpoint and takes away one from before, whose secret nobody knows', async () => {
  await using app = await startReceiver()
  let endpoints = [
    { id: 'we_other', url: 'https://other.example' },
    { id: 'we_before', url: WEBHOOK_URI },
  ]
  app.behave((request, response) => {
    if (request.method === 'POST') {
      const form = new URLSearchParams(request.body)
      endpoints.push({ id: `we_${endpoints.length}`, url: form.get('url') ?? '' })
      return answering(200, { ...endpoints.at(-1), secret: SECRET })(request, response)
    }
    if (request.method === 'DELETE') endpoints = endpoints.filter(({ id }) => !request.path.endsWith(`/${id}`))
    const after = new URL(request.path, app.url).searchParams.get('starting_after')
    const from = after === null ? 0 : endpoints.findIndex(({ id }) => id === after) + 1
    const page = { data: endpoints.slice(from, from + 1), has_more: from + 1 < endpoints.length }
    return answering(200, page)(request, response)
  })
  const subscribe = {
    connector: 'stripe',
    slot: 'events.account-events.subscribe',
    apiUrl: app.url,
    args: { webhookUri: WEBHOOK_URI, parameters: { events: ['invoice.paid', 'charge.failed'] } },
  }
  expect(await valueOfConnector(house, subscribe)).toEqual({ state: { endpointId: 'we_2', secret: SECRET } })
  expect(endpoints.map(({ id }) => id)).toEqual(['we_other', 'we_2'])
  const [made] = app.received.filter(({ method }) => method === 'POST')
  expect([...new URLSearchParams(made?.body)]).toEqual([
    ['url', WEBHOOK_URI],
    ['enabled_events[0]', 'invoice.paid'],
    ['enabled_events[1]', 'charge.failed'],
  ])
  expect(made?.headers['content-type']).toBe('application/x-www-form-urlencoded')
})

test('unsubscribing deletes the endpoint, and is content where it is gone', async () => {
  await using app = await startReceiver()
  const state = { endpointId: 'we_1', secret: SECRET }
  const unsubscribe = {
    connector: 'stripe',
    slot: 'events.account-events.unsubscribe',
    apiUrl: app.url,
    args: { state },
  }
  await valueOfConnector(house, unsubscribe)
  expect(app.received).toMatchObject([{ method: 'DELETE', path: '/v1/webhook_endpoints/we_1' }])
  app.behave(answering(404))
  await valueOfConnector(house, unsubscribe)
  app.behave(answering(500))
  expect(await errorOfConnector(house, unsubscribe)).toContain('500')
})

test('the Connect webhook gives events to the account they are about', async () => {
  const event = { ...EVENT, account: 'acct_1' }
  const call = { connector: 'stripe', slot: 'globalWebhooks.connect.handle' }
  const parameters = { webhookSecret: SECRET }
  expect(await valueOfConnector(house, { ...call, args: { ...signed(event), parameters } })).toEqual({
    events: [
      { selector: 'acct_1', payload: event },
      { selector: 'acct_1/setup_intent.created', payload: event },
    ],
  })
  const forged = { ...signed(event, { secret: 'whsec_other' }), parameters }
  expect(await errorOfConnector(house, { ...call, args: forged })).toMatch(/signature|it has no/)
  expect(await errorOfConnector(house, { ...call, args: { ...signed(event), parameters: {} } })).toContain(
    'webhookSecret',
  )
})

test('the events of an account are for whose credentials those of the account are', async () => {
  await using app = await startReceiver()
  app.behave(answering(200, { id: 'acct_1', object: 'account' }))
  const selector = { connector: 'stripe', slot: 'events.connected-account.getEventSelector', apiUrl: app.url }
  const args = { credentials: { stripeUserId: 'acct_2' }, parameters: { eventType: 'payout.paid' } }
  expect(await valueOfConnector(house, { ...selector, args })).toEqual({
    globalWebhookKey: 'connect',
    globalWebhookEventSelector: 'acct_1/payout.paid',
  })
})

test('operations send what the API of Stripe wants', async () => {
  await using app = await startReceiver()
  const run = (operation: string, input: object) =>
    valueOfConnector(house, {
      connector: 'stripe',
      slot: `operations.${operation}.run`,
      apiUrl: app.url,
      args: { input },
    })
  app.behave(answering(200, { id: 'cus_1' }))
  expect(await run('create-customer', { email: 'a@b.example', metadata: { plan: 'pro' } })).toEqual({ id: 'cus_1' })
  expect(app.received.at(-1)?.body).toBe('email=a%40b.example&metadata%5Bplan%5D=pro')
  app.behave(answering(200, { data: [{ id: 'cus_1' }], has_more: false }))
  expect(await run('list-customers', { limit: 1 })).toEqual({ customers: [{ id: 'cus_1' }], hasMore: false })
  expect(app.received.at(-1)?.path).toBe('/v1/customers?limit=1')
})
