import { addApp, buildHouse, connectApp, type House, type Receiver, refusalKey, startReceiver } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

let house: House
let app: Receiver

beforeAll(async () => {
  app = await startReceiver()
  house = await buildHouse()
  await addApp(house, { url: app.url })
  const { connectors, integrations } = house.admin
  await connectors.create({
    body: {
      key: 'open-desk',
      options: {
        none: { type: 'client-credentials', makeApiClient: { type: 'mapping', mapping: { baseUri: app.url } } },
      },
      disconnect: 'export default async function ({ apiClient }) { await apiClient.post("/bye", {}) }',
    },
  })
  await integrations.create({
    body: { key: 'open-desk', connectorKey: 'open-desk', meta: { appUrl: 'desk.example.com' } },
  })
})

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

test('the connection to the app at an address is made where there is none: at once, or with a page for a person', async () => {
  const client = await house.as('acme')
  const { connections } = client
  const ready = await connections.ensure({ body: { appUrl: 'https://www.desk.example.com/login', name: 'Our desk' } })
  expect(ready).toMatchObject({ name: 'Our desk', connected: true, state: 'READY' })
  expect(ready.clientAction).toBeUndefined()
  expect((await connections.ensure({ body: { appUrl: 'desk.example.com' } })).id).toBe(ready.id)

  const asked = await connections.ensure({ body: { appUrl: 'https://crm.com' } })
  expect(asked).toMatchObject({
    connected: false,
    state: 'CLIENT_ACTION_REQUIRED',
    clientAction: { type: 'connect', uiUrl: expect.stringMatching(/^http/) },
  })
  expect((await fetch(asked.clientAction?.uiUrl ?? '')).status).toBe(200)
  const given = await connections.patch({ params: { selector: asked.id }, body: { input: { apiKey: 'k' } } })
  expect(given).toMatchObject({ id: asked.id, connected: true })
  expect(await connections.ensure({ body: { appUrl: 'app.crm.io' } })).toMatchObject({ id: asked.id, state: 'READY' })
  expect(await refusalKey(connections.ensure({ body: { appUrl: 'https://nobody.example.org' } }))).toBe('not_found')
  expect(await refusalKey(connections.ensure({ body: { appUrl: 'https://' } }))).toBe('invalid_input')
})

test('access is given up by hand: the app is told, credentials are forgotten, and connecting again brings it back', async () => {
  const client = await house.as('globex')
  const made = await client.connections.ensure({ body: { appUrl: 'desk.example.com' } })
  const params = { selector: made.id }
  expect(await client.connections.disconnect({ params })).toBeUndefined()
  expect(app.received.map((each) => each.path)).toContain('/bye')
  const query = { includeSecrets: true }
  const left = await house.admin.connections.get({ params, query })
  expect(left).toMatchObject({ connected: false, disconnected: true, error: { key: 'connection_disconnected' } })
  expect([left.credentials, left.input]).toEqual([undefined, undefined])
  await client.connections.disconnect({ params })
  expect(app.received.filter((each) => each.path === '/bye')).toHaveLength(1)
  expect(await client.connections.refresh({ params })).toMatchObject({ id: made.id, disconnected: true })
  expect(await client.connections.dependencies({ params })).toMatchObject([
    { type: 'CONFIGURATION', elementType: 'integration', key: 'open-desk' },
  ])
  expect(await client.connections.patch({ params, body: { input: {} } })).toMatchObject({ connected: true })
  const told = await client.connections.export({ params })
  expect(told).toMatchObject({ uuid: made.uuid, name: made.name, integrationKey: 'open-desk' })
  expect(Object.keys(told)).not.toContain('credentials')
  expect(await house.admin.connections.export({ params, query })).toHaveProperty('credentials')
  expect(await refusalKey(client.connections.export({ params, query }))).toBe('access_denied')
  expect(await refusalKey((await house.as('acme')).connections.export({ params }))).toBe('not_found')
  expect(await refusalKey((await house.as('acme')).connections.disconnect({ params }))).toBe('not_found')
  await client.connections.archive({ params })
  expect(await refusalKey(client.connections.disconnect({ params }))).toBe('archived')
  await house.admin.customers.archive({ params: { selector: 'globex' } })
  const ofNobody = house.admin.connections.ensure({ body: { appUrl: 'desk.example.com', userId: 'globex' } })
  expect(await refusalKey(ofNobody)).toBe('archived')
})

