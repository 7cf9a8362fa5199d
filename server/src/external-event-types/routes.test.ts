import { addApp, buildHouse, connectApp, type House, refusalKey } from '@permea/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const NOTHING = 'export default () => ({})'
const FUNCTIONS = { subscribe: NOTHING, handle: NOTHING, unsubscribe: NOTHING }

let house: House

beforeAll(async () => {
  house = await buildHouse()
  await addApp(house, { url: 'http://127.0.0.1:9' })
  await addApp(house, { url: 'http://127.0.0.1:9', key: 'other' })
})

afterAll(() => house[Symbol.asyncDispose]())

const create = (key: string, more: object = {}) =>
  house.admin.externalEventTypes.create({ body: { key, ...FUNCTIONS, ...more } })

test('a type is made, read, listed, changed, exported, archived and restored', async () => {
  const types = house.admin.externalEventTypes
  const made = await create('first', {
    name: 'First',
    refresh: { type: 'rest-api-mapping', mapping: { path: '/refresh', method: 'POST' } },
    parametersSchema: { type: 'object' },
    example: { a: 1 },
    meta: { of: 'us' },
  })
  expect(made).toMatchObject({
    layer: 'universal',
    type: 'webhook',
    subscribe: { type: 'javascript', code: NOTHING },
    refresh: { type: 'rest-api-mapping' },
    // Derived where only an example is given.
    schema: { type: 'object', properties: { a: { type: 'integer' } } },
  })
  expect(await types.get({ params: { selector: 'first' } })).toEqual(made)
  expect((await types.list({ query: { search: 'irs', layer: 'universal' } })).items).toEqual([made])
  const put = await types.put({ params: { selector: made.id }, body: { name: 'Renamed' } })
  expect(put).toMatchObject({ name: 'Renamed', key: 'first' })
  expect(put.revision).not.toBe(made.revision)
  const withSchema = await types.generateSchema({ params: { selector: 'first' } })
  expect(withSchema.schema).toEqual(made.schema)
  const exported = await types.export({ params: { selector: 'first' } })
  expect(exported).toMatchObject({ key: 'first', type: 'webhook', example: { a: 1 } })
  expect(exported).not.toHaveProperty('id')
  await types.archive({ params: { selector: 'first' } })
  expect((await types.list({ query: { search: 'Renamed' } })).items).toEqual([])
  expect(await types.restore({ params: { selector: made.id } })).toMatchObject({ id: made.id })
  await types.archive({ params: { selector: 'first' } })
  // What was exported makes the type again.
  expect(await types.create({ body: { ...exported, uuid: undefined } as never })).toMatchObject({ name: 'Renamed' })
})

test('customers see that a type exists, not its source, and cannot change it', async () => {
  await create('seen', { schema: { type: 'object' } })
  const { client, connection } = await connectApp(house, { customer: 'seer' })
  const seen = await client.externalEventTypes.get({ params: { selector: 'seen' } })
  expect(seen).toMatchObject({ key: 'seen', schema: { type: 'object' } })
  expect(seen).not.toHaveProperty('handle')
  expect(await refusalKey(client.externalEventTypes.patch({ params: { selector: 'seen' }, body: {} }))).toBe(
    'access_denied',
  )
  // What another customer has in the place of it is not there for this one.
  const own = await house.admin.externalEventTypes.create({
    body: { key: 'seen', connectionId: connection.id, handle: NOTHING },
  })
  const stranger = await house.as('stranger')
  expect(await refusalKey(stranger.externalEventTypes.get({ params: { selector: own.id } }))).toBe('not_found')
  expect((await stranger.externalEventTypes.list()).items.map((each) => each.id)).not.toContain(own.id)
  expect((await client.externalEventTypes.list({ query: { connectionId: connection.id } })).items).toMatchObject([
    { id: own.id },
  ])
})

