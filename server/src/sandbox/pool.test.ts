import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { until } from '@permea/testkit'
import { expect, test } from 'vitest'
import type { GuestAnswer, SandboxOutcome } from './call.ts'
import { answeredJson, recordedHost } from './recorded-host.ts'
import { fn, openTrial } from './trial.ts'

const NATIVE_LOOP = fn('return new Array(4e8).join("xx").length')
const LOOP = fn('for (;;);')
const ECHO = fn('return args.n')

/** For machines that are busy with something else. */
const LONG = { cpuMs: 150, wallMs: 120_000, waitMs: 120_000 }

/** Host calls that are answered when the test says so. */
function gate() {
  const opened = Promise.withResolvers<void>()
  const recorded = recordedHost(async ({ request }): Promise<GuestAnswer> => {
    await opened.promise
    return answeredJson({ uri: request.uri, n: request.data })
  })
  return { ...recorded, open: opened.resolve }
}

function resultOf(outcome: SandboxOutcome): unknown {
  if (outcome.kind === 'failed') throw new Error(`${outcome.failure}: ${outcome.message}`)
  return outcome.resultJson === null ? undefined : JSON.parse(outcome.resultJson)
}

function killAll(pids: readonly number[]): void {
  for (const pid of pids) process.kill(pid, 'SIGKILL')
}

test('nothing is started before it is needed, and start starts one', async () => {
  await using trial = openTrial()
  expect(trial.sandbox.status()).toMatchObject({ children: 0, busy: 0, waiting: 0 })
  await trial.sandbox.start()
  await until('a child is there', 20_000, () => trial.sandbox.status().children === 1)
  expect(await trial.returned(ECHO, { args: { n: 1 } })).toBe(1)
})

test('a child has no environment, no rights and, where the system allows it, no network', async () => {
  await using trial = openTrial({ children: 1 })
  await trial.returned(ECHO)
  const [pid] = trial.sandbox.pids()
  if (!existsSync(`/proc/${pid}/environ`)) return
  const names = readFileSync(`/proc/${pid}/environ`, 'utf8')
    .split('\0')
    .filter(Boolean)
    .map((each) => each.split('=')[0])
  expect(names.filter((name) => name !== 'PATH')).toEqual([])
  const options = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  for (const option of [
    '--permission',
    '--no-addons',
    '--disable-proto=delete',
    '--disallow-code-generation-from-strings',
  ])
    expect(options).toContain(option)
  expect(options.filter((option) => /^--allow-(?!fs-read=)/.test(option))).toEqual([])
  const isApart = readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync('/proc/self/ns/net')
  expect(isApart).toBe(trial.sandbox.status().isNetworkCutOff)
})

test('8 bystanders are unharmed while the guest beside them is killed with their process', async () => {
  await using trial = openTrial({ children: 1 })
  const { host, requests, open } = gate()
  const code = fn(`
    const id = crypto.randomUUID()
    const first = await args.apiClient.post('/first/' + args.n, { id, at: Date.now(), r: Math.random() })
    const second = await args.apiClient.post('/second/' + args.n, { id, first: first.uri })
    console.log('done', args.n)
    return { first: first.uri, second: second.uri, id }`)
  const bystanders = Array.from({ length: 8 }, (_, n) => trial.run(code, { args: { n }, host, owner: `owner-${n}` }))
  await until('all have asked', 40_000, () => requests.length === 8)
  const before = trial.sandbox.pids()
  const culprit = await trial.run(NATIVE_LOOP, { owner: 'culprit' })
  expect(culprit).toMatchObject({ kind: 'failed', failure: 'cpu_timeout' })
  killAll(trial.sandbox.pids().filter((pid) => before.includes(pid)))
  open()
  const outcomes = await Promise.all(bystanders)
  for (const [n, outcome] of outcomes.entries()) {
    expect(resultOf(outcome)).toMatchObject({ first: `/first/${n}`, second: `/second/${n}` })
    expect(outcome).toMatchObject({ hostCalls: 2, logs: [{ message: `done ${n}` }] })
  }
  expect(trial.sandbox.status().restarts).toBeGreaterThan(0)
  // Repeated exactly: nothing was asked twice, and what was drawn before the loss is what came after it.
  expect(requests.map(({ request }) => request.uri).sort()).toEqual(
    ['first', 'second'].flatMap((step) => bystanders.map((_, n) => `/${step}/${n}`)).sort(),
  )
  for (const [n, outcome] of outcomes.entries()) {
    const ids = requests
      .filter(({ request }) => request.uri.endsWith(`/${n}`))
      .map(({ request }) => (request.data as { id: string }).id)
    const { id } = resultOf(outcome) as { id: string }
    expect(ids).toEqual([id, id])
  }
})

