import type { Permea } from '@permea/sdk'
import { createPermea, PermeaError } from '@permea/sdk'
import {
  addApp,
  addWorkspace,
  answering,
  buildHouse,
  connectApp,
  type House,
  type Receiver,
  refusalKey,
  startReceiver,
} from '@permea/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../platform/clock.ts'

let app: Receiver
let house: House
let client: Permea
let connectionId: string

beforeEach(async () => {
  app = await startReceiver()
  app.behave(answering(200, { id: 7 }))
  house = await buildHouse()
  await addApp(house, {
    url: app.url,
    operations: { add: { name: 'Add', run: 'export default ({ input }) => input.a + 1' } },
  })
  const connected = await connectApp(house, { customer: 'acme', key: 'main' })
  client = connected.client
  connectionId = connected.connection.id
})

afterEach(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

const request = { request: { path: '/notes', method: 'POST', body: { $var: '$.input' } } }
const note = { key: 'note', name: 'Note', type: 'api-request-to-external-app', config: request }
const code = (source: string) => ({ type: 'run-javascript', config: { code: source } })

const addIntegration = (key: string) => house.admin.integrations.create({ body: { key, connectorKey: 'crm' } })

/** The key that each call is refused with. */
async function keysOf(calls: Record<string, Promise<unknown>>): Promise<Record<string, string | undefined>> {
  const keys = Object.entries(calls).map(async ([name, call]) => [
    name,
    await refusalKey(call).catch((error: Error) => error.message),
  ])
  return Object.fromEntries(await Promise.all(keys))
}

function all(calls: object, key: string): Record<string, string> {
  return Object.fromEntries(Object.keys(calls).map((name) => [name, key]))
}

/** The same action under two integrations: its key alone is not enough. */
async function ambiguous() {
  await addIntegration('other')
  for (const integrationKey of ['crm', 'other'])
    await house.admin.actions.create({ body: { ...note, key: 'twice', integrationKey } })
}

describe('an action', () => {
  test('is made, found in every way, changed, archived, restored, copied and exported', async () => {
    const { actions } = house.admin
    const made = await actions.create({ body: { ...note, meta: { by: 'me' } } })
    expect(made).toMatchObject({ layer: 'universal', isUniversal: true, isCustomized: false, state: 'READY' })
    const byKey = { query: { key: 'note' } }
    expect(await actions.get({ params: { selector: 'note' } })).toMatchObject({ id: made.id })
    expect(await client.actions.getByQuery(byKey)).toMatchObject({ id: made.id })
    expect(await client.actions.get({ params: { selector: made.id } })).toMatchObject({ id: made.id })
    const put = await actions.put({ params: { selector: 'note' }, body: { description: 'A note', config: request } })
    expect(put).toMatchObject({ description: 'A note', meta: { by: 'me' } })
    expect(put.revision).not.toBe(made.revision)
    expect(await actions.patch({ params: { selector: 'note' }, body: { inputSchema: true } })).toMatchObject({
      inputSchema: true,
    })
    expect(await actions.putByQuery({ ...byKey, body: { inputSchema: null } })).not.toHaveProperty('inputSchema')
    expect(await actions.patchByQuery({ ...byKey, body: { name: 'Take a note' } })).toMatchObject({
      name: 'Take a note',
    })
    expect(await actions.export({ params: { selector: 'note' } })).toEqual({
      uuid: made.uuid,
      key: 'note',
      name: 'Take a note',
      description: 'A note',
      meta: { by: 'me' },
      type: 'api-request-to-external-app',
      config: request,
    })
    const copy = await actions.clone({ params: { selector: 'note' } })
    expect(copy).toMatchObject({
      name: 'Take a note (copy)',
      config: request,
      key: expect.stringMatching(/^note-copy-/),
    })

    await actions.archive({ params: { selector: made.id } })
    expect((await actions.list({ query: { search: 'take a note' } })).items).toMatchObject([{ id: copy.id }])
    expect(await actions.restore({ params: { selector: made.id } })).not.toHaveProperty('archivedAt')
    await actions.archiveByQuery({ query: { id: made.id } })
    expect(await actions.restoreByQuery({ query: { id: made.id } })).toMatchObject({ key: 'note' })
    // Without a parent there is nothing to go back to.
    expect(await actions.reset({ params: { selector: 'note' } })).toMatchObject({ name: 'Take a note' })
    expect(await actions.resetByQuery(byKey)).toMatchObject({ name: 'Take a note' })
  })

  test('is listed by layer, integration, parent and what it does; a customer sees the definitions too', async () => {
    const { actions } = house.admin
    const universal = await actions.create({ body: { ...note, description: 'Writes a note into the CRM' } })
    const params = { selector: 'note' }
    const [applied] = await actions.apply({ params, body: { integrationKeys: ['crm', 'crm'] } })
    expect(applied).toMatchObject({
      parentId: universal.id,
      integrationKey: 'crm',
      isCustomized: false,
      universalParentId: universal.id,
    })
    const own = await client.actionInstances.putOfConnection({
      params: { connectionSelector: 'main', ...params },
      body: {},
    })
    const ids = async (query: NonNullable<Parameters<typeof actions.list>[0]>['query']) =>
      (await client.actions.list({ query })).items.map((action) => action.id)
    expect(await ids({})).toEqual([applied?.id, universal.id])
    expect(await ids({ layer: 'universal' })).toEqual([universal.id])
    expect(await ids({ isUniversal: true })).toEqual([universal.id])
    expect(await ids({ isUniversal: false })).toEqual([applied?.id])
    expect(await ids({ integrationKey: 'crm' })).toEqual([applied?.id])
    expect(await ids({ layer: 'connection' })).toEqual([own.id])
    expect(await ids({ parentId: universal.id })).toEqual([applied?.id])
    expect(await ids({ layer: 'connection', universalParentId: universal.id })).toEqual([own.id])
    expect(await ids({ intent: 'write notes' })).toEqual([applied?.id, universal.id])
    expect(await ids({ connectionKey: 'main' })).toEqual([own.id])
    expect(await ids({ layer: 'connection', userId: 'acme' })).toEqual([own.id])
    const firstPage = await client.actions.list({ query: { limit: 1 } })
    expect(await ids({ limit: 1, cursor: firstPage.cursor })).toEqual([universal.id])
    const stranger = await house.as('stranger')
    expect((await stranger.actions.list({ query: { layer: 'connection' } })).items).toEqual([])
    expect(await refusalKey(stranger.actions.list({ query: { userId: 'acme' } }))).toBe('not_found')
    expect(await refusalKey(stranger.actions.get({ params: { selector: own.id } }))).toBe('not_found')
  })

  test('of an integration has the routes of the integration', async () => {
    const { actions } = house.admin
    const ofCrm = { integrationSelector: 'crm' }
    const params = { ...ofCrm, selector: 'note' }
    const parent = await actions.create({ body: note })
    // It has the key of a wider one, and so follows it.
    const made = await actions.createOfIntegration({ params: ofCrm, body: { key: 'note' } })
    expect(made).toMatchObject({ parentId: parent.id, type: note.type, isCustomized: false })
    expect((await actions.listOfIntegration({ params: ofCrm })).items).toMatchObject([{ id: made.id }])
    expect(await client.actions.getOfIntegration({ params })).toMatchObject({ id: made.id })
    expect(await actions.putOfIntegration({ params, body: { name: 'Own' } })).toMatchObject({ isCustomized: true })
    expect(await actions.patchOfIntegration({ params, body: { description: 'Own' } })).toMatchObject({ name: 'Own' })
    expect(await actions.resetOfIntegration({ params })).toMatchObject({ name: 'Note', isCustomized: false })
    await actions.archiveOfIntegration({ params })
    expect(await refusalKey(actions.getOfIntegration({ params }))).toBe('not_found')
    expect(await actions.restore({ params: { selector: made.id } })).toMatchObject({ id: made.id })
    // What its parent becomes, it becomes; and it goes with it.
    await actions.patch({ params: { selector: parent.id }, body: { name: 'Note it' } })
    expect(await actions.getOfIntegration({ params })).toMatchObject({ name: 'Note it' })
    await actions.archive({ params: { selector: parent.id } })
    expect(await actions.get({ params: { selector: made.id } })).toHaveProperty('archivedAt')
    expect(await refusalKey(actions.restore({ params: { selector: made.id } }))).toBe('archived')
    expect(await refusalKey(actions.restoreByQuery({ query: { id: made.id } }))).toBe('archived')
  })

  test('of another workspace is not there', async () => {
    const made = await house.admin.actions.create({ body: note })
    const other = await addWorkspace(house.engine, systemClock, null)
    const token = await house.engine.tokens.sign(other, { isAdmin: true }, 600)
    const stranger = createPermea({ baseUrl: house.url, token })
    expect(await refusalKey(stranger.actions.get({ params: { selector: made.id } }))).toBe('not_found')
    expect((await stranger.actions.list()).items).toEqual([])
  })
})

describe('what cannot work is refused wherever it is saved', () => {
  /** Every endpoint that saves an action, with what it answers to a body. */
  async function savers() {
    const { actions } = house.admin
    await actions.create({ body: note })
    await actions.create({ body: { ...note, key: 'of-crm', integrationKey: 'crm' } })
    const { connection } = await connectApp(house, { customer: 'acme', key: 'second' })
    await client.actionInstances.create({ query: { actionKey: 'note', connectionId }, body: {} })
    type Body = NonNullable<NonNullable<Parameters<typeof actions.create>[0]>['body']>
    const selector = 'note'
    const ofCrm = { integrationSelector: 'crm' }
    const instance = { actionKey: 'note', connectionId }
    const ofConnection = { connectionSelector: connectionId, selector }
    return {
      create: (body: Body) => actions.create({ body: { ...note, key: 'new', ...body } }),
      put: (body: Body) => actions.put({ params: { selector }, body }),
      patch: (body: Body) => actions.patch({ params: { selector }, body }),
      putByQuery: (body: Body) => actions.putByQuery({ query: { key: selector }, body }),
      patchByQuery: (body: Body) => actions.patchByQuery({ query: { key: selector }, body }),
      createOfIntegration: (body: Body) =>
        actions.createOfIntegration({ params: ofCrm, body: { ...note, key: 'new', ...body } }),
      putOfIntegration: (body: Body) => actions.putOfIntegration({ params: { ...ofCrm, selector: 'of-crm' }, body }),
      patchOfIntegration: (body: Body) =>
        actions.patchOfIntegration({ params: { ...ofCrm, selector: 'of-crm' }, body }),
      createInstance: (body: Body) =>
        client.actionInstances.create({ query: { actionKey: 'note', connectionId: connection.id }, body }),
      putInstance: (body: Body) => client.actionInstances.put({ query: instance, body }),
      patchInstance: (body: Body) => client.actionInstances.patch({ query: instance, body }),
      putOfConnection: (body: Body) => client.actionInstances.putOfConnection({ params: ofConnection, body }),
      patchOfConnection: (body: Body) => client.actionInstances.patchOfConnection({ params: ofConnection, body }),
    }
  }

  test.each([
    ['invalid_action', { type: 'no-such-type' }],
    ['invalid_action', { config: { request: { path: 5 } } }],
    ['invalid_action', code('export default 1 +')],
    ['invalid_formula', { outputMapping: { $var: 5 } }],
    ['invalid_formula', { config: { request: { path: { $jsonata: '((' } } } }],
    ['invalid_schema', { inputSchema: { type: 'nonsense' } }],
  ] as const)('%s: %j', async (key, body) => {
    for (const [name, save] of Object.entries(await savers()))
      expect([name, await refusalKey(save(body as never))]).toEqual([name, key])
  })

  test('a key that another one has', async () => {
    await house.admin.actions.create({ body: { ...note, key: 'taken' } })
    await house.admin.actions.create({ body: { ...note, key: 'taken', integrationKey: 'crm' } })
    for (const connectionSelector of [
      connectionId,
      (await connectApp(house, { customer: 'acme', key: 'third' })).connection.id,
    ])
      await client.actionInstances.putOfConnection({ params: { connectionSelector, selector: 'taken' }, body: {} })
    const saving = await savers()
    // The connection of this one has none of the key yet.
    await client.actionInstances.putOfConnection({
      params: { connectionSelector: 'second', selector: 'taken' },
      body: {},
    })
    for (const [name, save] of Object.entries(saving))
      expect([name, await refusalKey(save({ key: 'taken' }))]).toEqual([name, 'already_exists'])
    const archived = await house.admin.actions.create({ body: { ...note, key: 'again' } })
    await house.admin.actions.archive({ params: { selector: 'again' } })
    await house.admin.actions.create({ body: { ...note, key: 'again' } })
    expect(await refusalKey(house.admin.actions.restore({ params: { selector: archived.id } }))).toBe('already_exists')
    expect(await refusalKey(house.admin.actions.restoreByQuery({ query: { id: archived.id } }))).toBe('already_exists')
  })

  test('without a type, an operation that the connector does not have, and a parent that is not wider', async () => {
    const { actions } = house.admin
    const problem = async (call: Promise<unknown>) => {
      const error: unknown = await call.catch((reason: unknown) => reason)
      return error instanceof PermeaError ? error.message : error
    }
    expect(await problem(actions.create({ body: { key: 'new' } }))).toMatch(/^type: required/)
    const operation = (operationKey: string) => ({
      key: operationKey,
      type: 'connector-operation',
      config: { operationKey },
    })
    expect(await problem(actions.create({ body: { ...operation('divide'), integrationKey: 'crm' } }))).toMatch(
      'config.operationKey: the connector "crm" has no operation "divide"',
    )
    await actions.create({ body: operation('divide') })
    const ofCrm = await actions.create({ body: { ...note, key: 'of-crm', integrationKey: 'crm' } })
    expect(await refusalKey(actions.create({ body: { ...note, key: 'x', parentId: ofCrm.id } }))).toBe('invalid_input')
    expect(
      await refusalKey(actions.apply({ params: { selector: ofCrm.id }, body: { integrationKeys: ['crm'] } })),
    ).toBe('invalid_input')
    const line = await problem(
      actions.create({ body: { key: 'new', ...code('export default function () {\n  return (\n}') } }),
    )
    expect(line).toMatch(/line 3/)
  })
})

describe('what is archived, not there or not clear', () => {
  test('an archived action is neither changed nor run', async () => {
    const { actions } = house.admin
    const made = await actions.create({ body: note })
    const ofCrm = await actions.create({ body: { ...note, key: 'of-crm', integrationKey: 'crm' } })
    const own = await client.actionInstances.create({ query: { actionKey: 'note', connectionId }, body: {} })
    for (const { id } of [own, made, ofCrm]) await actions.archive({ params: { selector: id } })
    const params = { selector: made.id }
    const query = { id: made.id }
    const pathOfCrm = { integrationSelector: 'crm', selector: ofCrm.id }
    const instance = { query: { id: own.id } }
    const ofConnection = { connectionSelector: connectionId, selector: own.id }
    const calls = {
      create: actions.create({ body: { key: 'x', integrationKey: 'crm', parentId: made.id } }),
      put: actions.put({ params, body: {} }),
      patch: actions.patch({ params, body: {} }),
      putByQuery: actions.putByQuery({ query, body: {} }),
      patchByQuery: actions.patchByQuery({ query, body: {} }),
      putOfIntegration: actions.putOfIntegration({ params: pathOfCrm, body: {} }),
      patchOfIntegration: actions.patchOfIntegration({ params: pathOfCrm, body: {} }),
      createOfIntegration: actions.createOfIntegration({ params: pathOfCrm, body: { key: 'x', parentId: made.id } }),
      reset: actions.reset({ params }),
      resetByQuery: actions.resetByQuery({ query }),
      resetOfIntegration: actions.resetOfIntegration({ params: pathOfCrm }),
      apply: actions.apply({ params, body: { integrationKeys: ['crm'] } }),
      run: actions.run({ params, query: { connectionId }, body: {} }),
      runByQuery: actions.runByQuery({ query: { ...query, connectionId }, body: {} }),
      act: actions.act({ body: { id: made.id, connectionId } }),
      putInstance: client.actionInstances.put({ ...instance, body: {} }),
      patchInstance: client.actionInstances.patch({ ...instance, body: {} }),
      resetInstance: client.actionInstances.reset(instance),
      runInstance: client.actionInstances.run({ ...instance, body: {} }),
      putOfConnection: client.actionInstances.putOfConnection({ params: ofConnection, body: {} }),
      patchOfConnection: client.actionInstances.patchOfConnection({ params: ofConnection, body: {} }),
      resetOfConnection: client.actionInstances.resetOfConnection({ params: ofConnection }),
      runOfConnection: client.actionInstances.runOfConnection({ params: ofConnection, body: {} }),
    }
    expect(await keysOf(calls)).toEqual(all(calls, 'archived'))
  })

  test('on an archived connection nothing is made, found anew or run', async () => {
    await house.admin.actions.create({ body: note })
    const own = await client.actionInstances.create({ query: { actionKey: 'note', connectionId }, body: {} })
    await client.connections.archive({ params: { selector: connectionId } })
    expect(await house.admin.actions.get({ params: { selector: own.id } })).toHaveProperty('archivedAt')
    const query = { actionKey: 'note', connectionId, autoCreate: true }
    const params = { connectionSelector: connectionId, selector: 'note' }
    const calls = {
      restore: client.actionInstances.restore({ query: { id: own.id } }),
      create: client.actionInstances.create({ query, body: {} }),
      get: client.actionInstances.get({ query }),
      put: client.actionInstances.put({ query, body: {} }),
      patch: client.actionInstances.patch({ query, body: {} }),
      setup: client.actionInstances.setup({ query }),
      getOfConnection: client.actionInstances.getOfConnection({ params, query: { autoCreate: true } }),
      putOfConnection: client.actionInstances.putOfConnection({ params, body: {} }),
      run: client.actions.run({ params: { selector: 'note' }, query: { connectionId }, body: {} }),
    }
    expect(await keysOf(calls)).toEqual(all(calls, 'archived'))
  })

  test('nothing is found where there is nothing', async () => {
    const { actions } = house.admin
    const params = { selector: 'nowhere' }
    const query = { key: 'nowhere' }
    const body = {}
    const ofCrm = { integrationSelector: 'crm', selector: 'nowhere' }
    const instance = { query: { actionKey: 'nowhere', connectionId } }
    const ofConnection = { params: { connectionSelector: connectionId, selector: 'nowhere' } }
    const calls = {
      list: actions.list({ query: { integrationKey: 'nowhere' } }),
      create: actions.create({ body: { ...note, parentId: 'nowhere' } }),
      get: actions.get({ params }),
      put: actions.put({ params, body }),
      patch: actions.patch({ params, body }),
      archive: actions.archive({ params }),
      restore: actions.restore({ params }),
      reset: actions.reset({ params }),
      apply: actions.apply({ params, body: { integrationKeys: ['crm'] } }),
      clone: actions.clone({ params }),
      export: actions.export({ params }),
      dependencies: actions.dependencies({ params }),
      refresh: actions.refresh({ params }),
      run: actions.run({ params, body }),
      getByQuery: actions.getByQuery({ query }),
      putByQuery: actions.putByQuery({ query, body }),
      patchByQuery: actions.patchByQuery({ query, body }),
      archiveByQuery: actions.archiveByQuery({ query }),
      restoreByQuery: actions.restoreByQuery({ query }),
      resetByQuery: actions.resetByQuery({ query }),
      runByQuery: actions.runByQuery({ query, body }),
      act: actions.act({ body: { key: 'nowhere' } }),
      listOfIntegration: actions.listOfIntegration({ params: { integrationSelector: 'nowhere' } }),
      createOfIntegration: actions.createOfIntegration({ params: { integrationSelector: 'nowhere' }, body: note }),
      getOfIntegration: actions.getOfIntegration({ params: ofCrm }),
      putOfIntegration: actions.putOfIntegration({ params: ofCrm, body }),
      patchOfIntegration: actions.patchOfIntegration({ params: ofCrm, body }),
      archiveOfIntegration: actions.archiveOfIntegration({ params: ofCrm }),
      resetOfIntegration: actions.resetOfIntegration({ params: ofCrm }),
      listInstances: client.actionInstances.list({ query: { actionKey: 'nowhere' } }),
      createInstance: client.actionInstances.create({ ...instance, body }),
      getInstance: client.actionInstances.get(instance),
      putInstance: client.actionInstances.put({ ...instance, body }),
      patchInstance: client.actionInstances.patch({ ...instance, body }),
      archiveInstance: client.actionInstances.archive(instance),
      restoreInstance: client.actionInstances.restore(instance),
      setupInstance: client.actionInstances.setup(instance),
      resetInstance: client.actionInstances.reset(instance),
      runInstance: client.actionInstances.run({ ...instance, body }),
      listOfConnection: client.actionInstances.listOfConnection({ params: { connectionSelector: 'nowhere' } }),
      getOfConnection: client.actionInstances.getOfConnection(ofConnection),
      putOfConnection: client.actionInstances.putOfConnection({ ...ofConnection, body }),
      patchOfConnection: client.actionInstances.patchOfConnection({ ...ofConnection, body }),
      archiveOfConnection: client.actionInstances.archiveOfConnection(ofConnection),
      setupOfConnection: client.actionInstances.setupOfConnection(ofConnection),
      resetOfConnection: client.actionInstances.resetOfConnection(ofConnection),
      runOfConnection: client.actionInstances.runOfConnection({ ...ofConnection, body }),
      runLogs: client.actionRunLogs.list({ query: { userId: 'nobody' } }),
      runLog: client.actionRunLogs.get({ params: { id: 'arl_nowhere' } }),
      runLogDetails: client.actionRunLogs.details({ params: { id: 'arl_nowhere' } }),
    }
    expect(await keysOf(calls)).toEqual(all(calls, 'not_found'))
  })

  test('a key of several integrations, or an integration of several connections, says that more is needed', async () => {
    await ambiguous()
    const { actions } = house.admin
    const params = { selector: 'twice' }
    const query = { key: 'twice' }
    const body = {}
    // Two customers are connected: an admin must say whose connection is meant.
    await connectApp(house, { customer: 'globex' })
    const ofSeveral = { query: { actionKey: 'twice', integrationKey: 'crm' } }
    const ofConnection = { params: { connectionSelector: 'crm', selector: 'twice' } }
    const admin = house.admin.actionInstances
    const calls = {
      list: actions.list({ query: { connectionId: 'crm' } }),
      create: actions.create({ body: { ...note, parentId: 'twice' } }),
      createOfIntegration: actions.createOfIntegration({
        params: { integrationSelector: 'crm' },
        body: { ...note, parentId: 'twice' },
      }),
      get: actions.get({ params }),
      put: actions.put({ params, body }),
      patch: actions.patch({ params, body }),
      archive: actions.archive({ params }),
      restore: actions.restore({ params }),
      refresh: actions.refresh({ params }),
      dependencies: actions.dependencies({ params }),
      reset: actions.reset({ params }),
      apply: actions.apply({ params, body: { integrationKeys: ['crm'] } }),
      clone: actions.clone({ params }),
      export: actions.export({ params }),
      run: actions.run({ params, body }),
      getByQuery: actions.getByQuery({ query }),
      putByQuery: actions.putByQuery({ query, body }),
      patchByQuery: actions.patchByQuery({ query, body }),
      archiveByQuery: actions.archiveByQuery({ query }),
      restoreByQuery: actions.restoreByQuery({ query }),
      resetByQuery: actions.resetByQuery({ query }),
      runByQuery: actions.runByQuery({ query, body }),
      act: actions.act({ body: { key: 'twice' } }),
      listInstances: admin.list({ query: { actionKey: 'twice' } }),
      createInstance: admin.create({ ...ofSeveral, body }),
      getInstance: admin.get(ofSeveral),
      putInstance: admin.put({ ...ofSeveral, body }),
      patchInstance: admin.patch({ ...ofSeveral, body }),
      archiveInstance: admin.archive(ofSeveral),
      restoreInstance: admin.restore(ofSeveral),
      setupInstance: admin.setup(ofSeveral),
      resetInstance: admin.reset(ofSeveral),
      runInstance: admin.run({ ...ofSeveral, body }),
      listOfConnection: admin.listOfConnection({ params: { connectionSelector: 'crm' } }),
      getOfConnection: admin.getOfConnection(ofConnection),
      putOfConnection: admin.putOfConnection({ ...ofConnection, body }),
      patchOfConnection: admin.patchOfConnection({ ...ofConnection, body }),
      archiveOfConnection: admin.archiveOfConnection(ofConnection),
      setupOfConnection: admin.setupOfConnection(ofConnection),
      resetOfConnection: admin.resetOfConnection(ofConnection),
      runOfConnection: admin.runOfConnection({ ...ofConnection, body }),
    }
    expect(await keysOf(calls)).toEqual(all(calls, 'ambiguous_selector'))
    const named = { integrationKey: 'crm', userId: 'acme' }
    expect(await house.admin.actions.run({ params, query: named, body })).toMatchObject({ output: { id: 7 } })
  })

  test('a query or body that names nothing says what it needs', async () => {
    expect(await refusalKey(client.actionInstances.get({ query: {} }))).toBe('invalid_input')
    await house.admin.actions.create({ body: note })
    expect(await refusalKey(client.actionInstances.get({ query: { actionKey: 'note' } }))).toBe('invalid_input')
    expect(await refusalKey(client.actions.getByQuery({ query: {} }))).toBe('ambiguous_selector')
    expect(await refusalKey(client.actions.run({ params: { selector: 'note' }, body: {} }))).toBe('invalid_input')
  })
})

describe('a connection’s own action', () => {
  test('is made in every way, changed, checked, reset, run, archived and restored', async () => {
    await house.admin.actions.create({ body: { ...note, ...code('export default ({ input }) => input') } })
    const { actionInstances } = client
    const query = { actionKey: 'note', connectionId }
    const params = { connectionSelector: 'main', selector: 'note' }
    // Without one, the wider action is what the connection runs.
    expect(await actionInstances.getOfConnection({ params })).toMatchObject({ isUniversal: true })
    const made = await actionInstances.create({ query, body: { description: 'Own' } })
    expect(made).toMatchObject({
      layer: 'connection',
      isCustomized: true,
      connection: { id: connectionId },
      user: { internalId: 'acme' },
    })
    expect(await refusalKey(actionInstances.create({ query, body: {} }))).toBe('already_exists')
    expect(await actionInstances.get({ query })).toMatchObject({ id: made.id })
    expect(await actionInstances.put({ query, body: { name: 'A' } })).toMatchObject({ id: made.id, name: 'A' })
    expect(await actionInstances.patch({ query, body: { name: 'B' } })).toMatchObject({ name: 'B' })
    expect(await actionInstances.setup({ query })).toMatchObject({ state: 'READY' })
    expect(await actionInstances.reset({ query })).toMatchObject({ name: 'Note', isCustomized: false })
    expect(await actionInstances.run({ query, body: { a: 1 } })).toMatchObject({ output: { a: 1 } })
    await actionInstances.archive({ query })
    expect(await actionInstances.restore({ query })).toMatchObject({ id: made.id })

    expect(await actionInstances.putOfConnection({ params, body: { name: 'C' } })).toMatchObject({
      id: made.id,
      name: 'C',
    })
    expect(await actionInstances.patchOfConnection({ params, body: { name: 'D' } })).toMatchObject({ name: 'D' })
    expect(await actionInstances.setupOfConnection({ params })).toMatchObject({ state: 'READY' })
    expect(await actionInstances.resetOfConnection({ params })).toMatchObject({ name: 'Note' })
    expect(await actionInstances.runOfConnection({ params, body: [1, 2] })).toMatchObject({ output: [1, 2] })
    expect((await actionInstances.list({ query: { actionKey: 'note' } })).items).toMatchObject([{ id: made.id }])
    expect((await actionInstances.listOfConnection({ params })).items).toMatchObject([{ id: made.id }])
    await actionInstances.archiveOfConnection({ params })
    expect((await actionInstances.listOfConnection({ params })).items).toMatchObject([{ isUniversal: true }])
    // Several of one action are told apart by their instance key.
    const second = await actionInstances.getOfConnection({ params, query: { instanceKey: 'second', autoCreate: true } })
    expect(second).toMatchObject({ instanceKey: 'second', isCustomized: false })
    expect(
      await actionInstances.get({ query: { actionId: second.parentId, connectionKey: 'main', instanceKey: 'second' } }),
    ).toMatchObject({ id: second.id })
    await actionInstances.archive({ query: { id: second.id } })
    await actionInstances.create({ query: { ...query, instanceKey: 'second' }, body: {} })
    expect(await refusalKey(actionInstances.restore({ query: { id: second.id } }))).toBe('already_exists')
  })

  test('that lost what it needs says so when it is set up', async () => {
    await house.admin.actions.create({
      body: { key: 'add', type: 'connector-operation', config: { operationKey: 'add' } },
    })
    const made = await client.actionInstances.create({ query: { actionKey: 'add', connectionId }, body: {} })
    expect(await client.actionInstances.run({ query: { id: made.id }, body: { a: 1 } })).toMatchObject({ output: 2 })
    await house.admin.connectors.patch({ params: { selector: 'crm' }, body: { operations: {} } })
    expect(await client.actionInstances.setup({ query: { id: made.id } })).toMatchObject({
      state: 'CONFIGURATION_ERROR',
      errors: [{ key: 'invalid_action', message: 'config.operationKey: the connector "crm" has no operation "add"' }],
    })
    expect(await refusalKey(client.actionInstances.run({ query: { id: made.id }, body: {} }))).toBe('not_supported')
  })
})
