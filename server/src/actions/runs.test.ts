import { type Permea, PermeaError } from '@permea/sdk'
import {
  addApp,
  answering,
  buildHouse,
  connectApp,
  type House,
  type Receiver,
  refusalKey,
  startReceiver,
} from '@permea/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

let app: Receiver
let yourApp: Receiver
let house: House
let client: Permea
let connectionId: string

beforeEach(async () => {
  app = await startReceiver()
  yourApp = await startReceiver()
  house = await buildHouse({ appBaseUri: yourApp.url })
  await addApp(house, { url: app.url })
  const connected = await connectApp(house, { customer: 'acme', key: 'main' })
  client = connected.client
  connectionId = connected.connection.id
})

afterEach(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
  await yourApp[Symbol.asyncDispose]()
})

const note = {
  key: 'note',
  name: 'Note',
  type: 'api-request-to-external-app',
  config: { request: { path: '/notes', query: { of: { $var: '$.user.internalId' } }, body: { $var: '$.input' } } },
}
const code = (key: string, source: string) => ({ key, type: 'run-javascript', config: { code: source } })
const params = { selector: 'note' }

/** What a run failed of, as it was answered. */
async function failureOf(call: Promise<unknown>): Promise<PermeaError> {
  const error: unknown = await call.catch((reason: unknown) => reason)
  if (!(error instanceof PermeaError)) throw new Error(`it did not fail: ${JSON.stringify(error)}`)
  return error
}

describe('every way to run an action', () => {
  const ways = (run: { connectionId: string; instanceId: string }) => ({
    run: client.actions.run({ params, query: { connectionId: run.connectionId }, body: { input: { a: 1 } } }),
    runByQuery: client.actions.runByQuery({ query: { key: 'note', connectionKey: 'main' }, body: { input: { a: 1 } } }),
    act: client.actions.act({ body: { key: 'note', integrationKey: 'crm', input: { a: 1 } } }),
    runInstance: client.actionInstances.run({ query: { id: run.instanceId }, body: { a: 1 } }),
    runOfConnection: client.actionInstances.runOfConnection({
      params: { connectionSelector: 'crm', ...params },
      body: { a: 1 },
    }),
  })

  test('answers with the output and the id of the run', async () => {
    app.behave(answering(200, { id: 7 }))
    await house.admin.actions.create({ body: note })
    const own = await client.actionInstances.create({ query: { actionKey: 'note', connectionId }, body: {} })
    const answers = await Promise.all(Object.values(ways({ connectionId, instanceId: own.id })))
    for (const answer of answers)
      expect(answer).toEqual({ output: { id: 7 }, actionRunId: expect.stringMatching(/^arl_/) })
    expect(app.received.map(({ method, path, json }) => ({ method, path, json }))).toEqual(
      Array.from(answers, () => ({ method: 'POST', path: '/notes?of=acme', json: { a: 1 } })),
    )
    expect(app.received[0]?.headers.authorization).toBe('Bearer key-of-the-app')
    const { items } = await client.actionRunLogs.list({ query: { connectionActionId: own.id } })
    expect(items).toHaveLength(5)
  })

  test('fails with what went wrong, and names the run', async () => {
    app.behave(answering(422, { error: 'no such note' }))
    await house.admin.actions.create({ body: note })
    const own = await client.actionInstances.create({ query: { actionKey: 'note', connectionId }, body: {} })
    const failures = await Promise.all(Object.values(ways({ connectionId, instanceId: own.id })).map(failureOf))
    for (const failure of failures)
      expect(failure).toMatchObject({
        status: 400,
        type: 'connection',
        key: 'connection_failed',
        data: { status: 422 },
      })
    const { items } = await house.admin.actionRunLogs.list({ query: { status: 'error' } })
    expect(items).toHaveLength(5)
    const [first] = items
    const runId = { id: first?.id ?? '' }
    expect(await client.actionRunLogs.get({ params: runId })).toMatchObject({
      status: 'error',
      input: { a: 1 },
      error: { type: 'connection', data: { status: 422 } },
      user: { internalId: 'acme' },
      integrationId: expect.any(String),
    })
    const details = await client.actionRunLogs.details({ params: runId })
    expect(details.logs).toMatchObject([{ type: 'api-request', request: { method: 'POST', uri: '/notes' } }])
  })
})

