import type { LaneKind } from '@permea/contract'
import type { Permea } from '@permea/sdk'
import {
  addApp,
  buildHouse,
  connectApp,
  type House,
  houseIn,
  type Receiver,
  refusalKey,
  startReceiver,
  until,
} from '@permea/testkit'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

// Why something does not begin, as it is told to whoever asks the process that works it.

let app: Receiver
let house: House
/** Requests that the app has not answered yet. */
const held: (() => void)[] = []

beforeAll(async () => {
  app = await startReceiver()
  app.behave((request, response) => {
    const answer = (status: number) => response.writeHead(status, { 'content-type': 'application/json' }).end('{}')
    if (request.path.startsWith('/held')) held.push(() => answer(200))
    else answer(request.path.startsWith('/down') ? 503 : 200)
  })
  house = await buildHouse({ appBaseUri: app.url, engine: { answerWithinMs: 100 } })
})

afterEach(letGo)

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

/** The app answers all that waits for it, and what comes after. */
async function letGo(): Promise<void> {
  let isDone = false
  const settled = house.settle().then(() => {
    isDone = true
  })
  await until('everything is done', 30_000, () => {
    for (const answer of held.splice(0)) answer()
    return isDone
  })
  await settled
}

/** The app answers so many requests, once they are there. */
async function answerWhatAsks(count: number): Promise<void> {
  await until('the app is asked', 20_000, () => held.length >= count)
  for (const answer of held.splice(0)) answer()
}

type Query = NonNullable<Parameters<Permea['lanes']['list']>[0]>['query']
const lanes = (query: Query = {}, of: House = house) => of.admin.lanes.list({ query })

/** The lane that this holds of, once there is one. */
async function laneWhere(kind: LaneKind, isSo: (lane: Lane) => boolean): Promise<Lane> {
  let found: Lane | undefined
  await until(`there is such a lane of ${kind}`, 20_000, async () => {
    const { items } = await lanes({ kind })
    found = items.find(isSo)
    return found !== undefined
  })
  if (found === undefined) throw new Error('there is one')
  return found
}
type Lane = Awaited<ReturnType<Permea['lanes']['list']>>['items'][number]

/** A flow that asks the app, of a customer who has it. */
async function flowOf(customer: string, more: { key: string; ordered?: boolean; concurrency?: number }) {
  const { key, ...how } = more
  const nodes = {
    trigger: { type: 'api-trigger', links: [{ key: 'ask' }] },
    ask: { type: 'api-request-to-your-app', config: { request: { uri: `/held/${key}`, method: 'POST', body: {} } } },
  }
  await house.admin.flows.create({ body: { key, name: key, nodes, ...how } })
  const client = await house.as(customer, { name: `The name of ${customer}` })
  const instance = await client.flowInstances.getByQuery({ query: { flowKey: key, autoCreate: true } })
  const { id: userId = '' } = await client.customers.self()
  const run = async () => (await client.flowRuns.create({ body: { flowInstanceId: instance.id, input: {} } })).id
  return { client, instance, userId, run }
}

test('a run that waits behind another is said to, with both, until it begins', async () => {
  const { client, instance, userId, run } = await flowOf('anna', { key: 'in-order', ordered: true })
  const [first, second] = [await run(), await run()]
  const lane = await laneWhere('flow-runs', (each) => each.runningIds.includes(first) && each.reason !== undefined)
  expect(lane).toMatchObject({
    elementId: instance.id,
    name: 'in-order',
    userId,
    tenantId: userId,
    isOrdered: true,
    reason: 'head-at-work',
    explanation: 'it keeps an order, and the run before is not finished',
    running: 1,
    runningIds: [first],
    cap: 1,
  })
  // It is read when its turn comes.
  expect(lane.hasMore || lane.waitingIds.includes(second)).toBe(true)
  expect(Date.parse(lane.waitingSince ?? '')).toBeGreaterThan(Date.now() - 600_000)
  const { totals, workers, process: answering } = await lanes()
  const [runs] = totals
  expect(runs).toMatchObject({
    kind: 'flow-runs',
    lanes: 1,
    waitingLanes: 1,
    running: 1,
    reasons: { 'head-at-work': 1 },
  })
  expect(totals).toHaveLength(5)
  expect(answering.pid).toBe(process.pid)
  expect(workers).toEqual([
    { isHere: true, session: answering.session, shards: Array.from({ length: 64 }, (_, shard) => shard) },
  ])
  // The first is answered, and the second begins.
  await answerWhatAsks(1)
  await laneWhere('flow-runs', (each) => each.runningIds.includes(second) && each.reason === undefined)
  await letGo()
  expect((await lanes()).items).toEqual([])
  expect((await client.flowRuns.list()).items.map((each) => each.state)).toEqual(['completed', 'completed'])
})