test('a call is repeated through several answers, timers included, and asks for nothing twice', async () => {
  await using trial = openTrial({ children: 1 })
  const { host, requests } = recordedHost(({ request }) => answeredJson({ n: Number(request.uri.slice(1)) + 1 }))
  const code = fn(`
    let n = 0
    const seen = []
    while (n < 6) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      const answers = await Promise.all([args.apiClient.get('/' + n), fetch('https://a.example/' + n).then((r) => r.json())])
      n = answers[0].n
      seen.push(Math.random())
    }
    return { n, isDrawnAnew: new Set(seen).size === 6 }`)
  const call = trial.run(code, { host })
  for (const count of [4, 8]) {
    await until('it is under way and waits', 40_000, () => {
      const isWaiting = requests.length >= count && trial.sandbox.status().busy === 0
      if (isWaiting) killAll(trial.sandbox.pids())
      return isWaiting
    })
  }
  expect(resultOf(await call)).toEqual({ n: 6, isDrawnAnew: true })
  expect(requests.filter(({ client }) => client === 'apiClient').map(({ request }) => request.uri)).toEqual([
    '/0',
    '/1',
    '/2',
    '/3',
    '/4',
    '/5',
  ])
})

test('a call that was given more than is kept for a repetition is told to have crashed', async () => {
  await using trial = openTrial({ children: 1 })
  const { host, requests } = recordedHost(({ request }) =>
    request.uri === '/large' ? answeredJson('x'.repeat(5_000_000)) : new Promise(() => {}),
  )
  const call = trial.run(fn('await args.apiClient.get("/large"); await args.apiClient.get("/never")'), { host })
  await until('it waits for ever', 40_000, () => requests.length === 2)
  killAll(trial.sandbox.pids())
  expect(await call).toMatchObject({ kind: 'failed', failure: 'crashed' })
})

test('a call whose children are lost again and again is given up', async () => {
  await using trial = openTrial({ children: 1 })
  const { host, requests } = recordedHost(() => new Promise(() => {}))
  let isOver = false
  const call = trial.run(fn('await args.apiClient.get("/")'), { host }).finally(() => {
    isOver = true
  })
  await until('it waits', 40_000, () => requests.length === 1)
  for (let pids: number[] = []; !isOver; ) {
    await until('it is in another child, or given up', 40_000, () => {
      const { busy, waiting } = trial.sandbox.status()
      const now = trial.sandbox.pids()
      return isOver || (busy === 0 && waiting === 0 && now.length === 1 && !now.includes(pids[0] ?? 0))
    })
    pids = trial.sandbox.pids()
    if (!isOver) killAll(pids)
  }
  expect(await call).toMatchObject({ kind: 'failed', failure: 'crashed' })
  expect(requests).toHaveLength(1)
  expect(await trial.returned(ECHO, { args: { n: 2 } })).toBe(2)
})

test('owners are served in turn: one with much to do does not delay another', async () => {
  await using trial = openTrial({ children: 1 })
  await trial.returned(ECHO)
  const ended: string[] = []
  const loud = Array.from({ length: 400 }, () => trial.run(ECHO, { owner: 'loud' }).then(() => ended.push('loud')))
  const quiet = Array.from({ length: 5 }, () => trial.run(ECHO, { owner: 'quiet' }).then(() => ended.push('quiet')))
  await Promise.all([...loud, ...quiet])
  expect(ended.lastIndexOf('quiet')).toBeLessThan(100)
})

