import {
  AppDataSchemaApiResponse,
  DataCollectionListResponse,
  DataCollectionSpec,
  DataLinkTableApiResponse,
  DataSourceApiResponse,
  FieldMappingApiResponse,
  MembraneClient,
} from '@membranehq/sdk'
import {
  addApp,
  buildHouse,
  connectApp,
  type House,
  type RecordApp,
  startRecordApp,
  ticketCollection,
  ticketModels,
} from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

// What the published JavaScript client does with data, pointed at this engine: nothing but its `apiUri` is changed. Its own
// shapes say whether an answer fits.

let desk: RecordApp
let house: House
let admin: MembraneClient
let customer: MembraneClient
let connectionId: string

beforeAll(async () => {
  desk = await startRecordApp()
  house = await buildHouse({ clock: 'settable' })
  await addApp(house, { url: desk.url, data: { tickets: ticketCollection }, udm: ticketModels })
  connectionId = (await connectApp(house, { customer: 'acme' })).connection.id
  const clientOf = async (claims: Record<string, unknown>) =>
    new MembraneClient({ token: await house.tokenOf(claims), apiUri: house.url })
  admin = await clientOf({ isAdmin: true })
  customer = await clientOf({ id: 'acme' })
})

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await desk[Symbol.asyncDispose]()
})

function fitting<T>(shape: { parse(value: unknown): T }, answer: unknown): T {
  return shape.parse(answer)
}

test('collections of an integration and of a connection, and every method of their records', async () => {
  const items = await admin.integration('crm').getDataCollections()
  expect(items).toMatchObject([{ key: 'tickets', name: 'Tickets', type: 'collection' }])
  const spec = fitting(DataCollectionSpec, await admin.integration('crm').getDataCollection('tickets'))
  expect(spec).toMatchObject({ list: { filterFields: ['status'] }, create: {}, delete: {} })

  const tickets = customer.connection(connectionId).dataCollection('tickets', {})
  expect(fitting(DataCollectionSpec, await tickets.get())).toMatchObject({ name: 'Tickets' })
  const { id } = await tickets.create({ fields: { subject: 'Lamp', body: 'Dark' } })
  expect((await tickets.findById({ id })).record).toMatchObject({ id, name: 'Lamp' })
  expect(await tickets.update({ id, fields: { subject: 'Bulb' } })).toEqual({ id })
  expect((await tickets.match({ query: { subject: 'Bulb' } })).record).toMatchObject({ id })
  expect((await tickets.search({ query: 'bulb' })).records).toHaveLength(1)
  desk.pageSize = 1
  await tickets.create({ fields: { subject: 'Sofa' } })
  const page = fitting(DataCollectionListResponse, await tickets.list())
  const next = await tickets.list({ cursor: page.cursor })
  expect([...page.records, ...next.records].map((each) => each.name)).toEqual(['Bulb', 'Sofa'])
  await tickets.delete({ id })
  expect([...(desk.records.get('tickets')?.values() ?? [])].map((each) => each.subject)).toEqual(['Sofa'])
  desk.pageSize = 100
})

test('data sources in their three layers, and the records that they lead to', async () => {
  const made = fitting(
    DataSourceApiResponse,
    await admin.dataSources.create({ key: 'tickets', name: 'Tickets', udm: 'tasks' }),
  )
  expect((await admin.dataSources.find({ isUniversal: true } as never)).items.map((each) => each.id)).toEqual([made.id])
  const universal = admin.dataSource('tickets')
  expect(await universal.patch({ fullSyncIntervalSeconds: 120 })).toMatchObject({ fullSyncIntervalSeconds: 120 })
  await universal.setup()
  const ofCrm = await admin.integration('crm').dataSources.create({ key: 'tickets', collectionKey: 'tickets' })
  expect(fitting(DataSourceApiResponse, ofCrm)).toMatchObject({ udm: 'tasks', universalDataSourceId: made.id })
  expect(await admin.integration('crm').dataSource('tickets').patch({ name: 'Of crm' })).toMatchObject({
    name: 'Of crm',
  })
  expect((await admin.integration('crm').dataSources.list()).items).toHaveLength(1)
  expect(await admin.dataSource({ key: 'tickets', integrationKey: 'crm' }).get()).toMatchObject({ id: ofCrm.id })

  const mine = customer.dataSourceInstance({ dataSourceKey: 'tickets', connectionId, autoCreate: true } as never)
  const instance = fitting(DataSourceApiResponse, await mine.get())
  expect(instance).toMatchObject({ connectionId, collectionKey: 'tickets' })
  expect((await customer.dataSourceInstances.find({ connectionId } as never)).items).toHaveLength(1)
  expect(await customer.connection(connectionId).dataSource('tickets').get()).toMatchObject({ id: instance.id })
  expect(fitting(DataCollectionSpec, await mine.getCollection())).toMatchObject({ key: 'tickets' })
  const { id } = await mine.createRecord({ fields: { subject: 'Desk', body: 'Wood' } })
  expect((await mine.findRecordById(id)).record).toMatchObject({ id, name: 'Desk' })
  expect((await mine.listRecords()).records.map((each) => each.name)).toContain('Desk')
  expect((await mine.searchRecords({ query: 'desk' })).records).toHaveLength(1)
  expect((await mine.matchRecord({ query: { subject: 'Desk' } })).record).toMatchObject({ id })
  expect((await mine.findRecords({ query: { subject: 'Nobody' } })).records).toEqual([])
  expect(await mine.updateRecord({ id, fields: { subject: 'Table' } })).toEqual({ id })
  expect(await mine.unifiedFieldsToNative({ content: 'x' })).toEqual({ body: 'x' })
  await mine.deleteRecord(id)
  expect(await mine.patch({ collectionParameters: { queue: 'b' } } as never)).toMatchObject({ isCustomized: true })
  await mine.setup()
  await mine.reset()
  expect(await mine.get()).toMatchObject({ isCustomized: false })
  await mine.archive()
  expect(await mine.restore()).toMatchObject({ id: instance.id })
})

