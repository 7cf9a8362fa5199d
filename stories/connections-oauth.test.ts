import { MembraneClient } from '@membranehq/sdk'
import type { Permea } from '@permea/sdk'
import { buildHouse, type House, pause, type Receiver, refusalKey, startReceiver, until } from '@permea/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  ACCESS_TOKEN_SECONDS,
  Browser,
  CLIENT_ID,
  CLIENT_SECRET,
  type OAuthApp,
  startOAuthApp,
} from './oauth-server.ts'

// A customer connects an app by OAuth: a real server with PKCE, expiry, and refresh tokens that may be used once.

let house: House
let app: OAuthApp
let backend: Receiver
let anna: Permea

beforeEach(async () => {
  backend = await startReceiver()
  house = await buildHouse({ clock: 'settable', engine: { random: () => 0.5, tickMs: 50 } })
  app = await startOAuthApp({ redirectUri: `${house.url}/oauth-callback`, now: () => house.clock.now() })
  anna = await house.as('anna', { name: 'Anna' })
  await offer()
  const { workspaceId } = await house.admin.customers.self()
  const enabledWebhookEvents = ['connection.created', 'connection.disconnected', 'connection.reconnected'] as const
  await house.admin.workspaces.patch({
    params: { id: workspaceId },
    body: { webhookUri: backend.url, enabledWebhookEvents: [...enabledWebhookEvents] },
  })
})

afterEach(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
  await backend[Symbol.asyncDispose]()
})

async function offer(config: Record<string, unknown> = {}, key = 'books'): Promise<void> {
  await house.admin.connectors.create({
    body: {
      key,
      name: 'Books',
      options: {
        oauth: {
          type: 'oauth2',
          getOAuthConfig: {
            type: 'mapping',
            mapping: {
              clientId: { $var: '$.connectorParameters.clientId' },
              clientSecret: { $var: '$.connectorParameters.clientSecret' },
              authorizeUri: `${app.url}/auth`,
              tokenUri: `${app.url}/token`,
              scopes: ['openid', 'offline_access'],
              extra: { prompt: 'consent' },
              ...config,
            },
          },
          makeApiClient: {
            type: 'mapping',
            mapping: {
              baseUri: `${app.url}/api`,
              headers: { Authorization: { $concat: ['Bearer ', { $var: '$.credentials.access_token' }] } },
            },
          },
          test: { type: 'rest-api-mapping', mapping: { path: '/me', method: 'GET' } },
        },
      },
    },
  })
  const parameters = { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET }
  await house.admin.integrations.create({ body: { key, name: 'Books', connectorKey: key, parameters } })
}

async function connect(more: Record<string, unknown> = {}, browser = new Browser()) {
  const request = await anna.connectionRequests.create({ body: { integrationKey: 'books', ...more } })
  const page = await browser.press(request.url)
  const done = await anna.connectionRequests.get({ params: { requestId: request.requestId } })
  return { request, page, done, browser }
}

const select = { params: { selector: 'books' } }
const call = (client = anna) => client.connections.executeRequest({ ...select, body: { key: '/things' } })
const secretsOf = async () =>
  (await house.admin.connections.list({ query: { includeSecrets: true } })).items[0]?.credentials as {
    access_token: string
    refresh_token: string
    expires_at: string
  }
const told = () => backend.received.map((each) => (each.json as { eventType: string }).eventType)
const refreshes = () => app.grants.filter((grant) => grant === 'refresh_token').length

