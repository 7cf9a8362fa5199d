import { buildHouse, type House } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

// What one sender writes never decides what another is answered.

let house: House
let plain: string
let byName: string
let checked: string

beforeAll(async () => {
  house = await buildHouse()
  await house.as('known').then((client) => client.customers.self({}))
  const create = async (body: Parameters<House['admin']['appEventTypes']['create']>[0]) =>
    new URL(String((await house.admin.appEventTypes.create(body)).globalWebhookUri)).pathname
  plain = await create({ body: { key: 'plain' } })
  byName = await create({ body: { key: 'by-name', tenantIdFormula: { $var: '$.account' } } })
  checked = await create({
    body: {
      key: 'checked',
      tenantIdFormula: { $jsonata: '$lowercase(account)' },
      validateEvents: true,
      schema: {
        type: 'object',
        required: ['list'],
        properties: {
          list: { type: 'array', uniqueItems: true, items: { type: 'object' } },
          name: { type: 'string', pattern: '^[a-z]+\\-\\d{2}$' },
        },
      },
    },
  })
})

afterAll(() => house[Symbol.asyncDispose]())

async function post(path: string, body: unknown, token?: string): Promise<{ status: number; json: unknown }> {
  const answer = await fetch(`${house.url}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  })
  return { status: answer.status, json: await answer.json() }
}

test('an id that cannot be stored fails its own event and no other', async () => {
  const token = await house.tokenOf({ id: 'known' })
  const answers = await Promise.all([
    ...Array.from({ length: 60 }, (_, i) => post(plain, { i }, token)),
    post(byName, { account: 'x\u0000' }),
    post(byName, { account: '\ud800' }),
    post(byName, { account: 'known' }),
    post(byName, [{ account: 'known' }, { account: 'y\u0000' }, { account: 'nobody' }]),
  ])
  expect(answers.slice(0, 60).filter((each) => each.status !== 200)).toEqual([])
  const [nul, surrogate, good, batch] = answers.slice(60)
  expect([nul?.status, surrogate?.status, good?.status, batch?.status]).toEqual([400, 400, 200, 207])
  expect(batch?.json).toMatchObject({
    results: [
      { id: expect.any(String) },
      { error: { key: 'customer_unknown' } },
      { error: { key: 'customer_unknown' } },
    ],
  })
})

test('events that are checked by a schema are checked each for itself', async () => {
  const good = {
    account: 'KNOWN',
    list: [
      { a: 1, b: 2 },
      { b: 1, a: 2 },
    ],
    name: 'ab-12',
  }
  const answers = await Promise.all([
    post(checked, good),
    post(checked, {
      ...good,
      list: [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
    }),
    post(checked, { ...good, name: 'AB' }),
    post(checked, [good, { account: 'known' }, good]),
    post(checked, good),
  ])
  expect(answers.map((each) => each.status)).toEqual([200, 400, 400, 207, 200])
  expect(answers[1]?.json).toMatchObject({ message: expect.stringContaining('duplicate items') })
  expect(answers[2]?.json).toMatchObject({ message: expect.stringContaining('pattern') })
})

test('a large list is checked for repetitions without anybody noticing', async () => {
  const list = Array.from({ length: 20_000 }, (_, i) => ({ id: i, text: `item ${i}` }))
  const beganMs = performance.now()
  const [large, small] = await Promise.all([
    post(checked, { account: 'known', list }),
    post(plain, { a: 1 }, await house.tokenOf({ id: 'known' })).then((answer) => ({
      ...answer,
      tookMs: performance.now() - beganMs,
    })),
  ])
  expect([large.status, small.status]).toEqual([200, 200])
})

test('a repetition is neither counted nor told of again', async () => {
  const counted = async () =>
    Number(/^permea_events_accepted_total (\d+)/m.exec(await (await fetch(`${house.url}/metrics`)).text())?.[1])
  const before = await counted()
  const headers = { authorization: `Bearer ${await house.tokenOf({ id: 'known' })}`, 'idempotency-key': 'one' }
  for (let i = 0; i < 5; i += 1)
    expect((await fetch(`${house.url}${plain}`, { method: 'POST', headers, body: '{"a":1}' })).status).toBe(200)
  expect((await counted()) - before).toBe(1)
})

test('what a schema cannot check is refused, and its neighbours are not', async () => {
  const looped = await house.admin.appEventTypes.create({
    body: {
      key: 'looped',
      tenantIdFormula: { $var: '$.account' },
      validateEvents: true,
      schema: { type: 'object', properties: { sound: { allOf: [{ $ref: '#/properties/sound' }] } } },
    },
  })
  const path = new URL(String(looped.globalWebhookUri)).pathname
  const { status, json } = await post(path, [{ account: 'known', sound: 1 }, { account: 'known' }])
  expect([status, json]).toMatchObject([
    207,
    { results: [{ error: { key: 'event_invalid' } }, { id: expect.any(String) }] },
  ])
})
