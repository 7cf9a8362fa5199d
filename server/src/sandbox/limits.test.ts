import { afterAll, expect, test } from 'vitest'
import { answeredJson, recordedHost } from './recorded-host.ts'
import { fn, openTrial } from './trial.ts'

const trial = openTrial()
const { run, failed, returned } = trial
afterAll(() => trial.sandbox.stop())

/** Another owner each time, so that no test waits for the noisy functions of another. */
let owners = 0
const owner = () => {
  owners += 1
  return `owner-${owners}`
}

/** Proves that the sandbox is of use afterwards. */
async function expectWell(): Promise<void> {
  expect(await returned(fn('return args.a + 1'), { args: { a: 1 }, owner: 'bystander' })).toBe(2)
}

const LOOPS: Record<string, string> = {
  'a plain loop': 'while (true);',
  'a loop after an await': 'await null; for (;;);',
  'a loop in a catch': 'try { throw 1 } catch { for (;;); }',
  'a loop that catches what stops it': 'for (;;) { try { for (;;); } catch {} }',
  'a loop in a finally': 'try { for (;;); } finally { for (;;); }',
  'endless microtasks': 'const again = () => { Promise.resolve().then(again) }; again(); await new Promise(() => {})',
  'endless queueMicrotask': 'const again = () => queueMicrotask(again); again(); await new Promise(() => {})',
  'a getter that loops': 'return { get a() { for (;;); } }',
  'a toJSON that loops': 'return { toJSON() { for (;;); } }',
  'a thenable that loops': 'return { then() { for (;;); } }',
  'a thenable that resolves to itself for ever': 'const t = { then(resolve) { resolve(t) } }; return t',
  'a regular expression that backtracks': 'return /^(a+)+$/.test("a".repeat(40) + "b")',
  'a proxy that loops': 'return new Proxy({}, { ownKeys() { for (;;); } })',
  'an error whose message loops': 'throw { get message() { for (;;); } }',
  'an error whose stack loops':
    'const e = new Error("x"); Object.defineProperty(e, "stack", { get() { for (;;); } }); throw e',
  'a generator without end': 'for (const x of (function* () { for (;;) yield 1 })());',
  'a sort that never decides': 'const a = Array.from({ length: 1e5 }, (_, i) => i); for (;;) a.sort(() => 1)',
}

const NATIVE_LOOPS: Record<string, string> = {
  'indexOf over 2^53 elements': 'return Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)',
  'join of 400 million elements': 'return new Array(4e8).join("xx").length',
  'a huge BigInt': 'let a = 3n; for (;;) a = a * a',
  'a BigInt power': 'return (7n ** 100000000n) % 3n',
  'fill of an object that says it is long': 'return Array.prototype.fill.call({ length: 2 ** 53 - 1 }, 1)',
  'a string padded and searched': 'const s = "a".repeat(1e7); for (;;) s.indexOf("ab")',
}

test.each(Object.entries(LOOPS))('%s is stopped when its CPU time is up', async (_, body) => {
  const outcome = await failed(fn(body), { owner: owner() })
  expect(outcome.failure).toBe('cpu_timeout')
  expect(outcome.durationMs).toBeLessThan(15_000)
  await expectWell()
})

test.each(Object.entries(NATIVE_LOOPS))('%s is stopped, if need be with its process', async (_, body) => {
  const outcome = await failed(fn(body), { owner: owner() })
  expect(['cpu_timeout', 'memory', 'thrown']).toContain(outcome.failure)
  expect(outcome.durationMs).toBeLessThan(15_000)
  await expectWell()
})

const BOMBS: Record<string, string> = {
  objects: 'const a = []; for (;;) a.push({ a: [1, 2, 3] })',
  'a string': 'let s = "x"; for (;;) s += s',
  promises: 'const a = []; for (;;) a.push(new Promise(() => {}).then(() => 1))',
  // Its links are garbage before all of it is, so that time or memory ends it, whichever is first.
  'a chain of promises without end': 'const again = () => Promise.resolve().then(again); await again()',
  'byte arrays': 'const a = []; for (;;) a.push(new Uint8Array(1e6).fill(1))',
  'one huge byte array': 'return new Uint8Array(2 ** 31 - 1).length',
  'an array of 30 million elements': 'return new Array(3e7).fill(0).length',
  'a map': 'const m = new Map(); for (let i = 0; ; i++) m.set(i, String(i))',
  closures: 'let f = () => 0; for (;;) { const g = f; f = () => g }',
  symbols: 'const a = []; for (;;) a.push(Symbol("x".repeat(1000)))',
  'text of the library': 'const a = []; for (;;) a.push(Buffer.from("x".repeat(1e6)).toString("hex"))',
  clones: 'let a = [1]; for (;;) a = structuredClone([a, a])',
  'a deep recursion': 'const f = (n) => [n, f(n + 1)]; return f(0)',
  'a deeply nested JSON': 'return JSON.parse("[".repeat(1e6))',
  'a deep object as its result': 'let a = {}; for (let i = 0; i < 1e5; i++) a = { a }; return a',
}

test.each(Object.entries(BOMBS))('a bomb of %s goes off inside', async (_, body) => {
  const outcome = await failed(fn(body), { owner: owner(), limits: { cpuMs: 1000 } })
  expect(['memory', 'thrown', 'cpu_timeout']).toContain(outcome.failure)
  await expectWell()
})

