import { afterAll, expect, test } from 'vitest'
import { answeredJson, recordedHost } from './recorded-host.ts'
import { fn, openTrial } from './trial.ts'

const trial = openTrial({ children: 1 })
const { returned, failed, run } = trial
afterAll(() => trial.sandbox.stop())

test('there is nothing of Node in reach', async () => {
  const names = [
    'process',
    'Bun',
    'Deno',
    'WebAssembly',
    'SharedWorker',
    'Worker',
    'Atomics',
    '__guest',
    '__host',
    'std',
    'os',
  ]
  const body = `return ${JSON.stringify(names)}.filter((name) => typeof globalThis[name] !== 'undefined')`
  expect(await returned(fn(body))).toEqual([])
})

test('constructors of everything in reach lead to the guest’s own Function, which sees nothing else', async () => {
  const body = `
    const seen = new Set(), queue = [globalThis, args, args.apiClient, args.apiClient.get('/').catch(() => {}), console, fetch, setTimeout, require]
    const found = []
    while (queue.length > 0) {
      const value = queue.pop()
      if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) continue
      seen.add(value)
      queue.push(Object.getPrototypeOf(value))
      for (const key of Reflect.ownKeys(value)) {
        const described = Reflect.getOwnPropertyDescriptor(value, key)
        queue.push(described.value, described.get, described.set)
      }
      if (typeof value !== 'function') continue
      try {
        const made = value.constructor('return [typeof process, typeof require("crypto"), this === globalThis || this === undefined]')()
        if (Array.isArray(made) && (made[0] !== 'undefined' || !made[2])) found.push(String(value.name))
      } catch {}
    }
    return [seen.size > 300, found]`
  expect(await returned(fn(body), { limits: { cpuMs: 2000 } })).toEqual([true, []])
})

const IMPORTS = [
  'node:fs',
  'fs',
  'node:child_process',
  './main.ts',
  'permea:main.ts',
  'permea:intrinsics.ts',
  '/etc/passwd',
  'file:///etc/passwd',
  'https://example.com/x.js',
  'data:text/javascript,export default 1',
  'quickjs-wasi',
  '',
  '__proto__',
  'constructor',
]

test.each(IMPORTS)('import(%j) fails', async (specifier) => {
  const dynamic = `try { await import(${JSON.stringify(specifier)}); return 'imported' } catch (e) { return e.message }`
  expect(await returned(fn(dynamic))).toContain('cannot import')
  const evaluated = `try { await eval('import(' + JSON.stringify(${JSON.stringify(specifier)}) + ')'); return 'imported' } catch (e) { return e.message }`
  expect(await returned(fn(evaluated))).toContain('cannot import')
  const required = `try { require(${JSON.stringify(specifier)}); return 'required' } catch (e) { return e.message }`
  expect(await returned(fn(required))).toContain('cannot find')
  const loaded = await failed(`import * as x from ${JSON.stringify(specifier)}\nexport default () => x`)
  expect(loaded).toMatchObject({ failure: 'load' })
  expect(loaded.message).toContain('cannot import')
})

test('errors tell nothing of the host: no path, no stack, no file of the library', async () => {
  const host = recordedHost(() => Promise.reject(new Error(`secret of ${import.meta.url}`))).host
  const codes = [
    'throw new Error("x")',
    'null.x',
    'await args.apiClient.get("/")',
    'await args.apiClient.get(Symbol("x"))',
    'await fetch({ toString() { throw new Error("inner") } })',
    'require("fs")',
    'await import("fs")',
    'Buffer.from(1)',
    'require("crypto").createHash("nope").digest()',
    'require("crypto").createHmac("sha256")',
    'Buffer.from("x", "nope")',
    'require("crypto").randomBytes(1e9)',
    'new URL("nope")',
    'await crypto.subtle.digest("nope", new Uint8Array(1))',
    'structuredClone(() => {})',
    'setTimeout("x")',
    'JSON.parse("{")',
    'atob("*")',
    'console.log({ toJSON() { throw new Error("inner") } }); throw new TypeError("y")',
    'throw { get message() { throw new Error("inner") } }',
    'throw new Proxy({}, { get() { throw new Error("inner") } })',
    'throw new Proxy(new Error("z"), { getPrototypeOf() { throw 1 } })',
    'throw Object.assign(new Error("data"), { data: { get a() { throw 1 } } })',
    'throw null',
    'throw undefined',
    'throw Symbol("s")',
    'throw 1n',
    'return 1n',
    'const a = {}; a.a = a; return a',
    'return new Proxy({}, { ownKeys() { throw new Error("trap") } })',
  ]
  for (const body of codes) {
    const outcome = await failed(fn(`${body}; return "reached"`), { host })
    // What functions may import is named to them.
    const text = JSON.stringify(outcome).replace(/permea:(?:webhooks|jwt)\b/g, '')
    expect(text).not.toMatch(/permea:|node:internal|file:\/\/|\/server\/|node_modules|wasm|secret of/)
    expect(outcome.failure, body).toBe('thrown')
    expect(typeof outcome.message).toBe('string')
  }
})