describe('a type of action', () => {
  test('http-request sends anywhere, api-request-to-your-app with a token for the customer', async () => {
    app.behave(answering(200, { at: 'app' }))
    yourApp.behave(answering(201, { at: 'your app' }))
    await house.admin.actions.create({
      body: { key: 'any', type: 'http-request', config: { request: { uri: `${app.url}/any` } } },
    })
    await house.admin.actions.create({
      body: {
        key: 'own',
        type: 'api-request-to-your-app',
        config: { request: { uri: '/own', body: { of: { $var: '$.user.name' } } } },
      },
    })
    expect(await client.actions.run({ params: { selector: 'any' }, body: {} })).toMatchObject({ output: { at: 'app' } })
    expect(await client.actions.run({ params: { selector: 'own' }, body: {} })).toMatchObject({
      output: { at: 'your app' },
    })
    expect(yourApp.received[0]).toMatchObject({ path: '/own', json: { of: 'acme' } })
    expect(yourApp.received[0]?.headers['x-membrane-token']).toMatch(/^ey/)
    // An admin's token is nobody's: it says whose request it is.
    const nobody = await failureOf(house.admin.actions.run({ params: { selector: 'own' }, body: {} }))
    expect(nobody).toMatchObject({ type: 'action_run', key: 'no_customer' })
    const query = { userId: 'acme' }
    expect(await house.admin.actions.run({ params: { selector: 'own' }, query, body: {} })).toMatchObject({
      output: { at: 'your app' },
    })
    yourApp.behave(answering(404))
    expect(await failureOf(client.actions.run({ params: { selector: 'own' }, body: {} }))).toMatchObject({
      type: 'action_run',
      key: 'request_failed',
    })
  })

  test('run-javascript fails with what it threw and where, and keeps what it said before', async () => {
    const source = "export default async function () {\n  console.warn('careful')\n  throw new Error('boom')\n}"
    await house.admin.actions.create({ body: code('boom', source) })
    const failure = await failureOf(client.actions.run({ params: { selector: 'boom' }, body: {} }))
    expect(failure).toMatchObject({ type: 'custom_code', key: 'thrown', message: expect.stringContaining('boom') })
    expect(failure.message).toMatch(/:3:/)
    const [run] = (await client.actionRunLogs.list()).items
    expect((await client.actionRunLogs.details({ params: { id: run?.id ?? '' } })).logs).toMatchObject([
      { level: 'warn', message: 'careful' },
    ])
  })

  test('run-javascript ends when it computes too long', async () => {
    await house.admin.actions.create({ body: code('forever', 'export default () => { for (;;); }') })
    expect(await failureOf(client.actions.run({ params: { selector: 'forever' }, body: {} }))).toMatchObject({
      key: 'cpu_timeout',
    })
  })

  test('run-javascript without a connection or customer is told so when it uses one', async () => {
    const source = 'export default ({ input, ...given }) => given[input].get("/x")'
    await house.admin.actions.create({ body: code('use', source) })
    const use = (input: string) => failureOf(house.admin.actions.run({ params: { selector: 'use' }, body: { input } }))
    expect(await use('externalApiClient')).toMatchObject({ key: 'no_connection' })
    expect(await use('internalApiClient')).toMatchObject({ key: 'no_customer' })
    expect(await use('membrane')).toMatchObject({ key: 'no_customer' })
  })
})

