import { type IncomingHttpHeaders, METHODS, request } from 'node:http'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { addApp, buildHouse, connectApp, type House, type Receiver, refusalKey, startReceiver } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

// What apps really send: packed, marked, in other charsets, with paths of their own, before `subscribe` has its answer.

let app: Receiver
let house: House

beforeAll(async () => {
  app = await startReceiver()
  house = await buildHouse()
  await addApp(house, { url: app.url })
})

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

const NOTHING = 'export default () => ({})'
let count = 0

async function handledBy(handle: string, subscribe = NOTHING) {
  count += 1
  const { connection, client } = await connectApp(house, { customer: `customer-${count}` })
  const type = await house.admin.externalEventTypes.create({
    body: { key: `requests-${count}`, subscribe, unsubscribe: NOTHING, handle },
  })
  const { id } = await client.externalEventSubscriptions.create({
    body: { connectionId: connection.id, externalEventTypeId: type.id },
  })
  const seen = await house.admin.externalEventSubscriptions.get({ params: { id } })
  return { id, typeId: type.id, client, url: seen.incomingWebhookUri ?? '', stateData: seen.stateData }
}

const ECHO = `export default ({ data, rawBody, rawBodyBase64, method, path, headers }) => ({ response: { data: {
  data, rawBody, method, path, type: headers['content-type'], bytes: Buffer.from(rawBodyBase64, 'base64').length,
} } })`

test('a body arrives as its value, however it was packed and written, and as the bytes that came', async () => {
  const { url } = await handledBy(ECHO)
  const text = '{"name":"Müller","n":[1,2]}'
  const value = JSON.parse(text)
  const latin = Buffer.from(text, 'latin1')
  const bodies: [Record<string, string>, Buffer][] = [
    [{ 'content-type': 'application/json' }, Buffer.from(text)],
    [{ 'content-type': 'application/json', 'content-encoding': 'gzip' }, gzipSync(text)],
    [{ 'content-type': 'text/plain', 'content-encoding': 'br' }, brotliCompressSync(text)],
    [{ 'content-type': 'application/json' }, Buffer.from(`\ufeff${text}`)],
    [{ 'content-type': 'application/json; charset=iso-8859-1' }, latin],
    [{ 'content-type': 'application/x-no-such-type' }, Buffer.from(text)],
    [{ 'content-type': 'application/json; charset="utf-16"' }, Buffer.from(text, 'utf16le').swap16()],
    [{ 'content-type': 'application/json', 'content-encoding': 'utf-8' }, Buffer.from(text)],
  ]
  for (const [headers, body] of bodies) {
    const answer = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) })
    expect([headers, answer.status]).toEqual([headers, 200])
    expect(await answer.json()).toMatchObject({ data: value, bytes: body.length, method: 'POST', path: '' })
  }
  const escaped = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=windows-1252' },
    body: 'name=M%FCller&price=5+%80',
  })
  expect(await escaped.json()).toMatchObject({ data: { name: 'Müller', price: '5 €' } })
  const form = new FormData()
  form.append('payload', text)
  expect(await (await fetch(url, { method: 'POST', body: form })).json()).toMatchObject({ data: { payload: text } })
  const damaged = await fetch(url, { method: 'POST', headers: { 'content-encoding': 'gzip' }, body: text })
  expect([damaged.status, await damaged.json()]).toEqual([400, expect.objectContaining({ key: 'malformed_body' })])
})

test('a body is taken in whatever its sender calls it, and handle sees what that was', async () => {
  const { url } = await handledBy(ECHO)
  for (const type of ['', 'json', 'application/json;', 'application', 'text/plain; ;', 'a b/c', ', application/json']) {
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body: '{"a":1}' })
    expect([type, answer.status]).toEqual([type, 200])
    expect(await answer.json()).toMatchObject({ data: { a: 1 }, type })
  }
  const asked = await fetch(url, { method: 'QUERY', body: new Uint8Array(Buffer.from('{"a":1}')) })
  expect([asked.status, await asked.json()]).toEqual([
    200,
    expect.objectContaining({ data: { a: 1 }, method: 'QUERY' }),
  ])
})

