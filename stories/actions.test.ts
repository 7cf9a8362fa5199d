import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  ActionApiResponse,
  ActionRunError,
  ActionRunResponse,
  ConfigurationError,
  ConnectionError,
  HttpRequestMethod,
  isMembraneError,
  MembraneClient,
} from '@membranehq/sdk'
import { answering, buildHouse, type House, type Receiver, startReceiver, until } from '@permea/testkit'
import express from 'express'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

// Actions as the seeds and the published client use them, against an app that behaves like Slack.

let slack: Receiver
let yourApp: Receiver
let house: House
let admin: MembraneClient

beforeEach(async () => {
  slack = await startReceiver()
  yourApp = await startReceiver()
  slack.behave((request, response) => {
    const isKnown = request.headers.authorization === 'Bearer xoxb-token'
    const message = request.json as { channel?: string; text?: string } | undefined
    const answer = isKnown ? { ok: true, channel: message?.channel, ts: '1503435956.000247' } : { ok: false }
    return answering(isKnown ? 200 : 401, answer)(request, response)
  })
  house = await buildHouse({ appBaseUri: yourApp.url })
  admin = new MembraneClient({ token: await house.tokenOf({ isAdmin: true }), apiUri: house.url })
  await house.admin.connectors.create({
    body: {
      key: 'slack-like',
      name: 'Slack',
      options: {
        token: {
          type: 'client-credentials',
          inputSchema: { type: 'object', properties: { token: { type: 'string' } }, required: ['token'] },
          makeApiClient: {
            type: 'mapping',
            mapping: {
              baseUri: `${slack.url}/api`,
              headers: { Authorization: { $concat: ['Bearer ', { $var: '$.credentials.token' }] } },
            },
          },
        },
      },
      operations: {
        'post-message': {
          name: 'Post a message',
          run: {
            type: 'rest-api-mapping',
            mapping: {
              path: '/chat.postMessage',
              method: 'POST',
              requestMapping: { data: { $var: '$.input' } },
              responseMapping: { ts: { $var: '$.response.data.ts' } },
            },
          },
        },
      },
    },
  })
  await house.admin.integrations.create({ body: { key: 'slack', name: 'Slack', connectorKey: 'slack-like' } })
})

afterEach(async () => {
  await house[Symbol.asyncDispose]()
  await slack[Symbol.asyncDispose]()
  await yourApp[Symbol.asyncDispose]()
})

async function clientOf(internalId: string): Promise<MembraneClient> {
  return new MembraneClient({ token: await house.tokenOf({ id: internalId }), apiUri: house.url })
}

async function connect(customer: MembraneClient, token = 'xoxb-token') {
  return customer.connections.create({ integrationKey: 'slack', name: 'Slack', input: { token } } as never)
}

const sendSlackMessage = {
  key: 'send-slack-message',
  name: 'Send a Slack message',
  type: 'api-request-to-external-app',
  inputSchema: {
    type: 'object',
    properties: { channel: { type: 'string' }, text: { type: 'string' } },
    required: ['channel', 'text'],
  },
  config: {
    request: {
      path: '/chat.postMessage',
      method: 'POST',
      body: { channel: { $var: '$.input.channel' }, text: { $var: '$.input.text' } },
    },
  },
  outputMapping: {
    ts: { $var: '$.output.ts' },
    channel: { $var: '$.input.channel' },
    by: { $var: '$.user.internalId' },
  },
} as never

