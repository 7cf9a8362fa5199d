import { until } from '@permea/testkit'
import { afterAll, expect, test } from 'vitest'
import type { GuestAnswer, SandboxHost } from './call.ts'
import { encodeAnswer } from './guest-request.ts'
import { answeredJson, recordedHost } from './recorded-host.ts'
import { fn, openTrial } from './trial.ts'

const trial = openTrial()
afterAll(() => trial.sandbox.stop())

const held = () => trial.sandbox.status().requestBytes
const all = (count: number) =>
  `await Promise.all(Array.from({ length: ${count} }, (_, n) => args.apiClient.get("/" + n)))`
const ALL = all(100)
const uris = (count: number) => Array.from({ length: count }, (_, n) => `/${n}`)

/** A host that counts the requests that are under way, and answers each in its own time. */
function countingHost(turnsOf: (n: number) => number) {
  let underWay = 0
  let most = 0
  const recorded = recordedHost(async ({ request }) => {
    underWay += 1
    most = Math.max(most, underWay)
    const n = Number(request.uri.slice(1))
    for (let turn = 0; turn <= turnsOf(n); turn += 1) await new Promise(setImmediate)
    underWay -= 1
    return answeredJson({ n })
  })
  return { ...recorded, most: () => most }
}

/** A host whose requests are answered one by one, when the test says so. */
function steppedHost() {
  const answers: (() => void)[] = []
  const recorded = recordedHost(async ({ request }) => {
    await new Promise<void>((resolve) => answers.push(resolve))
    return answeredJson({ uri: request.uri })
  })
  return {
    ...recorded,
    asked: () => recorded.requests.map(({ request }) => request.uri),
    answer: (count = 1) => {
      for (const go of answers.splice(0, count)) go()
    },
  }
}

/** Everything that can still happen has happened: another call has gone all the way through. */
const settle = () => trial.returned(fn('return 1'), { owner: 'bystander' })

test('of a hundred requests six are open at a time; their results come in the order of the calls', async () => {
  const { host, requests, most } = countingHost((n) => (n * 7919) % 13)
  const answers = await trial.returned(fn(`const answers = ${ALL}; return answers.map(({ n }) => n)`), { host })
  expect(answers).toEqual(Array.from({ length: 100 }, (_, n) => n))
  expect(requests.map(({ request }) => request.uri)).toEqual(uris(100))
  expect(most()).toBe(6)
  expect(held().held).toBe(0)
})

test('a request that is answered counts as open until the function has the answer', async () => {
  const { host, asked, answer } = steppedHost()
  const call = trial.returned(fn(`return (${all(20)}).length`), { host })
  for (let begun = 6; begun < 20; begun += 1) {
    await until('six are open', 10_000, () => asked().length === begun)
    await settle()
    expect(asked()).toHaveLength(begun)
    answer()
  }
  await until('six are open', 10_000, () => asked().length === 20)
  answer(6)
  expect(await call).toBe(20)
})

test.each([
  ['returned', 'return 1', { kind: 'returned' }],
  ['threw', 'throw new Error("no")', { kind: 'failed', failure: 'thrown' }],
])('what a function asked for and did not wait for is done although it %s', async (_how, ending, outcome) => {
  const { host, requests, most } = countingHost((n) => n % 3)
  const body = `for (let n = 0; n < 40; n += 1) args.apiClient.post("/" + n).catch(() => {})\n${ending}`
  expect(await trial.run(fn(body), { host })).toMatchObject({ ...outcome, hostCalls: 40 })
  expect(requests.map(({ request }) => request.uri)).toEqual(uris(40))
  expect(most()).toBe(6)
  expect(held().held).toBe(0)
})

test('answers that come while a function ends hold up no others', async () => {
  const { host, asked, answer } = steppedHost()
  const body = `
    const all = Array.from({ length: 20 }, (_, n) => args.apiClient.post("/" + n))
    await all[0]
    for (let i = 0; i < 4e6; i += 1);`
  const call = trial.run(fn(body), { host, owner: 'busy', limits: { cpuMs: 5_000 } })
  await until('it has asked', 10_000, () => asked().length === 6)
  answer()
  // By then it has the first answer, and computes.
  await new Promise(setImmediate)
  answer(5)
  for (const begun of [12, 18, 20]) {
    await until('the next are open', 10_000, () => asked().length === begun)
    answer(6)
  }
  expect(await call).toMatchObject({ kind: 'returned', hostCalls: 20 })
  expect(held()).toMatchObject({ held: 0, kept: 0 })
})

test('waiting requests of a call that ended are never sent', async () => {
  const aborting = new AbortController()
  const endings: [failure: string, given: object, body: string, stop: () => void][] = [
    ['aborted', { signal: aborting.signal }, ALL, () => aborting.abort()],
    ['wall_timeout', { limits: { wallMs: 400 } }, ALL, () => {}],
    ['cpu_timeout', { owner: 'looping' }, `${ALL.replace('await ', '')}; for (;;);`, () => {}],
    ['limit_exceeded', { limits: { hostCalls: 60 } }, ALL, () => {}],
  ]
  for (const [failure, given, body, stop] of endings) {
    const { host, asked, answer } = steppedHost()
    const call = trial.run(fn(body), { host, ...given })
    await until('six are open', 10_000, () => asked().length === 6)
    stop()
    const isOver = failure === 'cpu_timeout' || failure === 'limit_exceeded'
    // Stopped by its own process, it ends when what is under way is answered.
    if (isOver) answer(6)
    expect(await call).toMatchObject({ kind: 'failed', failure })
    if (!isOver) answer(6)
    await settle()
    expect(asked(), failure).toEqual(uris(6))
    await until('nothing is held', 20_000, () => held().held === 0)
  }
})

