import { addApp, buildHouse, connectApp, type House, refusalKey, startReceiver } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

let house: House

beforeAll(async () => {
  house = await buildHouse()
  await addApp(house, { url: 'http://127.0.0.1:9' })
  const nothing = 'export default () => ({})'
  await house.admin.externalEventTypes.create({
    body: {
      key: 'things',
      subscribe: nothing,
      unsubscribe: nothing,
      handle: 'export default ({ data }) => ({ events: [data] })',
    },
  })
})

afterAll(() => house[Symbol.asyncDispose]())

let count = 0

async function subscribed(more: object) {
  count += 1
  const { connection, client } = await connectApp(house, { customer: `addressed-${count}` })
  const made = await client.externalEventSubscriptions.create({
    body: { connectionId: connection.id, externalEventTypeKey: 'things', ...more },
  })
  const params = { id: made.id }
  const { incomingWebhookUri = '' } = await house.admin.externalEventSubscriptions.get({ params })
  return {
    made,
    change: (body: object) => client.externalEventSubscriptions.patch({ params, body }),
    async send() {
      await fetch(incomingWebhookUri, { method: 'POST', body: '{"a":1}' })
      await house.settle()
    },
  }
}

test('a user and password in an address become a header that nobody sees', async () => {
  await using receiver = await startReceiver()
  const { port } = new URL(receiver.url)
  const { made, send } = await subscribed({ webhookUri: `http://us%3Aer:p%40ss@127.0.0.1:${port}/hook?a=1` })
  expect(made).toMatchObject({ webhookUri: `http://127.0.0.1:${port}/hook?a=1`, headerNames: ['authorization'] })
  await send()
  const authorization = `Basic ${Buffer.from('us:er:p@ss').toString('base64')}`
  expect(receiver.received).toMatchObject([{ path: '/hook?a=1', headers: { authorization } }])
  const shown = JSON.stringify([
    await house.admin.externalEventSubscriptions.list(),
    await house.admin.deliveries.list({ query: {} }),
  ])
  for (const secret of ['p@ss', 'p%40ss', authorization.slice(6)]) expect(shown).not.toContain(secret)
})

test('headers of a subscription go with its deliveries, stay with their origin, and leave with null', async () => {
  await using receiver = await startReceiver()
  await using other = await startReceiver()
  const { made, change, send } = await subscribed({ webhookUri: receiver.url, headers: { 'X-Team': 'blue' } })
  expect(made.headerNames).toEqual(['X-Team'])
  expect(await change({ webhookUri: `${receiver.url}/next` })).toMatchObject({ headerNames: ['X-Team'] })
  await send()
  expect(receiver.received.at(-1)).toMatchObject({ path: '/next', headers: { 'x-team': 'blue' } })
  expect(await change({ headers: { Authorization: 'Bearer t' } })).toMatchObject({ headerNames: ['Authorization'] })
  await send()
  expect(receiver.received.at(-1)).toMatchObject({ path: '/next', headers: { authorization: 'Bearer t' } })
  expect(await change({ webhookUri: other.url })).not.toHaveProperty('headerNames')
  await send()
  expect(other.received.at(-1)?.headers).not.toHaveProperty('authorization')
  await change({ headers: { 'x-a': 'b' } })
  expect(await change({ headers: null })).not.toHaveProperty('headerNames')
  expect(await change({ webhookUri: '' })).not.toHaveProperty('webhookUri')
})

test.each([
  ['not a URL', { webhookUri: 'example.com/hook' }, /webhookUri: this is not a URL/],
  ['of another kind', { webhookUri: 'ftp://example.com' }, /webhookUri: ftp: is unknown/],
  ['with a header that is not its own', { webhookUri: 'https://example.com', headers: { Host: 'x' } }, /headers: /],
  ['with a value that is none', { webhookUri: 'https://example.com', headers: { 'x-a': 'a\nb' } }, /headers: /],
  ['with headers and no address', { headers: { 'x-a': 'b' } }, /headers: there is no webhookUri/],
  [
    'with two authorizations',
    { webhookUri: 'https://a:b@example.com', headers: { Authorization: 'x' } },
    /webhookUri: the URL has a user/,
  ],
])('an address %s is refused when it is saved', async (_, more, message) => {
  const refused = subscribed(more)
  await expect(refused).rejects.toThrow(message)
  expect(await refusalKey(refused)).toBe('invalid_input')
  const { change } = await subscribed({})
  await expect(change(more)).rejects.toThrow(message)
})

test('notification endpoints take a user and password in the same way', async () => {
  const endpoints = house.admin.notificationEndpoints
  const made = await endpoints.create({ body: { url: 'https://a:b@example.com/hook' } })
  expect(made).toMatchObject({ url: 'https://example.com/hook', headerNames: ['authorization'] })
  const changed = await endpoints.patch({ params: { id: made.id }, body: { url: 'https://c:d@example.com/hook' } })
  expect(changed).toMatchObject({ url: 'https://example.com/hook', headerNames: ['authorization'] })
  const kept = await endpoints.patch({ params: { id: made.id }, body: { name: 'Other' } })
  expect(kept.headerNames).toEqual(['authorization'])
  await expect(endpoints.create({ body: { url: 'https://example.com', headers: { host: 'x' } } })).rejects.toThrow(
    'headers',
  )
})

test.each([
  ['handle', '{ events: { a: 1 } }', /events that are no list/],
  ['handle', '"text"', /must return an object/],
  ['handle', '{ response: { status: 700 } }', /status is not a number/],
  ['handle', '{ error: "forged" }', /forged/],
  ['events.changed.handle', '{ events: 1 }', /events that are no list/],
  ['globalWebhooks.app.handle', '{ events: [{ a: 1 }] }', /selector, payload/],
  ['subscribe', '[1]', /must return an object/],
  ['refresh', '{ nextRefreshTimestamp: "soon" }', /nextRefreshTimestamp/],
])('trying out a %s that returns %s is refused as a real call is', async (slot, value, message) => {
  const trial = await house.admin.functions.test({ body: { function: `export default () => (${value})`, slot } })
  expect(trial).toMatchObject({ outcome: 'refused', error: { message: expect.stringMatching(message) } })
})

test('trying out what a real call takes is returned', async () => {
  const tried = async (slot: string, value: string) =>
    (await house.admin.functions.test({ body: { function: `export default () => (${value})`, slot } })).outcome
  expect(await tried('handle', '{ events: [1], response: { status: 204 } }')).toBe('returned')
  expect(await tried('handle', 'undefined')).toBe('returned')
  expect(await tried('globalWebhooks.app.handle', '{ events: [{ selector: 1, payload: 2 }] }')).toBe('returned')
  expect(await tried('subscribe', '{ state: { a: 1 }, nextRefreshTimestamp: 5 }')).toBe('returned')
  expect(await tried('makeApiClient', '[1]')).toBe('returned')
})