test('functions that loop are kept apart from the others, whose calls go on as before', async () => {
  await using trial = openTrial({ children: 2 })
  await Promise.all(Array.from({ length: 20 }, () => trial.returned(ECHO, { owner: 'bystander' })))
  expect(await trial.failed(LOOP, { owner: 'looping' })).toMatchObject({ failure: 'cpu_timeout' })
  const stopping = new AbortController()
  const loops = Array.from({ length: 30 }, () => trial.run(LOOP, { owner: 'looping', signal: stopping.signal }))
  const latencies: number[] = []
  for (let n = 0; n < 200; n += 1) {
    const startedAtMs = performance.now()
    expect(await trial.returned(ECHO, { args: { n }, owner: 'bystander' })).toBe(n)
    latencies.push(performance.now() - startedAtMs)
  }
  stopping.abort()
  await Promise.all(loops)
  latencies.sort((one, other) => one - other)
  // Behind a loop each would wait for 250 ms; what is left is the loops' share of the processors.
  expect(latencies[190]).toBeLessThan(200)
})

test('functions that are not known have no place among those that are, whoever pays for them', async () => {
  await using trial = openTrial({ children: 2 })
  await Promise.all(Array.from({ length: 20 }, () => trial.returned(ECHO, { owner: 'bystander' })))
  const stopping = new AbortController()
  const ended: string[] = []
  const run = (name: string, payer: string, body: string) =>
    trial
      .run(fn(body), { owner: name, payer, limits: LONG, signal: stopping.signal })
      .then((outcome) => ended.push(outcome.kind === 'failed' ? outcome.failure : name))
  const mallorys = Array.from({ length: 12 }, (_, n) => run(`loop ${n}`, 'mallory', `const n = ${n}; for (;;);`))
  const others = Array.from({ length: 4 }, (_, n) => run(`loop of ${n}`, `payer ${n}`, `const m = ${n}; for (;;);`))
  let areOver = false
  const neighbour = run('neighbour', 'neighbour', 'return 7')
  void Promise.all([...others, neighbour]).then(() => {
    areOver = true
  })
  let calls = 0
  for (; !areOver; calls += 1) expect(await trial.returned(ECHO, { args: { n: 1 }, owner: 'bystander' })).toBe(1)
  // One of each payer is before it, not twelve of one.
  expect(ended.indexOf('neighbour')).toBeLessThan(8)
  expect(new Set(ended)).toEqual(new Set(['cpu_timeout', 'neighbour']))
  // Behind the loops there would be one for each of them, or two.
  expect(calls).toBeGreaterThan(50)
  stopping.abort()
  await Promise.all(mallorys)
})

test('waiting for a place is not a call’s own time, and has a limit of its own', async () => {
  await using trial = openTrial({ children: 1 })
  await trial.returned(ECHO, { owner: 'warm' })
  const long = trial.failed(LOOP, { owner: 'long', limits: { ...LONG, cpuMs: 3000 } })
  await until('it runs', 20_000, () => trial.sandbox.status().busy === 1)
  const [patient, hasty] = await Promise.all([
    trial.run(ECHO, { args: { n: 3 }, owner: 'patient', limits: { wallMs: 1500, waitMs: 120_000 } }),
    trial.run(ECHO, { args: { n: 3 }, owner: 'hasty', limits: { waitMs: 500 } }),
  ])
  expect(await long).toMatchObject({ failure: 'cpu_timeout' })
  expect(resultOf(patient)).toBe(3)
  expect(patient.durationMs).toBeGreaterThan(1500)
  expect(hasty).toMatchObject({
    failure: 'overloaded',
    message: 'the call waited for a place for more than 500 ms',
  })
})

test('after a function was killed another process is held in reserve, and takes the place of the next', async () => {
  await using trial = openTrial({ children: 2 })
  expect(await trial.failed(NATIVE_LOOP, { owner: 'culprit' })).toMatchObject({ failure: 'cpu_timeout' })
  await until('one is in reserve', 60_000, () => trial.sandbox.status().inReserve === 1)
  const reserve = trial.sandbox.pids()
  const call = trial.returned(ECHO, { args: { n: 4 }, owner: 'bystander' })
  expect(trial.sandbox.status().inReserve).toBe(0)
  expect(await call).toBe(4)
  expect(trial.sandbox.pids().slice(0, 1)).toEqual(reserve)
})

