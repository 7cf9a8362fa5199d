import type { Permea } from '@permea/sdk'
import { answering, buildHouse, type House, type Receiver, startReceiver } from '@permea/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { sealOldRequests } from '../event-types/store.ts'
import { sql } from '../platform/database.ts'
import { createSealing, sealingKey } from '../platform/sealing.ts'

// What your application is told about streams of events, and what happens when it does not listen.

const HOUR_MS = 3_600_000

let app: Receiver
let house: House
let anna: Permea

beforeEach(async () => {
  app = await startReceiver()
  house = await buildHouse({ clock: 'settable', appBaseUri: app.url, engine: { random: () => 0.5, tickMs: 50 } })
  anna = await house.as('anna', { fields: { apiKey: 'key-of-anna' } })
  await house.admin.appEventTypes.create({
    body: {
      key: 'order-created',
      name: 'Order created',
      subscribeRequest: {
        uri: '/subscribe',
        method: 'POST',
        headers: {
          Authorization: { $concat: ['Bearer ', { $var: '$.user.fields.apiKey' }] },
          'X-Api-Key': 'a-secret-key',
        },
        body: { webhook: { $var: '$.webhookUri' } },
      },
      unsubscribeRequest: {
        uri: { $concat: ['/unsubscribe/', { $var: '$.subscriptionResponse.body.id' }] },
        method: 'DELETE',
      },
    },
  })
  await house.admin.flows.create({
    body: {
      key: 'orders',
      name: 'orders',
      nodes: { t: { type: 'app-event-trigger', config: { appEvent: { key: 'order-created' } } } },
    },
  })
})

