import { randomUUID } from 'node:crypto'
import { createPermea } from '@permea/sdk'
import {
  buildHouse,
  defineEverything,
  type House,
  type Lived,
  liveThrough,
  type Receiver,
  refusalKey,
  rowsWith,
  startReceiver,
  until,
} from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeEntries } from '../intake-log/log-entry.ts'
import { insertSetAside } from '../intake-log/store.ts'
import { createIds, fromWire } from '../platform/ids.ts'
import { createSealing, sealingKey } from '../platform/sealing.ts'

// A customer and its neighbour go through everything that there is, each with a word of its own in every value. Then
// one is erased, and the whole database is searched for the words.

const WAIT_MS = 60_000
const sealing = createSealing([sealingKey('a key for tests that is long enough')])
/** Names of what is made for each differ by these words, which stand nowhere else. */
const ANNA = 'zqxannawordqz'
const BERT = 'zqxbertwordqz'

let house: House
let app: Receiver
let yourApp: Receiver
let told: Receiver
let logged = ''
const note = (...said: unknown[]) => {
  logged += JSON.stringify(said)
}
let anna: Lived
let bert: Lived

beforeAll(async () => {
  app = await startReceiver()
  yourApp = await startReceiver()
  told = await startReceiver()
  // What comes is sent back, so that answers hold it too.
  for (const each of [app, yourApp])
    each.behave((request, response) => {
      const isDown = request.path.includes('/down')
      response.writeHead(isDown ? 503 : 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ id: 'hook', echo: request.body }))
    })
  told.behave((request, response) => {
    response.writeHead(request.path.includes('/gone') ? 503 : 200, { 'content-type': 'application/json' })
    response.end(request.body)
  })
  house = await buildHouse({
    clock: 'settable',
    appBaseUri: yourApp.url,
    log: { debug: note, info: note, warn: note, error: note },
    engine: { tickMs: 100 },
  })
  await defineEverything(house, { app, told })
  anna = await liveThrough(house, ANNA, told)
  bert = await liveThrough(house, BERT, told)
  await shared()
  await house.advance(400_000)
  await house.settle()
})

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
  await yourApp[Symbol.asyncDispose]()
  await told[Symbol.asyncDispose]()
})

const found = (word: string) => rowsWith(house.engine.database.pool, sealing, word)

/** What holds something of both. */
async function shared(): Promise<void> {
  const [global] = await house.admin.integrations.globalWebhooks({ params: { selector: 'teams' } })
  const post = (events: unknown[]) => fetch(global?.uri ?? '', { method: 'POST', body: JSON.stringify({ events }) })
  await post([
    { team: ANNA, text: `to ${ANNA}` },
    { team: BERT, text: `to ${BERT}` },
  ])
  await post([{ team: ANNA }, { team: 'nobody' }])
  await post([{ team: BERT }])
  const ids = createIds(house.clock)
  const { workspace, engine } = house
  const events = [anna, bert].map(({ id, word }) => ({
    event: {
      id: ids.next(),
      workspaceId: workspace.id,
      customerId: fromWire('cus', id) ?? '',
      appEventTypeId: randomUUID(),
      subscriptionId: null,
      payload: JSON.stringify({ of: word }),
    },
    address: { kind: 'subscription' } as never,
    pending: null,
  }))
  const entry = {
    kind: 'events',
    id: ids.next(),
    urlKey: randomUUID(),
    scope: null,
    status: 200,
    answer: null,
    events,
  } as const
  for (const part of [events, events.slice(0, 1), events.slice(1)])
    await insertSetAside(engine.database.db, {
      id: ids.next(),
      workspaceId: workspace.id,
      shard: 1,
      sequence: 1,
      entry: encodeEntries([{ ...entry, events: part }]),
      error: 'could not be applied',
      tries: 5,
    })
}

async function ended(id: string) {
  const { erasures } = house.admin
  await until('the erasure is completed', WAIT_MS, async () => {
    await house.advance(1000)
    return (await erasures.get({ params: { id } })).status === 'completed'
  })
  return erasures.get({ params: { id } })
}

test('everything that is to be found stands in the database at first, of both', async () => {
  const [annas, berts] = [await found(ANNA), await found(BERT)]
  expect(annas).toEqual(berts)
  // Where nothing of them would be found, nothing would be proved below.
  expect(Object.keys(annas)).toEqual(
    expect.arrayContaining([
      'action_run_logs',
      'actions',
      'alerts',
      'app_event_subscription_requests',
      'app_event_subscriptions',
      'app_events',
      'connection_requests',
      'connections',
      'customers',
      'data_links',
      'deliveries',
      'deliveries_active',
      'delivery_destinations',
      'external_api_logs',
      'external_event_subscriptions',
      'external_events',
      'flow_instances',
      'flow_node_runs',
      'flow_runs',
      'flow_versions',
      'function_calls',
      'incoming_webhooks',
      'incoming_webhooks_active',
      'ingress_answers',
      'intake_set_aside',
      'notification_endpoints',
      'refused_requests',
    ]),
  )
})

