import { createHmac } from 'node:crypto'
import webhooks from '@octokit/webhooks-examples' with { type: 'json' }
import {
  answering,
  buildHouse,
  callConnector,
  errorOfConnector,
  type House,
  startReceiver,
  valueOfConnector,
} from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

const EVENT = 'events.repository-or-organization'
const SECRET = 'the secret that subscribe made'
const WEBHOOK_URI = 'https://permea.example/webhooks/1'

let house: House

beforeAll(async () => {
  house = await buildHouse()
})

afterAll(() => house[Symbol.asyncDispose]())

interface Delivered {
  data: unknown
  rawBody: string
  headers: Record<string, string>
}

/** A request as GitHub sends it. */
function delivery(event: string, payload: unknown, secret = SECRET): Delivered {
  const rawBody = JSON.stringify(payload)
  return {
    data: payload,
    rawBody,
    headers: {
      'x-github-event': event,
      'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(rawBody).digest('hex')}`,
    },
  }
}

const handle = (given: Delivered) => ({
  connector: 'github',
  slot: `${EVENT}.handle`,
  args: { ...given, query: {}, state: { secret: SECRET }, parameters: { owner: 'octocat' } },
})

// The package is one JSON file, whose types say otherwise.
const examples = webhooks as unknown as { name: string; examples: object[] }[]
const published = examples.flatMap(({ name, examples: payloads }) => payloads.map((payload) => ({ name, payload })))

test('every payload that GitHub publishes is verified and passed on, and refused where a byte of it was changed', async () => {
  expect(published.length).toBeGreaterThan(200)
  for (const { name, payload } of published) {
    const given = delivery(name, payload)
    const { events } = (await valueOfConnector(house, handle(given))) as { events: unknown[] }
    const action = 'action' in payload ? payload.action : null
    expect(events, name).toEqual(
      name === 'ping' ? [] : [{ event: name, action, deliveryId: given.headers['x-github-delivery'], payload }],
    )
    const at = given.rawBody.length >> 1
    const tampered = `${given.rawBody.slice(0, at)}${given.rawBody[at] === 'x' ? 'y' : 'x'}${given.rawBody.slice(at + 1)}`
    expect(await errorOfConnector(house, handle({ ...given, rawBody: tampered })), name).toMatch(/signature|it has no/)
  }
}, 120_000)

test('a request without a signature, or with another secret, is refused', async () => {
  const given = delivery('push', { ref: 'refs/heads/main' })
  const { 'x-hub-signature-256': _, ...unsigned } = given.headers
  expect(await errorOfConnector(house, handle({ ...given, headers: unsigned }))).toMatch(/signature|it has no/)
  expect(await errorOfConnector(house, handle(delivery('push', {}, 'another')))).toMatch(/signature|it has no/)
})

test('the signature that GitHub documents is the one that is checked', async () => {
  const given = {
    data: {},
    rawBody: 'Hello, World!',
    headers: {
      'x-github-event': 'push',
      'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
    },
  }
  const call = handle(given)
  const args = { ...call.args, state: { secret: "It's a Secret to Everybody" } }
  expect(await valueOfConnector(house, { ...call, args })).toMatchObject({ events: [{ event: 'push' }] })
})

test('subscribing makes one hook, and finds it again instead of making a second', async () => {
  await using app = await startReceiver()
  const hooks: { id: number; config: { url: string; secret: string }; events: string[] }[] = Array.from(
    { length: 100 },
    (_, id) => ({ id, config: { url: `https://other.example/${id}`, secret: '' }, events: ['push'] }),
  )
  app.behave((request, response) => {
    const url = new URL(request.path, app.url)
    if (request.method === 'GET') {
      const page = Number(url.searchParams.get('page'))
      return answering(200, hooks.slice((page - 1) * 100, page * 100))(request, response)
    }
    const body = request.json as Omit<(typeof hooks)[number], 'id'>
    if (request.method === 'POST') hooks.push({ ...body, id: 1000 + hooks.length })
    const id = Number(url.pathname.split('/').at(-1))
    const changed = request.method === 'POST' ? hooks.at(-1) : hooks.find((hook) => hook.id === id)
    if (changed !== undefined) Object.assign(changed, body)
    return answering(201, changed)(request, response)
  })
  const subscribe = {
    connector: 'github',
    slot: `${EVENT}.subscribe`,
    apiUrl: app.url,
    args: { webhookUri: WEBHOOK_URI, parameters: { owner: 'octocat', repository: 'hello world', events: ['push'] } },
  }
  const first = (await valueOfConnector(house, subscribe)) as { state: { secret: string; hookPath: string } }
  expect(first.state.hookPath).toBe('/repos/octocat/hello%20world/hooks/1100')
  expect(hooks.at(-1)).toMatchObject({
    events: ['push'],
    config: { url: WEBHOOK_URI, content_type: 'json', secret: first.state.secret },
  })
  const second = (await valueOfConnector(house, subscribe)) as typeof first
  expect(hooks).toHaveLength(101)
  expect(second.state).toMatchObject({ hookPath: first.state.hookPath, secret: hooks.at(-1)?.config.secret })
  expect(second.state.secret).not.toBe(first.state.secret)

  const ofOrganization = { ...subscribe.args, parameters: { owner: 'octo-org' } }
  await valueOfConnector(house, { ...subscribe, args: ofOrganization })
  expect(app.received.at(-1)).toMatchObject({ path: expect.stringMatching(/^\/orgs\/octo-org\/hooks/) })
})

