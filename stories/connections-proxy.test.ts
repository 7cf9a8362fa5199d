import { createHash, randomBytes } from 'node:crypto'
import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { MembraneClient } from '@membranehq/sdk'
import { addApp, buildHouse, connectApp, type House } from '@permea/testkit'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

// Requests to an app through the engine: its credentials added, everything else left as it is.

const KEY = 'sk_live_4eC39HqLyjWDarjtT1zdp7dc'
const MEGABYTE = 1024 * 1024

interface App extends AsyncDisposable {
  url: string
  answer: (request: IncomingMessage, response: ServerResponse) => void
}

let app: App
let elsewhere: App
let house: House
let connectionId: string
let token: string

beforeAll(async () => {
  app = await listen()
  elsewhere = await listen()
  house = await buildHouse()
  await addApp(house, { url: `${app.url}/base` })
  const { connection } = await connectApp(house, { customer: 'anna', apiKey: KEY })
  connectionId = connection.id
  token = await house.tokenOf({ id: 'anna' })
})

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
  await elsewhere[Symbol.asyncDispose]()
})

beforeEach(() => {
  app.answer = (_request, response) => response.end('{}')
  elsewhere.answer = (_request, response) => response.end('elsewhere')
})

async function listen(): Promise<App> {
  const made = { answer: (_request: IncomingMessage, response: ServerResponse) => void response.end() }
  const server: Server = createServer((request, response) => made.answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(made, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}

const through = (path: string, init: RequestInit & { duplex?: 'half' } = {}) =>
  fetch(`${house.url}/connections/${connectionId}/proxy${path}`, {
    redirect: 'manual',
    ...init,
    headers: { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string>) },
  })

/** Answers with what came, headers included. */
function echo(request: IncomingMessage, response: ServerResponse): void {
  request.toArray().then((chunks) => {
    const { method, url, headers } = request
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ method, url, headers, body: Buffer.concat(chunks).toString() }))
  })
}

test('method, path, query, headers and body arrive as they were, with the app’s credentials in place of ours', async () => {
  app.answer = echo
  const answer = await through('/a%20b/c?x=1&x=2&y=%2F', {
    method: 'PATCH',
    body: '{"n":1}',
    headers: {
      'content-type': 'application/vnd.app+json',
      'x-own': 'yes',
      cookie: 'session=ours',
      'membrane-api-version': '2025-10-21',
      'x-forwarded-for': '1.2.3.4',
    },
  })
  const seen = (await answer.json()) as { method: string; url: string; headers: Record<string, string>; body: string }
  expect(seen).toMatchObject({ method: 'PATCH', url: '/base/a%20b/c?x=1&x=2&y=%2F', body: '{"n":1}' })
  expect(seen.headers).toMatchObject({
    authorization: `Bearer ${KEY}`,
    'content-type': 'application/vnd.app+json',
    'content-length': '7',
    'x-own': 'yes',
    host: new URL(app.url).host,
  })
  for (const name of ['cookie', 'membrane-api-version', 'x-forwarded-for', 'origin', 'referer'])
    expect(seen.headers[name]).toBeUndefined()
  expect(JSON.stringify(seen)).not.toContain(token)
})

test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'])('%s is passed on', async (method) => {
  app.answer = (request, response) => response.writeHead(202, { 'x-method': request.method ?? '' }).end()
  const answer = await through('/x', { method })
  expect([answer.status, answer.headers.get('x-method')]).toEqual([202, method])
})

test('what browsers ask before a request is answered here, not by the app', async () => {
  const answer = await through('/x', {
    method: 'OPTIONS',
    headers: { origin: 'https://app.example', 'access-control-request-method': 'POST' },
  })
  expect(answer.status).toBe(204)
  expect(answer.headers.get('access-control-allow-methods')).toContain('POST')
})

