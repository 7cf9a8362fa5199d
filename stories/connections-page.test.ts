import type { Permea } from '@permea/sdk'
import { answering, buildHouse, type House, type Receiver, refusalKey, startReceiver, until } from '@permea/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Browser } from './oauth-server.ts'

// The page on which a person connects an app: as a link, as the published client opens it, and what it tells.

let house: House
let app: Receiver
let anna: Permea
let token: string
let customers = 0

beforeAll(async () => {
  app = await startReceiver()
  house = await buildHouse({ clock: 'settable' })
  const makeApiClient = {
    type: 'mapping' as const,
    mapping: { baseUri: app.url, headers: { 'X-Key': { $var: '$.credentials.apiKey' } } },
  }
  const test = { type: 'rest-api-mapping' as const, mapping: { path: '/me', method: 'GET' } }
  await house.admin.connectors.create({
    body: {
      key: 'crm',
      name: 'C <RM>',
      options: {
        key: {
          type: 'client-credentials',
          title: 'API key',
          inputSchema: {
            type: 'object',
            required: ['apiKey', 'region'],
            properties: {
              apiKey: { type: 'string', title: 'Your "key"', description: 'Under <b>Settings</b>' },
              region: { type: 'string', enum: ['eu', 'us'] },
              port: { type: 'integer' },
              isSandbox: { type: 'boolean', title: 'Sandbox' },
              site: { type: 'object', properties: { name: { type: 'string', default: 'main' } } },
            },
          },
          makeApiClient,
          test,
        },
      },
    },
  })
  await house.admin.connectors.create({
    body: {
      key: 'two-ways',
      name: 'Two ways',
      options: {
        first: { type: 'client-credentials', title: 'The first', makeApiClient },
        second: { type: 'proxy', title: 'The second', makeApiClient },
      },
    },
  })
  for (const key of ['crm', 'two-ways'])
    await house.admin.integrations.create({ body: { key, connectorKey: key, name: key === 'crm' ? 'C <RM>' : key } })
})

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

beforeEach(async () => {
  customers += 1
  anna = await house.as(`anna-${customers}`, { name: 'Anna & <Co>' })
  token = await house.tokenOf({ id: `anna-${customers}` })
  app.behave((request, response) =>
    answering(request.headers['x-key'] === 'good' ? 200 : 401, { ok: true })(request, response),
  )
  app.received.length = 0
})

const pageOf = async (more: Record<string, unknown> = {}) =>
  anna.connectionRequests.create({ body: { integrationKey: 'crm', ...more } })

/** What a browser would send of the form of a page, with these fields filled in. */
function filled(html: string, fields: Record<string, string>): Record<string, string> {
  const hidden = [...html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)]
  return { ...Object.fromEntries(hidden.map(([, name = '', value = '']) => [name, value])), ...fields }
}

const good = { 'input.apiKey': 'good', 'input.region': 'eu' }

