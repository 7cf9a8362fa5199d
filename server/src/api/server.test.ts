import { once } from 'node:events'
import { connect } from 'node:net'
import { buildHouse, type House, until } from '@permea/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sql } from '../platform/database.ts'
import { HEAD_MS_MAX, REQUEST_MS_MAX } from './request-bodies.ts'

// What the HTTP server does for every endpoint alike.

let house: House
let authorization: string

beforeAll(async () => {
  house = await buildHouse()
  authorization = `Bearer ${await house.tokenOf({ isAdmin: true })}`
})

afterAll(() => house[Symbol.asyncDispose]())

async function send(
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; json: unknown; headers: Headers }> {
  const response = await fetch(`${house.url}${path}`, {
    method,
    headers: { authorization, ...headers },
    ...(body === undefined ? {} : { body }),
  })
  const text = await response.text()
  return { status: response.status, json: text === '' ? undefined : JSON.parse(text), headers: response.headers }
}

const JSON_TYPE = { 'content-type': 'application/json' }
const FORM_TYPE = { 'content-type': 'application/x-www-form-urlencoded' }

test('no answer is kept by anybody between, whether it holds something or refuses', async () => {
  for (const [method, path] of [
    ['GET', '/customers'],
    ['GET', '/customers/nobody'],
    ['POST', '/customers'],
    ['GET', '/nowhere'],
  ] as const) {
    const { headers } = await send(method, path, method === 'POST' ? '{"internalId":7}' : undefined, JSON_TYPE)
    expect([path, headers.get('cache-control')]).toEqual([path, 'no-store'])
  }
})

test('a head, or a whole request, that takes too long ends its connection', async () => {
  const { server } = house.engine.app
  expect([server.headersTimeout, server.requestTimeout]).toEqual([HEAD_MS_MAX, REQUEST_MS_MAX])
  const { port } = new URL(house.url)
  const answerTo = async (text: string) => {
    const socket = connect(Number(port), '127.0.0.1')
    let said = ''
    socket.on('data', (chunk) => {
      said += chunk.toString()
    })
    socket.on('error', () => {})
    socket.write(text)
    await once(socket, 'close')
    return said.split('\r\n')[0]
  }
  // They are looked at every two seconds.
  server.headersTimeout = 300
  server.requestTimeout = 600
  try {
    const answers = await Promise.all([
      answerTo('POST /customers HTTP/1.1\r\nhost: x\r\n'),
      answerTo(`POST /customers HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\ncontent-length: 9\r\n\r\n{`),
    ])
    expect(answers).toEqual(['HTTP/1.1 408 Request Timeout', 'HTTP/1.1 408 Request Timeout'])
  } finally {
    Object.assign(server, { headersTimeout: HEAD_MS_MAX, requestTimeout: REQUEST_MS_MAX })
  }
})

describe('bodies', () => {
  test('may be missing where nothing in them is needed, under any content type', async () => {
    await house.admin.customers.create({ body: { internalId: 'bodiless' } })
    for (const headers of [JSON_TYPE, FORM_TYPE, { 'content-type': 'text/plain' }, {}])
      expect(await send('PATCH', '/customers/bodiless', '', headers)).toMatchObject({ status: 200 })
    expect(await send('POST', '/customers/bodiless/restore')).toMatchObject({ status: 200 })
    expect(await send('PATCH', '/customers/bodiless', 'null', JSON_TYPE)).toMatchObject({ status: 200 })
  })

  test('may be forms, and JSON that does not say what it is', async () => {
    const form = await send('POST', '/customers', 'internalId=by-form&name=By+form', FORM_TYPE)
    expect(form).toMatchObject({ status: 201, json: { internalId: 'by-form', name: 'By form' } })
    const text = JSON.stringify({ internalId: 'by-text', fields: { tier: 1 } })
    expect(await send('POST', '/customers', text, FORM_TYPE)).toMatchObject({
      status: 201,
      json: { internalId: 'by-text', fields: { tier: 1 } },
    })
    expect(await send('PATCH', '/customers/by-text', 'name=raw', FORM_TYPE)).toMatchObject({ status: 200 })
  })

  test('are refused where they are not what they say', async () => {
    for (const broken of ['{', '{"name":}', 'undefined'])
      expect(await send('POST', '/customers', broken, JSON_TYPE)).toMatchObject({
        status: 400,
        json: { type: 'bad_request', key: 'malformed_body' },
      })
    for (const type of ['text/plain', 'multipart/form-data; boundary=x', 'application/xml'])
      expect(await send('POST', '/customers', 'x', { 'content-type': type })).toMatchObject({
        status: 415,
        json: { key: 'unsupported_content_type' },
      })
    expect(await send('POST', '/customers', '{"internalId":"nul\\u0000"}', JSON_TYPE)).toMatchObject({
      status: 400,
      json: { key: 'malformed_body' },
    })
  })

  test('are refused above 10 MB, and who sends on meanwhile is told so', async () => {
    const body = JSON.stringify({ internalId: 'big', meta: { text: 'x'.repeat(16 * 1024 * 1024) } })
    for (let turn = 0; turn < 5; turn += 1)
      expect(await send('POST', '/customers', body, JSON_TYPE)).toMatchObject({
        status: 413,
        json: { key: 'payload_too_large' },
      })
    const page = await fetch(`${house.url}/portal`, { method: 'POST', headers: FORM_TYPE, body: `token=${body}` })
    expect(page.status).toBe(413)
  })

  test('of many fields are refused by their number', async () => {
    const body = Array.from({ length: 600_000 }, (_, n) => `n${n}=${n}`).join('&')
    expect(await send('POST', '/customers', body, FORM_TYPE)).toMatchObject({
      status: 400,
      json: { key: 'malformed_body', message: expect.stringContaining('more than 20000 fields') },
    })
  })

  test('say which field is wrong', async () => {
    const body = JSON.stringify({ key: 'has/slash', name: 5 })
    expect(await send('POST', '/integrations', body, JSON_TYPE)).toMatchObject({
      status: 400,
      json: {
        key: 'invalid_input',
        message: expect.stringMatching(/^body: key: /),
        data: { problems: [{ field: 'key' }, { field: 'name' }] },
      },
    })
  })
})