test('bodies pass through as they come, in both directions', async () => {
  const block = randomBytes(MEGABYTE)
  const blocks = 24
  const whole = createHash('sha256')
  for (let n = 0; n < blocks; n += 1) whole.update(block)
  const expected = whole.digest('hex')
  let received = ''
  app.answer = (request, response) => {
    const hash = createHash('sha256')
    request.on('data', (chunk: Buffer) => hash.update(chunk))
    request.on('end', () => {
      received = hash.digest('hex')
      Readable.from(
        (function* () {
          for (let n = 0; n < blocks; n += 1) yield block
        })(),
        { objectMode: false },
      ).pipe(response)
    })
  }
  const upload = Readable.toWeb(
    Readable.from(
      (function* () {
        for (let n = 0; n < blocks; n += 1) yield block
      })(),
      { objectMode: false },
    ),
  ) as unknown as ReadableStream
  const answer = await through('/upload', { method: 'POST', body: upload, duplex: 'half' })
  const hash = createHash('sha256')
  for await (const chunk of answer.body ?? []) hash.update(chunk)
  expect(received).toBe(expected)
  expect(hash.digest('hex')).toBe(expected)
})

test('the first byte of an answer comes before its last', async () => {
  let finish = () => {}
  app.answer = (_request, response) => {
    response.write('first')
    finish = () => response.end('last')
  }
  const answer = await through('/slow')
  const reader = answer.body?.getReader()
  expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('first')
  finish()
  expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('last')
})

test('a redirect is handed on rather than followed, without credentials that the app put into it', async () => {
  app.answer = (_request, response) =>
    response.writeHead(302, { location: `${elsewhere.url}/?token=${KEY}&plain=1` }).end()
  const visits: unknown[] = []
  elsewhere.answer = (request, response) => {
    visits.push(request.headers)
    response.end()
  }
  const answer = await through('/moved')
  expect(answer.status).toBe(302)
  expect(answer.headers.get('location')).toBe(`${elsewhere.url}/?token=***&plain=1`)
  expect(visits).toEqual([])
})

test('no path leads to another host, and so no credentials either', async () => {
  const visits: string[] = []
  elsewhere.answer = (request, response) => {
    visits.push(request.url ?? '')
    response.end()
  }
  app.answer = echo
  const paths = [
    `/${elsewhere.url}/steal`,
    `//${new URL(elsewhere.url).host}/steal`,
    `/@${new URL(elsewhere.url).host}/`,
  ]
  for (const path of paths) {
    const { url } = (await (await through(path)).json()) as { url: string }
    expect(url).toMatch(/^\/base\//)
  }
  expect(visits).toEqual([])
})

test('what an app answers can do nothing on our origin', async () => {
  app.answer = (_request, response) =>
    response
      .writeHead(200, {
        'content-type': 'text/html',
        'set-cookie': 'session=of-the-app',
        'access-control-allow-credentials': 'true',
        'strict-transport-security': 'max-age=1',
        'clear-site-data': '*',
        'x-request-id': 'abc',
      })
      .end('<script>alert(1)</script>')
  const answer = await through('/page')
  expect(answer.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox")
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  expect(answer.headers.get('x-request-id')).toBe('abc')
  for (const name of ['set-cookie', 'access-control-allow-credentials', 'strict-transport-security', 'clear-site-data'])
    expect(answer.headers.get(name)).toBeNull()
  expect(await answer.text()).toBe('<script>alert(1)</script>')
})

test('an app that cannot be reached, or breaks off, is told as such; the credentials are in no error', async () => {
  app.answer = (request) => request.socket.destroy()
  const away = await through('/x', { method: 'POST', body: 'x' })
  expect(away.status).toBe(400)
  const error = await away.text()
  expect(JSON.parse(error)).toMatchObject({ type: 'connection', key: 'connection_failed' })
  expect(error).not.toContain(KEY)
  app.answer = (_request, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('so far', () => response.destroy())
  }
  // Several, so that some break off before their beginning is passed on, and others after it.
  const broken = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const answer = await through('/x')
      if (answer.status === 200) return answer.text().catch(() => 'broken')
      return answer.json()
    }),
  )
  for (const each of broken)
    if (each !== 'broken') expect(each).toMatchObject({ type: 'connection', key: 'connection_failed' })
})

