import type { ServerResponse } from 'node:http'
import type { Permea } from '@permea/sdk'
import {
  answering,
  buildHouse,
  type House,
  type Received,
  type Receiver,
  refusalKey,
  startReceiver,
} from '@permea/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

// A customer's link to an external app whose API takes a key: made, used, lost and found again.

const KEY = 'sk_live_4eC39HqLyjWDarjtT1zdp7dc'
const OTHER_KEY = 'sk_live_another_key_of_the_same_app'

let app: Receiver
let house: House
let anna: Permea

let backend: Receiver
let customers = 0

beforeAll(async () => {
  app = await startReceiver()
  backend = await startReceiver()
  house = await buildHouse({ clock: 'settable', engine: { random: () => 0.5, tickMs: 50 } })
  await offer()
  await house.admin.workspaces.patch({
    params: { id: (await house.admin.customers.self()).workspaceId },
    body: {
      webhookUri: backend.url,
      enabledWebhookEvents: [
        'connection.created',
        'connection.disconnected',
        'connection.reconnected',
        'connection.deleted',
      ],
    },
  })
})

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
  await backend[Symbol.asyncDispose]()
})

beforeEach(async () => {
  customers += 1
  anna = await house.as(`anna-${customers}`, { name: 'Anna' })
  await house.settle()
  app.behave(crm(KEY))
  app.received.length = 0
  backend.received.length = 0
})

/** An app that takes one key, answers what it was asked, and says so where the key is another. */
const crm = (key: string) => (request: Received, response: ServerResponse) => {
  const isKnown = request.headers.authorization === `Bearer ${key}`
  const headers = { 'x-request-path': request.path, 'set-cookie': 'session=of-the-app' }
  if (!isKnown) return answering(401, { error: 'unknown key' })(request, response)
  return answering(200, { path: request.path, body: request.json ?? request.body }, headers)(request, response)
}

async function offer(more: Record<string, unknown> = {}): Promise<void> {
  await house.admin.connectors.create({
    body: {
      key: 'crm',
      name: 'CRM',
      options: {
        key: {
          type: 'client-credentials',
          title: 'API key',
          inputSchema: {
            type: 'object',
            required: ['apiKey'],
            properties: {
              apiKey: { type: 'string', title: 'Your key', description: 'Under Settings › API', minLength: 8 },
              region: { type: 'string', enum: ['eu', 'us'], default: 'eu' },
              sandbox: { type: 'boolean' },
            },
          },
          getCredentialsFromConnectionParameters: {
            type: 'mapping',
            mapping: { apiKey: { $var: '$.connectionInput.apiKey' } },
          },
          makeApiClient: {
            type: 'mapping',
            mapping: {
              baseUri: `${app.url}/v1`,
              headers: { Authorization: { $concat: ['Bearer ', { $var: '$.credentials.apiKey' }] } },
            },
          },
          test: { type: 'rest-api-mapping', mapping: { path: '/me', method: 'GET' } },
        },
      },
      operations: {
        echo: {
          name: 'Echo',
          inputSchema: { type: 'object' },
          run: {
            type: 'rest-api-mapping',
            mapping: { path: '/echo', method: 'POST', requestMapping: { data: { $var: '$.input' } } },
          },
        },
      },
      ...more,
    },
  })
  await house.admin.integrations.create({ body: { key: 'crm', name: 'CRM', connectorKey: 'crm' } })
}

const connect = (client = anna, more: Record<string, unknown> = {}) =>
  client.connections.create({ body: { integrationKey: 'crm', input: { apiKey: KEY }, ...more } })

const told = () => backend.received.map((each) => (each.json as { eventType: string }).eventType)
const select = (connection: { id: string }) => ({ params: { selector: connection.id } })
const asAdmin = (connection: { id: string }) => house.admin.connections.get(select(connection))

