import { type Permea, sendEvents } from '@permea/sdk'
import { buildHouse, type House, refusalKey } from '@permea/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'

let house: House
let customer: Permea
let webhookUri: string

beforeEach(async () => {
  house = await buildHouse()
  customer = await house.as('customer-x')
  await house.admin.appEventTypes.create({ body: { key: 'order-created', name: 'Order Created' } })
  await house.admin.flows.create({
    body: {
      key: 'orders',
      nodes: { start: { type: 'app-event-trigger', config: { appEvent: { key: 'order-created' } } } },
    },
  })
  await customer.flowInstances.getByQuery({ query: { flowKey: 'orders', autoCreate: true } })
  webhookUri = (await customer.appEventSubscriptions.list()).items[0]?.webhookUri ?? ''
})

afterEach(() => house[Symbol.asyncDispose]())

test('events are found by type, stream, customer, text and time', async () => {
  const first = (await sendEvents(webhookUri, { orderId: 'a-1' })).id ?? ''
  const { datetime } = await customer.appEvents.get({ params: { id: first } })
  const second = (await sendEvents(webhookUri, { orderId: 'b-2' })).id ?? ''
  await house.settle()
  const ids = async (query: Parameters<Permea['appEvents']['list']>[0] = {}) =>
    (await house.admin.appEvents.list(query)).items.map((each) => each.id)
  const { appEventSubscriptionId } = await customer.appEvents.get({ params: { id: second } })
  expect(await ids()).toEqual([second, first])
  expect(await ids({ query: { limit: 1 } })).toEqual([second])
  expect(await ids({ query: { search: 'a-1' } })).toEqual([first])
  expect(await ids({ query: { id: first } })).toEqual([first])
  expect(await ids({ query: { appEventTypeId: 'order-created', userId: 'customer-x' } })).toEqual([second, first])
  expect(await ids({ query: { appEventSubscriptionId, to: new Date(datetime) } })).toEqual([first])
  expect(await ids({ query: { endDatetime: new Date(Date.parse(datetime) - 1) } })).toEqual([])
  expect(await ids({ query: { startDatetime: new Date(datetime) } })).toEqual([second, first])
  expect(await ids({ query: { instanceKey: 'eu' } })).toEqual([])
  const other = await house.as('customer-y')
  expect((await other.appEvents.list()).items).toEqual([])
  expect(await refusalKey(other.appEvents.get({ params: { id: first } }))).toBe('not_found')
})

test('a replay launches the flows again, and is refused while the customer is archived', async () => {
  const id = (await sendEvents(webhookUri, { orderId: 'a-1' })).id ?? ''
  await house.settle()
  const params = { id }
  const { launchedFlowRunIds } = await customer.appEvents.replay({ params })
  await house.settle()
  const event = await customer.appEvents.get({ params })
  expect(event.launchedFlowRuns.map((run) => run.state)).toEqual(['completed', 'completed'])
  expect(event.launchedFlowRunIds).toContain(launchedFlowRunIds[0])

  await house.admin.customers.archive({ params: { selector: 'customer-x' } })
  expect(await refusalKey(house.admin.appEvents.replay({ params }))).toBe('archived')
})
