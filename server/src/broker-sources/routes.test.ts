import { buildHouse, type House, refusalKey } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

let house: House

beforeAll(async () => {
  house = await buildHouse()
  for (const key of ['order', 'invoice', 'gone']) await house.admin.appEventTypes.create({ body: { key } })
  await house.admin.appEventTypes.archive({ params: { selector: 'gone' } })
})
afterAll(() => house[Symbol.asyncDispose]())

/** A port of loopback where nobody listens. */
const URL = 'nats://127.0.0.1:9/orders'
const sources = () => house.admin.brokerSources
const create = (key: string, more: object = {}) =>
  sources().create({ body: { key, appEventTypeId: 'order', url: URL, ...more } })

test('a source is made, changed, paused, resumed and archived', async () => {
  const made = await create('main', {
    name: 'Main',
    url: 'nats://me:secret-1@127.0.0.1:9/orders',
    customerHeader: 'X-Who',
  })
  const type = await house.admin.appEventTypes.get({ params: { selector: 'order' } })
  expect(made).toMatchObject({
    ...{ key: 'main', name: 'Main', url: URL, hasLogin: true, customerHeader: 'x-who', accepted: 0, refused: 0 },
    appEventTypeId: type.id,
  })
  expect((await sources().list({ query: { appEventTypeId: type.id } })).items.map((each) => each.key)).toEqual(['main'])
  expect((await sources().list({ query: { appEventTypeId: 'aet_nothing' } })).items).toEqual([])
  expect((await sources().list({ query: { search: 'MAI' } })).items).toHaveLength(1)
  const params = { selector: 'main' }
  const changed = await sources().patch({ params, body: { appEventTypeId: 'invoice', customerHeader: null } })
  expect(changed.customerHeader).toBeUndefined()
  expect(changed.appEventTypeId).not.toBe(type.id)
  // Credentials stay with their server, and go nowhere else.
  const there = await sources().put({ params, body: { url: 'nats://127.0.0.1:9/others.*?from=new' } })
  expect(there).toMatchObject({ url: 'nats://127.0.0.1:9/others.*?from=new', hasLogin: true })
  expect(await sources().patch({ params, body: { url: 'nats://localhost:9/orders' } })).toMatchObject({
    hasLogin: false,
  })
  expect(await sources().pause({ params })).toMatchObject({ state: 'paused' })
  expect(await sources().pause({ params })).toMatchObject({ state: 'paused' })
  expect((await sources().resume({ params })).state).not.toBe('paused')
  await sources().archive({ params })
  await sources().archive({ params })
  expect(await sources().get({ params })).toMatchObject({ state: 'archived' })
  expect((await sources().list({})).items).toEqual([])
  // Its key is free again.
  await create('main')
  await sources().archive({ params })
})

test('what is wrong with an address is said when it is saved', async () => {
  const wrong: Record<string, RegExp> = {
    'nats://host': /the subject is missing/,
    'nats://host/a..b': /a part of the subject is empty/,
    'nats://host/a.>.b': /> stands for all that follows/,
    'nats://host/a?queue=b': /the parameter "queue" is unknown; there are servers, stream, consumer, from/,
    'nats://host/a?from=then': /from is first or new/,
    'nats://host/a?consumer=a.b': /consumer is a name/,
    'amqp://host/vhost': /say which queue/,
    'amqp://host/?queue=a&queue=b': /stands there twice/,
    'kafka://host/': /the path is the name of a topic/,
    'kafka://host/a?sasl=none': /sasl is one of plain, scram-sha-256, scram-sha-512/,
    'kafka://host/a?group=': /group has 1 to 255 characters/,
    'redis://host/a': /url/,
    'https://host/a': /url/,
  }
  for (const [url, words] of Object.entries(wrong))
    await expect(create('wrong', { url }), url).rejects.toMatchObject({ key: 'invalid_input', message: words })
  await expect(create('wrong', { customerHeader: 'a b' })).rejects.toMatchObject({ key: 'invalid_input' })
})

test('what is not there, archived or taken is refused by name', async () => {
  const none = { params: { selector: 'none' } }
  const old = { params: { selector: 'old' } }
  await create('old')
  await sources().archive(old)
  await create('taken')
  await create('free')
  const free = { params: { selector: 'free' } }
  expect(await refusalKey(create('x', { appEventTypeId: 'none' }))).toBe('not_found')
  expect(await refusalKey(create('x', { appEventTypeId: 'gone' }))).toBe('archived')
  expect(await refusalKey(create('taken'))).toBe('already_exists')
  expect(await refusalKey(sources().get(none))).toBe('not_found')
  expect(await refusalKey(sources().archive(none))).toBe('not_found')
  for (const change of ['patch', 'put'] as const) {
    expect(await refusalKey(sources()[change]({ ...none, body: {} }))).toBe('not_found')
    expect(await refusalKey(sources()[change]({ ...old, body: {} }))).toBe('archived')
    expect(await refusalKey(sources()[change]({ ...free, body: { key: 'taken' } }))).toBe('already_exists')
    expect(await refusalKey(sources()[change]({ ...free, body: { appEventTypeId: 'gone' } }))).toBe('archived')
  }
  for (const act of ['pause', 'resume'] as const) {
    expect(await refusalKey(sources()[act](none))).toBe('not_found')
    expect(await refusalKey(sources()[act](old))).toBe('archived')
  }
  const customer = await house.as('anna')
  expect(await refusalKey(customer.brokerSources.list({}))).toBe('access_denied')
})