describe('connecting', () => {
  test('makes credentials of what was filled in, asks the app whether it takes them, and keeps them to itself', async () => {
    const connection = await connect()
    expect(connection).toMatchObject({
      name: 'CRM',
      connected: true,
      disconnected: false,
      state: 'READY',
      canTest: true,
      canRefreshCredentials: false,
      user: { name: 'Anna' },
      integration: { key: 'crm' },
    })
    expect(app.received.map((each) => each.path)).toEqual(['/v1/me'])
    expect(JSON.stringify(connection)).not.toContain(KEY)
    const shown = await house.admin.connections.get({ ...select(connection), query: { includeSecrets: true } })
    expect(shown).toMatchObject({ credentials: { apiKey: KEY }, input: { apiKey: KEY } })
    expect(JSON.stringify(await asAdmin(connection))).not.toContain(KEY)
    await house.settle()
    expect(backend.received.map((each) => each.json)).toEqual([
      {
        eventType: 'connection.created',
        data: {
          connection: {
            id: connection.id,
            integrationId: connection.integrationId,
            integrationKey: 'crm',
            name: 'CRM',
            disconnected: false,
            customerId: `anna-${customers}`,
          },
        },
      },
    ])
  })

  test('secrets are sealed in the database, and shown to nobody but an admin who asks', async () => {
    const connection = await connect()
    const { rows } = await house.engine.database.pool.query('select * from connections')
    expect(JSON.stringify(rows)).not.toContain(KEY)
    const query = { includeSecrets: true }
    expect(await refusalKey(anna.connections.get({ ...select(connection), query }))).toBe('access_denied')
    expect(await refusalKey(anna.connections.list({ query }))).toBe('access_denied')
    for (const change of [anna.connections.patch, anna.connections.put])
      expect(await refusalKey(change({ ...select(connection), query, body: {} }))).toBe('access_denied')
    const listed = await house.admin.connections.list({ query: { ...query, limit: 1 } })
    expect(listed.items[0]?.credentials).toEqual({ apiKey: KEY })
  })

  test('what the app does not take is not kept', async () => {
    const refused = anna.connections.create({ body: { integrationKey: 'crm', input: { apiKey: OTHER_KEY } } })
    await expect(refused).rejects.toMatchObject({ key: 'access_token_expired', type: 'connection', status: 400 })
    expect((await anna.connections.list()).items).toEqual([])
    await expect(refused).rejects.not.toThrow(OTHER_KEY)
  })

  test('input that does not fit the schema of the way to connect is refused, naming the field', async () => {
    const body = { integrationKey: 'crm', input: { apiKey: 'short' } }
    const refused = anna.connections.create({ body })
    await expect(refused).rejects.toMatchObject({ key: 'invalid_input', data: { problems: [{ field: 'input' }] } })
    expect(app.received).toEqual([])
  })

  test('credentials that an operator gives are taken as they are', async () => {
    await anna.customers.self()
    const connection = await house.admin.connections.create({
      body: {
        userId: `anna-${customers}`,
        integrationKey: 'crm',
        credentials: { apiKey: KEY },
        key: 'given',
        name: 'Given',
        meta: { a: 1 },
        isTest: true,
      },
    })
    expect(connection).toMatchObject({ key: 'given', name: 'Given', meta: { a: 1 }, isTest: true })
    expect(app.received).toEqual([])
    expect(await refusalKey(connect(anna, { key: 'given' }))).toBe('already_exists')
  })

  test('needs a customer, an app that is there, and a person where OAuth is used', async () => {
    const input = { apiKey: KEY }
    const create = (body: Record<string, unknown>, client = anna) => refusalKey(client.connections.create({ body }))
    expect(await create({ integrationKey: 'crm', input }, house.admin)).toBe('invalid_input')
    expect(await create({ input })).toBe('invalid_input')
    expect(await create({ integrationKey: 'none', input })).toBe('not_found')
    expect(await create({ integrationKey: 'crm', authOptionKey: 'none', input })).toBe('not_found')
    await house.admin.integrations.create({ body: { key: 'gone', connectorKey: 'crm' } })
    await house.admin.integrations.archive({ params: { selector: 'gone' } })
    expect(await create({ integrationKey: 'gone', input })).toBe('archived')
    const made = await house.admin.connections.create({
      query: { userId: `anna-${customers}` },
      body: { connectorKey: 'crm', input },
    })
    expect(made).toMatchObject({ user: { internalId: `anna-${customers}` } })
    expect(made.integrationId).toBeUndefined()
  })
})

