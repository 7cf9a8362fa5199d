import { createHmac } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Permea } from '@permea/sdk'
import { answering, buildHouse, type House, type Received, type Receiver, startReceiver } from '@permea/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Browser } from './oauth-server.ts'

// How requests to an app are made by what its connector says, and where its credentials never go.

const KEY = 'sk_live_4eC39HqLyjWDarjtT1zdp7dc'

let house: House
let app: Receiver
let elsewhere: Receiver
let anna: Permea
let customers = 0

beforeAll(async () => {
  app = await startReceiver()
  elsewhere = await startReceiver()
  house = await buildHouse({ clock: 'settable', appBaseUri: `${app.url}/my-app` })
})

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
  await elsewhere[Symbol.asyncDispose]()
})

beforeEach(async () => {
  customers += 1
  anna = await house.as(`anna-${customers}`, { name: 'Anna', fields: { plan: 'gold' } })
  app.received.length = 0
  elsewhere.received.length = 0
  app.behave(answering(200, { ok: true }))
  elsewhere.behave(answering(200, { ok: true }))
})

/** Offers a connector under a key of its own, connects it, and gives a way to post to its app. */
async function connected(option: Record<string, unknown>, definition: Record<string, unknown> = {}) {
  const key = `app-${customers}`
  await house.admin.connectors.create({
    body: { key, name: key, options: { only: { type: 'client-credentials', ...option } } as never, ...definition },
  })
  await house.admin.integrations.create({ body: { key, connectorKey: key } })
  const connection = await anna.connections.create({ body: { integrationKey: key, credentials: { apiKey: KEY } } })
  const params = { selector: connection.id }
  return {
    connection,
    post: (path: string, payload: unknown = {}) =>
      anna.connections.executeRequest({ params, body: { key: path, payload } }),
    run: (input: unknown = {}) => anna.connections.runOperation({ params: { ...params, key: 'op' }, body: { input } }),
    get: () => anna.connections.get({ params }),
  }
}

const bearer = { Authorization: { $concat: ['Bearer ', { $var: '$.credentials.apiKey' }] } }
const mapping = (value: Record<string, unknown>) => ({ makeApiClient: { type: 'mapping', mapping: value } })
const javascript = (code: string) => ({ type: 'javascript', code })

describe('what makeApiClient says', () => {
  test('is merged into each request: base address, headers, query and basic auth', async () => {
    const auth = { username: { $var: '$.credentials.apiKey' }, password: 'x' }
    const { post } = await connected(
      mapping({ baseUri: `${app.url}/v2/?fixed=1`, headers: { 'X-Version': '7' }, query: { tenant: 't 1' }, auth }),
    )
    await post('things?own=2', { a: 1 })
    expect(app.received[0]).toMatchObject({
      method: 'POST',
      path: '/v2/things?fixed=1&own=2&tenant=t+1',
      headers: {
        'x-version': '7',
        authorization: `Basic ${Buffer.from(`${KEY}:x`).toString('base64')}`,
        'content-type': 'application/json',
      },
      json: { a: 1 },
    })
  })

  test('decides what answers mean: the first rule that matches counts', async () => {
    const isStatus = (value: string) => ({ $jsonata: `response.data.status = "${value}"` })
    const { post, get } = await connected(
      mapping({
        baseUri: app.url,
        headers: bearer,
        responseHandlers: [
          { match: isStatus('wrapped'), isSuccess: true, data: { $var: '$.response.data.inner' } },
          {
            match: isStatus('slow'),
            error: { message: 'too fast', key: 'rate_limit_exceeded', data: { inSeconds: 9 } },
          },
          {
            match: isStatus('closed'),
            isSuccess: false,
            error: { key: 'connection_is_defunct', message: 'account closed' },
          },
        ],
      }),
    )
    app.behave(answering(404, { status: 'wrapped', inner: { n: 1 } }))
    expect(await post('/x')).toEqual({ n: 1 })
    app.behave(answering(200, { status: 'slow' }))
    await expect(post('/x')).rejects.toMatchObject({
      key: 'rate_limit_exceeded',
      message: 'too fast',
      data: { status: 200, inSeconds: 9 },
    })
    expect(await get()).toMatchObject({ disconnected: false })
    // What is gone for good is not tried again.
    app.behave(answering(200, { status: 'closed' }))
    await expect(post('/x')).rejects.toMatchObject({ key: 'connection_is_defunct', message: 'account closed' })
    const lost = await get()
    expect(lost).toMatchObject({ isDefunct: true, disconnected: true })
    expect(lost.nextRetryTimestamp).toBeUndefined()
  })

  test('may be code, and its failure is told as the connection’s', async () => {
    const { post } = await connected({
      makeApiClient: javascript(`export default ({ credentials }) => {
        if (credentials.apiKey === 'none') throw new Error('no key')
        return { baseUri: '${app.url}', headers: { 'X-Key': credentials.apiKey.toUpperCase() } }
      }`),
    })
    await post('/x')
    expect(app.received[0]?.headers['x-key']).toBe(KEY.toUpperCase())
    const broken = await connected2({ makeApiClient: javascript(`export default () => { throw new Error('cannot') }`) })
    await expect(broken()).rejects.toMatchObject({ type: 'connection', message: expect.stringContaining('cannot') })
  })
})