test('a flow that has as many runs as it may is told from the lane of its customer', async () => {
  const { instance, userId, run } = await flowOf('bert', { key: 'one-at-once', concurrency: 1 })
  const [first, second] = [await run(), await run()]
  const lane = await laneWhere('flow-runs', (each) => each.waitingIds.length === 1)
  expect(lane).toMatchObject({
    elementId: userId,
    name: 'The name of bert',
    isOrdered: false,
    reason: 'groups-full',
    runningIds: [first],
    waitingIds: [second],
    waiting: 1,
    hasMore: false,
    cap: 100,
    capMost: 100,
    flowInstances: [{ flowInstanceId: instance.id, waiting: 1, running: 1, concurrency: 1 }],
  })
})

test('messages wait for their next try, for a destination that is paused, and for others', async () => {
  const endpoint = (path: string, more: object = {}) =>
    house.admin.notificationEndpoints.create({
      body: { url: `${app.url}${path}`, eventTypes: ['flowRun.completed'], concurrency: 1, ...more },
    })
  const [down, paused, slow] = [await endpoint('/down'), await endpoint('/paused'), await endpoint('/held')]
  await house.admin.notificationEndpoints.pause({ params: { id: paused.id } })
  const { run } = await flowOf('carl', { key: 'told-of' })
  for (const _ of [1, 2]) await run()
  await answerWhatAsks(2)
  const of = (id: string) => (each: Lane) => each.elementId === id && each.reason !== undefined
  const waits = await laneWhere('deliveries', (each) => of(down.id)(each) && each.running === 0)
  expect(waits).toMatchObject({ reason: 'not-due', waiting: 0, hasMore: true })
  expect(Date.parse(waits.nextDueAt ?? '')).toBeGreaterThan(Date.now())
  expect(waits).not.toHaveProperty('userId')
  expect(await laneWhere('deliveries', of(slow.id))).toMatchObject({ reason: 'groups-full', running: 1, waiting: 1 })
  const still = await laneWhere('deliveries', of(paused.id))
  expect(still).toMatchObject({ reason: 'paused', hasMore: true, running: 0 })
  const [stillId] = (await house.admin.deliveries.list({ query: { destinationId: paused.id } })).items.slice(-1)
  expect(Date.parse(still.waitingSince ?? '')).toBeGreaterThan(Date.parse(stillId?.createdAt ?? '') - 1000)
  expect((await lanes({ kind: 'deliveries', limit: 1 })).items).toHaveLength(1)
  expect((await lanes({ kind: 'deliveries' })).totals).toMatchObject([{ lanes: 3, reasons: { paused: 1 } }])
  // A resumed one goes on.
  await house.admin.notificationEndpoints.resume({ params: { id: paused.id } })
  await app.waitFor(2, (request) => request.path === '/paused')
  for (const { id } of [down, paused, slow]) await house.admin.notificationEndpoints.archive({ params: { id } })
})