describe('connecting', () => {
  test('goes through the app’s own pages, with state and PKCE, and comes back with a connection', async () => {
    const { page, done, browser } = await connect()
    expect(page).toMatchObject({ status: 200, html: expect.stringContaining('Connected') })
    expect(done).toMatchObject({ status: 'success' })
    const [asked] = app.authorizations
    expect(Object.fromEntries(asked ?? [])).toMatchObject({
      response_type: 'code',
      client_id: CLIENT_ID,
      redirect_uri: `${house.url}/oauth-callback`,
      scope: 'openid offline_access',
      prompt: 'consent',
      code_challenge_method: 'S256',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      state: expect.stringMatching(/^[\w-]{43}$/),
    })
    const connection = await anna.connections.get(select)
    expect(connection).toMatchObject({
      id: done.resultConnectionId,
      connected: true,
      canRefreshCredentials: true,
      nextCredentialsRefreshAt: expect.any(String),
    })
    const credentials = await secretsOf()
    expect(credentials).toMatchObject({ token_type: 'Bearer', expires_at: expect.any(String) })
    expect(await call()).toEqual({ account: 'person-1' })
    expect(browser.visited.join(' ')).not.toContain(credentials.access_token)
    expect(JSON.stringify(connection)).not.toContain(credentials.refresh_token)
    await house.settle()
    expect(told()).toEqual(['connection.created'])
  })

  test.each([
    { what: 'in the body', config: { clientAuthLocation: 'body' }, method: 'client_secret_post' },
    { what: 'without PKCE', config: { skipPkce: true }, method: 'client_secret_basic' },
    { what: 'from a named issuer', config: {}, method: 'client_secret_basic' },
  ] as const)('works $what too', async ({ what, config, method }) => {
    await app[Symbol.asyncDispose]()
    const isPkceRequired = what !== 'without PKCE'
    const redirectUri = `${house.url}/oauth-callback`
    app = await startOAuthApp({ redirectUri, now: () => house.clock.now(), authMethod: method, isPkceRequired })
    await offer({ ...config, ...(what === 'from a named issuer' ? { issuer: app.url } : {}) }, 'other')
    const { done } = await connect({ integrationKey: 'other' })
    expect(done.status).toBe('success')
    expect(app.authorizations[0]?.has('code_challenge')).toBe(isPkceRequired)
  })

  test('works where the app answers with a form, which browsers send without their cookie', async () => {
    const browser = new Browser()
    const callback = `${house.url}/oauth-callback`
    const request = await anna.connectionRequests.create({ body: { integrationKey: 'books' } })
    const answer = await browser.press(request.url, { stopAt: (url) => url.startsWith(callback) })
    const body = new URL(answer.url).searchParams
    body.set('id_token', 'not for an address')
    const posted = await fetch(callback, { method: 'POST', body, redirect: 'manual' })
    expect(posted.status).toBe(303)
    const location = posted.headers.get('location') ?? ''
    expect(location).not.toContain('id_token')
    expect((await browser.open(new URL(location, house.url).href)).html).toContain('Connected')
    expect((await anna.connections.list()).items).toHaveLength(1)
  })

  test('sends the browser back where it came from, with the id and no secret', async () => {
    const request = await anna.connectionRequests.create({
      body: { integrationKey: 'books', redirectUri: 'https://app.example/done?keep=1' },
    })
    const page = await new Browser().press(request.url, { stopAt: (url) => url.startsWith('https://app.example') })
    const connection = await anna.connections.get(select)
    expect(Object.fromEntries(new URL(page.url).searchParams)).toEqual({
      keep: '1',
      requestId: request.requestId,
      status: 'success',
      connectionId: connection.id,
    })
  })

  test('again renews the connection there is, unless another one is wanted', async () => {
    const first = await connect()
    const again = await connect()
    expect(again.done.resultConnectionId).toBe(first.done.resultConnectionId)
    const other = await connect({ allowMultipleConnections: true })
    expect(other.done.resultConnectionId).not.toBe(first.done.resultConnectionId)
  })

  test('is not done where the person says no', async () => {
    app.isConsenting = false
    const { page, done } = await connect()
    expect(page.html).toContain('access was not given')
    expect(done).toMatchObject({ status: 'cancelled', resultError: { type: 'connection' } })
    expect((await anna.connections.list()).items).toEqual([])
    expect(app.grants).toEqual([])
    // The link may be used until it has led to a connection.
    app.isConsenting = true
    const retry = await new Browser().press(
      (await anna.connectionRequests.get({ params: { requestId: done.requestId } })).url,
    )
    expect(retry.html).toContain('Connected')
    expect((await new Browser().open(done.url)).status).toBe(404)
  })
})