test('a call whose process is lost is repeated with requests that wait, and asks for nothing twice', async () => {
  await using lonely = openTrial({ children: 1 })
  const { host, asked, answer } = steppedHost()
  const code = fn(`const answers = ${all(20)}; return answers.map(({ uri }) => uri)`)
  const call = lonely.returned(code, { host })
  for (const begun of [6, 12, 18, 20]) {
    await until('the next are open', 10_000, () => asked().length === begun && lonely.sandbox.status().busy === 0)
    const lost = lonely.sandbox.pids()
    for (const pid of lost) process.kill(pid, 'SIGKILL')
    await until('it is lost', 10_000, () => !lonely.sandbox.pids().some((pid) => lost.includes(pid)))
    answer(6)
  }
  expect(await call).toEqual(uris(20))
  expect(asked()).toEqual(uris(20))
  expect(lonely.sandbox.status().requestBytes).toMatchObject({ held: 0, kept: 0 })
})

const LIMIT = { type: 'custom_code', key: 'limit_exceeded' }
const TOLD = `return Promise.allSettled(Array.from({ length: args.count }, (_, n) => args.apiClient.post('/' + n, args.data)))
  .then((all) => all.map(({ value, reason }) => reason === undefined ? value.length : { type: reason.type, key: reason.key }))`

test('an answer counts although its host did not ask, and fails where there is no room for it', async () => {
  await using small = openTrial({ requestBytesMax: 4_000_000 })
  const { host } = recordedHost(() => answeredJson('x'.repeat(300_000)))
  const lengths = await small.returned(fn(TOLD), { host, args: { count: 12 } })
  expect(lengths).toContain(300_000)
  const { host: large } = recordedHost(() => answeredJson('x'.repeat(1_100_000)))
  expect(await small.returned(fn(TOLD), { host: large, args: { count: 2 } })).toEqual([LIMIT, LIMIT])
  const error = { message: 'no', data: 'x'.repeat(600_000) }
  const { host: failing } = recordedHost(() => ({ kind: 'failed', error }))
  expect(await small.returned(fn(TOLD), { host: failing, args: { count: 1 } })).toEqual([LIMIT])
  expect(small.sandbox.status().requestBytes).toMatchObject({ held: 0, kept: 0 })
  expect(small.sandbox.status().requestBytes.heldMost).toBeLessThanOrEqual(1_000_000)
})

test('requests that wait count as well, and one for which there is no room is not sent', async () => {
  await using small = openTrial({ requestBytesMax: 4_000_000 })
  const { host, requests } = recordedHost(() => answeredJson('ok'))
  const told = await small.returned(fn(TOLD), { host, args: { count: 10, data: 'x'.repeat(100_000) } })
  expect(told).toEqual([2, 2, 2, 2, LIMIT, LIMIT, LIMIT, LIMIT, LIMIT, LIMIT])
  expect(requests).toHaveLength(4)
  expect(small.sandbox.status().requestBytes).toMatchObject({ held: 0, kept: 0 })
})

test('what its host is refused fails the request, whatever the host makes of it', async () => {
  await using small = openTrial({ requestBytesMax: 4_000 })
  const host: SandboxHost = {
    async fetch(_request, allowance): Promise<GuestAnswer> {
      expect(allowance.take(500)).toBe(true)
      expect(allowance.take(1_000)).toBe(false)
      allowance.give(500)
      return answeredJson('all is well')
    },
    request: () => Promise.reject(new Error('nobody asks')),
  }
  const outcome = await small.failed(fn('await fetch("https://a.example")'), { host })
  expect(outcome).toMatchObject({ failure: 'thrown', error: LIMIT })
  expect(outcome.message).toContain('more is being sent and received than functions may hold at the same time')
  expect(small.sandbox.status().requestBytes.held).toBe(0)
})

test('answers that were taken are kept while the call lasts, up to a limit', async () => {
  const { host, requests } = recordedHost(({ request }) =>
    request.uri === '/never' ? new Promise(() => {}) : answeredJson('x'.repeat(Number(request.uri.slice(1)))),
  )
  for (const [bytes, isKept] of [
    [100_000, true],
    [5_000_000, false],
  ] as const) {
    const aborting = new AbortController()
    const asked = requests.length
    const code = fn(`await args.apiClient.get('/${bytes}'); await args.apiClient.get('/never')`)
    const call = trial.run(code, { host, signal: aborting.signal })
    await until('it has the first answer', 10_000, () => requests.length === asked + 2)
    if (isKept) expect(held().kept).toBeGreaterThan(bytes)
    else expect(held().kept).toBe(0)
    expect(held().held).toBeLessThan(1_000)
    aborting.abort()
    await call
    expect(held().kept).toBe(0)
  }
})

test('a small body does not keep the large buffer that it was cut from', () => {
  const answered = (body: Buffer) => encodeAnswer({ kind: 'answered', status: 200, headers: {}, body }).body
  const small = answered(Buffer.alloc(1_000_000, 'x').subarray(5, 10))
  expect(small.toString()).toBe('xxxxx')
  expect(small.buffer.byteLength).toBeLessThan(100_000)
  const large = Buffer.alloc(1_000_000)
  expect(answered(large.subarray(0, 600_000)).buffer).toBe(large.buffer)
})
