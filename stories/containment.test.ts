import { Agent, request } from 'node:http'
import type { Permea } from '@permea/sdk'
import { createEngineProcess, createTestDatabase, pause, startExternalApp, until } from '@permea/testkit'
import { expect, test } from 'vitest'
import { connectVendor, offerEvent, offerVendor } from './vendor.ts'

// One customer's functions loop, fill memory and try to break out, while webhooks of other functions come in.

const PER_SECOND = 200
const SECONDS_BEFORE = 3
const SECONDS_WHILE = 10
const BYSTANDERS = 8
const SETTLES_MS_MAX = 60_000

/** As what a call is recorded: the key of its error, or none where it may go on and finds nothing. */
const HARMLESS = 'nothing'
/** What ends calls that wait behind, or run beside, those that were stopped: one customer's have one process for all. */
const CROWDED = ['wall_timeout', 'crashed', 'overloaded']
const LOOPED = ['cpu_timeout', ...CROWDED]
const BOMBED = ['memory', 'thrown', ...LOOPED]

const ATTACKS: Record<string, { body: string; ends: readonly string[] }> = {
  'a loop': { body: 'for (;;);', ends: LOOPED },
  'a loop after an await': { body: 'await null; for (;;);', ends: LOOPED },
  'a loop in a catch': { body: 'try { throw 1 } catch { for (;;); }', ends: LOOPED },
  'a loop in a finally': { body: 'try { for (;;); } finally { for (;;); }', ends: LOOPED },
  'endless microtasks': {
    body: 'const again = () => Promise.resolve().then(again); again(); await new Promise(() => {})',
    // Stopped within one of them, the chain breaks off, and what is left waits for nothing.
    ends: [...LOOPED, 'never_settles'],
  },
  'a getter that loops': { body: 'return { get events() { for (;;); } }', ends: LOOPED },
  'a thenable that loops': { body: 'return { then() { for (;;); } }', ends: LOOPED },
  'a regular expression': { body: 'return /^(a+)+$/.test("a".repeat(40) + "b")', ends: LOOPED },
  'a native loop': { body: 'return Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)', ends: LOOPED },
  'a long join': { body: 'return new Array(4e8).join("xx").length', ends: BOMBED },
  'a huge BigInt': { body: 'let a = 3n; for (;;) a = a * a', ends: BOMBED },
  'a bomb of objects': { body: 'const a = []; for (;;) a.push({ a: [1, 2, 3] })', ends: BOMBED },
  'a bomb of text': { body: 'let s = "x"; for (;;) s += s', ends: BOMBED },
  'a bomb of promises': { body: 'const a = []; for (;;) a.push(new Promise(() => {}).then(() => 1))', ends: BOMBED },
  'a bomb of bytes': { body: 'const a = []; for (;;) a.push(new Uint8Array(1e6).fill(1))', ends: BOMBED },
  'thirty million elements': { body: 'return new Array(3e7).fill(0).length', ends: BOMBED },
  'a deep recursion': { body: 'const f = (n) => [n, f(n + 1)]; return f(0)', ends: BOMBED },
  'a promise that nothing settles': { body: 'await new Promise(() => {})', ends: ['never_settles', ...CROWDED] },
  'a result that is too large': { body: 'return { events: ["x".repeat(11e6)] }', ends: ['memory', ...CROWDED] },
  'the process by a constructor': {
    body: `return { events: [{ found: data.constructor.constructor('return typeof process')() }] }`,
    ends: [HARMLESS, ...CROWDED],
  },
  'the process by Function': {
    body: `return { events: [{ found: new Function('return typeof process')() }] }`,
    ends: [HARMLESS, ...CROWDED],
  },
  'an import of the file system': {
    body: `return { events: [{ found: await import('node:fs').then(() => 'fs', () => 'undefined') }] }`,
    ends: [HARMLESS, ...CROWDED],
  },
  'the prototype that all share': {
    body: `Object.prototype.polluted = Array.prototype.polluted = 'yes'
      const found = globalThis.left; globalThis.left = 'behind'
      return { events: [{ found: String(found) }] }`,
    ends: [HARMLESS, ...CROWDED],
  },
}

