import { buildHouse, type House, refusalKey } from '@permea/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sql } from '../platform/database.ts'

let house: House

beforeEach(async () => {
  house = await buildHouse()
})

afterEach(() => house[Symbol.asyncDispose]())

test('an integration is found by id and key, in the path and in a query, by any customer, who does not see its parameters', async () => {
  const made = await house.admin.integrations.create({ body: { name: 'Big CRM!', parameters: { region: 'eu' } } })
  expect(made).toMatchObject({ key: 'big-crm', name: 'Big CRM!', logoUri: '', parameters: { region: 'eu' } })
  const { integrations } = await house.as('customer-x')
  const { parameters: _, ...seen } = made
  for (const found of [
    await integrations.get({ params: { selector: 'big-crm' } }),
    await integrations.get({ params: { selector: made.id } }),
    await integrations.getByQuery({ query: { key: 'big-crm' } }),
    await integrations.getByQuery({ query: { id: made.id } }),
    ...(await integrations.list({ query: { search: 'CRM' } })).items,
  ])
    expect(found).toEqual(seen)
})

test('a key is taken by one that lives, and free again once it is archived', async () => {
  const { integrations } = house.admin
  const old = await integrations.create({ body: { key: 'crm' } })
  const params = { selector: (await integrations.create({ body: { key: 'other' } })).id }
  expect(await refusalKey(integrations.create({ body: { key: 'crm' } }))).toBe('already_exists')
  expect(await refusalKey(integrations.put({ params, body: { key: 'crm' } }))).toBe('already_exists')
  expect(await refusalKey(integrations.patch({ params, body: { key: 'crm' } }))).toBe('already_exists')
  await integrations.archive({ params: { selector: old.id } })
  expect(await integrations.put({ params, body: { key: 'crm', logoUri: 'https://logo' } })).toMatchObject({
    key: 'crm',
    logoUri: 'https://logo',
  })
  expect(await refusalKey(integrations.restore({ params: { selector: old.id } }))).toBe('already_exists')
})

test('an archived one is not changed until it is restored', async () => {
  const { integrations } = house.admin
  const params = { selector: (await integrations.create({ body: { key: 'crm' } })).id }
  await integrations.archive({ params })
  expect(await refusalKey(integrations.put({ params, body: { name: 'Late' } }))).toBe('archived')
  expect(await refusalKey(integrations.patch({ params, body: { name: 'Late' } }))).toBe('archived')
  expect(await refusalKey(integrations.refresh({ params }))).toBe('archived')
  expect(await refusalKey(integrations.putParameters({ params, body: {} }))).toBe('archived')
  expect((await integrations.list()).items).toEqual([])
  expect(await integrations.restore({ params })).toMatchObject({ key: 'crm' })
  expect(await integrations.patch({ params, body: { name: 'In time' } })).toMatchObject({ name: 'In time' })
})

const at = (selector: string) => ({ params: { selector } })

test('an integration is made from a connector, by id, uuid or key, and shows what the connector offers', async () => {
  const { integrations, connectors } = house.admin
  const github = await connectors.get(at('github'))
  const made = await integrations.create({ body: { connectorKey: 'github' } })
  expect(made).toMatchObject({
    key: 'github',
    name: 'GitHub',
    connectorId: github.id,
    connectorVersion: 'latest',
    externalAppId: github.id,
    oAuthCallbackUri: `${house.url}/oauth-callback`,
    state: 'READY',
    hasMissingParameters: false,
    hasOperations: true,
    operationsCount: 3,
    hasEvents: true,
    eventsCount: 2,
    hasGlobalWebhooks: true,
    hasData: true,
    authType: 'client-credentials',
    authOptions: [{ key: 'token' }],
  })
  const byId = await integrations.create({ body: { key: 'by-id', connectorId: github.id, connectorVersion: 'latest' } })
  const byUuid = await integrations.create({ body: { key: 'by-uuid', connectorUuid: github.uuid } })
  expect([byId.connectorId, byUuid.connectorId]).toEqual([github.id, github.id])
  const of = await integrations.list({ query: { connectorId: github.id } })
  expect(of.items.map(({ key }) => key)).toEqual(['by-uuid', 'by-id', 'github'])
  expect((await integrations.list({ query: { connectorId: 'nonsense' } })).items).toEqual([])
  expect(await refusalKey(integrations.create({ body: { connectorKey: 'none' } }))).toBe('not_found')
  const without = await integrations.patch({ ...at('by-id'), body: { connectorId: null } })
  expect(without.connectorId).toBeUndefined()
  expect(await integrations.put({ ...at('by-id'), body: { connectorKey: 'slack' } })).toMatchObject({
    operationsCount: 2,
  })
})