describe('code of an action', () => {
  const run = (source: string, input: unknown = {}) => client.actions.act({ body: { code: source, input } })

  test('has the rights of the customer at this API, and no others', async () => {
    const self = await run('export default ({ membrane }) => membrane.get("/self")')
    expect(self.output).toMatchObject({ internalId: 'acme' })
    const denied = await failureOf(run('export default ({ engineApiClient }) => engineApiClient.get("/customers")'))
    expect(denied).toMatchObject({ type: 'bad_request', key: 'access_denied' })
    const elsewhere = await failureOf(run(`export default ({ membrane }) => membrane.get("${app.url}/x")`))
    expect(elsewhere).toMatchObject({ key: 'invalid_request' })
    expect(app.received).toEqual([])
    const made = await run(
      'export default ({ membrane, input }) => membrane.patch("/self", input, { query: { a: 1 } })',
      {
        credentials: { k: 1 },
      },
    )
    expect(made.output).toMatchObject({ internalId: 'acme' })
  })

  test('runs other actions as the published client would', async () => {
    app.behave(answering(200, { id: 7 }))
    await house.admin.actions.create({ body: note })
    const source = `export default async ({ membrane, connection }) => [
      (await membrane.action('note').run({ a: 1 }, { connectionId: connection.id })).output,
      (await membrane.connection('crm').action('note').run({ a: 2 })).output,
    ]`
    const answer = await client.actions.act({ body: { code: source, connectionId } })
    expect(answer.output).toEqual([{ id: 7 }, { id: 7 }])
    expect(app.received.map(({ json }) => json)).toEqual([{ a: 1 }, { a: 2 }])
  })

  test('that runs itself without end comes to an end', async () => {
    const source = 'export default ({ membrane }) => membrane.post("/actions/again/run", {})'
    await house.admin.actions.create({ body: code('again', source) })
    expect(await failureOf(client.actions.run({ params: { selector: 'again' }, body: {} }))).toBeInstanceOf(PermeaError)
    const { items } = await client.actionRunLogs.list()
    expect(items.length).toBeLessThanOrEqual(25)
  })

  test('reaches nothing but your app through its client', async () => {
    yourApp.behave((request, response) =>
      answering(request.path === '/gone' ? 404 : 200, { path: request.path })(request, response),
    )
    const get = (path: string) =>
      run(`export default ({ internalApiClient }) => internalApiClient.get(${JSON.stringify(path)})`)
    expect((await get('/a?b=1')).output).toEqual({ path: '/a?b=1' })
    expect(await failureOf(get('/gone'))).toMatchObject({ key: 'request_failed', data: { status: 404 } })
    expect(await failureOf(get(`${app.url}/x`))).toMatchObject({ key: 'invalid_request' })
    expect(app.received).toEqual([])
  })
})

describe('a run that is not to be', () => {
  test('is refused with the part of the input that does not fit', async () => {
    const inputSchema = {
      type: 'object',
      properties: { to: { type: 'object', properties: { channel: { type: 'string' } } } },
      required: ['to'],
    }
    await house.admin.actions.create({ body: { ...note, inputSchema } })
    const run = (input?: unknown) => failureOf(client.actions.run({ params, query: { connectionId }, body: { input } }))
    const problem = (failure: PermeaError) => (failure.data as { problems: { field: string }[] }).problems[0]?.field
    const wrong = await run({ to: { channel: 5 } })
    expect([wrong.key, problem(wrong)]).toEqual(['invalid_input', 'input.to.channel'])
    expect(wrong.message).toBe('input.to.channel: must be string')
    expect(problem(await run())).toBe('input')
    expect(app.received).toEqual([])
    expect((await client.actionRunLogs.list({ query: { status: 'error' } })).items).toHaveLength(2)
  })

  test('is not one of another integration or connection, or of a customer that is archived', async () => {
    await house.admin.integrations.create({ body: { key: 'other', connectorKey: 'crm' } })
    const ofOther = await house.admin.actions.create({ body: { ...note, key: 'of-other', integrationKey: 'other' } })
    const query = { connectionId }
    expect(await refusalKey(client.actions.run({ params: { selector: ofOther.id }, query, body: {} }))).toBe(
      'invalid_input',
    )
    await house.admin.actions.create({ body: note })
    const second = await connectApp(house, { customer: 'acme', key: 'second' })
    const own = await client.actionInstances.create({
      query: { actionKey: 'note', connectionId: second.connection.id },
      body: {},
    })
    expect(await refusalKey(client.actions.run({ params: { selector: own.id }, query, body: {} }))).toBe(
      'invalid_input',
    )
    // Of an integration that the customer has not connected there is nothing to run it on.
    expect(await refusalKey(client.actions.run({ params: { selector: 'of-other' }, body: {} }))).toBe('not_found')
    await house.admin.customers.archive({ params: { selector: 'acme' } })
    expect(await refusalKey(house.admin.actions.run({ params, query: { connectionId }, body: {} }))).toBe('archived')
  })

  test('of act says exactly what is to be done', async () => {
    const act = (body: object) => refusalKey(client.actions.act({ body: body as never }))
    expect(await act({})).toBe('invalid_input')
    expect(await act({ key: 'note', code: 'export default () => 1' })).toBe('invalid_input')
    expect(await act({ key: 'note', unknown: 1 })).toBe('invalid_input')
    expect(await act({ api: { method: 'GET' }, connectionId })).toBe('invalid_input')
    expect(await act({ api: { method: 'GET', path: '/x' } })).toBe('invalid_input')
    expect(await act({ code: 'export default 1 +' })).toBe('invalid_action')
    app.behave(answering(200, { ok: true }))
    const api = { method: 'post', url: '/x', data: { b: 1 }, headers: { 'x-a': '1' }, query: { q: 1 } }
    expect(await client.actions.act({ body: { api, connectionId } })).toMatchObject({ output: { ok: true } })
    expect(app.received[0]).toMatchObject({ method: 'POST', path: '/x?q=1', json: { b: 1 }, headers: { 'x-a': '1' } })
  })
})

