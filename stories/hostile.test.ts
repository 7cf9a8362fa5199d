import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { Worker } from 'node:worker_threads'
import type { Permea } from '@permea/sdk'
import {
  createEngineProcess,
  createTestDatabase,
  type EngineProcess,
  pause,
  startExternalApp,
  startReceiver,
  until,
} from '@permea/testkit'
import pg from 'pg'
import { expect, test } from 'vitest'
import { longestSilenceOf } from './silence.ts'
import type { SteadyAnswer, SteadyLoad } from './steady-load.ts'
import { connectVendor, offerEvent, offerVendor } from './vendor.ts'

// Everything at once that one who is not meant well by, or is careless, may send: nobody else notices. All of it is large,
// deep or slow, and valid or plainly wrong; nothing of it harms other software.

const PER_SECOND = 200
const QUIET_SECONDS = 4
const HOSTILE_SECONDS = 8
const SILENCE_MS_MAX = 250
/** Where twice the quiet one is less, this is soon enough. */
const P95_MS_FLOOR = 500
const GROWTH_BYTES_MAX = 512 * 1024 * 1024
const SETTLES_MS_MAX = 60_000

test('everything hostile at once: others are answered without an error, about as soon as before', {
  timeout: 300_000,
}, async () => {
  await using vendor = await startExternalApp()
  await using receiver = await startReceiver()
  await using database = await createTestDatabase()
  await using engine = await createEngineProcess({
    databaseUrl: database.url,
    reachablePorts: [vendor.port, receiver.port],
  })
  await engine.start()
  const scene = await setScene(engine, vendor)
  const load = steadyLoad({ targets: scene.bystanders, perSecond: PER_SECOND })
  // What is not known of them yet is known afterwards.
  await pause(2000)
  const quietFromMs = Date.now()
  await pause(QUIET_SECONDS * 1000)
  const bytesBefore = residentBytes(engine)
  const hostileFromMs = Date.now()
  const stopping = new AbortController()
  const watching = longestSilenceOf(engine, stopping.signal)
  const machine = howBusy()
  const attacks = Object.entries(attacksOn(engine, scene)).map(async ([name, attack]) => {
    let count = 0
    while (!stopping.signal.aborted) {
      await attack(count)
      count += 1
    }
    return [name, count] as const
  })
  let bytesMost = 0
  for (let n = 0; n < HOSTILE_SECONDS * 4; n += 1) {
    await pause(250)
    bytesMost = Math.max(bytesMost, residentBytes(engine))
  }
  const hostileToMs = Date.now()
  stopping.abort()
  const silenceMs = await watching
  const busy = await machine.stop()
  const answers = await load.stop()
  const counts = Object.fromEntries(await Promise.all(attacks))

  const during = (fromMs: number, toMs: number) => answers.filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
  const quiet = spreadOf(during(quietFromMs, hostileFromMs))
  const hostile = spreadOf(during(hostileFromMs, hostileToMs))
  const grewMib = Math.round((bytesMost - bytesBefore) / 1024 / 1024)
  const said = JSON.stringify({ quiet, hostile, busy, silenceMs: Math.round(silenceMs), grewMib, counts })
  process.stdout.write(`${said}\n`)

  expect(answers.filter(({ status }) => status < 200 || status > 299)).toEqual([])
  for (const [name, count] of Object.entries(counts)) expect(count, name).toBeGreaterThan(0)
  expect(hostile.p95Ms, said).toBeLessThan(busy * Math.max(P95_MS_FLOOR, 2 * quiet.p95Ms))
  expect(silenceMs, said).toBeLessThan(busy * SILENCE_MS_MAX)
  expect(bytesMost - bytesBefore, said).toBeLessThan(GROWTH_BYTES_MAX)
  expect(engine.isUp).toBe(true)
  // What was answered is there, and became what it should.
  const sentTo = (kind: string) => answers.filter(({ target }) => scene.bystanders[target]?.kind === kind).length
  await until(
    'every webhook of the bystanders became an event',
    SETTLES_MS_MAX,
    async () => (await countOf(database.url, 'external_events')) === sentTo('handled'),
  )
  expect(await countOf(database.url, 'app_events')).toBe(sentTo('event'))
})

// ── the scene ──

interface Scene {
  /** Whom steady webhooks are of: events of the application, and requests of an app that a function handles. */
  bystanders: (SteadyLoad['targets'][number] & { kind: 'event' | 'handled' })[]
  mallory: Permea
  /** Addresses of the attacker: with a schema, with a costly flow, with functions that loop. */
  urls: { checked: string; computed: string; global: string; loops: string[] }
}

