import { createHmac } from 'node:crypto'
import { answering, buildHouse, errorOfConnector, type House, startReceiver, valueOfConnector } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

const SECRET = 'yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy'
const WEBHOOK_URI = 'https://permea.example/webhooks/global/8c1b2f5e'

let house: House

beforeAll(async () => {
  house = await buildHouse({ clock: 'settable' })
})

afterAll(() => house[Symbol.asyncDispose]())

const EVENTS = [
  {
    objectId: 1246965,
    propertyName: 'lifecyclestage',
    propertyValue: 'subscriber',
    changeSource: 'ACADEMY',
    eventId: 3816279340,
    subscriptionId: 25,
    portalId: 33,
    appId: 1160452,
    occurredAt: 1462216307945,
    subscriptionType: 'contact.propertyChange',
    attemptNumber: 0,
  },
  {
    objectId: 1246978,
    eventId: 3816279480,
    subscriptionId: 22,
    portalId: 34,
    appId: 1160452,
    occurredAt: 1462216307945,
    subscriptionType: 'contact.creation',
    attemptNumber: 0,
  },
]

/** A request as HubSpot sends it, signed by version 3. */
function signed({ sentAt = house.clock.now().getTime(), secret = SECRET, uri = WEBHOOK_URI } = {}) {
  const rawBody = JSON.stringify(EVENTS)
  const signature = createHmac('sha256', secret).update(`POST${uri}${rawBody}${sentAt}`).digest('base64')
  return {
    connector: 'hubspot',
    slot: 'globalWebhooks.app.handle',
    args: {
      data: EVENTS,
      rawBody,
      query: {},
      method: 'POST',
      webhookUri: WEBHOOK_URI,
      parameters: { clientSecret: SECRET },
      headers: { 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': String(sentAt) },
    },
  }
}

test('every event of a batch is given to its account, by type too', async () => {
  const [first, second] = EVENTS
  expect(await valueOfConnector(house, signed())).toEqual({
    events: [
      { selector: '33', payload: first },
      { selector: '33/contact.propertyChange', payload: first },
      { selector: '34', payload: second },
      { selector: '34/contact.creation', payload: second },
    ],
  })
})

test('what is signed with another secret, for another address or too long ago is refused', async () => {
  expect(await errorOfConnector(house, signed({ secret: 'another' }))).toMatch(/signature|it has no/)
  expect(await errorOfConnector(house, signed({ uri: 'https://else.example/' }))).toMatch(/signature|it has no/)
  expect(await errorOfConnector(house, signed({ sentAt: house.clock.now().getTime() - 300_001 }))).toContain(
    'are allowed',
  )
  const { args, ...call } = signed()
  expect(await errorOfConnector(house, { ...call, args: { ...args, rawBody: `${args.rawBody} ` } })).toMatch(
    /signature|it has no/,
  )
  expect(await errorOfConnector(house, { ...call, args: { ...args, parameters: {} } })).toContain('clientSecret')
})

test('a subscription selects by account, and by type where one is given', async () => {
  await using app = await startReceiver()
  app.behave(answering(200, { portalId: 33 }))
  const selector = (parameters: object) =>
    valueOfConnector(house, {
      connector: 'hubspot',
      slot: 'events.object-event.getEventSelector',
      apiUrl: app.url,
      args: { parameters },
    })
  expect(await selector({})).toEqual({ globalWebhookKey: 'app', globalWebhookEventSelector: '33' })
  expect(await selector({ subscriptionType: 'deal.creation' })).toMatchObject({
    globalWebhookEventSelector: '33/deal.creation',
  })
  expect(await valueOfConnector(house, { connector: 'hubspot', slot: 'test', apiUrl: app.url })).toBe(true)
})

test('operations send what the API of HubSpot wants', async () => {
  await using app = await startReceiver()
  const run = (operation: string, input: object) =>
    valueOfConnector(house, {
      connector: 'hubspot',
      slot: `operations.${operation}.run`,
      apiUrl: app.url,
      args: { input },
    })
  app.behave(answering(201, { id: '51' }))
  expect(await run('create-contact', { properties: { email: 'a@b.example' } })).toEqual({ id: '51' })
  expect(app.received.at(-1)).toMatchObject({
    path: '/crm/v3/objects/contacts',
    json: { properties: { email: 'a@b.example' } },
  })
  app.behave(answering(200, { results: [{ id: '51' }], paging: { next: { after: '2' } } }))
  expect(await run('search-contacts', { query: 'a' })).toEqual({ contacts: [{ id: '51' }], after: '2' })
})