async function connected2(option: Record<string, unknown>) {
  customers += 1
  const { post } = await connected(option)
  return () => post('/x')
}

describe('credentials go to the app, and nowhere else:', () => {
  const operations = (code: string) => ({ operations: { op: { name: 'op', run: javascript(code) } } })

  test('a function that names another host sends without them', async () => {
    const { run } = await connected(
      mapping({ baseUri: app.url, headers: bearer, query: { key: { $var: '$.credentials.apiKey' } } }),
      operations(`export default async ({ apiClient }) => {
        await apiClient.get('${elsewhere.url}/absolute')
        await apiClient.get('/by-base', {}, { baseUri: '${elsewhere.url}' })
        await apiClient.get('//${new URL(elsewhere.url).host}/slashes')
        await apiClient.get('${app.url}/own')
      }`),
    )
    await run()
    expect(elsewhere.received.map((each) => each.path)).toEqual(['/absolute', '/by-base'])
    expect(JSON.stringify(elsewhere.received)).not.toContain(KEY)
    expect(app.received.map((each) => each.headers.authorization)).toEqual([`Bearer ${KEY}`, `Bearer ${KEY}`])
  })

  test('an origin that the connector names itself is trusted', async () => {
    const { run } = await connected(
      mapping({ baseUri: app.url, headers: bearer, origins: [elsewhere.url] }),
      operations(`export default ({ apiClient }) => apiClient.get('${elsewhere.url}/files')`),
    )
    await run()
    expect(elsewhere.received[0]?.headers.authorization).toBe(`Bearer ${KEY}`)
  })

  test('a redirect is a failure and is not followed', async () => {
    app.behave(
      (_request: Received, response: ServerResponse) =>
        void response.writeHead(302, { location: `${elsewhere.url}/?key=${KEY}` }).end(),
    )
    const { post } = await connected(mapping({ baseUri: app.url, headers: bearer }))
    const refused = post('/x')
    await expect(refused).rejects.toMatchObject({
      key: 'connection_failed',
      data: { status: 302, headers: { location: `${elsewhere.url}/?key=***` } },
    })
    expect(elsewhere.received).toEqual([])
  })

  test('a private address is not reached by them', async () => {
    await using guarded = await buildHouse({ egressAllow: [] })
    await guarded.admin.connectors.create({
      body: { key: 'x', options: { only: { type: 'proxy', ...mapping({ baseUri: app.url }) } } as never },
    })
    const client = await guarded.as('anna')
    await client.connections.create({ body: { connectorKey: 'x' } })
    const [connection] = (await client.connections.list()).items
    const params = { selector: connection?.id ?? '' }
    await expect(client.connections.executeRequest({ params, body: { key: '/x' } })).rejects.toMatchObject({
      type: 'connection',
      data: { reason: 'forbidden' },
    })
    expect(app.received).toEqual([])
  })

  test('logs and errors of functions do not show them', async () => {
    app.behave((request, response) => answering(500, { echo: request.headers.authorization })(request, response))
    const { run } = await connected(
      mapping({ baseUri: app.url, headers: bearer }),
      operations(`export default async ({ apiClient, credentials }) => {
        console.log('my key', credentials.apiKey)
        await apiClient.post('/x', {})
      }`),
    )
    const error = await run().then(
      () => null,
      (refused: unknown) => refused,
    )
    expect(error).toMatchObject({ type: 'connection', data: { status: 500, body: { echo: expect.any(String) } } })
    expect(JSON.stringify(error)).not.toContain(KEY)
    await house.engine.functions.settled()
    await house.engine.appRequests.settled()
    const { rows } = await house.engine.database.pool.query('select * from function_calls, external_api_logs')
    expect(JSON.stringify(rows)).not.toContain(KEY)
  })
})

