import { readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { createPermea, type Permea } from '@permea/sdk'
import {
  type Collector,
  createEmptyDatabase,
  keptPort,
  type Receiver,
  startCollector,
  startReceiver,
  type TestDatabase,
  tokenOfWorkspace,
  until,
} from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { twoCalls } from '../ledger.ts'
import { type LoginProvider, signInAt, startLoginProvider } from './login-provider.ts'
import { blocksOf, createMachine, type Machine } from './machine.ts'

// What docs/operate/walkthrough.md says to do, block by block, on an empty machine that is a folder.

const PAGE = fileURLToPath(new URL('../../docs/operate/walkthrough.md', import.meta.url))
const blocks = blocksOf(readFileSync(PAGE, 'utf8'))
const done: string[] = []

let folder: string
let database: TestDatabase
let collector: Collector
let app: Receiver
let machine: Machine
let ports: { tls: number; first: number; second: number; prometheus: number }
let provider: LoginProvider
let admin: Permea
let webhook: string

/** Does the next block of the page. */
async function next(): Promise<string> {
  const block = blocks[done.length]
  if (block === undefined) throw new Error('the page has no more blocks')
  done.push(block.heading)
  return machine.does(block.text)
}

/** None in which a port of the document stands, for which another is put. */
async function portOfIts(): Promise<number> {
  for (;;) {
    const port = await keptPort()
    if (!String(port).includes('400')) return port
  }
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'permea-walkthrough-'))
  await chmod(folder, 0o755)
  database = await createEmptyDatabase()
  collector = await startCollector()
  app = await startReceiver()
  provider = await startLoginProvider()
  const [tls, plain, first, second, prometheus] = [
    await portOfIts(),
    await portOfIts(),
    await portOfIts(),
    await portOfIts(),
    await portOfIts(),
  ]
  ports = { tls, first, second, prometheus }
  process.env.PROMETHEUS_PORT = String(prometheus)
  machine = createMachine(folder, [
    ['postgres://permea:secret@db.example.com/permea', database.url],
    ['https://events.example.com', `https://localhost:${tls}`],
    ['events.example.com', 'localhost'],
    ['listen 443', `listen 127.0.0.1:${tls}`],
    ['listen 80', `listen 127.0.0.1:${plain}`],
    ['127.0.0.1:4318', `127.0.0.1:${collector.port}`],
    // Here the provider is at a private address, too.
    ['127.0.0.1/32:9000', `127.0.0.1/32:${app.port},127.0.0.1/32:${provider.port}`],
    ['https://login.example.com', provider.issuer],
    ['scrape_interval: 15s', 'scrape_interval: 4s'],
    ['engine:4000', 'engine:the-first'],
    ['4000', String(first)],
    ['4001', String(second)],
    ['engine:the-first', `engine:${first}`],
  ])
})

