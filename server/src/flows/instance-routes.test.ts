import type { Permea } from '@permea/sdk'
import { buildHouse, type House, refusalKey } from '@permea/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'

let house: House
let customer: Permea
let instances: Permea['flowInstances']

beforeEach(async () => {
  house = await buildHouse()
  customer = await house.as('customer-x')
  instances = customer.flowInstances
  await house.admin.flows.create({ body: { key: 'orders', name: 'Orders', nodes } })
})

afterEach(() => house[Symbol.asyncDispose]())

const nodes = { start: { type: 'api-trigger' } }
const query = { flowKey: 'orders' }
const bad = { nodes: { start: { type: 'no-such-type' } } }

test('by its id: changed, set up, updated, reset, archived and restored', async () => {
  const { id } = await instances.create({ body: { flowKey: 'orders' } })
  const params = { id }
  expect(await instances.get({ params })).toMatchObject({ id, enabled: true, flow: { key: 'orders' } })
  expect(await instances.put({ params, body: { name: 'Mine' } })).toMatchObject({ customized: { name: true } })
  expect(await instances.patch({ params, body: { ordered: true } })).toMatchObject({ name: 'Mine', ordered: true })
  expect(await instances.setup({ params })).toMatchObject({ state: 'READY' })
  expect(await instances.updateToLatestFlow({ params })).toMatchObject({ outdated: false })
  expect(await instances.reset({ params, body: { name: true } })).toMatchObject({ name: 'Orders' })
  await instances.archive({ params })
  expect((await instances.list()).items).toEqual([])
  expect((await instances.list({ query: { includeArchived: true } })).items).toHaveLength(1)
  expect(await instances.restore({ params })).toMatchObject({ id, enabled: false })
})

test('by a query: made, changed, archived and restored', async () => {
  const made = await instances.createByQuery({ query, body: { parameters: { tone: 'kind' } } })
  expect(made).toMatchObject({ parameters: { tone: 'kind' } })
  expect(await instances.putByQuery({ query, body: { name: 'Mine' } })).toMatchObject({ id: made.id, name: 'Mine' })
  expect(await instances.patchByQuery({ query, body: { enabled: false } })).toMatchObject({ enabled: false })
  expect(await instances.getByQuery({ query })).toMatchObject({ id: made.id, name: 'Mine', enabled: false })
  await instances.archiveByQuery({ query })
  expect(await refusalKey(instances.getByQuery({ query }))).toBe('not_found')
  expect(await instances.restoreByQuery({ query })).toMatchObject({ id: made.id })
  const other = await instances.putByQuery({ query: { ...query, instanceKey: 'eu' }, body: { name: 'EU' } })
  expect(other).toMatchObject({ name: 'EU', instanceKey: 'eu' })
})

test('as flows of the layer below, found the same way, and exported', async () => {
  const { id } = await instances.create({ body: { flowKey: 'orders', instanceKey: 'eu', name: 'EU' } })
  await (await house.as('customer-y')).flowInstances.createByQuery({ query })
  const found = async (flows: Permea['flows'], extra: { userId?: string; instanceKey?: string } = {}) =>
    (await flows.list({ query: { layer: 'connection', ...extra } })).items.map((each) => each.id)
  expect(await found(customer.flows)).toEqual([id])
  expect(await found(house.admin.flows)).toHaveLength(2)
  expect(await found(house.admin.flows, { userId: 'customer-x' })).toEqual([id])
  expect(await found(house.admin.flows, { instanceKey: 'eu' })).toEqual([id])
  expect(await instances.export({ params: { id } })).toMatchObject({ name: 'EU', instanceKey: 'eu', nodes })
})

test('archiving makes nothing that is not there', async () => {
  expect(await refusalKey(instances.archiveByQuery({ query: { ...query, autoCreate: true } }))).toBe('not_found')
  expect((await instances.list({ query: { includeArchived: true } })).items).toEqual([])
})

test('who asks at the same moment gets the same one', async () => {
  const wish = { query: { ...query, autoCreate: true } }
  const made = await Promise.all(Array.from({ length: 8 }, () => instances.getByQuery(wish)))
  expect(new Set(made.map((each) => each.id)).size).toBe(1)
})

