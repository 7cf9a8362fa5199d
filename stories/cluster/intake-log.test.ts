import {
  addApp,
  buildHouse,
  connectApp,
  createLink,
  createTestDatabase,
  freePort,
  type House,
  type Link,
  type NatsCluster,
  passedOnTraces,
  postgresSocketOf,
  startExternalApp,
  startNatsCluster,
  type TestDatabase,
  until,
} from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

// An engine that takes in through the log; its database is behind a link that can be cut.

let nats: NatsCluster
let database: TestDatabase
let link: Link
let house: House
const there = () => link.turnTo(postgresSocketOf(database.url))

const place = (prefix: string, bytesMax = 64 * 1024 * 1024) => ({ url: nats.url, prefix, replicas: 3, bytesMax })

beforeAll(async () => {
  ;[nats, database] = await Promise.all([startNatsCluster(), createTestDatabase()])
  link = await createLink(postgresSocketOf(database.url))
  const url = `postgres://postgres@127.0.0.1:${link.port}/${database.name}`
  house = await buildHouse({ database: { url }, engine: { intakeLog: place('own'), tracing: passedOnTraces() } })
}, 60_000)

afterAll(async () => {
  for (const each of [house, link, database, nats]) await each?.[Symbol.asyncDispose]()
})

async function away(): Promise<void> {
  link.turnTo(await freePort())
}

type Said = { id?: string; key?: string; results: { id?: string; error?: { key: string } }[] }

async function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: answer.status, said: (await answer.json()) as Said, retryAfter: answer.headers.get('retry-after') }
}

let made = 0

/** An event type with a global URL, and the URL of a customer's stream of it. */
async function streamOf(customer: string) {
  made += 1
  const key = `type-${made}`
  const type = await house.admin.appEventTypes.create({ body: { key, tenantIdFormula: { $var: '$.of' } } })
  const client = await house.as(customer)
  const query = { appEventTypeKey: key, autoCreate: true }
  const { webhookUri } = await client.appEventSubscriptions.getByQuery({ query })
  return { key, globalUri: type.globalWebhookUri, webhookUri, client }
}

async function ready() {
  const said = (await (await fetch(`${house.url}/readyz`)).json()) as {
    intakeLog: { messages: number; oldestSeconds: number; isDatabaseAway: boolean }
  }
  return said.intakeLog
}

/** Everything that was taken in is in the database. */
async function applied(): Promise<void> {
  await until('the database is asked again', 20_000, async () => !(await ready()).isDatabaseAway)
  await until('every shard is worked again', 20_000, () => house.engine.ownership.ownsAll())
  await house.settle()
}

/** What follows the catalogue has told of everything that was defined so far. */
async function told(): Promise<void> {
  const left = 'select count(*)::int as n from intake_catalogue_changes'
  await until('the catalogue is told', 20_000, async () => {
    const { rows } = await house.engine.database.pool.query<{ n: number }>(left)
    return rows[0]?.n === 0
  })
}

test('a request that repeats one by its key is answered as that was, at once and when it was applied long ago', async () => {
  const { webhookUri, client } = await streamOf('anna')
  const key = { 'idempotency-key': 'one' }
  const first = await post(webhookUri, [{ n: 1 }, { n: 2 }], key)
  expect(first.status).toBe(200)
  expect(await post(webhookUri, [{ n: 1 }, { n: 2 }], key)).toEqual(first)
  await applied()
  expect(await post(webhookUri, [{ n: 1 }, { n: 2 }], key)).toEqual(first)
  await applied()
  expect((await client.appEvents.list()).items.map(({ id }) => id).sort()).toEqual(
    first.said.results.map(({ id }) => id).sort(),
  )
})

test('what comes of an event stands in the trace of its request, also where the database was away', async () => {
  const { key, webhookUri, client } = await streamOf('traced')
  const trigger = { type: 'app-event-trigger', config: { appEvent: { key } }, links: [{ key: 'note' }] }
  const note = { type: 'transform-data', config: { output: 1 } }
  await house.admin.flows.create({ body: { key, nodes: { trigger, note } } as never })
  await client.flowInstances.getByQuery({ query: { flowKey: key, autoCreate: true } })
  await house.settle()
  await told()
  const traces = ['1111', '2222'].map((end) => `aaaabbbbccccddddeeeeffff0000${end}`)
  const sendIn = (trace = '') => post(webhookUri, { of: 'traced' }, { traceparent: `00-${trace}-00f067aa0ba902b7-01` })
  expect((await sendIn(traces[0])).status).toBe(200)
  await applied()
  await away()
  expect((await sendIn(traces[1])).status).toBe(200)
  there()
  await applied()
  const { items } = await client.flowRuns.list()
  expect(items.map(({ traceId, state }) => [traceId, state]).toSorted()).toEqual(
    traces.map((each) => [each, 'completed']),
  )
})