test(`${PER_SECOND} webhooks a second of others are answered without an error while functions misbehave`, {
  timeout: 240_000,
}, async () => {
  await using vendor = await startExternalApp()
  await using database = await createTestDatabase()
  await using engine = await createEngineProcess({ databaseUrl: database.url, reachablePorts: [vendor.port] })
  await engine.start()
  const admin = engine.as({ isAdmin: true })
  await offerVendor(admin, vendor)
  const [acme, mallory] = [engine.as({ id: 'acme' }), engine.as({ id: 'mallory' })]
  const [ours, theirs] = [await connectVendor(acme, vendor), await connectVendor(mallory, vendor)]
  const bystanders = await Promise.all(
    Array.from({ length: BYSTANDERS }, (_, index) =>
      offerEvent(
        admin,
        acme,
        ours.id,
        `bystander-${index}`,
        'return { events: [{ got: data.n, clean: !{}.polluted }] }',
      ),
    ),
  )
  const attacks = await Promise.all(
    Object.entries(ATTACKS).map(async ([name, { body, ends }], index) => ({
      name,
      ends,
      ...(await offerEvent(admin, mallory, theirs.id, `attack-${index}`, body)),
    })),
  )
  const agent = new Agent({ keepAlive: true, maxSockets: 256 })
  const urls = bystanders.map((each) => each.url)

  const before = await postSteadily(agent, urls, SECONDS_BEFORE)
  let isOver = false
  const attacking = attacks.map(async ({ url }) => {
    const statuses: number[] = []
    while (!isOver) statuses.push((await post(agent, url, { n: statuses.length })).status)
    return statuses
  })
  const during = await postSteadily(agent, urls, SECONDS_WHILE)
  isOver = true
  const hits = (await Promise.all(attacking)).map((statuses) => statuses.length)
  agent.destroy()

  // Nobody else noticed.
  const answers = [...before, ...during]
  expect(answers.filter(({ status }) => status < 200 || status > 299)).toEqual([])
  await until('every event of the bystanders is stored', SETTLES_MS_MAX, async () => {
    const payloads = await payloadsOf(acme)
    expect(payloads.filter((payload) => payload.clean !== true)).toEqual([])
    return payloads.length === answers.length
  })
  expect((await acme.incomingWebhooks.list({ query: { status: 'error' } })).items).toEqual([])

  // Each of them ended as such a function ends, and found nothing.
  for (const { name, ends, subscriptionId } of attacks) {
    const settled = await until(`${name} is over`, SETTLES_MS_MAX, async () => {
      const { items } = await mallory.incomingWebhooks.list({ query: { subscriptionId, limit: 5 } })
      return items.length > 0 ? items : null
    })
    for (const { error } of settled) expect(ends, name).toContain(error?.key ?? HARMLESS)
    if (!ends.includes(HARMLESS)) continue
    const { items } = await mallory.externalEvents.list({ query: { externalEventSubscriptionId: subscriptionId } })
    for (const { payload } of items) expect(payload, name).toEqual({ found: 'undefined' })
  }
  expect(engine.isUp).toBe(true)
  const sums = {
    bystanders: { before: spreadOf(before), while: spreadOf(during) },
    attacks: { kinds: attacks.length, calls: hits.reduce((sum, each) => sum + each, 0) },
  }
  process.stdout.write(`${JSON.stringify(sums)}\n`)
})

interface Answer {
  status: number
  ms: number
}

/** Posts at a rate, whether what came before is answered or not; gives every answer. */
async function postSteadily(agent: Agent, urls: readonly string[], seconds: number): Promise<Answer[]> {
  const beganMs = performance.now()
  const underWay: Promise<Answer>[] = []
  while (underWay.length < PER_SECOND * seconds) {
    const n = underWay.length
    const leftMs = beganMs + (n * 1000) / PER_SECOND - performance.now()
    if (leftMs > 1) await pause(leftMs)
    underWay.push(post(agent, urls[n % urls.length] ?? '', { n }))
  }
  return Promise.all(underWay)
}

function post(agent: Agent, url: string, body: unknown): Promise<Answer> {
  const beganMs = performance.now()
  const text = JSON.stringify(body)
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      response.resume()
      response.on('end', () => resolve({ status: response.statusCode ?? 0, ms: performance.now() - beganMs }))
    })
    sent.on('error', reject)
    sent.end(text)
  })
}

/** The payloads of every event of a customer. */
async function payloadsOf(customer: Permea): Promise<{ got: number; clean: boolean }[]> {
  const payloads: unknown[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await customer.externalEvents.list({
      query: { limit: 1000, ...(cursor === undefined ? {} : { cursor }) },
    })
    payloads.push(...page.items.map((event) => event.payload))
    cursor = page.cursor ?? undefined
    if (cursor === undefined || page.items.length === 0) return payloads as { got: number; clean: boolean }[]
  }
}

function spreadOf(answers: readonly Answer[]) {
  const sorted = answers.map(({ ms }) => ms).sort((one, other) => one - other)
  const at = (share: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
  return { count: sorted.length, p50Ms: at(0.5), p95Ms: at(0.95) }
}