test('parameters are sealed, shown to admins only, and merged when they are changed by themselves', async () => {
  const { integrations } = house.admin
  const secret = 'a-client-secret-of-github'
  const made = await integrations.create({
    body: {
      connectorKey: 'github',
      parameters: { clientId: 'id', clientSecret: secret },
      optionsConfig: { oauth: { parameters: { scopes: ['repo', secret] } }, token: { disabled: true } },
    },
  })
  expect(made).toMatchObject({
    parameters: { clientSecret: secret },
    optionsConfig: { oauth: { parameters: { scopes: ['repo', secret] } }, token: { disabled: true } },
    authOptions: [{ key: 'oauth' }],
  })
  const { rows } = await sql<{ row: string }>`select integrations::text as row from integrations`.execute(
    house.engine.database.db,
  )
  expect(JSON.stringify(rows)).not.toContain(secret)
  const customer = await house.as('customer-x')
  expect(JSON.stringify(await customer.integrations.get(at('github')))).not.toContain(secret)
  expect(JSON.stringify(await customer.integrations.list())).not.toContain(secret)

  expect(await integrations.parameters(at('github'))).toEqual({ clientId: 'id', clientSecret: secret })
  const changed = await integrations.changeParameters({
    ...at('github'),
    body: { clientId: 'other', clientSecret: null },
  })
  expect(changed).toEqual({ clientId: 'other' })
  expect(await integrations.parameters(at('github'))).toEqual({ clientId: 'other' })
  expect(await integrations.get(at('github'))).toMatchObject({
    hasMissingParameters: true,
    state: 'CONFIGURATION_ERROR',
    optionsConfig: { oauth: { parameters: { scopes: ['repo', secret] } } },
  })
  const found = await house.engine.connectors.find({ workspaceId: house.workspace.id }, 'github')
  expect(found.definition.options.oauth?.type).toBe('oauth2')
  for (const call of [
    customer.integrations.parameters(at('github')),
    customer.integrations.globalWebhooks(at('github')),
  ])
    expect(await refusalKey(call)).toBe('access_denied')
  expect(await refusalKey(integrations.parameters(at('none')))).toBe('not_found')
  expect(await refusalKey(integrations.changeParameters({ ...at('none'), body: {} }))).toBe('not_found')
  await integrations.archive(at('github'))
  expect(await refusalKey(integrations.changeParameters({ ...at('github'), body: {} }))).toBe('archived')
})

test('parameters that were stored in the open are sealed when the engine starts', async () => {
  const { integrations } = house.admin
  const made = await integrations.create({ body: { key: 'old' } })
  const { db } = house.engine.database
  await sql`update integrations set parameters = '{"clientSecret":"in the open"}' where key = 'old'`.execute(db)
  await using _second = await buildHouse({ database: { url: house.databaseUrl, workspace: house.workspace } })
  expect(await integrations.parameters(at(made.id))).toEqual({ clientSecret: 'in the open' })
  const { rows } = await sql<{ row: string }>`select integrations::text as row from integrations`.execute(db)
  expect(JSON.stringify(rows)).not.toContain('in the open')
})