test('a place is taken by one that lives', async () => {
  const { id } = await instances.create({ body: { flowKey: 'orders' } })
  expect(await refusalKey(instances.create({ body: { flowKey: 'orders' } }))).toBe('already_exists')
  expect(await refusalKey(instances.createByQuery({ query }))).toBe('already_exists')
  await instances.archive({ params: { id } })
  await instances.createByQuery({ query })
  expect(await refusalKey(instances.restore({ params: { id } }))).toBe('already_exists')
  expect(await refusalKey(instances.restoreByQuery({ query: { id } }))).toBe('already_exists')
})

test('an archived one is not changed', async () => {
  const { id } = await instances.create({ body: { flowKey: 'orders' } })
  const params = { id }
  await instances.archive({ params })
  for (const call of [
    () => instances.put({ params, body: {} }),
    () => instances.patch({ params, body: {} }),
    () => instances.setup({ params }),
    () => instances.updateToLatestFlow({ params }),
    () => instances.reset({ params }),
    () => instances.putByQuery({ query: { id }, body: {} }),
    () => instances.patchByQuery({ query: { id }, body: {} }),
  ])
    expect(await refusalKey(call())).toBe('archived')
})

test('none is made of a flow that is archived', async () => {
  await house.admin.flows.archive({ params: { selector: 'orders' } })
  for (const call of [
    () => instances.create({ body: { flowKey: 'orders' } }),
    () => instances.getByQuery({ query: { ...query, autoCreate: true } }),
    () => instances.createByQuery({ query }),
  ])
    expect(await refusalKey(call())).toBe('archived')
})

test('nodes that make no sense are refused wherever they are given', async () => {
  const { id } = await instances.create({ body: { flowKey: 'orders' } })
  const params = { id }
  for (const call of [
    () => instances.create({ body: bad }),
    () => instances.put({ params, body: bad }),
    () => instances.patch({ params, body: bad }),
    () => instances.createByQuery({ query: { ...query, instanceKey: 'eu' }, body: bad }),
    () => instances.putByQuery({ query, body: bad }),
    () => instances.patchByQuery({ query, body: bad }),
  ])
    expect(await refusalKey(call())).toBe('invalid_flow')
})

test('a flow key must say which flow where several integrations have it', async () => {
  for (const key of ['slack', 'teams']) {
    await house.admin.integrations.create({ body: { key } })
    await house.admin.flows.create({ body: { key: 'twin', integrationKey: key, nodes } })
  }
  const twin = { flowKey: 'twin' }
  for (const call of [
    () => instances.list({ query: twin }),
    () => customer.flows.list({ query: { layer: 'connection', flowId: 'twin' } }),
    () => instances.create({ body: twin }),
    () => instances.getByQuery({ query: twin }),
    () => instances.createByQuery({ query: twin }),
    () => instances.putByQuery({ query: twin }),
    () => instances.patchByQuery({ query: twin }),
    () => instances.archiveByQuery({ query: twin }),
    () => instances.restoreByQuery({ query: twin }),
  ])
    expect(await refusalKey(call())).toBe('ambiguous_selector')
  const made = await instances.getByQuery({ query: { ...twin, integrationKey: 'slack', autoCreate: true } })
  expect(made).toMatchObject({ integrationKey: 'slack' })
  expect((await instances.list({ query: { integrationKey: 'teams' } })).items).toEqual([])
})

test('an admin says whose, where several customers have one', async () => {
  await instances.createByQuery({ query })
  await (await house.as('customer-y')).flowInstances.createByQuery({ query })
  expect(await refusalKey(house.admin.flowInstances.getByQuery({ query }))).toBe('ambiguous_selector')
  const named = await house.admin.flowInstances.getByQuery({ query: { ...query, userId: 'customer-y' } })
  expect(named.user).toMatchObject({ internalId: 'customer-y' })
  expect(await refusalKey(house.admin.flowInstances.create({ body: { nodes } }))).toBe('invalid_input')
})

test('an instance that cannot be set up says why', async () => {
  const trigger = { start: { type: 'app-event-trigger', config: { appEvent: { key: 'order-created' } } } }
  const { id } = await instances.create({ body: { name: 'Orders', nodes: trigger } })
  expect(await instances.get({ params: { id } })).toMatchObject({
    state: 'SETUP_FAILED',
    errors: [{ key: 'setup_failed', data: { nodeKey: 'start' } }],
  })
  await house.admin.appEventTypes.create({ body: { key: 'order-created' } })
  expect(await instances.setup({ params: { id } })).toMatchObject({ state: 'READY' })
  expect((await customer.appEventSubscriptions.list()).items).toMatchObject([{ isSubscribed: true }])
})