describe('the handler of the seed', () => {
  let backend: Server
  afterEach(() => new Promise((resolve) => backend.close(resolve)))

  test('runs an action on the connection that it was told of, as it is written', async () => {
    await admin.actions.create(sendSlackMessage)
    process.env.MEMBRANE_ACCESS_TOKEN = await house.tokenOf({ isAdmin: true })
    const MembraneAtHouse = class extends MembraneClient {
      constructor(options: { token: string | undefined }) {
        super({ ...options, apiUri: house.url } as never)
      }
    }
    backend = await listening((MembraneClient) => {
      const app = express()
      app.use(express.json())
      app.post('/api/membrane-webhook', async (req, res) => {
        const { eventType, data } = req.body

        switch (eventType) {
          case 'connection.created': {
            // Run an action on the new connection
            const membrane = new MembraneClient({ token: process.env.MEMBRANE_ACCESS_TOKEN })
            await membrane
              .action('send-slack-message')
              .run({ channel: 'general', text: 'Your app is now connected!' }, { connectionId: data.connection.id })
            break
          }
        }

        res.sendStatus(200)
      })
      return app
    }, MembraneAtHouse)
    await house.admin.workspaces.patch({
      params: { id: house.workspace.key },
      body: {
        webhookUri: `http://127.0.0.1:${(backend.address() as AddressInfo).port}/api/membrane-webhook`,
        enabledWebhookEvents: ['connection.created'],
      },
    })
    const connection = await connect(await clientOf('customer-123'))
    await slack.waitFor(1, (request) => request.path === '/api/chat.postMessage')

    const [posted] = slack.received
    expect(posted).toMatchObject({
      method: 'POST',
      headers: { authorization: 'Bearer xoxb-token' },
      json: { channel: 'general', text: 'Your app is now connected!' },
    })
    await until('the run to be recorded', 10_000, async () => (await house.admin.actionRunLogs.list()).items.length > 0)
    const [run] = (await house.admin.actionRunLogs.list({ query: { connectionId: connection.id } })).items
    expect(run).toMatchObject({ name: 'Send a Slack message', status: 'success', connectionId: connection.id })
    expect(await house.admin.actionRunLogs.get({ params: { id: run?.id ?? '' } })).toMatchObject({
      input: { channel: 'general', text: 'Your app is now connected!' },
      output: { ts: '1503435956.000247', channel: 'general', by: 'customer-123' },
    })
  })
})