afterAll(async () => {
  const names = [`permea@${ports.first}`, `permea@${ports.second}`, 'prometheus'].join(' ')
  await machine.does(`systemctl stop ${names}`)
  await machine.does('nginx -s stop').catch(() => {})
  for (const each of [app, provider, collector, database]) await each[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

/** Sends an order through nginx until it is taken, as an application would. */
async function send(order: string): Promise<void> {
  const body = JSON.stringify({ order, customer: 'whoever' })
  const length = Buffer.byteLength(body)
  const headers = { 'content-type': 'application/json', 'content-length': length, 'idempotency-key': order }
  const ca = machine.read('etc/permea/tls/fullchain.pem')
  let answer = ''
  await until('it is taken', 60_000, async () => {
    answer = await new Promise((resolve) => {
      const sent = request(webhook, { method: 'POST', ca, headers, agent: false }, (response) => {
        response.resume().on('end', () => resolve(String(response.statusCode)))
      })
      sent.on('error', (error) => resolve(error.message)).end(body)
    })
    return answer === '200'
  }).catch((error: Error) => {
    throw new Error(`${error.message}; last: ${answer}`)
  })
}

const ordersTaken = () =>
  new Set(
    app.received.filter(({ path: to }) => to === '/orders/second').map(({ json }) => (json as { order: string }).order),
  )

test('two processes stand behind nginx with TLS and take events', async () => {
  // nginx runs before it is told of the site, as where a package has just installed it.
  await machine.does('nginx')
  for (let block = 1; block <= 4; block += 1) await next()
  const settings = Object.fromEntries(
    machine
      .read('etc/permea/permea.env')
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
  const token = (claims: object) =>
    tokenOfWorkspace(
      { key: settings.PERMEA_WORKSPACE_KEY ?? '', secret: settings.PERMEA_WORKSPACE_SECRET ?? '' },
      claims,
    )
  const url = `http://127.0.0.1:${ports.first}`
  admin = createPermea({ baseUrl: url, token: token({ isAdmin: true }) })
  await admin.appEventTypes.create({ body: { key: 'order-created', name: 'Order created' } })
  await admin.flows.create({ body: twoCalls('orders', app.port) })
  const anna = createPermea({ baseUrl: url, token: token({ id: 'anna' }) })
  await anna.flowInstances.getByQuery({ query: { flowKey: 'orders', autoCreate: true } })
  const { items } = await anna.appEventSubscriptions.list()
  webhook = items[0]?.webhookUri ?? ''
  expect(webhook).toMatch(new RegExp(`^https://localhost:${ports.tls}/webhooks/`))
}, 240_000)

test('people sign in with the provider: the owner who invited herself, others as readers, nobody of elsewhere', async () => {
  await next()
  expect(await next()).toContain('/console')
  const url = `https://localhost:${ports.tls}`
  const ca = machine.read('etc/permea/tls/fullchain.pem')
  provider.allow(`${url}/console/session/sso/callback`)
  const signIn = (sub: string, email: string) => signInAt(url, { ca, provider, person: { sub, email } })
  expect(await signIn('you', 'you@example.com')).toMatchObject({ role: 'owner', person: { email: 'you@example.com' } })
  expect(await signIn('anna', 'anna@example.com')).toMatchObject({ role: 'reader' })
  expect(await signIn('eve', 'eve@example.net')).toBeNull()
  const { items } = await admin.people.list()
  expect(items.map(({ email }) => email).toSorted()).toEqual(['anna@example.com', 'you@example.com'])
}, 240_000)

test('traces come to the collector, and what flows send to the application', async () => {
  // Settings count from the next start.
  await next()
  await until('both are there', 60_000, async () => {
    const answers = await Promise.all(
      [ports.first, ports.second].map((port) => fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null)),
    )
    return answers.every((answer) => answer?.status === 200)
  })
  await send('first')
  await until('the application has it', 30_000, () => ordersTaken().has('first'))
  await collector.waitFor('the run is told of', (spans) => spans.some(({ name }) => name === 'flow run'))
  const { items } = await admin.flowRuns.list()
  expect(collector.spans.map(({ traceId }) => traceId)).toContain(items[0]?.traceId)
}, 240_000)

test('Prometheus watches both, with what the dashboard asks for', async () => {
  expect(await next()).toContain('SUCCESS')
  const ask = async (query: string) => {
    const url = `http://127.0.0.1:${ports.prometheus}/api/v1/query?query=${encodeURIComponent(query)}`
    const answer = await fetch(url).catch(() => null)
    if (answer?.status !== 200) return []
    return ((await answer.json()) as { data: { result: { value: [number, string] }[] } }).data.result
  }
  await until('both are up', 60_000, async () => (await ask('up{job="permea"} == 1')).length === 2)
  const shards = await until('all shards are worked', 60_000, async () => {
    const [sum] = await ask('sum(permea_shards_owned)')
    return sum?.value[1] === '64' && sum
  })
  expect(shards.value[1]).toBe('64')
}, 240_000)

test('the nightly job makes a backup that is whole', async () => {
  await next()
  const [, command = ''] = /^0 3 \* \* \* root (.*)$/m.exec(machine.read('etc/cron.d/permea')) ?? []
  // What cron makes of it: a percent sign stands for itself behind a backslash, and there is next to no environment.
  await machine.does(`env -i PATH="$PATH" sh -c '${command.replaceAll('\\%', '%')}'`)
  expect(await next()).toMatch(/whole|rows|good/i)
}, 240_000)

test('an upgrade one process after the other loses nothing', async () => {
  let isOver = false
  const orders: string[] = []
  const load = (async () => {
    while (!isOver) {
      orders.push(`order-${orders.length}`)
      await send(orders.at(-1) ?? '')
    }
  })()
  await next()
  isOver = true
  await load
  await until('the application has all of them', 60_000, () => orders.every((order) => ordersTaken().has(order)))
  expect(orders.length).toBeGreaterThan(20)
  expect(done).toHaveLength(blocks.length)
}, 240_000)

test('a block that is not right fails', async () => {
  await writeFile(machine.at('etc/prometheus/prometheus.yml'), 'scrape: nothing')
  const [block] = blocks.filter(({ text }) => text.includes('promtool'))
  await expect(
    machine.does((block?.text ?? '').replace('"engine:', '"elsewhere:').replace('prometheus.yml >', 'nothing.yml >')),
  ).rejects.toThrow('nothing.yml')
})