describe('nobody is sent to an app unasked', () => {
  const EVIL = 'https://evil.example'
  const wasAsked = (browser: Browser) => browser.visited.some((url) => url.startsWith(app.url))

  /** What a page of another origin can have its visitor's browser do with what it got for a customer of its own. */
  async function attempts(): Promise<Browser[]> {
    const token = await house.tokenOf({ id: 'anna' })
    const { url } = await anna.connectionRequests.create({ body: { integrationKey: 'books' } })
    const link = new URL(url).searchParams.get('request') ?? ''
    const payload = JSON.stringify({ token, integrationKey: 'books', requestId: 'mine' })
    const forms = [
      { payload },
      { request: link },
      { request: link, confirmed: '1', authOptionKey: 'oauth' },
      { request: link, filled: '1', authOptionKey: 'oauth' },
    ]
    const tries = [
      ...forms.flatMap((form) =>
        [EVIL, 'null'].map((origin) => ({ to: `${house.url}/connect`, form, headers: { origin } })),
      ),
      ...forms.map((form) => ({ to: `${house.url}/connect`, form, headers: { 'sec-fetch-site': 'cross-site' } })),
      { to: url, headers: { 'sec-fetch-site': 'cross-site', referer: `${EVIL}/` } },
      { to: `${url}&window=own`, headers: { 'sec-fetch-site': 'cross-site' } },
      { to: `${url}&window=own`, headers: { 'sec-fetch-site': 'same-origin' } },
      { to: `${house.url}/connect?token=${token}&integrationKey=books`, headers: { referer: `${EVIL}/` } },
    ]
    return Promise.all(
      tries.map(async ({ to, ...how }) => {
        const browser = new Browser()
        const page = await browser.open(to, how)
        expect(page.html).toMatch(/Connect Books for [^<]+ at Test workspace<.button>/)
        expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
        return browser
      }),
    )
  }

  test('by a link, by a form of another site, or by what looks like a press of the button', async () => {
    expect((await attempts()).filter(wasAsked)).toEqual([])
    expect((await anna.connections.list()).items).toEqual([])
    // A person who presses is.
    const { browser, done } = await connect()
    expect(wasAsked(browser)).toBe(true)
    expect(done.status).toBe('success')
  })

  test('but by a page that the workspace lists as its own', async () => {
    const params = { id: house.workspace.key }
    await house.admin.workspaces.patch({
      params,
      body: { settings: { connect: { allowedOrigins: ['https://product.example'] } } },
    })
    const token = await house.tokenOf({ id: 'anna' })
    const payload = JSON.stringify({ token, integrationKey: 'books', requestId: 'listed' })
    const browser = new Browser()
    const headers = { origin: 'https://product.example' }
    expect((await browser.open(`${house.url}/connect`, { form: { payload }, headers })).html).toContain('Connected')
    expect(wasAsked(browser)).toBe(true)
    await house.admin.workspaces.patch({ params, body: { settings: {} } })
  })

  test('and an id that two customers use for a request is nobody’s for an admin', async () => {
    const open = async (id: string) => {
      const payload = JSON.stringify({ token: await house.tokenOf({ id }), integrationKey: 'books', requestId: 'same' })
      await new Browser().open(`${house.url}/connect`, { form: { payload } })
    }
    await open('anna')
    const params = { requestId: 'same' }
    expect((await house.admin.connectionRequests.get({ params })).status).toBe('pending')
    await open('bert')
    expect(await refusalKey(house.admin.connectionRequests.get({ params }))).toBe('ambiguous_selector')
    expect(await refusalKey(house.admin.connectionRequests.patch({ params, body: {} }))).toBe('ambiguous_selector')
    expect((await anna.connectionRequests.get({ params })).requestId).toBe('same')
    const reserved = JSON.stringify({
      token: await house.tokenOf({ id: 'bert' }),
      integrationKey: 'books',
      requestId: 'crq_x',
    })
    expect((await new Browser().open(`${house.url}/connect`, { form: { payload: reserved } })).status).toBe(400)
  })
})