async function listening<Client>(make: (client: Client) => express.Express, client: Client): Promise<Server> {
  const server = createServer(make(client))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

describe('with the published client', () => {
  test('actions are created, found, changed, archived and restored', async () => {
    const created = ActionApiResponse.parse(await admin.actions.create(sendSlackMessage))
    expect(created).toMatchObject({ key: 'send-slack-message', type: 'api-request-to-external-app' })
    const { items } = await admin.actions.find({ search: 'slack' })
    expect(items.map((action) => ActionApiResponse.parse(action).id)).toEqual([created.id])
    expect((await admin.actions.find({ intent: 'message somebody' })).items).toHaveLength(1)
    expect((await admin.actions.find({ intent: 'invoice' })).items).toEqual([])
    expect((await admin.actions.findAll()).length).toBe(1)
    expect(await admin.action('send-slack-message').get()).toMatchObject({ id: created.id })
    expect(await admin.action({ key: 'send-slack-message' }).get()).toMatchObject({ id: created.id })
    expect(await admin.action('send-slack-message').patch({ description: 'To a channel' })).toMatchObject({
      description: 'To a channel',
    })
    await admin.action('send-slack-message').archive()
    expect((await admin.actions.find()).items).toEqual([])
    expect(await admin.action(created.id).restore()).toMatchObject({ key: 'send-slack-message' })
    const refused = await admin.actions.create({ key: 'bad', type: 'no-such-type' } as never).catch((e: unknown) => e)
    expect(refused).toBeInstanceOf(ConfigurationError)
    expect(refused).toMatchObject({ data: { key: 'invalid_action', data: { problems: [{ field: 'type' }] } } })
  })

  test('an action is run by its key, on a connection that is named or found by the integration', async () => {
    await admin.actions.create(sendSlackMessage)
    const customer = await clientOf('customer-x')
    const connection = await connect(customer)
    const message = { channel: 'general', text: 'hello' }
    const action = customer.action('send-slack-message')
    const answer = ActionRunResponse.parse(await action.run(message, { connectionId: connection.id }))
    expect(answer).toMatchObject({
      output: { channel: 'general', by: 'customer-x' },
      actionRunId: expect.stringMatching(/^arl_/),
    })
    expect(await action.run(message, { integrationKey: 'slack' })).toMatchObject({ output: { channel: 'general' } })
    expect(await customer.action({ key: 'send-slack-message', integrationKey: 'slack' }).run(message)).toMatchObject({
      output: { channel: 'general' },
    })
    expect(await customer.connection('slack').action('send-slack-message').run(message)).toMatchObject({
      output: { channel: 'general' },
    })
    expect(slack.received.filter((request) => request.path === '/api/chat.postMessage')).toHaveLength(4)
    // Another customer has no connection to it.
    const other = await (await clientOf('customer-y'))
      .action('send-slack-message')
      .run(message, { connectionId: connection.id })
      .catch((e: unknown) => e)
    expect(other).toMatchObject({ data: { key: 'not_found' } })
  })

  test('what fails is an error of the client that names the run', async () => {
    await admin.actions.create(sendSlackMessage)
    const customer = await clientOf('customer-x')
    const connection = await connect(customer, 'xoxb-revoked')
    const action = customer.action('send-slack-message')
    const options = { connectionId: connection.id }
    const refused = await action.run({ channel: 'general', text: 'hello' }, options).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(ConnectionError)
    expect(refused).toMatchObject({
      data: { key: 'access_token_expired', actionRunId: expect.stringMatching(/^arl_/) },
    })
    const wrong = await action.run({ channel: 'general' }, options).catch((error: unknown) => error)
    if (!isMembraneError(wrong)) throw wrong
    expect(wrong).toMatchObject({
      message: expect.stringContaining("must have required property 'text'"),
      data: {
        key: 'invalid_input',
        actionRunId: expect.stringMatching(/^arl_/),
        data: { problems: [{ field: 'input' }] },
      },
    })
    const { items } = await house.admin.actionRunLogs.list({ query: { status: 'error' } })
    expect(items.map((run) => run.error?.key)).toEqual(['invalid_input', 'access_token_expired'])

    yourApp.behave(answering(500))
    await admin.actions.create({
      key: 'tell-your-app',
      type: 'api-request-to-your-app',
      config: { request: { uri: '/notes', method: HttpRequestMethod.POST, body: { $var: '$.input' } } },
    } as never)
    const failed = await customer
      .action('tell-your-app')
      .run({ a: 1 })
      .catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(ActionRunError)
    expect(failed).toMatchObject({ data: { key: 'request_failed', actionRunId: expect.stringMatching(/^arl_/) } })
  })

  test('a connection has an action of its own: made on demand, changed, run, reset, archived and restored', async () => {
    await admin.actions.create(sendSlackMessage)
    const customer = await clientOf('customer-x')
    const connection = await connect(customer)
    const selector = { parentKey: 'send-slack-message', connectionId: connection.id }
    const instance = customer.actionInstance({ ...selector, autoCreate: true })
    const made = ActionApiResponse.parse(await instance.get())
    expect(made).toMatchObject({ connectionId: connection.id, key: 'send-slack-message', isCustomized: false })
    expect((await customer.actionInstances.find({})).items).toMatchObject([{ id: made.id }])
    await instance.setup()

    const own = customer.actionInstance(made.id)
    expect(await own.patch({ outputMapping: { own: true } })).toMatchObject({ isCustomized: true })
    const message = { channel: 'general', text: 'hello' }
    expect(await own.run(message)).toMatchObject({ output: { own: true } })
    expect(await customer.connection(connection.id).action('send-slack-message').run(message)).toMatchObject({
      output: { own: true },
    })
    await own.reset()
    expect(await customer.action('send-slack-message').run(message, { connectionId: connection.id })).toMatchObject({
      output: { by: 'customer-x' },
    })
    await own.archive()
    expect((await customer.actionInstances.find({})).items).toEqual([])
    await own.restore()

    const listed = await customer.connection(connection.id).actions.list()
    expect(listed.items).toMatchObject([{ id: made.id }])
    expect(await customer.connection('slack').action('send-slack-message').get()).toMatchObject({ id: made.id })
    await customer.connection('slack').action('send-slack-message').archive()
    expect(await customer.connection('slack').action('send-slack-message').get()).toMatchObject({ isUniversal: true })
    expect(await customer.connection('slack').action('send-slack-message').create()).toMatchObject({
      connectionId: connection.id,
    })
  })

  test('an integration has an action of its own, which stands in for the universal one until it is reset', async () => {
    const universal = await admin.actions.create(sendSlackMessage)
    const made = await admin
      .integration('slack')
      .actions.create({ key: 'send-slack-message', parentId: universal.id } as never)
    expect(ActionApiResponse.parse(made)).toMatchObject({
      parentId: universal.id,
      isCustomized: false,
      integrationKey: 'slack',
    })
    const ofSlack = admin.integration('slack').action('send-slack-message')
    // What the parent becomes, an action that was not customized becomes too.
    await admin.action(universal.id).patch({ name: 'Send' })
    expect(await ofSlack.get()).toMatchObject({ name: 'Send' })
    expect(await ofSlack.patch({ outputMapping: 'of slack' })).toMatchObject({ isCustomized: true })
    await admin.action(universal.id).patch({ name: 'Send on' })
    expect(await ofSlack.get()).toMatchObject({ name: 'Send', outputMapping: 'of slack' })

    const customer = await clientOf('customer-x')
    await connect(customer)
    const message = { channel: 'general', text: 'hello' }
    expect(await customer.action('send-slack-message').run(message, { integrationKey: 'slack' })).toMatchObject({
      output: 'of slack',
    })
    expect(await customer.action('slack.send-slack-message').run(message)).toMatchObject({ output: 'of slack' })
    await ofSlack.reset()
    expect(await ofSlack.get()).toMatchObject({ name: 'Send on', isCustomized: false })
    expect((await admin.integration('slack').actions.list()).items).toMatchObject([{ id: made.id }])
    await ofSlack.archive()
    const gone = await ofSlack.get().catch((error: unknown) => error)
    expect(gone).toMatchObject({ data: { key: 'not_found' } })
  })
})

test('code of an action uses the app of the connection, your app and this API, and what it says is kept', async () => {
  yourApp.behave((request, response) => answering(200, { plan: `plan for ${request.path}` })(request, response))
  await admin.actions.create({
    key: 'greet',
    type: 'run-javascript',
    config: {
      code: `export default async function greet({ input, user, connection, integration, externalApiClient, internalApiClient, membrane }) {
        console.log('greeting', input.text)
        const sent = await externalApiClient.post('/chat.postMessage', { channel: 'general', text: input.text })
        const { plan } = await internalApiClient.get('/plans/' + user.internalId)
        const self = await membrane.get('/self')
        return { ts: sent.ts, plan, self: self.internalId, on: connection.name, of: integration.key }
      }`,
    },
  } as never)
  const customer = await clientOf('customer-x')
  const connection = await connect(customer)
  const answer = await customer.action('greet').run({ text: 'hello' }, { connectionId: connection.id })
  expect(answer.output).toEqual({
    ts: '1503435956.000247',
    plan: 'plan for /plans/customer-x',
    self: 'customer-x',
    on: 'Slack',
    of: 'slack',
  })
  const params = { id: answer.actionRunId ?? '' }
  const details = await house.admin.actionRunLogs.details({ params })
  expect(details.logs).toMatchObject([{ type: 'message', level: 'info', message: 'greeting hello' }])
  await house.engine.functions.settled()
  await house.engine.appRequests.settled()
  const calls = await house.admin.functions.list({ query: { sourceId: params.id } })
  expect(calls.items).toMatchObject([{ outcome: 'returned' }])
  const requests = await house.admin.externalApiLogs.list({ query: { sourceId: params.id } })
  expect(requests.items).toMatchObject([{ statusCode: 200 }])
})

test('operations of the connector, requests and code of the moment are run by one endpoint', async () => {
  await admin.actions.create({
    key: 'post',
    type: 'connector-operation',
    integrationKey: 'slack',
    config: { operationKey: 'post-message', inputMapping: { channel: 'ops', text: { $var: '$.input.text' } } },
  } as never)
  const customer = await clientOf('customer-x')
  const connection = await connect(customer)
  const act = (body: object) => customer.post('/act', body)
  expect(await act({ key: 'post', connectionId: connection.id, input: { text: 'down' } })).toMatchObject({
    output: { ts: '1503435956.000247' },
    actionRunId: expect.stringMatching(/^arl_/),
  })
  expect(slack.received.at(-1)?.json).toEqual({ channel: 'ops', text: 'down' })
  const api = { method: 'POST', path: '/chat.postMessage', body: { channel: { $var: '$.input' } } }
  expect(await act({ api, integrationKey: 'slack', input: 1 })).toMatchObject({ output: { ok: true } })
  // What somebody sends is sent as it is.
  expect(slack.received.at(-1)?.json).toEqual({ channel: { $var: '$.input' } })
  const code = 'export default ({ input }) => input.a + input.b'
  expect(await act({ code, input: { a: 1, b: 2 }, meta: { why: 'sum' } })).toMatchObject({ output: 3 })
  const { items } = await house.admin.actionRunLogs.list()
  expect(items.map((run) => run.name)).toEqual(['code', 'POST /chat.postMessage', 'post'])
  expect(items[0]).toMatchObject({ meta: { why: 'sum' }, status: 'success' })
})