test('unsubscribing deletes the hook, and is content where it is gone', async () => {
  await using app = await startReceiver()
  const unsubscribe = {
    connector: 'github',
    slot: `${EVENT}.unsubscribe`,
    apiUrl: app.url,
    args: { state: { hookPath: '/repos/octocat/hello/hooks/5' } },
  }
  await valueOfConnector(house, unsubscribe)
  expect(app.received).toMatchObject([{ method: 'DELETE', path: '/repos/octocat/hello/hooks/5' }])
  app.behave(answering(404))
  await valueOfConnector(house, unsubscribe)
  app.behave(answering(500))
  expect(await errorOfConnector(house, unsubscribe)).toContain('500')
  // One that never came to be.
  await valueOfConnector(house, { ...unsubscribe, args: { state: {} } })
})

test('the webhook of a GitHub App gives its events to the installation they are about', async () => {
  const payload = { action: 'opened', installation: { id: 234 } }
  const call = {
    connector: 'github',
    slot: 'globalWebhooks.app.handle',
    args: { ...delivery('issues', payload), parameters: { webhookSecret: SECRET } },
  }
  expect(await valueOfConnector(house, call)).toMatchObject({
    events: [{ selector: '234', payload: { event: 'issues', action: 'opened', payload } }],
  })
  expect(await errorOfConnector(house, { ...call, args: { ...call.args, parameters: {} } })).toContain('webhookSecret')
  const forged = { ...call.args, parameters: { webhookSecret: 'another' } }
  expect(await errorOfConnector(house, { ...call, args: forged })).toMatch(/signature|it has no/)
})

test('an installation’s events are for who has access to it at GitHub, and for nobody else', async () => {
  await using app = await startReceiver()
  app.behave((request, response) => {
    const installations = request.path.includes('page=2')
      ? [{ id: 234 }]
      : Array.from({ length: 100 }, (_, index) => ({ id: 1000 + index }))
    return answering(200, { installations })(request, response)
  })
  const selector = { connector: 'github', slot: 'events.app-installation.getEventSelector', apiUrl: app.url }
  const args = { parameters: { installationId: 234 } }
  expect(await valueOfConnector(house, { ...selector, args })).toEqual({
    globalWebhookKey: 'app',
    globalWebhookEventSelector: '234',
  })
  const others = { ...selector, args: { parameters: { installationId: '235' } } }
  expect(await errorOfConnector(house, others)).toContain('no access to the installation 235')
  const elsewhere = { ...selector, args: { ...args, credentials: { apiUri: app.url } } }
  expect(await errorOfConnector(house, elsewhere)).toContain('the GitHub that the integration is for')
})

test('requests go to github.com or the given server, with the token', async () => {
  const make = (credentials: object, connectorParameters: object = {}) =>
    valueOfConnector(house, { connector: 'github', slot: 'makeApiClient', args: { credentials, connectorParameters } })
  expect(await make({ access_token: 't' })).toMatchObject({
    baseUri: 'https://api.github.com',
    headers: { authorization: 'Bearer t' },
  })
  expect(await make({ token: 't', apiUri: 'https://ghe.example/api/v3/' })).toMatchObject({
    baseUri: 'https://ghe.example/api/v3',
  })
  expect(await make({ access_token: 't' }, { serverUri: 'https://ghe.example' })).toMatchObject({
    baseUri: 'https://ghe.example/api/v3',
  })
  const parameters = { clientId: 'id', clientSecret: 'secret', serverUri: 'https://ghe.example/' }
  const config = { connector: 'github', slot: 'options.oauth.getOAuthConfig' }
  expect(await valueOfConnector(house, { ...config, args: { connectorParameters: parameters } })).toMatchObject({
    clientId: 'id',
    authorizeUri: 'https://ghe.example/login/oauth/authorize',
    tokenUri: 'https://ghe.example/login/oauth/access_token',
  })
})

test('operations send what the API of GitHub wants', async () => {
  await using app = await startReceiver()
  app.behave(answering(201, { id: 1, number: 2, html_url: 'https://github.com/a/b/issues/2' }))
  const run = (operation: string, input: object) =>
    valueOfConnector(house, {
      connector: 'github',
      slot: `operations.${operation}.run`,
      apiUrl: app.url,
      args: { input },
    })
  const issue = { owner: 'a', repository: 'b', title: 'It broke', labels: ['bug'] }
  expect(await run('create-issue', issue)).toEqual({ id: 1, number: 2, url: 'https://github.com/a/b/issues/2' })
  expect(app.received.at(-1)).toMatchObject({
    path: '/repos/a/b/issues',
    json: { title: 'It broke', labels: ['bug'] },
  })
  await run('comment-on-issue', { owner: 'a', repository: 'b', number: 2, body: 'Fixed' })
  expect(app.received.at(-1)).toMatchObject({ path: '/repos/a/b/issues/2/comments', json: { body: 'Fixed' } })
  app.behave(
    answering(200, [{ id: 1, name: 'b', full_name: 'a/b', html_url: 'u', owner: { login: 'a' }, private: true }]),
  )
  expect(await run('list-repositories', {})).toEqual([
    { id: 1, name: 'b', fullName: 'a/b', owner: 'a', isPrivate: true, url: 'u' },
  ])
  app.behave(answering(200, { login: 'octocat' }))
  const test_ = { connector: 'github', slot: 'test', apiUrl: app.url }
  expect(await valueOfConnector(house, test_)).toBe(true)
  app.behave(answering(401))
  expect(await callConnector(house, test_)).toMatchObject({ kind: 'failed', error: { type: 'connection' } })
})
