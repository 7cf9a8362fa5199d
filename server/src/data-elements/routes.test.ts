import type { Permea } from '@permea/sdk'
import { addApp, buildHouse, connectApp, type House, type Receiver, refusalKey, startReceiver } from '@permea/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

let app: Receiver
let house: House
let client: Permea
let connectionId: string

beforeEach(async () => {
  app = await startReceiver()
  house = await buildHouse()
  await addApp(house, { url: app.url })
  const connected = await connectApp(house, { customer: 'acme', key: 'main' })
  client = connected.client
  connectionId = connected.connection.id
})

afterEach(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

// Every kind has the same endpoints; what is particular is added below.
type Calls = Record<string, (input: Record<string, unknown>) => Promise<Record<string, unknown>>>
const groups = (permea: Permea, definitions: string, instances: string) => {
  const all = permea as unknown as Record<string, Calls>
  return { definitions: all[definitions] as Calls, instances: all[instances] as Calls }
}
const call = (calls: Calls, name: string, input: Record<string, unknown>) => {
  const found = calls[name]
  if (found === undefined) throw new Error(`there is no call ${name}`)
  return found(input)
}

const KINDS = [
  {
    definitions: 'dataSources',
    instances: 'dataSourceInstances',
    keyName: 'dataSourceKey',
    content: { udm: 'tasks' },
    changed: { udm: 'deals' },
  },
  {
    definitions: 'fieldMappings',
    instances: 'fieldMappingInstances',
    keyName: 'fieldMappingKey',
    content: { direction: 'both' },
    changed: { direction: 'import' },
  },
  {
    definitions: 'appDataSchemas',
    instances: 'appDataSchemaInstances',
    keyName: 'appDataSchemaKey',
    content: { schema: { type: 'object' } },
    changed: { schema: { type: 'array' } },
  },
  {
    definitions: 'dataLinkTables',
    instances: 'dataLinkTableInstances',
    keyName: 'dataLinkTableKey',
    content: {},
    changed: {},
  },
] as const

describe.each(KINDS)('$definitions', ({ definitions, instances, keyName, content, changed }) => {
  const admin = () => groups(house.admin, definitions, instances).definitions
  const own = () => groups(client, definitions, instances).instances
  const one = { params: { selector: 'My Tickets' } }
  const byQuery = { query: { key: 'My Tickets' } }

  test('are created, found in every way, changed, copied, archived and restored', async () => {
    const created = await call(admin(), 'create', { body: { key: 'My Tickets', name: 'Mine', ...content } })
    expect(created).toMatchObject({
      key: 'My Tickets',
      layer: 'universal',
      isUniversal: true,
      state: 'READY',
      ...content,
    })
    for (const found of [
      await call(admin(), 'get', one),
      await call(admin(), 'get', { params: { selector: String(created.uuid) } }),
      await call(admin(), 'getByQuery', { query: { id: String(created.id) } }),
      await call(admin(), 'getByQuery', byQuery),
      await call(admin(), 'refresh', one),
      await call(admin(), 'setup', one),
      await call(admin(), 'setupByQuery', byQuery),
    ])
      expect(found).toEqual(created)
    expect((await call(admin(), 'list', { query: { isUniversal: true } })).items).toEqual([created])
    expect((await call(admin(), 'list', { query: { search: 'other' } })).items).toEqual([])
    for (const name of ['put', 'patch'])
      expect(await call(admin(), name, { ...one, body: { name, ...changed } })).toMatchObject({ name, ...changed })
    for (const name of ['putByQuery', 'patchByQuery'])
      expect(await call(admin(), name, { ...byQuery, body: { name, ...content } })).toMatchObject({ name, ...content })
    expect(await call(admin(), 'dependencies', one)).toEqual([])
    expect(await call(admin(), 'export', one)).toMatchObject({ key: 'My Tickets', uuid: created.uuid, ...content })
    expect((await call(admin(), 'clone', one)).key).not.toBe('My Tickets')
    expect(await refusalKey(call(admin(), 'create', { body: { key: 'My Tickets' } }))).toBe('already_exists')
    await call(admin(), 'archive', one)
    for (const name of ['put', 'patch'])
      expect(await refusalKey(call(admin(), name, { ...one, body: { name } }))).toBe('archived')
    for (const name of ['putByQuery', 'patchByQuery'])
      expect(await refusalKey(call(admin(), name, { ...byQuery, body: { name } }))).toBe('archived')
    expect((await call(admin(), 'restore', one)).archivedAt).toBeUndefined()
    await call(admin(), 'archiveByQuery', byQuery)
    expect((await call(admin(), 'restoreByQuery', byQuery)).archivedAt).toBeUndefined()
  })

  test('instances are made when asked for, follow their definition, and go their own way', async () => {
    await call(admin(), 'create', { body: { key: 'tickets', ...content } })
    const query = { [keyName]: 'tickets', connectionId, instanceKey: 'one' }
    expect(await refusalKey(call(own(), 'get', { query }))).toBe('not_found')
    const made = await call(own(), 'get', { query: { ...query, autoCreate: true } })
    expect(made).toMatchObject({ layer: 'connection', instanceKey: 'one', isCustomized: false, ...content })
    expect(await call(own(), 'get', { query: { ...query, autoCreate: true } })).toEqual(made)
    expect(await call(own(), 'getById', { params: { id: String(made.id) } })).toEqual(made)
    expect(await call(own(), 'setupById', { params: { id: String(made.id) } })).toEqual(made)
    expect(await call(own(), 'setup', { query })).toEqual(made)
    expect((await call(own(), 'list', { query: { [keyName]: 'tickets' } })).items).toEqual([made])
    const isOther = Object.keys(changed).length > 0
    for (const name of ['put', 'patch']) {
      expect(await call(own(), name, { query, body: { ...changed } })).toMatchObject({
        isCustomized: isOther,
        ...changed,
      })
      expect(await call(own(), 'reset', { query })).toMatchObject({ isCustomized: false, ...content })
    }
    expect(await call(own(), 'resetById', { params: { id: String(made.id) } })).toMatchObject({ id: made.id })
    expect(await refusalKey(call(own(), 'create', { query, body: {} }))).toBe('already_exists')
    await call(own(), 'archive', { query })
    const byId = { query: { id: String(made.id) } }
    for (const name of ['put', 'patch', 'reset'])
      expect(await refusalKey(call(own(), name, { ...byId, body: {} }))).toBe('archived')
    expect(await refusalKey(call(own(), 'resetById', { params: { id: String(made.id) } }))).toBe('archived')
    expect(await call(own(), 'restore', { query })).toMatchObject({ id: made.id })
    expect(await call(own(), 'create', { query: { ...query, instanceKey: 'two' }, body: {} })).toMatchObject({
      instanceKey: 'two',
    })
    const other = groups(await house.as('other'), definitions, instances).instances
    expect(await refusalKey(call(other, 'get', byId))).toBe('not_found')
    expect((await call(other, 'list', {})).items).toEqual([])
  })
})

describe.each(KINDS.slice(0, 2))(
  '$definitions of integrations and connections',
  ({ definitions, instances, content, changed }) => {
    const admin = () => groups(house.admin, definitions, instances).definitions
    const own = () => groups(client, definitions, instances).instances
    const params = { integrationSelector: 'crm', selector: 'tickets' }
    const ofConnection = () => ({ params: { connectionSelector: connectionId, selector: 'tickets' } })

    test('an integration’s follows the universal one until it says something else', async () => {
      const universal = await call(admin(), 'create', { body: { key: 'tickets', ...content } })
      const [applied] = (await call(admin(), 'apply', {
        params: { selector: 'tickets' },
        body: { integrationKeys: ['crm'] },
      })) as unknown as Record<string, unknown>[]
      expect(applied).toMatchObject({ integrationKey: 'crm', parentId: universal.id, isCustomized: false, ...content })
      expect(await call(admin(), 'getOfIntegration', { params })).toEqual(applied)
      expect((await call(admin(), 'listOfIntegration', { params: { integrationSelector: 'crm' } })).items).toEqual([
        applied,
      ])
      for (const name of ['putOfIntegration', 'patchOfIntegration']) {
        expect(await call(admin(), name, { params, body: changed })).toMatchObject({ isCustomized: true, ...changed })
        expect(await call(admin(), 'resetOfIntegration', { params })).toMatchObject({ isCustomized: false, ...content })
      }
      const dotted = { params: { selector: 'crm.tickets' } }
      expect(await call(admin(), 'reset', dotted)).toMatchObject({ id: applied?.id })
      expect(await call(admin(), 'resetByQuery', { query: { key: 'tickets', integrationKey: 'crm' } })).toMatchObject({
        id: applied?.id,
      })
      expect(await call(admin(), 'dependencies', dotted)).toMatchObject([
        { type: 'PARENT', element: { id: universal.id } },
      ])
      await call(admin(), 'patch', { params: { selector: 'tickets' }, body: changed })
      expect(await call(admin(), 'getOfIntegration', { params })).toMatchObject(changed)
      const body = { key: 'tickets' }
      expect(
        await refusalKey(call(admin(), 'createOfIntegration', { params: { integrationSelector: 'crm' }, body })),
      ).toBe('already_exists')
      await call(admin(), 'archiveOfIntegration', { params })
      for (const name of ['putOfIntegration', 'patchOfIntegration', 'resetOfIntegration']) {
        expect(await refusalKey(call(admin(), name, { params, body: {} }))).toBe('not_found')
        const byId = { integrationSelector: 'crm', selector: String(applied?.id) }
        expect(await refusalKey(call(admin(), name, { params: byId, body: {} }))).toBe('archived')
      }
      expect(
        await call(admin(), 'createOfIntegration', {
          params: { integrationSelector: 'crm' },
          body: { key: 'alone', ...content },
        }),
      ).toMatchObject({ layer: 'integration' })
    })

    test('a connection has the narrowest, and its own when it asks', async () => {
      await call(admin(), 'create', { body: { key: 'tickets', ...content } })
      expect(await call(own(), 'getOfConnection', ofConnection())).toMatchObject({ layer: 'universal' })
      const made = await call(own(), 'getOfConnection', { ...ofConnection(), query: { autoCreate: true } })
      expect(made).toMatchObject({ layer: 'connection', connectionId })
      expect((await call(own(), 'listOfConnection', { params: { connectionSelector: connectionId } })).items).toEqual([
        made,
      ])
      for (const name of ['putOfConnection', 'patchOfConnection']) {
        expect(await call(own(), name, { ...ofConnection(), body: changed })).toMatchObject(changed)
        expect(await call(own(), 'resetOfConnection', ofConnection())).toMatchObject(content)
      }
      expect(await call(own(), 'setupOfConnection', ofConnection())).toMatchObject({ id: made.id })
      const byId = { params: { connectionSelector: connectionId, selector: String(made.id) } }
      await call(own(), 'archiveOfConnection', ofConnection())
      for (const name of ['putOfConnection', 'patchOfConnection'])
        expect(await refusalKey(call(own(), name, { ...byId, body: changed }))).toBe('archived')
      expect(await call(own(), 'getOfConnection', ofConnection())).toMatchObject({ layer: 'universal' })
    })

    test('what is archived is not reset, applied or changed', async () => {
      const { id } = await call(admin(), 'create', { body: { key: 'tickets', ...content } })
      await call(admin(), 'archive', { params: { selector: String(id) } })
      const selector = { params: { selector: String(id) } }
      expect(await refusalKey(call(admin(), 'reset', selector))).toBe('archived')
      expect(await refusalKey(call(admin(), 'resetByQuery', { query: { id: String(id) } }))).toBe('archived')
      expect(await refusalKey(call(admin(), 'apply', { ...selector, body: { integrationKeys: ['crm'] } }))).toBe(
        'archived',
      )
    })
  },
)

test('links lead from record to record, and a link that is made again is the newest', async () => {
  const { dataLinkTables: admin } = house.admin
  await admin.create({ body: { key: 'tickets', name: 'Tickets' } })
  const { dataLinkTables, dataLinkTableInstances } = client
  const query = { dataLinkTableKey: 'tickets', connectionId, autoCreate: true } as const
  const link = { externalRecordId: 'ext-1', appRecordId: 'app-1', direction: 'both' } as const
  await dataLinkTableInstances.createLink({ query, body: link })
  await dataLinkTableInstances.createLink({ query, body: { ...link, direction: 'import' } })
  const { items } = await dataLinkTableInstances.links({ query })
  expect(items.map((each) => each.direction).toSorted()).toEqual(['export', 'import'])
  const place = { params: { selector: 'tickets' }, query: { connectionId } }
  await dataLinkTables.deleteLink({ ...place, body: { direction: 'import' } })
  expect((await dataLinkTables.links({ ...place, query: { connectionId, appRecordId: 'app-1' } })).items).toHaveLength(
    1,
  )
  await dataLinkTables.createLink({ ...place, body: link })
  await dataLinkTableInstances.deleteLink({ query, body: { externalRecordId: 'ext-1' } })
  expect((await dataLinkTables.links(place)).items).toEqual([])
})

test('a field mapping names its data source, tells its schema, and maps', async () => {
  const { dataSources, fieldMappings } = house.admin
  const source = await dataSources.create({ body: { key: 'tickets' } })
  const appSchema = { type: 'object', properties: { title: { type: 'string' } } }
  const importValue = { title: { $var: '$.subject' } }
  const body = {
    key: 'tickets',
    dataSourceKey: 'tickets',
    appSchema,
    importValue,
    exportValue: { subject: { $var: '$.title' } },
  }
  await fieldMappings.create({ body })
  const selector = { params: { selector: 'tickets' } }
  expect(await fieldMappings.dependencies(selector)).toMatchObject([
    { type: 'CONFIGURATION', element: { id: source.id } },
  ])
  expect(await fieldMappings.appSchema(selector)).toEqual(appSchema)
  const { fieldMappingInstances } = client
  const { id } = await fieldMappingInstances.get({
    query: { fieldMappingKey: 'tickets', connectionId, autoCreate: true },
  })
  const input = { subject: 'Lamp' }
  expect(await fieldMappingInstances.run({ params: { id }, body: { input } })).toEqual({ output: { title: 'Lamp' } })
  const back = { direction: 'export', input: { title: 'Lamp' } } as const
  expect(await fieldMappingInstances.run({ params: { id }, body: back })).toEqual({ output: input })
  expect(await fieldMappings.run({ ...selector, body: { input } })).toEqual({ output: { title: 'Lamp' } })
  expect(await fieldMappings.run({ ...selector, body: back })).toEqual({ output: input })
  expect(await refusalKey(fieldMappings.run({ params: { selector: 'nobody' }, body: {} }))).toBe('not_found')
  // Of the model's defaults what they come to in fields of the app.
  await fieldMappings.create({
    body: { key: 'modelled', dataSourceKey: 'tickets', defaultImportValue: { what: { $var: '$.name' } } },
  })
  const modelled = { params: { selector: 'modelled' }, body: { input: { name: 'Lamp' } } }
  expect(await fieldMappings.run(modelled)).toEqual({ output: { what: 'Lamp' } })
})
