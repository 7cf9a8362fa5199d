import type { Permea } from '@permea/sdk'
import {
  addApp,
  answering,
  buildHouse,
  connectApp,
  type House,
  type Receiver,
  refusalKey,
  startReceiver,
} from '@permea/testkit'
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

/** A flow that posts what it is given to the app. */
const nodes = {
  start: { type: 'api-trigger', links: [{ key: 'post' }] },
  post: {
    type: 'api-request-to-external-app',
    config: {
      request: {
        path: '/notes',
        method: 'POST',
        body: { note: { $var: '$.input.note' }, on: { $var: '$.connection' }, of: { $var: '$.integration.key' } },
      },
    },
  },
}
const ofCrm = { integrationSelector: 'crm' }
const path = { connectionSelector: 'main', selector: 'notes' }
const instancesOf = async (of: Permea, query: object = {}) => (await of.flowInstances.list({ query })).items

describe('a flow of a connection', () => {
  test('is made on demand, changed, run, reset, set up and archived by the routes of the connection', async () => {
    app.behave(answering(201, { id: 7 }))
    const flow = await house.admin.flows.createOfIntegration({ params: ofCrm, body: { key: 'notes', nodes } })
    const { flowInstances } = client
    expect(await refusalKey(flowInstances.getOfConnection({ params: path }))).toBe('not_found')
    const made = await flowInstances.getOfConnection({ params: path, query: { autoCreate: true } })
    expect(made).toMatchObject({
      layer: 'connection',
      connectionId,
      integrationKey: 'crm',
      flowId: flow.id,
      enabled: true,
      state: 'READY',
      connection: { id: connectionId, key: 'main', connected: true },
      integration: { key: 'crm' },
    })
    expect(await flowInstances.getOfConnection({ params: { ...path, selector: made.id } })).toMatchObject({
      id: made.id,
    })
    expect(await flowInstances.putOfConnection({ params: path, body: {} })).toMatchObject({ id: made.id })
    expect(await flowInstances.patchOfConnection({ params: path, body: { name: 'Mine' } })).toMatchObject({
      name: 'Mine',
    })
    expect((await flowInstances.listOfConnection({ params: path })).items).toMatchObject([{ id: made.id }])

    const run = await flowInstances.runOfConnection({ params: path, body: { nodeKey: 'start', input: { note: 'hi' } } })
    await house.settle()
    expect(await client.flowRuns.get({ params: { id: run.id } })).toMatchObject({
      state: 'completed',
      connectionId,
      integrationId: made.integrationId,
      integrationFlowId: flow.id,
      integration: { key: 'crm' },
      connection: { key: 'main' },
    })
    expect(app.received[0]).toMatchObject({
      path: '/notes',
      headers: { authorization: 'Bearer key-of-the-app' },
      json: { note: 'hi', on: { id: connectionId, key: 'main' }, of: 'crm' },
    })
    expect(await flowInstances.resetOfConnection({ params: path })).toMatchObject({ name: 'notes' })
    expect(await flowInstances.setupOfConnection({ params: path })).toMatchObject({ state: 'READY' })
    await flowInstances.archiveOfConnection({ params: path })
    expect(await refusalKey(flowInstances.getOfConnection({ params: path }))).toBe('not_found')
    // An empty PUT creates.
    const anew = await flowInstances.putOfConnection({ params: path, body: {} })
    expect(anew.id).not.toBe(made.id)
    expect(
      await flowInstances.putOfConnection({ params: { ...path, selector: anew.id }, body: { name: 'By id' } }),
    ).toMatchObject({
      name: 'By id',
    })
  })

  test('is found by its connection, its key, or as the customer’s for an integration', async () => {
    const flow = await house.admin.flows.createOfIntegration({ params: ofCrm, body: { key: 'notes', nodes } })
    const made = await client.flowInstances.getByQuery({ query: { flowKey: 'notes', connectionId, autoCreate: true } })
    for (const query of [
      { flowKey: 'notes', connectionKey: 'main' },
      { flowKey: 'notes', integrationKey: 'crm' },
      { flowKey: 'crm.notes' },
      { flowId: flow.id },
      { flowId: flow.id, connectionId },
    ])
      expect(await client.flowInstances.getByQuery({ query })).toMatchObject({ id: made.id })
    expect(await instancesOf(client, { connectionId })).toMatchObject([{ id: made.id }])
    expect(await instancesOf(client, { connectionKey: 'main' })).toMatchObject([{ id: made.id }])
    expect(await instancesOf(client, { connectionId: 'con_unknown' })).toEqual([])
    expect((await client.flows.list({ query: { layer: 'connection', connectionId } })).items).toMatchObject([
      { id: made.id },
    ])
    const run = await client.flows.run({ params: { selector: 'notes' }, query: { connectionId }, body: {} })
    await house.settle()
    expect(await client.flowRuns.list({ query: { connectionId } })).toMatchObject({ items: [{ id: run.id }] })
  })

  test('there is one of per connection and instance key; which is meant must be said', async () => {
    const second = await connectApp(house, { customer: 'acme', key: 'second' })
    await house.admin.flows.create({ body: { key: 'notes', nodes } })
    const query = { flowKey: 'notes', autoCreate: true }
    const onMain = await client.flowInstances.getByQuery({ query: { ...query, connectionId } })
    const onSecond = await client.flowInstances.getByQuery({ query: { ...query, connectionKey: 'second' } })
    expect(onSecond).toMatchObject({ connectionId: second.connection.id, universalFlowId: onMain.universalFlowId })
    expect(onSecond.id).not.toBe(onMain.id)
    expect(await refusalKey(client.flowInstances.getByQuery({ query: { flowKey: 'notes' } }))).toBe(
      'ambiguous_selector',
    )
    const keyed = await client.flowInstances.getOfConnection({
      params: path,
      query: { instanceKey: 'b', autoCreate: true },
    })
    expect(keyed).toMatchObject({ instanceKey: 'b', connectionId })
    expect(await refusalKey(client.flowInstances.create({ body: { flowKey: 'notes', connectionId } }))).toBe(
      'already_exists',
    )
    // By its id another connection's is not there.
    const elsewhere = { connectionSelector: 'second', selector: onMain.id }
    expect(await refusalKey(client.flowInstances.getOfConnection({ params: elsewhere }))).toBe('not_found')
  })

  test('of a universal flow is that of its integration where the integration has one of its own', async () => {
    const universal = await house.admin.flows.create({ body: { key: 'notes', nodes } })
    const before = await client.flowInstances.getByQuery({
      query: { flowId: universal.id, connectionId, autoCreate: true },
    })
    expect(before).toMatchObject({ flowId: universal.id, universalFlowId: universal.id, integrationKey: 'crm' })
    const [applied] = await house.admin.flows.apply({
      params: { selector: 'notes' },
      body: { integrationKeys: ['crm'] },
    })
    const after = await client.flowInstances.getByQuery({
      query: { flowId: universal.id, connectionId, autoCreate: true },
    })
    expect(after).toMatchObject({ flowId: applied?.id, universalFlowId: universal.id })
  })

  test('can stand alone, with nodes of its own', async () => {
    const made = await client.flowInstances.create({ body: { connectionId, nodes, name: 'Alone' } })
    expect(made).toMatchObject({ connectionId, integrationKey: 'crm', name: 'Alone' })
    const broken = {
      ...nodes,
      start: { ...nodes.start, type: 'connector-event-trigger', config: { eventKey: 'nothing' } },
    }
    expect(await refusalKey(client.flowInstances.create({ body: { connectionId, nodes: broken } }))).toBe(
      'invalid_flow',
    )
    expect(await refusalKey(client.flowInstances.patch({ params: { id: made.id }, body: { nodes: broken } }))).toBe(
      'invalid_flow',
    )
  })

  test('that needs a connection is refused without one', async () => {
    await house.admin.flows.create({ body: { key: 'notes', nodes } })
    const stranger = await house.as('stranger')
    expect(await refusalKey(stranger.flowInstances.create({ body: { flowKey: 'notes' } }))).toBe('invalid_input')
    expect(await refusalKey(stranger.flowInstances.create({ body: { nodes } }))).toBe('invalid_input')
    expect(await refusalKey(stranger.flowInstances.create({ body: { flowKey: 'notes', connectionId } }))).toBe(
      'not_found',
    )
    const alone = await stranger.flowInstances.create({ body: { nodes: { start: { type: 'api-trigger' } } } })
    expect(await refusalKey(stranger.flowInstances.patch({ params: { id: alone.id }, body: { nodes } }))).toBe(
      'invalid_input',
    )
    await house.admin.integrations.create({ body: { key: 'other', connectorKey: 'crm' } })
    const ofOther = await house.admin.flows.createOfIntegration({
      params: { integrationSelector: 'other' },
      body: { key: 'o', nodes },
    })
    expect(await refusalKey(client.flowInstances.create({ body: { flowId: ofOther.id, connectionId } }))).toBe(
      'invalid_input',
    )
  })

  test('goes with its connection, and is not made on or brought back to one that is archived', async () => {
    await house.admin.flows.createOfIntegration({ params: ofCrm, body: { key: 'notes', nodes } })
    const made = await client.flowInstances.getOfConnection({ params: path, query: { autoCreate: true } })
    await client.connections.archive({ params: { selector: connectionId } })
    expect(await client.flowInstances.get({ params: { id: made.id } })).toMatchObject({
      enabled: false,
      archivedAt: expect.any(String),
    })
    const byId = { connectionSelector: connectionId, selector: 'notes' }
    const calls = {
      create: client.flowInstances.create({ body: { flowKey: 'notes', connectionId } }),
      get: client.flowInstances.getOfConnection({ params: byId, query: { autoCreate: true } }),
      put: client.flowInstances.putOfConnection({ params: byId, body: {} }),
      patch: client.flowInstances.patchOfConnection({ params: { ...byId, selector: made.id }, body: {} }),
      run: client.flowInstances.runOfConnection({ params: byId, query: { autoCreate: true }, body: {} }),
      restore: client.flowInstances.restore({ params: { id: made.id } }),
      restoreByQuery: client.flowInstances.restoreByQuery({ query: { id: made.id } }),
    }
    const keys = await Promise.all(Object.entries(calls).map(async ([name, call]) => [name, await refusalKey(call)]))
    expect(Object.fromEntries(keys)).toEqual(Object.fromEntries(Object.keys(calls).map((name) => [name, 'archived'])))
  })

  test('is refused where nothing, or several, are meant', async () => {
    await connectApp(house, { customer: 'globex' })
    await house.admin.flows.createOfIntegration({ params: ofCrm, body: { key: 'notes', nodes } })
    const routes = (of: Permea, connectionSelector: string) => {
      const params = { connectionSelector, selector: 'notes' }
      const { flowInstances } = of
      return [
        flowInstances.listOfConnection({ params }),
        flowInstances.getOfConnection({ params }),
        flowInstances.putOfConnection({ params, body: {} }),
        flowInstances.patchOfConnection({ params, body: {} }),
        flowInstances.archiveOfConnection({ params }),
        flowInstances.setupOfConnection({ params }),
        flowInstances.resetOfConnection({ params }),
        flowInstances.runOfConnection({ params, body: {} }),
      ]
    }
    for (const key of await Promise.all(routes(house.admin, 'crm').map(refusalKey)))
      expect(key).toBe('ambiguous_selector')
    for (const key of await Promise.all(routes(client, 'nowhere').map(refusalKey))) expect(key).toBe('not_found')
    const draft = await client.flowInstances.putOfConnection({ params: path, body: { nodes: {} } })
    expect(await refusalKey(client.flowInstances.runOfConnection({ params: path, body: {} }))).toBe('invalid_flow')
    const body = { nodes: { a: { type: 'no-such-type' } } }
    expect(await refusalKey(client.flowInstances.putOfConnection({ params: path, body }))).toBe('invalid_flow')
    expect(await refusalKey(client.flowInstances.patchOfConnection({ params: path, body }))).toBe('invalid_flow')
    await client.flowInstances.archiveOfConnection({ params: path })
    const byId = { ...path, selector: draft.id }
    expect(await refusalKey(client.flowInstances.runOfConnection({ params: byId, body: {} }))).toBe('archived')
    expect(await refusalKey(client.flowInstances.setupOfConnection({ params: byId }))).toBe('archived')
    expect(await refusalKey(client.flowInstances.resetOfConnection({ params: byId }))).toBe('archived')
  })
})