test('a body above what one message holds is taken in whole, and so is a batch for many customers', async () => {
  const { webhookUri, client, globalUri } = await streamOf('anna')
  const text = 'ä'.repeat(3_000_000)
  expect((await post(webhookUri, { text })).status).toBe(200)
  const names = Array.from({ length: 40 }, (_, index) => `of-many-${index}`)
  await Promise.all(names.map((internalId) => house.admin.customers.create({ body: { internalId } })))
  const batch = await post(globalUri, [...names.map((of, n) => ({ of, n })), { of: 'nobody' }])
  expect(batch.status).toBe(207)
  expect(batch.said.results.at(-1)?.error?.key).toBe('customer_unknown')
  await applied()
  const [large] = (await client.appEvents.list()).items
  expect(large?.event).toEqual({ text })
  const { items } = await house.admin.appEvents.list({ query: { limit: 200 } })
  const ids = new Set(items.map(({ id }) => id))
  expect(batch.said.results.slice(0, -1).every(({ id }) => ids.has(id ?? ''))).toBe(true)
})

test('while the database is away known customers are taken in, unknown ones as pending, and what was wrong is told of later', async () => {
  const { webhookUri, globalUri, client } = await streamOf('ben')
  await house.admin.customers.create({ body: { internalId: 'gone' } })
  await house.admin.customers.archive({ params: { selector: 'gone' } })
  const token = async (id: string) => ({ authorization: `Bearer ${await house.tokenOf({ id })}` })
  await told()
  await away()
  expect((await post(webhookUri, { n: 1 })).status).toBe(200)
  expect((await post(globalUri, { of: 'ben', n: 2 })).status).toBe(200)
  expect((await post(globalUri, { n: 3 }, await token('ben'))).status).toBe(200)
  // Archived is known, too.
  const archived = await post(globalUri, { of: 'gone' })
  expect([archived.status, archived.said.results[0]?.error?.key]).toEqual([400, 'customer_archived'])
  const byToken = await post(globalUri, { n: 4 }, await token('new-by-token'))
  const byName = await post(globalUri, { of: 'not-there', n: 5 })
  expect([byToken.status, byName.status]).toEqual([202, 202])
  const nowhere = await post(webhookUri.replace(/[^/]+$/, '6f0c0de3-9c53-4b43-8d43-6c40a7a6f1aa'), { n: 6 })
  expect([nowhere.status, nowhere.said.key, nowhere.retryAfter]).toEqual([503, 'unavailable', '1'])
  const wrong = await post(globalUri, { n: 7 }, { authorization: 'Bearer of.no.use' })
  expect(wrong.status).toBe(401)
  expect((await ready()).isDatabaseAway).toBe(true)
  there()
  await applied()
  expect((await client.appEvents.list()).items.map(({ event }) => (event as { n: number }).n).sort()).toEqual([1, 2, 3])
  const made = await house.as('new-by-token')
  expect((await made.appEvents.list()).items.map(({ id }) => id)).toEqual([byToken.said.id])
  const refused = async () =>
    (await house.admin.refusedRequests.list({ query: { reason: 'customer_unknown', search: 'not-there' } })).items
  await until('the refusal is listed', 20_000, async () => (await refused()).length > 0)
  expect((await refused())[0]).toMatchObject({ reason: 'customer_unknown', excerpt: expect.stringContaining('"n":5') })
})

test('webhooks of external apps are kept while the database is away, and handled once when it is back', async () => {
  await using vendor = await startExternalApp()
  await addApp(house, { url: vendor.url })
  const { connection, client } = await connectApp(house, { customer: 'chloe' })
  const nothing = 'export default () => ({})'
  const handle = 'export default ({ body }) => ({ events: [{ n: body.n }] })'
  const type = await house.admin.externalEventTypes.create({
    body: { key: 'things', subscribe: nothing, unsubscribe: nothing, handle },
  })
  const { id } = await client.externalEventSubscriptions.create({
    body: { connectionId: connection.id, externalEventTypeId: type.id },
  })
  const uri = (await house.admin.externalEventSubscriptions.get({ params: { id } })).incomingWebhookUri ?? ''
  const headers = { 'content-type': 'application/json' }
  const send = async (n: number) => (await fetch(uri, { method: 'POST', headers, body: JSON.stringify({ n }) })).status
  await told()
  expect(await send(1)).toBe(200)
  await away()
  expect([await send(2), await send(3)]).toEqual([200, 200])
  there()
  await applied()
  const events = async () => (await client.externalEvents.list()).items
  await until('both are handled', 20_000, async () => (await events()).length >= 3)
  expect(await events()).toHaveLength(3)
  expect((await client.incomingWebhooks.list()).items).toHaveLength(3)
})

test('a customer that has another name now is taken in by that, and by the old one only when the database says whose it is', async () => {
  const { globalUri } = await streamOf('dora')
  expect((await post(globalUri, { of: 'dora' })).status).toBe(200)
  await house.admin.customers.patch({ params: { selector: 'dora' }, body: { internalId: 'theodora' } })
  await told()
  await away()
  expect((await post(globalUri, { of: 'theodora' })).status).toBe(200)
  // The old name is nobody's, but only the database can be sure.
  expect((await post(globalUri, { of: 'dora' })).status).toBe(202)
  there()
  await applied()
})

