import {
  addApp,
  buildHouse,
  connectApp,
  type ExternalApp,
  type House,
  refusalKey,
  startExternalApp,
  startReceiver,
  until,
} from '@permea/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sql } from '../platform/database.ts'
import { forgetEventKeys } from './store.ts'

let vendor: ExternalApp
let house: House

beforeAll(async () => {
  vendor = await startExternalApp()
  house = await buildHouse({ clock: 'settable' })
  await addApp(house, { url: vendor.url })
})

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await vendor[Symbol.asyncDispose]()
})

const NOTHING = 'export default () => ({})'
const PASS = 'export default ({ data }) => ({ events: [data].flat() })'

let count = 0

/** A subscription whose events are identified like this. */
async function identifiedBy(dedupeKey: object, handle = PASS, more: object = {}) {
  count += 1
  const { connection, client } = await connectApp(house, { customer: `sent-again-${count}` })
  const type = await house.admin.externalEventTypes.create({
    body: { key: `again-${count}`, subscribe: NOTHING, unsubscribe: NOTHING, handle, dedupeKey } as never,
  })
  const { id } = await client.externalEventSubscriptions.create({
    body: { connectionId: connection.id, externalEventTypeId: type.id, ...more },
  })
  const { incomingWebhookUri = '' } = await house.admin.externalEventSubscriptions.get({ params: { id } })
  return {
    type,
    connection,
    send: (body: unknown, headers: Record<string, string> = {}) =>
      fetch(incomingWebhookUri, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
    events: async () => (await client.externalEvents.list({ query: { limit: 1000 } })).items,
    webhooks: async () => (await client.incomingWebhooks.list({ query: { limit: 1000 } })).items,
  }
}

const first = <T>(items: readonly T[]): T => {
  const [item] = items
  if (item === undefined) throw new Error('nothing is there')
  return item
}

describe('what an app sends a second time', () => {
  test.each([
    ['a header', { header: 'X-Delivery' }, (n: number) => ({ body: { n: 0 }, headers: { 'x-delivery': `d-${n}` } })],
    ['a locator in the event', { path: 'meta.id' }, (n: number) => ({ body: { meta: { id: n }, at: Math.random() } })],
    [
      'a formula of the request',
      {
        formula: {
          $tpl: { template: '{a}/{b}', values: { a: { $var: '$.request.data.a' }, b: { $var: '$.request.query.b' } } },
        },
      },
      (n: number) => ({ body: { a: n, at: Math.random() } }),
    ],
    [
      'a formula of the event',
      { formula: { id: { $var: '$.event.id' }, kind: { $var: '$.event.kind' } } },
      (n: number) => ({ body: { id: n, kind: 'x', at: Math.random() } }),
    ],
  ])('by %s is shown as repeated, and nothing follows from it', async (_, key, request) => {
    await using receiver = await startReceiver()
    const { send, events, webhooks } = await identifiedBy(key, PASS, { webhookUri: receiver.url })
    for (const n of [1, 2, 1, 1]) {
      const { body, headers }: { body: object; headers?: Record<string, string> } = request(n)
      expect((await send(body, headers)).status).toBe(200)
    }
    await house.settle()
    const [second, original] = await events()
    expect(await events()).toHaveLength(2)
    expect(receiver.received).toHaveLength(2)
    expect(
      (await webhooks()).map(({ repeatedEventIds, collectedEventIds }) => [repeatedEventIds, collectedEventIds]),
    ).toEqual([
      [[original?.id], []],
      [[original?.id], []],
      [undefined, [second?.id]],
      [undefined, [original?.id]],
    ])
  })

  test('is one event, however many arrive at once', async () => {
    const { send, events, webhooks } = await identifiedBy({ path: 'id' })
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => send([{ id: n % 2 }, { id: 1 - (n % 2) }])))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect((await events()).map(({ payload }) => payload)).toHaveLength(2)
    const repeated = (await webhooks()).flatMap(({ repeatedEventIds = [] }) => repeatedEventIds)
    expect(repeated).toHaveLength(78)
  })

  test('is told apart by halves of characters, in the event, in a header and in a formula', async () => {
    const half = (n: number) => String.fromCharCode(0xd800 + n)
    const byPath = await identifiedBy({ path: 'id' })
    await byPath.send([
      { id: half(0) },
      { id: half(1) },
      { id: `a${half(2)}` },
      { id: half(1) },
      { id: '\ufffd' },
      { id: 7 },
    ])
    expect((await byPath.events()).map(({ payload }) => (payload as { id: unknown }).id).reverse()).toEqual([
      half(0),
      half(1),
      `a${half(2)}`,
      '\ufffd',
      7,
    ])
    const byFormula = await identifiedBy({ formula: { $var: '$.event.id' } })
    for (const n of [0, 1, 0]) expect((await byFormula.send({ id: half(n) })).status).toBe(200)
    expect(await byFormula.events()).toHaveLength(2)
    const byHeader = await identifiedBy({ header: 'X-Id' })
    for (const id of ['\xff', '\xfe', '\xff']) expect((await byHeader.send({}, { 'x-id': id })).status).toBe(200)
    expect(await byHeader.events()).toHaveLength(2)
  })

  test('counts within one request too, but a header does not make one of several events', async () => {
    const byPath = await identifiedBy({ path: 'id' })
    await byPath.send([{ id: 1 }, { id: 1 }, { id: 2 }])
    expect(await byPath.events()).toHaveLength(2)
    const byHeader = await identifiedBy({ header: 'x-delivery' })
    for (const _ of [1, 2]) await byHeader.send([{ id: 1 }, { id: 2 }], { 'x-delivery': 'a' })
    expect(await byHeader.events()).toHaveLength(2)
  })

  test('is an event again when its time is over, and what is too old is forgotten', async () => {
    const { send, events } = await identifiedBy({ path: 'id', forSeconds: 60 })
    await send({ id: 1 })
    await house.advance(59_000)
    await send({ id: 1 })
    expect(await events()).toHaveLength(1)
    await house.advance(2000)
    await send({ id: 1 })
    await send({ id: 1 })
    expect(await events()).toHaveLength(2)
    await house.advance(61_000)
    await forgetEventKeys(house.engine.database.db, house.clock.now())
    const { rows } = await sql<{
      n: number
    }>`select count(*)::int as n from external_event_keys where expires_at < ${house.clock.now()}`.execute(
      house.engine.database.db,
    )
    expect(rows).toEqual([{ n: 0 }])
  })

  test('is of its own subscription, and an event without the key is compared with none', async () => {
    const [one, other] = [await identifiedBy({ path: 'id' }), await identifiedBy({ path: 'id' })]
    for (const each of [one, other]) await each.send({ id: 'same' })
    expect(await other.events()).toHaveLength(1)
    for (const _ of [1, 2]) await one.send({ no: 'id' })
    expect(await one.events()).toHaveLength(3)
    const formula = await identifiedBy({ formula: { a: { $var: '$.event.a' }, b: [{ $var: '$.event.b' }] } })
    for (const _ of [1, 2]) await formula.send({ no: 'id' })
    expect(await formula.events()).toHaveLength(2)
  })

  test('is kept out with its state, and when it is handled after its answer', async () => {
    const counting = 'export default ({ data, state }) => ({ events: [data], state: { n: (state.n ?? 0) + 1 } })'
    const { send, events } = await identifiedBy({ path: 'id' }, counting)
    await Promise.all([1, 2, 3, 4].map(() => send({ id: 1 })))
    await house.settle()
    expect(await events()).toHaveLength(1)
    const slow = await identifiedBy({ path: 'id' }, {
      type: 'javascript',
      answerWithinMs: 100,
      code: 'export default async ({ data }) => { await new Promise((done) => setTimeout(done, 300)); return { events: [data] } }',
    } as never)
    await Promise.all([slow.send({ id: 1 }), slow.send({ id: 1 })])
    await until('both are handled', 10_000, async () => (await slow.webhooks()).length === 2)
    expect(await slow.events()).toHaveLength(1)
  })
})