describe('a connection is called', () => {
  test('by its id, its key, or by its integration, which means this customer’s', async () => {
    const connection = await connect(anna, { key: 'mine' })
    const selectors = [connection.id, 'mine', 'crm', connection.integrationId ?? '']
    for (const selector of selectors)
      expect((await anna.connections.get({ params: { selector } })).id).toBe(connection.id)
    const integration = await anna.integrations.get({ params: { selector: 'crm' } })
    expect(integration.connection).toMatchObject({ id: connection.id })
  })

  test('ambiguously where several are meant: then nobody guesses', async () => {
    await connect()
    await connect()
    const selector = { params: { selector: 'crm' } }
    const calls = [
      () => anna.connections.get(selector),
      () => anna.connections.put({ ...selector, body: {} }),
      () => anna.connections.patch({ ...selector, body: {} }),
      () => anna.connections.archive(selector),
      () => anna.connections.restore(selector),
      () => anna.connections.test(selector),
      () => anna.connections.refreshCredentials(selector),
      () => anna.connections.logs(selector),
      () => anna.connections.refresh(selector),
      () => anna.connections.dependencies(selector),
      () => anna.connections.export(selector),
      () => anna.connections.disconnect(selector),
      () => anna.connections.executeRequest({ ...selector, body: { key: 'echo' } }),
      () => anna.connections.listOperations(selector),
      () => anna.connections.getOperation({ params: { selector: 'crm', key: 'echo' } }),
      () => anna.connections.runOperation({ params: { selector: 'crm', key: 'echo' }, body: {} }),
    ]
    for (const call of calls) expect(await refusalKey(call())).toBe('ambiguous_selector')
  })

  test('and other customers’ are not there', async () => {
    const connection = await connect(anna, { key: 'hers' })
    const bob = await house.as('bob')
    for (const selector of [connection.id, 'hers'])
      expect(await refusalKey(bob.connections.get({ params: { selector } }))).toBe('not_found')
    expect((await bob.connections.list()).items).toEqual([])
    const theirs = bob.connections.list({ query: { userId: `anna-${customers}` } })
    expect(await refusalKey(theirs)).toBe('not_found')
    const query = { userId: `anna-${customers}` }
    const found = await house.admin.connections.get({ params: { selector: 'hers' }, query })
    expect(found.id).toBe(connection.id)
  })

  test('and lists are narrowed by what they are asked for', async () => {
    const one = await connect(anna, { name: 'One', isTest: true })
    const two = await connect(anna, { name: 'Two' })
    await anna.connections.archive(select(two))
    const list = async (query: Parameters<Permea['connections']['list']>[0]) =>
      (await anna.connections.list(query)).items.map((each) => each.name)
    expect(await list({})).toEqual(['One'])
    expect(await list({ query: { includeArchived: true } })).toEqual(['Two', 'One'])
    expect(await list({ query: { isTest: false, includeArchived: true } })).toEqual(['Two'])
    expect(await list({ query: { search: 'on' } })).toEqual(['One'])
    expect(await list({ query: { disconnected: true } })).toEqual([])
    expect(await list({ query: { connected: true, integrationKey: 'crm' } })).toEqual(['One'])
    expect(await list({ query: { connectorId: one.connectorId } })).toEqual(['One'])
    expect(await list({ query: { connectorId: 'none' } })).toEqual([])
    const page = await anna.connections.list({ query: { includeArchived: true, limit: 1 } })
    const rest = await anna.connections.list({ query: { includeArchived: true, limit: 1, cursor: page.cursor } })
    expect([...page.items, ...rest.items].map((each) => each.name)).toEqual(['Two', 'One'])
  })
})

describe('changing', () => {
  test('a name changes nothing about who is connected; new input connects anew', async () => {
    const connection = await connect(anna, { key: 'mine' })
    app.received.length = 0
    const renamed = await anna.connections.patch({ ...select(connection), body: { name: 'Renamed', meta: { a: 1 } } })
    expect(renamed).toMatchObject({ name: 'Renamed', key: 'mine', meta: { a: 1 } })
    expect(app.received).toEqual([])
    app.behave(crm(OTHER_KEY))
    await anna.connections.put({ ...select(connection), body: { input: { apiKey: OTHER_KEY }, key: null } })
    const shown = await house.admin.connections.get({ ...select(connection), query: { includeSecrets: true } })
    expect(shown).toMatchObject({ name: 'Renamed', credentials: { apiKey: OTHER_KEY } })
    expect(shown.key).toBeUndefined()
    const refused = anna.connections.put({ ...select(connection), body: { input: { apiKey: KEY } } })
    await expect(refused).rejects.toMatchObject({ type: 'connection' })
    expect(await refusalKey(anna.connections.patch({ ...select(connection), body: { input: { apiKey: KEY } } }))).toBe(
      'access_token_expired',
    )
    expect((await anna.connections.logs(select(connection))).items.map(({ kind, status }) => [kind, status])).toEqual([
      ['connect', 'error'],
      ['connect', 'error'],
      ['connect', 'success'],
      ['connect', 'success'],
    ])
    const failures = await anna.connections.logs({ ...select(connection), query: { status: 'error', limit: 1 } })
    expect(failures.items).toHaveLength(1)
  })

  test('a key that is taken, and an archived connection, are refused', async () => {
    await connect(anna, { key: 'taken' })
    const other = await connect(anna, { key: 'free' })
    for (const call of [anna.connections.patch, anna.connections.put])
      expect(await refusalKey(call({ ...select(other), body: { key: 'taken' } }))).toBe('already_exists')
    await anna.connections.archive(select(other))
    await connect(anna, { key: 'free' })
    const calls = [
      () => anna.connections.patch({ ...select(other), body: {} }),
      () => anna.connections.put({ ...select(other), body: {} }),
      () => anna.connections.test(select(other)),
      () => anna.connections.refreshCredentials(select(other)),
      () => anna.connections.executeRequest({ ...select(other), body: { key: 'echo' } }),
      () => anna.connections.runOperation({ params: { selector: other.id, key: 'echo' }, body: {} }),
    ]
    for (const call of calls) expect(await refusalKey(call())).toBe('archived')
    expect(await refusalKey(anna.connections.restore(select(other)))).toBe('already_exists')
    expect((await raw(other, '/proxy/x')).status).toBe(410)
  })
})

