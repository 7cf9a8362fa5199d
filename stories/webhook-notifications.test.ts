import type { Permea } from '@permea/sdk'
import { sendEvents } from '@permea/sdk'
import { answering, buildHouse, type House, type Receiver, startReceiver, until } from '@permea/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Notification, startWebhookApp, type WebhookApp } from './webhook-app.ts'

// The seed on webhook notifications, told as it is written there.

type EventType = Parameters<Permea['notificationEndpoints']['create']>[0]['body']['eventTypes'] extends
  | (infer T)[]
  | undefined
  ? T
  : never

const ALL: EventType[] = [
  'connection.created',
  'connection.disconnected',
  'connection.reconnected',
  'connection.deleted',
  'flowRun.queued',
  'flowRun.started',
  'flowRun.completed',
  'flowRun.failed',
  'flowRun.stopped',
  'alert.created',
]

let app: WebhookApp
/** Where the flows of the story post to. */
let farEnd: Receiver
let house: House

beforeEach(async () => {
  app = await startWebhookApp()
  farEnd = await startReceiver()
  house = await buildHouse()
})

afterEach(async () => {
  await house[Symbol.asyncDispose]()
  await farEnd[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

/** As in the seed: an address and what shall be sent there. The secret is asked for anew, since it is shown only once. */
async function configure(enabledWebhookEvents: EventType[]) {
  const params = { id: house.workspace.key }
  await house.admin.workspaces.patch({ params, body: { webhookUri: app.url, enabledWebhookEvents } })
  const { items } = await house.admin.notificationEndpoints.list()
  expect(items).toMatchObject([{ isWorkspaceWebhook: true, url: app.url, eventTypes: enabledWebhookEvents }])
  const id = items[0]?.id ?? ''
  const { secret } = await house.admin.notificationEndpoints.rotateSecret({
    params: { id },
    body: { overlapSeconds: 0 },
  })
  app.trust(secret ?? '')
  return id
}

/** A flow of the integration slack that posts each order to the far end; gives how to send it orders. */
async function ordersFlow(customerName = 'customer-123') {
  const type = await house.admin.appEventTypes.create({ body: { key: 'order-created', name: 'Order created' } })
  await house.admin.integrations.create({ body: { key: 'slack' } })
  const flow = await house.admin.flows.createOfIntegration({
    params: { integrationSelector: 'slack' },
    body: {
      key: 'orders',
      nodes: {
        trigger: { type: 'app-event-trigger', config: { appEvent: { key: type.key } }, links: [{ key: 'post' }] },
        post: {
          type: 'custom-http-request',
          config: { request: { uri: `${farEnd.url}/orders`, method: 'POST', body: { $var: '$.input.trigger' } } },
        },
      },
    },
  })
  const customer = await house.as(customerName)
  const instance = await customer.flowInstances.getByQuery({
    query: { flowKey: 'orders', integrationKey: 'slack', autoCreate: true },
  })
  const token = await house.tokenOf({ id: customerName })
  return {
    flow,
    instance,
    customer,
    send: (events: object | object[]) => sendEvents(type.globalWebhookUri, events, { token }),
  }
}

const ofType = (eventType: EventType) => app.notifications.filter((each) => each.eventType === eventType)

/** The one notification of this type, once it has come and nothing more comes. */
async function received(eventType: EventType): Promise<Notification> {
  await until(eventType, 15_000, () => ofType(eventType).length > 0)
  await house.settle()
  const [first, ...others] = ofType(eventType)
  if (first === undefined || others.length > 0) throw new Error(`${others.length + 1} × ${eventType}`)
  return first
}

describe('flow runs', () => {
  test('one that completes is told of as queued, started and completed, with bodies as in the seed', async () => {
    await configure(ALL)
    const { flow, instance, send } = await ordersFlow()
    await send({ order: 1 })
    await received('flowRun.completed')
    const { items } = await house.admin.flowRuns.list()
    const [run] = items
    const whole = (state: string, times: object) => ({
      id: run?.id,
      connectionFlowId: instance.id,
      integrationFlowId: flow.id,
      state,
      ...times,
      startNodeKey: 'trigger',
      launchedBy: { type: 'app-event-trigger' },
    })
    const bodies = (['flowRun.queued', 'flowRun.started', 'flowRun.completed'] as const).map(
      (eventType) => ofType(eventType)[0]?.raw,
    )
    const queuedAt = (JSON.parse(bodies[0] ?? '{}') as { data: { flowRun: { startTime: string } } }).data.flowRun
      .startTime
    expect(bodies).toEqual([
      JSON.stringify({ eventType: 'flowRun.queued', data: { flowRun: whole('queued', { startTime: queuedAt }) } }),
      JSON.stringify({
        eventType: 'flowRun.started',
        data: { flowRun: whole('running', { startTime: run?.startTime }) },
      }),
      JSON.stringify({
        eventType: 'flowRun.completed',
        data: { flowRun: whole('completed', { startTime: run?.startTime, endTime: run?.endTime }) },
      }),
    ])
    expect(new Date(queuedAt).getTime()).toBeLessThanOrEqual(new Date(run?.startTime ?? '').getTime())
    expect(new Set(app.notifications.map((each) => each.messageId)).size).toBe(3)
    expect(app.notifications).toHaveLength(3)
    expect(app.forgeries).toEqual([])
  })

  test('one that fails says what went wrong, and the handler can read it', async () => {
    await configure(['flowRun.failed'])
    farEnd.behave(answering(404))
    const { send } = await ordersFlow()
    await send({ order: 1 })
    const { data } = await received('flowRun.failed')
    const { items } = await house.admin.flowRuns.list({ query: { state: 'failed' } })
    expect(data.flowRun?.errors).toEqual(items[0]?.errors)
    expect(Object.keys(data.flowRun ?? {})).toEqual([
      'id',
      'connectionFlowId',
      'integrationFlowId',
      'state',
      'startTime',
      'endTime',
      'startNodeKey',
      'launchedBy',
      'errors',
    ])
    expect(app.reactions).toEqual([expect.stringMatching(/^flow run failed: .*404/)])
  })

  test('one that is stopped by hand', async () => {
    await configure(['flowRun.stopped'])
    farEnd.behave(() => {})
    const { send, customer } = await ordersFlow()
    await send({ order: 1 })
    await farEnd.waitFor(1)
    const { items } = await customer.flowRuns.list()
    await customer.flowRuns.stop({ params: { id: items[0]?.id ?? '' } })
    const { data } = await received('flowRun.stopped')
    expect(data.flowRun).toMatchObject({ id: items[0]?.id, state: 'stopped', endTime: expect.any(String) })
  })

  test('of a universal flow have no integrationFlowId', async () => {
    await configure(['flowRun.completed'])
    const customer = await house.as('customer-123')
    const nodes = { start: { type: 'api-trigger' } }
    const flowInstance = await customer.flowInstances.create({ body: { name: 'Alone', nodes } })
    await customer.flowRuns.create({ body: { flowInstanceId: flowInstance.id } })
    const { data } = await received('flowRun.completed')
    expect(data.flowRun).toMatchObject({ startNodeKey: 'start', launchedBy: { type: 'api-trigger' } })
    expect(data.flowRun).not.toHaveProperty('integrationFlowId')
  })
})

describe('every state change of every run', () => {
  const RUNS = 300

  test(`has exactly one notification, over ${RUNS} runs that complete, fail, are tried again or stopped`, {
    timeout: 120_000,
  }, async () => {
    await configure(['flowRun.queued', 'flowRun.started', 'flowRun.completed', 'flowRun.failed', 'flowRun.stopped'])
    const seen = new Set<string>()
    farEnd.behave((request, response) => {
      const { order, fate } = request.json as { order: number; fate: string }
      const isFirst = !seen.has(String(order))
      seen.add(String(order))
      if (fate === 'stopped') return
      const status = fate === 'fails' ? 404 : fate === 'is tried again' && isFirst ? 503 : 200
      response.writeHead(status).end()
    })
    const { send, customer } = await ordersFlow()
    const fates = ['completes', 'completes', 'completes', 'fails', 'is tried again']
    const orders = Array.from({ length: RUNS }, (_, order) => ({
      order,
      fate: order % 30 === 7 ? 'stopped' : fates[order % fates.length],
    }))
    for (let from = 0; from < RUNS; from += 20) await send(orders.slice(from, from + 20))
    // Those that hang take all slots of their customer in the end; each is stopped once it hangs.
    const stopped = new Set<string>()
    await until('every run has ended', 60_000, async () => {
      const { items } = await customer.flowRuns.list({ query: { state: 'running', limit: 1000 } })
      for (const run of items) {
        const { order, fate } = run.input as { order: number; fate: string }
        if (fate !== 'stopped' || !seen.has(String(order)) || stopped.has(run.id)) continue
        stopped.add(run.id)
        await customer.flowRuns.stop({ params: { id: run.id } })
      }
      const queued = await customer.flowRuns.list({ query: { state: 'queued', limit: 1 } })
      return items.length === 0 && queued.items.length === 0
    })
    await house.settle()

    const { items: runs } = await house.admin.flowRuns.list({ query: { limit: 1000 } })
    expect(runs).toHaveLength(RUNS)
    const due = runs.flatMap((run) => [
      `flowRun.queued ${run.id}`,
      `flowRun.started ${run.id}`,
      `flowRun.${run.state} ${run.id}`,
    ])
    await until('every notification has come', 30_000, () => app.notifications.length >= due.length)
    await house.settle()
    const told = app.notifications.map(({ eventType, data }) => `${eventType} ${String(data.flowRun?.id)}`)
    const counts = Object.groupBy(runs, (run) => run.state)
    process.stdout.write(
      `${JSON.stringify({
        runs: runs.length,
        ...Object.fromEntries(Object.entries(counts).map(([state, of]) => [state, of?.length])),
        due: due.length,
        told: told.length,
        lost: due.filter((each) => !told.includes(each)).length,
        invented: told.filter((each) => !due.includes(each)).length,
        duplicates: told.length - new Set(told).size,
      })}\n`,
    )
    expect(told.toSorted()).toEqual(due.toSorted())
    expect(Object.keys(counts).sort()).toEqual(['completed', 'failed', 'stopped'])
    expect(app.forgeries).toEqual([])
  })
})

describe('alerts', () => {
  test('a flow that keeps failing and an endpoint that is gone are told of, with bodies as in the seed', async () => {
    await configure(['alert.created'])
    const gone = `${farEnd.url}/gone`
    const other = await house.admin.notificationEndpoints.create({
      body: { url: gone, eventTypes: ['flowRun.queued'] },
    })
    farEnd.behave((request, response) => answering(request.path === '/gone' ? 410 : 404)(request, response))
    const { send, instance } = await ordersFlow()
    await send(Array.from({ length: 5 }, (_, order) => ({ order })))
    await until('both alerts', 15_000, () => ofType('alert.created').length >= 2)
    const { items } = await house.admin.alerts.list({ query: { status: 'ongoing' } })
    expect(items.map((alert) => [alert.type, alert.contextKey]).sort()).toEqual([
      ['flow_failing', instance.id],
      ['webhook_endpoint_paused', other.id],
    ])
    const bodies = items.map(({ id, type, severity, description, status, workspaceId, workspaceUrl, createdAt }) =>
      JSON.stringify({
        eventType: 'alert.created',
        data: { alert: { id, type, severity, description, status, workspaceId, workspaceUrl, createdAt } },
      }),
    )
    expect(
      ofType('alert.created')
        .map((each) => each.raw)
        .sort(),
    ).toEqual(bodies.sort())
    expect(app.reactions.toSorted()).toEqual(['alert: flow_failing', 'alert: webhook_endpoint_paused'])
  })
})

describe('connections', () => {
  const connection = (disconnected: boolean) => ({
    id: 'con_abc123',
    integrationId: 'int_xyz789',
    integrationKey: 'slack',
    name: 'Slack',
    disconnected,
    customerId: 'customer-123',
  })

  test('are told of with the body of the seed when their change commits, and not if it does not', async () => {
    await configure(ALL)
    const { database, notifications } = house.engine
    const about = (disconnected: boolean) => ({
      workspaceId: house.workspace.id,
      customerId: house.workspace.id,
      data: { connection: connection(disconnected) },
    })
    const moves = [
      ['connection.created', false],
      ['connection.disconnected', true],
      ['connection.reconnected', false],
      ['connection.deleted', false],
    ] as const
    for (const [event, isDisconnected] of moves) {
      await database.transaction((tx) => notifications.connection(tx, event, about(isDisconnected)))
      const { raw } = await received(event)
      expect(raw).toBe(JSON.stringify({ eventType: event, data: { connection: connection(isDisconnected) } }))
    }
    const undone = database.transaction(async (tx) => {
      await notifications.connection(tx, 'connection.created', about(false))
      throw new Error('the change is undone')
    })
    await expect(undone).rejects.toThrow('undone')
    await house.settle()
    expect(app.notifications).toHaveLength(4)
    expect(app.reactions).toEqual(['run an action on con_abc123', 'ask for slack to be reconnected'])
  })
})

test('what is not enabled is not sent, and an empty address ends it all', async () => {
  const id = await configure(['flowRun.completed'])
  const { send } = await ordersFlow()
  await send({ order: 1 })
  await received('flowRun.completed')
  expect(app.notifications).toHaveLength(1)

  const params = { id: house.workspace.key }
  await house.admin.workspaces.patch({ params, body: { enabledWebhookEvents: ['flowRun.queued'] } })
  await send({ order: 2 })
  await received('flowRun.queued')
  expect(app.notifications).toHaveLength(2)

  const workspace = await house.admin.workspaces.patch({ params, body: { webhookUri: '' } })
  expect(workspace.webhookUri).toBeUndefined()
  expect(await house.admin.notificationEndpoints.get({ params: { id } })).toMatchObject({ state: 'archived' })
  await send({ order: 3 })
  await house.settle()
  expect(farEnd.received).toHaveLength(3)
  expect(app.notifications).toHaveLength(2)
})

test('an answer other than 2xx is tried again with the same id and a signature of its own', async () => {
  const id = await configure(['flowRun.completed'])
  await house.admin.notificationEndpoints.patch({ params: { id }, body: { scheduleMs: [1000, 1000] } })
  app.answerNext(500, 302)
  const { send } = await ordersFlow()
  await send({ order: 1 })
  await received('flowRun.completed')
  const { items } = await house.admin.deliveries.list({ query: { destinationId: id } })
  const { attempts } = await house.admin.deliveries.get({ params: { id: items[0]?.id ?? '' } })
  expect(attempts.map((attempt) => attempt.httpStatus)).toEqual([200, 302, 500])
  expect(items[0]?.messageId).toBe(app.notifications[0]?.messageId)
  expect(app.forgeries).toEqual([])
})

test('a second endpoint hears what it asked for, signed with a secret of its own', async () => {
  await configure(['flowRun.completed'])
  await using second = await startWebhookApp()
  const { secret } = await house.admin.notificationEndpoints.create({
    body: { url: second.url, eventTypes: ['flowRun.started', 'flowRun.completed'] },
  })
  second.trust(secret ?? '')
  const { send } = await ordersFlow()
  await send({ order: 1 })
  await received('flowRun.completed')
  await until('the second hears of both', 10_000, () => second.notifications.length >= 2)
  expect(second.notifications.map((each) => each.eventType).sort()).toEqual(['flowRun.completed', 'flowRun.started'])
  // The same message, so the same id, whoever gets it.
  const completed = second.notifications.find((each) => each.eventType === 'flowRun.completed')
  expect(completed?.messageId).toBe(app.notifications[0]?.messageId)
  expect([...app.forgeries, ...second.forgeries]).toEqual([])
})

test('a message under another secret, or changed on the way, is recognised', async () => {
  const id = await configure(['flowRun.completed'])
  app.trust(`whsec_${Buffer.alloc(32, 'x').toString('base64')}`)
  const { attempt } = await house.admin.notificationEndpoints.test({ params: { id }, body: {} })
  expect(attempt).toMatchObject({ outcome: 'rejected', httpStatus: 401 })
  expect(app.forgeries).toHaveLength(1)
  expect(app.notifications).toEqual([])
})

test('a sample of every type can be sent, whatever the endpoint listens to, and is what the catalogue shows', async () => {
  const id = await configure(['alert.created'])
  const { items: catalogue } = await house.admin.eventCatalogue.list()
  expect(catalogue.map((entry) => entry.eventType).sort()).toEqual(
    [...ALL, 'audit.recorded', 'customer.erased'].toSorted(),
  )
  for (const { eventType, example } of catalogue) {
    const { attempt, deliveryId } = await house.admin.notificationEndpoints.test({
      params: { id },
      body: { eventType },
    })
    expect(attempt).toMatchObject({ outcome: 'acknowledged', httpStatus: 200, trigger: 'manual' })
    expect(await house.admin.deliveries.get({ params: { id: deliveryId } })).toMatchObject({ eventType, body: example })
    expect(app.notifications.at(-1)?.raw).toBe(JSON.stringify(example))
  }
  expect(app.notifications).toHaveLength(ALL.length + 2)
  expect(app.forgeries).toEqual([])
})
