import { createHmac } from 'node:crypto'
import { afterAll, expect, test } from 'vitest'
import type { GuestAnswer } from './call.ts'
import { answeredJson, recordedHost } from './recorded-host.ts'
import { fn, openTrial } from './trial.ts'

const trial = openTrial({ children: 1 })
const { returned, failed, run, sandbox } = trial
afterAll(() => trial.sandbox.stop())

function answeredText(text: string | Uint8Array, headers: Record<string, string> = {}): GuestAnswer {
  return { kind: 'answered', status: 200, headers, body: Buffer.from(text) }
}

/** What each call, written as an expression over `args`, asks the host for. */
async function asked(calls: string, clients: string[] = ['apiClient']) {
  const { host, requests } = recordedHost(() => answeredJson({ id: 'x1' }))
  await returned(fn(calls), { host, clients })
  return requests.map(({ client, request }) => ({ client, ...request }))
}

/** @source seeds/002 "a minimal end-to-end example" */
const SEED = {
  subscribe: `export default async function subscribe({ apiClient, webhookUri, parameters }) {
  const { data } = await apiClient.post('/webhooks', {
    url: webhookUri,
    event: parameters.eventName,
  })

  return {
    state: { webhookId: data.id },
    // Optional — only set if the external app expires webhooks. Omit to disable refresh().
    nextRefreshTimestamp: Date.now() + 24 * 60 * 60 * 1000,
  }
}`,
  handle: `export default async function handle({ data }) {
  // \`data\` is the parsed body of the incoming webhook request.
  return {
    events: [
      {
        type: data.action, // e.g. 'created', 'updated', 'deleted'
        record: data.payload,
      },
    ],
  }
}`,
  unsubscribe: `export default async function unsubscribe({ apiClient, state }) {
  await apiClient.delete(\`/webhooks/\${state.webhookId}\`)
}`,
  refresh: `export default async function refresh({ apiClient, state }) {
  await apiClient.post(\`/webhooks/\${state.webhookId}/refresh\`)
  return {
    nextRefreshTimestamp: Date.now() + 24 * 60 * 60 * 1000,
  }
}`,
}

test('the four functions of the seed run as they are written', async () => {
  const { host, requests } = recordedHost(({ request }) =>
    request.method === 'DELETE' ? answeredText('') : answeredJson({ id: 'wh_1' }),
  )
  for (const [name, source] of Object.entries(SEED))
    expect(await sandbox.checkSource(source, `${name}.js`)).toEqual({ kind: 'loaded', code: source })
  const args = { webhookUri: 'https://in.example/1', parameters: { eventName: 'issue' } }
  const subscribed = await returned(SEED.subscribe, { host, args })
  expect(subscribed).toEqual({ state: { webhookId: 'wh_1' }, nextRefreshTimestamp: expect.any(Number) })
  const data = { action: 'created', payload: { id: 7 } }
  expect(await returned(SEED.handle, { args: { data } })).toEqual({ events: [{ type: 'created', record: { id: 7 } }] })
  const refreshed = await returned(SEED.refresh, { host, args: { state: { webhookId: 'wh_1' } } })
  expect(refreshed).toEqual({ nextRefreshTimestamp: expect.any(Number) })
  expect(await returned(SEED.unsubscribe, { host, args: { state: { webhookId: 'wh_1' } } })).toBeUndefined()
  expect(requests.map(({ request }) => `${request.method} ${request.uri} ${JSON.stringify(request.data)}`)).toEqual([
    'POST /webhooks {"url":"https://in.example/1","event":"issue"}',
    'POST /webhooks/wh_1/refresh undefined',
    'DELETE /webhooks/wh_1 undefined',
  ])
})

