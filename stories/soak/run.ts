import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { Permea } from '@permea/sdk'
import { createEngineProcess, createPostgresProcess, keptPort, pause, seededRandom } from '@permea/testkit'
import pg from 'pg'
import { startApplication } from './application.ts'
import { createLedger, type Ledger, type Reckoning, reckon } from './ledger.ts'
import { drawSoak, type Happened } from './picture.ts'
import { createSampler, type Sample } from './samples.ts'
import { furnish } from './scene.ts'
import { type Senders, startSenders } from './senders.ts'
import { type Scene, TROUBLES } from './troubles.ts'

// npm run soak -- [--minutes 120] [--rate 200] [--every 150] [--out soak]
//
// Two engines on one PostgreSQL, events at a rate, and something killed, stopped or away every so often. In the end a
// ledger of what was acknowledged, stored and taken; nothing of it may be missing. Everything is on loopback.

const SAMPLE_MS = 10_000
/** A delivery whose second try failed waits for five minutes. */
const MENDING_MS = 7 * 60_000
const CALM_END_MS = 60_000
const DRAIN_MS_MAX = 15 * 60_000
/** What still waits is sent by hand this often. */
const BY_HAND_MS = 30_000

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '120' },
    rate: { type: 'string', default: '200' },
    every: { type: 'string', default: '150' },
    out: { type: 'string', default: 'soak' },
  },
})
const durationMs = positive('minutes', values.minutes) * 60_000
const perSecond = positive('rate', values.rate)
const everyMs = positive('every', values.every) * 1000

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0`)
  return value
}

let isInterrupted = false
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    isInterrupted = true
  })

/** Waits unless the soak is to end. */
async function untilMs(atMs: number): Promise<void> {
  while (performance.now() < atMs && !isInterrupted) await pause(Math.min(200, Math.max(1, atMs - performance.now())))
}

const say = (about: object) => process.stdout.write(`${JSON.stringify(about)}\n`)

async function main(): Promise<boolean> {
  await mkdir(values.out, { recursive: true })
  const random = seededRandom()
  const ledger = createLedger(Math.ceil((durationMs / 1000) * perSecond))
  await using postgres = await createPostgresProcess()
  await postgres.start()
  await using application = await startApplication(await keptPort(), ledger, random)
  const settings = { databaseUrl: postgres.urlOf('postgres'), reachablePorts: [application.port] }
  await using first = await createEngineProcess(settings)
  await using second = await createEngineProcess(settings)
  const scene: Scene = { engines: [first, second], postgres, application }
  await Promise.all(scene.engines.map((engine) => engine.start()))
  const places = await furnish(first, application.url)
  say({
    seed: random.seed,
    minutes: durationMs / 60_000,
    perSecond,
    everyS: everyMs / 1000,
    out: path.resolve(values.out),
  })

  const beganMs = performance.now()
  const atS = () => (performance.now() - beganMs) / 1000
  const samples: Sample[] = []
  const happened: Happened[] = []
  const senders = startSenders({ urls: scene.engines.map(({ url }) => url), places, perSecond, ledger })
  let isSampling = true
  const sampling = takeSamples(scene, ledger, samples, () => isSampling)

  await causeTroubles(scene, { happened, atS, endMs: beganMs + durationMs })
  await untilMs(beganMs + durationMs)
  await settle(senders, ledger, first.as({ isAdmin: true }), atS)
  isSampling = false
  await sampling
  const stored = await storedTimes(postgres.urlOf('postgres'))
  const sums = reckon(ledger, stored)
  await report({ samples, happened, sums, seconds: atS(), seed: random.seed })
  for (const [index, engine] of scene.engines.entries())
    await writeFile(path.join(values.out, `engine-${index + 1}.log`), engine.log())
  return [sums.notStored, sums.storedTwice, sums.lost, sums.invented].every((each) => each.length === 0)
}

/** One trouble after the other, each once the one before is over. */
async function causeTroubles(
  scene: Scene,
  options: { happened: Happened[]; atS: () => number; endMs: number },
): Promise<void> {
  const { happened, atS, endMs } = options
  for (let turn = 0; ; turn += 1) {
    const dueMs = performance.now() + everyMs
    if (dueMs > endMs - CALM_END_MS) return
    await untilMs(dueMs)
    if (isInterrupted) return
    const trouble = TROUBLES[turn % TROUBLES.length]
    const isShort = durationMs < 2 * MENDING_MS
    if (trouble === undefined || (trouble.isSlowToMend && !isShort && performance.now() > endMs - MENDING_MS)) continue
    const beganS = atS()
    await trouble.cause(scene)
    const entry: Happened = { atS: beganS, name: trouble.name, tookS: atS() - beganS }
    happened.push(entry)
    say(entry)
  }
}

async function takeSamples(scene: Scene, ledger: Ledger, samples: Sample[], isOn: () => boolean): Promise<void> {
  const take = createSampler(scene, ledger)
  const file = path.join(values.out, 'samples.csv')
  for (let nextMs = performance.now() + SAMPLE_MS; isOn(); nextMs += SAMPLE_MS) {
    while (performance.now() < nextMs && isOn()) await pause(100)
    const sample = await take()
    if (samples.length === 0) await writeFile(file, `${Object.keys(sample).join(',')}\n`)
    samples.push(sample)
    await appendFile(file, `${Object.values(sample).map(shown).join(',')}\n`)
    if (samples.length % 30 === 0) say(sample)
  }
}

const shown = (value: number) => (Number.isFinite(value) ? String(Math.round(value * 10) / 10) : '')

/**
 * Waits until everything is acknowledged and was taken, or has had its time. Deliveries that failed three times wait for
 * half an hour: in the end they are sent by hand, as an operator would.
 */
async function settle(senders: Senders, ledger: Ledger, admin: Permea, atS: () => number): Promise<void> {
  const deadlineMs = performance.now() + DRAIN_MS_MAX
  const acknowledged = senders.finish()
  let byHandAtMs = performance.now() + BY_HAND_MS
  while (performance.now() < deadlineMs) {
    if (senders.underWay === 0 && ledger.arrived >= ledger.sent) break
    await pause(200)
    if (senders.underWay > 0 || performance.now() < byHandAtMs) continue
    byHandAtMs = performance.now() + BY_HAND_MS
    const { items } = await admin.deliveries.list({ query: { state: 'pending', limit: 200 } })
    for (const { id } of items) await admin.deliveries.retry({ params: { id } }).catch(() => {})
  }
  if (senders.underWay === 0) await acknowledged
  say({ atS: atS(), sent: ledger.sent, acknowledged: ledger.acknowledged, arrived: ledger.arrived })
}

/** How often each event is in the database. */
async function storedTimes(url: string): Promise<Map<number, number>> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const times = new Map<number, number>()
  try {
    for (const table of ['app_events', 'external_events']) {
      const { rows } = await client.query<{ n: number; count: number }>(
        `select (payload::json ->> 'n')::int as n, count(*)::int as count from ${table} group by 1`,
      )
      for (const { n, count } of rows) times.set(n, (times.get(n) ?? 0) + count)
    }
  } finally {
    await client.end()
  }
  return times
}

async function report(found: {
  samples: Sample[]
  happened: Happened[]
  sums: Reckoning
  seconds: number
  seed: number
}): Promise<void> {
  const { samples, happened, sums, seconds, seed } = found
  const sentForS = Math.min(seconds, durationMs / 1000)
  const title = `${Math.round(sentForS / 60)} minutes at ${perSecond} events a second, ${happened.length} troubles: ${sums.lost.length + sums.notStored.length} lost of ${sums.acknowledged.toLocaleString('en')}`
  await writeFile(path.join(values.out, 'picture.svg'), drawSoak(title, samples, happened))
  const lines = happened.map((each) => `${each.atS.toFixed(1)},${each.tookS.toFixed(1)},${each.name}`)
  await writeFile(path.join(values.out, 'troubles.csv'), `atS,tookS,name\n${lines.join('\n')}\n`)
  const first = (each: number[]) => each.slice(0, 20)
  const summary = {
    seed,
    seconds,
    troubles: happened.length,
    ...sums,
    notStored: sums.notStored.length,
    storedTwice: sums.storedTwice.length,
    lost: sums.lost.length,
    invented: sums.invented.length,
    examples: {
      notStored: first(sums.notStored),
      storedTwice: first(sums.storedTwice),
      lost: first(sums.lost),
      invented: first(sums.invented),
    },
  }
  await writeFile(path.join(values.out, 'ledger.json'), `${JSON.stringify(summary, null, 2)}\n`)
  say(summary)
}

process.exitCode = (await main()) ? 0 : 1