test('field mappings in their three layers', async () => {
  const values = {
    defaultImportValue: { title: { $var: '$.subject' } },
    defaultExportValue: { subject: { $var: '$.title' } },
  }
  const body = { key: 'tickets', name: 'Tickets', dataSourceKey: 'tickets', direction: 'both', ...values }
  const made = fitting(FieldMappingApiResponse, await admin.fieldMappings.create(body as never))
  expect((await admin.fieldMappings.find()).items.map((each) => each.id)).toContain(made.id)
  const appSchema = { type: 'object', properties: { title: { type: 'string' } } }
  await admin.fieldMapping('tickets').patch({ appSchema })
  expect(await admin.fieldMapping('tickets').getAppSchema()).toEqual(appSchema)
  await admin.fieldMapping('tickets').setup()
  const ofCrm = await admin.integration('crm').fieldMappings.create({ key: 'tickets' } as never)
  expect(fitting(FieldMappingApiResponse, ofCrm)).toMatchObject({
    universalFieldMappingId: made.id,
    // Composed of the defaults and of how the app's collection stands for the model.
    importValue: { title: { $var: '$.subject' } },
    isCustomized: false,
  })
  await admin
    .integration('crm')
    .fieldMapping('tickets')
    .patch({ importValue: { title: 'fixed' } })
  expect(await admin.fieldMapping({ key: 'tickets', integrationKey: 'crm' }).reset()).toMatchObject({
    isCustomized: false,
  })

  const mine = customer.fieldMappingInstance({ fieldMappingKey: 'tickets', connectionId, autoCreate: true } as never)
  const instance = fitting(FieldMappingApiResponse, await mine.get())
  expect(instance).toMatchObject({ connectionId, direction: 'both' })
  expect((await customer.fieldMappingInstances.find({ connectionId } as never)).items).toHaveLength(1)
  expect(await customer.connection(connectionId).fieldMapping('tickets').get()).toMatchObject({ id: instance.id })
  expect(await mine.patch({ importValue: { title: { $var: '$.body' } } })).toMatchObject({ isCustomized: true })
  await mine.setup()
  await mine.reset()
  expect(await mine.get()).toMatchObject({ isCustomized: false })
})

test('app data schemas, and data link tables with their links', async () => {
  const schema = { type: 'object', properties: { id: { type: 'string' } } }
  const made = await admin.appDataSchemas.create({ key: 'order', name: 'Order', schema } as never)
  expect((await admin.appDataSchemas.find()).items.map((each) => each.id)).toEqual([made.id])
  expect(await admin.appDataSchema('order').patch({ description: 'Of orders' } as never)).toMatchObject({ schema })
  const selector = { appDataSchemaKey: 'order', autoCreate: true } as never
  const instance = fitting(AppDataSchemaApiResponse, await customer.appDataSchemaInstance(selector).get())
  await customer.appDataSchemaInstance(selector).setup()
  expect((await customer.appDataSchemaInstances.find()).items.map((each) => each.id)).toEqual([instance.id])

  const table = await admin.dataLinkTables.create({ key: 'users', name: 'Users' } as never)
  expect((await admin.dataLinkTables.find()).items.map((each) => each.id)).toEqual([table.id])
  expect(await admin.dataLinkTable('users').get()).toMatchObject({ id: table.id })
  const links = customer.dataLinkTableInstance({ dataLinkTableKey: 'users', connectionId, autoCreate: true } as never)
  fitting(DataLinkTableApiResponse, await links.get())
  expect((await customer.dataLinkTableInstances.find({ connectionId } as never)).items).toHaveLength(1)
  await links.createLink({ externalRecordId: 'e1', appRecordId: 'a1', direction: 'both' } as never)
  expect((await links.findLinks()).items).toHaveLength(2)
  await links.deleteLink({ externalRecordId: 'e1', appRecordId: 'a1', direction: 'import' } as never)
  expect((await links.findLinks({ direction: 'export' } as never)).items).toMatchObject([{ appRecordId: 'a1' }])
})

test('a subscription of a flow looks for events when it is asked to', async () => {
  const nodes = {
    t: { type: 'data-record-created-trigger', config: { dataSource: { key: 'tickets' } }, links: [{ key: 'keep' }] },
    keep: { type: 'transform-data', config: { output: { $var: '$.input.t.record.id' } } },
  }
  await admin.flows.create({ key: 'watch', name: 'Watch', nodes } as never)
  await customer.flowInstance({ flowKey: 'watch', connectionId, autoCreate: true } as never).get()
  await house.settle()
  const [subscription] = (await customer.externalEventSubscriptions().find()).items
  await desk.create('tickets', { subject: 'New' })
  await customer.externalEventSubscription(subscription?.id ?? '').pullEvents()
  await house.settle()
  const [run] = (await customer.flowRuns.find({})).items
  expect(run).toMatchObject({ state: 'completed' })
})
