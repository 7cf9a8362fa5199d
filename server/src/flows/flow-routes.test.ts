import type { Permea } from '@permea/sdk'
import { buildHouse, type House, refusalKey } from '@permea/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

let house: House
let flows: Permea['flows']

beforeEach(async () => {
  house = await buildHouse()
  flows = house.admin.flows
  for (const key of ['slack', 'teams']) await house.admin.integrations.create({ body: { key } })
})

afterEach(() => house[Symbol.asyncDispose]())

const nodes = { start: { type: 'api-trigger' } }
const badNodes = { start: { type: 'no-such-type' } }
const ofSlack = { integrationSelector: 'slack' }

describe('a flow selected by key', () => {
  beforeEach(async () => {
    for (const integrationSelector of ['slack', 'teams'])
      await flows.createOfIntegration({ params: { integrationSelector }, body: { key: 'twin', nodes } })
  })

  test('must say which where several integrations have one', async () => {
    const params = { selector: 'twin' }
    const query = { key: 'twin' }
    const body = {}
    for (const call of [
      () => flows.get({ params }),
      () => flows.put({ params, body }),
      () => flows.patch({ params, body }),
      () => flows.archive({ params }),
      () => flows.restore({ params }),
      () => flows.reset({ params }),
      () => flows.clone({ params }),
      () => flows.export({ params }),
      () => flows.dependencies({ params }),
      () => flows.refresh({ params }),
      () => flows.nodeSchemas({ params }),
      () => flows.updateInstances({ params }),
      () => flows.apply({ params, body: { integrationKeys: ['slack'] } }),
      () => flows.run({ params, body }),
      () => flows.getByQuery({ query }),
      () => flows.getByQuery(),
      () => flows.putByQuery({ query, body }),
      () => flows.patchByQuery({ query, body }),
      () => flows.archiveByQuery({ query }),
      () => flows.restoreByQuery({ query }),
      () => flows.resetByQuery({ query }),
      () => flows.create({ body: { universalFlowId: 'twin', integrationKey: 'slack' } }),
      () => flows.createOfIntegration({ params: ofSlack, body: { parentId: 'twin' } }),
    ])
      expect(await refusalKey(call())).toBe('ambiguous_selector')
  })

  test('is told apart by an integration, in the query, the path or before a dot', async () => {
    const twin = await flows.getOfIntegration({ params: { ...ofSlack, selector: 'twin' } })
    expect(twin).toMatchObject({ integrationKey: 'slack', layer: 'integration' })
    expect(await flows.get({ params: { selector: 'twin' }, query: { integrationKey: 'slack' } })).toEqual(twin)
    expect(await flows.get({ params: { selector: 'slack.twin' } })).toEqual(twin)
    expect(await flows.getByQuery({ query: { key: 'twin', integrationId: twin.integrationId } })).toEqual(twin)
    const universal = await flows.create({ body: { key: 'twin', nodes } })
    expect(await flows.get({ params: { selector: 'twin' } })).toEqual(universal)
    expect(await flows.get({ params: { selector: 'twin' }, query: { integrationKey: 'teams' } })).toMatchObject({
      integrationKey: 'teams',
    })
  })
})

test('a key is taken by one that lives', async () => {
  const old = (await flows.create({ body: { key: 'orders', nodes } })).id
  const { id } = await flows.create({ body: { key: 'other', nodes } })
  const own = { ...ofSlack, selector: 'own' }
  for (const key of ['own', 'orders']) await flows.createOfIntegration({ params: ofSlack, body: { key, nodes } })
  const body = { key: 'orders' }
  for (const call of [
    () => flows.create({ body }),
    () => flows.put({ params: { selector: id }, body }),
    () => flows.patch({ params: { selector: id }, body }),
    () => flows.putByQuery({ query: { id }, body }),
    () => flows.patchByQuery({ query: { id }, body }),
    () => flows.createOfIntegration({ params: ofSlack, body }),
    () => flows.putOfIntegration({ params: own, body }),
    () => flows.patchOfIntegration({ params: own, body }),
  ])
    expect(await refusalKey(call())).toBe('already_exists')
  await flows.archiveByQuery({ query: { id: old } })
  expect(await flows.patchByQuery({ query: { id }, body })).toMatchObject({ id, key: 'orders' })
  expect(await refusalKey(flows.restore({ params: { selector: old } }))).toBe('already_exists')
  expect(await refusalKey(flows.restoreByQuery({ query: { id: old } }))).toBe('already_exists')
})

test('nodes that make no sense are refused wherever they are given', async () => {
  const { id } = await flows.create({ body: { key: 'orders', nodes } })
  await flows.createOfIntegration({ params: ofSlack, body: { key: 'own', nodes } })
  const own = { ...ofSlack, selector: 'own' }
  const body = { nodes: badNodes }
  for (const call of [
    () => flows.create({ body: { key: 'bad', ...body } }),
    () => flows.put({ params: { selector: id }, body }),
    () => flows.patch({ params: { selector: id }, body }),
    () => flows.putByQuery({ query: { id }, body }),
    () => flows.patchByQuery({ query: { id }, body }),
    () => flows.createOfIntegration({ params: ofSlack, body: { key: 'bad', ...body } }),
    () => flows.putOfIntegration({ params: own, body }),
    () => flows.patchOfIntegration({ params: own, body }),
  ])
    expect(await refusalKey(call())).toBe('invalid_flow')
})