/** A request as its bytes: clients write no such paths, and no GET with a body. */
async function raw(url: string, { method = 'POST', behind = '', headers = {}, body = '' }: Raw): Promise<Answered> {
  const { hostname, port, pathname } = new URL(url)
  const path = `${pathname === '/' ? '' : pathname}${behind}`
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, method, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      )
    })
    sent.on('error', reject).end(body)
  })
}

interface Raw {
  method?: string
  behind?: string
  headers?: Record<string, string>
  body?: string
}

interface Answered {
  status: number
  headers: IncomingHttpHeaders
  text: string
}

test('every verb that there is reaches handle, with its body', async () => {
  const { url } = await handledBy(ECHO)
  const headers = { 'content-type': 'application/json', 'content-length': '7' }
  // CONNECT asks for a tunnel, and is no request to anything.
  for (const method of METHODS.filter((each) => each !== 'CONNECT')) {
    const answer = await raw(url, { method, headers, body: '{"a":1}' })
    expect([method, answer.status]).toEqual([method, 200])
    if (method !== 'HEAD') expect(JSON.parse(answer.text)).toMatchObject({ method, data: { a: 1 }, bytes: 7 })
  }
  const chunked = await raw(url, { method: 'GET', headers: { 'transfer-encoding': 'chunked' }, body: '[1]' })
  expect(JSON.parse(chunked.text)).toMatchObject({ method: 'GET', data: [1], bytes: 3 })
  for (const method of ['GET', 'POST', 'PROPFIND']) {
    const empty = await raw(url, { method, headers: { 'transfer-encoding': 'chunked' } })
    expect(JSON.parse(empty.text)).toMatchObject({ method, data: null, bytes: 0 })
  }
  const upgrading = await raw(url, {
    headers: { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AA' },
    body: 'x',
  })
  expect([upgrading.status, JSON.parse(upgrading.text).rawBody]).toEqual([200, 'x'])
})

test('what an app appends to the address arrives as it stood there', async () => {
  const { url } = await handledBy(
    'export default ({ path, url, query }) => ({ response: { data: { path, url, query } } })',
  )
  for (const behind of ['/a%zz', '/caf%E9/%', '/%2e%2e/x%2Fy', '/', '//', `/${'x'.repeat(1500)}`, '/a?b=%zz&c=%E9']) {
    const [path = '', query = ''] = behind.split('?')
    const answer = await raw(url, { behind, body: 'x' })
    expect([behind, answer.status]).toEqual([behind, 200])
    expect(JSON.parse(answer.text)).toMatchObject({ path, url: `${url}${path}${query === '' ? '' : `?${query}`}` })
  }
})

test('a question of a browser is answered for handle, any other OPTIONS by it', async () => {
  const { url, client, id } = await handledBy(
    'export default ({ method }) => ({ events: [method], response: { status: 202 } })',
  )
  const origin = 'https://shop.example'
  const asked = await raw(url, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } })
  expect([asked.status, asked.headers['access-control-allow-origin']]).toEqual([204, origin])
  for (const headers of [{ origin }, { 'access-control-request-method': 'POST' }, {}] as Record<string, string>[])
    for (const behind of ['', '/sub', '?a=1'])
      expect((await raw(url, { method: 'OPTIONS', headers, behind })).status).toBe(202)
  const { items } = await client.externalEvents.list({ query: { externalEventSubscriptionId: id } })
  expect(items).toHaveLength(9)
})

test('a path whose escapes are none is refused in the error format', async () => {
  for (const behind of ['/a%zz', '/customers/%E9', '/webhooks/%zz', '/docs/%']) {
    const answer = await raw(house.url, { method: 'GET', behind })
    expect([behind, answer.status, JSON.parse(answer.text)]).toEqual([
      behind,
      400,
      expect.objectContaining({ type: 'bad_request', key: 'malformed_body', message: expect.stringContaining(behind) }),
    ])
    expect(answer.headers['content-type']).toMatch(/^application\/json/)
  }
  const unknown = await raw(house.url, { method: 'PROPFIND', behind: '/nothing' })
  expect([unknown.status, JSON.parse(unknown.text).key]).toEqual([404, 'not_found'])
})

