import type { FlowNodes } from '@permea/contract'
import type { Permea } from '@permea/sdk'
import { PermeaError } from '@permea/sdk'
import {
  addApp,
  answering,
  buildHouse,
  connectApp,
  createTestDatabase,
  type ExternalApp,
  type House,
  type HouseOptions,
  type Receiver,
  startExternalApp,
  startReceiver,
  until,
} from '@permea/testkit'
import { describe, expect, test } from 'vitest'

// Nodes that reach the app of the flow's connection, or run users' code.

interface Scene extends AsyncDisposable {
  app: Receiver
  house: House
  client: Permea
  connectionId: string
  /** Makes a flow of the connection, runs it, and gives how it ended. */
  run(nodes: FlowNodes, input?: unknown): ReturnType<Permea['flowRuns']['get']>
  again(run: { id: string }): ReturnType<Permea['flowRuns']['get']>
  nodeRun(run: { id: string }, nodeKey: string): Promise<{ logs: unknown[]; attempts?: number | undefined }>
}

async function scene(options: HouseOptions = {}, test?: string): Promise<Scene> {
  const app = await startReceiver()
  const house = await buildHouse({ clock: 'settable', appBaseUri: app.url, ...options })
  await addApp(house, { url: app.url, ...(test === undefined ? {} : { test }) })
  const { client, connection } = await connectApp(house, { customer: 'acme', key: 'main' })
  const again = (run: { id: string }) => client.flowRuns.get({ params: { id: run.id } })
  return {
    app,
    house,
    client,
    connectionId: connection.id,
    again,
    async run(nodes, input) {
      const instance = await client.flowInstances.create({ body: { connectionId: connection.id, nodes } })
      const run = await client.flowRuns.create({ body: { flowInstanceId: instance.id, input } })
      await house.settle()
      return again(run)
    },
    async nodeRun(run, nodeKey) {
      const { items } = await client.flowRuns.nodeRuns({ params: { id: run.id, nodeKey } })
      const [first] = items
      if (first === undefined) throw new Error(`${nodeKey} was not run`)
      return first
    },
    async [Symbol.asyncDispose]() {
      await house[Symbol.asyncDispose]()
      await app[Symbol.asyncDispose]()
    },
  }
}

const start = (...links: string[]) => ({ type: 'api-trigger', links: links.map((key) => ({ key })) })
const external = (request: object, ...links: string[]) => ({
  type: 'api-request-to-external-app',
  config: { request },
  links: links.map((key) => ({ key })),
})
const javascript = (code: string) => ({ type: 'run-javascript', config: { code } })
const output = async (at: Scene, run: { id: string }) => {
  const { items } = await at.client.flowRuns.output({ params: { id: run.id } })
  return items.map((each) => JSON.parse(each.data) as unknown)
}