test('more functions than a child keeps are called all the same', async () => {
  await using trial = openTrial({ children: 1 })
  const code = (n: number) => `export default () => ${n}`
  for (let round = 0; round < 2; round += 1) {
    const results = await Promise.all(
      Array.from({ length: 150 }, (_, n) => trial.returned(code(n), { owner: `o${n % 9}` })),
    )
    expect(results).toEqual(Array.from({ length: 150 }, (_, n) => n))
  }
})

test('a function whose loading takes long is kept apart as well', async () => {
  await using trial = openTrial({ children: 1 })
  const heavy = 'const end = (n) => n; for (let i = 0; ; i++) end(i)\nexport default () => 1'
  expect(await trial.failed(heavy, { owner: 'heavy' })).toMatchObject({ failure: 'load' })
  const again = trial.failed(heavy, { owner: 'heavy' })
  await until('it has a process apart', 40_000, () => trial.sandbox.status().children === 2)
  // Where the machine is busy, it does not get the processor that it may use, and is stopped from without.
  expect(['load', 'cpu_timeout']).toContain((await again).failure)
})

test('a function that uses up its memory is kept apart as well', async () => {
  await using trial = openTrial({ children: 1 })
  const bomb = fn('const a = []; for (;;) a.push(new Uint8Array(1e6).fill(1))')
  expect(await trial.failed(bomb, { owner: 'bomb', limits: LONG })).toMatchObject({ failure: 'memory' })
  const again = trial.run(bomb, { owner: 'bomb', limits: LONG })
  await until('it has a process apart', 40_000, () => trial.sandbox.status().children === 2)
  expect(await again).toMatchObject({ kind: 'failed' })
})

test('calls beyond what may wait are refused at once, and the rest is done', async () => {
  await using trial = openTrial({ children: 1 })
  await trial.returned(ECHO)
  const outcomes = await Promise.all(
    Array.from({ length: 2500 }, (_, n) => trial.run(ECHO, { args: { n }, owner: `owner-${n % 2}` })),
  )
  expect(outcomes.every((outcome) => outcome.kind === 'returned')).toBe(true)
  const flood = await Promise.all(
    Array.from({ length: 2500 }, (_, n) => trial.run(ECHO, { args: { n }, owner: 'one' })),
  )
  const refused = flood.filter((outcome) => outcome.kind === 'failed')
  expect(refused.length).toBeGreaterThan(300)
  for (const outcome of refused)
    expect(outcome).toMatchObject({ failure: 'overloaded', message: 'too many calls of functions are waiting' })
})

test('a worn child is replaced, and no call notices', async () => {
  await using trial = openTrial({ children: 2, callsPerChild: 50 })
  const first = await trial.returned(ECHO, { args: { n: 0 } }).then(() => trial.sandbox.pids())
  const { host } = recordedHost(({ request }) => answeredJson({ uri: request.uri }))
  const code = fn('const { uri } = await args.apiClient.get("/" + args.n); return uri')
  const results = await Promise.all(Array.from({ length: 200 }, (_, n) => trial.returned(code, { args: { n }, host })))
  expect(results).toEqual(Array.from({ length: 200 }, (_, n) => `/${n}`))
  expect(trial.sandbox.pids().filter((pid) => first.includes(pid))).toEqual([])
  expect(trial.sandbox.status().restarts).toBe(0)
})

