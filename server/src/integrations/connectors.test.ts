import { createPermea, type PermeaError } from '@permea/sdk'
import { addWorkspace, buildHouse, type House, refusalKey } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

let house: House

beforeAll(async () => {
  house = await buildHouse()
})

afterAll(() => house[Symbol.asyncDispose]())

const CODE = 'export default async ({ apiClient }) => ({ state: {} })'
const CLIENT = 'export default ({ credentials }) => ({ baseUri: "https://crm.example" })'

const definition = {
  parametersSchema: { type: 'object', properties: { region: { type: 'string' } } },
  options: {
    key: {
      type: 'client-credentials' as const,
      inputSchema: { type: 'object', properties: { apiKey: { type: 'string' } } },
      makeApiClient: CLIENT,
      test: { type: 'rest-api-mapping' as const, mapping: { path: '/me', method: 'GET' } },
    },
  },
  events: {
    created: {
      name: 'Created',
      implementationType: 'webhook' as const,
      schema: { type: 'object' },
      subscribe: CODE,
      handle: CODE,
      unsubscribe: CODE,
    },
  },
  operations: { find: { name: 'Find', run: CODE } },
}

let made = 0
/** A connector of its own for a test. */
async function create(more: object = {}) {
  made += 1
  return house.admin.connectors.create({ body: { key: `crm-${made}`, name: 'CRM', ...definition, ...more } })
}
const at = (selector: string) => ({ params: { selector } })

async function refusalOf(call: Promise<unknown>): Promise<PermeaError> {
  return call.then(
    () => expect.fail('it was not refused'),
    (error: PermeaError) => error,
  )
}

test('a connector is found by id, uuid and key; functions given as source come back as definitions', async () => {
  const own = await create({ categories: ['CRM'], description: 'Ours', logoUri: 'https://logo.example' })
  expect(own).toMatchObject({
    name: 'CRM',
    isPublic: false,
    isReadOnly: false,
    operationsCount: 1,
    eventsCount: 1,
    hasTest: true,
    hasAuthTest: true,
    hasOperations: true,
    categories: ['CRM'],
    options: { key: { makeApiClient: { type: 'javascript', code: CLIENT } } },
    events: { created: { subscribe: { type: 'javascript', code: CODE } } },
  })
  for (const selector of [own.id, own.uuid, own.key])
    expect(await house.admin.connectors.get(at(selector))).toEqual(own)
  expect(await refusalKey(house.admin.connectors.get(at('unknown')))).toBe('not_found')
})

test('customers see connectors without their functions, lists show none to anybody', async () => {
  const own = await create()
  const customer = await house.as('customer-x')
  const lists = [await house.admin.connectors.list(), await customer.connectors.list()]
  const listed = lists.flatMap(({ items }) => items.filter(({ id }) => id === own.id))
  for (const seen of [await customer.connectors.get(at(own.id)), ...listed]) {
    expect(seen).toMatchObject({ key: own.key, operationsCount: 1 })
    expect(JSON.stringify(seen)).not.toContain('apiClient')
  }
  expect(listed).toHaveLength(2)
})

test('the own connectors come first in lists, then the ready-made ones, page by page', async () => {
  const one = await create({ name: 'Zebra list' })
  const two = await create({ name: 'Zebra list' })
  const keys: string[] = []
  let cursor: string | undefined = '0'
  do {
    const page: Awaited<ReturnType<typeof house.admin.connectors.list>> = await house.admin.connectors.list({
      query: { limit: 7, cursor },
    })
    keys.push(...page.items.map(({ key }) => key))
    cursor = page.cursor
  } while (cursor !== undefined)
  expect(keys.slice(0, 2)).toEqual([two.key, one.key])
  expect(keys.slice(-3)).toEqual(['verdaccio', 'workos', 'zendesk'])
  expect(new Set(keys).size).toBe(keys.length)
  const found = await house.admin.connectors.list({ query: { search: 'hub' } })
  expect(found.items.map(({ key }) => key)).toEqual(['github', 'hubspot'])
})

test('a function that does not load is refused with its slot, line and column', async () => {
  const broken = {
    ...definition,
    events: { created: { ...definition.events.created, handle: 'export default (\n {{' } },
  }
  for (const call of [
    () => create(broken),
    () => create().then(({ id }) => house.admin.connectors.put({ ...at(id), body: broken })),
    () => create().then(({ id }) => house.admin.connectors.patch({ ...at(id), body: broken })),
  ]) {
    const { key, message, data } = await refusalOf(call())
    expect(key).toBe('invalid_function')
    expect(message).toContain('events.created.handle (line 2')
    expect(data).toMatchObject({ problems: [{ slot: 'events.created.handle', line: 2, column: expect.any(Number) }] })
  }
})

