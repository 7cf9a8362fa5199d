import { buildHouse, type House, startReceiver } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { GuestRequest } from '../sandbox/call.ts'
import type { ApiClient, CallContext, FunctionCall } from './function.ts'

let house: House

beforeAll(async () => {
  house = await buildHouse()
})

afterAll(() => house[Symbol.asyncDispose]())

function context(more: Partial<CallContext> = {}): CallContext {
  return {
    workspaceId: house.workspace.id,
    customerId: null,
    integrationId: null,
    connectionId: null,
    ownerId: 'eet_test',
    slot: 'handle',
    sourceId: null,
    ...more,
  }
}

const call = (definition: FunctionCall['definition'], more: Partial<FunctionCall> = {}) =>
  house.engine.functions.call({ definition, context: context(), args: {}, ...more })
const callCode = (code: string, more: Partial<FunctionCall> = {}) => call({ type: 'javascript', code }, more)

/** An API client that notes what it is asked and answers with JSON. */
function answeringClient(body: unknown, requests: GuestRequest[] = []): ApiClient {
  return {
    async request(request) {
      requests.push(request)
      const headers = { 'content-type': 'application/json' }
      return { kind: 'answered', status: 201, headers, body: Buffer.from(JSON.stringify(body)) }
    },
  }
}

test('JavaScript and TypeScript are called with the argument and the API clients', async () => {
  const requests: GuestRequest[] = []
  const code = `
    export default async function subscribe({ apiClient, parameters }: { apiClient: any; parameters: { id: number } }) {
      const { id } = await apiClient.post('/webhooks', { of: parameters.id })
      return { state: { webhookId: id } }
    }`
  const outcome = await callCode(code, {
    args: { parameters: { id: 7 } },
    clients: { apiClient: answeringClient({ id: 'wh_1' }, requests) },
  })
  expect(outcome).toMatchObject({ kind: 'returned', value: { state: { webhookId: 'wh_1' } }, hostCalls: 1 })
  expect(requests).toMatchObject([{ method: 'POST', uri: '/webhooks', data: { of: 7 } }])
})

test('what a function throws is told with its place in the source', async () => {
  const outcome = await callCode("export default () => {\n  throw new TypeError('no such thing')\n}")
  expect(outcome).toMatchObject({
    kind: 'failed',
    failure: 'thrown',
    error: { type: 'custom_code', key: 'thrown', message: 'TypeError: no such thing (handle.js:2:13)' },
  })
})

test('an error of the connection keeps its type, key and data when the function lets it through', async () => {
  const error = { type: 'connection', key: 'access_token_expired', message: 'gone', data: { status: 401 } }
  const client: ApiClient = { request: async () => ({ kind: 'failed', error }) }
  const code = 'export default async ({ apiClient }) => apiClient.get("/me")'
  const outcome = await callCode(code, { clients: { apiClient: client } })
  expect(outcome).toMatchObject({ kind: 'failed', error })
})

test('every way to fail has a key of its own', async () => {
  const failures = {
    load: 'export const nothing = 1',
    cpu_timeout: 'export default () => { for (;;); }',
    never_settles: 'export default () => new Promise(() => {})',
    limit_exceeded: 'export default () => "x".repeat(2_000_000)',
  }
  for (const [key, code] of Object.entries(failures))
    expect(await callCode(code, { limits: { resultBytes: 1_000_000 } }), code).toMatchObject({
      kind: 'failed',
      failure: key,
      error: { type: 'custom_code', key },
    })
  const signal = AbortSignal.abort()
  expect(await callCode('export default () => 1', { signal })).toMatchObject({ kind: 'failed', failure: 'aborted' })
})

test('a source that does not load is refused with line and column, formulas and requests with what is wrong', async () => {
  const { problem } = house.engine.functions
  expect(await problem({ type: 'javascript', code: 'export default (\n  {{' }, 'subscribe.js')).toMatchObject({
    line: 2,
  })
  expect(await problem({ type: 'javascript', code: 'export default 5' }, 'subscribe.js')).not.toBeNull()
  expect(await problem({ type: 'javascript', code: 'export default () => 5' }, 'subscribe.js')).toBeNull()
  expect(await problem({ type: 'mapping', mapping: { a: { $var: 5 } } }, 'a.js')).toMatchObject({
    message: expect.stringContaining('$.a: $var needs'),
  })
  const request = (mapping: { path: string; method: string }) => problem({ type: 'rest-api-mapping', mapping }, 'a.js')
  expect(await request({ path: '/a', method: 'FETCH' })).toMatchObject({ message: expect.stringContaining('FETCH') })
  expect(await request({ path: '', method: 'GET' })).toMatchObject({ message: 'the request has no path' })
  expect(await request({ path: '/a', method: 'get' })).toBeNull()
})

