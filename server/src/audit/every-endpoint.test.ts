import { contract, type Endpoint, type EndpointTable } from '@permea/contract'
import { addWorkspace, createTestDatabase, systemClock, type TestDatabase } from '@permea/testkit'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import type { Actor } from '../api/principal.ts'
import { Refusal } from '../api/refusal.ts'
import { createRequestTraces } from '../api/request-traces.ts'
import type { RouteSet } from '../api/routes.ts'
import { createApi } from '../api/server.ts'
import { createIntake } from '../bodies/intake.ts'
import { createDatabase, type Database, sql } from '../platform/database.ts'
import { createIds } from '../platform/ids.ts'
import { silentLog } from '../platform/log.ts'
import { createMetrics } from '../platform/metrics.ts'
import { createSealing, sealingKey } from '../platform/sealing.ts'
import { createWorkspaceStore } from '../workspaces/store.ts'
import { type Audit, callOrigin, createAuditRoom } from './assembly.ts'
import { POLICIES } from './policy.ts'

// Every endpoint of the contract on the real server, each with a handler that only answers: what is recorded of a call is
// decided by the contract and the table of the audit room, whatever the handler does.

const MARKER = 'marker-of-a-secret-0123456789'

const endpoints = Object.entries<EndpointTable>(contract).flatMap(([group, table]) =>
  Object.entries(table).map(([name, endpoint]) => ({ name: `${group}.${name}`, endpoint })),
)
const changing = endpoints.filter(({ endpoint }) => endpoint.method !== 'GET')
const recordedAs = (endpoint: Endpoint) => POLICIES.get(endpoint)?.recording

let testDatabase: TestDatabase
let database: Database
let app: FastifyInstance
let audit: Audit
let actor: Actor
let failure: Error | null = null
const workspaceId = '01900000-0000-7000-8000-00000000000a'

beforeAll(async () => {
  testDatabase = await createTestDatabase()
  database = createDatabase({ url: testDatabase.url, connectionsMax: 4, log: silentLog })
  const sealing = createSealing([sealingKey('a key for tests that is long enough')])
  const workspace = await addWorkspace(
    { workspaceStore: createWorkspaceStore(sealing), database } as Parameters<typeof addWorkspace>[0],
    systemClock,
    null,
  )
  const routes: RouteSet[] = Object.values<EndpointTable>(contract).map(answering)
  const room = createAuditRoom({
    database,
    clock: systemClock,
    ids: createIds(systemClock),
    log: silentLog,
    notifications: { tell: async () => {}, emit: async () => [], connection: async () => {}, offer: () => {} },
    live: { changed: () => {} },
    keys: [new Uint8Array(32)],
    retentionDays: 1,
    authenticate: async () => principal(),
    routes: () => routes,
    customerOf: async () => null,
    erasedCustomers: async () => new Set(),
  })
  audit = room.api
  const principal = () => ({
    workspaceId: workspace.id,
    workspaceKey: workspace.key,
    isAdmin: true,
    customerId: null,
    actor,
  })
  app = await createApi({
    log: silentLog,
    metrics: createMetrics(),
    routes,
    intake: createIntake(),
    publicUrl: 'http://localhost',
    authenticate: async () => principal(),
    traces: createRequestTraces(null),
    documents: {},
    checkReady: async () => ({}),
    mountIngress: () => {},
    record: (call, request) => audit.begin({ ...call, origin: callOrigin(request) }),
  })
})

afterAll(async () => {
  await app.close()
  await database.close()
  await testDatabase[Symbol.asyncDispose]()
})

/** Handlers that answer with an element that has the marker everywhere a secret may be, and with what they were sent. */
function answering(table: EndpointTable): RouteSet {
  const open = Object.entries(table).map(([name, endpoint]): [string, Endpoint] => {
    const { query: _query, body: _body, ...rest } = endpoint
    // The room knows endpoints by their identity: of each the shapes are opened where they stand.
    return [name, Object.assign(Object.create(endpoint) as Endpoint, rest, { query: undefined, body: z.unknown() })]
  })
  const opened = Object.fromEntries(open)
  for (const [name] of open) {
    const [policy, own] = [POLICIES.get(table[name] as Endpoint), opened[name] as Endpoint]
    if (policy !== undefined) (POLICIES as Map<Endpoint, typeof policy>).set(own, { ...policy, getter: null })
  }
  const handlers = Object.fromEntries(
    open.map(([name]) => [
      name,
      async ({ body }: { body: unknown }) => {
        if (failure !== null) throw failure
        return { id: 'thing_1', name: 'A thing', ...ELEMENT, echo: body, said: `it was ${MARKER}, wasn't it` }
      },
    ]),
  )
  return { table: opened, handlers: handlers as unknown as RouteSet['handlers'] }
}