describe('three scopes', () => {
  test('a child says what it overrides, shows the rest of its parent, and follows it again with null', async () => {
    const parent = await create('chain', { name: 'Chain', parametersSchema: { type: 'object' } })
    const own = 'export default () => ({ events: [1] })'
    const child = await house.admin.externalEventTypes.create({
      body: { key: 'chain', integrationKey: 'crm', handle: own },
    })
    expect(child).toMatchObject({
      layer: 'integration',
      parentId: parent.id,
      overrides: ['handle'],
      handle: { code: own },
      subscribe: { code: NOTHING },
      parametersSchema: { type: 'object' },
    })
    const { connection } = await connectApp(house, { customer: 'chained' })
    const grandchild = await house.admin.externalEventTypes.create({
      body: { parentId: child.id, connectionId: connection.id, schema: { type: 'object' } },
    } as never)
    expect(grandchild).toMatchObject({ key: 'chain', name: 'Chain', parentId: child.id, handle: { code: own } })
    const select = (query: object) =>
      house.admin.externalEventTypes.get({ params: { selector: 'chain' }, query: query as never })
    expect((await select({})).id).toBe(parent.id)
    expect((await select({ integrationKey: 'crm' })).id).toBe(child.id)
    expect((await select({ connectionId: connection.id })).id).toBe(grandchild.id)
    expect((await select({ integrationKey: 'other' })).id).toBe(parent.id)
    const followed = await house.admin.externalEventTypes.patch({
      params: { selector: child.id },
      body: { handle: null },
    })
    expect(followed).toMatchObject({ overrides: [], handle: { code: NOTHING } })
    expect((await house.admin.externalEventTypes.list({ query: { parentId: parent.id } })).items).toMatchObject([
      { id: child.id },
    ])
  })

  test('a child must be narrower than its parent, and cannot come back before it', async () => {
    const types = house.admin.externalEventTypes
    const parent = await create('wide')
    expect(await refusalKey(types.create({ body: { key: 'wide-2', parentId: parent.id } }))).toBe('invalid_input')
    const child = await types.create({ body: { key: 'wide', integrationKey: 'crm', handle: NOTHING } })
    const elsewhere = { key: 'wide', parentId: child.id, integrationKey: 'other' }
    expect(await refusalKey(types.create({ body: elsewhere }))).toBe('invalid_input')
    await types.archive({ params: { selector: child.id } })
    await types.archive({ params: { selector: parent.id } })
    expect(await refusalKey(types.restore({ params: { selector: child.id } }))).toBe('archived')
    const late = { key: 'late', parentId: parent.id, integrationKey: 'other' }
    expect(await refusalKey(types.create({ body: late }))).toBe('archived')
  })

  test('a key that several types of different integrations have is ambiguous without more', async () => {
    const types = house.admin.externalEventTypes
    const [a] = await Promise.all([
      create('twice', { integrationKey: 'crm' }),
      create('twice', { integrationKey: 'other' }),
    ])
    const params = { selector: 'twice' }
    const asked = [
      types.get({ params }),
      types.put({ params, body: {} }),
      types.patch({ params, body: {} }),
      types.archive({ params }),
      types.restore({ params }),
      types.generateSchema({ params }),
      types.export({ params }),
    ]
    expect(new Set(await Promise.all(asked.map(refusalKey)))).toEqual(new Set(['ambiguous_selector']))
    expect((await types.get({ params, query: { integrationKey: 'crm' } })).id).toBe(a.id)
  })
})

describe('refused', () => {
  test.each([
    ['without a required function', { handle: null }, 'invalid_function', /handle is required/],
    ['with code that does not parse', { subscribe: 'export default (' }, 'invalid_function', /subscribe: .*line 1/],
    ['with code that exports nothing', { unsubscribe: 'const a = 1' }, 'invalid_function', /unsubscribe/],
    [
      'with a handle that is a request',
      { handle: { type: 'rest-api-mapping', mapping: { path: '/', method: 'GET' } } },
      'invalid_function',
      /handle is javascript or mapping/,
    ],
    ['with another type', { type: 'polling' }, 'invalid_input', /only|must be "webhook"/],
    ['with a schema that cannot be compiled', { schema: { type: 'nonsense' } }, 'invalid_schema', /schema/],
    ['for an integration that is not there', { integrationKey: 'nowhere' }, 'not_found', /nowhere/],
  ])('a type %s', async (_, more, key, message) => {
    const refused = create('refused', more)
    await expect(refused).rejects.toThrow(message)
    expect(await refusalKey(refused)).toBe(key)
  })

  test('changes of what is archived, taken or wrong', async () => {
    const types = house.admin.externalEventTypes
    await create('taken')
    const made = await create('free')
    expect(await refusalKey(create('taken'))).toBe('already_exists')
    for (const change of [types.put, types.patch]) {
      const to = (body: object) => refusalKey(change({ params: { selector: made.id }, body: body as never }))
      expect(await to({ key: 'taken' })).toBe('already_exists')
      expect(await to({ schema: { type: 'nonsense' } })).toBe('invalid_schema')
      expect(await to({ handle: 'export default (' })).toBe('invalid_function')
    }
    expect(await refusalKey(types.generateSchema({ params: { selector: made.id } }))).toBe('invalid_input')
    await types.archive({ params: { selector: made.id } })
    const params = { selector: made.id }
    const asked = [types.put({ params, body: {} }), types.patch({ params, body: {} }), types.generateSchema({ params })]
    expect(new Set(await Promise.all(asked.map(refusalKey)))).toEqual(new Set(['archived']))
    await create('free')
    expect(await refusalKey(types.restore({ params }))).toBe('already_exists')
    expect(await refusalKey(types.list({ query: { integrationKey: 'nowhere' } }))).toBe('not_found')
  })
})