test('what was not stored does not count as having been there', async () => {
  const { send, events } = await identifiedBy({ path: 'id' })
  const { db } = house.engine.database
  await sql`alter table external_events add constraint falls_over check (payload not like '%falls over%')`.execute(db)
  const body = { id: 1, text: 'falls over' }
  expect((await send(body)).status).toBeGreaterThanOrEqual(500)
  await sql`alter table external_events drop constraint falls_over`.execute(db)
  expect((await send(body)).status).toBe(200)
  expect(await events()).toHaveLength(1)
})

test('a replay makes its events whatever came before, and they are known from then on', async () => {
  const failing =
    "export default ({ data, query }) => { if (data.id === 1) throw new Error('not yet'); return { events: [data] } }"
  const { send, events, webhooks, type } = await identifiedBy({ path: 'id' }, failing)
  await send({ id: 1 })
  await house.admin.externalEventTypes.patch({ params: { selector: type.id }, body: { handle: PASS } })
  const failed = first(await webhooks())
  const { id } = await house.admin.incomingWebhooks.replay({ params: { id: failed.id } })
  expect(await events()).toHaveLength(1)
  await send({ id: 1 })
  expect(await events()).toHaveLength(1)
  expect(first(await webhooks()).repeatedEventIds).toEqual([first(await events()).id])
  await house.admin.incomingWebhooks.replay({ params: { id } })
  expect(await events()).toHaveLength(2)
})

