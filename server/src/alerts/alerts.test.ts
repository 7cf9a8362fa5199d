import { answering, buildHouse, type House, type Receiver, startReceiver } from '@permea/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Condition } from './alert.ts'

let house: House
let receiver: Receiver

beforeEach(async () => {
  receiver = await startReceiver()
  house = await buildHouse({ clock: 'settable' })
})

afterEach(async () => {
  await house[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
})

const condition = (): Condition => ({
  workspaceId: house.workspace.id,
  key: 'flow_failing:of a test',
  type: 'flow_failing',
  severity: 'warning',
  description: 'The last 5 runs of a flow failed',
  customerId: null,
  contextKey: null,
  details: null,
})

const raise = () => house.engine.database.transaction((tx) => house.engine.alerts.raise(tx, condition()))
const told = async () => (await house.admin.deliveries.list({ query: { eventType: 'alert.created' } })).items.length

test('raised, it is told of once; bumped while it lasts, not again; after it was resolved, once more', async () => {
  await house.admin.notificationEndpoints.create({
    body: { url: receiver.url, eventTypes: ['alert.created'] },
  })
  await raise()
  expect(await told()).toBe(1)
  await raise()
  expect(await told()).toBe(1)
  await house.engine.alerts.resolve(house.engine.database.db, house.workspace.id, condition().key)
  await raise()
  expect(await told()).toBe(2)
  expect((await house.admin.alerts.list()).items).toHaveLength(1)
})

test('raised many times at the same moment, it is one alert, told of once', async () => {
  await house.admin.notificationEndpoints.create({ body: { url: receiver.url, eventTypes: ['alert.created'] } })
  for (const episode of [1, 2]) {
    await Promise.all(Array.from({ length: 20 }, raise))
    expect(await told()).toBe(episode)
    await house.engine.alerts.resolve(house.engine.database.db, house.workspace.id, condition().key)
  }
  expect((await house.admin.alerts.list()).items).toHaveLength(1)
})

test('resolved by hand it is over; where its condition is still there, it comes back', async () => {
  await raise()
  const [alert] = (await house.admin.alerts.list()).items
  const params = { id: alert?.id ?? '' }
  expect(await house.admin.alerts.resolve({ params })).toMatchObject({
    status: 'resolved',
    resolvedAt: house.clock.now().toISOString(),
  })
  await house.advance(1000)
  await raise()
  const again = await house.admin.alerts.get({ params })
  expect(again).toMatchObject({ status: 'ongoing', lastSeenAt: house.clock.now().toISOString() })
  expect(again).not.toHaveProperty('resolvedAt')
  expect(again.createdAt).toBe(alert?.createdAt)
})

describe('what opens, bumps and ends an alert of type', () => {
  const MINUTE = 60_000
  const ongoing = async () => {
    await house.engine.lookAfterAlerts()
    const { items } = await house.admin.alerts.list({ query: { status: 'ongoing' } })
    return items.map(({ type, severity, contextKey, lastSeenAt }) => ({ type, severity, contextKey, lastSeenAt }))
  }
  const now = () => house.clock.now().toISOString()

  const posting = {
    start: { type: 'api-trigger', links: [{ key: 'post' }] },
    post: { type: 'custom-http-request', config: { request: { uri: { $var: '$.input.start.uri' }, method: 'POST' } } },
  }
  const run = async (flowInstanceId: string) => {
    const customer = await house.as('customer-x')
    return customer.flowRuns.create({ body: { flowInstanceId, input: { uri: `${receiver.url}/flow` } } })
  }

  test('flow_failing: five failures in a row, each further one, a success', async () => {
    const customer = await house.as('customer-x')
    const { id } = await customer.flowInstances.create({ body: { name: 'Posting', nodes: posting } })
    const failing = { type: 'flow_failing', severity: 'warning', contextKey: id }
    receiver.behave(answering(404))
    for (let failures = 1; failures <= 4; failures += 1) {
      await run(id)
      await house.settle()
    }
    expect(await ongoing()).toEqual([])
    await run(id)
    await house.settle()
    expect(await ongoing()).toEqual([{ ...failing, lastSeenAt: now() }])
    await house.advance(MINUTE)
    await run(id)
    await house.settle()
    expect(await ongoing()).toEqual([{ ...failing, lastSeenAt: now() }])
    receiver.behave(answering(200))
    await run(id)
    await house.settle()
    expect(await ongoing()).toEqual([])
  })

  test('queue_backlog: runs that wait five minutes, waiting on, their start', async () => {
    const customer = await house.as('customer-x')
    const { id } = await customer.flowInstances.create({ body: { name: 'Slow', nodes: posting, concurrency: 1 } })
    const answers: (() => void)[] = []
    receiver.behave((_request, response) => {
      answers.push(() => response.writeHead(200).end())
    })
    await run(id)
    await run(id)
    await receiver.waitFor(1)
    house.clock.advance(4 * MINUTE)
    expect(await ongoing()).toEqual([])
    house.clock.advance(2 * MINUTE)
    const [backlog] = await ongoing()
    expect(backlog).toMatchObject({ type: 'queue_backlog', severity: 'warning', lastSeenAt: now() })
    house.clock.advance(60 * MINUTE)
    expect(await ongoing()).toMatchObject([{ type: 'queue_backlog', severity: 'critical', lastSeenAt: now() }])
    answers[0]?.()
    await receiver.waitFor(2)
    answers[1]?.()
    await house.settle()
    expect(await ongoing()).toEqual([])
  })

  test('subscription_failed: an application that does not take its webhook, each further try, one that it takes', async () => {
    receiver.behave(answering(500))
    await house.admin.appEventTypes.create({
      body: {
        key: 'order-created',
        name: 'Order created',
        subscribeRequest: { uri: `${receiver.url}/subscribe`, method: 'POST' },
      },
    })
    const nodes = { trigger: { type: 'app-event-trigger', config: { appEvent: { key: 'order-created' } } } }
    await house.admin.flows.create({ body: { key: 'orders', name: 'Orders', nodes } })
    const customer = await house.as('customer-x')
    await customer.flowInstances.getByQuery({ query: { flowKey: 'orders', autoCreate: true } })
    await house.settle()
    for (let hours = 0; hours < 30; hours += 1) await house.advance(60 * MINUTE)
    expect(await ongoing()).toMatchObject([{ type: 'subscription_failed', severity: 'warning' }])
    receiver.behave(answering(200))
    for (let hours = 0; hours < 24; hours += 1) await house.advance(60 * MINUTE)
    expect(await ongoing()).toEqual([])
  })

  test('webhook_endpoint_failing and webhook_endpoint_paused: what is given up, what is gone, its resumption', async () => {
    receiver.behave(answering(500))
    const { id } = await house.admin.notificationEndpoints.create({
      body: { url: receiver.url, eventTypes: ['flowRun.completed'], scheduleMs: [] },
    })
    const customer = await house.as('customer-x')
    const nodes = { start: { type: 'api-trigger' } }
    const flow = await customer.flowInstances.create({ body: { name: 'Short', nodes } })
    await run(flow.id)
    await house.settle()
    const failing = { type: 'webhook_endpoint_failing', severity: 'warning', contextKey: id }
    expect(await ongoing()).toEqual([{ ...failing, lastSeenAt: now() }])
    await house.advance(MINUTE)
    receiver.behave(answering(410))
    await run(flow.id)
    await house.settle()
    expect((await ongoing()).map((alert) => alert.type).sort()).toEqual([
      'webhook_endpoint_failing',
      'webhook_endpoint_paused',
    ])
    receiver.behave(answering(200))
    await house.admin.notificationEndpoints.resume({ params: { id } })
    expect(await ongoing()).toEqual([])
  })

  test('connection_disconnected: whoever keeps connections raises and resolves it', async () => {
    const about = { ...condition(), key: 'connection_disconnected:con_1', type: 'connection_disconnected' as const }
    await house.engine.database.transaction((tx) => house.engine.alerts.raise(tx, about))
    expect(await ongoing()).toMatchObject([{ type: 'connection_disconnected' }])
    await house.engine.alerts.resolve(house.engine.database.db, house.workspace.id, about.key)
    expect(await ongoing()).toEqual([])
  })
})
