import {
  addApp,
  buildHouse,
  connectApp,
  refusalKey,
  startRecordApp,
  ticketCollection,
  ticketModels,
} from '@permea/testkit'
import { expect, test } from 'vitest'

test('records of a data source are those of the collection that the connection has for it', async () => {
  await using app = await startRecordApp()
  await using house = await buildHouse()
  const bare = { name: 'Bare', methods: {} }
  const failing = {
    name: 'Failing',
    methods: {},
    spec: 'export default ({ apiClient }) => apiClient.get("/tickets/none")',
  }
  await addApp(house, { url: app.url, data: { tickets: ticketCollection, bare, failing }, udm: ticketModels })
  await house.admin.dataSources.create({ body: { key: 'tickets', udm: 'tasks' } })
  await house.admin.dataSources.create({ body: { key: 'failing', collectionKey: 'failing' } })
  const { client, connection } = await connectApp(house, { customer: 'acme' })
  const query = { dataSourceKey: 'tickets', connectionId: connection.id, autoCreate: true } as const
  const records = client.dataSourceRecords
  expect(await records.collection({ query })).toMatchObject({ key: 'tickets', create: {} })
  expect(await refusalKey(records.collection({ query: { ...query, dataSourceKey: 'failing' } }))).toBe(
    'connection_failed',
  )
  const { id } = await records.createRecord({ query, body: { fields: { subject: 'Lamp', body: 'Dark' } } })
  const listed = await records.listRecords({ query, body: {} })
  expect(listed.records).toMatchObject([{ id, name: 'Lamp', unifiedFields: { content: 'Dark' } }])
  expect((await records.findRecordById({ query, body: { id } })).record).toMatchObject({ id })
  expect((await records.searchRecords({ query, body: { query: 'lamp' } })).records).toHaveLength(1)
  expect((await records.matchRecord({ query, body: { query: { subject: 'Lamp' } } })).record?.id).toBe(id)
  expect((await records.findRecords({ query, body: { query: { subject: 'Sofa' } } })).records).toEqual([])
  expect(await records.updateRecord({ query, body: { id, fields: { subject: 'Bulb' } } })).toEqual({ id })
  expect(await records.unifiedFieldsToNative({ query, body: { unifiedFields: { content: 'x' } } })).toEqual({
    body: 'x',
  })
  expect(await records.deleteRecord({ query, body: { id } })).toEqual({})

  const calls = {
    list: () => records.listRecords({ query, body: {} }),
    search: () => records.searchRecords({ query, body: { query: 'x' } }),
    match: () => records.matchRecord({ query, body: { query: { subject: 'x' } } }),
    find: () => records.findRecords({ query, body: {} }),
    findById: () => records.findRecordById({ query, body: { id: 'x' } }),
    create: () => records.createRecord({ query, body: { fields: {} } }),
    update: () => records.updateRecord({ query, body: { id: 'x', fields: {} } }),
    delete: () => records.deleteRecord({ query, body: { id: 'x' } }),
  }
  for (const [name, call] of Object.entries(calls)) {
    app.failNext({ status: 400 })
    expect([name, await refusalKey(call())]).toEqual([name, 'connection_failed'])
  }
  await client.dataSourceInstances.patch({ query, body: { collectionKey: 'bare' } })
  for (const [name, call] of Object.entries(calls))
    expect([name, await refusalKey(call())]).toEqual([name, 'not_supported'])
})