test('what is at no address answers in the error format, whatever the method', async () => {
  for (const [method, path] of [
    ['GET', '/nowhere'],
    ['POST', '/self'],
    ['DELETE', '/flow-runs/fr_1'],
    ['PUT', '/'],
  ] as const)
    expect(await send(method, path)).toMatchObject({
      status: 404,
      json: { type: 'bad_request', key: 'not_found', message: `there is nothing at ${method} ${path}` },
    })
})

test('a browser on any origin may call, with the headers and methods of the client', async () => {
  const asked = 'authorization,content-type,membrane-api-version,x-membrane-session-id'
  const preflight = await fetch(`${house.url}/flow-instances/x`, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://app.example.com',
      'access-control-request-method': 'PATCH',
      'access-control-request-headers': asked,
    },
  })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-origin')).toBe('https://app.example.com')
  const methods = preflight.headers.get('access-control-allow-methods')?.split(', ')
  expect(methods).toEqual(expect.arrayContaining(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']))
  const headers = preflight.headers.get('access-control-allow-headers')?.split(', ')
  expect(headers).toEqual(expect.arrayContaining(asked.split(',')))

  const answer = await send('GET', '/self', undefined, { origin: 'https://app.example.com' })
  expect(answer.headers.get('access-control-allow-origin')).toBe('https://app.example.com')
  const refused = await send('GET', '/nowhere', undefined, { origin: 'https://app.example.com' })
  expect(refused.headers.get('access-control-allow-origin')).toBe('https://app.example.com')
})

test('a trailing slash and blank values in a query mean nothing', async () => {
  await house.admin.integrations.create({ body: { key: 'slack' } })
  expect(await send('GET', '/integrations/slack/')).toMatchObject({ status: 200, json: { key: 'slack' } })
  expect(await send('GET', '/flows?integrationKey=&search=&layer=&limit=')).toMatchObject({ status: 200 })
})

test('an empty answer has no body', async () => {
  await house.admin.integrations.create({ body: { key: 'gone' } })
  expect(await send('DELETE', '/integrations/gone')).toMatchObject({ status: 200, json: undefined })
})

test('health, metrics and documentation need no token', async () => {
  const text = async (path: string) => {
    const response = await fetch(`${house.url}${path}`)
    expect(response.status).toBe(200)
    return response.text()
  }
  expect(JSON.parse(await text('/'))).toMatchObject({ name: 'permea', status: 'ok' })
  expect(JSON.parse(await text('/healthz'))).toEqual({ status: 'ok', version: expect.stringMatching(/^\d+\.\d+\.\d+/) })
  expect(JSON.parse(await text('/readyz'))).toEqual({ status: 'ready' })
  expect(await text('/metrics')).toContain('# HELP')
  expect(await text('/prometheus')).toContain('# HELP')
  expect(JSON.parse(await text('/openapi.json'))).toMatchObject({ openapi: '3.1.0' })
  expect(await text('/docs')).toContain('GET /flow-runs')
})

test('stopping waits for requests that are under way, but not for the connections they came on', async () => {
  const stopped = await buildHouse()
  const { database } = stopped.engine
  let answer: Promise<{ name: string }> | null = null
  let closing: Promise<void> | null = null
  await database.transaction(async (tx) => {
    await sql`select from workspaces for update`.execute(tx)
    answer = stopped.admin.workspaces.patch({ params: { id: stopped.workspace.key }, body: { name: 'Last words' } })
    await until('the request waits', 10_000, async () => {
      const { rows } = await sql`
        select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
        database.db,
      )
      return rows.length > 0
    })
    closing = stopped.engine.app.close()
  })
  expect(await answer).toMatchObject({ name: 'Last words' })
  await closing
  await stopped[Symbol.asyncDispose]()
})

test('stopping waits neither for connections over which nothing came, nor for a request that does not go on', async () => {
  const stopped = await buildHouse()
  const port = Number(new URL(stopped.url).port)
  const sockets = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
  const closed = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)))
  for (const socket of sockets) socket.on('error', () => {})
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  sockets[1]?.write('GET /healthz HTTP/1.1\r\nhost: ')
  await stopped[Symbol.asyncDispose]()
  await Promise.all(closed)
})