describe('an answer of the app is refused', () => {
  const upToTheAnswer = async (browser: Browser) => {
    const request = await anna.connectionRequests.create({ body: { integrationKey: 'books' } })
    const at = await browser.press(request.url, { stopAt: (url) => url.startsWith(`${house.url}/oauth-callback`) })
    return at.url
  }
  const nothingCameOf = async () => {
    expect((await anna.connections.list()).items).toEqual([])
    expect(app.grants).toEqual([])
  }

  test('in another browser than the one that was sent away', async () => {
    const url = await upToTheAnswer(new Browser())
    expect(await new Browser().open(url)).toMatchObject({ status: 400 })
    await nothingCameOf()
  })

  test('with another state, or with none', async () => {
    const browser = new Browser()
    const url = new URL(await upToTheAnswer(browser))
    url.searchParams.set('state', 'made-up')
    expect(await browser.open(url.href)).toMatchObject({ status: 400 })
    url.searchParams.delete('state')
    expect(await browser.open(url.href)).toMatchObject({ status: 400 })
    await nothingCameOf()
  })

  test('after ten minutes', async () => {
    const browser = new Browser()
    const url = await upToTheAnswer(browser)
    await house.advance(10 * 60_000 + 1)
    expect(await browser.open(url)).toMatchObject({ status: 400 })
    await nothingCameOf()
  })

  test('the second time', async () => {
    const browser = new Browser()
    const url = await upToTheAnswer(browser)
    expect((await browser.open(url)).html).toContain('Connected')
    expect(await browser.open(url)).toMatchObject({ status: 400 })
    expect(app.grants).toEqual(['authorization_code'])
  })

  test('from another issuer than the one that the connector names', async () => {
    await offer({ issuer: 'https://somebody.else' }, 'other')
    const { page, done } = await connect({ integrationKey: 'other' })
    expect(page.html).toContain('Not connected')
    expect(done.status).toBe('error')
    expect(app.grants).toEqual([])
  })
})

describe('access tokens that expire', () => {
  const expire = () => house.clock.advance((ACCESS_TOKEN_SECONDS + 1) * 1000)

  test('are renewed once, however many requests find out at the same moment', async () => {
    await connect()
    const before = await secretsOf()
    expire()
    const answers = await Promise.all(Array.from({ length: 20 }, () => call()))
    expect(answers).toEqual(Array.from({ length: 20 }, () => ({ account: 'person-1' })))
    expect(refreshes()).toBe(1)
    const after = await secretsOf()
    expect(after.refresh_token).not.toBe(before.refresh_token)
    expect(after.access_token).not.toBe(before.access_token)
    // The rotated refresh token is good for the next time.
    expire()
    expect(await call()).toEqual({ account: 'person-1' })
    expect(refreshes()).toBe(2)
  })

  test('are renewed once also where only the app knows that they have expired', async () => {
    const { done } = await connect()
    const { expires_at: _moment, ...credentials } = await secretsOf()
    await house.admin.connections.patch({
      params: { selector: done.resultConnectionId ?? '' },
      body: { credentials },
    })
    expire()
    app.calls.refused = 0
    const answers = await Promise.all(Array.from({ length: 20 }, () => call()))
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    expect(refreshes()).toBe(1)
    expect(app.calls.refused).toBeGreaterThan(0)
  })

  test('are renewed once by all processes together', async () => {
    await connect()
    const database = { url: house.databaseUrl, workspace: house.workspace }
    await using other = await buildHouse({ clock: 'settable', database })
    const there = await other.as('anna')
    expire()
    other.clock.advance((ACCESS_TOKEN_SECONDS + 1) * 1000)
    const gate = Promise.withResolvers<void>()
    app.tokenGate = gate.promise
    const calls = Array.from({ length: 20 }, (_, index) => call(index % 2 === 0 ? anna : there))
    const { pool } = house.engine.database
    await until('somebody refreshes', 10_000, async () => {
      const { rows } = await pool.query('select 1 from connections where refresh_lease is not null')
      return rows.length === 1
    })
    // Both have found out by then, and one of them waits for the other.
    await pause(1500)
    gate.resolve()
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 20 }, () => ({ account: 'person-1' })))
    expect(refreshes()).toBe(1)
  })

  test('are renewed before they expire, without anybody asking', async () => {
    await connect()
    const due = new Date((await anna.connections.get(select)).nextCredentialsRefreshAt ?? 0)
    const expiry = new Date((await secretsOf()).expires_at)
    expect(expiry.getTime() - due.getTime()).toBeGreaterThan(60_000)
    await house.advance(due.getTime() - house.clock.now().getTime() - 2000)
    expect(refreshes()).toBe(0)
    await house.advance(3000)
    expect(refreshes()).toBe(1)
    expect(new Date((await secretsOf()).expires_at).getTime()).toBeGreaterThan(expiry.getTime())
  })

  test('are renewed when somebody asks, and the record says so', async () => {
    await connect()
    const renewed = await anna.connections.refreshCredentials(select)
    expect(renewed.connected).toBe(true)
    expect(refreshes()).toBe(1)
    const published = new MembraneClient({ token: await house.tokenOf({ id: 'anna' }), apiUri: house.url })
    await published.connection('books').refreshCredentials()
    expect(refreshes()).toBe(2)
    expect(await anna.connections.test(select)).toEqual({ success: true })
    const { items } = await anna.connections.logs(select)
    expect(items.map(({ kind, status }) => [kind, status])).toEqual([
      ['test', 'success'],
      ['refresh', 'success'],
      ['refresh', 'success'],
      ['connect', 'success'],
    ])
  })

  test('do not cut off a connection while the token endpoint is only away for a while', async () => {
    await connect()
    expire()
    const { url } = app
    const gate = Promise.withResolvers<void>()
    app.tokenGate = gate.promise
    const { selector } = select.params
    await house.admin.connectors.patch({
      params: { selector: 'books' },
      body: { options: { oauth: await optionWith({ tokenUri: 'http://127.0.0.1:9/token' }) } },
    })
    await expect(call()).rejects.toMatchObject({ type: 'connection' })
    expect(await anna.connections.get({ params: { selector } })).toMatchObject({
      disconnected: false,
      retryAttempts: 1,
    })
    await house.admin.connectors.patch({
      params: { selector: 'books' },
      body: { options: { oauth: await optionWith({ tokenUri: `${url}/token` }) } },
    })
    gate.resolve()
    await house.advance(61_000)
    expect(await anna.connections.get(select)).toMatchObject({ disconnected: false, retryAttempts: 0 })
    expect(told()).toEqual(['connection.created'])
  })
})