const LOOPS = [
  'for (;;);',
  'await null; for (;;);',
  'return { get events() { for (;;); } }',
  'return Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)',
  'let s = "x"; for (;;) s += s',
  'const a = []; for (;;) a.push({ a: [1, 2, 3] })',
]

/** Honest work that takes its time: it squares and adds some hundred thousand numbers. */
const HEAVY = { $jsonata: '$sum([1..400000].($ * $))' }

async function setScene(engine: EngineProcess, vendor: Awaited<ReturnType<typeof startExternalApp>>): Promise<Scene> {
  const admin = engine.as({ isAdmin: true })
  const [acme, mallory] = [engine.as({ id: 'acme' }), engine.as({ id: 'mallory' })]
  await offerVendor(admin, vendor)
  const [ours, theirs] = [await connectVendor(acme, vendor), await connectVendor(mallory, vendor)]
  const bystanders: Scene['bystanders'] = []
  for (let n = 0; n < 4; n += 1) {
    const { url } = await offerEvent(admin, acme, ours.id, `bystander-${n}`, 'return { events: [{ got: data.n }] }')
    bystanders.push({ url, kind: 'handled' })
  }
  const lines = { type: 'array', uniqueItems: true, items: { type: 'object', required: ['id'] } }
  const words = { type: 'string', pattern: '^[a-z]+( [a-z]+)*$' }
  const types = [
    { key: 'order' },
    { key: 'checked', validateEvents: true, schema: { type: 'object', properties: { lines, words } } },
    { key: 'computed', tenantIdFormula: { $var: '$.of' } },
  ]
  for (const body of types) await admin.appEventTypes.create({ body })
  for (const [key, output] of Object.entries({ order: { $var: '$.input.trigger' }, computed: HEAVY }))
    await admin.flows.create({
      body: {
        key,
        name: key,
        nodes: {
          trigger: { type: 'app-event-trigger', config: { appEvent: { key } }, links: [{ key: 'make' }] },
          make: { type: 'transform-data', config: { output } },
        },
      },
    })
  const urlFor = async (customer: Permea, appEventTypeKey: string) =>
    (await customer.appEventSubscriptions.getByQuery({ query: { appEventTypeKey, autoCreate: true } })).webhookUri
  await acme.flowInstances.create({ body: { flowKey: 'order', enabled: true } })
  await mallory.flowInstances.create({ body: { flowKey: 'computed', enabled: true } })
  const order = await urlFor(acme, 'order')
  for (let n = 0; n < 4; n += 1) bystanders.push({ url: order, kind: 'event' })
  const loops = await Promise.all(
    LOOPS.map((body, n) => offerEvent(admin, mallory, theirs.id, `loop-${n}`, body).then(({ url }) => url)),
  )
  const { globalWebhookUri } = await admin.appEventTypes.get({ params: { selector: 'computed' } })
  return {
    bystanders,
    mallory,
    urls: {
      checked: await urlFor(mallory, 'checked'),
      computed: await urlFor(mallory, 'computed'),
      global: globalWebhookUri ?? '',
      loops,
    },
  }
}

// ── what is sent ──