test('your own app as a connector is called with a token that proves who calls and for whom', async () => {
  const { post } = await connected({ type: 'membrane-token' })
  await post('/hook', { n: 1 })
  const [received] = app.received
  expect(received).toMatchObject({ path: '/my-app/hook', json: { n: 1 } })
  const token = String(received?.headers['x-membrane-token'])
  expect(received?.headers['x-integration-app-token']).toBe(token)
  const [head = '', claims = '', signature] = token.split('.')
  const expected = createHmac('sha256', house.workspace.secret).update(`${head}.${claims}`).digest('base64url')
  expect(signature).toBe(expected)
  expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
    iss: house.workspace.key,
    id: `anna-${customers}`,
    fields: { plan: 'gold' },
  })
})

describe('an app that uses OAuth 1', () => {
  const consumer = { key: 'the-consumer', secret: 'secret of the consumer' }
  const encode = (text: string) =>
    encodeURIComponent(text).replaceAll(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`)

  /** What the header says, and whether its signature fits: RFC 5849 sections 3.4 and 3.5.1, written out. */
  function verified(request: Received, tokenSecret: string): Record<string, string> | null {
    const header = String(request.headers.authorization ?? '')
    const said = Object.fromEntries(
      [...header.matchAll(/(oauth_\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [
        name,
        decodeURIComponent(value),
      ]),
    )
    const url = new URL(request.path, app.url)
    const form = String(request.headers['content-type']).includes('urlencoded')
      ? [...new URLSearchParams(request.body)]
      : []
    const { oauth_signature: signature, ...signed } = said
    const pairs = [...Object.entries(signed), ...url.searchParams, ...form].map(
      ([name, value]) => `${encode(name)}=${encode(value)}`,
    )
    const base = [request.method, `${url.origin}${url.pathname}`, pairs.sort().join('&')].map(encode).join('&')
    const key = `${encode(consumer.secret)}&${encode(tokenSecret)}`
    return createHmac('sha1', key).update(base).digest('base64') === signature ? said : null
  }

  test('is connected in its three legs, and every request is signed', async () => {
    const form = (values: Record<string, string>) => (_request: Received, response: ServerResponse) =>
      void response
        .writeHead(200, { 'content-type': 'application/x-www-form-urlencoded' })
        .end(new URLSearchParams(values).toString())
    let callback = ''
    app.behave((request, response) => {
      const { pathname, searchParams } = new URL(request.path, app.url)
      if (pathname === '/request-token') {
        const said = verified(request, '')
        callback = said?.oauth_callback ?? ''
        if (said === null) return answering(401)(request, response)
        return form({ oauth_token: 'temporary', oauth_token_secret: 'hush', oauth_callback_confirmed: 'true' })(
          request,
          response,
        )
      }
      if (pathname === '/authorize') {
        const to = new URL(callback)
        to.searchParams.set('oauth_token', searchParams.get('oauth_token') ?? '')
        to.searchParams.set('oauth_verifier', 'verified')
        return void response.writeHead(302, { location: to.href }).end()
      }
      if (pathname === '/access-token') {
        const said = verified(request, 'hush')
        if (said?.oauth_verifier !== 'verified') return answering(401)(request, response)
        return form({ oauth_token: 'lasting', oauth_token_secret: 'hush hush' })(request, response)
      }
      return answering(verified(request, 'hush hush')?.oauth_token === 'lasting' ? 200 : 401, { ok: true })(
        request,
        response,
      )
    })
    const key = `oauth1-${customers}`
    await house.admin.connectors.create({
      body: {
        key,
        options: {
          only: {
            type: 'oauth1',
            getOAuthConfig: {
              type: 'mapping',
              mapping: {
                consumerKey: consumer.key,
                consumerSecret: consumer.secret,
                requestTokenUri: `${app.url}/request-token`,
                authorizeUri: `${app.url}/authorize`,
                tokenUri: `${app.url}/access-token`,
              },
            },
            makeApiClient: { type: 'mapping', mapping: { baseUri: app.url } },
            test: { type: 'rest-api-mapping', mapping: { path: '/me?x=1&y=a%20b', method: 'GET' } },
          },
        },
      },
    })
    const { url, requestId } = await anna.connectionRequests.create({ body: { connectorKey: key } })
    expect((await new Browser().press(url)).html).toContain('Connected')
    const { resultConnectionId = '' } = await anna.connectionRequests.get({ params: { requestId } })
    const params = { selector: resultConnectionId }
    expect(await anna.connections.executeRequest({ params, body: { key: '/things', payload: { a: 1 } } })).toEqual({
      ok: true,
    })
    const token = await house.tokenOf({ id: `anna-${customers}` })
    const posted = await fetch(`${house.url}/connections/${resultConnectionId}/proxy/form?q=1`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: new URLSearchParams({ 'a b': 'c&d' }),
    })
    expect(posted.status).toBe(200)
  })
})