test('whoever goes away while sending ends the request to the app too', async () => {
  let goAway = () => {}
  const closed = new Promise<void>((resolve) => {
    app.answer = (request) => {
      request.once('data', () => goAway())
      request.resume().on('close', resolve)
    }
  })
  const { hostname, port, pathname } = new URL(`${house.url}/connections/${connectionId}/proxy/endless`)
  const headers = { authorization: `Bearer ${token}` }
  const sending = httpRequest({ hostname, port, path: pathname, method: 'POST', headers })
  sending.on('error', () => {})
  goAway = () => sending.destroy()
  sending.write(Buffer.alloc(64 * 1024))
  await closed
})

test('a token is needed, a good one, and the connection must be one’s own', async () => {
  expect((await through('/x', { headers: { authorization: '' } })).status).toBe(401)
  const bob = await house.tokenOf({ id: 'bob' })
  expect((await through('/x', { headers: { authorization: `Bearer ${bob}` } })).status).toBe(404)
})

test('what is sent through it is recorded, its secrets masked', async () => {
  app.answer = (request, response) => {
    request.resume()
    request.on('end', () => response.writeHead(201, { 'x-echo': KEY }).end(`{"yourKey":"${KEY}"}`))
  }
  const answer = await through(`/things?api_key=${KEY}`, { method: 'POST', body: `{"key":"${KEY}"}` })
  // The app's own answer is the caller's business.
  expect(await answer.json()).toEqual({ yourKey: KEY })
  await house.engine.appRequests.settled()
  const anna = await house.as('anna')
  const [log] = (await anna.externalApiLogs.list({ query: { limit: 1 } })).items
  expect(log).toMatchObject({ method: 'POST', statusCode: 201, requestUrl: `${app.url}/base/things?api_key=***` })
  const content = await anna.externalApiLogs.getContent({ params: { id: log?.id ?? '' } })
  expect(content).toMatchObject({ request: { body: { key: '***' } }, response: { body: { yourKey: '***' } } })
  expect(JSON.stringify(content)).not.toContain(KEY)
})

test('the published client’s proxy and request work', async () => {
  app.answer = echo
  const client = new MembraneClient({ token, apiUri: house.url })
  const connection = client.connection('crm')
  expect(await connection.proxy.get('/v1/me?x=1')).toMatchObject({ method: 'GET', url: '/base/v1/me?x=1' })
  for (const method of ['post', 'put', 'patch'] as const)
    expect(await connection.proxy[method]('v1/me', { a: 1 })).toMatchObject({
      method: method.toUpperCase(),
      url: '/base/v1/me',
      body: '{"a":1}',
    })
  expect(await connection.proxy.delete('/v1/me')).toMatchObject({ method: 'DELETE' })
  expect(await connection.request('/x', { a: 1 })).toMatchObject({ method: 'POST', url: '/base/x', body: '{"a":1}' })
  expect((await connection.get())?.id).toBe(connectionId)
  expect((await client.connections.find({ integrationKey: 'crm' })).items).toHaveLength(1)
  const made = await client.connections.create({ integrationKey: 'crm', input: { apiKey: KEY }, key: 'second' })
  expect((await client.connection('second').patch({ name: 'Second' })).name).toBe('Second')
  await client.connection('second').archive()
  expect((await client.connections.find({ includeArchived: true })).items.map((each) => each.id)).toContain(made.id)
  const listed = await client.connectionRequest(connectionId, '/posted', { b: 2 })
  expect(listed).toMatchObject({ url: '/base/posted', body: '{"b":2}' })
})