describe('api-request-to-external-app', () => {
  test('sends with the credentials of the connection; its output is the body, the exchange is in the record', async () => {
    await using at = await scene()
    at.app.behave(answering(200, { id: 7 }))
    const run = await at.run({
      t: start('get'),
      get: external({ uri: '/notes', query: { of: { $var: '$.user.internalId' } }, headers: { 'x-a': 1 } }),
    })
    expect(run.state).toBe('completed')
    expect(await output(at, run)).toEqual([{ id: 7 }])
    expect(at.app.received[0]).toMatchObject({
      method: 'GET',
      path: '/notes?of=acme',
      headers: { authorization: 'Bearer key-of-the-app', 'x-a': '1' },
    })
    expect((await at.nodeRun(run, 'get')).logs).toMatchObject([
      { type: 'api-request', request: { method: 'GET', uri: '/notes' }, response: { status: 200, body: { id: 7 } } },
    ])
    await at.house.engine.appRequests.settled()
    const logs = await at.house.admin.externalApiLogs.list({ query: { sourceId: run.id } })
    expect(logs.items).toMatchObject([{ statusCode: 200, connectionId: at.connectionId }])
  })

  test('under its older name sends too', async () => {
    await using at = await scene()
    const run = await at.run({
      t: start('a'),
      a: { type: 'custom-api-request', config: { request: { path: '/a', body: 1 } } },
    })
    expect(run.state).toBe('completed')
    expect(at.app.received[0]).toMatchObject({ method: 'POST', path: '/a', json: 1 })
  })

  test.each([429, 503])('an app that answers %d is asked again, no sooner than it wants', async (status) => {
    await using at = await scene()
    at.app.behave(answering(status, {}, { 'retry-after': '120' }))
    const run = await at.run({ t: start('a'), a: external({ path: '/a' }) })
    expect(run.state).toBe('running')
    await at.house.advance(119_000)
    expect(at.app.received).toHaveLength(1)
    at.app.behave(answering(200, { ok: true }))
    await at.house.advance(2_000)
    expect(await at.again(run)).toMatchObject({ state: 'completed' })
    expect((await at.nodeRun(run, 'a')).attempts).toBe(2)
  })

  test('an app that cannot be reached is asked again', async () => {
    await using at = await scene()
    at.app.behave((_request, response) => void response.destroy())
    const run = await at.run({ t: start('a'), a: external({ path: '/a' }) })
    expect(run.state).toBe('running')
    at.app.behave(answering(200))
    await at.house.advance(60_000)
    expect((await at.again(run)).state).toBe('completed')
  })

  test('what the app refuses fails the run as an error of the connection, which is disconnected then', async () => {
    const test = 'export default ({ apiClient }) => apiClient.get("/me").then(() => true)'
    await using at = await scene({}, test)
    at.app.behave(answering(422, { error: 'no' }))
    const refused = await at.run({ t: start('a'), a: external({ path: '/a' }) })
    expect(refused).toMatchObject({
      state: 'failed',
      errors: [{ type: 'connection', data: { status: 422, nodeKey: 'a' } }],
    })
    at.app.behave(answering(401))
    at.app.received.length = 0
    const expired = await at.run({ t: start('a'), a: external({ path: '/a' }) })
    expect(expired).toMatchObject({ state: 'failed', errors: [{ type: 'connection', key: 'access_token_expired' }] })
    expect(await at.client.connections.get({ params: { selector: at.connectionId } })).toMatchObject({
      disconnected: true,
    })
    // Nothing is sent for it until somebody connects it again; runs notice within a second.
    const sent = () => at.app.received.filter((request) => request.path === '/a')
    let before = 0
    await until('a run sends nothing', 10_000, async () => {
      before = sent().length
      const waiting = await at.run({ t: start('a'), a: external({ path: '/a' }) })
      expect(waiting).toMatchObject({ state: 'failed', errors: [{ type: 'connection' }] })
      return sent().length === before
    })
  })
})

describe('run-javascript', () => {
  test('is given what formulas see and clients for the app, your app and this API; its lines are kept', async () => {
    await using at = await scene()
    at.app.behave((request, response) => answering(200, { path: request.path })(request, response))
    const code = `export default async ({ input, user, connection, integration, flowRun, externalApiClient, internalApiClient, engineApiClient }) => {
      console.log('for', user.internalId)
      const own = await engineApiClient.get('/flow-runs/' + flowRun.id)
      return {
        n: input.t.n + 1,
        on: connection.id,
        of: integration.key,
        app: (await externalApiClient.get('/app')).path,
        yourApp: (await internalApiClient.get('/your-app')).path,
        itself: own.id === flowRun.id,
      }
    }`
    const run = await at.run({ t: start('js'), js: javascript(code) }, { n: 1 })
    expect(run.errors).toBeUndefined()
    expect(await output(at, run)).toEqual([
      { n: 2, on: at.connectionId, of: 'crm', app: '/app', yourApp: '/your-app', itself: true },
    ])
    expect((await at.nodeRun(run, 'js')).logs).toMatchObject([{ type: 'message', level: 'info', message: 'for acme' }])
    const calls = await at.house.admin.functions.list({ query: { sourceId: run.id } })
    expect(calls.items).toMatchObject([{ slot: 'js', outcome: 'returned' }])
  })

  test('that throws fails the run, naming the node; one request that was refused for now is tried again', async () => {
    await using at = await scene()
    const thrown = await at.run({ t: start('js'), js: javascript('export default () => { throw new Error("boom") }') })
    expect(thrown).toMatchObject({ state: 'failed', errors: [{ type: 'custom_code', data: { nodeKey: 'js' } }] })
    expect(thrown.errors?.[0]?.message).toContain('boom')

    at.app.behave(answering(429))
    const code = 'export default ({ externalApiClient }) => externalApiClient.get("/a")'
    const run = await at.run({ t: start('js'), js: javascript(code) })
    expect(run.state).toBe('running')
    at.app.behave(answering(200, { ok: 1 }))
    await at.house.advance(60_000)
    expect((await at.again(run)).state).toBe('completed')

    // After another request it is not: that one would be sent twice.
    at.app.behave((request, response) => answering(request.path === '/b' ? 429 : 200)(request, response))
    const two =
      'export default async ({ externalApiClient }) => { await externalApiClient.post("/a", {}); await externalApiClient.get("/b") }'
    expect((await at.run({ t: start('js'), js: javascript(two) })).state).toBe('failed')
  })

  test('code that does not load is refused when the flow is saved, with the line', async () => {
    await using at = await scene()
    const nodes = { t: start('js'), js: javascript('export default function () {\n  return (\n}') }
    const error: unknown = await at.house.admin.flows.create({ body: { key: 'bad', nodes } }).catch((e: unknown) => e)
    if (!(error instanceof PermeaError)) throw error
    expect(error).toMatchObject({ key: 'invalid_flow', data: { problems: [{ nodeKey: 'js', path: 'config.code' }] } })
    expect(error.message).toMatch(/line 3/)
    const none = await at.house.admin.flows.create({
      body: { key: 'later', nodes: { t: start('js'), js: { type: 'run-javascript', config: {} } } },
    })
    expect(none).toMatchObject({
      state: 'READY',
      incomplete: [{ data: { nodeKey: 'js', path: 'config.code' } }],
    })
  })
})