test('a child has its own key, or that of its parent', async () => {
  const { type, send, events, connection } = await identifiedBy({ path: 'id' })
  const types = house.admin.externalEventTypes
  const own = await types.create({ body: { key: type.key, connectionId: connection.id, dedupeKey: { path: 'other' } } })
  expect(own).toMatchObject({ overrides: ['dedupeKey'], dedupeKey: { path: 'other' } })
  for (const other of [1, 2]) await send({ id: 1, other })
  expect(await events()).toHaveLength(2)
  const followed = await types.patch({ params: { selector: own.id }, body: { dedupeKey: null } })
  expect(followed).toMatchObject({ overrides: [], dedupeKey: { path: 'id' } })
  for (const other of [3, 4]) await send({ id: 1, other })
  expect(await events()).toHaveLength(3)
  expect(await types.export({ params: { selector: type.id } })).toMatchObject({ dedupeKey: { path: 'id' } })
})

test.each([
  ['two of them', { path: 'id', header: 'x' }, 'invalid_input', /one of header, path and formula/],
  ['none of them', { forSeconds: 60 }, 'invalid_input', /one of header, path and formula/],
  ['a name that is none', { header: 'x', for: 60 }, 'invalid_input', /for/],
  ['a path that is none', { path: 'a[x]' }, 'invalid_formula', /dedupeKey.path/],
  ['a header that no request has', { header: 'X Delivery' }, 'invalid_formula', /dedupeKey.header: "X Delivery"/],
  ['a header of another alphabet', { header: 'Событие' }, 'invalid_formula', /dedupeKey.header/],
  ['a header that ends in a colon', { header: 'x-id:' }, 'invalid_formula', /dedupeKey.header/],
  ['half a character in its header', { header: 'x-\ud800' }, 'invalid_formula', /dedupeKey.header/],
  ['half a character in its path', { path: 'a.\udc00' }, 'invalid_formula', /dedupeKey.path: it has half a character/],
  ['what is the same for every event', { formula: 'constant' }, 'invalid_formula', /the same for every event/],
  ['a formula that cannot work', { formula: { $var: 'a[x]' } }, 'invalid_formula', /dedupeKey.formula/],
])('a key with %s is refused', async (_, dedupeKey, key, message) => {
  const refused = identifiedBy(dedupeKey)
  await expect(refused).rejects.toThrow(message)
  expect(await refusalKey(refused)).toBe(key)
})