const EMPTIES = `[${'{},'.repeat(3_400_000)}{}]`
/** Large, and of many values. */
const LARGE = `{"list":[${Array.from({ length: 60_000 }, (_, n) => `{"id":${n},"a":[1]}`).join(',')}]}`
const LINES = JSON.stringify({
  lines: Array.from({ length: 40_000 }, (_, id) => ({ id, name: `line ${id}` })),
  words: 'word '.repeat(100_000).trim(),
})
const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`

/** Each is repeated as long as the others; what it is answered is not looked at. */
function attacksOn(engine: EngineProcess, { mallory, urls }: Scene): Record<string, (n: number) => Promise<unknown>> {
  const json = { 'content-type': 'application/json' }
  const customer = { authorization: `Bearer ${engine.tokenOf({ id: 'mallory' })}` }
  const admin = { authorization: `Bearer ${engine.tokenOf({ isAdmin: true })}` }
  const api = (path: string) => `${engine.url}${path}`
  const post = (url: string, body: string, headers: Record<string, string> = {}) =>
    fetch(url, { method: 'POST', headers: { ...json, ...headers }, body })
      .then((answer) => answer.text())
      .catch(() => '')
  const times = (count: number, work: (n: number) => Promise<unknown>) =>
    Promise.all(Array.from({ length: count }, (_, n) => work(n)))
  const every = (ms: number, work: Promise<unknown>) => Promise.all([pause(ms), work])
  const unknown = `${engine.url}/webhooks/app-events/00000000-0000-4000-8000-000000000000`
  return {
    'large bodies of nobody': () =>
      every(
        200,
        times(3, () => post(api('/customers'), EMPTIES)),
      ),
    'large bodies with a token': () => every(500, post(api('/flow-instances'), LARGE, customer)),
    'large events': () => every(1000, post(urls.computed, LARGE)),
    'bodies that stop': () =>
      every(
        500,
        times(5, (n) => half(n % 2 === 0 ? urls.checked : unknown)),
      ),
    'deep JSON': () =>
      every(
        100,
        times(3, (n) =>
          post(n === 0 ? urls.computed : n === 1 ? api('/flows') : unknown, deep(n === 0 ? 190 : 9000), admin),
        ),
      ),
    'expressions that take long': (n) => every(100, post(urls.computed, JSON.stringify({ n }))),
    'schemas that take long': () => every(300, post(urls.checked, LINES)),
    'names that no database takes': () =>
      every(50, post(urls.global, JSON.stringify([{ of: 'a\u0000b' }, { of: 'mallory' }, { of: '\ud800' }]))),
    'functions that loop': (n) => every(20, post(urls.loops[n % urls.loops.length] ?? '', '{"n":1}')),
    'new functions that loop': (n) =>
      times(12, (k) =>
        post(
          api('/functions/test'),
          JSON.stringify({ function: `export default () => { for (let i = ${n * 12 + k}; ; i++); }` }),
          admin,
        ),
      ),
    'new nodes whose code loops': (n) =>
      mallory.flowInstances
        .create({
          body: {
            key: `own-${n}`,
            nodes: {
              code: { type: 'run-javascript', config: { code: `for (let i = ${n}; ; i++);\nexport default () => 1` } },
            },
          },
        })
        .catch(() => null),
    'addresses that there are not': () =>
      every(
        10,
        times(5, () => post(unknown, '{"n":1}')),
      ),
    'tokens that are none': () =>
      every(
        10,
        times(2, () => post(api('/flows'), '{}', { authorization: 'Bearer a.b.c' })),
      ),
    'a flood of one customer': (n) =>
      every(
        10,
        times(3, (k) => post(urls.checked, JSON.stringify({ n, k }))),
      ),
  }
}

/** Sends half of a body and waits for what comes of it, for a while. */
function half(url: string): Promise<void> {
  const { hostname, port, pathname } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(
        `POST ${pathname} HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: application/json\r\ncontent-length: 9000000\r\n\r\n`,
      )
      socket.write(`{"text":"${'x'.repeat(1_000_000)}`)
    })
    socket.resume()
    socket.setTimeout(2000, () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', () => resolve())
  })
}

// ── measures ──

function steadyLoad(load: SteadyLoad): { stop(): Promise<SteadyAnswer[]> } {
  const worker = new Worker(new URL('./steady-load.ts', import.meta.url), { workerData: load })
  const answers = new Promise<SteadyAnswer[]>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  return {
    stop() {
      worker.postMessage('stop')
      return answers
    },
  }
}

/**
 * How many times as long as its processor time a process takes that computes a little now and then: 1 on a machine with
 * nothing else to do. What the machine makes everybody wait is not the engine's.
 */
function howBusy(): { stop(): Promise<number> } {
  const child = spawn(process.execPath, ['-e', COMPUTE_NOW_AND_THEN], { stdio: ['pipe', 'pipe', 'inherit'] })
  return {
    async stop() {
      child.stdin.end()
      const [said] = (await once(child.stdout, 'data')) as [Buffer]
      return Number(said.toString())
    },
  }
}

const COMPUTE_NOW_AND_THEN = `
  let wallMs = 0, cpuMs = 0
  setInterval(() => {
    const beganMs = performance.now(), before = process.cpuUsage()
    let used
    do { used = process.cpuUsage(before) } while (used.user + used.system < 3000)
    cpuMs += (used.user + used.system) / 1000
    wallMs += performance.now() - beganMs
  }, 50)
  process.stdin.on('end', () => { console.log(wallMs / cpuMs); process.exit() }).resume()`

function spreadOf(answers: readonly SteadyAnswer[]) {
  const sorted = answers.map(({ ms }) => ms).toSorted((one, other) => one - other)
  const at = (share: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
  return { count: sorted.length, p50Ms: at(0.5), p95Ms: at(0.95), mostMs: at(1) }
}

/** 0 where the system does not tell. */
function residentBytes({ pid }: EngineProcess): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

async function countOf(url: string, table: 'app_events' | 'external_events'): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query(
      `select count(*)::int as count from ${table} e join customers c on c.id = e.customer_id where c.internal_id = 'acme'`,
    )
    return rows[0]?.count ?? 0
  } finally {
    await client.end()
  }
}
