import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { buildHouse, type House, until } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

let house: House
let address: { host: string; port: number }

beforeAll(async () => {
  house = await buildHouse({ engine: { intakeLimits: { silenceMsMax: 1000 } } })
  const { hostname, port } = new URL(house.url)
  address = { host: hostname, port: Number(port) }
})

afterAll(() => house[Symbol.asyncDispose]())

/** The status of what is answered to a head that announces a body of which only the beginning is sent. */
async function answerToHead(path: string, headers: string[] = []): Promise<{ status: number; socket: Socket }> {
  const socket = connect(address)
  socket.on('error', () => undefined)
  const head = [`POST ${path} HTTP/1.1`, 'host: x', 'content-type: application/json', 'content-length: 5000000']
  socket.write(`${[...head, ...headers].join('\r\n')}\r\n\r\n[{},`)
  const first = await new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(chunk.toString())))
  return { status: Number(first.split(' ')[1]), socket }
}

async function webhookPath(customer: string): Promise<string> {
  await house.admin.appEventTypes.create({ body: { key: `type-of-${customer}` } })
  const client = await house.as(customer)
  await client.customers.self({})
  const type = await house.admin.appEventTypes.get({ params: { selector: `type-of-${customer}` } })
  return new URL(String(type.globalWebhookUri)).pathname
}

test('who asks, and where, is settled before the body comes', async () => {
  const unknown = '/webhooks/app-events/00000000-0000-4000-8000-000000000000'
  for (const [path, status] of [
    ['/customers', 401],
    ['/nowhere', 404],
    [unknown, 404],
    [unknown.replace('app-events', 'app-event-subscriptions'), 404],
    [unknown.replace('app-events', 'external-event-subscriptions'), 404],
    [unknown.replace('app-events', 'global'), 404],
  ] as const) {
    const answer = await answerToHead(path)
    expect([path, answer.status]).toEqual([path, status])
    answer.socket.destroy()
  }
  const wrongToken = await answerToHead(await webhookPath('a'), ['authorization: Bearer none'])
  expect(wrongToken.status).toBe(401)
  wrongToken.socket.destroy()
})

test('a body that stops coming is refused in time, and its bytes are given back', async () => {
  const stopped = await answerToHead(await webhookPath('b'))
  expect(stopped.status).toBe(408)
  // An archive of a workspace is a body like any other.
  const admin = [`authorization: Bearer ${await house.tokenOf({ isAdmin: true })}`]
  const archive = await answerToHead('/import', admin)
  expect(archive.status).toBe(408)
  archive.socket.destroy()
  const held = async () =>
    /^permea_request_body_bytes (\d+)/m.exec(await (await fetch(`${house.url}/metrics`)).text())?.[1]
  await until('bytes are given back', 20_000, async () => (await held()) === '0')
  // Who goes on sending nothing is hung up on.
  await text(stopped.socket)
  expect(stopped.socket.readableEnded).toBe(true)
})

test('JSON that nests too deep is refused at every door, and nothing of it is stored', async () => {
  const deep = (levels: number) => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`
  const token = await house.tokenOf({ id: 'deep' })
  const post = (path: string, body: string) =>
    fetch(`${house.url}${path}`, {
      method: path === '/self' ? 'PATCH' : 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body,
    })
  const path = await webhookPath('deep')
  expect((await post(path, deep(200))).status).toBe(200)
  for (const where of [path, '/self']) {
    const answer = await post(where, deep(201))
    expect([where, answer.status]).toEqual([where, 400])
    expect(await answer.json()).toMatchObject({ key: 'malformed_body', message: expect.stringContaining('200 levels') })
  }
  const { items } = await house.admin.appEvents.list({})
  expect(items).toHaveLength(1)
})

test('a batch of ten thousand keeps every event as it was written', async () => {
  const token = await house.tokenOf({ id: 'batch' })
  const path = await webhookPath('batch')
  const events = Array.from({ length: 10_000 }, (_, i) => `{"i": ${i}, "n": 1.10, "pad": "${'p'.repeat(60)}"}`)
  const answer = await fetch(`${house.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: `[${events.join(',')}]`,
  })
  expect(answer.status).toBe(200)
  const { results } = (await answer.json()) as { results: { id?: string }[] }
  expect(results.filter((each) => each.id !== undefined)).toHaveLength(10_000)
  const more = await fetch(`${house.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: `[${[...events, events[0]].join(',')}]`,
  })
  expect(more.status).toBe(413)
})

test('what comes faster than the workspace wants it is told when to come again', async () => {
  const path = await webhookPath('fast')
  const token = await house.tokenOf({ id: 'fast' })
  const client = await house.as('fast')
  await house.admin.workspaces.patch({
    params: { id: house.workspace.key },
    body: { settings: { rateLimits: { webhooksPerAddress: 1, apiPerCustomer: 2 } } },
  })
  const post = () =>
    fetch(`${house.url}${path}`, { method: 'POST', headers: { authorization: `Bearer ${token}` }, body: '{"a":1}' })
  const answers = []
  for (let i = 0; i < 7; i += 1) answers.push(await post())
  const refused = answers.filter((each) => each.status === 429)
  expect(refused.length).toBeGreaterThan(0)
  expect(refused[0]?.headers.get('retry-after')).toBe('1')
  expect(await refused[0]?.json()).toMatchObject({
    key: 'rate_limit_exceeded',
    message: expect.stringContaining('1 requests'),
  })
  const asked = await Promise.allSettled(Array.from({ length: 14 }, () => client.customers.self({})))
  expect(asked.filter((each) => each.status === 'rejected').length).toBeGreaterThan(0)
  const wrong = house.admin.workspaces.patch({
    params: { id: house.workspace.key },
    body: { settings: { rateLimits: { webhooksPerAddress: -1 } } },
  })
  await expect(wrong).rejects.toMatchObject({ key: 'invalid_input' })
})

test('what is refused of one customer takes nothing from others at the same address', async () => {
  const path = await webhookPath('shared')
  const [loud, quiet] = [await house.tokenOf({ id: 'loud' }), await house.tokenOf({ id: 'quiet' })]
  for (const token of [loud, quiet])
    await fetch(`${house.url}/customers/self`, { headers: { authorization: `Bearer ${token}` } })
  await house.admin.workspaces.patch({
    params: { id: house.workspace.key },
    body: { settings: { rateLimits: { webhooksPerAddress: 4, webhooksPerCustomer: 1 } } },
  })
  const statuses = async (token: string, count: number) => {
    const post = () =>
      fetch(`${house.url}${path}`, { method: 'POST', headers: { authorization: `Bearer ${token}` }, body: '{"a":1}' })
    const answers = await Promise.all(Array.from({ length: count }, post))
    return answers.map(({ status }) => status)
  }
  expect((await statuses(loud, 60)).filter((status) => status === 429).length).toBeGreaterThan(20)
  expect(await statuses(quiet, 4)).toEqual([200, 200, 200, 200])
})