test('an answer is its body, and has data, status and headers besides where the body has none of its own', async () => {
  const bodies = [{ id: 1 }, { data: { id: 2 } }, [3], 'text', 5, null]
  const { host } = recordedHost(({ request }) => answeredJson(bodies[Number(request.uri)]))
  const body = `const seen = []
    for (let i = 0; i < ${bodies.length}; i++) {
      const answer = await args.apiClient.get(String(i))
      seen.push([answer, JSON.stringify(answer), answer?.data, answer?.status, answer === null ? null : Object.keys(answer)])
    }
    return seen`
  expect(await returned(fn(body), { host })).toEqual([
    [{ id: 1 }, '{"id":1}', { id: 1 }, 200, ['id']],
    [{ data: { id: 2 } }, '{"data":{"id":2}}', { id: 2 }, 200, ['data']],
    [[3], '[3]', [3], 200, ['0']],
    ['text', '"text"', null, null, ['0', '1', '2', '3']],
    [5, '5', null, null, []],
    [null, 'null', null, null, null],
  ])
})

test('options decide where a request goes and how its answer is read', async () => {
  const { host, requests } = recordedHost(() => answeredText('{"a":1}', { 'x-limit': '9' }))
  const body = `
    const options = { baseUri: 'https://other.example', headers: { 'x-a': 'b', n: 5 }, query: { q: 1 }, auth: { username: 'u', password: 'p' } }
    const full = await args.apiClient.post('/p', { d: 1 }, { ...options, returnFullResponse: true })
    const text = await args.apiClient.get('/t', { r: 2 }, { ...options, responseType: 'text' })
    const bytes = await args.apiClient.get('/b', undefined, { responseType: 'arraybuffer' })
    await args.apiClient.put('/u', new Uint8Array([1, 2, 255]))
    return [full, text, bytes.byteLength, bytes instanceof ArrayBuffer]`
  expect(await returned(fn(body), { host })).toEqual([
    { data: { a: 1 }, status: 200, headers: { 'x-limit': '9' } },
    '{"a":1}',
    7,
    true,
  ])
  expect(requests.map(({ request }) => request)).toEqual([
    {
      method: 'POST',
      uri: '/p',
      data: { d: 1 },
      query: { q: 1 },
      headers: { 'x-a': 'b', n: '5' },
      baseUri: 'https://other.example',
      auth: { username: 'u', password: 'p' },
    },
    {
      method: 'GET',
      uri: '/t',
      query: { q: 1, r: 2 },
      headers: { 'x-a': 'b', n: '5' },
      baseUri: 'https://other.example',
      auth: { username: 'u', password: 'p' },
      responseType: 'text',
    },
    { method: 'GET', uri: '/b', responseType: 'arraybuffer' },
    { method: 'PUT', uri: '/u', dataBase64: 'AQL/' },
  ])
})

test('requests of one Promise.all are under way at the same time', async () => {
  let most = 0
  let now = 0
  const gates: (() => void)[] = []
  const { host } = recordedHost(async ({ request }) => {
    now += 1
    most = Math.max(most, now)
    await new Promise<void>((resolve) => {
      gates.push(resolve)
      if (gates.length === 5) for (const open of gates) open()
    })
    now -= 1
    return answeredJson({ uri: request.uri })
  })
  const body = 'return (await Promise.all([1, 2, 3, 4, 5].map((n) => args.apiClient.get("/" + n)))).map((a) => a.uri)'
  expect(await returned(fn(body), { host })).toEqual(['/1', '/2', '/3', '/4', '/5'])
  expect(most).toBe(5)
})

test('a request that nobody waits for is made all the same', async () => {
  const { host, requests } = recordedHost()
  const outcome = await run(fn('args.apiClient.post("/fire"); return 1'), { host })
  expect(outcome).toMatchObject({ kind: 'returned', resultJson: '1', hostCalls: 1 })
  expect(requests).toHaveLength(1)
})