test('a message that cannot be applied is set aside, does not hold up others, and is applied when asked to', async () => {
  const { webhookUri, client } = await streamOf('emil')
  expect((await post(webhookUri, { n: 1 })).status).toBe(200)
  await applied()
  // Of a kind that the table refuses for now.
  const { pool } = house.engine.database
  await pool.query(`alter table app_events add constraint no_poison check (payload not like '%poison%') not valid`)
  expect((await post(webhookUri, { n: 2, poison: true })).status).toBe(200)
  expect((await post(webhookUri, { n: 3 })).status).toBe(200)
  await until('the one behind it is applied', 30_000, async () => (await client.appEvents.list()).items.length === 2)
  const { items } = await house.admin.setAsideIntake.list()
  expect(items).toEqual([
    expect.objectContaining({ error: expect.stringContaining('no_poison'), excerpt: '{"n":2,"poison":true}' }),
  ])
  const id = items[0]?.id ?? ''
  const replay = () => house.admin.setAsideIntake.replay({ params: { id } })
  expect(await replay()).toEqual({ isApplied: false, error: expect.stringContaining('no_poison') })
  expect((await house.admin.setAsideIntake.list()).items[0]?.tries).toBeGreaterThan(items[0]?.tries ?? 0)
  await pool.query('alter table app_events drop constraint no_poison')
  expect(await replay()).toEqual({ isApplied: true })
  await house.settle()
  expect((await client.appEvents.list()).items).toHaveLength(3)
  await expect(replay()).rejects.toMatchObject({ key: 'not_found' })
})

test('a message as earlier versions wrote it, one for a shard, is applied too', async () => {
  await using own = await buildHouse({ engine: { intakeLog: place('older') } })
  // Takes in and applies nothing: from its log a message is had.
  await using door = await buildHouse({
    database: { url: own.databaseUrl, workspace: own.workspace },
    engine: { intakeLog: place('newer'), roles: new Set(['api']) },
  })
  const { globalWebhookUri } = await own.admin.appEventTypes.create({
    body: { key: 'old', tenantIdFormula: { $var: '$.of' } },
  })
  await own.admin.customers.create({ body: { internalId: 'otto' } })
  expect((await post(`${door.url}${new URL(globalWebhookUri).pathname}`, { of: 'otto' })).status).toBe(200)
  const connection = await nats.connect()
  const said = await connection.request('$JS.API.STREAM.MSG.GET.newer_intake', JSON.stringify({ seq: 1 }))
  const { message } = said.json<{ message: { data: string; hdrs: string } }>()
  const [, shard] = /Permea-Shards: (\d+)/.exec(Buffer.from(message.hdrs, 'base64').toString()) ?? []
  connection.publish(`older.intake.${shard}`, Buffer.from(message.data, 'base64'))
  await connection.drain()
  await until('it is applied', 20_000, async () => (await own.admin.appEvents.list()).items.length === 1)
})

test('a full log refuses for now, says how far it is behind, and takes in again when it was worked off', async () => {
  const { webhookUri } = await streamOf('fritz')
  // Only takes in, into a log that holds little.
  await using door = await buildHouse({
    database: { url: database.url, workspace: house.workspace },
    engine: { intakeLog: place('small', 1024 * 1024), roles: new Set(['api']) },
  })
  const at = `${door.url}${new URL(webhookUri).pathname}`
  const body = { text: 'x'.repeat(100_000) }
  const ids: string[] = []
  let last = await post(at, body)
  for (let times = 0; times < 20 && last.status === 200; times += 1) {
    ids.push(last.said.id ?? '')
    last = await post(at, body)
  }
  expect([last.status, last.said.key, last.retryAfter]).toEqual([503, 'overloaded', '1'])
  expect(ids.length).toBeGreaterThan(5)
  // Nobody works its shards: the figure is that of the whole log.
  await until('it is behind by a second', 20_000, async () => {
    const { intakeLog } = (await door.admin.statistics.get()).now
    expect(intakeLog?.shards).toBe(1)
    return (intakeLog?.oldestSeconds ?? 0) >= 1
  })
  await house[Symbol.asyncDispose]()
  house = await buildHouse({
    database: { url: database.url, workspace: house.workspace },
    engine: { intakeLog: place('small', 1024 * 1024) },
  })
  await until('there is room', 20_000, async () => (await post(at, body)).status === 200)
  const client = await house.as('fritz')
  await until('all is applied', 20_000, async () => (await client.appEvents.list()).items.length >= ids.length)
  const rows = new Set((await client.appEvents.list()).items.map(({ id }) => id))
  expect(ids.filter((id) => !rows.has(id))).toEqual([])
  await applied()
  await until('nothing is behind', 20_000, async () => {
    const { intakeLog } = (await house.admin.statistics.get()).now
    return intakeLog?.shards === 0 && intakeLog.oldestSeconds === 0
  })
})