test('stacks that the guest itself reads name no file of the host', async () => {
  const body = `
    const stacks = [new Error('x').stack]
    Error.prepareStackTrace = (error, sites) => sites.map((site) => site.getFileName() + ' ' + site.getFunctionName())
    stacks.push(new Error('y').stack)
    delete Error.prepareStackTrace
    try { await args.apiClient.get({ toString() { stacks.push(new Error('z').stack); return '/' } }) } catch (e) { stacks.push(e.stack) }
    try { require('fs') } catch (e) { stacks.push(e.stack) }
    try { await import('fs') } catch (e) { stacks.push(e.stack) }
    return stacks`
  expect(JSON.stringify(await returned(fn(body)))).not.toMatch(/node:internal|file:\/\/|\/server\/|node_modules|wasm:/)
})

test('functions of the library that a stack gives away lead to no client that the call was not given', async () => {
  const { host, requests } = recordedHost()
  const body = `
    if (globalThis.isEntered) return 'again'
    globalThis.isEntered = true
    const found = []
    const collect = () => {
      const before = Error.prepareStackTrace
      Error.prepareStackTrace = (error, sites) => { for (const site of sites) { try { found.push(site.getFunction()) } catch {} } return '' }
      void new Error('x').stack
      Error.prepareStackTrace = before
      return '/'
    }
    await args.apiClient.get({ toString: collect })
    for (const each of found) {
      if (typeof each !== 'function') continue
      for (const given of [['internalApiClient', 'GET', '/secret', {}], ['request', 'internalApiClient', { method: 'GET', uri: '/secret' }], ['{}', '["internalApiClient"]', 0], ['{}', ['internalApiClient']]]) {
        try { await each(...given) } catch {}
      }
    }
    return 'done'`
  const outcome = await run(fn(body), { host })
  // More than the one request of the function itself: what the stack gave away was called indeed.
  expect(outcome.hostCalls).toBeGreaterThan(1)
  expect(requests.filter(({ client }) => client !== 'apiClient')).toEqual([])
})

test('a request that the guest forges is read with care', async () => {
  const { host, requests } = recordedHost()
  const forging = `
    const bare = (entries) => Object.assign(Object.create(null), entries)
    const forge = (request) => {
      let isOpen = true
      Object.defineProperty(Object.prototype, 'toJSON', {
        configurable: true,
        get() {
          if (!isOpen || !Object.hasOwn(this, 'client')) return undefined
          isOpen = false
          return () => request
        },
      })
    }
    const outcomes = []
    for (const request of [
      bare({ client: 'internalApiClient', request: bare({ method: 'GET', uri: '/secret' }) }),
      bare({ client: 'apiClient', request: bare({ method: 'CONNECT', uri: '/' }) }),
      bare({ client: 'apiClient', request: bare({ method: 'GET', uri: 5 }) }),
      bare({ client: 'apiClient', request: bare({ method: 'GET', uri: 'x'.repeat(20000) }) }),
      bare({ client: 'apiClient', request: 7 }),
      [],
      bare({ client: 'apiClient', request: bare({ method: 'GET', uri: '/ok', query: [1], headers: bare({ a: bare({}), n: 1 }), auth: 'x' }) }),
    ]) {
      forge(request)
      outcomes.push(await args.apiClient.get('/a').then(() => 'ok', (error) => error.message))
    }
    return outcomes`
  const outcomes = (await returned(fn(forging), { host })) as string[]
  expect(outcomes[0]).toBe('there is no such client')
  expect(outcomes.at(-1)).toBe('ok')
  expect(outcomes.slice(0, -1)).not.toContain('ok')
  expect(requests).toEqual([{ client: 'apiClient', request: { method: 'GET', uri: '/ok', headers: { n: '1' } } }])
})