/** A request to the API as no client of ours makes it. */
async function raw(connection: { id: string }, path: string, init: RequestInit = {}): Promise<Response> {
  const token = await house.tokenOf({ id: `anna-${customers}` })
  return fetch(`${house.url}/connections/${connection.id}${path}`, {
    redirect: 'manual',
    ...init,
    headers: { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string>) },
  })
}

describe('operations and requests', () => {
  test('an operation of the connector runs with the connection’s credentials', async () => {
    const connection = await connect()
    const operations = await anna.connections.listOperations(select(connection))
    expect(operations).toMatchObject([{ key: 'echo', name: 'Echo', inputSchema: { type: 'object' } }])
    const params = { selector: connection.id, key: 'echo' }
    expect(await anna.connections.getOperation({ params })).toMatchObject({ key: 'echo' })
    expect(await anna.connections.runOperation({ params, body: { input: { n: 1 } } })).toMatchObject({
      output: { path: '/v1/echo', body: { n: 1 } },
    })
    expect(await anna.connections.executeRequest({ ...select(connection), body: { key: 'echo', payload: 2 } })).toEqual(
      {
        path: '/v1/echo',
        body: 2,
      },
    )
    const none = { selector: connection.id, key: 'none' }
    expect(await refusalKey(anna.connections.getOperation({ params: none }))).toBe('not_found')
    expect(await refusalKey(anna.connections.runOperation({ params: none, body: {} }))).toBe('not_found')
  })

  test('a path is posted to, and what the app refuses is told with its status and body, without secrets', async () => {
    const connection = await connect()
    const body = { key: '/things', payload: { a: 1 } }
    expect(await anna.connections.executeRequest({ ...select(connection), body })).toEqual({
      path: '/v1/things',
      body: { a: 1 },
    })
    const posted = await raw(connection, '/api/things?x=1', { method: 'POST', body: '{"a":1}' })
    expect(await posted.json()).toEqual({ path: '/v1/things?x=1', body: { a: 1 } })
    app.behave((request, response) =>
      answering(429, { echo: request.headers.authorization }, { 'retry-after': '7' })(request, response),
    )
    const refused = anna.connections.executeRequest({ ...select(connection), body })
    await expect(refused).rejects.toMatchObject({
      type: 'connection',
      key: 'rate_limit_exceeded',
      data: { status: 429, retryAfterMs: 7000, body: { echo: expect.not.stringContaining(KEY) } },
    })
    app.behave(answering(500, { why: 'tired' }))
    const params = { selector: connection.id, key: 'echo' }
    await expect(anna.connections.runOperation({ params, body: {} })).rejects.toMatchObject({
      key: 'connection_failed',
      data: { status: 500, body: { why: 'tired' } },
    })
  })
})