async function optionWith(config: Record<string, unknown>) {
  const { options } = await house.admin.connectors.get({ params: { selector: 'books' } })
  const option = options?.oauth
  if (option?.getOAuthConfig?.type !== 'mapping') throw new Error('the connector has another option')
  const mapping = { ...(option.getOAuthConfig.mapping as object), ...config }
  return { ...option, getOAuthConfig: { type: 'mapping' as const, mapping } }
}

test('access that the person withdraws is told, shown as an alert, and comes back when they connect anew', async () => {
  const { done } = await connect()
  const { refresh_token: refreshToken, access_token: accessToken } = await secretsOf()
  await app.revoke(refreshToken)
  await expect(call()).rejects.toMatchObject({ type: 'connection', key: 'access_token_expired' })
  const lost = await anna.connections.get(select)
  expect(lost).toMatchObject({ disconnected: true, retryAttempts: 1, nextRetryTimestamp: expect.any(String) })
  expect(JSON.stringify(lost)).not.toContain(refreshToken)
  await house.settle()
  expect(told()).toEqual(['connection.created', 'connection.disconnected'])
  const query = { type: 'connection_disconnected' } as const
  expect((await house.admin.alerts.list({ query })).items).toMatchObject([
    { status: 'ongoing', severity: 'warning', contextKey: lost.id, description: expect.stringContaining('Books') },
  ])
  await expect(anna.connections.refreshCredentials(select)).rejects.toMatchObject({
    type: 'connection',
    message: expect.stringContaining('invalid_grant'),
  })
  const refused = refreshes()
  await house.advance(60_000 * 5)
  expect(refreshes()).toBe(refused + 1)

  const again = await connect({ connectionId: done.resultConnectionId })
  expect(again.done).toMatchObject({ status: 'success', resultConnectionId: done.resultConnectionId })
  await house.settle()
  expect(told()).toEqual(['connection.created', 'connection.disconnected', 'connection.reconnected'])
  expect((await house.admin.alerts.list({ query })).items).toMatchObject([{ status: 'resolved' }])
  expect(await call()).toEqual({ account: 'person-1' })
  const logs = JSON.stringify(
    (await house.engine.database.pool.query('select * from connection_logs, external_api_logs')).rows,
  )
  for (const secret of [refreshToken, accessToken, CLIENT_SECRET]) expect(logs).not.toContain(secret)
})