test('slots that must have a function have one, of a kind that can work there', async () => {
  const option = definition.options.key
  const event = definition.events.created
  const { makeApiClient: _, ...clientless } = option
  const rest = { type: 'rest-api-mapping', mapping: { path: '/', method: 'GET' } }
  const find = { type: 'operation-mapping', mapping: { operationKey: 'nowhere' } }
  const cases: [object, string][] = [
    [{ options: { key: clientless } }, 'options.key.makeApiClient'],
    [{ options: { key: { ...option, type: 'oauth2' } } }, 'options.key.getOAuthConfig'],
    [{ options: { key: { ...option, type: 'oauth1' } } }, 'options.key.getOAuthConfig'],
    [{ options: { key: { ...option, makeApiClient: rest } } }, 'options.key.makeApiClient'],
    [{ options: { key: { ...option, test: find } } }, 'options.key.test'],
    [{ events: { created: { ...event, subscribe: undefined } } }, 'events.created.subscribe'],
    [{ events: { created: { ...event, handle: undefined } } }, 'events.created.handle'],
    [{ events: { created: { ...event, unsubscribe: undefined } } }, 'events.created.unsubscribe'],
    [{ events: { created: { ...event, handle: rest } } }, 'events.created.handle'],
    [{ events: { any: { name: 'Any', implementationType: 'global-webhook' } } }, 'events.any.getEventSelector'],
    [{ operations: { find: { name: 'Find', run: { type: 'mapping', mapping: { $var: 1 } } } } }, 'operations.find.run'],
  ]
  for (const [change, slot] of cases) {
    const { key, data } = await refusalOf(create(change))
    expect(key, slot).toBe('invalid_function')
    expect(data).toMatchObject({ problems: [{ slot }] })
  }
  await create({ options: { key: clientless }, makeApiClient: CLIENT })
  await create({ options: { own: { type: 'membrane-token' } } })
})

test('schemas and formulas that cannot work are refused', async () => {
  const { id } = await create()
  const { connectors } = house.admin
  const schema = { parametersSchema: { type: 'nonsense' } }
  const formula = { responseHandlers: [{ match: { $var: 7 } }] }
  for (const body of [schema, { operations: { find: { ...definition.operations.find, inputSchema: { type: 5 } } } }]) {
    expect(await refusalKey(create(body))).toBe('invalid_schema')
    expect(await refusalKey(connectors.put({ ...at(id), body }))).toBe('invalid_schema')
    expect(await refusalKey(connectors.patch({ ...at(id), body }))).toBe('invalid_schema')
  }
  expect(await refusalKey(create(formula))).toBe('invalid_formula')
  expect(await refusalKey(connectors.put({ ...at(id), body: formula }))).toBe('invalid_formula')
  expect(await refusalKey(connectors.patch({ ...at(id), body: formula }))).toBe('invalid_formula')
})

test('a change keeps what it does not name, null takes a part away, and every change has a new revision', async () => {
  const own = await create({
    description: 'Ours',
    test: { type: 'rest-api-mapping', mapping: { path: '/', method: 'GET' } },
  })
  const changed = await house.admin.connectors.patch({
    ...at(own.id),
    body: { name: 'Other', test: null, events: null },
  })
  expect(changed).toMatchObject({ name: 'Other', description: 'Ours', eventsCount: 0, options: own.options })
  expect(changed.test).toBeUndefined()
  expect(changed.revision).not.toBe(own.revision)
  // As whole elements are sent back by clients that know nothing of parts.
  expect(await house.admin.connectors.put({ ...at(own.id), body: own })).toMatchObject({ name: 'CRM', eventsCount: 1 })
})

test('a key is taken by one that lives, and free again once it is archived', async () => {
  const { connectors } = house.admin
  const old = await create()
  const other = await create()
  const body = { key: old.key }
  expect(await refusalKey(connectors.create({ body }))).toBe('already_exists')
  expect(await refusalKey(connectors.put({ ...at(other.id), body }))).toBe('already_exists')
  expect(await refusalKey(connectors.patch({ ...at(other.id), body }))).toBe('already_exists')
  expect(await refusalKey(connectors.clone({ ...at(other.id), body }))).toBe('already_exists')
  await connectors.archive(at(old.id))
  expect(await refusalKey(connectors.put({ ...at(old.id), body: { name: 'Late' } }))).toBe('archived')
  expect(await refusalKey(connectors.patch({ ...at(old.id), body: { name: 'Late' } }))).toBe('archived')
  await connectors.put({ ...at(other.id), body })
  expect(await refusalKey(connectors.restore(at(old.id)))).toBe('already_exists')
  await connectors.put({ ...at(other.id), body: { key: 'somewhere-else' } })
  expect(await connectors.restore(at(old.id))).not.toHaveProperty('archivedAt')
})