test('an error of the host arrives as an error with its type, key and data, and leaves as that', async () => {
  const error = { message: 'the token expired', type: 'connection', key: 'access_token_expired', data: { status: 401 } }
  const { host } = recordedHost(() => ({ kind: 'failed', error }))
  const body =
    'try { await args.apiClient.get("/") } catch (e) { return [e instanceof Error, e.message, e.type, e.key, e.data] }'
  expect(await returned(fn(body), { host })).toEqual([true, error.message, error.type, error.key, error.data])
  expect(await failed(fn('await args.apiClient.get("/")'), { host })).toMatchObject({
    failure: 'thrown',
    message: 'the token expired',
    error,
  })
})

test('what is thrown is told with its place in the source', async () => {
  const outcome = await failed(
    'export default async function handle({ data }) {\n  const a = 1\n  return data.missing.x\n}',
    {
      args: { data: {} },
      fileName: 'handle.js',
    },
  )
  expect(outcome).toMatchObject({
    failure: 'thrown',
    message: "TypeError: cannot read property 'x' of undefined",
    line: 3,
    column: 10,
    stack: '    at handle (handle.js:3:10)',
  })
})

test('membrane asks for the paths of the published client', async () => {
  const body = `const { membrane } = args
    await membrane.action('send').run({ x: 1 }, { connectionId: 'C', integrationKey: 's' })
    await membrane.action({ key: 'send', integrationKey: 's' }).run({ x: 1 })
    await membrane.connection('slack').action('a b').run({ y: 2 })
    await membrane.connection('slack').proxy.get('/v1/me', { x: 1 })
    await membrane.connection('slack').proxy.post('v1/me', { a: 1 })
    await membrane.connection('slack').request('/x', { a: 1 })
    await membrane.flow('f').run({ connectionId: 'C', nodeKey: 't', input: { z: 1 } })
    await membrane.flowInstance('I').startRun({ nodeKey: 't', input: {} })
    await membrane.flowRun('R').get()
    await membrane.get('/app-events', { limit: 2 })
    await membrane.request('/connections/slack/x', { b: 1 })`
  const requests = await asked(body, ['membrane'])
  expect(requests.map(({ method, uri, query, data }) => [method, uri, query, data])).toEqual([
    ['POST', '/actions/send/run', { connectionId: 'C', integrationKey: 's' }, { input: { x: 1 } }],
    ['POST', '/action/run', { key: 'send', integrationKey: 's' }, { input: { x: 1 } }],
    ['POST', '/connections/slack/actions/a%20b/run', {}, { y: 2 }],
    ['GET', '/connections/slack/proxy/v1/me', { x: 1 }, undefined],
    ['POST', '/connections/slack/proxy/v1/me', {}, { a: 1 }],
    ['POST', '/connections/slack/api/x', {}, { a: 1 }],
    ['GET', '/flow-instance', { flowKey: 'f', connectionId: 'C' }, undefined],
    ['POST', '/flow-runs', undefined, { flowInstanceId: 'x1', nodeKey: 't', input: { z: 1 } }],
    ['POST', '/flow-runs', undefined, { flowInstanceId: 'I', nodeKey: 't', input: {} }],
    ['GET', '/flow-runs/R', {}, undefined],
    ['GET', '/app-events', { limit: 2 }, undefined],
    ['POST', '/connections/slack/x', undefined, { b: 1 }],
  ])
})