afterEach(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

const enable = () => anna.flowInstances.getByQuery({ query: { flowKey: 'orders', autoCreate: true } })
const paths = () => app.received.map((request) => request.path)

async function subscription() {
  const [only] = (await house.admin.appEventSubscriptions.list({ query: { includeArchived: true } })).items
  if (only === undefined) throw new Error('there is no subscription')
  return only
}

const history = async () =>
  (await anna.appEventSubscriptions.listRequests({ params: { id: (await subscription()).id } })).items

describe('an application that refuses', () => {
  test('is asked again with growing waits, seen as an error meanwhile, and once more is enough', async () => {
    app.behave(answering(500, { reason: 'out of order' }))
    await enable()
    await house.settle()
    expect(await subscription()).toMatchObject({
      status: 'error',
      isSubscribed: false,
      attempts: 1,
      error: { key: 'subscription_request_failed', message: expect.stringContaining('500') },
    })
    const waits = [5, 30, 120, 600, 1800, 3600, 10_800]
    for (const [index, seconds] of waits.entries()) {
      await house.advance(seconds * 1000 - 1500)
      expect(app.received).toHaveLength(index + 1)
      await house.advance(1500)
      expect(app.received).toHaveLength(index + 2)
    }
    app.behave(answering(200, { id: 'hook-1' }))
    await house.advance(6 * HOUR_MS)
    expect(await subscription()).toMatchObject({ status: 'subscribed', isSubscribed: true, attempts: 0 })
    expect((await subscription()).error).toBeUndefined()
    expect((await history()).map((each) => each.error === undefined)).toEqual([true, ...waits.map(() => false), false])
  })

  test('is asked 18 times and then left alone until somebody asks by hand', async () => {
    app.behave(answering(404))
    await enable()
    await house.settle()
    for (let times = 0; times < 25; times += 1) await house.advance(8 * HOUR_MS)
    expect(app.received).toHaveLength(18)
    expect(await subscription()).toMatchObject({ status: 'error', attempts: 18 })
    app.behave(answering(201, { id: 'hook-1' }))
    const { id } = await subscription()
    expect(await anna.appEventSubscriptions.subscribe({ params: { id } })).toMatchObject({ isSubscribed: true })
    expect((await history())[0]).toMatchObject({ kind: 'subscribe', trigger: 'manual' })
  })

  test('still gets events taken: what it sends on its own is not refused', async () => {
    app.behave(answering(500))
    await enable()
    await house.settle()
    const { webhookUri } = await subscription()
    expect((await fetch(webhookUri, { method: 'POST', body: '{}' })).status).toBe(200)
  })
})

test('secrets in requests are masked wherever they are shown, and sent as they are', async () => {
  app.behave(answering(200, { id: 'hook-1' }, { 'set-cookie': 'session=hidden-cookie' }))
  await enable()
  await house.settle()
  expect(app.received[0]?.headers).toMatchObject({ authorization: 'Bearer key-of-anna', 'x-api-key': 'a-secret-key' })
  const shown = JSON.stringify([await subscription(), await history()].map((each) => each))
  for (const secret of ['Bearer key-of-anna', 'a-secret-key', 'hidden-cookie'])
    expect(
      JSON.stringify((await history())[0]) + JSON.stringify((await subscription()).subscriptionRequest),
    ).not.toContain(secret)
  expect(shown).toContain('/subscribe')
})

describe('archiving', () => {
  beforeEach(async () => {
    app.behave(answering(200, { id: 'hook-1' }))
    await enable()
    await house.settle()
    app.received.length = 0
  })

  const answerAtUrl = async () =>
    (await fetch((await subscription()).webhookUri, { method: 'POST', body: '{}' })).status

  test('a subscription unsubscribes it and closes its URL; restoring opens and subscribes it again', async () => {
    const { id } = await subscription()
    await anna.appEventSubscriptions.archive({ params: { id } })
    await house.settle()
    expect(paths()).toEqual(['/unsubscribe/hook-1'])
    expect(await answerAtUrl()).toBe(410)
    expect((await anna.appEventSubscriptions.list()).items).toEqual([])
    await anna.appEventSubscriptions.restore({ params: { id } })
    await house.settle()
    expect(paths()).toEqual(['/unsubscribe/hook-1', '/subscribe'])
    expect(await answerAtUrl()).toBe(200)
  })

  test('a customer suspends its streams; restoring the customer brings them back', async () => {
    const { items } = await house.admin.customers.list()
    const id = items.find((each) => each.internalId === 'anna')?.id ?? ''
    await house.admin.customers.archive({ params: { selector: id } })
    await house.settle()
    expect(paths()).toEqual(['/unsubscribe/hook-1'])
    expect(await answerAtUrl()).toBe(410)
    await house.admin.customers.restore({ params: { selector: id } })
    await house.settle()
    expect(paths()).toEqual(['/unsubscribe/hook-1', '/subscribe'])
    expect(await answerAtUrl()).toBe(200)
  })

  test('an event type suspends its streams; restoring the type brings them back', async () => {
    await house.admin.appEventTypes.archive({ params: { selector: 'order-created' } })
    await house.settle()
    expect(paths()).toEqual(['/unsubscribe/hook-1'])
    expect(await answerAtUrl()).toBe(410)
    const { items } = await house.admin.appEventTypes.list({ query: { includeArchived: true } })
    await house.admin.appEventTypes.restore({ params: { selector: items[0]?.id ?? '' } })
    await house.settle()
    expect(paths()).toEqual(['/unsubscribe/hook-1', '/subscribe'])
    expect(await answerAtUrl()).toBe(200)
  })
})

test('what nobody wants any more while a request is under way is unsubscribed right after it', async () => {
  let answer = () => {}
  app.behave((request, response) => {
    if (request.path !== '/subscribe') return answering(200)(request, response)
    answer = () => void answering(200, { id: 'late' })(request, response)
  })
  const instance = await enable()
  await app.waitFor(1)
  await anna.flowInstances.patch({ params: { id: instance.id }, body: { enabled: false } })
  answer()
  await house.settle()
  expect(paths()).toEqual(['/subscribe', '/unsubscribe/late'])
  expect(await subscription()).toMatchObject({ status: 'unsubscribed', isSubscribed: false })
})

test('a secret in a request is sealed, shown to nobody, kept where it is given as it is shown, and sent', async () => {
  const params = { selector: 'order-created' }
  const { db } = house.engine.database
  const stored = async () => {
    const { rows } = await sql<{ text: string }>`select t::text as text from app_event_types t`.execute(db)
    return rows.map(({ text }) => text).join()
  }
  const type = await house.admin.appEventTypes.get({ params })
  expect(type.subscribeRequest).toMatchObject({ headers: { 'X-Api-Key': '***' } })
  const shown = [type, await house.admin.appEventTypes.list(), await house.admin.appEventTypes.export({ params })]
  expect(JSON.stringify(shown) + (await stored())).not.toContain('a-secret-key')
  const subscribeRequest = { ...(type.subscribeRequest as object), uri: '/subscribe-on' }
  await house.admin.appEventTypes.patch({ params, body: { subscribeRequest } })
  await enable()
  await house.settle()
  expect(app.received.at(-1)).toMatchObject({ path: '/subscribe-on', headers: { 'x-api-key': 'a-secret-key' } })
  // As a process of an older version stored it.
  const open = { ...subscribeRequest, headers: { 'X-Api-Key': 'an-older-key' } }
  await sql`
    update app_event_types set subscribe_request = ${JSON.stringify(open)}, secrets_sealed = null, is_sealed = false`.execute(
    db,
  )
  const sealing = createSealing([sealingKey('a key for tests that is long enough')])
  await house.engine.database.transaction((tx) => sealOldRequests(tx, sealing))
  expect(await stored()).not.toContain('an-older-key')
  await anna.appEventSubscriptions.subscribe({ params: { id: (await subscription()).id } })
  expect(app.received.at(-1)?.headers['x-api-key']).toBe('an-older-key')
  // Where nothing is kept, nothing is sent.
  await house.admin.appEventTypes.patch({ params, body: { subscribeRequest: { ...open, headers: { secret: '***' } } } })
  const before = app.received.length
  await anna.appEventSubscriptions.subscribe({ params: { id: (await subscription()).id } })
  expect(await subscription()).toMatchObject({ error: { message: expect.stringContaining('headers.secret') } })
  expect(app.received).toHaveLength(before)
})