test('a mapping is evaluated over the argument', async () => {
  const mapping = { token: { $var: '$.connectionInput.token' }, kind: 'basic' }
  expect(await call({ type: 'mapping', mapping }, { args: { connectionInput: { token: 'abc' } } })).toMatchObject({
    kind: 'returned',
    value: { token: 'abc', kind: 'basic' },
  })
  const many = { $iterate: { source: { $var: '$.list' }, item: { $concat: [{ $var: '$.item' }, 'x'.repeat(4000)] } } }
  const args = { list: Array.from({ length: 20_000 }, () => 'y'.repeat(2000)) }
  expect(await call({ type: 'mapping', mapping: many }, { args })).toMatchObject({
    kind: 'failed',
    failure: 'limit_exceeded',
  })
})

test('a request mapping fills path, query, headers and data, and maps the answer', async () => {
  const requests: GuestRequest[] = []
  const clients = { apiClient: answeringClient({ id: 5, deep: { name: 'n' } }, requests) }
  const args = { parameters: { owner: 'a b/c', page: 2 } }
  const mapping = {
    path: '/repos/{owner}/hooks',
    method: 'post',
    requestMapping: {
      pathParameters: { owner: { $var: '$.parameters.owner' } },
      query: { page: { $var: '$.parameters.page' } },
      headers: { 'x-page': { $var: '$.parameters.page' }, 'x-none': { $var: '$.parameters.none' } },
      data: { list: [1, { $var: '$.parameters.page' }] },
    },
    responseMapping: { id: { $var: '$.response.data.id' }, status: { $var: '$.response.statusCode' } },
  }
  expect(await call({ type: 'rest-api-mapping', mapping }, { args, clients })).toMatchObject({
    kind: 'returned',
    value: { id: 5, status: 201 },
    hostCalls: 1,
  })
  expect(requests).toEqual([
    {
      method: 'POST',
      uri: '/repos/a%20b%2Fc/hooks',
      query: { page: 2 },
      headers: { 'x-page': '2' },
      data: { list: [1, 2] },
    },
  ])
  const plain = { path: '/me', method: 'GET' }
  expect(await call({ type: 'rest-api-mapping', mapping: plain }, { clients })).toMatchObject({
    kind: 'returned',
    value: { id: 5, deep: { name: 'n' } },
  })
})

test('a path parameter stays within its place in the path', async () => {
  const requested: string[] = []
  const apiClient: ApiClient = {
    async request({ uri }) {
      requested.push(uri)
      return { kind: 'answered', status: 200, headers: {}, body: Buffer.alloc(0) }
    },
  }
  const pathParameters = { id: { $var: '$.id' } }
  const mapping = { path: '/a/{id}/b', method: 'GET', requestMapping: { pathParameters } }
  const withId = (id: unknown) => call({ type: 'rest-api-mapping', mapping }, { args: { id }, clients: { apiClient } })
  for (const id of ['..', '.'])
    expect(await withId(id)).toMatchObject({ kind: 'failed', error: { key: 'path_parameter_wrong' } })
  for (const id of ['../x?y#z', '...', 'a.b']) expect(await withId(id)).toMatchObject({ kind: 'returned' })
  expect(requested).toEqual(['/a/..%2Fx%3Fy%23z/b', '/a/.../b', '/a/a.b/b'])
})

test('a request mapping that cannot be sent, and one that is refused, fail', async () => {
  const error = { type: 'connection', key: 'rate_limit_exceeded', message: 'slowly' }
  const refusing: ApiClient = { request: async () => ({ kind: 'failed', error }) }
  const get = (path: string) => ({ type: 'rest-api-mapping', mapping: { path, method: 'GET' } }) as const
  expect(await call(get('/a'), { clients: { apiClient: refusing } })).toMatchObject({ kind: 'failed', error })
  expect(await call(get('/a/{id}'), { clients: { apiClient: refusing } })).toMatchObject({
    kind: 'failed',
    error: { key: 'path_parameter_missing' },
  })
  expect(await call(get('/a'))).toMatchObject({ kind: 'failed', error: { key: 'no_api_client' } })
})

test('an operation mapping runs an operation and maps what it gives', async () => {
  const mapping = {
    operationKey: 'find',
    inputMapping: { of: { $var: '$.id' } },
    outputMapping: { $var: '$.output.x' },
  }
  const ran: unknown[] = []
  const runOperation: FunctionCall['runOperation'] = async (key, input) => {
    ran.push([key, input])
    return callCode(`export default () => ({ x: 'found' })`)
  }
  const definition = { type: 'operation-mapping', mapping } as const
  expect(await call(definition, { args: { id: 7 }, runOperation })).toMatchObject({ kind: 'returned', value: 'found' })
  expect(ran).toEqual([['find', { of: 7 }]])
  const failing = () => callCode(`export default () => { throw new Error('broken') }`)
  expect(await call(definition, { runOperation: failing })).toMatchObject({
    kind: 'failed',
    error: { message: expect.stringContaining('broken') },
  })
  expect(await call(definition)).toMatchObject({ kind: 'failed', error: { key: 'no_operations' } })
})