test('fetch sends what it is given and answers as the web’s does', async () => {
  const { host, requests } = recordedHost(() => ({
    kind: 'answered',
    status: 404,
    headers: { 'content-type': 'text/plain' },
    body: Buffer.from('{"a":1}'),
  }))
  const body = `
    const one = await fetch('https://a.example/x?y=1')
    const two = await fetch(new URL('https://b.example'), { method: 'put', headers: { 'X-A': 'b' }, body: JSON.stringify({ a: 1 }) })
    await fetch('https://c.example', { method: 'POST', body: new URLSearchParams({ a: 'b c' }) })
    await fetch('https://d.example', { method: 'POST', headers: new Headers({ 'content-type': 'x/y' }), body: new Uint8Array([255]) })
    const copy = two.clone()
    return [one.ok, one.status, one.headers.get('Content-Type'), await one.text(), await two.json(), (await copy.arrayBuffer()).byteLength]`
  expect(await returned(fn(body), { host })).toEqual([false, 404, 'text/plain', '{"a":1}', { a: 1 }, 7])
  const sent = requests.map(({ client, request: { method, uri, headers, dataBase64 } }) => [
    client,
    method,
    uri,
    headers,
    dataBase64 === undefined ? undefined : Buffer.from(dataBase64, 'base64').toString('latin1'),
  ])
  expect(sent).toEqual([
    [null, 'GET', 'https://a.example/x?y=1', {}, undefined],
    [null, 'PUT', 'https://b.example/', { 'x-a': 'b', 'content-type': 'text/plain;charset=UTF-8' }, '{"a":1}'],
    [null, 'POST', 'https://c.example', { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' }, 'a=b+c'],
    [null, 'POST', 'https://d.example', { 'content-type': 'x/y' }, '\xff'],
  ])
})

test('signature checks as vendors document them', async () => {
  const secret = 's3cr3t'
  const rawBody = '{"action":"opened","title":"ä €"}'
  const hex = createHmac('sha256', secret).update(rawBody).digest('hex')
  const base64 = createHmac('sha256', secret).update(rawBody).digest('base64')
  const timestamp = '1700000000'
  const slack = `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${rawBody}`).digest('hex')}`
  const code = `
    import { createHmac, timingSafeEqual } from 'node:crypto'
    import crypto from 'crypto'
    import { Buffer } from 'node:buffer'
    export default async ({ rawBody, hex, base64, slack, timestamp, secret }) => {
      const github = 'sha256=' + createHmac('sha256', secret).update(rawBody).digest('hex')
      const shopify = crypto.createHmac('sha256', secret).update(rawBody, 'utf8').digest('base64')
      const mine = 'v0=' + crypto.createHmac('sha256', secret).update('v0:' + timestamp + ':').update(Buffer.from(rawBody)).digest('hex')
      const key = await globalThis.crypto.subtle.importKey('raw', new TextEncoder().encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
      const web = Buffer.from(await globalThis.crypto.subtle.sign('HMAC', key, new TextEncoder().encode(rawBody))).toString('hex')
      return [
        timingSafeEqual(Buffer.from(github), Buffer.from('sha256=' + hex)),
        timingSafeEqual(Buffer.from(shopify, 'base64'), Buffer.from(base64, 'base64')),
        timingSafeEqual(Buffer.from(mine, 'utf8'), Buffer.from(slack, 'utf8')),
        web === hex,
        timingSafeEqual(Buffer.from(hex, 'hex'), createHmac('sha256', secret).update(rawBody + ' ').digest()),
      ]
    }`
  expect(await returned(code, { args: { rawBody, hex, base64, slack, timestamp, secret } })).toEqual([
    true,
    true,
    true,
    true,
    false,
  ])
})

test('digests are Node’s, whatever they are given', async () => {
  const code = `import { createHash, createHmac } from 'node:crypto'
    export default ({ texts }) => texts.flatMap((text) => ['md5', 'sha1', 'SHA256', 'sha-512'].map((name) =>
      createHash(name).update(text).digest('base64url') + createHmac(name, text).update(new TextEncoder().encode(text)).digest('hex')))`
  const node = await import('node:crypto')
  const texts = ['', 'abc', 'ä€😀\0', 'x'.repeat(5000)]
  const expected = texts.flatMap((text) =>
    ['md5', 'sha1', 'sha256', 'sha512'].map(
      (name) =>
        node.createHash(name).update(text).digest('base64url') + node.createHmac(name, text).update(text).digest('hex'),
    ),
  )
  expect(await returned(code, { args: { texts } })).toEqual(expected)
})

test('Buffer does what its namesake does', async () => {
  const cases = [
    'Buffer.from("ä€😀").toString("hex")',
    'Buffer.from("68690a", "hex").toString()',
    'Buffer.from("aGk_", "base64url").toString("base64")',
    'Buffer.from([1, 2, 300]).join()',
    'Buffer.from(new Uint8Array([1, 2]).buffer).length',
    'Buffer.from(Buffer.from("abc")).toString("latin1")',
    'Buffer.concat([Buffer.from("a"), new Uint8Array([98])]).toString()',
    'Buffer.concat([Buffer.from("abc"), Buffer.from("def")], 4).toString()',
    'Buffer.alloc(3, 7).join()',
    'Buffer.byteLength("ä")',
    'Buffer.from("a").equals(Buffer.from("a"))',
    'Buffer.compare(Buffer.from("a"), Buffer.from("b"))',
    'Buffer.isBuffer(Buffer.from("a")) && !Buffer.isBuffer(new Uint8Array(1))',
    'JSON.stringify(Buffer.from("ab"))',
    'Buffer.from("abc").subarray(1).toString()',
    'Buffer.from("abcdef").toString("utf8", 1, 3)',
    'Buffer.from("abc") instanceof Uint8Array',
  ]
  const expected = cases.map((each) => new Function('Buffer', `return ${each}`)(Buffer))
  expect(await returned(fn(`return [${cases.join(', ')}]`))).toEqual(expected)
})

test('the web platform’s own: URL, parameters, encoding, base64, clones, microtasks', async () => {
  const body = `
    const url = new URL('https://u:p@a.example:81/b/../c?x=1&x=2#h')
    url.searchParams.append('y', 'ä b')
    url.searchParams.delete('x')
    const order = []
    queueMicrotask(() => order.push('micro'))
    await null
    const clone = structuredClone({ d: new Date(5), m: new Map([[1, 2]]) })
    return [
      url.href, url.searchParams.get('y'), [...new URLSearchParams('a=1&b=2')].join(';'),
      [...new TextEncoder().encode('ä')].join(), new TextDecoder().decode(new Uint8Array([0xe2, 0x82, 0xac])),
      btoa('hi'), atob('aGk='), clone.d.getTime(), clone.m.get(1), order.join(),
      Object.fromEntries(new Headers({ 'X-A': '1' })), String(new URLSearchParams({ a: 1, b: 'c d' })),
      String(new URLSearchParams([['a', 'b'], ['a', 'c']])), String(new URLSearchParams(new URLSearchParams('?q=1'))),
    ]`
  expect(await returned(fn(body))).toEqual([
    'https://u:p@a.example:81/c?y=%C3%A4+b#h',
    'ä b',
    'a,1;b,2',
    '195,164',
    '€',
    'aGk=',
    'hi',
    5,
    2,
    'micro',
    { 'x-a': '1' },
    'a=1&b=c+d',
    'a=b&a=c',
    'q=1',
  ])
})

test('timers fire in their order, and those that are cleared do not', async () => {
  const body = `
    const order = []
    const later = (ms, name) => new Promise((resolve) => setTimeout((given) => { order.push(given); resolve() }, ms, name))
    const cleared = setTimeout(() => order.push('cleared'), 1)
    clearTimeout(cleared)
    await Promise.all([later(30, 'c'), later(10, 'a'), later(20, 'b'), later(0, 'first'), later(-5, 'negative'), later('x', 'nan')])
    return order`
  expect(await returned(fn(body))).toEqual(['first', 'negative', 'nan', 'a', 'b', 'c'])
})

test('what is logged is kept with its level, as people read it', async () => {
  const body = `
    const circle = { name: 'c' }; circle.self = circle
    console.log('text', 1, true, null, undefined, { a: [1] }, circle)
    console.warn(new Map(), 10n, Symbol('s'), () => {})
    console.error(new TypeError('bad'))
    console.debug('quiet')
    console.info({ nested: { big: 1n } })`
  const { logs } = await run(fn(body))
  expect(logs.map(({ level }) => level)).toEqual(['info', 'warn', 'error', 'debug', 'info'])
  expect(logs[0]?.message).toBe('text 1 true null undefined {"a":[1]} {"name":"c","self":"[circular]"}')
  expect(logs[2]?.message).toContain('TypeError: bad')
  expect(logs[4]?.message).toBe('{"nested":{"big":"1n"}}')
})

test('modules may be written in each of the usual ways', async () => {
  expect(await returned('export default () => 1')).toBe(1)
  expect(await returned('async function handle() { return 2 }\nexport { handle as default }')).toBe(2)
  expect(await returned('module.exports = async () => 3')).toBe(3)
  expect(await returned('exports.default = function () { return 4 }')).toBe(4)
  expect(
    await returned(
      'const c = require("node:crypto")\nmodule.exports = () => c.createHash("md5").update("").digest("hex")',
    ),
  ).toBe('d41d8cd98f00b204e9800998ecf8427e')
})

test('a source is checked when it is saved: types go, places stay', async () => {
  const typed = `import { createHmac } from 'node:crypto'
interface Given { data: { a: number } }
export default async function handle({ data }: Given): Promise<number> {
  return (data as { a: number }).a + 1
}`
  const checked = await sandbox.checkSource(typed, 'handle.ts')
  if (checked.kind === 'refused') throw new Error(checked.message)
  expect(checked.code.split('\n').map((line) => line.length)).toEqual(typed.split('\n').map((line) => line.length))
  expect(await returned(checked.code, { args: { data: { a: 1 } } })).toBe(2)
})

const REFUSED: [string, string, RegExp, number | null, number | null][] = [
  ['a syntax error', 'export default async () => {\n  const a = ;\n}', /Expression expected/, 2, 13],
  ['an unfinished source', 'export default async (x) =>', /Expression expected/, 1, 28],
  ['TypeScript that is more than types', 'enum A { B }\nexport default () => A', /enum is not supported/, 1, 1],
  ['a missing default export', 'export const handle = () => 1', /default export is missing/, null, null],
  ['a default export that is no function', 'export default 5', /default export is missing/, null, null],
  ['nothing', '', /default export is missing/, null, null],
  [
    'a top level that loops',
    'while (true);\nexport default () => 1',
    /top level computes for longer than 250 ms/,
    null,
    null,
  ],
  [
    'a top level that throws',
    'const a = null\na.b\nexport default () => 1',
    /TypeError: cannot read property 'b' of null/,
    2,
    1,
  ],
  ['a top level that waits', 'await new Promise(() => {})\nexport default () => 1', /top level waits/, null, null],
  [
    'an import of what is not there',
    'import fs from "node:fs"\nexport default () => fs',
    /cannot import 'node:fs'/,
    null,
    null,
  ],
  [
    'an import of a name that is not there',
    'import { nope } from "node:crypto"\nexport default () => nope',
    /nope/,
    null,
    null,
  ],
  ['a source nested too deeply', `export default () => ${'['.repeat(200_000)}`, /nested too deeply/, null, null],
  ['a source that is too long', `// ${'x'.repeat(1024 * 1024)}`, /longer than/, null, null],
]

test.each(REFUSED)('refused when it is saved: %s', async (_, source, message, line, column) => {
  const checked = await sandbox.checkSource(source, 'handle.ts')
  expect(checked).toEqual({ kind: 'refused', message: expect.stringMatching(message), line, column })
})

test('a source that broke the parser does not keep others from being checked', async () => {
  expect(await sandbox.checkSource(`export default ${'('.repeat(200_000)}`, 'a.ts')).toMatchObject({ kind: 'refused' })
  expect(await sandbox.checkSource('export default (a: number) => a', 'b.ts')).toMatchObject({ kind: 'loaded' })
})

test('chance and timers are for calls, not for the loading of a module', async () => {
  for (const line of ['Math.random()', 'crypto.randomUUID()', 'setTimeout(() => {}, 1)'])
    expect(await sandbox.checkSource(`${line}\nexport default () => 1`, 'a.js')).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('while it is loaded'),
    })
})