describe('losing access', () => {
  test('is noticed by a request, told once, healed by itself with growing waits, and told again', async () => {
    const connection = await connect()
    await house.settle()
    backend.received.length = 0
    app.behave(crm('somebody changed the key'))
    const refused = anna.connections.executeRequest({ ...select(connection), body: { key: '/x' } })
    await expect(refused).rejects.toMatchObject({ key: 'access_token_expired' })
    expect(await asAdmin(connection)).toMatchObject({
      disconnected: true,
      connected: false,
      state: 'CLIENT_ACTION_REQUIRED',
      retryAttempts: 1,
      error: { key: 'access_token_expired' },
    })
    await house.settle()
    expect(told()).toEqual(['connection.disconnected'])
    expect(backend.received[0]?.json).toMatchObject({ data: { connection: { id: connection.id, disconnected: true } } })
    const query = { type: 'connection_disconnected', contextKey: connection.id } as const
    expect((await house.admin.alerts.list({ query })).items).toMatchObject([{ status: 'ongoing' }])

    // Nothing is sent while it waits.
    app.received.length = 0
    const waiting = anna.connections.executeRequest({ ...select(connection), body: { key: '/x' } })
    await expect(waiting).rejects.toMatchObject({ key: 'connection_disconnected' })
    expect((await raw(connection, '/proxy/x')).status).toBe(400)
    expect(app.received).toEqual([])

    await house.advance(61_000)
    expect((await asAdmin(connection)).retryAttempts).toBe(2)
    await house.advance(100_000)
    expect((await asAdmin(connection)).retryAttempts).toBe(2)
    await house.advance(25_000)
    expect((await asAdmin(connection)).retryAttempts).toBe(3)
    app.behave(crm(KEY))
    await house.advance(250_000)
    const healed = await asAdmin(connection)
    expect(healed).toMatchObject({ disconnected: false, retryAttempts: 0 })
    expect(healed.error).toBeUndefined()
    expect(told()).toEqual(['connection.disconnected', 'connection.reconnected'])
    expect((await house.admin.alerts.list({ query })).items).toMatchObject([{ status: 'resolved' }])
  })

  test('does not follow from one request that is not allowed, as long as the test of the connector passes', async () => {
    const connection = await connect()
    app.behave((request, response) =>
      request.path === '/v1/me' ? crm(KEY)(request, response) : answering(401)(request, response),
    )
    for (let times = 0; times < 3; times += 1)
      await expect(
        anna.connections.executeRequest({ ...select(connection), body: { key: '/forbidden' } }),
      ).rejects.toMatchObject({ key: 'access_token_expired' })
    expect(await asAdmin(connection)).toMatchObject({ disconnected: false, retryAttempts: 0 })
    // The app is not asked again each time.
    expect(app.received.filter((each) => each.path === '/v1/me')).toHaveLength(2)
  })

  test('ends when the customer connects anew', async () => {
    const connection = await connect()
    app.behave(crm(OTHER_KEY))
    expect(await anna.connections.test(select(connection))).toMatchObject({ success: false })
    expect((await asAdmin(connection)).disconnected).toBe(true)
    await anna.connections.patch({ ...select(connection), body: { input: { apiKey: OTHER_KEY } } })
    expect(await asAdmin(connection)).toMatchObject({ disconnected: false })
    expect(await anna.connections.test(select(connection))).toEqual({ success: true })
    await house.settle()
    expect(told()).toEqual(['connection.created', 'connection.disconnected', 'connection.reconnected'])
  })

  test('what a connector cannot do is said so', async () => {
    const connection = await connect()
    expect(await refusalKey(anna.connections.refreshCredentials(select(connection)))).toBe('not_supported')
    await offerAs('plain', { options: { plain: { type: 'proxy', makeApiClient: { type: 'mapping', mapping: {} } } } })
    const plain = await anna.connections.create({ body: { integrationKey: 'plain' } })
    expect(await refusalKey(anna.connections.test(select(plain)))).toBe('not_supported')
    const body = { key: '/x' }
    const refused = anna.connections.executeRequest({ ...select(plain), body })
    await expect(refused).rejects.toMatchObject({ message: expect.stringContaining('no baseUri') })
  })
})

async function offerAs(key: string, definition: Record<string, unknown>): Promise<void> {
  await house.admin.connectors.create({ body: { key, name: key, ...definition } })
  await house.admin.integrations.create({ body: { key, name: key, connectorKey: key } })
}

