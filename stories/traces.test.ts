import {
  addApp,
  type CollectedSpan,
  type Collector,
  connectApp,
  createEngineProcess,
  createTestDatabase,
  type EngineProcess,
  type Received,
  type Receiver,
  startCollector,
  startReceiver,
  type TestDatabase,
  until,
} from '@permea/testkit'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { furnish, twoCalls } from './ledger.ts'

// What an operator sees of an event in a collector of OpenTelemetry, from the request that brought it to the last attempt.

const SERVER = 2
const CLIENT = 3
const HELD_MS = 1200

let database: TestDatabase
let collector: Collector
let app: Receiver
let engine: EngineProcess
let pathOf: Map<string, string>

beforeAll(async () => {
  database = await createTestDatabase()
  collector = await startCollector()
  app = await startReceiver()
  engine = await createEngineProcess({
    databaseUrl: database.url,
    reachablePorts: [app.port],
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_SERVICE_NAME: 'events of the shop',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=story',
      OTEL_BSP_SCHEDULE_DELAY: '50',
    },
  })
  await engine.start()
  ;({ pathOf } = await furnish(engine, [twoCalls('orders', app.port)], ['anna']))
  await engine.as({ isAdmin: true }).notificationEndpoints.create({
    body: { url: `${app.url}/told`, eventTypes: ['flowRun.completed'], scheduleMs: [1000, 1000, 1000] },
  })
})

afterAll(async () => {
  await engine[Symbol.asyncDispose]()
  for (const each of [app, collector, database]) await each[Symbol.asyncDispose]()
})

