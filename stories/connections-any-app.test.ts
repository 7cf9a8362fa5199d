import { answering, buildHouse, type House, type Receiver, startReceiver } from '@permea/testkit'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { Browser, CLIENT_ID, CLIENT_SECRET, type OAuthApp, startOAuthApp } from './oauth-server.ts'

// Any app with a client id and secret, by the connector `oauth-app`; and what customers read where an app says no.

let house: House
let server: OAuthApp | null = null
let count = 0

beforeAll(async () => {
  house = await buildHouse({ clock: 'settable', engine: { random: () => 0.5 } })
})

afterEach(async () => {
  await server?.[Symbol.asyncDispose]()
  server = null
})

afterAll(() => house[Symbol.asyncDispose]())

/** An integration of an app that is at this address, and a customer who is about to connect it. */
async function offered(url: string, parameters: Record<string, unknown>) {
  count += 1
  const key = `any-${count}`
  const ids = { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET }
  const addresses = { authorizeUri: `${url}/auth`, tokenUri: `${url}/token`, apiUri: `${url}/api` }
  await house.admin.integrations.create({
    body: { key, connectorKey: 'oauth-app', parameters: { app: 'own', ...ids, ...addresses, ...parameters } },
  })
  const client = await house.as(`customer-${count}`)
  const request = await client.connectionRequests.create({ body: { integrationKey: key } })
  return { client, key, request }
}