describe('instances that make themselves', () => {
  test('come with every connection: of flows of its integration and of universal ones that need a connection', async () => {
    const auto = { nodes, autoCreateInstances: true }
    const ofIntegration = await house.admin.flows.createOfIntegration({
      params: ofCrm,
      body: { key: 'of-crm', ...auto },
    })
    const universal = await house.admin.flows.create({ body: { key: 'universal', ...auto } })
    await house.admin.flows.create({
      body: { key: 'alone', nodes: { start: { type: 'api-trigger' } }, autoCreateInstances: true },
    })
    // Where the integration has a flow of its own for it, that one says.
    await house.admin.flows.createOfIntegration({ params: ofCrm, body: { key: 'replaced', nodes } })
    await house.admin.flows.create({ body: { key: 'replaced', ...auto } })
    await house.settle()
    const names = async (of: Permea) => (await instancesOf(of)).map((each) => [each.key, each.connectionId]).sort()
    // The connection that was there already has them too.
    const expected = (connection: string) => [
      ['alone', undefined],
      ['of-crm', connection],
      ['universal', connection],
    ]
    expect(await names(client)).toEqual(expected(connectionId))
    const globex = await connectApp(house, { customer: 'globex' })
    expect(await names(globex.client)).toEqual(expected(globex.connection.id))
    const [made] = await instancesOf(globex.client, { flowId: ofIntegration.id })
    expect(made).toMatchObject({ enabled: true, state: 'READY', flow: { id: ofIntegration.id } })
    expect(await instancesOf(globex.client, { universalFlowId: universal.id })).toHaveLength(1)

    await globex.client.connections.archive({ params: { selector: globex.connection.id } })
    expect(await names(globex.client)).toEqual([['alone', undefined]])
    await globex.client.connections.restore({ params: { selector: globex.connection.id } })
    expect(await names(globex.client)).toEqual(expected(globex.connection.id))
  })
})