test('calls at apps, looks at them and requests of theirs are told of with whose they are', async () => {
  const hold = (path: string) => `await fetch('${app.url}/held/${path}')`
  await addApp(house, {
    url: app.url,
    events: {
      told: {
        name: 'Told of',
        implementationType: 'webhook',
        subscribe: `export default async ({ parameters }) => { if (parameters.isSlow) { ${hold('subscribe')} } return { state: {} } }`,
        handle: `export default async ({ data }) => { ${hold('handle')}; return { events: [data] } }`,
        unsubscribe: `export default () => {}`,
      },
      looked: {
        name: 'Looked for',
        implementationType: 'pull',
        pull: `export default async () => { ${hold('pull')}; return { events: [], state: {} } }`,
      },
    },
  })
  const { client, connection } = await connectApp(house, { customer: 'dora' })
  const subscribe = (eventKey: string, parameters: object = {}) =>
    client.externalEventSubscriptions.create({ body: { connectionId: connection.id, eventKey, parameters } as never })
  const { id } = await subscribe('told')
  const { incomingWebhookUri = '' } = await house.admin.externalEventSubscriptions.get({ params: { id } })
  const { id: userId } = await client.customers.self()

  const called = subscribe('told', { isSlow: true })
  const call = await laneWhere('external-subscriptions', (each) => each.running === 1)
  expect(call).toMatchObject({ elementId: connection.id, userId, runningIds: [expect.stringMatching(/^ees_/)], cap: 4 })
  expect(call).not.toHaveProperty('reason')
  await answerWhatAsks(1)
  const { id: slowId } = await called
  expect(call.runningIds).toEqual([slowId])

  expect((await fetch(incomingWebhookUri, { method: 'POST', body: '{}' })).status).toBe(200)
  const request = await laneWhere('incoming-webhooks', (each) => each.running === 1)
  expect(request).toMatchObject({ elementId: id, userId, runningIds: [expect.stringMatching(/^iwh_/)] })
  await letGo()

  const looked = await subscribe('looked')
  const asked = client.externalEventPulls.pullEvents({ params: { id: looked.id } }).catch(() => null)
  const look = await laneWhere('pulls', (each) => each.running === 1)
  expect(look).toMatchObject({ elementId: connection.id, userId, runningIds: [looked.id] })
  await letGo()
  await asked
})

test('nobody is told of what is not of the workspace, and a customer of nothing', async () => {
  const { userId, run } = await flowOf('emil', { key: 'of-emil' })
  await flowOf('fritz', { key: 'of-fritz' }).then((fritz) => fritz.run())
  await run()
  await until('both ask', 20_000, () => held.length === 2)
  expect((await lanes({ userId: 'emil' })).items.map((each) => each.userId)).toEqual([userId])
  expect((await lanes({ tenantId: userId, kind: 'flow-runs' })).totals).toMatchObject([{ lanes: 1, running: 1 }])
  expect((await lanes({ tenantId: userId, kind: 'pulls' })).totals).toMatchObject([{ kind: 'pulls', lanes: 0 }])
  expect((await lanes()).totals[0]).toMatchObject({ lanes: 2 })

  const other = await houseIn(house, await house.admin.workspaces.create({ body: { name: 'Another' } }))
  expect((await lanes({}, other)).items).toEqual([])
  expect((await lanes({}, other)).totals.every((each) => each.lanes === 0)).toBe(true)
  expect(await refusalKey(lanes({ userId }, other))).toBe('not_found')

  expect(await refusalKey((await house.as('emil')).lanes.list())).toBe('access_denied')
  expect((await fetch(`${house.url}/debug/lanes`)).status).toBe(401)
  expect(await refusalKey(lanes({ userId: 'nobody' }))).toBe('not_found')
  expect(await refusalKey(lanes({ kind: 'nonsense' as never }))).toBe('invalid_input')
  expect(await refusalKey(lanes({ limit: 201 }))).toBe('invalid_input')
})

test('a process that does not work a lane says who does', async () => {
  await using beside = await buildHouse({
    database: { url: house.databaseUrl, workspace: house.workspace },
    engine: { roles: new Set(['api']) },
  })
  const { userId, run } = await flowOf('gustav', { key: 'of-gustav' })
  await run()
  await until('it asks', 20_000, () => held.length === 1)
  const there = await lanes({ userId }, beside)
  expect(there.items).toMatchObject([{ elementId: userId, reason: 'worked-elsewhere', hasMore: true, running: 0 }])
  const here = await lanes({ userId })
  expect(here.items).toMatchObject([{ elementId: userId, running: 1 }])
  expect(there.workers).toEqual([{ isHere: false, session: here.process.session, shards: here.workers[0]?.shards }])
})