const hiddenIn = (html: string) =>
  Object.fromEntries(
    [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  )

/** What a person does: looks at what is asked for, leaves out what need not be, and goes on to the app. */
async function goThrough(browser: Browser, url: string, how: { stopAt?: (url: string) => boolean } = {}) {
  let page = await browser.open(url, how)
  for (let pages = 0; pages < 3 && page.html.includes('action="/connect"'); pages += 1) {
    const { origin } = new URL(page.url)
    page = await browser.open(`${origin}/connect`, { ...how, form: hiddenIn(page.html), headers: { origin } })
  }
  return page
}

const FLAVOURS: [string, Record<string, unknown>, Partial<Parameters<typeof startOAuthApp>[0]>][] = [
  ['PKCE, and id and secret in the header', { pkce: true, clientAuthLocation: 'headers' }, {}],
  ['PKCE, and id and secret in the body', { pkce: true }, { authMethod: 'client_secret_post' }],
  ['without PKCE', { clientAuthLocation: 'headers' }, { isPkceRequired: false }],
  [
    'a form that comes back',
    {
      pkce: true,
      clientAuthLocation: 'headers',
      authorizeParameters: { prompt: 'consent', response_mode: 'form_post' },
    },
    {},
  ],
]

test.each(FLAVOURS)('an OAuth server with %s: connected, called and renewed', async (_, parameters, options) => {
  const redirectUri = `${house.url}/oauth-callback`
  server = await startOAuthApp({ redirectUri, now: () => house.clock.now(), ...options })
  const more = { scopes: ['openid', 'offline_access'], authorizeParameters: { prompt: 'consent' } }
  const { client, request } = await offered(server.url, { ...more, ...parameters })
  const browser = new Browser()
  let page = await goThrough(browser, request.url)
  const isForm = page.html.includes(`action="${redirectUri}"`)
  expect(isForm).toBe(JSON.stringify(parameters).includes('form_post'))
  if (isForm) {
    page = await browser.open(redirectUri, { form: hiddenIn(page.html), headers: { origin: server.url } })
  }
  expect(page.html).toContain('Connected')
  const [asked] = server.authorizations
  expect(asked?.has('code_challenge')).toBe(parameters.pkce === true)
  const { resultConnectionId } = await client.connectionRequests.get({ params: { requestId: request.requestId } })
  const params = { selector: resultConnectionId ?? '' }
  const { items } = await house.admin.auditLog.list({ query: { action: 'connections.connect', limit: 1 } })
  expect(items).toMatchObject([
    {
      ...{ outcome: 'done', actor: { kind: 'customer' }, elementId: resultConnectionId, address: '127.0.0.1' },
      ...{ userId: request.tenantId, after: { id: resultConnectionId } },
    },
  ])
  const [asking] = (await house.admin.auditLog.list({ query: { action: 'connectionRequests.create', limit: 1 } })).items
  expect(asking?.after?.url).toBe(request.url.replace(/request=.*/, 'request=***'))
  const call = () => client.connections.executeRequest({ params, body: { key: '/me' } })
  expect(await call()).toEqual({ account: 'person-1' })
  house.clock.advance(3_700_000)
  expect(await call()).toEqual({ account: 'person-1' })
  expect(server.grants).toEqual(['authorization_code', 'refresh_token'])
})

test('what stands between scopes is what the app of the list wants', async () => {
  for (const [app, scope] of [
    ['github', 'repo,user'],
    ['google', 'repo user'],
  ]) {
    const { request } = await offered('https://app.example', { app, scopes: ['repo', 'user'] })
    const away = await goThrough(new Browser(), request.url, { stopAt: (url) => url.startsWith('https://app.example') })
    expect(new URL(away.url).searchParams.get('scope')).toBe(scope)
  }
})

test('the part of an address that is the account’s own is asked for where the app has one, and nowhere else', async () => {
  const stopAt = (url: string) => url.startsWith('https://acme.zendesk.com')
  const ofList = { app: 'zendesk', authorizeUri: '', tokenUri: '', apiUri: '' }
  const { request } = await offered('https://app.example', ofList)
  const browser = new Browser()
  const page = await browser.open(request.url)
  expect(page.html).toMatch(/name="input\.subdomain"[^>]* required/)
  const { origin } = new URL(page.url)
  const form = { ...hiddenIn(page.html), 'input.subdomain': 'acme' }
  const away = await browser.open(`${origin}/connect`, { stopAt, form, headers: { origin } })
  expect(away.url).toContain('https://acme.zendesk.com/oauth/authorizations/new?')

  for (const parameters of [{ ...ofList, subdomain: 'acme' }, { app: 'github' }]) {
    const { request: other } = await offered('https://app.example', parameters)
    const toApp = (url: string) => stopAt(url) || url.startsWith('https://app.example')
    const first = await new Browser().open(other.url, { stopAt: toApp })
    expect(first.html).not.toContain('input.subdomain')
    expect(toApp((await goThrough(new Browser(), other.url, { stopAt: toApp })).url)).toBe(true)
  }
})

/** What a person reads on the page, without its tags and what is for the page that opened it. */
const readable = (html: string) => html.replaceAll(/<(?:style|script)[\s\S]*?<\/(?:style|script)>|<[^>]*>/g, ' ')

test('customers read a sentence of theirs, and beside it what the app said in words, wherever it said it', async () => {
  let answer: [status: number, json: unknown] = [400, {}]
  const app: Receiver = await startReceiver()
  app.behave((request, response) => answering(...answer)(request, response))
  const { client, key } = await offered(app.url, { clientAuthLocation: 'headers' })
  let requestId = ''
  const says = async (come: (back: URL) => void) => {
    const request = await client.connectionRequests.create({ body: { integrationKey: key } })
    requestId = request.requestId
    const browser = new Browser()
    const away = await goThrough(browser, request.url, { stopAt: (url) => url.startsWith(app.url) })
    const back = new URL(`${house.url}/oauth-callback`)
    back.searchParams.set('state', new URL(away.url).searchParams.get('state') ?? '')
    come(back)
    const page = await browser.open(back.href)
    expect(page.html).toContain('Not connected')
    return readable(page.html)
  }
  const words = 'The code & <b>licence</b> ran out'
  const shown = 'says: “The code &amp; &lt;b&gt;licence&lt;/b&gt; ran out”'
  for (const json of [
    { error: 'invalid_grant', error_description: words },
    { error: { message: words, code: 7 } },
    { errors: [{ detail: words }] },
    { errors: [words] },
    { error: [{ message: words }] },
    { message: words },
    { title: words, status: 400 },
    { errcode: 40029, errmsg: words },
    { ok: false, data: { error: { message: words } } },
    { error: { errors: [{ reason: 'gone', message: words }] } },
    { fault: { faultstring: words } },
  ]) {
    answer = [400, json]
    const text = await says((back) => back.searchParams.set('code', 'a-code'))
    expect([json, text]).toEqual([json, expect.stringContaining(shown)])
    expect(text).toContain('did not accept this')
    expect(text).not.toContain('invalid_grant')
  }
  for (const name of ['error_description', 'error_message', 'error_reason', 'message']) {
    for (const error of ['access_denied', 'server_error', null]) {
      const text = await says((back) => {
        if (error !== null) back.searchParams.set('error', error)
        back.searchParams.set(name, words)
      })
      expect([name, error, text]).toEqual([name, error, expect.stringContaining(shown)])
      expect(text).not.toContain(String(error))
    }
  }
  // A code is for developers, who find it in the request; a secret is for nobody.
  answer = [400, { error: 'invalid_client', error_description: `no client with ${CLIENT_SECRET} here` }]
  const text = await says((back) => back.searchParams.set('code', 'a-code'))
  expect(text).not.toMatch(/says|invalid_client/)
  const { resultError } = await client.connectionRequests.get({ params: { requestId } })
  expect(resultError?.message).toContain('invalid_client: no client with … here')
  await app[Symbol.asyncDispose]()
})

test('where the workspace may have no more connections the page says so before anything is done that counts, and later it works', async () => {
  await using app = await startReceiver()
  app.behave(answering(200, { access_token: 'a-token', token_type: 'bearer' }))
  const { client, key } = await offered(app.url, { clientAuthLocation: 'headers' })
  const connect = async (meanwhile?: () => Promise<unknown>) => {
    const request = await client.connectionRequests.create({ body: { integrationKey: key } })
    const browser = new Browser()
    const away = await goThrough(browser, request.url, { stopAt: (url) => url.startsWith(app.url) })
    await meanwhile?.()
    if (!away.url.startsWith(app.url)) return { text: readable(away.html), requestId: request.requestId }
    const back = new URL(`${house.url}/oauth-callback`)
    back.searchParams.set('state', new URL(away.url).searchParams.get('state') ?? '')
    back.searchParams.set('code', 'a-code')
    return { text: readable((await browser.open(back.href)).html), requestId: request.requestId }
  }
  const bound = (connections: number | null) =>
    house.admin.workspaces.setQuotas({ params: { id: house.workspace.key }, body: { connections } })
  const expectRefused = async (refused: Awaited<ReturnType<typeof connect>>) => {
    expect(refused.text).toContain('cannot take another connection at the moment')
    const { resultError } = await client.connectionRequests.get({ params: { requestId: refused.requestId } })
    expect(resultError).toMatchObject({ key: 'quota_reached', data: { quota: 'connections', limit: 0 } })
    expect((await client.connections.list()).items).toEqual([])
    // The code, which counts once, is not exchanged.
    expect(app.received).toEqual([])
  }
  // The person comes back, and meanwhile there is no more room.
  await expectRefused(await connect(() => bound(0)))
  // The person does not even leave.
  await expectRefused(await connect())
  await bound(null)
  expect((await connect()).text).toContain('Connected')
  expect((await client.connections.list()).items).toHaveLength(1)
})