describe('run-action', () => {
  const note = {
    key: 'note',
    type: 'api-request-to-external-app',
    config: { request: { path: '/notes', body: { $var: '$.input' } } },
  }
  const act = (action: unknown, input?: unknown) => ({ type: 'run-action', config: { action, input } })

  test.each([
    ['its key', 'note'],
    ['an object with its key', { key: 'note' }],
  ])(
    'runs the action that is named by %s on the connection; the run is recorded with the flow run',
    async (_, action) => {
      await using at = await scene()
      at.app.behave(answering(200, { id: 7 }))
      await at.house.admin.actions.create({ body: note })
      const run = await at.run({ t: start('act'), act: act(action, { a: { $var: '$.input.t.a' } }) }, { a: 1 })
      expect(run.state).toBe('completed')
      expect(await output(at, run)).toEqual([{ id: 7 }])
      expect(at.app.received[0]).toMatchObject({ path: '/notes', json: { a: 1 } })
      const { items } = await at.client.actionRunLogs.list({ query: { flowRunId: run.id } })
      expect(items).toMatchObject([
        { name: 'note', status: 'success', flowRunId: run.id, connectionId: at.connectionId },
      ])
      expect((await at.nodeRun(run, 'act')).logs).toMatchObject([{ message: `action run ${items[0]?.id}` }])
    },
  )

  test('that fails fails the run with the error of the action; one that is refused for now is tried again', async () => {
    await using at = await scene()
    const missing = await at.run({ t: start('act'), act: act('nowhere') })
    expect(missing).toMatchObject({ state: 'failed', errors: [{ type: 'action_run', key: 'not_found' }] })
    await at.house.admin.actions.create({ body: { ...note, inputSchema: { type: 'object', required: ['a'] } } })
    const wrong = await at.run({ t: start('act'), act: act('note') })
    expect(wrong).toMatchObject({
      state: 'failed',
      errors: [{ key: 'invalid_input', data: { actionRunId: expect.any(String) } }],
    })
    at.app.behave(answering(503))
    const run = await at.run({ t: start('act'), act: act('note', { a: 1 }) })
    expect(run.state).toBe('running')
    at.app.behave(answering(200))
    await at.house.advance(60_000)
    expect((await at.again(run)).state).toBe('completed')
    const { items } = await at.client.actionRunLogs.list({ query: { flowRunId: run.id } })
    expect(items.map((each) => each.status)).toEqual(['success', 'error'])
  })

  test('names an action and an input that can be one', async () => {
    await using at = await scene()
    const error: unknown = await at.client.flowInstances
      .create({ body: { nodes: { t: start('act'), act: act(undefined, { $var: 5 }) } } })
      .catch((e: unknown) => e)
    expect(error).toMatchObject({
      key: 'invalid_flow',
      data: { problems: [{ nodeKey: 'act', path: expect.stringMatching('config.input') }, { path: 'config.action' }] },
    })
  })
})

