import { createPermea, type Permea } from '@permea/sdk'
import {
  addWorkspace,
  answering,
  buildHouse,
  type House,
  type Receiver,
  refusalKey,
  startReceiver,
} from '@permea/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

let receiver: Receiver
let house: House
let endpoints: Permea['notificationEndpoints']

beforeEach(async () => {
  receiver = await startReceiver()
  house = await buildHouse({ clock: 'settable' })
  endpoints = house.admin.notificationEndpoints
})

afterEach(async () => {
  await house[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
})

const create = () => endpoints.create({ body: { url: `${receiver.url}/hook`, eventTypes: ['connection.created'] } })

async function tell(count = 1): Promise<void> {
  const connection = {
    id: 'con_1',
    integrationId: 'int_1',
    integrationKey: 'slack',
    name: 'Slack',
    disconnected: false,
    customerId: 'customer-123',
  }
  const about = { workspaceId: house.workspace.id, customerId: house.workspace.id, data: { connection } }
  await house.engine.database.transaction(async (tx) => {
    for (let told = 0; told < count; told += 1)
      await house.engine.notifications.connection(tx, 'connection.created', about)
  })
  await house.settle()
}

test('an endpoint shows its secret when it is made, and its settings always', async () => {
  const { secret, ...made } = await endpoints.create({
    body: {
      name: 'Backend',
      url: `${receiver.url}/hook`,
      eventTypes: ['alert.created'],
      headers: { 'X-Key': 'hidden' },
      concurrency: 3,
      throttlePerSecond: 5,
      ordered: true,
      scheduleMs: [1000, 2000],
    },
  })
  expect(secret).toMatch(/^whsec_/)
  expect(made).toMatchObject({
    name: 'Backend',
    headerNames: ['X-Key'],
    concurrency: 3,
    throttlePerSecond: 5,
    ordered: true,
    scheduleMs: [1000, 2000],
    state: 'active',
    isWorkspaceWebhook: false,
  })
  const params = { id: made.id }
  expect(await endpoints.get({ params })).toEqual(made)
  expect((await endpoints.list()).items).toEqual([made])
  const changed = await endpoints.put({
    params,
    body: { name: 'Other', headers: null, throttlePerSecond: null, scheduleMs: null, ordered: false },
  })
  expect(changed).toMatchObject({ name: 'Other', headerNames: [], ordered: false, eventTypes: ['alert.created'] })
  expect(changed).not.toHaveProperty('throttlePerSecond')
  expect(changed).not.toHaveProperty('scheduleMs')
  expect(JSON.stringify([changed, (await endpoints.list()).items])).not.toMatch(/hidden|whsec_/)
})

test('two changes at the same moment both count', async () => {
  const params = { id: (await create()).id }
  await Promise.all([
    endpoints.patch({ params, body: { name: 'New name' } }),
    endpoints.patch({ params, body: { eventTypes: ['alert.created'] } }),
    endpoints.patch({ params, body: { concurrency: 7 } }),
  ])
  const now = await endpoints.get({ params })
  expect(now).toMatchObject({ name: 'New name', eventTypes: ['alert.created'], concurrency: 7 })
})

test('while it is paused what comes is kept; resumed, it gets everything', async () => {
  const params = { id: (await create()).id }
  expect(await endpoints.pause({ params })).toMatchObject({ state: 'paused', pausedReason: 'paused by hand' })
  await tell(5)
  await house.advance(3_600_000)
  expect(receiver.received).toEqual([])
  expect(await endpoints.resume({ params })).toMatchObject({ state: 'active' })
  await receiver.waitFor(5)
  await house.settle()
  expect((await house.admin.deliveries.list({ query: { state: 'succeeded' } })).items).toHaveLength(5)
  expect(receiver.received).toHaveLength(5)
})

test('a lower concurrency counts for what waits already', async () => {
  const params = { id: (await create()).id }
  await endpoints.pause({ params })
  await tell(20)
  await endpoints.patch({ params, body: { concurrency: 2 } })
  let atOnce = 0
  let most = 0
  receiver.behave(async (request, response) => {
    atOnce += 1
    most = Math.max(most, atOnce)
    await new Promise((resolve) => setImmediate(resolve))
    atOnce -= 1
    await answering(200)(request, response)
  })
  await endpoints.resume({ params })
  await receiver.waitFor(20)
  await house.settle()
  expect(most).toBeLessThanOrEqual(2)
})

test('an archived endpoint is shown where asked for, and refuses everything', async () => {
  receiver.behave(answering(500))
  const params = { id: (await create()).id }
  await endpoints.patch({ params, body: { scheduleMs: [] } })
  await tell()
  const [delivery] = (await house.admin.deliveries.list()).items
  await endpoints.archive({ params })
  await endpoints.archive({ params })
  expect((await endpoints.list()).items).toEqual([])
  const archived = (await endpoints.list({ query: { includeArchived: true } })).items
  expect(archived).toMatchObject([{ id: params.id, state: 'archived' }])
  for (const call of [
    () => endpoints.patch({ params, body: { name: 'x' } }),
    () => endpoints.put({ params, body: { name: 'x' } }),
    () => endpoints.pause({ params }),
    () => endpoints.resume({ params }),
    () => endpoints.rotateSecret({ params, body: {} }),
    () => endpoints.test({ params, body: {} }),
    () => house.admin.deliveries.retry({ params: { id: delivery?.id ?? '' } }),
    () => house.admin.deliveries.message({ params: { id: delivery?.id ?? '' } }),
    () => house.admin.deliveries.acknowledge({ params: { id: delivery?.id ?? '' }, body: {} }),
  ])
    expect(await refusalKey(call())).toBe('archived')
  expect(receiver.received).toHaveLength(1)
})

test('a sample that is not taken is kept, shown with its attempt, and can be sent again', async () => {
  const params = { id: (await create()).id }
  receiver.behave(answering(503))
  const { deliveryId, attempt } = await endpoints.test({ params, body: { eventType: 'flowRun.failed' } })
  expect(attempt).toMatchObject({ outcome: 'rejected', httpStatus: 503, trigger: 'manual' })
  const delivery = { id: deliveryId }
  expect(await house.admin.deliveries.get({ params: delivery })).toMatchObject({ state: 'cancelled', attemptsMade: 0 })
  receiver.behave(answering(200))
  await house.admin.deliveries.retry({ params: delivery })
  expect(await house.admin.deliveries.get({ params: delivery })).toMatchObject({ state: 'succeeded', attemptsMade: 0 })
  const { items } = await house.admin.deliveries.listAttempts({ params: delivery })
  expect(items.map((each) => each.httpStatus)).toEqual([200, 503])
  expect((await house.admin.eventCatalogue.list()).items).toHaveLength(12)
})

describe('the endpoint of the workspace’s own webhook', () => {
  const workspace = () => house.admin.workspaces.get({ params: { id: house.workspace.key } })
  const patchWorkspace = (body: Parameters<Permea['workspaces']['patch']>[0]['body']) =>
    house.admin.workspaces.patch({ params: { id: house.workspace.key }, body })

  test('and the workspace change together, whichever is changed', async () => {
    await expect(patchWorkspace({ webhookUri: 'https://a:b@example.com' })).rejects.toThrow(/webhookUri.*password/)
    await patchWorkspace({ webhookUri: `${receiver.url}/one`, enabledWebhookEvents: ['alert.created'] })
    const [endpoint] = (await endpoints.list()).items
    expect(endpoint).toMatchObject({ isWorkspaceWebhook: true, url: `${receiver.url}/one` })
    const params = { id: endpoint?.id ?? '' }
    await endpoints.patch({ params, body: { url: `${receiver.url}/two`, eventTypes: ['flowRun.failed'] } })
    expect(await workspace()).toMatchObject({
      webhookUri: `${receiver.url}/two`,
      enabledWebhookEvents: ['flowRun.failed'],
    })
    await patchWorkspace({ webhookUri: `${receiver.url}/three` })
    expect(await endpoints.get({ params })).toMatchObject({
      url: `${receiver.url}/three`,
      eventTypes: ['flowRun.failed'],
    })
    await endpoints.archive({ params })
    expect((await workspace()).webhookUri).toBeUndefined()
  })

  test('is one, however many set it at the same moment, and no change of the workspace is lost', async () => {
    await Promise.all([
      patchWorkspace({ webhookUri: `${receiver.url}/a` }),
      patchWorkspace({ name: 'New name' }),
      patchWorkspace({ webhookUri: `${receiver.url}/b`, enabledWebhookEvents: ['alert.created'] }),
      patchWorkspace({ type: 'production' }),
    ])
    const { items } = await endpoints.list()
    expect(items).toHaveLength(1)
    expect(await workspace()).toMatchObject({
      name: 'New name',
      type: 'production',
      webhookUri: items[0]?.url,
      enabledWebhookEvents: ['alert.created'],
    })
    expect(items[0]?.eventTypes).toEqual(['alert.created'])
  })
})

test('another workspace sees and changes nothing of it', async () => {
  receiver.behave(answering(500))
  const params = { id: (await create()).id }
  await endpoints.patch({ params, body: { scheduleMs: [] } })
  await tell()
  const delivery = { id: (await house.admin.deliveries.list()).items[0]?.id ?? '' }
  const replay = await house.admin.replays.create({ body: { destinationId: params.id, ratePerSecond: 0.1 } })
  const alert = { id: (await house.admin.alerts.list()).items[0]?.id ?? '' }
  expect(await house.admin.alerts.get({ params: alert })).toMatchObject({ type: 'webhook_endpoint_failing' })

  const other = await addWorkspace(house.engine, house.clock, null)
  const token = await house.engine.tokens.sign(other, { isAdmin: true }, 3600)
  const stranger = createPermea({ baseUrl: house.url, token })
  for (const list of [
    stranger.notificationEndpoints.list(),
    stranger.deliveries.list(),
    stranger.deliveries.list({ query: { destinationId: params.id } }),
    stranger.replays.list(),
    stranger.alerts.list(),
    stranger.alerts.list({ query: { id: alert.id } }),
  ])
    expect((await list).items).toEqual([])
  for (const call of [
    () => stranger.notificationEndpoints.get({ params }),
    () => stranger.notificationEndpoints.patch({ params, body: { name: 'x' } }),
    () => stranger.notificationEndpoints.put({ params, body: { name: 'x' } }),
    () => stranger.notificationEndpoints.archive({ params }),
    () => stranger.notificationEndpoints.pause({ params }),
    () => stranger.notificationEndpoints.resume({ params }),
    () => stranger.notificationEndpoints.rotateSecret({ params, body: {} }),
    () => stranger.notificationEndpoints.test({ params, body: {} }),
    () => stranger.deliveries.get({ params: delivery }),
    () => stranger.deliveries.listAttempts({ params: delivery }),
    () => stranger.deliveries.retry({ params: delivery }),
    () => stranger.replays.create({ body: { destinationId: params.id } }),
    () => stranger.replays.get({ params: { id: replay.id } }),
    () => stranger.replays.cancel({ params: { id: replay.id } }),
    () => stranger.alerts.get({ params: alert }),
    () => stranger.alerts.resolve({ params: alert }),
  ])
    expect(await refusalKey(call())).toBe('not_found')
  expect(receiver.received).toHaveLength(1)
  expect(await house.admin.replays.cancel({ params: { id: replay.id } })).toMatchObject({ state: 'cancelled' })
  expect(await house.admin.alerts.resolve({ params: alert })).toMatchObject({ status: 'resolved' })
  // The job waits for its next turn by the clock.
  house.clock.advance(60_000)
})

test('a token that is nobody’s makes no endpoint', async () => {
  const nobody = createPermea({ baseUrl: house.url, token: await house.tokenOf({}) })
  expect(await refusalKey(nobody.notificationEndpoints.create({ body: { url: receiver.url } }))).toBe('access_denied')
})