test('a replay hands handle the same request again, path and all', async () => {
  const { url, client, id } = await handledBy(
    'export default ({ data, path, query, url }) => ({ events: [{ data, path, query, url }] })',
  )
  await fetch(`${url}/orders/17%20a?b=1`, {
    method: 'PUT',
    headers: { 'content-encoding': 'gzip', 'content-type': 'application/json' },
    body: new Uint8Array(gzipSync('{"a":1}')),
  })
  const [record] = (await client.incomingWebhooks.list()).items
  await client.incomingWebhooks.replay({ params: { id: record?.id ?? '' } })
  const { items } = await client.externalEvents.list({ query: { externalEventSubscriptionId: id } })
  const expected = { data: { a: 1 }, path: '/orders/17%20a', query: { b: '1' }, url: `${url}/orders/17%20a?b=1` }
  expect(items.map((each) => each.payload)).toEqual([expected, expected])
})

test('OPTIONS and HEAD are answered by handle, which some apps ask for first', async () => {
  const { url } = await handledBy(`export default ({ method, headers }) => ({
    response: { headers: { 'webhook-allowed-origin': headers['webhook-request-origin'] ?? method } },
  })`)
  const asked = await fetch(url, { method: 'OPTIONS', headers: { 'webhook-request-origin': 'eventgrid.example' } })
  expect([asked.status, asked.headers.get('webhook-allowed-origin')]).toEqual([200, 'eventgrid.example'])
  const head = await fetch(url, { method: 'HEAD' })
  expect([head.status, head.headers.get('webhook-allowed-origin')]).toEqual([200, 'HEAD'])
})

test('an error may have an answer of its own, and is recorded as what it is', async () => {
  const { url, client, id } = await handledBy(
    `export default ({ query }) => query.forged
      ? { error: 'the signature does not match', response: { status: 401, data: { ok: false } }, events: [1] }
      : { error: { message: 'not for us' } }`,
  )
  const forged = await fetch(`${url}?forged=1`, { method: 'POST', body: 'x' })
  expect([forged.status, await forged.json()]).toEqual([401, { ok: false }])
  expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(500)
  const { items } = await client.incomingWebhooks.list({ query: { subscriptionId: id } })
  expect(items.map((each) => [each.status, each.responseStatus, each.error?.message])).toEqual([
    ['error', 500, 'not for us'],
    ['error', 401, 'the signature does not match'],
  ])
  expect((await client.externalEvents.list({ query: { externalEventSubscriptionId: id } })).items).toEqual([])
})

test('an event that handle gives a misspelt name is not lost: the record says so, and a mended function makes it', async () => {
  const { url, client, id } = await handledBy('export default ({ data }) => ({ evnts: [data] })')
  const answer = await fetch(url, { method: 'POST', body: '{"order":1}' })
  expect([answer.status, ((await answer.json()) as { key: string }).key]).toEqual([500, 'webhook_handling_failed'])
  const [record] = (await client.incomingWebhooks.list({ query: { subscriptionId: id } })).items
  expect(record).toMatchObject({ status: 'error', error: { message: expect.stringContaining('"evnts"') } })
  const { externalEventTypeId } = await client.externalEventSubscriptions.get({ params: { id } })
  await house.admin.externalEventTypes.patch({
    params: { selector: externalEventTypeId ?? '' },
    body: { handle: 'export default ({ data }) => ({ events: [data], error: [] })' },
  })
  await client.incomingWebhooks.replay({ params: { id: record?.id ?? '' } })
  const { items } = await client.externalEvents.list({ query: { externalEventSubscriptionId: id } })
  expect(items.map(({ payload }) => payload)).toEqual([{ order: 1 }])
})

test('what handle keeps while subscribe waits for the app is there afterwards', async () => {
  app.behave(async (request, response) => {
    const { target } = request.json as { target: string }
    const proof = await fetch(target, { method: 'POST', headers: { 'x-hook-secret': 'a secret of the app' } })
    response.writeHead(proof.headers.get('x-hook-secret') === 'a secret of the app' ? 201 : 400)
    response.end('{"id":7}')
  })
  const { id } = await handledBy(
    `export default ({ headers }) => headers['x-hook-secret'] === undefined ? {} : {
      state: { hookSecret: headers['x-hook-secret'] },
      response: { headers: { 'x-hook-secret': headers['x-hook-secret'] } },
    }`,
    `export default async ({ apiClient, webhookUri }) => {
      const { id } = await apiClient.post('/hooks', { target: webhookUri })
      return { state: { hookId: id } }
    }`,
  )
  const { stateData, status } = await house.admin.externalEventSubscriptions.get({ params: { id } })
  expect([status, stateData]).toEqual(['subscribed', { hookId: 7, hookSecret: '***' }])
})