test('after a crash a run goes on at the step that was under way; those before it are not done again', async () => {
  await using database = await createTestDatabase()
  const before = await scene({ clock: 'system', database: { url: database.url } })
  const { app, house } = before
  try {
    app.behave((request, response) => (request.path === '/second' ? undefined : answering(200)(request, response)))
    await house.admin.actions.create({
      body: { key: 'first', type: 'api-request-to-external-app', config: { request: { path: '/first' } } },
    })
    const second = 'export default ({ externalApiClient }) => externalApiClient.get("/second")'
    const instance = await before.client.flowInstances.create({
      body: {
        connectionId: before.connectionId,
        nodes: {
          t: start('first'),
          first: { type: 'run-action', config: { action: 'first' }, links: [{ key: 'second' }] },
          second: { ...javascript(second), links: [{ key: 'third' }] },
          third: external({ path: '/third' }),
        },
      },
    })
    const run = await before.client.flowRuns.create({ body: { flowInstanceId: instance.id } })
    await app.waitFor(1, (request) => request.path === '/second')
    await house[Symbol.asyncDispose]()
    app.behave(answering(200))
    await using after = await buildHouse({ database: { url: database.url, workspace: house.workspace } })
    await app.waitFor(1, (request) => request.path === '/third')
    await after.settle()
    expect(app.received.map((request) => request.path)).toEqual(['/first', '/second', '/second', '/third'])
    expect((await after.admin.flowRuns.get({ params: { id: run.id } })).state).toBe('completed')
  } finally {
    await app[Symbol.asyncDispose]()
  }
})