test('an archived flow is neither changed, nor reset, nor applied, nor run', async () => {
  const { id } = await flows.create({ body: { key: 'orders', nodes } })
  await flows.createOfIntegration({ params: ofSlack, body: { key: 'own', nodes } })
  const own = { ...ofSlack, selector: 'own' }
  await flows.archive({ params: { selector: 'orders' } })
  await flows.archiveOfIntegration({ params: own })
  const customer = await house.as('customer-x')
  const params = { selector: id }
  const body = { name: 'Late' }
  for (const call of [
    () => flows.put({ params, body }),
    () => flows.patch({ params, body }),
    () => flows.putByQuery({ query: { id }, body }),
    () => flows.patchByQuery({ query: { id }, body }),
    () => flows.reset({ params }),
    () => flows.resetByQuery({ query: { id } }),
    () => flows.apply({ params, body: { integrationKeys: ['slack'] } }),
    () => flows.putOfIntegration({ params: own, body }),
    () => flows.patchOfIntegration({ params: own, body }),
    () => flows.resetOfIntegration({ params: own }),
    () => customer.flows.run({ params, query: { autoCreate: true }, body: {} }),
  ])
    expect(await refusalKey(call())).toBe('archived')
  expect(await flows.restoreByQuery({ query: { id } })).toMatchObject({ id, key: 'orders' })
  expect(await flows.putByQuery({ query: { id }, body })).toMatchObject({ id, name: 'Late' })
  expect(await flows.restore({ params: { selector: 'slack.own' } })).toMatchObject({ key: 'own' })
})

test('a copy of an integration follows the universal flow but for what is its own', async () => {
  const universal = await flows.create({ body: { key: 'orders', name: 'Orders', nodes } })
  const params = { selector: 'orders' }
  const [slack, teams] = await flows.apply({ params, body: { integrationKeys: ['slack', 'teams'] } })
  expect([slack, teams]).toMatchObject([
    { integrationKey: 'slack', universalFlowId: universal.id, isCustomized: false },
    { integrationKey: 'teams', universalFlowId: universal.id, isCustomized: false },
  ])
  expect(await flows.apply({ params, body: { integrationKeys: ['slack'] } })).toMatchObject([{ id: slack?.id }])
  const listed = await flows.list({ query: { universalFlowId: universal.id, layer: 'integration' } })
  expect(listed.items.map((each) => each.id)).toEqual([teams?.id, slack?.id])
  const ofOne = await flows.listOfIntegration({ params: ofSlack })
  expect(ofOne.items.map((each) => each.id)).toEqual([slack?.id])

  const own = { ...ofSlack, selector: 'orders' }
  expect(await flows.putOfIntegration({ params: own, body: { name: 'Own' } })).toMatchObject({
    isCustomized: true,
    customized: { name: true },
  })
  await flows.put({ params, body: { nodes: { ...nodes, second: { type: 'api-trigger' } } } })
  expect(await flows.getOfIntegration({ params: own })).toMatchObject({ outdated: true, nodes })
  const reset = await flows.resetByQuery({ query: { key: 'orders', integrationKey: 'slack' } })
  expect(reset).toMatchObject({ isCustomized: false, name: 'Orders', outdated: false })
  expect(Object.keys(reset.nodes)).toEqual(['start', 'second'])
})

test('a clone and an export stand for what was defined', async () => {
  const body = { key: 'orders', name: 'Orders', nodes, parameters: { tone: 'kind' }, concurrency: 3 }
  const made = await flows.create({ body })
  const params = { selector: 'orders' }
  expect(await flows.export({ params })).toEqual({
    ...body,
    uuid: made.uuid,
    enabled: true,
    ordered: false,
    autoCreateInstances: false,
  })
  const clone = await flows.clone({ params })
  expect(clone).toMatchObject({ ...body, key: expect.stringMatching(/^orders-copy-/), name: 'Orders (copy)' })
  expect(clone.id).not.toBe(made.id)
})

test('instances are brought up to date all at once', async () => {
  await flows.create({ body: { key: 'orders', nodes } })
  const params = { selector: 'orders' }
  for (const name of ['x', 'y'])
    await (await house.as(name)).flowInstances.getByQuery({ query: { flowKey: 'orders', autoCreate: true } })
  await flows.patchByQuery({ query: { key: 'orders' }, body: { nodes: { ...nodes, more: { type: 'api-trigger' } } } })
  expect(await flows.updateInstances({ params })).toEqual({ updated: 2 })
  expect(await flows.updateInstances({ params })).toEqual({ updated: 0 })
})

test('a flow is run by its key for the customer who asks, from a trigger', async () => {
  await flows.create({ body: { key: 'orders', nodes } })
  await flows.create({ body: { key: 'draft', nodes: {} } })
  const customer = await house.as('customer-x')
  const run = (selector: string, startNodeKey?: string) =>
    customer.flows.run({ params: { selector }, query: { autoCreate: true }, body: { input: { a: 1 }, startNodeKey } })
  const { id } = await run('orders')
  await house.settle()
  expect(await customer.flowRuns.get({ params: { id } })).toMatchObject({ state: 'completed', input: { a: 1 } })
  expect(await refusalKey(run('draft'))).toBe('invalid_flow')
  expect(await refusalKey(run('orders', 'elsewhere'))).toBe('invalid_input')
})

test('an instance for every customer is made of a flow that asks for it', async () => {
  const early = await house.as('early')
  await early.customers.self()
  await flows.create({ body: { key: 'orders', nodes, autoCreateInstances: true } })
  await house.settle()
  const late = await house.as('late')
  for (const customer of [early, late]) expect((await customer.flowInstances.list()).items).toHaveLength(1)
})