test('what nodes and actions take and put out follows from the collection, and from the mapping that is named', async () => {
  await using app = await startRecordApp()
  await using house = await buildHouse()
  const own = {
    ...ticketCollection,
    customFieldsSchema: 'export default () => ({ properties: { own: { type: "number" } } })',
  }
  await addApp(house, { url: app.url, data: { tickets: { ...own, customFields: true } }, udm: ticketModels })
  const { admin } = house
  await admin.dataSources.create({ body: { key: 'tickets', udm: 'tasks' } })
  await admin.fieldMappings.create({
    body: { key: 'tickets', dataSourceKey: 'tickets', defaultImportValue: { title: { $var: '$.name' } } },
  })
  const dataSource = { key: 'tickets' }
  const mapped = { dataSource, fieldMapping: { key: 'tickets', includeRawFields: true } }
  const integrationKey = 'crm'
  const { connection } = await connectApp(house, { customer: 'acme' })

  const list = await admin.actions.create({
    body: { key: 'list', type: 'list-data-records', integrationKey, config: mapped },
  })
  const shown = await admin.actions.get({ params: { selector: list.id } })
  expect(shown.outputSchema).toMatchObject({
    properties: {
      records: {
        items: {
          properties: {
            fields: { properties: { title: {} } },
            rawFields: { properties: { subject: { type: 'string' } } },
          },
        },
      },
    },
  })
  // What is said wins over what follows, and nothing of it is exported as if it had been written.
  await admin.actions.patch({ params: { selector: list.id }, body: { customOutputSchema: { type: 'array' } } })
  expect((await admin.actions.get({ params: { selector: list.id } })).outputSchema).toEqual({ type: 'array' })

  const nodes = {
    t: { type: 'data-record-updated-trigger', config: mapped, links: [{ key: 'all' }] },
    all: { type: 'list-data-records', config: { dataSource }, links: [{ key: 'put' }] },
    put: { type: 'update-data-record', config: { dataSource, id: 'x' }, links: [{ key: 'find' }] },
    find: { type: 'lookup-data-record', config: { dataSource, lookup: { query: {} } } },
  }
  const flow = await admin.flows.create({ body: { key: 'watch', integrationKey, nodes } })
  const params = { selector: flow.id }
  const schemas = await admin.flows.nodeSchemas({ params })
  expect(Object.keys(schemas)).toEqual(['t', 'all', 'put', 'find'])
  expect(schemas.t).toMatchObject({ outputSchema: { properties: { record: { properties: { fields: {} } } } } })
  expect(schemas.all?.inputSchema).toEqual({
    type: 'object',
    properties: { filter: { type: 'object', properties: { status: { type: 'string' } } } },
  })
  const written = schemas.put?.inputSchema as { properties: { fields: { properties: object } } } | undefined
  expect(Object.keys(written?.properties.fields.properties ?? {})).toEqual(['subject', 'body'])
  expect(schemas.find?.inputSchema).toMatchObject({ properties: { query: { properties: { subject: {} } } } })
  const withOwn = await admin.flows.nodeSchemas({ params, query: { connectionId: connection.id } })
  expect(withOwn.put?.inputSchema).toMatchObject({
    properties: { fields: { properties: { own: { type: 'number' } } } },
  })
  expect(await refusalKey(admin.flows.nodeSchemas({ params, query: { connectionId: 'con_no' } }))).toBe('not_found')
  // A universal flow is for apps that nobody knows yet.
  const universal = await admin.flows.create({ body: { key: 'any', nodes: { t: nodes.t } } })
  expect(await admin.flows.nodeSchemas({ params: { selector: universal.id } })).toMatchObject({
    t: { outputSchema: {} },
  })
})

test('a list that never ends, or is too much for one output, is read no further than it has to be', async () => {
  await using app = await startRecordApp()
  await using house = await buildHouse()
  const list = (code: string) => ({ name: 'L', methods: { list: { run: `export default ${code}` } } })
  const data = {
    circle: list(`({ cursor }) => ({ records: [{ id: cursor ?? 'first' }], cursor: cursor === 'a' ? 'b' : 'a' })`),
    wide: list(
      `({ cursor }) => ({ records: [{ id: cursor ?? '0', text: 'x'.repeat(3e6) }], cursor: String(Number(cursor ?? 0) + 1) })`,
    ),
    empty: list('() => undefined'),
  }
  await addApp(house, { url: app.url, data })
  const { client, connection } = await connectApp(house, { customer: 'acme' })
  const runOf = async (collectionKey: string) => {
    const nodes = {
      t: { type: 'api-trigger', links: [{ key: 'l' }] },
      l: { type: 'list-data-records', config: { dataSource: { collectionKey } } },
    }
    await house.admin.flows.create({ body: { key: collectionKey, nodes } })
    await client.flowInstances.getByQuery({
      query: { flowKey: collectionKey, connectionId: connection.id, autoCreate: true },
    })
    const query = { connectionId: connection.id }
    const { id } = await client.flows.run({ params: { selector: collectionKey }, query, body: {} })
    await house.settle()
    return house.admin.flowRuns.get({ params: { id } })
  }
  expect(await runOf('circle')).toMatchObject({ state: 'completed' })
  expect(await runOf('empty')).toMatchObject({ state: 'completed' })
  expect(await runOf('wide')).toMatchObject({ state: 'failed', errors: [{ key: 'too_many_records' }] })
})