test('a toJSON on every object takes its own call down and nothing else', async () => {
  const body = 'Object.prototype.toJSON = function () { return { a: {} } }; await args.apiClient.get("/"); return 1'
  const outcome = await failed(fn(body), { owner: 'deep' })
  expect(['cpu_timeout', 'thrown', 'memory']).toContain(outcome.failure)
  expect(await returned(fn('return 1'))).toBe(1)
})

test('globals and prototypes that the function replaces do not reach the library', async () => {
  const { host } = recordedHost(() => answeredJson({ id: 1 }))
  const tampering = `
    const { getPrototypeOf } = Object
    for (const name of ['JSON', 'Promise', 'Object', 'Array', 'Uint8Array', 'Map', 'Error', 'Reflect', 'String', 'TextDecoder', 'Headers'])
      globalThis[name] = new Proxy(function () {}, { get() { throw new Error('tampered ' + name) } })
    const poison = () => { throw new Error('poisoned') }
    getPrototypeOf((async () => {})()).then = poison
    getPrototypeOf([]).push = poison
    getPrototypeOf([]).join = poison
    getPrototypeOf('').split = poison
    const { id } = await args.apiClient.get('/x')
    console.log('still', { logged: true })
    return { id }`
  const outcome = await run(fn(tampering), { host })
  expect(outcome).toMatchObject({
    kind: 'returned',
    resultJson: '{"id":1}',
    logs: [{ message: 'still {"logged":true}' }],
  })
})

test('a species, an own constructor or a then of the function’s promise changes only its own result', async () => {
  const cases: [string, unknown][] = [
    ['class P extends Promise {}; return P.resolve(5)', 5],
    ['const p = Promise.resolve(7); p.then = (ok) => ok("own"); return p', 'own'],
    ['return { toJSON: () => "json" }', 'json'],
    ['return { get a() { return 1 } }', { a: 1 }],
    ['return new Proxy({ a: 1 }, {})', { a: 1 }],
    ['return new Proxy([1, 2], {})', [1, 2]],
    ['return { ["__proto__"]: 1, constructor: 2 }', JSON.parse('{"__proto__":1,"constructor":2}')],
    ['return "\\ud800"', '\ud800'],
    ['return "\\u0000a"', '\0a'],
    ['return () => {}', undefined],
    ['return Symbol("x")', undefined],
    ['return NaN', null],
  ]
  for (const [body, result] of cases) expect(await returned(fn(body)), body).toEqual(result)
})

test('texts of every length in errors and logs are cut', async () => {
  const outcome = await failed(
    fn(
      'console.log("x".repeat(5e6)); throw Object.assign(new Error("y".repeat(5e6)), { type: "z".repeat(5e6), data: "d".repeat(5e6) })',
    ),
  )
  expect(JSON.stringify(outcome).length).toBeLessThan(40_000)
  expect(outcome.error.data).toBeUndefined()
})

test('arguments with the names of prototypes do no harm', async () => {
  const args = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"toString":1}')
  expect(await returned(fn('return [typeof {}.polluted, args.toString, Object.keys(args).sort()]'), { args })).toEqual([
    'undefined',
    1,
    ['__proto__', 'apiClient', 'constructor', 'toString'],
  ])
})

test('a file name is a name and nothing else', async () => {
  for (const fileName of ['permea:main.ts', '../../../etc/passwd', '<b>', '', 'ä\0b.js', 'x'.repeat(5000)])
    expect(await returned(fn('return 1'), { fileName })).toBe(1)
})
