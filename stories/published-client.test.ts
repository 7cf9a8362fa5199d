import {
  AppEventSubscriptionApiResponse,
  AppEventTypeApiResponse,
  BadRequestError,
  ConfigurationError,
  CustomerApiResponse,
  FlowApiResponse,
  FlowInstanceApiResponse,
  FlowNodeRunOutputWithoutDownstreamRunsSchema,
  FlowNodeRunRecordSchema,
  FlowNodeRunRecordWithoutOutputsDataSchema,
  FlowRunApiResponse,
  FlowRunState,
  HttpRequestMethod,
  IntegrationApiResponse,
  isMembraneError,
  MembraneClient,
  TenantSelfResponse,
} from '@membranehq/sdk'
import { answering, buildHouse, type House, type Received, type Receiver, startReceiver } from '@permea/testkit'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

// What the published JavaScript client does, pointed at this engine. Its own shapes say whether an answer fits.

let app: Receiver
let house: House
let admin: MembraneClient
let customer: MembraneClient

beforeEach(async () => {
  app = await startReceiver()
  house = await buildHouse({ appBaseUri: app.url })
  admin = await clientOf({ isAdmin: true })
  customer = await clientOf({ id: 'customer-x', name: 'Customer X', fields: { plan: 'free' } })
})

afterEach(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

async function clientOf(claims: Record<string, unknown>): Promise<MembraneClient> {
  return new MembraneClient({ token: await house.tokenOf(claims), apiUri: house.url })
}

/** The answer as the client's own shape reads it; throws where it does not fit. */
function fitting<T>(shape: { parse(value: unknown): T }, answer: unknown): T {
  return shape.parse(answer)
}

/** What the published React hooks send to change something: all of it, with fields that the client's types leave out. */
function whole(element: object, changes: object): never {
  return { ...element, ...changes } as never
}

/** The error of the client: its class is told by the type, what happened by the key. */
async function keyOf(call: Promise<unknown>): Promise<string | undefined> {
  const error: unknown = await call.then(
    () => expect.fail('it was not refused'),
    (reason: unknown) => reason,
  )
  if (!isMembraneError(error)) throw error
  return (error as { data: { key?: string } }).data.key
}

function echoNodes(path = '/echo') {
  return {
    start: { type: 'api-trigger', links: [{ key: 'post' }] },
    post: {
      type: 'api-request-to-your-app',
      config: { request: { uri: path, method: 'POST', body: { order: { $var: '$.input.order' } } } },
    },
  }
}

describe('tokens', () => {
  test('self is the customer of the token, created by it and refreshed by the next', async () => {
    const self = fitting(TenantSelfResponse, await customer.self.get())
    expect(self).toMatchObject({
      internalId: 'customer-x',
      name: 'Customer X',
      fields: { plan: 'free' },
      workspaceKey: house.workspace.key,
    })
    const renamed = await clientOf({ id: 'customer-x', name: 'Customer X Ltd' })
    expect(await renamed.self.get()).toMatchObject({ id: self.id, name: 'Customer X Ltd', fields: { plan: 'free' } })
  })

  test('credentials are stored by patch, and by the option of the constructor', async () => {
    expect(await customer.self.patch({ credentials: { apiKey: 'k-1' } })).toMatchObject({
      internalId: 'customer-x',
      credentials: { apiKey: 'k-1' },
    })
    const token = await house.tokenOf({ id: 'customer-x' })
    const withCredentials = new MembraneClient({ token, apiUri: house.url, credentials: { apiKey: 'k-2' } })
    await vi.waitUntil(async () => {
      const { credentials } = (await withCredentials.self.get()) as { credentials?: { apiKey?: string } }
      return credentials?.apiKey === 'k-2'
    })
    expect(await admin.customer('customer-x').get()).not.toHaveProperty('credentials')
  })

  test('a token minted with the workspace secret is a customer’s, or with no tenant key nobody’s', async () => {
    const { key, secret } = house.workspace
    const minted = { workspaceKey: key, workspaceSecret: secret, apiUri: house.url }
    const tenant = new MembraneClient({ ...minted, tenantKey: 'customer-y' })
    expect(fitting(TenantSelfResponse, await tenant.self.get())).toMatchObject({ internalId: 'customer-y' })

    const nobody = new MembraneClient(minted as ConstructorParameters<typeof MembraneClient>[0])
    expect(await nobody.self.get()).toMatchObject({ workspaceKey: key, isAdmin: false })
    expect((await nobody.flowInstances.find()).items).toEqual([])
    expect((await nobody.flowRuns.find({})).items).toEqual([])
    expect((await nobody.appEventSubscriptions.find()).items).toEqual([])
    expect(await keyOf(nobody.customers.find())).toBe('access_denied')

    await admin.flows.create({ key: 'of-a-customer', nodes: {} })
    await tenant.flowInstance({ flowKey: 'of-a-customer', autoCreate: true }).get()
    expect(await keyOf(nobody.flowInstance({ flowKey: 'of-a-customer' }).get())).toBe('not_found')

    const forged = new MembraneClient({ ...minted, workspaceSecret: 'another secret', tenantKey: 'customer-y' })
    expect(await keyOf(forged.self.get())).toBe('not_authenticated')
  })

  test('refusals are errors of the client with type, key and message', async () => {
    const refused = await admin
      .flow('nowhere')
      .get()
      .catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(BadRequestError)
    expect(refused).toMatchObject({
      isMembraneError: true,
      data: { type: 'bad_request', key: 'not_found', message: 'there is no flow "nowhere"' },
    })
    expect(await keyOf(new MembraneClient({ token: 'pat-unknown', apiUri: house.url }).self.get())).toBe(
      'not_authenticated',
    )
    const expired = await house.tokenOf({ id: 'customer-x' }, -60)
    expect(await keyOf(new MembraneClient({ token: expired, apiUri: house.url }).self.get())).toBe('not_authenticated')
    const invalid = await admin.flows
      .create({ key: 'bad', nodes: { a: { type: 'no-such-type' } } })
      .catch((error: unknown) => error)
    expect(invalid).toBeInstanceOf(ConfigurationError)
    expect(invalid).toMatchObject({ data: { key: 'invalid_flow', data: { problems: [{ nodeKey: 'a' }] } } })
  })

  test('a customer sees its own things, not those of others, and may not define any', async () => {
    await admin.appEventTypes.create({ key: 'order-created', name: 'Order Created' })
    await admin.flows.create({ key: 'echo', name: 'Echo', nodes: echoNodes() })
    const other = await clientOf({ id: 'customer-y' })
    const instance = await customer.flowInstance({ flowKey: 'echo', autoCreate: true }).get()
    const run = await customer.flowInstance(instance.id).startRun({ input: {} })
    const subscription = await customer
      .appEventSubscription({ appEventTypeKey: 'order-created', autoCreate: true })
      .get()
    await house.settle()

    expect((await customer.flowInstances.find()).items.map((each) => each.id)).toEqual([instance.id])
    for (const list of [
      await other.flowInstances.find(),
      await other.flowRuns.find({}),
      await other.appEventSubscriptions.find(),
    ])
      expect(list.items).toEqual([])
    const { id: customerId } = await customer.self.get()
    const hidden = [
      other.flowInstance(instance.id).get(),
      other.flowInstance(instance.id).disable(),
      other.flowInstance(instance.id).archive(),
      other.flowInstance({ flowKey: 'echo', userId: customerId }).get(),
      other.flowInstance(instance.id).startRun(),
      other.flowRun(run.id).get(),
      other.flowRun(run.id).getOutput(),
      other.flowRuns.find({ userId: customerId }),
      other.appEventSubscription(subscription.id).get(),
      other.appEventSubscription(subscription.id).archive(),
      other.customer('customer-x').get(),
    ]
    for (const key of await Promise.all(hidden.map(keyOf))) expect(key).toBe('not_found')
    const forbidden = [
      customer.customers.find(),
      customer.customers.create({ name: 'New' }),
      customer.customer('customer-x').patch({ name: 'Me' }),
      customer.appEventTypes.create({ key: 'mine', name: 'Mine' }),
      customer.appEventType('order-created').archive(),
      customer.flows.create({ key: 'mine' }),
      customer.flow('echo').patch({ name: 'Mine' }),
      customer.integrations.create({ key: 'mine' }),
    ]
    for (const key of await Promise.all(forbidden.map(keyOf))) expect(key).toBe('access_denied')
    expect(await customer.customer('customer-x').get()).toMatchObject({ id: customerId })
    expect((await customer.flows.find()).items.map((each) => each.key)).toEqual(['echo'])
  })
})

test('customers: created, found page by page, changed, archived and restored', async () => {
  const created = fitting(
    CustomerApiResponse,
    await admin.customers.create({ name: 'One', internalId: 'c-1', fields: { tier: 1 } }),
  )
  expect(created).toMatchObject({ name: 'One', internalId: 'c-1', fields: { tier: 1 } })
  expect(await keyOf(admin.customers.create({ name: 'Again', internalId: 'c-1' }))).toBe('already_exists')
  for (let number = 2; number <= 5; number += 1)
    await admin.customers.create({ name: `Number ${number}`, internalId: `c-${number}` })

  const page = await admin.customers.find({ limit: 3 })
  expect(page.items.map((each) => each.internalId)).toEqual(['c-5', 'c-4', 'c-3'])
  const rest = await admin.customers.find({ limit: 3, cursor: String(page.cursor) })
  expect(rest.items.map((each) => each.internalId)).toEqual(['c-2', 'c-1'])
  expect(rest.cursor).toBeUndefined()
  expect((await admin.customers.find({ search: 'number' })).items).toHaveLength(4)

  const bySelector = [created.id, 'c-1'].map((selector) => admin.customer(selector).get())
  for (const found of await Promise.all([...bySelector, admin.customer({ id: created.id }).get()]))
    expect(found.id).toBe(created.id)
  const patched = await admin.customer('c-1').patch({ fields: { tier: 2 } })
  expect(patched).toMatchObject({ name: 'One', fields: { tier: 2 } })
  expect(await admin.customer('c-1').put(whole(patched, { name: 'Uno' }))).toMatchObject({
    name: 'Uno',
    fields: { tier: 2 },
  })
  expect(await admin.customer({ id: created.id }).patch({ name: 'Eins' })).toMatchObject({ name: 'Eins' })

  await admin.customer('c-1').archive()
  expect((await admin.customers.find()).items.map((each) => each.internalId)).not.toContain('c-1')
  expect((await admin.customers.find({ includeArchived: true })).items.map((each) => each.internalId)).toContain('c-1')
  expect(await keyOf(admin.customer('c-1').patch({ name: 'Late' }))).toBe('archived')
  expect(await keyOf((await clientOf({ id: 'c-1' })).self.get())).toBe('access_denied')
  expect(await admin.customer('c-1').restore()).toMatchObject({ id: created.id, name: 'Eins' })
  await admin.customer({ id: created.id }).archive()
  await admin.customer({ id: created.id }).restore()
  expect(await (await clientOf({ id: 'c-1' })).self.get()).toMatchObject({ id: created.id })
})

test('findAll walks every page, from the literal cursor 0', async () => {
  const rows = Array.from({ length: 1001 }, (_, index) => ({ internalId: `bulk-${index}`, name: `Bulk ${index}` }))
  for (let at = 0; at < rows.length; at += 100)
    await Promise.all(rows.slice(at, at + 100).map((row) => house.admin.customers.create({ body: row })))
  const all = await admin.customers.findAll()
  expect(new Set(all.map((each) => each.internalId))).toEqual(new Set(rows.map((row) => row.internalId)))
  expect(all).toHaveLength(1001)
})

test('lists ignore what they do not know, and say so where a value is wrong', async () => {
  await admin.appEventTypes.create({ key: 'one', name: 'One' })
  await admin.appEventTypes.create({ key: 'two', name: 'Two' })
  const items = async (query: string) => ((await admin.get(`/app-event-types?${query}`)) as { items: unknown[] }).items
  expect(await items('limit=25&hash=12345&cursor=0')).toHaveLength(2)
  expect(await items('search=&cursor=&includeArchived=TRUE')).toHaveLength(2)
  expect(await items('limit=1')).toHaveLength(1)
  for (const query of ['limit=0', 'limit=1001', 'limit=x', 'cursor=nonsense', 'includeArchived=maybe'])
    expect(await keyOf(items(query))).toBe('invalid_input')
})

test('event types: every verb, with the whole element back in a PUT', async () => {
  const created = fitting(
    AppEventTypeApiResponse,
    await admin.appEventTypes.create({
      key: 'order-created',
      name: 'Order Created',
      schema: { type: 'object', properties: { orderId: { type: 'string' } } },
      example: { orderId: '123' },
      userIdFormula: { $var: '$.customerId' },
      subscribeRequest: { uri: '/hooks', method: 'post' as HttpRequestMethod, body: { url: { $var: '$.webhookUri' } } },
    }),
  )
  expect(created.globalWebhookUri).toBe(`${house.url}/webhooks/app-events/${created.webhookKey}`)
  expect((await admin.appEventTypes.find()).items.map((each) => each.id)).toEqual([created.id])
  expect((await admin.appEventTypes.findAll({ search: 'order' })).map((each) => each.key)).toEqual(['order-created'])
  const found = await admin.appEventType(created.id).get()
  expect(found).toEqual(await admin.appEventType('order-created').get())

  const renamed = await admin.appEventType('order-created').put(whole(found, { name: 'Order made' }))
  expect(renamed).toEqual({ ...found, name: 'Order made', revision: expect.any(String), updatedAt: expect.any(String) })
  expect(renamed.revision).not.toBe(found.revision)
  expect(await admin.appEventType('order-created').patch({ example: { orderId: '1' } })).toMatchObject({
    name: 'Order made',
    example: { orderId: '1' },
  })
  expect(await keyOf(admin.appEventTypes.create({ key: 'order-created', name: 'Orders' }))).toBe('already_exists')

  await admin.appEventType('order-created').archive()
  expect((await admin.appEventTypes.find()).items).toEqual([])
  expect(await keyOf(admin.appEventType('order-created').patch({ name: 'Late' }))).toBe('archived')
  const successor = await admin.appEventTypes.create({ key: 'order-created', name: 'Orders' })
  expect(await keyOf(admin.appEventType(created.id).restore())).toBe('already_exists')
  await admin.appEventType(successor.id).archive()
  expect(await admin.appEventType(created.id).restore()).toMatchObject({ id: created.id, name: 'Order made' })
})

test('event subscriptions: selected in the query, made on demand, subscribed, archived, restored', async () => {
  app.behave(answering(200, { id: 'hook-1' }))
  const type = await admin.appEventTypes.create({
    key: 'order-created',
    name: 'Order Created',
    subscribeRequest: { uri: '/hooks', method: HttpRequestMethod.POST, body: { url: { $var: '$.webhookUri' } } },
  })
  const selector = { appEventTypeKey: 'order-created' }
  expect(await keyOf(customer.appEventSubscription(selector).get())).toBe('not_found')
  const made = await customer.appEventSubscription({ ...selector, autoCreate: true }).get()
  await house.settle()
  const subscription = fitting(AppEventSubscriptionApiResponse, await customer.appEventSubscription(made.id).get())
  expect(subscription).toMatchObject({ id: made.id, isSubscribed: true, appEventTypeId: type.id })
  expect(app.received.map((request) => request.json)).toEqual([{ url: subscription.webhookUri }])

  expect(await customer.appEventSubscription(selector).create({})).toMatchObject({ id: made.id })
  expect(await customer.appEventSubscription(selector).put({})).toMatchObject({ id: made.id })
  expect(await customer.appEventSubscription(made.id).patch({})).toMatchObject({ id: made.id })
  const { id: customerId } = await customer.self.get()
  expect(await admin.appEventSubscription({ ...selector, userId: customerId }).get()).toMatchObject({ id: made.id })
  const second = await customer.appEventSubscription({ ...selector, instanceKey: 'eu', autoCreate: true }).get()
  expect(second).toMatchObject({ instanceKey: 'eu' })
  await house.settle()

  const find = async (query: Record<string, unknown>) =>
    (await admin.appEventSubscriptions.find(query)).items.map((each) => each.id)
  expect(await find({})).toEqual([second.id, made.id])
  expect(await find({ instanceKey: 'eu' })).toEqual([second.id])
  expect(await find({ id: made.id })).toEqual([made.id])
  expect(await find({ userId: 'customer-x', appEventTypeId: type.id, limit: 1 })).toEqual([second.id])
  expect(await find({ isSubscribed: false })).toEqual([])

  await customer.appEventSubscription(made.id).subscribe()
  expect(app.received).toHaveLength(3)
  await customer.appEventSubscription(selector).archive()
  await house.settle()
  expect(await find({})).toEqual([second.id])
  expect(await keyOf(customer.appEventSubscription(made.id).subscribe())).toBe('archived')
  const restored = fitting(AppEventSubscriptionApiResponse, await customer.appEventSubscription(selector).restore())
  await house.settle()
  expect(await customer.appEventSubscription(made.id).get()).toMatchObject({
    isSubscribed: true,
    webhookUri: restored.webhookUri,
  })
})

test('integrations and their flows', async () => {
  const slack = fitting(IntegrationApiResponse, await admin.integrations.create({ key: 'slack', name: 'Slack' }))
  expect((await admin.integrations.findAll()).map((each) => each.key)).toEqual(['slack'])
  expect(await admin.integration('slack').patch({ name: 'Slack!' })).toMatchObject({ id: slack.id, name: 'Slack!' })
  expect(await admin.integration(slack.id).get()).toMatchObject({ key: 'slack' })

  const universal = await admin.flows.create({ key: 'notify', name: 'Notify', nodes: echoNodes() })
  expect(await keyOf(admin.integration('slack').flow('notify').get())).toBe('not_found')
  const own = fitting(
    FlowApiResponse,
    await admin.integration('slack').flows.create({ key: 'notify', parentId: universal.id } as { key: string }),
  )
  expect(own).toMatchObject({ integrationKey: 'slack', universalFlowId: universal.id, isCustomized: false })
  expect((await admin.integration('slack').flows.list()).items.map((each) => each.id)).toEqual([own.id])
  const customized = fitting(
    FlowApiResponse,
    await admin
      .integration('slack')
      .flow('notify')
      .patch({ nodes: echoNodes('/slack') }),
  )
  expect(customized).toMatchObject({ isCustomized: true, customized: { nodes: true } })
  expect(customized.nodes?.post).toMatchObject({ isCustomized: true })
  expect(
    await admin
      .integration('slack')
      .flow('notify')
      .put(whole(customized, { name: 'N' })),
  ).toMatchObject({ name: 'N' })
  const reset = await admin.integration('slack').flow('notify').reset()
  expect(reset).toMatchObject({ isCustomized: false, name: 'Notify', nodes: echoNodes() })

  const selected = { key: 'notify', integrationKey: 'slack' }
  expect(await admin.flow(selected).get()).toMatchObject({ id: own.id })
  expect(await admin.flow('slack.notify').get()).toMatchObject({ id: own.id })
  expect(await admin.flow('notify').get()).toMatchObject({ id: universal.id })
  await admin.flow(selected).archive()
  expect(await admin.flow({ key: 'notify', integrationKey: 'slack' }).get()).toMatchObject({ id: universal.id })
  await admin.integration('slack').archive()
  expect(await keyOf(admin.integration('slack').patch({ name: 'Late' }))).toBe('archived')
  expect(await admin.integration('slack').restore()).toMatchObject({ id: slack.id })
})

test('flows: every verb, by key, by id and by an object', async () => {
  const created = fitting(FlowApiResponse, await admin.flows.create({ key: 'echo', name: 'Echo', nodes: echoNodes() }))
  expect(created).toMatchObject({ key: 'echo', enabled: true, nodes: echoNodes() })
  for (let number = 1; number <= 4; number += 1) await admin.flows.create({ key: `draft-${number}`, nodes: {} })
  expect((await admin.flows.find({ limit: 2 })).items.map((each) => each.key)).toEqual(['draft-4', 'draft-3'])
  expect(await admin.flows.findAll({ layer: 'universal' })).toHaveLength(5)
  expect(await admin.flows.findAll({ layer: 'integration' })).toEqual([])

  const found = await admin.flow(created.id).get()
  expect(found).toEqual(await admin.flow({ key: 'echo' }).get())
  expect(await admin.flow('echo').patch({ description: 'Sends it back' })).toMatchObject({ name: 'Echo' })
  const put = await admin.flow('echo').put(whole(found, { name: 'Echo 2' }))
  expect(put).toMatchObject({ name: 'Echo 2', description: 'Sends it back', nodes: echoNodes() })
  expect(await admin.flow({ key: 'echo' }).patch({ name: 'Echo 3' })).toMatchObject({ name: 'Echo 3' })
  expect(await admin.flow('echo').reset()).toMatchObject({ name: 'Echo 3' })

  await admin.flow('echo').archive()
  expect((await admin.flows.find({ search: 'echo' })).items).toEqual([])
  expect(await admin.flow('echo').get()).toMatchObject({ archivedAt: expect.any(String) })
  expect(await keyOf(admin.flow('echo').patch({ name: 'Late' }))).toBe('archived')
  const successor = await admin.flows.create({ key: 'echo', nodes: {} })
  expect(await keyOf(admin.flow(created.id).restore())).toBe('already_exists')
  await admin.flow(successor.id).archive()
  expect(await admin.flow({ id: created.id }).restore()).toMatchObject({ id: created.id, name: 'Echo 3' })
})

describe('flow instances', () => {
  test('are made on demand, once, enabled, changed, reset to their flow, archived and restored', async () => {
    await admin.flows.create({ key: 'echo', name: 'Echo', nodes: echoNodes() })
    const selector = { flowKey: 'echo' }
    expect(await keyOf(customer.flowInstance(selector).get())).toBe('not_found')
    const atOnce = await Promise.all(
      [1, 2, 3, 4].map(() => customer.flowInstance({ ...selector, autoCreate: true }).get()),
    )
    expect(new Set(atOnce.map((each) => each.id)).size).toBe(1)
    const instance = fitting(FlowInstanceApiResponse, await customer.flowInstance(selector).get())
    expect(instance).toMatchObject({ enabled: true, name: 'Echo', state: 'READY', nodes: echoNodes() })
    expect(instance.userId).toBe((await customer.self.get()).id)

    expect(await customer.flowInstance(instance.id).disable()).toMatchObject({ enabled: false })
    const find = async (query: Record<string, unknown>) =>
      (await admin.flowInstances.find(query)).items.map((each) => each.id)
    expect(await find({ enabled: false, flowKey: 'echo', userId: 'customer-x' })).toEqual([instance.id])
    expect(await find({ enabled: true })).toEqual([])
    expect(await customer.flowInstance(selector).enable()).toMatchObject({ enabled: true })

    const own = echoNodes('/own')
    const patched = fitting(
      FlowInstanceApiResponse,
      await customer.flowInstance(instance.id).patch({ name: 'Mine', nodes: own }),
    )
    expect(patched).toMatchObject({ isCustomized: true, customized: { name: true, nodes: true } })
    const put = await customer.flowInstance(instance.id).put(whole(patched, { parameters: { tone: 'kind' } }))
    expect(put).toMatchObject({ name: 'Mine', parameters: { tone: 'kind' }, nodes: patched.nodes })
    expect(await customer.flowInstance(selector).setup()).toMatchObject({ state: 'READY' })

    await admin.flow('echo').patch({ nodes: { ...echoNodes(), second: { type: 'api-trigger' } } })
    expect(await customer.flowInstance(instance.id).get()).toMatchObject({ outdated: true })
    const latest = await customer.flowInstance(selector).updateToLatestFlow()
    expect(Object.keys(latest.nodes ?? {}).sort()).toEqual(['post', 'second', 'start'])
    expect(latest.nodes?.post).toMatchObject(own.post)
    const reset = await customer.flowInstance(instance.id).reset({ allNodes: true })
    expect(reset).toMatchObject({ name: 'Mine', customized: { name: true } })
    expect(reset.nodes?.post).toEqual(echoNodes().post)
    expect(await customer.flowInstance(instance.id).reset()).toMatchObject({ name: 'Echo', isCustomized: false })

    await customer.flowInstance(selector).archive()
    expect(await keyOf(customer.flowInstance(selector).get())).toBe('not_found')
    expect(await keyOf(customer.flowInstance(instance.id).patch({ name: 'Late' }))).toBe('archived')
    expect(await customer.flowInstance(selector).restore()).toMatchObject({ id: instance.id, enabled: false })
    await customer.flowInstance(instance.id).delete()
    const successor = await customer.flowInstance(selector).create({})
    expect(successor.id).not.toBe(instance.id)
    expect(await keyOf(customer.flowInstance(instance.id).restore())).toBe('already_exists')
  })

  test('stand alone, and several of one flow by instance key', async () => {
    const alone = fitting(
      FlowInstanceApiResponse,
      await customer.flowInstances.create({ name: 'Alone', nodes: echoNodes() }),
    )
    expect(alone).toMatchObject({ name: 'Alone', enabled: true })
    expect(alone.flowId).toBeUndefined()
    const flow = await admin.flows.create({ key: 'echo', nodes: echoNodes() })
    const { id: userId } = await customer.self.get()
    const eu = await admin.flowInstances.create({ flowId: flow.id, userId, instanceKey: 'eu', enabled: false })
    const us = await customer.flowInstance({ flowKey: 'echo', instanceKey: 'us' }).create({})
    expect((await customer.flowInstances.find({ flowId: flow.id })).items.map((each) => each.id)).toEqual([
      us.id,
      eu.id,
    ])
    expect((await customer.flowInstances.find({ instanceKey: 'eu' })).items).toMatchObject([{ enabled: false }])
  })
})

describe('flow runs', () => {
  beforeEach(async () => {
    await admin.flows.create({ key: 'echo', name: 'Echo', nodes: echoNodes() })
  })

  test('start, are found by what they are, and show their node runs and outputs', async () => {
    app.behave(answering(200, { ok: true }))
    const instance = customer.flowInstance({ flowKey: 'echo', autoCreate: true })
    const started = fitting(FlowRunApiResponse, await instance.startRun({ nodeKey: 'start', input: { order: 7 } }))
    await house.settle()
    const { id: flowInstanceId } = await instance.get()
    const run = fitting(FlowRunApiResponse, await customer.flowRun(started.id).get())
    expect(run).toMatchObject({
      state: 'completed',
      startNodeKey: 'start',
      input: { order: 7 },
      connectionFlowId: flowInstanceId,
      flowInstanceId,
      launchedBy: { type: 'api-trigger' },
      nodes: { start: { state: 'completed', runs: 1 }, post: { state: 'completed', outputs: 1 } },
    })
    expect(app.received.map((request: Received) => request.json)).toEqual([{ order: 7 }])

    const created = fitting(FlowRunApiResponse, await customer.flowRuns.create({ flowInstanceId, input: {} }))
    await house.settle()
    const find = async (query: Record<string, unknown>) => (await admin.flowRuns.find(query)).items.map(({ id }) => id)
    expect(await find({ connectionFlowId: flowInstanceId })).toEqual([created.id, run.id])
    expect(await find({ state: 'completed', userId: 'customer-x', limit: 1 })).toEqual([created.id])
    expect(await find({ state: 'failed' })).toEqual([])
    expect(await find({ universalFlowId: run.universalFlowId, to: run.startTime })).toEqual([run.id])
    expect(await find({ from: run.endTime })).toEqual([created.id])

    const nodeRuns = await customer.flowRun(run.id).getNodeRuns('post')
    expect(nodeRuns.items).toHaveLength(1)
    const listed = FlowNodeRunRecordWithoutOutputsDataSchema.parse(nodeRuns.items[0])
    expect(nodeRuns.items[0].outputs[0]).not.toHaveProperty('data')
    const nodeRun = FlowNodeRunRecordSchema.parse(await customer.flowRun(run.id).getNodeRun('post', listed.id))
    expect(nodeRun).toMatchObject({ status: 'completed', input: { order: 7 }, upstreamRuns: [{ nodeKey: 'start' }] })
    const outputs = await customer.flowRun(run.id).getNodeOutputs('post')
    const output = FlowNodeRunOutputWithoutDownstreamRunsSchema.parse(outputs.items[0])
    expect(JSON.parse(output.data)).toEqual({ ok: true })
    expect(await customer.flowRun(run.id).getNodeOutput('post', output.id)).toEqual(outputs.items[0])
    expect(await customer.flowRun(run.id).getOutput()).toEqual(outputs)
  })

  test('show many node runs page by page, though the client leaves out the question mark', async () => {
    const nodes = {
      start: { type: 'api-trigger', links: [{ key: 'each' }] },
      each: { type: 'for-each-v2', config: { items: { $var: '$.input.items' }, rootNodeKey: 'inner' } },
      inner: { type: 'transform-data', config: { output: { $var: '$.input.each.item' } } },
    }
    const instance = await customer.flowInstances.create({ name: 'Many', nodes })
    const items = Array.from({ length: 150 }, (_, index) => index)
    const { id } = await customer.flowInstance(instance.id).startRun({ input: { items } })
    await house.settle()
    const first = await customer.flowRun(id).getNodeRuns('inner')
    expect(first.items).toHaveLength(100)
    const second = await customer.flowRun(id).getNodeRuns('inner', { cursor: first.cursor })
    expect(second.items).toHaveLength(50)
    const ids = [...first.items, ...second.items].map((each: { id: string }) => each.id)
    expect(new Set(ids).size).toBe(150)
    const outputs = await customer.flowRun(id).getNodeOutputs('inner', { cursor: first.cursor })
    expect(outputs.items).toHaveLength(50)
  })

  test('run to the end, or tell why they failed', async () => {
    const states: string[] = []
    const run = await customer
      .flowInstance({ flowKey: 'echo', autoCreate: true })
      .run({ input: { order: 1 }, onUpdate: ({ state }: { state: string }) => states.push(state) })
    expect(run).toMatchObject({ state: 'completed', input: { order: 1 } })
    expect(states.at(-1)).toBe('completed')

    app.behave(answering(400, { error: 'no' }))
    const failing = customer.flowInstance({ flowKey: 'echo' }).run({ input: { order: 2 } })
    await expect(failing).rejects.toThrow(/^Flow run fr_\w+ failed: node "post": the request was answered with 400$/)
    expect((await customer.flowRuns.find({ state: 'failed' } as never)).items).toHaveLength(1)
  })

  test('are stopped while your app keeps them waiting, and repeated', async () => {
    app.behave(() => {})
    const instance = customer.flowInstance({ flowKey: 'echo', autoCreate: true })
    const { id } = await instance.startRun({ input: { order: 3 } })
    await app.waitFor(1)
    await vi.waitUntil(async () => (await customer.flowRun(id).get()).state === FlowRunState.RUNNING)
    await customer.flowRun(id).stop()
    expect(await customer.flowRun(id).get()).toMatchObject({ state: 'stopped', endTime: expect.any(String) })
    expect(await keyOf(customer.flowRun(id).stop())).toBe('run_not_active')

    app.behave(answering(200))
    const repeated = await customer.flowRun(id).repeat()
    await house.settle()
    expect(await customer.flowRun(repeated.id).get()).toMatchObject({ state: 'completed', input: { order: 3 } })
  })
})
