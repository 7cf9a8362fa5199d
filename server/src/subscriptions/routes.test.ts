import type { Permea } from '@permea/sdk'
import { answering, buildHouse, type House, type Receiver, refusalKey, startReceiver } from '@permea/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'

let app: Receiver
let house: House
let customer: Permea

beforeEach(async () => {
  app = await startReceiver()
  house = await buildHouse({ appBaseUri: app.url })
  customer = await house.as('customer-x')
  const request = (uri: string) => ({ uri, method: 'POST', headers: { authorization: 'Bearer secret' } })
  await house.admin.appEventTypes.create({
    body: {
      key: 'order-created',
      example: { id: 1 },
      subscribeRequest: request('/subscribe'),
      unsubscribeRequest: request('/unsubscribe'),
    },
  })
})

afterEach(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

const query = { appEventTypeKey: 'order-created' }
const paths = () => app.received.map((request) => request.path)

test('by its id: subscribed and unsubscribed by hand, archived, restored, with every request kept', async () => {
  const subscriptions = customer.appEventSubscriptions
  const { id } = await subscriptions.createByQuery({ query })
  await house.settle()
  const params = { id }
  expect(await subscriptions.get({ params })).toMatchObject({ id, isSubscribed: true })
  expect(await subscriptions.unsubscribe({ params })).toMatchObject({ isSubscribed: false, status: 'unsubscribed' })
  expect(await subscriptions.subscribe({ params })).toMatchObject({ isSubscribed: true })
  await subscriptions.archive({ params })
  await house.settle()
  expect(await refusalKey(subscriptions.subscribe({ params }))).toBe('archived')
  await subscriptions.restore({ params })
  await house.settle()
  expect(paths()).toEqual(['/subscribe', '/unsubscribe', '/subscribe', '/unsubscribe', '/subscribe'])

  const { items } = await subscriptions.listRequests({ params, query: { limit: 3 } })
  expect(items.map((each) => [each.kind, each.trigger])).toEqual([
    ['subscribe', 'auto'],
    ['unsubscribe', 'auto'],
    ['subscribe', 'manual'],
  ])
  expect(JSON.stringify(items)).not.toContain('Bearer secret')
})

test('by a query: the same, and the schema of its events', async () => {
  const subscriptions = customer.appEventSubscriptions
  const made = await subscriptions.putByQuery({ query })
  await house.settle()
  expect(await subscriptions.getByQuery({ query })).toMatchObject({ id: made.id })
  expect(await subscriptions.patchByQuery({ query })).toMatchObject({ id: made.id })
  expect(await subscriptions.getSchemaByQuery({ query })).toEqual({
    type: 'object',
    properties: { id: { type: 'integer' } },
  })
  expect(await subscriptions.unsubscribeByQuery({ query })).toMatchObject({ isSubscribed: false })
  expect(await subscriptions.subscribeByQuery({ query })).toMatchObject({ isSubscribed: true })
  await subscriptions.archiveByQuery({ query })
  await house.settle()
  expect(await refusalKey(subscriptions.subscribeByQuery({ query }))).toBe('archived')
  expect(await subscriptions.restoreByQuery({ query })).toMatchObject({ id: made.id })
})

test('archiving, restoring and unsubscribing make nothing that is not there', async () => {
  const subscriptions = customer.appEventSubscriptions
  const wish = { query: { ...query, autoCreate: true } }
  for (const call of [subscriptions.archiveByQuery, subscriptions.restoreByQuery, subscriptions.unsubscribeByQuery])
    expect(await refusalKey(call(wish))).toBe('not_found')
  expect((await subscriptions.list()).items).toEqual([])
})

test('an archived type has no new subscriptions, and gives back none', async () => {
  const subscriptions = customer.appEventSubscriptions
  const { id } = await subscriptions.createByQuery({ query })
  await house.settle()
  await subscriptions.archive({ params: { id } })
  await house.admin.appEventTypes.archive({ params: { selector: 'order-created' } })
  await house.settle()
  const wish = { query: { ...query, instanceKey: 'eu', autoCreate: true } }
  for (const call of [
    () => subscriptions.restore({ params: { id } }),
    () => subscriptions.restoreByQuery({ query }),
    () => subscriptions.getByQuery(wish),
    () => subscriptions.createByQuery(wish),
    () => subscriptions.putByQuery(wish),
    () => subscriptions.patchByQuery(wish),
  ])
    expect(await refusalKey(call())).toBe('archived')
})

test('an admin names the customer; whoever names none is asked to', async () => {
  const wish = { query: { ...query, autoCreate: true } }
  expect(await refusalKey(house.admin.appEventSubscriptions.getByQuery(wish))).toBe('invalid_input')
  await house.admin.customers.create({ body: { internalId: 'customer-y' } })
  const named = await house.admin.appEventSubscriptions.getByQuery({ query: { ...wish.query, userId: 'customer-y' } })
  expect(named.user).toMatchObject({ internalId: 'customer-y' })
})

test('a request that your app does not take is an error of the subscription, not of the call', async () => {
  app.behave(answering(500, { error: 'down' }))
  const { id } = await customer.appEventSubscriptions.createByQuery({ query })
  const params = { id }
  expect(await customer.appEventSubscriptions.subscribe({ params })).toMatchObject({
    isSubscribed: false,
    status: 'error',
    error: { key: 'subscription_request_failed' },
    attempts: expect.any(Number),
    nextAttemptAt: expect.any(String),
  })
})