describe('connector-event-trigger', () => {
  const functions = {
    subscribe: `export default async ({ apiClient, webhookUri, parameters }) => {
      const { data } = await apiClient.post('/webhooks', { url: webhookUri, event: parameters.event })
      return { state: { id: data.id } }
    }`,
    handle: 'export default ({ data }) => ({ events: [data] })',
    unsubscribe: "export default ({ apiClient, state }) => apiClient.delete('/webhooks/' + state.id)",
  }
  const trigger = (eventKey: string, event: unknown) => ({
    type: 'connector-event-trigger',
    config: { eventKey, eventParameters: { event } },
    links: [{ key: 'keep' }],
  })
  const keep = { type: 'transform-data', config: { output: { $var: '$.input.t' } } }

  async function vendorScene(): Promise<{ vendor: ExternalApp; house: House } & AsyncDisposable> {
    const vendor = await startExternalApp()
    const house = await buildHouse({ clock: 'settable' })
    const parametersSchema = { type: 'object', properties: { event: { type: 'string' } }, required: ['event'] }
    await addApp(house, {
      url: vendor.url,
      events: { changed: { name: 'Changed', implementationType: 'webhook', parametersSchema, ...functions } },
    })
    return {
      vendor,
      house,
      async [Symbol.asyncDispose]() {
        await house[Symbol.asyncDispose]()
        await vendor[Symbol.asyncDispose]()
      },
    }
  }

  test('waits for events of the app through a subscription that flows share, until the last of them is disabled', async () => {
    await using at = await vendorScene()
    const { vendor, house } = at
    const { client, connection } = await connectApp(house, { customer: 'acme', apiKey: vendor.apiKey })
    const nodes = { t: trigger('changed', { $concat: ['note.', { $var: '$.flowInstance.parameters.what' }] }), keep }
    const body = { connectionId: connection.id, nodes, parameters: { what: 'new' } }
    const first = await client.flowInstances.create({ body })
    const second = await client.flowInstances.create({ body })
    expect([first.state, second.state]).toEqual(['READY', 'READY'])
    await house.settle()
    expect([...vendor.registrations.values()]).toMatchObject([{ event: 'note.new' }])
    const { items: subscriptions } = await client.externalEventSubscriptions.list()
    expect(subscriptions).toMatchObject([{ isManual: false, config: { eventKey: 'changed' }, status: 'subscribed' }])

    await vendor.emit('note.new', { note: 1 })
    await house.settle()
    const { items: runs } = await client.flowRuns.list()
    expect(runs.map((run) => run.connectionFlowId).sort()).toEqual([first.id, second.id].sort())
    expect(runs[0]).toMatchObject({
      state: 'completed',
      launchedBy: { type: 'external-event' },
      connectionId: connection.id,
      input: { note: 1 },
    })
    expect(await client.flowRuns.output({ params: { id: runs[0]?.id ?? '' } })).toMatchObject({
      items: [{ data: '{"note":1}' }],
    })

    await client.flowInstances.patch({ params: { id: first.id }, body: { enabled: false } })
    await house.settle()
    expect(vendor.registrations.size).toBe(1)
    await client.flowInstances.archive({ params: { id: second.id } })
    await house.settle()
    expect(vendor.registrations.size).toBe(0)
    await client.flowInstances.patch({ params: { id: first.id }, body: { enabled: true } })
    await house.settle()
    expect(vendor.registrations.size).toBe(1)
    await client.connections.archive({ params: { selector: connection.id } })
    await house.settle()
    expect(vendor.registrations.size).toBe(0)
  })

  test('an External Event Type is refused with what to do instead: at save where the app is known, at setup otherwise', async () => {
    await using at = await vendorScene()
    const { vendor, house } = at
    await house.admin.externalEventTypes.create({ body: { key: 'stand-alone', ...functions } })
    const { client, connection } = await connectApp(house, { customer: 'acme', apiKey: vendor.apiKey })
    const nodes = { t: trigger('stand-alone', 'x'), keep }
    const advice =
      /External Event Types cannot be used in flow triggers: to consume its events, create an External Event Subscription and set its webhookUri/
    const refusal = async (call: Promise<unknown>) => {
      const error: unknown = await call.catch((reason: unknown) => reason)
      if (!(error instanceof PermeaError)) throw new Error(`not refused: ${JSON.stringify(error)}`)
      expect(error).toMatchObject({
        key: 'invalid_flow',
        data: { problems: [{ nodeKey: 't', path: 'config.eventKey' }] },
      })
      return error.message
    }
    const { flows, flowInstances } = house.admin
    const params = { integrationSelector: 'crm' }
    expect(await refusal(flows.createOfIntegration({ params, body: { key: 'f', nodes } }))).toMatch(advice)
    const ofCrm = await flows.createOfIntegration({ params, body: { key: 'f', nodes: {} } })
    expect(await refusal(flows.patch({ params: { selector: ofCrm.id }, body: { nodes } }))).toMatch(advice)
    expect(await refusal(client.flowInstances.create({ body: { connectionId: connection.id, nodes } }))).toMatch(advice)
    const unknown = { t: trigger('nothing', 'x'), keep }
    expect(await refusal(flows.patch({ params: { selector: ofCrm.id }, body: { nodes: unknown } }))).toMatch(
      'the connector "crm" defines no event "nothing"; it defines changed',
    )
    // Of a universal flow it is not known before it is on a connection.
    await flows.create({ body: { key: 'universal', nodes } })
    const instance = await client.flowInstances.getByQuery({
      query: { flowKey: 'universal', connectionId: connection.id, autoCreate: true },
    })
    expect(instance).toMatchObject({
      state: 'SETUP_FAILED',
      errors: [{ key: 'setup_failed', message: expect.stringMatching(advice) }],
    })
    expect(await flowInstances.setup({ params: { id: instance.id } })).toMatchObject({ state: 'SETUP_FAILED' })
    expect(vendor.registrations.size).toBe(0)
  })

  test('parameters that the event does not take are told of by the setup', async () => {
    await using at = await vendorScene()
    const { client, connection } = await connectApp(at.house, { customer: 'acme', apiKey: at.vendor.apiKey })
    const nodes = {
      t: { type: 'connector-event-trigger', config: { eventKey: 'changed' }, links: [{ key: 'keep' }] },
      keep,
    }
    const instance = await client.flowInstances.create({ body: { connectionId: connection.id, nodes } })
    expect(instance).toMatchObject({ state: 'SETUP_FAILED' })
    expect(instance.errors?.[0]?.message).toMatch(/node "t": .*event/)
  })
})