const ELEMENT = {
  secret: MARKER,
  token: MARKER,
  parameters: { clientSecret: MARKER, nested: [{ name: 'Authorization', value: `Bearer ${MARKER}` }] },
  credentials: { apiKey: MARKER },
  url: `https://user:${MARKER}@example.com/?access_token=${MARKER}`,
  text: JSON.stringify({ password: MARKER }),
}

async function call({ endpoint }: { endpoint: Endpoint }, body: unknown): Promise<number> {
  const { statusCode } = await app.inject({
    method: endpoint.method,
    url: endpoint.path.replaceAll(/:\w+/g, 'thing_1'),
    headers: { authorization: 'Bearer x', 'content-type': 'application/json' },
    payload: JSON.stringify(body),
  })
  return statusCode
}

async function recorded(): Promise<{ action: string; outcome: string; actorKind: string }[]> {
  const { rows } = await sql<{ action: string; outcome: string; actorKind: string }>`
    select action, outcome, actor_kind as "actorKind" from audit_records order by sequence`.execute(database.db)
  return rows
}

const everything = async () => {
  const { rows } = await sql<{ text: string }>`
    select concat(r::text, d::text, i::text) as text from audit_records r
      full join audit_details d using (workspace_id, sequence) full join audit_intents i on i.id = r.id`.execute(
    database.db,
  )
  return rows.map((row) => row.text).join('\n')
}

const KEY: Actor = { kind: 'workspace-secret', id: null, name: null, role: 'owner' }
const ADA: Actor = { kind: 'user', id: workspaceId, name: 'Ada', role: 'developer' }

test('every endpoint that changes something leaves a record, whoever adds it to the contract', async () => {
  actor = ADA
  const statuses = await Promise.all(changing.map((each) => call(each, {})))
  expect(statuses).toEqual(changing.map(({ endpoint }) => endpoint.status ?? 200))
  const wanted = changing.filter(({ endpoint }) => recordedAs(endpoint) !== 'none').map(({ name }) => name)
  expect((await recorded()).map((one) => one.action).sort()).toEqual(wanted.sort())
  expect(wanted.length).toBeGreaterThan(300)
})

test('what is not recorded although it is no GET stands in a short list, and none of it changes an element', () => {
  const unrecorded = changing.filter(({ endpoint }) => recordedAs(endpoint) === 'none').map(({ name }) => name)
  expect(unrecorded.sort()).toEqual(
    [
      ...['connectors.generateOptions', 'connectors.connectionOptions', 'fieldMappingInstances.run'],
      ...['appEventTypes.generateSchema', 'externalEventTypes.generateSchema', 'dataCollections.refresh'],
      ...['listRecords', 'searchRecords', 'matchRecord', 'findRecordById'].flatMap((name) => [
        `dataCollections.${name}`,
        `dataSourceRecords.${name}`,
      ]),
      ...['dataSourceRecords.findRecords', 'dataSourceRecords.unifiedFieldsToNative'],
    ].sort(),
  )
})

test('what programs do all day is recorded of people only', async () => {
  actor = KEY
  const traffic = changing.filter(({ endpoint }) => recordedAs(endpoint) === 'traffic')
  const before = (await recorded()).length
  await Promise.all(traffic.map((each) => call(each, {})))
  expect((await recorded()).length).toBe(before)
  expect(traffic.map(({ name }) => name)).toEqual(expect.arrayContaining(['flowRuns.create', 'actions.run']))
  expect(traffic.every(({ name }) => /\.(?:act|create|executeRequest|run|runBy|tryNode|\w+Record)/.test(name))).toBe(
    true,
  )
})

test('a secret given to any of them, in any place, is in no table', async () => {
  actor = ADA
  const body = { ...ELEMENT, name: 'kept', values: [ELEMENT], free: `as ${MARKER}` }
  await Promise.all(changing.map((each) => call(each, body)))
  const text = await everything()
  expect(text.includes('kept')).toBe(true)
  expect(text.includes(MARKER)).toBe(false)
  expect(text.includes(Buffer.from(MARKER).toString('base64').slice(0, 20))).toBe(false)
})

test('what is refused leaves no record, what fails leaves one', async () => {
  const [first] = changing
  if (first === undefined) throw new Error('nothing changes anything')
  const before = (await recorded()).length
  failure = new Refusal('not_found', 'there is none')
  expect(await call(first, {})).toBe(404)
  failure = new Error('a mistake of ours')
  expect(await call(first, {})).toBe(500)
  failure = null
  await audit.settled()
  expect((await recorded()).slice(before)).toEqual([{ action: first.name, outcome: 'failed', actorKind: 'user' }])
})