describe('the log of runs', () => {
  test('is filtered by what ran, on what, for whom, how it ended and when', async () => {
    app.behave(answering(200, { id: 7 }))
    const universal = await house.admin.actions.create({ body: note })
    const ofCrm = await house.admin.actions.create({ body: { key: 'note', integrationKey: 'crm' } })
    const globex = await connectApp(house, { customer: 'globex' })
    await client.actions.run({ params, query: { connectionId }, body: { meta: { of: 'a test' } } })
    await globex.client.actions.run({ params, query: { integrationKey: 'crm' }, body: {} })
    const { items } = await house.admin.actionRunLogs.list()
    expect(items.map((run) => run.user?.internalId)).toEqual(['globex', 'acme'])
    const [second, first] = items
    expect(first).toMatchObject({
      universalActionId: universal.id,
      integrationActionId: ofCrm.id,
      actionId: ofCrm.id,
      meta: { of: 'a test' },
      integration: { key: 'crm' },
    })
    expect(first).not.toHaveProperty('input')
    const found = async (query: NonNullable<Parameters<Permea['actionRunLogs']['list']>[0]>['query']) =>
      (await house.admin.actionRunLogs.list({ query })).items.map((run) => run.id)
    expect(await found({ connectionId })).toEqual([first?.id])
    expect(await found({ userId: 'globex' })).toEqual([second?.id])
    for (const query of [
      { actionId: universal.id },
      { universalActionId: universal.id },
      { integrationActionId: ofCrm.id },
    ])
      expect(await found(query)).toEqual([second?.id, first?.id])
    expect(await found({ connectionActionId: ofCrm.id })).toEqual([])
    expect(await found({ status: 'error' })).toEqual([])
    expect(await found({ flowRunId: 'fr_01h455vb4pex5vsknk084sn02q' })).toEqual([])
    expect(await found({ limit: 1 })).toEqual([second?.id])
    expect(await found({ to: '2020-01-01T00:00:00Z' as never })).toEqual([])
    expect(await found({ from: '2020-01-01T00:00:00Z' as never })).toHaveLength(2)
    // A customer sees its own.
    expect((await client.actionRunLogs.list()).items.map((run) => run.id)).toEqual([first?.id])
    expect(await refusalKey(client.actionRunLogs.get({ params: { id: second?.id ?? '' } }))).toBe('not_found')
    const nobody = await house.tokenOf({})
    const answer = await fetch(`${house.url}/action-run-logs`, { headers: { authorization: `Bearer ${nobody}` } })
    expect(await answer.json()).toEqual({ items: [] })
  })

  test('leaves out what is too long to be kept', async () => {
    const source = 'export default ({ input }) => "x".repeat(input.length)'
    const { actionRunId } = await client.actions.act({ body: { code: source, input: { length: 1_000_001 } } })
    const run = await client.actionRunLogs.get({ params: { id: actionRunId } })
    expect(run).toMatchObject({ status: 'success', input: { length: 1_000_001 } })
    expect(run).not.toHaveProperty('output')
  })
})