test('every kind of element says what it hangs on, and is looked at again', async () => {
  const { flows, actions, integrations, appEventTypes, appEventSubscriptions, externalEventTypes } = house.admin
  const nodes = {
    t: { type: 'app-event-trigger', config: { appEvent: { key: 'order' } }, links: [{ key: 'make' }] },
    make: { type: 'create-data-record', config: { dataSource: { key: 'deals' }, fieldMapping: { key: 'deals' } } },
  }
  const type = await appEventTypes.create({ body: { key: 'order', name: 'Order', example: { id: 1 } } })
  const universal = await flows.create({ body: { key: 'My Flow', name: 'Mine', nodes } })
  const of = { params: { selector: 'My Flow' }, query: { integrationKey: 'crm' } }
  await flows.apply({ params: { selector: universal.id }, body: { integrationKeys: ['crm'] } })
  expect(await flows.dependencies(of)).toMatchObject([
    { type: 'PARENT', elementType: 'flow', key: 'My Flow', element: { id: universal.id } },
    { type: 'CONFIGURATION', elementType: 'integration', key: 'crm' },
    { elementType: 'app-event-type', key: 'order' },
    { elementType: 'data-source', key: 'deals' },
    { elementType: 'field-mapping', key: 'deals' },
  ])
  expect(await flows.refresh(of)).toMatchObject({ layer: 'integration', key: 'My Flow' })
  const action = await actions.create({
    body: { key: 'Find it', type: 'list-data-records', config: { dataSource: { key: 'deals' } } },
  })
  await actions.apply({ params: { selector: action.id }, body: { integrationKeys: ['crm'] } })
  const ofAction = { params: { selector: 'Find it' }, query: { integrationKey: 'crm' } }
  expect(await actions.dependencies(ofAction)).toMatchObject([
    { type: 'PARENT', elementType: 'action', element: { id: action.id } },
    { elementType: 'integration', key: 'crm' },
    { elementType: 'data-source', key: 'deals' },
  ])
  expect(await actions.refresh(ofAction)).toMatchObject({ key: 'Find it', layer: 'integration' })
  const crm = { params: { selector: 'crm' } }
  expect(await integrations.dependencies(crm)).toMatchObject([{ elementType: 'connector', key: 'crm' }])
  expect(await integrations.refresh(crm)).toMatchObject({ key: 'crm' })
  await integrations.putParameters({ ...crm, body: { a: 1, b: 'secret' } })
  await integrations.putParameters({ ...crm, body: { b: 'other' } })
  expect(await integrations.parameters(crm)).toEqual({ b: 'other' })
  const exported = await integrations.export(crm)
  expect(exported).toMatchObject({ key: 'crm', connectorKey: 'crm' })
  expect(JSON.stringify(exported)).not.toMatch('other')
  expect(await appEventTypes.refresh({ params: { selector: 'order' } })).toMatchObject({ id: type.id })
  expect(await appEventTypes.dependencies({ params: { selector: 'order' } })).toEqual([])

  const { client } = await connectApp(house, { customer: 'initech' })
  const stream = await client.appEventSubscriptions.createByQuery({ query: { appEventTypeKey: 'order' } })
  const params = { id: stream.id }
  for (const call of [
    () => appEventSubscriptions.put({ params, body: {} }),
    () => appEventSubscriptions.patch({ params, body: { schema: {} } }),
    () => client.appEventSubscriptions.refresh({ params }),
  ])
    expect(await call()).toMatchObject({ id: stream.id })
  expect(await client.appEventSubscriptions.getSchema({ params })).toMatchObject({ type: 'object' })
  expect(await client.appEventSubscriptions.dependencies({ params })).toMatchObject([
    { elementType: 'app-event-type', element: { id: type.id } },
  ])
  await client.appEventSubscriptions.archive({ params })
  for (const name of ['put', 'patch'] as const)
    expect(await refusalKey(client.appEventSubscriptions[name]({ params, body: {} }))).toBe('archived')

  const code = 'export default async function () {}'
  const functions = { subscribe: code, handle: code, unsubscribe: code }
  const wide = await externalEventTypes.create({ body: { key: 'Wide One', name: 'Wide', ...functions } })
  const narrow = await externalEventTypes.create({ body: { key: 'Wide One', integrationKey: 'crm' } })
  expect(narrow).toMatchObject({ isUniversal: false, universalParentId: wide.id })
  const ids = async (query: Parameters<typeof externalEventTypes.list>[0]) =>
    (await externalEventTypes.list(query)).items.map((each) => each.id)
  expect(await ids({ query: { isUniversal: true } })).toEqual([wide.id])
  expect(await ids({ query: { isUniversal: false } })).toEqual([narrow.id])
  expect(await ids({ query: { universalParentId: wide.id } })).toEqual([narrow.id])
})