test('a handle may say how long its sender waits; then the work goes on behind the answer, once', async () => {
  const handle = (wait: number) =>
    `export default async () => { await new Promise((done) => setTimeout(done, ${wait})); return { events: [1], response: { data: 'late' } } }`
  count += 1
  const { connection, client } = await connectApp(house, { customer: `customer-${count}` })
  const type = await house.admin.externalEventTypes.create({
    body: {
      key: 'slow',
      subscribe: NOTHING,
      unsubscribe: NOTHING,
      handle: { type: 'javascript', code: handle(700), answerWithinMs: 150 },
    },
  })
  const { id } = await client.externalEventSubscriptions.create({
    body: { connectionId: connection.id, externalEventTypeId: type.id },
  })
  const { incomingWebhookUri } = await house.admin.externalEventSubscriptions.get({ params: { id } })
  const answer = await fetch(incomingWebhookUri ?? '', { method: 'POST', body: '{}' })
  expect([answer.status, await answer.text()]).toEqual([200, ''])
  await house.settle()
  expect((await client.externalEvents.list({ query: { externalEventSubscriptionId: id } })).items).toHaveLength(1)
})

test('your own events may be packed, marked, in another charset, or a multipart form, too', async () => {
  await house.admin.appEventTypes.create({ body: { key: 'own' } })
  const { globalWebhookUri } = await house.admin.appEventTypes.get({ params: { selector: 'own' } })
  const client = await house.as('owner')
  await client.customers.self({})
  const authorization = `Bearer ${await house.tokenOf({ id: 'owner' })}`
  const send = (headers: Record<string, string>, body: Buffer | FormData) =>
    fetch(String(globalWebhookUri), {
      method: 'POST',
      headers: { authorization, ...headers },
      body: body instanceof FormData ? body : new Uint8Array(body),
    })
  const form = new FormData()
  form.append('a', 'Müller')
  const text = '{"a":"Müller"}'
  for (const [headers, body] of [
    [{ 'content-type': 'application/json', 'content-encoding': 'gzip' }, gzipSync(text)],
    [{ 'content-type': 'application/json' }, Buffer.from(`\ufeff${text}`)],
    [{ 'content-type': 'application/json; charset=iso-8859-1' }, Buffer.from(text, 'latin1')],
    [{}, form],
  ] as [Record<string, string>, Buffer | FormData][])
    expect((await send(headers, body)).status).toBe(200)
  const { items } = await client.appEvents.list({})
  expect(items.map((each) => each.event)).toEqual(Array.from({ length: 4 }, () => ({ a: 'Müller' })))
  const wrong = await send({ 'content-type': 'application/json' }, Buffer.from([0x7b, 0xff, 0x7d]))
  expect([wrong.status, await wrong.json()]).toEqual([400, expect.objectContaining({ key: 'malformed_body' })])
})

test('events are found by the type that they are of, after their subscription is archived too', async () => {
  const one = await handledBy('export default ({ data }) => ({ events: [data] })')
  const other = await handledBy('export default ({ data }) => ({ events: [data] })')
  await fetch(one.url, { method: 'POST', body: '{"n":1}' })
  await fetch(other.url, { method: 'POST', body: '{"n":2}' })
  const found = async (externalEventTypeId: string) =>
    (await house.admin.externalEvents.list({ query: { externalEventTypeId } })).items.map((each) => each.payload)
  expect(await found(one.typeId)).toEqual([{ n: 1 }])
  await other.client.externalEventSubscriptions.archive({ params: { id: other.id } })
  expect(await found(other.typeId)).toEqual([{ n: 2 }])
  const unused = await house.admin.externalEventTypes.create({
    body: { key: 'unused', subscribe: NOTHING, unsubscribe: NOTHING, handle: NOTHING },
  })
  expect(await found(unused.id)).toEqual([])
  expect(await refusalKey(house.admin.externalEvents.list({ query: { externalEventTypeId: 'nobody' } }))).toBe(
    'not_found',
  )
})