describe('a link', () => {
  test('leads to a form made of the schema, which works without JavaScript', async () => {
    const { url, requestId, status } = await pageOf()
    expect(status).toBe('pending')
    const browser = new Browser()
    const page = await browser.open(url)
    expect(page.html).toContain('<h1>Connect C &lt;RM&gt;</h1>')
    expect(page.html).toContain('for Anna &amp; &lt;Co&gt; at Test workspace')
    expect(page.html).toMatch(
      /<label for="field-apiKey">Your &quot;key&quot;<\/label><input type="password"[^>]*required/,
    )
    expect(page.html).toContain('Under &lt;b&gt;Settings&lt;/b&gt;')
    expect(page.html).toContain('aria-describedby="field-apiKey-help"')
    expect(page.html).toMatch(/<select id="field-region"[^>]*required><option value=""><\/option><option value="eu">/)
    expect(page.html).toMatch(/<input type="number"[^>]*id="field-port"/)
    expect(page.html).toMatch(/<input type="checkbox" value="true" id="field-isSandbox"/)
    expect(page.html).toMatch(/<fieldset><legend>Site<\/legend>.*value="main"/s)
    expect(page.html).not.toContain('<script')
    const form = filled(page.html, { ...good, 'input.port': '8080', 'input.isSandbox': 'true', 'input.site.name': 'x' })
    const done = await browser.open(`${house.url}/connect`, { form })
    expect(done.html).toContain('Connected')
    const { resultConnectionId = '', ...request } = await anna.connectionRequests.get({ params: { requestId } })
    expect(request.status).toBe('success')
    const seen = await house.admin.connections.get({
      params: { selector: resultConnectionId },
      query: { includeSecrets: true },
    })
    expect(seen.input).toEqual({ apiKey: 'good', region: 'eu', port: 8080, isSandbox: true, site: { name: 'x' } })
    expect((await browser.open(url)).status).toBe(404)
  })

  test('keeps what was filled in, but for secrets, where something is wrong with it', async () => {
    const { url } = await pageOf()
    const browser = new Browser()
    const page = await browser.open(url)
    const missing = await browser.open(`${house.url}/connect`, { form: filled(page.html, { 'input.apiKey': 'good' }) })
    expect(missing.html).toMatch(
      /role="alert">Something is missing .* \(what you filled in must have required property (?:'|&#39;)region/,
    )
    const wrong = { 'input.apiKey': 'a-wrong-key', 'input.region': 'us' }
    const refused = await browser.open(`${house.url}/connect`, { form: filled(page.html, wrong) })
    expect(refused.html).toContain('role="alert"')
    expect(refused.html).toContain('<option value="us" selected>')
    expect(refused.html).not.toContain('a-wrong-key')
    const mended = await browser.open(`${house.url}/connect`, { form: filled(refused.html, good) })
    expect(mended.html).toContain('Connected')
  })

  test('leaves in the audit log what came of it, anew too, without what was filled in; what the app refused is not there', async () => {
    const marker = 'marker-of-a-key-that-was-typed'
    app.behave((request, response) => answering(request.headers['x-key'] === marker ? 200 : 401, {})(request, response))
    const connect = async (apiKey: string, more: Record<string, unknown> = {}) => {
      const { url, tenantId } = await pageOf(more)
      const browser = new Browser()
      const { html } = await browser.open(url)
      const form = filled(html, { 'input.apiKey': apiKey, 'input.region': 'eu' })
      await browser.open(`${house.url}/connect`, { form })
      return tenantId
    }
    const userId = await connect(`${marker}-wrong`)
    const records = async () =>
      (await house.admin.auditLog.list({ query: { userId, action: 'connections.connect' } })).items
    expect(await records()).toEqual([])
    await connect(marker)
    const [connection] = (await anna.connections.list()).items
    await connect(marker, { name: 'Renamed' })
    const ofAnna = {
      elementId: connection?.id,
      actor: { kind: 'customer', id: userId, name: 'Anna & <Co>' },
      outcome: 'done',
    }
    expect(await records()).toMatchObject([
      { ...ofAnna, before: { name: connection?.name }, after: { name: 'Renamed' }, elementName: 'Renamed' },
      { ...ofAnna, after: { id: connection?.id }, address: '127.0.0.1' },
    ])
    const { rows } = await house.engine.database.pool.query<{ text: string }>(
      "select concat(r::text, d::text) as text from audit_records r join audit_details d using (workspace_id, sequence) union all select i::text from audit_intents i where record like '%connections.connect%'",
    )
    expect(rows.some(({ text }) => text.includes('connections.connect'))).toBe(true)
    expect(rows.filter(({ text }) => text.includes(marker))).toEqual([])
  })

  test('lets choose where there are several ways to connect', async () => {
    const { url } = await pageOf({ integrationKey: 'two-ways' })
    const browser = new Browser()
    const page = await browser.open(url)
    expect(page.html).toMatch(/<button name="authOptionKey" value="first">The first<\/button>/)
    const form = filled(page.html, { authOptionKey: 'second' })
    expect((await browser.open(`${house.url}/connect`, { form })).html).toContain('Connected')
    expect((await anna.connections.list()).items).toMatchObject([{ authOptionKey: 'second' }])
  })

  test('that is only looked at connects nothing, also where nothing is asked for', async () => {
    const { url } = await pageOf({ integrationKey: 'two-ways', authOptionKey: 'second' })
    const browser = new Browser()
    const page = await browser.open(url)
    expect((await anna.connections.list()).items).toEqual([])
    const done = await browser.open(`${house.url}/connect`, { form: filled(page.html, {}) })
    expect(done.html).toContain('Connected')
  })

  test('is good for a day, and not after it was cancelled', async () => {
    const { url, requestId } = await pageOf()
    const params = { requestId }
    expect(await anna.connectionRequests.patch({ params, body: {} })).toMatchObject({ status: 'pending' })
    const cancelled = await anna.connectionRequests.patch({ params, body: { status: 'cancelled' } })
    expect(cancelled.status).toBe('cancelled')
    expect((await new Browser().open(url)).status).toBe(404)
    const later = await pageOf()
    await house.advance(24 * 3_600_000 + 1)
    expect((await new Browser().open(later.url)).status).toBe(404)
    expect((await new Browser().open(`${house.url}/connect?request=made-up`)).status).toBe(404)
  })

  test('allows a page nothing that it does not need', async () => {
    const { url } = await pageOf({ redirectUri: 'https://app.example/done' })
    const { headers } = await new Browser().open(url)
    const policy = headers.get('content-security-policy')?.split('; ')
    expect(policy).toEqual([
      "default-src 'none'",
      "style-src 'self'",
      "script-src 'self'",
      'img-src https: data:',
      "form-action 'self' https://app.example",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ])
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('referrer-policy')).toBe('same-origin')
    for (const path of ['/connect/style.css', '/connect/result.js'])
      expect((await fetch(`${house.url}${path}`)).status).toBe(200)
  })

  test('with a token is exchanged for one without, which stays in no address bar', async () => {
    const browser = new Browser()
    const page = await browser.open(`${house.url}/connect?token=${token}&integrationKey=crm&name=Mine`)
    expect(page.url).not.toContain(token)
    const done = await browser.open(`${house.url}/connect`, { form: filled(page.html, good) })
    expect(done.html).toContain('Connected')
    expect((await anna.connections.list()).items).toMatchObject([{ name: 'Mine' }])
    expect((await browser.open(`${house.url}/connect?token=no&integrationKey=crm`)).status).toBe(401)
    expect((await browser.open(`${house.url}/connect?token=${token}`)).status).toBe(400)
    expect((await browser.open(`${house.url}/connect`)).status).toBe(400)
  })
})

describe('asking for a link', () => {
  test('names an app that is there, a customer, and an address to go to that a browser can be sent to', async () => {
    const ask = (body: Record<string, unknown>, client = anna) => refusalKey(client.connectionRequests.create({ body }))
    expect(await ask({})).toBe('invalid_input')
    expect(await ask({ integrationKey: 'none' })).toBe('not_found')
    expect(await ask({ integrationKey: 'crm' }, house.admin)).toBe('invalid_input')
    expect(await ask({ connectionId: 'none' })).toBe('not_found')
    for (const redirectUri of [
      'javascript:alert(1)',
      '/relative',
      'https://user:pass@app.example/',
      'data:text/html,x',
    ])
      expect(await ask({ integrationKey: 'crm', redirectUri })).toBe('invalid_input')
    await house.admin.integrations.create({ body: { key: `gone-${customers}`, connectorKey: 'crm' } })
    await house.admin.integrations.archive({ params: { selector: `gone-${customers}` } })
    expect(await ask({ integrationKey: `gone-${customers}` })).toBe('archived')
    for (const key of ['a', 'b'])
      await anna.connections.create({ body: { integrationKey: 'crm', credentials: {}, key } })
    expect(await ask({ connectionId: 'crm' })).toBe('ambiguous_selector')
    const bob = await house.as('bob')
    const { requestId } = await pageOf()
    expect(await refusalKey(bob.connectionRequests.get({ params: { requestId } }))).toBe('not_found')
    expect(await refusalKey(bob.connectionRequests.patch({ params: { requestId }, body: {} }))).toBe('not_found')
    expect(await house.admin.connectionRequests.get({ params: { requestId } })).toMatchObject({ requestId })
  })

  test('is held to the origins that the workspace allows', async () => {
    const params = { id: (await house.admin.customers.self()).workspaceId }
    await house.admin.workspaces.patch({
      params,
      body: { settings: { allowedRedirectOrigins: ['https://app.example'] } },
    })
    const ask = (redirectUri: string) =>
      anna.connectionRequests.create({ body: { integrationKey: 'crm', redirectUri } })
    expect((await ask('https://app.example/x')).redirectUri).toBe('https://app.example/x')
    expect(await refusalKey(ask('https://app.example.evil.example/x'))).toBe('invalid_input')
    await house.admin.workspaces.patch({ params, body: { settings: {} } })
  })
})

describe('the published client', () => {
  const post = (payload: Record<string, unknown>, headers: Record<string, string> = {}) =>
    new Browser().open(`${house.url}/connect`, { form: { payload: JSON.stringify(payload) }, headers })
  const told = (html: string) => {
    const [, message = '', origin = ''] = /data-message="([^"]*)" data-origin="([^"]*)"/.exec(html) ?? []
    return {
      message: JSON.parse(
        message
          .replaceAll('&quot;', '"')
          .replaceAll('&#39;', "'")
          .replaceAll('&lt;', '<')
          .replaceAll('&gt;', '>')
          .replaceAll('&amp;', '&'),
      ) as Record<string, unknown>,
      origin,
    }
  }
  const payload = (more: Record<string, unknown> = {}) => ({
    token,
    integrationKey: 'crm',
    requestId: `request-${customers}`,
    input: { apiKey: 'good', region: 'eu' },
    ...more,
  })

  /** Opens the stream that the client listens to, and gives the first message. */
  async function listen(requestId: string, as = token) {
    const stream = await fetch(`${house.url}/sse/connection-events/${requestId}?token=${as}`)
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
    if (reader === undefined) throw new Error('there is no stream')
    let text = ''
    const next = async () => {
      while (!/^data: .*\n\n/m.test(text)) {
        const { value, done } = await reader.read()
        if (done) throw new Error(`it ended: ${text}`)
        text += value
      }
      await reader.cancel()
      return JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? '') as Record<string, unknown>
    }
    await reader.read().then(({ value = '' }) => (text += value))
    return { status: stream.status, type: stream.headers.get('content-type'), next }
  }

  test('posts what to connect, and is told by the page’s message and by the stream', async () => {
    const events = await listen(`request-${customers}`)
    expect(events).toMatchObject({ status: 200, type: 'text/event-stream; charset=utf-8' })
    const page = await post(payload(), { origin: 'https://app.example' })
    const [connection] = (await anna.connections.list()).items
    const message = {
      source: 'integration.app',
      requestId: `request-${customers}`,
      type: 'newConnectionCreated',
      connection: { id: connection?.id, name: 'C <RM>' },
    }
    expect(told(page.html)).toMatchObject({ message, origin: 'https://app.example' })
    expect(page.html).toContain('<script src="/connect/result.js"></script>')
    expect(page.headers.get('content-security-policy')).toContain('frame-ancestors https://app.example')
    expect(await events.next()).toMatchObject(message)
    expect(page.html).not.toContain('good')
    // Whoever comes later hears of it too.
    expect(await (await listen(`request-${customers}`)).next()).toMatchObject(message)
  })

  test('is told of a failure, with its reason', async () => {
    const page = await post(payload({ input: { apiKey: 'bad', region: 'eu' } }), { origin: 'https://app.example' })
    const failure = {
      source: 'integration.app',
      requestId: `request-${customers}`,
      type: 'newConnectionFailure',
      error: expect.any(String),
      errorData: { type: 'connection', key: 'access_token_expired' },
    }
    expect(told(page.html).message).toMatchObject(failure)
    expect(await (await listen(`request-${customers}`)).next()).toMatchObject(failure)
  })

  test('whose page is not known is told by the stream only', async () => {
    const page = await post(payload(), { origin: 'null' })
    expect(told(page.html).origin).toBe('')
    expect(await (await listen(`request-${customers}`)).next()).toMatchObject({ type: 'newConnectionCreated' })
  })

  test('ends the request that it was opened for', async () => {
    const { requestId } = await pageOf()
    await post(payload({ connectionRequestId: requestId }))
    const ended = await anna.connectionRequests.get({ params: { requestId } })
    expect(ended).toMatchObject({ status: 'success', resultConnectionId: expect.any(String) })
  })

  test('renews the connection it names, and nobody else’s', async () => {
    const first = await anna.connections.create({ body: { integrationKey: 'crm', credentials: {}, key: 'mine' } })
    await post(payload({ integrationKey: undefined, connectionId: first.id }))
    expect((await anna.connections.list()).items.map((each) => each.id)).toEqual([first.id])
    await post(payload({ connectionKey: 'other', requestId: 'another' }))
    expect((await anna.connections.list()).items.map((each) => each.key)).toEqual(['other', 'mine'])
    const bobs = await house.tokenOf({ id: 'bob' })
    expect((await post(payload({ token: bobs, integrationKey: undefined, connectionId: first.id }))).status).toBe(404)
  })

  test('streams are shared out: one customer, one workspace and all together have only so many', async () => {
    const opened: AbortController[] = []
    const open = async (token: string) => {
      const stop = new AbortController()
      opened.push(stop)
      const answer = await fetch(`${house.url}/sse/connection-events/any?token=${token}`, { signal: stop.signal })
      if (answer.status !== 200) expect(await answer.json()).toMatchObject({ key: expect.any(String) })
      return answer.status
    }
    const openMany = async (token: string, count: number) => {
      const statuses = await Promise.all(Array.from({ length: count }, () => open(token)))
      return [200, 429, 503].map((status) => statuses.filter((each) => each === status).length)
    }
    const tokens = await Promise.all(
      Array.from({ length: 11 }, (_, i) => house.tokenOf({ id: `stream-${customers}-${i}` })),
    )
    const [first = '', ...others] = tokens
    expect(await openMany(first, 51)).toEqual([50, 1, 0])
    const admin = await house.tokenOf({ isAdmin: true })
    expect(await openMany(admin, 501)).toEqual([500, 1, 0])
    for (const token of others.slice(0, 9)) expect(await openMany(token, 50)).toEqual([50, 0, 0])
    expect(await open(others.at(-1) ?? '')).toBe(503)
    for (const stop of opened) stop.abort()
    await until('there is room again', 20_000, async () => ((await open(first)) === 200 ? true : undefined))
    for (const stop of opened) stop.abort()
  })

  test('a form that is too large is refused', async () => {
    const body = new URLSearchParams({ payload: 'x'.repeat(256 * 1024) })
    expect((await fetch(`${house.url}/connect`, { method: 'POST', body })).status).toBe(413)
    const small = new URLSearchParams({ payload: 'x'.repeat(200 * 1024) })
    expect((await fetch(`${house.url}/connect`, { method: 'POST', body: small })).status).toBe(400)
  })

  test('of another customer hears nothing, and what cannot be read is refused', async () => {
    await post(payload())
    const bobs = await house.tokenOf({ id: 'bob' })
    const stream = await fetch(`${house.url}/sse/connection-events/request-${customers}?token=${bobs}`)
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader?.read())?.value).toBe(': open\n\n')
    const silence = await Promise.race([reader?.read(), house.settle().then(() => 'nothing')])
    expect(silence).toBe('nothing')
    await reader?.cancel()
    expect((await fetch(`${house.url}/sse/connection-events/x`)).status).toBe(401)
    const refused = await new Browser().open(`${house.url}/connect`, { form: { payload: 'no json' } })
    expect(refused).toMatchObject({ status: 400, html: expect.stringContaining('This did not work') })
  })
})