test('stopping ends what is under way and leaves no process', async () => {
  const trial = openTrial({ children: 2 })
  const { host, requests } = recordedHost(() => new Promise(() => {}))
  const waiting = trial.run(fn('await args.apiClient.get("/")'), { host })
  const looping = trial.run(NATIVE_LOOP, { owner: 'other' })
  await until('both are under way', 40_000, () => requests.length === 1 && trial.sandbox.status().busy > 0)
  const pids = trial.sandbox.pids()
  await trial.sandbox.stop()
  expect(await waiting).toMatchObject({ kind: 'failed', failure: 'aborted' })
  expect(await looping).toMatchObject({ kind: 'failed', failure: 'aborted' })
  expect(await trial.run(ECHO)).toMatchObject({ kind: 'failed', failure: 'aborted' })
  await until('the processes are gone', 20_000, () => pids.every((pid) => !isThere(pid)))
})

test('thousands of calls of every kind leave memory where it was', async () => {
  await using trial = openTrial({ children: 2 })
  const { host } = recordedHost(({ request }) => answeredJson({ uri: request.uri, filler: 'x'.repeat(500) }))
  const kinds: [string, string][] = [
    ['echo', 'return args.n'],
    ['objects', 'return Array.from({ length: 200 }, (_, i) => ({ i, n: args.n }))'],
    ['asks', 'return (await args.apiClient.get("/" + args.n)).uri'],
    ['throws', 'throw new Error("n" + args.n)'],
    ['waits', 'await new Promise((resolve) => setTimeout(resolve, 1)); return 1'],
    ['grows', 'return new Uint8Array(6e6).fill(1).length'],
    ['hashes', 'return require("crypto").createHash("sha256").update("x".repeat(5000)).digest("hex")'],
    ['logs', 'for (let i = 0; i < 20; i++) console.log("line", i, args)'],
    ['recurses', 'const f = () => f(); f()'],
    ['never', 'await new Promise(() => {})'],
  ]
  const bombs = ['const a = []; for (;;) a.push(new Uint8Array(1e6).fill(1))', 'let s = "x"; for (;;) s += s']
  let calls = 0
  async function round(count: number): Promise<void> {
    const end = calls + count
    const inTurn = async () => {
      while (calls < end) {
        const n = calls
        calls += 1
        const [owner, body] = kinds[n % kinds.length] ?? ['echo', 'return 1']
        const isBomb = n % 400 === 0
        const code = fn(isBomb ? (bombs[(n / 400) % bombs.length] ?? '') : body)
        await trial.run(code, { owner: isBomb ? 'bomb' : owner, args: { n, filler: 'y'.repeat(800) }, host })
      }
    }
    await Promise.all(Array.from({ length: 16 }, inTurn))
  }
  await round(1000)
  const before = residentBytes(trial.sandbox.pids())
  await round(2000)
  const after = residentBytes(trial.sandbox.pids())
  expect(calls).toBe(3000)
  const stayed = [...before].filter(([pid]) => after.has(pid))
  expect(stayed.length).toBeGreaterThan(0)
  for (const [pid, bytes] of stayed) expect((after.get(pid) ?? 0) - bytes).toBeLessThan(64 * 1024 * 1024)
  for (const bytes of after.values()) expect(bytes).toBeLessThan(400 * 1024 * 1024)
})

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** Resident memory of each child; 0 where the system does not tell. */
function residentBytes(pids: readonly number[]): Map<number, number> {
  return new Map(
    pids.map((pid) => {
      const path = `/proc/${pid}/status`
      const found = existsSync(path) ? /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(path, 'utf8')) : null
      return [pid, Number(found?.[1] ?? 0) * 1024]
    }),
  )
}

test('it is told of every process that ended before it was meant to, and why', async () => {
  const losses: string[] = []
  await using trial = openTrial({ children: 1, callsPerChild: 2, onLost: (reason) => losses.push(reason) })
  for (const n of [1, 2, 3, 4, 5]) expect(await trial.returned(ECHO, { args: { n } })).toBe(n)
  expect(losses).toEqual([])
  expect(await trial.run(NATIVE_LOOP)).toMatchObject({ failure: 'cpu_timeout' })
  expect(losses).toEqual(['overrun'])
  expect(await trial.returned(ECHO, { args: { n: 6 }, owner: 'quiet' })).toBe(6)
  killAll(trial.sandbox.pids())
  await until('the rest are missed', 20_000, () => losses.includes('lost'))
})
