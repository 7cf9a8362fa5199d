import { buildHouse, type House, refusalKey } from '@permea/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

let house: House

beforeEach(async () => {
  house = await buildHouse()
})

afterEach(() => house[Symbol.asyncDispose]())

const params = { selector: 'order-created' }

describe('the schema of events', () => {
  test('is the one given, else follows from the example, which can be made the one given', async () => {
    const { appEventTypes } = house.admin
    await appEventTypes.create({ body: { key: 'order-created' } })
    expect(await appEventTypes.getSchema({ params })).toEqual({})
    expect(await refusalKey(appEventTypes.generateSchema({ params }))).toBe('invalid_input')
    await appEventTypes.patch({ params, body: { example: { id: 1, lines: [{ sku: 'a' }] } } })
    const schema = {
      type: 'object',
      properties: {
        id: { type: 'integer' },
        lines: { type: 'array', items: { type: 'object', properties: { sku: { type: 'string' } } } },
      },
    }
    expect(await appEventTypes.getSchema({ params })).toEqual(schema)
    expect(await appEventTypes.get({ params })).not.toHaveProperty('schema')
    expect(await appEventTypes.generateSchema({ params })).toMatchObject({ schema })
    expect(await (await house.as('customer-x')).appEventTypes.getSchema({ params })).toEqual(schema)
  })

  test('may bundle others by their addresses, of other drafts too, and is enforced with them', async () => {
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: 'https://example.com/order',
      properties: { to: { $ref: 'address' }, lines: { $ref: 'https://example.com/lines' } },
      $defs: {
        address: { $id: 'address', required: ['city'] },
        lines: {
          $schema: 'http://json-schema.org/draft-07/schema#',
          $id: 'https://example.com/lines',
          items: [{ $ref: '#/definitions/sku' }],
          additionalItems: false,
          definitions: { sku: { type: 'string' } },
        },
      },
    }
    const { globalWebhookUri } = await house.admin.appEventTypes.create({
      body: { key: 'order-created', schema, validateEvents: true },
    })
    const authorization = `Bearer ${await house.tokenOf({ id: 'anna' })}`
    const statusOf = async (event: object) =>
      (
        await fetch(`${house.url}${new URL(globalWebhookUri).pathname}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization },
          body: JSON.stringify(event),
        })
      ).status
    expect(await statusOf({ to: { city: 'Bern' }, lines: ['a'] })).toBe(200)
    expect(await statusOf({ to: {} })).toBe(400)
    expect(await statusOf({ lines: [1] })).toBe(400)
    expect(await statusOf({ lines: ['a', 'b'] })).toBe(400)
  })

  test('must be there to be enforced', async () => {
    const body = { key: 'order-created', validateEvents: true }
    expect(await refusalKey(house.admin.appEventTypes.create({ body }))).toBe('invalid_input')
  })
})

test('what cannot work is refused when it is defined', async () => {
  const { appEventTypes } = house.admin
  await appEventTypes.create({ body: { key: 'order-created' } })
  const bad = {
    invalid_schema: { schema: { type: 'nonsense' } },
    invalid_formula: { tenantIdFormula: { $var: '$input.n' } },
  }
  for (const [key, body] of Object.entries(bad)) {
    expect(await refusalKey(appEventTypes.create({ body: { key: 'other', ...body } }))).toBe(key)
    expect(await refusalKey(appEventTypes.put({ params, body }))).toBe(key)
    expect(await refusalKey(appEventTypes.patch({ params, body }))).toBe(key)
  }
})

test('a key is taken by one that lives; an archived one is not changed', async () => {
  const { appEventTypes } = house.admin
  const old = { selector: (await appEventTypes.create({ body: { key: 'order-created', example: {} } })).id }
  await appEventTypes.create({ body: { key: 'other' } })
  for (const change of [appEventTypes.put, appEventTypes.patch])
    expect(await refusalKey(change({ params: { selector: 'other' }, body: { key: 'order-created' } }))).toBe(
      'already_exists',
    )
  await appEventTypes.archive({ params })
  for (const call of [
    () => appEventTypes.put({ params: old, body: {} }),
    () => appEventTypes.patch({ params: old, body: {} }),
    () => appEventTypes.generateSchema({ params: old }),
  ])
    expect(await refusalKey(call())).toBe('archived')
  await appEventTypes.create({ body: { key: 'order-created' } })
  expect(await refusalKey(appEventTypes.create({ body: { key: 'order-created' } }))).toBe('already_exists')
  expect(await refusalKey(appEventTypes.restore({ params: old }))).toBe('already_exists')
})

test('a new webhook key takes the place of the old one', async () => {
  const { appEventTypes } = house.admin
  const old = await appEventTypes.create({ body: { key: 'order-created', tenantIdFormula: { $var: '$.who' } } })
  const fresh = await appEventTypes.rotateWebhookKey({ params })
  expect(fresh.webhookKey).not.toBe(old.webhookKey)
  await house.admin.customers.create({ body: { internalId: 'x' } })
  const statusAt = async (url: string) => (await fetch(url, { method: 'POST', body: '{"who":"x"}' })).status
  expect(await statusAt(old.globalWebhookUri)).toBe(404)
  expect(await statusAt(fresh.globalWebhookUri)).toBe(200)
})

test('an export holds what was defined, and can be created again', async () => {
  const { appEventTypes } = house.admin
  const body = {
    key: 'order-created',
    name: 'Order Created',
    example: { id: 1 },
    tenantIdFormula: { $var: '$.who' },
    subscribeRequest: { uri: '/hooks', method: 'POST', body: { url: { $var: '$.webhookUri' } } },
  }
  const made = await appEventTypes.create({ body })
  const exported = await appEventTypes.export({ params })
  expect(exported).toEqual({ ...body, uuid: made.uuid, validateEvents: false })
  const again = await appEventTypes.create({ body: { ...body, uuid: undefined, key: 'copy' } })
  expect(again).toMatchObject({ ...body, key: 'copy' })
})