test('memory that is used up is told as that, also when the function catches what it was told', async () => {
  const caught = 'const a = []; try { for (;;) a.push(new Uint8Array(1e6)) } catch { return a.length }'
  expect(await returned(fn(caught))).toBeLessThan(40)
  const outcome = await failed(fn('const a = []; for (;;) a.push(new Uint8Array(1e6))'))
  expect(outcome.failure).toBe('memory')
})

test('time of waiting is not computing, but counts to the limit on the whole call', async () => {
  const waited = await run(fn('await new Promise((r) => setTimeout(r, 400)); return 1'), { limits: { cpuMs: 100 } })
  expect(waited).toMatchObject({ kind: 'returned', resultJson: '1' })
  expect(waited.durationMs).toBeGreaterThan(399)
  const late = await failed(fn('await new Promise((r) => setTimeout(r, 60000)); return 1'), { limits: { wallMs: 200 } })
  expect(late.failure).toBe('wall_timeout')
  // The timer would be a minute; a busy machine may be late, but not by that much.
  expect(late.durationMs).toBeLessThan(10_000)
})

test('a request that is never answered ends with the limit on the whole call', async () => {
  const { host } = recordedHost(() => new Promise(() => {}))
  const outcome = await failed(fn('await args.apiClient.get("/")'), { host, limits: { wallMs: 200 } })
  expect(outcome).toMatchObject({ failure: 'wall_timeout', hostCalls: 1 })
})

test('a promise that nothing can settle is told at once', async () => {
  const outcome = await failed(fn('await new Promise(() => {})'))
  expect(outcome.failure).toBe('never_settles')
  // The whole call has 15 s.
  expect(outcome.durationMs).toBeLessThan(10_000)
})

test('CPU time is the sum over all slices', async () => {
  const body = 'for (let i = 0; i < 20; i++) { await args.apiClient.get("/"); for (let j = 0; j < 6e5; j++); }'
  const outcome = await failed(fn(body), { owner: owner(), limits: { cpuMs: 60 } })
  expect(outcome.failure).toBe('cpu_timeout')
  expect(outcome.hostCalls).toBeGreaterThan(0)
})

test('a result that is too large is refused, one at the limit is not', async () => {
  const outcome = await failed(fn('return "x".repeat(1001)'), { limits: { resultBytes: 1000 } })
  expect(outcome.failure).toBe('limit_exceeded')
  expect(outcome.message).toContain('1003 bytes')
  expect(await returned(fn('return "x".repeat(998)'), { limits: { resultBytes: 1000 } })).toHaveLength(998)
})

test('arguments that are too large are refused before anything runs', async () => {
  const outcome = await failed(fn('return 1'), { args: { a: 'x'.repeat(2000) }, limits: { argsBytes: 1000 } })
  expect(outcome.failure).toBe('limit_exceeded')
})

test('arguments of 10 MB arrive', async () => {
  const records = Array.from({ length: 50_000 }, (_, id) => ({ id, name: 'x'.repeat(170) }))
  const args = { data: { records } }
  const limits = { cpuMs: 5000 }
  expect(await returned(fn('return args.data.records.length'), { args, limits })).toBe(50_000)
})

test('the log is cut where it is full, and says so', async () => {
  const outcome = await run(fn('for (let i = 0; i < 1000; i++) console.log("line", i)'), { limits: { logBytes: 2000 } })
  expect(outcome.kind).toBe('returned')
  expect(outcome.logs.length).toBeLessThan(60)
  expect(outcome.logs.at(-1)).toMatchObject({ level: 'warn' })
})

test('more requests than allowed end the call', async () => {
  const { host, requests } = recordedHost()
  const body = 'for (let i = 0; i < 10; i++) { try { await args.apiClient.get("/" + i) } catch {} }'
  const outcome = await failed(fn(body), { host, limits: { hostCalls: 3 } })
  expect(outcome).toMatchObject({ failure: 'limit_exceeded', hostCalls: 3 })
  expect(requests).toHaveLength(3)
})

test('requests may not be larger together than twice a result', async () => {
  const { host } = recordedHost()
  const body = 'await Promise.all(Array.from({ length: 90 }, () => args.apiClient.post("/", { a: "x".repeat(1e5) })))'
  const outcome = await failed(fn(body), { host, limits: { resultBytes: 1e6 } })
  expect(outcome.failure).toBe('limit_exceeded')
})

test('an answer that does not fit into memory fails the call and nothing else', async () => {
  const { host } = recordedHost(() => answeredJson('x'.repeat(50 * 1024 * 1024)))
  // Reading so much takes a busy machine longer than a call has; memory is what this is about.
  const limits = { cpuMs: 10_000 }
  const outcome = await failed(fn('return (await args.apiClient.get("/")).length'), { host, limits })
  expect(outcome.failure).toBe('memory')
  await expectWell()
})

test('a call is aborted where it stands', async () => {
  const aborting = new AbortController()
  const { host } = recordedHost(() => {
    aborting.abort()
    return new Promise(() => {})
  })
  const outcome = await failed(fn('await args.apiClient.get("/")'), { host, signal: aborting.signal })
  expect(outcome.failure).toBe('aborted')
  expect(await failed(fn('return 1'), { signal: AbortSignal.abort() })).toMatchObject({ failure: 'aborted' })
})

test('a function that wakes up for ever is ended, however little it does each time', async () => {
  const body = 'for (;;) await new Promise((resolve) => setTimeout(resolve, 0))'
  const outcome = await failed(fn(body), { owner: owner(), limits: { cpuMs: 5000 } })
  expect(outcome.failure).toBe('limit_exceeded')
})