describe('giving up', () => {
  test('archives, tells the app by the connector’s disconnect, and can be undone', async () => {
    const { options } = await house.admin.connectors.get({ params: { selector: 'crm' } })
    await offerAs('leaving', {
      options,
      disconnect: { type: 'rest-api-mapping', mapping: { path: '/goodbye', method: 'DELETE' } },
    })
    const connection = await connect(anna, { integrationKey: 'leaving' })
    await anna.connections.archive(select(connection))
    await anna.connections.archive(select(connection))
    await house.settle()
    expect(app.received.map((each) => `${each.method} ${each.path}`)).toEqual(['GET /v1/me', 'DELETE /v1/goodbye'])
    expect(told()).toEqual(['connection.created', 'connection.deleted'])
    expect((await anna.connections.get(select(connection))).archivedAt).toBeDefined()
    const logs = await anna.connections.logs(select(connection))
    expect(logs.items[0]).toMatchObject({ kind: 'disconnect', status: 'success' })
    // The app is asked at once whether it still takes the credentials.
    app.behave(crm(OTHER_KEY))
    expect((await anna.connections.restore(select(connection))).archivedAt).toBeUndefined()
    await house.settle()
    expect(await asAdmin(connection)).toMatchObject({ disconnected: true })
    expect((await anna.connections.restore(select(connection))).id).toBe(connection.id)
  })
})

describe('records of requests', () => {
  test('hold what was sent and answered, without any secret, linked to whose they are', async () => {
    const connection = await connect()
    app.behave((request, response) =>
      answering(200, { youSent: request.headers.authorization, long: 'x'.repeat(30_000) })(request, response),
    )
    const body = { key: `/things?token=hush&key=${KEY}`, payload: { note: `my key is ${KEY}`, n: 1 } }
    await anna.connections.executeRequest({ ...select(connection), body })
    await house.engine.appRequests.settled()
    const [log] = (await anna.externalApiLogs.list({ query: { connectionId: connection.id, limit: 1 } })).items
    expect(log).toMatchObject({
      method: 'POST',
      statusCode: 200,
      isSuccess: true,
      connectionId: connection.id,
      requestUrl: `${app.url}/v1/things?token=***&key=***`,
    })
    const params = { id: log?.id ?? '' }
    expect(await anna.externalApiLogs.get({ params })).toEqual(log)
    const content = await anna.externalApiLogs.getContent({ params })
    expect(content).toMatchObject({
      request: { headers: { authorization: '***' }, body: { note: 'my key is ***', n: 1 } },
      response: { status: 200, bodyTruncated: true },
    })
    const { rows } = await house.engine.database.pool.query('select * from external_api_logs')
    expect(rows.length).toBeGreaterThan(1)
    expect(JSON.stringify(rows)).not.toContain(KEY)
  })

  test('are found by what they are about, oldest or newest first', async () => {
    const connection = await connect()
    for (const key of ['/one', '/two', '/three'])
      await anna.connections.executeRequest({ ...select(connection), body: { key } })
    app.behave(answering(404))
    await anna.connections.executeRequest({ ...select(connection), body: { key: '/four' } }).catch(() => {})
    await house.engine.appRequests.settled()
    const paths = async (query: Parameters<Permea['externalApiLogs']['list']>[0]) =>
      (await anna.externalApiLogs.list(query)).items.map((each) => new URL(each.requestUrl).pathname.slice(3))
    expect(await paths({})).toEqual(['/four', '/three', '/two', '/one', '/me'])
    expect(await paths({ query: { sortOrder: 'asc', limit: 2 } })).toEqual(['/me', '/one'])
    const first = await anna.externalApiLogs.list({ query: { sortOrder: 'asc', limit: 2 } })
    expect(await paths({ query: { sortOrder: 'asc', limit: 2, cursor: first.cursor } })).toEqual(['/two', '/three'])
    expect(await paths({ query: { isSuccess: false } })).toEqual(['/four'])
    expect(await paths({ query: { integrationId: connection.integrationId, isSuccess: false } })).toEqual(['/four'])
    expect(await paths({ query: { sourceId: 'nobody' } })).toEqual([])
    expect(await paths({ query: { to: new Date(0).toISOString() } })).toEqual([])
    const bob = await house.as('bob')
    const { id = '' } = (await anna.externalApiLogs.list({ query: { limit: 1 } })).items[0] ?? {}
    expect(await refusalKey(bob.externalApiLogs.get({ params: { id } }))).toBe('not_found')
    expect(await refusalKey(bob.externalApiLogs.getContent({ params: { id } }))).toBe('not_found')
    expect((await bob.externalApiLogs.list()).items).toEqual([])
    expect(await refusalKey(bob.externalApiLogs.list({ query: { userId: `anna-${customers}` } }))).toBe('not_found')
    const query = { userId: `anna-${customers}`, limit: 1 }
    expect((await house.admin.externalApiLogs.list({ query })).items[0]?.id).toBe(id)
  })
})