beforeEach(() => {
  app.behave((_request, response) => void response.writeHead(200).end('{}'))
  app.received.length = 0
  collector.spans.length = 0
})

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(engine.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

const pathOfAnna = () => pathOf.get('anna') ?? ''
const named = (spans: readonly CollectedSpan[], name: string) => spans.filter((span) => span.name === name)
const hasNamed =
  (name: string, count = 1) =>
  (spans: readonly CollectedSpan[]) =>
    named(spans, name).length >= count
const traceIn = ({ headers }: Received) => String(headers.traceparent).split('-')

/** Spans whose parent is neither among them nor `from`. */
function loose(spans: readonly CollectedSpan[], from: string | null): CollectedSpan[] {
  const known = new Set<string | null>([from, ...spans.map((span) => span.spanId)])
  return spans.filter((span) => !known.has(span.parentId))
}

test('an event is one trace from the request over the nodes to the attempts, also around a kill', async () => {
  const traceId = 'aaaabbbbccccddddeeeeffff00001111'
  const from = '1234567812345678'
  let toldTimes = 0
  app.behave((request, response) => {
    if (request.path === '/told') toldTimes += 1
    // The second call is under way when the engine dies.
    if (request.path === '/orders/second' && app.received.filter(({ path }) => path === request.path).length === 1)
      return
    response.writeHead(request.path === '/told' && toldTimes === 1 ? 503 : 200).end('{}')
  })
  const event = { order: 'order-with-a-name', customer: 'whoever' }
  const answer = await post(pathOfAnna(), event, {
    traceparent: `00-${traceId}-${from}-01`,
    tracestate: 'shop=abc',
  })
  expect(answer.status).toBe(200)
  await app.waitFor(1, ({ path }) => path === '/orders/second')
  await collector.waitFor('the request and the first node are told of', (spans) =>
    ['POST /webhooks/app-event-subscriptions/:uuid', 'node custom-http-request'].every((name) => hasNamed(name)(spans)),
  )
  await engine.kill('SIGKILL')
  await engine.start()
  await app.waitFor(2, ({ path }) => path === '/told')
  const all = await collector.waitFor(
    'the run and both attempts are told of',
    (spans) => hasNamed('flow run')(spans) && hasNamed('deliver', 2)(spans),
  )

  const spans = all.filter((span) => span.traceId === traceId)
  expect(loose(spans, from)).toEqual([])
  const [request] = named(spans, 'POST /webhooks/app-event-subscriptions/:uuid')
  expect(request).toMatchObject({
    parentId: from,
    kind: SERVER,
    attributes: { 'http.request.method': 'POST', 'http.response.status_code': 200 },
    resource: { 'service.name': 'events of the shop', 'deployment.environment.name': 'story' },
  })
  const [run] = named(spans, 'flow run')
  expect(run).toMatchObject({ parentId: request?.spanId, attributes: { 'permea.flow_run.state': 'completed' } })
  expect(named(spans, 'node custom-http-request').map((span) => span.parentId)).toEqual([run?.spanId, run?.spanId])
  expect(named(spans, 'deliver').map((span) => [span.parentId, span.isError])).toEqual([
    [run?.spanId, true],
    [run?.spanId, false],
  ])
  // Who was called knows it too: each request names the span that sent it.
  const clients = new Set(spans.filter((span) => span.kind === CLIENT).map((span) => span.spanId))
  for (const received of app.received) {
    expect(traceIn(received).slice(0, 2)).toEqual(['00', traceId])
    expect(received.headers.tracestate).toBe('shop=abc')
  }
  const lostWithTheProcess = 1
  expect(app.received.filter((received) => !clients.has(traceIn(received)[2] ?? ''))).toHaveLength(lostWithTheProcess)

  const admin = engine.as({ isAdmin: true })
  const { items: runs } = await admin.flowRuns.list()
  expect(runs.map((each) => [each.traceId, each.launchedBy])).toMatchObject([[traceId, { type: 'app-event-trigger' }]])
  expect(JSON.stringify(runs)).not.toContain('1234567812345678')
  const { items: deliveries } = await admin.deliveries.list()
  expect(deliveries.map((each) => each.traceId)).toEqual([traceId])
  // Neither what came nor what proves the sender is told.
  const told = JSON.stringify(all)
  for (const secret of [event.order, pathOfAnna().split('/').at(-1) ?? '', '/orders/'])
    expect(told).not.toContain(secret)
}, 120_000)

test('a webhook of an app is one trace over handle, what handle asks, the flow and the delivery', async () => {
  const admin = engine.as({ isAdmin: true })
  const hold = (response: Parameters<Parameters<Receiver['behave']>[0]>[1]) =>
    setTimeout(() => response.writeHead(200).end('{}'), HELD_MS)
  // Longer than the app waits: it is answered, and handled from the record.
  app.behave(
    (request, response) => void (request.path === '/asked' ? hold(response) : response.writeHead(200).end('{}')),
  )
  const subscription = {
    subscribe: 'export default async () => ({ state: {} })',
    unsubscribe: 'export default async () => {}',
    handle: `export default async ({ data }) => {
      await fetch('${app.url}/asked', { method: 'POST', body: '{}' })
      return { events: [data] }
    }`,
  }
  await addApp(
    { admin },
    { url: app.url, events: { changed: { name: 'Changed', implementationType: 'webhook', ...subscription } } },
  )
  const { client, connection } = await connectApp({ as: async (id) => engine.as({ id }) }, { customer: 'ben' })
  await client.flowInstances.create({
    body: {
      name: 'Changes',
      connectionId: connection.id,
      nodes: {
        trigger: { type: 'connector-event-trigger', config: { eventKey: 'changed' }, links: [{ key: 'post' }] },
        post: {
          type: 'custom-http-request',
          config: { request: { uri: `${app.url}/changed`, method: 'POST', body: { n: 1 } } },
        },
      },
    },
  })
  const [subscribed] = await until('the app is subscribed', 20_000, async () => {
    const { items } = await client.externalEventSubscriptions.list()
    return items.length > 0 && items.every(({ status }) => status === 'subscribed') && items
  })
  const id = subscribed?.id ?? ''
  await admin.externalEventSubscriptions.patch({ params: { id }, body: { webhookUri: `${app.url}/delivered` } })
  const { incomingWebhookUri } = await admin.externalEventSubscriptions.get({ params: { id } })
  await post(new URL(incomingWebhookUri ?? '').pathname, { n: 1 })
  await app.waitFor(1, ({ path }) => path === '/changed')
  await app.waitFor(1, ({ path }) => path === '/delivered')
  const spans = await collector.waitFor('all of it is told of', (got) =>
    ['handle', 'flow run', 'deliver', 'node custom-http-request'].every((name) => hasNamed(name)(got)),
  )
  const [request] = named(spans, 'POST /webhooks/external-event-subscriptions/:uuid')
  expect(request).toMatchObject({ parentId: null, kind: SERVER })
  const ofRequest = spans.filter((span) => span.traceId === request?.traceId)
  expect(loose(ofRequest, null)).toEqual([])
  for (const name of ['handle', 'flow run', 'deliver'])
    expect(named(ofRequest, name).map((span) => span.parentId)).toContain(request?.spanId)
  const handles = named(ofRequest, 'handle').map((span) => span.spanId)
  const asked = app.received.filter(({ path }) => path === '/asked').map((received) => traceIn(received)[2])
  const asking = ofRequest.filter((span) => span.kind === CLIENT && handles.includes(span.parentId ?? ''))
  expect(asking.map((span) => span.spanId)).toEqual(expect.arrayContaining(asked.slice(-1)))
  expect(new Set(app.received.map((received) => traceIn(received)[1]))).toEqual(new Set([request?.traceId]))
}, 120_000)

test('events of a batch are traces of their own, linked to the request; a call of the API is a trace', async () => {
  const answer = (await (
    await post(pathOfAnna(), [
      { order: '1', customer: 'c' },
      { order: '2', customer: 'c' },
    ])
  ).json()) as { results: { id: string }[] }
  const spans = await collector.waitFor('both runs are told of', hasNamed('flow run', 2))
  const [request] = named(spans, 'POST /webhooks/app-event-subscriptions/:uuid')
  const runs = named(spans, 'flow run')
  expect(runs.map((run) => run.links)).toEqual(runs.map(() => [{ traceId: request?.traceId, spanId: request?.spanId }]))
  expect(new Set(runs.map((run) => run.traceId)).size).toBe(2)
  const admin = engine.as({ isAdmin: true })
  for (const { id } of answer.results) {
    const { items } = await admin.flowRuns.list({ query: { appEventId: id } })
    expect(runs.map((run) => run.traceId)).toContain(items[0]?.traceId)
  }

  collector.spans.length = 0
  const { launchedFlowRunIds } = await admin.appEvents.replay({ params: { id: answer.results[0]?.id ?? '' } })
  const replay = 'POST /app-events/:id/replay'
  const both = (spans: readonly CollectedSpan[]) => hasNamed('flow run')(spans) && hasNamed(replay)(spans)
  const again = await collector.waitFor('the run and the call are told of', both)
  const [call] = named(again, replay)
  expect(named(again, 'flow run')).toMatchObject([{ traceId: call?.traceId, parentId: call?.spanId }])
  expect((await admin.flowRuns.get({ params: { id: launchedFlowRunIds[0] ?? '' } })).traceId).toBe(call?.traceId)
  expect(again.map(({ name }) => name).filter((name) => /metrics|healthz|readyz/.test(name))).toEqual([])
})

test('what the sender does not keep is passed on as that, and told to no collector', async () => {
  const traceId = 'bbbbbbbbccccddddeeeeffff00002222'
  await post(pathOfAnna(), { order: '1', customer: 'c' }, { traceparent: `00-${traceId}-1234567812345678-00` })
  await post(pathOfAnna(), { order: '2', customer: 'c' }, { traceparent: 'ff-nonsense' })
  await app.waitFor(2, ({ path }) => path === '/orders/second')
  await collector.waitFor('the other is told of', hasNamed('flow run'))
  const passedOn = app.received.filter((received) => traceIn(received)[1] === traceId)
  expect(passedOn.map((received) => traceIn(received)[3])).toEqual(passedOn.map(() => '00'))
  expect(passedOn.length).toBeGreaterThanOrEqual(2)
  expect(collector.spans.filter((span) => span.traceId === traceId)).toEqual([])
})

test('a collector that refuses harms nothing and is complained of once', async () => {
  collector.fail(400)
  for (let order = 1; order <= 5; order += 1)
    expect((await post(pathOfAnna(), { order: String(order), customer: 'c' })).status).toBe(200)
  await app.waitFor(5, ({ path }) => path === '/orders/second')
  await until('the log says so', 20_000, () => engine.log().includes('spans could not be sent'))
  expect(engine.log().split('spans could not be sent')).toHaveLength(2)
  collector.fail(null)
  await post(pathOfAnna(), { order: 'last', customer: 'c' })
  await collector.waitFor('spans come again', hasNamed('flow run'))
})