test('ready-made connectors are not changed, but copied', async () => {
  const { connectors } = house.admin
  const github = await connectors.get(at('github'))
  expect(github).toMatchObject({ isPublic: true, isReadOnly: true, name: 'GitHub' })
  for (const call of [
    () => connectors.put({ ...at('github'), body: { name: 'Mine' } }),
    () => connectors.patch({ ...at('github'), body: { name: 'Mine' } }),
    () => connectors.archive(at(github.id)),
  ])
    expect(await refusalKey(call())).toBe('read_only_connector')
  expect(await connectors.restore(at('github'))).toEqual(github)
  const copy = await connectors.clone(at('github'))
  expect(copy).toMatchObject({ key: 'github-copy', isReadOnly: false, options: github.options, events: github.events })
  expect(await connectors.patch({ ...at(copy.id), body: { key: 'github' } })).toMatchObject({ key: 'github' })
  expect(await connectors.get(at('github'))).toMatchObject({ id: copy.id })
  await connectors.archive(at(copy.id))
  expect(await connectors.get(at('github'))).toEqual(github)
  expect(await refusalKey(connectors.clone({ ...at('github'), body: { key: 'a\u0000b' } }))).toBe('invalid_input')
})

test('a connector of one workspace is not there for another', async () => {
  const own = await create()
  const other = await addWorkspace(house.engine, house.clock, null)
  const token = await house.engine.tokens.sign(other, { isAdmin: true }, 600)
  const stranger = createPermea({ baseUrl: house.url, token })
  for (const selector of [own.id, own.uuid, own.key])
    expect(await refusalKey(stranger.connectors.get(at(selector)))).toBe('not_found')
  expect((await stranger.connectors.list({ query: { search: own.key } })).items).toEqual([])
})

test('an event of a connector tells its schemas', async () => {
  const own = await create()
  const event = (eventKey: string) => house.admin.connectors.event({ params: { selector: own.id, eventKey } })
  expect(await event('created')).toEqual({
    key: 'created',
    name: 'Created',
    implementationType: 'webhook',
    schema: { type: 'object' },
  })
  expect(await refusalKey(event('toString'))).toBe('not_found')
})

test('the ways to connect are told as forms need them: what the operator gave is not asked for again', async () => {
  const { connectors, integrations } = house.admin
  const all = await connectors.generateOptions(at('github'))
  expect(all).toMatchObject([
    { key: 'oauth', connectorParametersSchema: { required: ['clientId', 'clientSecret'] } },
    { key: 'token', type: 'client-credentials', inputSchema: { required: ['token'] } },
  ])
  const parameters = { clientId: 'id', clientSecret: 'secret' }
  const given = await connectors.generateOptions({ ...at('github'), body: { connectorParameters: parameters } })
  expect(given.map(({ key }) => key)).toEqual(['oauth', 'token'])
  expect(given[0]).toMatchObject({ type: 'oauth2', oAuthCallbackUri: `${house.url}/oauth-callback` })
  expect(given[0]?.connectorParametersSchema).toBeUndefined()

  const made = await integrations.create({
    body: { connectorKey: 'github', parameters, oAuthCallbackUri: 'https://app.example/back' },
  })
  const customer = await house.as('customer-x')
  for (const body of [{ integrationId: made.id }, { integrationKey: 'github' }])
    expect(
      (await customer.connectors.connectionOptions({ body })).map(({ key, oAuthCallbackUri }) => [
        key,
        oAuthCallbackUri,
      ]),
    ).toEqual([
      ['oauth', 'https://app.example/back'],
      ['token', undefined],
    ])
  expect(
    JSON.stringify(await customer.connectors.connectionOptions({ body: { integrationId: made.id } })),
  ).not.toContain('secret"')
  await integrations.patch({ params: { selector: 'github' }, body: { optionsConfig: { oauth: { disabled: true } } } })
  expect(await customer.connectors.connectionOptions({ body: { integrationKey: 'github' } })).toMatchObject([
    { key: 'token' },
  ])
  const slack = await integrations.create({ body: { connectorKey: 'slack' } })
  expect(await connectors.connectionOptions({ body: { integrationId: slack.id } })).toMatchObject([{ key: 'token' }])
  expect(await connectors.connectionOptions({ body: { connectorId: 'slack' } })).toHaveLength(2)
  for (const body of [{}, { connectorKey: 'none' }, { integrationKey: 'none' }, { connectionId: 'con_none' }])
    expect(await refusalKey(connectors.connectionOptions({ body }))).toBe('not_found')
  const bare = await integrations.create({ body: { key: 'bare' } })
  expect(await refusalKey(connectors.connectionOptions({ body: { integrationId: bare.id } }))).toBe('not_found')
})

