import { Connector, GeneratedConnectorOption, IntegrationApiResponse, MembraneClient } from '@membranehq/sdk'
import { buildHouse, type House } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

// What the published JavaScript client reads of connectors and integrations; its own shapes say whether an answer fits.

let house: House
let admin: MembraneClient
let customer: MembraneClient

beforeAll(async () => {
  house = await buildHouse()
  const clientOf = async (claims: Record<string, unknown>) =>
    new MembraneClient({ token: await house.tokenOf(claims), apiUri: house.url })
  admin = await clientOf({ isAdmin: true })
  customer = await clientOf({ id: 'customer-x' })
})

afterAll(() => house[Symbol.asyncDispose]())

test('connectors are listed, read and made', async () => {
  const { items } = (await admin.get('/connectors')) as { items: unknown[] }
  expect(items.length).toBeGreaterThanOrEqual(6)
  for (const item of items) Connector.parse(item)
  for (const key of ['github', 'slack', 'stripe', 'shopify', 'hubspot', 'parse-server'])
    expect(Connector.parse(await admin.get(`/connectors/${key}`))).toMatchObject({ key, isPublic: true })
  // As the client's types have it: the fields of the one way to connect beside those of the connector.
  const made = await admin.post('/connectors', {
    name: 'Tickets',
    type: 'client-credentials',
    inputSchema: { type: 'object', properties: { apiKey: { type: 'string' } } },
    makeApiClient: { type: 'mapping', mapping: { baseUri: 'https://api.tickets.example' } },
  })
  expect(Connector.parse(made)).toMatchObject({ key: 'tickets', options: { default: { type: 'client-credentials' } } })
})

test('an integration is made, set up, and tells what its connector offers', async () => {
  const made = await admin.integrations.create({
    connectorKey: 'github',
    parameters: { clientId: 'id', clientSecret: 'secret', webhookSecret: 'hush' },
    optionsConfig: { token: { disabled: true } },
  })
  expect(IntegrationApiResponse.parse(made)).toMatchObject({ key: 'github', parameters: { clientSecret: 'secret' } })
  expect(IntegrationApiResponse.parse(await admin.integration('github').setup())).toMatchObject({ state: 'READY' })
  await (await house.as('customer-x')).customers.self()
  await admin.post('/connections', {
    userId: 'customer-x',
    integrationKey: 'github',
    credentials: { access_token: 't' },
  })
  for (const item of await customer.integrations.findAll()) {
    const seen = IntegrationApiResponse.parse(item)
    expect(seen.parameters).toBeUndefined()
    expect(seen.connection).toMatchObject({ integrationId: made.id })
  }
  expect(await customer.integration('github').getConnectorSpec()).toMatchObject({ key: 'github' })
  const operations = await customer.integration('github').getOperations()
  expect(operations.map(({ key }) => key)).toContain('create-issue')
  expect(await customer.integration('github').getOperation('create-issue')).toMatchObject({ name: 'Create issue' })
  expect(await customer.get('/integrations/github/events')).toMatchObject([{ key: 'app-installation' }, {}])
  const options = (await customer.post('/connection-options', { integrationKey: 'github' })) as unknown[]
  expect(options.map((option) => GeneratedConnectorOption.parse(option).key)).toEqual(['oauth'])
  const byObject = admin.integration({ key: 'github' } as never)
  expect((await byObject.getOperations()).length).toBe(operations.length)
  expect(await byObject.getDataCollections()).toEqual(await admin.integration('github').getDataCollections())
  expect(await byObject.getDataCollection('issues')).toMatchObject({ key: 'issues' })
  expect(await byObject.patch({ name: 'Code' })).toMatchObject({ id: made.id, name: 'Code' })
  await admin.integration({ id: made.id } as never).archive()
  expect(IntegrationApiResponse.parse(await byObject.restore())).toMatchObject({ key: 'github' })
  await admin.integration('github').archive()
  expect(IntegrationApiResponse.parse(await admin.integration('github').restore())).toMatchObject({ key: 'github' })
})