test('fetch of a function goes out under the address policy', async () => {
  await using receiver = await startReceiver()
  const code = `export default async ({ url }) => {
    const answer = await fetch(url + '/path', { method: 'POST', body: 'text', headers: { host: 'x', 'x-own': '1' } })
    return [answer.status, await answer.json()]
  }`
  expect(await callCode(code, { args: { url: receiver.url } })).toMatchObject({ kind: 'returned', value: [200, {}] })
  expect(receiver.received).toMatchObject([{ method: 'POST', path: '/path', body: 'text', headers: { 'x-own': '1' } }])
  // Loopback is open in tests; the rest of the private world is not.
  const forbidden = await callCode(code, { args: { url: 'http://10.0.0.1' } })
  expect(forbidden).toMatchObject({ kind: 'failed', error: { key: 'fetch_failed' } })
})

test('credentials appear neither in what a function logs nor in its error, for the caller and in the record', async () => {
  const secret = 'xoxb-1234-very-secret'
  const code = `export default ({ credentials }) => {
    console.log('got', credentials)
    throw new Error('cannot use ' + credentials.token + ' or ' + btoa(credentials.token))
  }`
  const outcome = await callCode(code, { args: { credentials: { token: secret } } })
  await house.engine.functions.settled()
  const { items } = await house.admin.functions.list({ query: { outcome: 'thrown', limit: 1 } })
  for (const told of [outcome, items[0]]) {
    expect(JSON.stringify(told)).toContain('***')
    expect(JSON.stringify(told)).not.toContain('very-secret')
    expect(JSON.stringify(told)).not.toContain(Buffer.from(secret).toString('base64').slice(0, 16))
  }
})

test('the value of a text is there for mappings as it is for code, and its secrets are masked', async () => {
  const body = { id: 7, deep: { client_secret: 'shh-1234-very-secret' } }
  const text = { utf8: Buffer.from(JSON.stringify(body)), as: 'rawBody', valueAs: ['data', 'body'] }
  const mapping = { raw: { $var: '$.rawBody' }, id: { $var: '$.data.id' }, same: { $var: '$.body.deep' } }
  expect(await call({ type: 'mapping', mapping }, { args: { data: null }, text })).toMatchObject({
    kind: 'returned',
    value: { raw: JSON.stringify(body), id: 7, same: body.deep },
  })
  const code = `export default ({ data, rawBody }) => {
    console.log('got', data, rawBody)
    throw new Error('cannot use ' + data.deep.client_secret)
  }`
  const outcome = await callCode(code, { args: { data: null }, text })
  expect(outcome).toMatchObject({ kind: 'failed', logs: [{ message: expect.stringContaining('***') }] })
  expect(JSON.stringify(outcome)).toContain('cannot use ***')
  expect(JSON.stringify(outcome)).not.toContain('very-secret')
})

test('a function that says too much is cut short', async () => {
  const code = `export default () => { for (let i = 0; i < 5; i += 1) console.log('x'.repeat(10_000)); throw new Error('y'.repeat(100_000)) }`
  const outcome = await callCode(code)
  expect(JSON.stringify(outcome.logs).length).toBeLessThan(35_000)
  expect(outcome.kind === 'failed' && outcome.error.message.length).toBeLessThan(5_000)
  expect(outcome.logs.at(-1)?.message).toMatch(/left out|more/)
})

test('every call is recorded, without argument and value, unless it is asked not to be', async () => {
  const ownerId = 'act_recorded'
  const recorded = await callCode('export default ({ n }) => { console.info("said"); return n }', {
    args: { n: 'the argument' },
    context: context({ ownerId, slot: 'run', sourceId: 'fr_1' }),
  })
  await callCode('export default () => 1', { context: context({ ownerId }), isRecorded: false })
  await house.engine.functions.settled()
  const { items } = await house.admin.functions.list({ query: { ownerId } })
  expect(recorded.kind).toBe('returned')
  expect(items).toMatchObject([
    {
      ownerId,
      slot: 'run',
      sourceId: 'fr_1',
      outcome: 'returned',
      logs: [{ level: 'info', message: 'said' }],
      hostCalls: 0,
    },
  ])
  expect(JSON.stringify(items)).not.toContain('the argument')
})

test('a thousand calls at once are all recorded', async () => {
  const ownerId = 'act_many'
  const mapping = { type: 'mapping', mapping: 1 } as const
  await Promise.all(Array.from({ length: 1000 }, () => call(mapping, { context: context({ ownerId }) })))
  await house.engine.functions.settled()
  const { items } = await house.admin.functions.list({ query: { ownerId, limit: 1000 } })
  expect(items).toHaveLength(1000)
})