test('a field is asked for only where the parameters of the integration need it', async () => {
  const inputSchema = {
    type: 'object',
    required: ['key', 'site', 'region'],
    properties: {
      key: { type: 'string' },
      site: { askedWhere: [{ app: { is: ['a', 'b'] }, uri: { given: false } }, { uri: { contains: '[site]' } }] },
      region: { askedWhere: [{ app: { is: ['r'] } }] },
    },
    additionalProperties: false,
  }
  const untested = { type: 'client-credentials' as const, makeApiClient: CLIENT }
  const connector = await create({ options: { key: { ...untested, inputSchema } } })
  const offered = async (parameters: Record<string, unknown>) => {
    const integration = await house.admin.integrations.create({
      body: {
        key: `asked-${JSON.stringify(parameters)}`.replaceAll(/\W+/g, '-'),
        connectorId: connector.id,
        parameters,
      },
    })
    const [{ inputSchema: asked } = {}] = integration.authOptions ?? []
    expect(JSON.stringify(asked)).not.toContain('askedWhere')
    expect(Object.keys((asked as typeof inputSchema).properties)).toEqual((asked as typeof inputSchema).required)
    return { integration, names: (asked as typeof inputSchema).required.join(' ') }
  }
  const [needing, plain] = [await offered({ app: 'b' }), await offered({ app: 'c' })]
  expect([needing.names, plain.names]).toEqual(['key site', 'key'])
  for (const [parameters, names] of [
    [{ app: 'b', uri: 'https://own.example' }, 'key'],
    [{ app: 'c', uri: 'https://[site].example' }, 'key site'],
    [{ app: 'a', site: 'of everybody' }, 'key'],
    [{ app: 'a', site: '' }, 'key site'],
    [{ app: 'r', uri: '[site]' }, 'key site region'],
    [{ app: ['a'] }, 'key'],
    [{}, 'key'],
  ] as const)
    expect([parameters, (await offered(parameters)).names]).toEqual([parameters, names])
  // Where no integration says which app it is, it may be filled in.
  const [alone] = await house.admin.connectors.generateOptions(at(connector.id))
  expect(alone?.inputSchema).toMatchObject({ required: ['key'], properties: { site: {}, region: {} } })

  // One connector, two integrations: what the one needs the other refuses.
  const customer = await house.as('asked')
  const connect = (integrationId: string, input: Record<string, unknown>) =>
    customer.connections.create({ body: { integrationId, input } }).then(
      ({ disconnected }) => disconnected,
      (error: PermeaError) => error.message,
    )
  for (const [{ integration }, input, answer] of [
    [needing, { key: 'k' }, expect.stringContaining('site')],
    [plain, { key: 'k', site: 's' }, expect.stringContaining('additional')],
    [needing, { key: 'k', site: 's' }, false],
    [plain, { key: 'k' }, false],
  ] as const)
    expect(await connect(integration.id, input)).toEqual(answer)

  for (const askedWhere of [
    [],
    {},
    'app',
    [{ app: 'a' }],
    [{ app: { is: [] } }],
    [{ app: { contains: '' } }],
    [{ app: { is: ['a'], given: true } }],
  ]) {
    const body = {
      options: { key: { ...definition.options.key, inputSchema: { properties: { site: { askedWhere } } } } },
    }
    const { key, message } = await refusalOf(create(body))
    expect([key, message]).toEqual([
      'invalid_schema',
      expect.stringContaining('options.key.inputSchema.properties.site.askedWhere'),
    ])
  }
})

test('a way to connect that still needs something from the operator says what, where there is no other', async () => {
  const oauth = { type: 'oauth2' as const, getOAuthConfig: 'export default () => ({})', makeApiClient: CLIENT }
  const connectorParametersSchema = { type: 'object', required: ['clientId'] }
  const own = await create({ options: { oauth: { ...oauth, parametersSchema: connectorParametersSchema } } })
  expect(await house.admin.connectors.generateOptions(at(own.id))).toMatchObject([{ connectorParametersSchema }])
})

test('there is an app for each connector', async () => {
  const customer = await house.as('customer-x')
  const { items } = await customer.connectors.externalApps({ query: { category: 'E-Commerce' } })
  expect(items).toMatchObject([
    { key: 'shopify', name: 'Shopify', appUri: 'https://www.shopify.com', isPublic: true, popularity: 0 },
  ])
  const shopify = await house.admin.connectors.get(at('shopify'))
  expect(items[0]?.defaultConnectorId).toBe(shopify.id)
  expect(await refusalKey(customer.connectors.externalApps({ query: { cursor: 'nonsense' } }))).toBe('invalid_input')
})
