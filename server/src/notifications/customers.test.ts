import type { Permea } from '@permea/sdk'
import { buildHouse, type House, type Receiver, refusalKey, startReceiver } from '@permea/testkit'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { fromWire } from '../platform/ids.ts'

let receiver: Receiver
let house: House
let acme: Permea
let globex: Permea

beforeAll(async () => {
  receiver = await startReceiver()
  house = await buildHouse({ clock: 'settable' })
  acme = await house.as('acme')
  globex = await house.as('globex')
})
afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
})
beforeEach(() => receiver.received.splice(0))

const idOf = async (customer: Permea) => (await customer.customers.self()).id ?? ''
const at = (path: string) => receiver.received.filter((each) => each.path === path)

/** A connection of this customer was made, as the workspace's endpoints and the customer's are told. */
async function tell(customer: Permea, name: string): Promise<void> {
  const customerId = await idOf(customer)
  const uuid = fromWire('cus', customerId) ?? ''
  const connection = {
    id: 'con_1',
    integrationId: 'int_1',
    integrationKey: 'crm',
    name,
    disconnected: false,
    customerId,
  }
  const about = { workspaceId: house.workspace.id, customerId: uuid, data: { connection } }
  await house.engine.database.transaction((tx) =>
    house.engine.notifications.connection(tx, 'connection.created', about),
  )
  await house.settle()
}

test('a customer’s endpoint hears of that customer, the workspace’s of all', async () => {
  const body = { eventTypes: ['connection.created' as const] }
  const own = await acme.notificationEndpoints.create({ body: { ...body, url: `${receiver.url}/acme` } })
  expect(own).toMatchObject({ tenantId: await idOf(acme), secret: expect.stringMatching(/^whsec_/) })
  await globex.notificationEndpoints.create({ body: { ...body, url: `${receiver.url}/globex` } })
  await house.admin.notificationEndpoints.create({ body: { ...body, url: `${receiver.url}/all` } })
  await tell(acme, 'One')
  await tell(globex, 'Two')
  expect([at('/acme'), at('/globex'), at('/all')].map((each) => each.length)).toEqual([1, 1, 2])
  expect(at('/acme')[0]?.body).toContain('"One"')
})

test('what goes to the workspace is not a customer’s to see, also where it is about the customer', async () => {
  const seen = (await acme.deliveries.list()).items
  expect(seen).toHaveLength(1)
  expect((await house.admin.deliveries.list()).items).toHaveLength(4)
  const own = seen.map((each) => each.id)
  for (const { id } of (await house.admin.deliveries.list()).items.filter((each) => !own.includes(each.id)))
    for (const call of [
      () => acme.deliveries.get({ params: { id } }),
      () => acme.deliveries.listAttempts({ params: { id } }),
      () => acme.deliveries.retry({ params: { id } }),
    ])
      expect(await refusalKey(call())).toBe('not_found')
  const params = { id: own[0] ?? '' }
  expect((await acme.deliveries.get({ params })).attempts).toMatchObject([{ httpStatus: 200 }])
  expect(await acme.deliveries.retry({ params })).toMatchObject({ attempt: { trigger: 'manual', httpStatus: 200 } })
  expect((await acme.deliveries.listAttempts({ params })).items).toHaveLength(2)
})

test('nobody sees or changes another’s endpoint; an admin does, and makes them for customers', async () => {
  const [own] = (await acme.notificationEndpoints.list()).items
  const params = { id: own?.id ?? '' }
  for (const call of [
    () => globex.notificationEndpoints.get({ params }),
    () => globex.notificationEndpoints.patch({ params, body: { url: `${receiver.url}/stolen` } }),
    () => globex.notificationEndpoints.put({ params, body: {} }),
    () => globex.notificationEndpoints.archive({ params }),
    () => globex.notificationEndpoints.rotateSecret({ params, body: {} }),
    () => globex.notificationEndpoints.pause({ params }),
    () => globex.notificationEndpoints.resume({ params }),
    () => globex.notificationEndpoints.test({ params, body: {} }),
  ])
    expect(await refusalKey(call())).toBe('not_found')
  const query = { tenantId: await idOf(acme) }
  expect(await refusalKey(globex.notificationEndpoints.list({ query }))).toBe('not_found')
  expect((await house.admin.notificationEndpoints.list({ query })).items.map((each) => each.id)).toEqual([params.id])
  expect((await house.admin.notificationEndpoints.list()).items.map((each) => each.tenantId)).toEqual([undefined])
  const body = { url: `${receiver.url}/made`, tenantId: 'acme' }
  const made = await house.admin.notificationEndpoints.create({ body })
  expect((await acme.notificationEndpoints.list()).items.map((each) => each.id)).toEqual([made.id, params.id])
  await acme.notificationEndpoints.archive({ params: { id: made.id } })
})

test('alerts are not for customers, in whichever way they are asked for', async () => {
  const [own] = (await acme.notificationEndpoints.list()).items
  const params = { id: own?.id ?? '' }
  const eventTypes = ['alert.created' as const]
  for (const call of [
    () => acme.notificationEndpoints.create({ body: { url: receiver.url, eventTypes } }),
    () => acme.notificationEndpoints.patch({ params, body: { eventTypes } }),
    () => acme.notificationEndpoints.test({ params, body: { eventType: 'alert.created' } }),
    () => house.admin.notificationEndpoints.create({ body: { url: receiver.url, eventTypes, tenantId: 'acme' } }),
  ])
    expect(await refusalKey(call())).toBe('invalid_input')
  const { attempt } = await acme.notificationEndpoints.test({ params, body: {} })
  expect(attempt).toMatchObject({ httpStatus: 200 })
  expect(at('/acme')).toHaveLength(1)
})

test('runs of flows are told to the customer whose they are', async () => {
  const eventTypes = ['flowRun.completed' as const]
  await globex.notificationEndpoints.create({ body: { url: `${receiver.url}/runs`, eventTypes } })
  await house.admin.flows.create({ body: { key: 'empty', name: 'Empty', nodes: { start: { type: 'api-trigger' } } } })
  for (const customer of [acme, globex]) {
    const query = { flowKey: 'empty', autoCreate: 'true' } as const
    const { id } = await customer.flowInstances.getByQuery({ query })
    await customer.flowInstances.patch({ params: { id }, body: { enabled: true } })
    await customer.flowRuns.create({ body: { flowInstanceId: id } })
    await house.settle()
  }
  expect(at('/runs')).toHaveLength(1)
})