test('the history of a customer can be erased alone: what it has stays, and what comes later', async () => {
  const before = await found(BERT)
  const begun = await house.admin.erasures.begin({ params: { selector: `id-${ANNA}` }, body: { keepCustomer: true } })
  expect(begun).toMatchObject({ status: 'running', keepsCustomer: true, customerId: anna.id })
  const erasure = await ended(begun.id)
  expect(erasure).toMatchObject({ status: 'completed', phase: 'done', keepsCustomer: true })
  expect(erasure.stopped.runs).toBe(1)
  const left = await found(ANNA)
  for (const table of ['app_events', 'external_events', 'flow_runs', 'flow_node_runs', 'deliveries', 'function_calls'])
    expect([table, left[table] ?? 0]).toEqual([table, 0])
  expect(left).toMatchObject({ customers: 1, connections: 2, data_links: 2, notification_endpoints: 1 })
  // It goes on as before.
  const { id } = await anna.client.flowRuns.create({
    body: { flowInstanceId: anna.flowInstanceId, input: { of: ANNA } } as never,
  })
  await house.settle()
  expect((await anna.client.flowRuns.get({ params: { id } })).state).toBe('completed')
  const after = await found(BERT)
  // One request had something of both: what it said is gone, what was made of it for the other is not.
  expect(after).toMatchObject({
    ...before,
    incoming_webhooks: (before.incoming_webhooks ?? 0) - 1,
    function_calls: expect.anything(),
  })
})

test('a customer is erased: nothing of it is left anywhere, and everything of its neighbour', async () => {
  const before = await found(BERT)
  const hooks = app.received.filter(({ method, path }) => method === 'DELETE' && path === '/hooks').length
  const params = { selector: `id-${ANNA}` }
  const begun = await house.admin.erasures.begin({ params, body: {} })
  expect(begun).toMatchObject({ status: 'running', keepsCustomer: false, askedBy: { kind: 'workspace-secret' } })
  // It is not undone.
  const { customers } = house.admin
  expect(await refusalKey(customers.restore({ params: { selector: anna.id } }))).toBe('archived')
  expect(await refusalKey(customers.restoreByQuery({ query: { id: anna.id } }))).toBe('archived')
  // Asked for again it is the same one.
  expect((await house.admin.erasures.begin({ params })).id).toBe(begun.id)
  expect(await refusalKey(anna.client.customers.self())).toBe('access_denied')
  const events = [0, 1, 2].map(() => fetch(anna.url, { method: 'POST', body: JSON.stringify({ late: ANNA }) }))
  expect((await Promise.all(events)).every(({ status }) => status >= 400)).toBe(true)
  const erasure = await ended(begun.id)
  await house.settle()
  expect(await found(ANNA)).toEqual({})
  // Content of a flow that nothing refers to any more is nobody's.
  expect(await found(BERT)).toEqual({ ...before, flow_versions: 1 })
  // Its apps were told.
  expect(app.received.filter(({ method, path }) => method === 'DELETE' && path === '/hooks')).toHaveLength(hooks + 1)
  expect(app.received.map(({ path }) => path)).toContain('/disconnect')
  expect(yourApp.received.filter(({ path }) => path === '/unsubscribe')).toHaveLength(1)
  expect(erasure.stopped).toMatchObject({ connections: 2, registrationsLeft: 0 })
  expect(erasure.erased).toEqual(expect.arrayContaining([{ place: 'customers', rows: 1 }]))
  expect(JSON.stringify(erasure)).not.toContain(ANNA)
  const news = told.received.filter(({ json }) => (json as { eventType?: string })?.eventType === 'customer.erased')
  expect(news.at(-1)?.json).toMatchObject({
    data: { erasure: { id: begun.id, customerId: anna.id, keepsCustomer: false } },
  })
  // Nothing of it in what the process wrote.
  expect(logged).not.toContain(ANNA)
})

test('who was erased is not made again by a token or an event, and comes back as somebody new when asked for', async () => {
  const { admin } = house
  const client = await house.as(`id-${ANNA}`)
  expect(await refusalKey(client.customers.self())).toBe('access_denied')
  await house.settle()
  expect(await refusalKey(admin.customers.get({ params: { selector: `id-${ANNA}` } }))).toBe('not_found')
  // By the engine's own id it is still known that it was.
  expect((await admin.erasures.begin({ params: { selector: anna.id } })).status).toBe('completed')
  const { items } = await admin.erasures.list({ query: { customerId: anna.id } })
  expect(items.map(({ keepsCustomer }) => keepsCustomer)).toEqual([false, true])
  expect((await admin.erasures.list({ query: { status: 'running' } })).items).toEqual([])
  const created = await admin.customers.create({ body: { internalId: `id-${ANNA}` } })
  expect(created.id).not.toBe(anna.id)
  expect((await client.customers.self()).id).toBe(created.id)
})

test('only an admin erases, and only whom there is', async () => {
  expect(await refusalKey(bert.client.erasures.begin({ params: { selector: bert.id } }))).toBe('access_denied')
  expect(await refusalKey(bert.client.erasures.list())).toBe('access_denied')
  expect(await refusalKey(bert.client.erasures.get({ params: { id: 'ers_x' } }))).toBe('access_denied')
  expect(await refusalKey(house.admin.erasures.begin({ params: { selector: 'nobody' } }))).toBe('not_found')
  expect(await refusalKey(house.admin.erasures.get({ params: { id: 'ers_x' } }))).toBe('not_found')
  const wrong = { params: { selector: bert.id }, body: { keepCustomer: 'yes' } as never }
  expect(await refusalKey(house.admin.erasures.begin(wrong))).toBe('invalid_input')
  expect(await refusalKey(house.admin.erasures.list({ query: { status: 'odd' as never } }))).toBe('invalid_input')
  const nobody = createPermea({ baseUrl: house.url, token: 'none' })
  expect(await refusalKey(nobody.erasures.list())).toBe('not_authenticated')
})
