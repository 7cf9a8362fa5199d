import type { Permea } from '@permea/sdk'
import {
  addApp,
  buildHouse,
  connectApp,
  type House,
  type RecordApp,
  refusalKey,
  startRecordApp,
  ticketCollection,
  ticketModels,
} from '@permea/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'

let app: RecordApp
let house: House
let client: Permea
let connectionId: string

beforeEach(async () => {
  app = await startRecordApp()
  house = await buildHouse()
  await addApp(house, { url: app.url, data: { tickets: ticketCollection, ...others }, udm: ticketModels })
  const connected = await connectApp(house, { customer: 'acme', key: 'main' })
  client = connected.client
  connectionId = connected.connection.id
})

afterEach(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

const { run: listTickets } = ticketCollection.methods.list

/** Collections that are written in the other kinds of functions. */
const others = {
  _base: { name: 'Base', methods: { list: { run: listTickets } } },
  mixed: { name: 'Mixed', extends: [{ key: '_base' }], isHidden: true },
  asked: {
    name: 'Asked',
    methods: {
      list: {
        filterFields: ['status'],
        run: {
          type: 'graphql-api-mapping' as const,
          mapping: {
            path: '/graphql',
            operationType: 'query' as const,
            requestMapping: [
              {
                field: 'tickets',
                args: { status: { $var: '$.filter.status' } },
                subFields: [{ field: 'id' }, { field: 'subject' }],
              },
            ],
            responseMapping: { records: { $var: '$.response.data.tickets' } },
          },
        },
      },
      search: {
        run: {
          type: 'graphql-api-mapping' as const,
          mapping: { path: '/graphql', operationType: 'query' as const, requestMapping: [{ field: 'broken' }] },
        },
      },
    },
  },
  fixed: {
    name: 'Fixed',
    methods: { list: { run: { type: 'mapping' as const, mapping: { records: [{ no: 1, label: 'One' }] } } } },
    fieldsFromApi: {
      type: 'mapping' as const,
      mapping: { id: { $var: '$.fields.no' }, title: { $var: '$.fields.label' } },
    },
    spec: 'export default ({ spec }) => ({ ...spec, name: "Computed" })',
    customFieldsSchema: 'export default () => ({ properties: { extra: { type: "string" } } })',
  },
  bare: { name: 'Bare', methods: {} },
  // Names that begin so are not listed.
  _vague: {
    name: 'Vague',
    methods: {
      list: {
        filterFields: ['status'],
        run: {
          type: 'mapping' as const,
          mapping: {
            records: [
              { id: 1, name: null },
              {
                id: 2,
                fields: { a: 1 },
                name: null,
                uri: null,
                createdTime: null,
                updatedTime: { at: 1 },
                rawFields: 5,
              },
              { id: 3, fields: { a: 1 }, createdTime: '', createdById: 7, updatedTime: 1_700_000_000 },
            ],
            drilldowns: [{ parameters: 5, filter: { status: 'open' } }],
          },
        },
      },
    },
    spec: 'export default () => ({ name: 7, fieldsSchema: "none", methods: { list: { filterFields: "all" } } })',
  },
  _failing: { name: 'Failing', methods: {}, spec: 'export default ({ apiClient }) => apiClient.get("/tickets/none")' },
}

const at = (key: string) => ({ params: { connectionSelector: connectionId, key } })

test('collections are listed, and tell what can be done with them', async () => {
  const listed = await client.dataCollections.list({ params: { connectionSelector: connectionId } })
  expect(listed.map((each) => each.key)).toEqual(['tickets', 'mixed', 'asked', 'fixed', 'bare'])
  const spec = await client.dataCollections.get(at('tickets'))
  expect(spec).toMatchObject({
    type: 'collection',
    list: { filterFields: ['status'] },
    match: { fields: ['subject'] },
    update: { excludedFields: ['status'] },
    events: { created: { type: 'pull', isFullScan: true } },
  })
  const bare = await client.dataCollections.get(at('bare'))
  expect([bare.list, bare.create, bare.events]).toEqual([undefined, undefined, {}])
  const ofApp = { params: { integrationSelector: 'crm' } }
  expect(await client.dataCollections.listOfIntegration(ofApp)).toEqual(listed)
  const one = { params: { integrationSelector: 'crm', key: 'tickets' } }
  expect(await client.dataCollections.getOfIntegration(one)).toEqual(spec)
  expect(await house.admin.integrations.get({ params: { selector: 'crm' } })).toMatchObject({
    hasData: true,
    hasUdm: true,
  })
})

test('a connection’s own functions change what is told of a collection, and are asked anew when wanted', async () => {
  expect(await client.dataCollections.get(at('fixed'))).toMatchObject({
    name: 'Computed',
    fieldsSchema: { properties: { extra: { type: 'string' } } },
  })
  expect(await client.dataCollections.refresh(at('fixed'))).toMatchObject({ name: 'Computed' })
  expect(
    await client.dataCollections.getOfIntegration({ params: { integrationSelector: 'crm', key: 'fixed' } }),
  ).toMatchObject({
    name: 'Fixed',
  })
})

test('what an app does not know of a record is left out, and what a function makes of a spec that is none changes nothing', async () => {
  const { records, drilldowns } = await client.dataCollections.listRecords({ ...at('_vague'), body: {} })
  expect(records).toEqual([
    { id: '1', fields: { id: 1, name: null } },
    { id: '2', fields: { a: 1 } },
    { id: '3', fields: { a: 1 }, createdById: '7', updatedTime: '2023-11-14T22:13:20.000Z' },
  ])
  expect(drilldowns).toEqual([{ filter: { status: 'open' } }])
  const spec = await client.dataCollections.get(at('_vague'))
  expect([spec.name, spec.list]).toEqual(['Vague', { filterFields: ['status'] }])
  for (const ask of [client.dataCollections.get, client.dataCollections.refresh]) {
    expect(await refusalKey(ask(at('_failing')))).toBe('connection_failed')
  }
})

test('records are created, found, listed, searched, matched, changed and deleted', async () => {
  const { dataCollections } = client
  const fields = { subject: 'Lamp', body: 'It is dark', status: 'open', id: 'mine', createdAt: 'never' }
  const { id } = await dataCollections.createRecord({ ...at('tickets'), body: { fields } })
  expect(app.records.get('tickets')?.get(id)).toMatchObject({ subject: 'Lamp', id })
  const { record } = await dataCollections.findRecordById({ ...at('tickets'), body: { id, udm: 'tasks' } })
  expect(record).toMatchObject({ id, name: 'Lamp', unifiedFields: { content: 'It is dark' }, udm: 'tasks' })
  await app.create('tickets', { subject: 'Door', status: 'closed', queue: 'b' })
  const subjects = async (body: object, query = {}) =>
    (await dataCollections.listRecords({ ...at('tickets'), query, body })).records.map((each) => each.name)
  expect(await subjects({})).toEqual(['Lamp', 'Door'])
  expect(await subjects({ filter: { status: 'closed' } })).toEqual(['Door'])
  expect(await subjects({ filter: { subject: 'Lamp' } })).toEqual(['Lamp'])
  expect(await subjects({ unifiedFilter: { status: 'open' } })).toEqual(['Lamp'])
  expect(await subjects({}, { queue: 'b' })).toEqual(['Door'])
  expect(await subjects({ parameters: { queue: 'b' } }, { queue: 'a' })).toEqual(['Door'])
  app.pageSize = 1
  const first = await dataCollections.listRecords({ ...at('tickets'), body: {} })
  const second = await dataCollections.listRecords({ ...at('tickets'), body: { cursor: String(first.cursor) } })
  expect([first.records[0]?.name, second.records[0]?.name, second.cursor]).toEqual(['Lamp', 'Door', undefined])
  expect((await dataCollections.searchRecords({ ...at('tickets'), body: { query: 'lamp' } })).records).toHaveLength(1)
  const match = (subject: string) => dataCollections.matchRecord({ ...at('tickets'), body: { query: { subject } } })
  expect((await match('Lamp')).record?.id).toBe(id)
  expect(await match('Sofa')).toEqual({})
  const body = { id, fields: { subject: 'Bulb', status: 'closed' } }
  expect(await dataCollections.updateRecord({ ...at('tickets'), body })).toEqual({ id })
  expect(app.records.get('tickets')?.get(id)).toMatchObject({ subject: 'Bulb', status: 'open' })
  expect(await dataCollections.deleteRecord({ ...at('tickets'), body: { id } })).toEqual({})
  expect(await refusalKey(dataCollections.findRecordById({ ...at('tickets'), body: { id } }))).toBe('not_found')
})

test('functions of every kind make records', async () => {
  await app.create('tickets', { subject: 'Lamp', status: 'open' })
  const names = async (key: string, body = {}) =>
    (await client.dataCollections.listRecords({ ...at(key), body })).records.map(({ id, fields }) => [id, fields])
  expect(await names('asked', { filter: { status: 'open' } })).toMatchObject([['t1', { subject: 'Lamp' }]])
  expect(await names('asked', { filter: { status: 'gone' } })).toEqual([])
  expect(await names('mixed')).toMatchObject([['t1', { subject: 'Lamp' }]])
  expect(await names('fixed')).toEqual([['1', { id: 1, title: 'One' }]])
  const broken = client.dataCollections.searchRecords({ ...at('asked'), body: { query: 'x' } })
  await expect(broken).rejects.toThrow('there is no field broken')
})

/** Every method, called with what it needs. */
const methods = (key: string) => {
  const { dataCollections } = client
  return {
    list: () => dataCollections.listRecords({ ...at(key), body: {} }),
    search: () => dataCollections.searchRecords({ ...at(key), body: { query: 'x' } }),
    match: () => dataCollections.matchRecord({ ...at(key), body: { query: { subject: 'x' } } }),
    findById: () => dataCollections.findRecordById({ ...at(key), body: { id: 'x' } }),
    create: () => dataCollections.createRecord({ ...at(key), body: { fields: { subject: 'x' } } }),
    update: () => dataCollections.updateRecord({ ...at(key), body: { id: 'x', fields: { subject: 'x' } } }),
    delete: () => dataCollections.deleteRecord({ ...at(key), body: { id: 'x' } }),
  }
}

test('what is not there, not offered, refused by the app or archived is told apart', async () => {
  for (const [name, call] of Object.entries(methods('nowhere')))
    expect([name, await refusalKey(call())]).toEqual([name, 'not_found'])
  for (const [name, call] of Object.entries(methods('bare')))
    expect([name, await refusalKey(call())]).toEqual([name, 'not_supported'])
  for (const [name, call] of Object.entries(methods('tickets'))) {
    app.failNext({ status: 400 })
    expect([name, await refusalKey(call())]).toEqual([name, 'connection_failed'])
  }
  await client.connections.archive({ params: { selector: connectionId } })
  for (const [name, call] of Object.entries(methods('tickets')))
    expect([name, await refusalKey(call())]).toEqual([name, 'archived'])
})