test('what the connector offers is listed through the integration', async () => {
  const { integrations } = house.admin
  await integrations.create({ body: { connectorKey: 'github' } })
  await integrations.create({ body: { key: 'bare' } })
  const { integrations: seen } = await house.as('customer-x')
  const spec = await seen.connectorSpec(at('github'))
  expect(spec).toMatchObject({ key: 'github', auth: { key: 'token' }, globalWebhooks: [{ key: 'app' }] })
  const operations = await seen.operations(at('github'))
  expect(operations).toEqual(spec.operations)
  expect(operations.map(({ key }) => key)).toEqual(['comment-on-issue', 'create-issue', 'list-repositories'])
  const operation = (operationKey: string, selector = 'github') =>
    seen.operation({ params: { selector, operationKey } })
  expect(await operation('create-issue')).toMatchObject({ name: 'Create issue', inputSchema: { type: 'object' } })
  const events = await seen.events(at('github'))
  expect(events).toEqual(spec.events)
  const event = (eventKey: string, selector = 'github') => seen.event({ params: { selector, eventKey } })
  expect(await event('app-installation')).toEqual(events[0])
  for (const call of [
    () => operation('none'),
    () => event('none'),
    () => operation('create-issue', 'bare'),
    () => event('x', 'bare'),
    () => seen.connectorSpec(at('bare')),
    () => seen.operations(at('bare')),
    () => seen.events(at('bare')),
    () => integrations.globalWebhooks(at('bare')),
  ])
    expect(await refusalKey(call())).toBe('not_found')
})

test('every global webhook has a URL of its own that nobody can guess and that stays', async () => {
  const { integrations } = house.admin
  await integrations.create({ body: { connectorKey: 'slack' } })
  await integrations.create({ body: { key: 'slack-2', connectorKey: 'slack' } })
  const [first] = await integrations.globalWebhooks(at('slack'))
  const [second] = await integrations.globalWebhooks(at('slack-2'))
  expect(first).toMatchObject({ key: 'events-api', name: 'Events API' })
  expect(first?.uri).toMatch(new RegExp(`^${house.url}/webhooks/global/[0-9a-f]{8}-[0-9a-f-]{27}$`))
  expect(second?.uri).not.toBe(first?.uri)
  await integrations.patch({ ...at('slack'), body: { name: 'Other' } })
  expect(await integrations.globalWebhooks(at('slack'))).toEqual([first])
})

test('setting up makes the URLs of global webhooks that the connector got since', async () => {
  const { integrations, connectors } = house.admin
  await connectors.create({ body: { key: 'crm', name: 'CRM' } })
  await integrations.create({ body: { connectorKey: 'crm' } })
  const handle = 'export default () => ({ events: [] })'
  await connectors.patch({ ...at('crm'), body: { globalWebhooks: { all: { name: 'All', handle } } } })
  expect(await integrations.setup(at('crm'))).toMatchObject({ key: 'crm', hasGlobalWebhooks: true })
  const { rows } = await sql`select 1 from global_webhooks`.execute(house.engine.database.db)
  expect(rows).toHaveLength(1)
  expect(await integrations.globalWebhooks(at('crm'))).toMatchObject([{ key: 'all' }])
  expect(await refusalKey(integrations.setup(at('none')))).toBe('not_found')
  await integrations.archive(at('crm'))
  expect(await refusalKey(integrations.setup(at('crm')))).toBe('archived')
})

test('a customer sees its own connection with the integration', async () => {
  await house.admin.integrations.create({ body: { connectorKey: 'github' } })
  const customer = await house.as('customer-x')
  const body = { integrationKey: 'github', credentials: { token: 'ghp_1' } }
  const { id } = await customer.connections.create({ body })
  expect(await customer.integrations.get(at('github'))).toMatchObject({ connection: { id } })
  const other = await house.as('customer-y')
  expect((await other.integrations.get(at('github'))).connection).toBeUndefined()
  expect((await house.admin.integrations.get(at('github'))).connection).toBeUndefined()
})
