import {
  createEngineProcess,
  createPostgresProcess,
  type EngineProcess,
  type NatsCluster,
  type PostgresProcess,
  pause,
  type Receiver,
  seededRandom,
  startNatsCluster,
  startReceiver,
  until,
} from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createLedger,
  eventIds,
  furnish,
  type Ledger,
  nameOf,
  reckon,
  type Shipment,
  ship,
  twoCalls,
} from '../ledger.ts'

// Two engines behind three servers of NATS. Whatever dies or stands still, what was acknowledged is applied once.

/** How long PostgreSQL is away; by hand: `SECONDS=60`. */
const AWAY_SECONDS = Number(process.env.SECONDS ?? 10)
/** Between two events of a customer meanwhile; by hand: as many as make 300 a second. */
const PAUSE_MS = process.env.SECONDS === undefined ? 100 : 15
/** What came meanwhile is worked off one run after the other in lanes that keep an order. */
const CALM_MS = 60_000 + AWAY_SECONDS * 15_000
const CUSTOMERS = ['anna', 'ben', 'chloe', 'dora', 'emil', 'fritz']
/** Sends one request, again and again. */
const REPEATER = 'zoe'
const FLOWS = ['orders', 'strict']

const random = seededRandom()
let nats: NatsCluster
let postgres: PostgresProcess
let receiver: Receiver
let engines: EngineProcess[]
let places: Awaited<ReturnType<typeof furnish>>
const taken = new Map<string, number>()
/** In the order of their first arrival at the node of the flow that keeps an order. */
const inOrder = new Map<string, number[]>()
const ledger = createLedger()
let sent = 0

beforeAll(async () => {
  ;[nats, postgres, receiver] = await Promise.all([startNatsCluster(), createPostgresProcess(), startReceiver()])
  await postgres.start()
  receiver.behave((request, response) => {
    const what = nameOf(request)
    const { order, customer } = request.json as { order: string; customer: string }
    if (what.startsWith('strict/first') && !taken.has(what))
      inOrder.set(customer, [...(inOrder.get(customer) ?? []), Number(order)])
    taken.set(what, (taken.get(what) ?? 0) + 1)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}')
  })
  engines = await Promise.all(
    [0, 1].map(() =>
      createEngineProcess({
        databaseUrl: postgres.urlOf('postgres'),
        reachablePorts: [receiver.port],
        env: { PERMEA_NATS_URL: nats.url, PERMEA_NATS_MEGABYTES: '64' },
      }),
    ),
  )
  for (const engine of engines) await engine.start()
  const [first] = engines
  if (first === undefined) throw new Error('there are two engines')
  places = await furnish(
    first,
    [twoCalls('orders', receiver.port), { ...twoCalls('strict', receiver.port), ordered: true }],
    [...CUSTOMERS, REPEATER],
  )
}, 120_000)

afterAll(async () => {
  for (const each of [...(engines ?? []), nats, postgres, receiver]) await each?.[Symbol.asyncDispose]()
}, 60_000)

/** One sender for each customer, which goes on with the next when the last was acknowledged; gives what it was told else. */
async function underLoad(during: () => Promise<void>, pauseMs = 60): Promise<Map<string, number>> {
  const refused = new Map<string, number>()
  let isOver = false
  const senders = CUSTOMERS.map(async (customer, index) => {
    while (!isOver) {
      sent += 1
      const isGlobal = random.next() < 0.3
      const path = (isGlobal ? places.globalPath : places.pathOf.get(customer)) ?? ''
      const shipment: Shipment = {
        path,
        token: null,
        orders: [String(sent)],
        customer,
        isBatch: false,
        key: `k${sent}`,
      }
      await shipped(shipment, index, refused)
      await pause(pauseMs)
    }
  })
  try {
    await during()
  } finally {
    isOver = true
    await Promise.all(senders)
  }
  return refused
}

async function shipped(shipment: Shipment, place: number, refused: Map<string, number>): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const engine = engines[(place + tries) % engines.length]
    const own: Ledger = { ...ledger, refused }
    if (engine !== undefined && (await ship(engine, shipment, own))) return
    await pause(50)
  }
}

/** Resolves when every acknowledged event is a row and every run has ended, or when that takes too long to be so ever. */
async function calm(): Promise<string[]> {
  await until('every run has ended', CALM_MS, async () => {
    const open = await Promise.all(
      (['queued', 'running'] as const).map((state) => places.admin.flowRuns.list({ query: { state, limit: 1 } })),
    )
    if (open.some((page) => page.items.length > 0)) return false
    const behind = await Promise.all(
      engines.map(async ({ url }) => {
        const said = (await (await fetch(`${url}/readyz`)).json()) as { intakeLog?: { messages: number } }
        return said.intakeLog?.messages ?? 1
      }),
    )
    if (behind.some((messages) => messages > 0)) return false
    return taken.size >= ledger.acknowledged.size * 2 * FLOWS.length
  }).catch(() => {})
  return eventIds(places.admin)
}

/** Acknowledged ids against rows, runs and what the receiver saw; orders against the order that they were sent in. */
async function balanced(what: string, refused: ReadonlyMap<string, number>): Promise<void> {
  const found = await calm()
  const sums = await reckon(ledger, places.admin, taken, FLOWS)
  const rows = new Set(found)
  process.stdout.write(
    `${JSON.stringify({
      ...{ what, seed: random.seed, acknowledged: sums.acknowledged, rows: rows.size, lost: sums.lost.length },
      ...{ duplicates: sums.duplicates, refused: Object.fromEntries(refused), unanswered: ledger.unanswered },
      reasons: [...ledger.reasons],
    })}\n`,
  )
  expect(sums.lost).toEqual([])
  expect(sums.notCompleted).toEqual([])
  // Every row was acknowledged, and every acknowledged event is one row: repetitions were told of the first.
  expect(rows.size).toBe(found.length)
  expect([...rows].filter((id) => !ledger.acknowledged.has(id))).toEqual([])
  expect(rows.size).toBe(ledger.acknowledged.size)
  expect([...ledger.byKey].filter(([, ids]) => ids.size > 1)).toEqual([])
  for (const orders of inOrder.values()) expect(orders).toEqual([...orders].sort((a, b) => a - b))
}

const STREAM = 'permea_intake'

async function leader() {
  let found = await nats.leaderOf(STREAM)
  await until('a server leads', 30_000, async () => {
    found = await nats.leaderOf(STREAM)
    return found !== null
  })
  if (found === null) throw new Error('until has found it')
  return found
}

test('the server that leads is killed, and nobody is refused', { timeout: 240_000 }, async () => {
  const refused = await underLoad(async () => {
    await pause(300)
    const killed = await leader()
    await killed.kill()
    const before = ledger.acknowledged.size
    await until('events are taken in again', 30_000, () => ledger.acknowledged.size > before + CUSTOMERS.length)
    await killed.start()
    await nats.healthy()
  })
  await balanced('leader killed', refused)
  expect(Object.fromEntries(refused)).toEqual({})
})

test('a leader that stands still is left, and nobody is refused', { timeout: 240_000 }, async () => {
  const refused = await underLoad(async () => {
    const paused = await leader()
    paused.pause()
    const before = ledger.acknowledged.size
    await until('events are taken in again', 30_000, () => ledger.acknowledged.size > before + CUSTOMERS.length)
    paused.goOn()
    await nats.healthy()
    // A slow one: it stands still again and again, and the others do not wait for it.
    const [slow] = nats.nodes.filter((node) => node !== paused)
    for (let times = 0; times < 10; times += 1) {
      slow?.pause()
      await pause(50)
      slow?.goOn()
      await pause(50)
    }
  })
  await balanced('leader paused, one slow', refused)
  expect(Object.fromEntries(refused)).toEqual({})
})

test('with one server of three left, requests are refused for now and nothing acknowledged is lost', {
  timeout: 240_000,
}, async () => {
  const refused = await underLoad(async () => {
    const [first, second] = nats.nodes
    await Promise.all([first?.kill(), second?.kill()])
    const path = places.pathOf.get(REPEATER) ?? ''
    sent += 1
    const order = String(sent)
    const answer = await fetch(`${engines[0]?.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'never' },
      body: JSON.stringify({ order, customer: REPEATER }),
    })
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    await Promise.all([first?.start(), second?.start()])
    await nats.healthy()
    const before = ledger.acknowledged.size
    await until('events are taken in again', 60_000, () => ledger.acknowledged.size > before + CUSTOMERS.length)
    // What was refused for now may have been kept all the same; the key makes it one.
    await shipped(
      { path, token: null, orders: [order], customer: REPEATER, isBatch: false, key: 'never' },
      0,
      new Map(),
    )
  })
  await balanced('two of three killed', refused)
  expect([...refused.keys()].filter((what) => !what.startsWith('503'))).toEqual([])
})

test(`PostgreSQL is away for ${AWAY_SECONDS} s, nobody is refused, and all is applied once and in order`, {
  timeout: 120_000 + AWAY_SECONDS * 3000 + CALM_MS,
}, async () => {
  let whileAway = 0
  const refused = await underLoad(async () => {
    await pause(500)
    await postgres.stop('immediate')
    const before = ledger.acknowledged.size
    await pause(AWAY_SECONDS * 1000)
    whileAway = ledger.acknowledged.size - before
    await postgres.start()
  }, PAUSE_MS)
  await balanced(`PostgreSQL away for ${AWAY_SECONDS} s, ${whileAway} taken in meanwhile`, refused)
  expect(Object.fromEntries(refused)).toEqual({})
  expect(whileAway).toBeGreaterThan(AWAY_SECONDS * 3)
})

test('engines are killed at random, one of them started without a database, and all is applied once', {
  timeout: 120_000,
}, async () => {
  const refused = await underLoad(async () => {
    for (let times = 0; times < 3; times += 1) {
      const engine = random.pick(engines)
      await pause(random.between(100, 600))
      await engine.kill('SIGKILL')
      if (times === 1) {
        await postgres.stop('fast')
        await engine.start()
        const before = ledger.acknowledged.size
        await until('events are taken in', 20_000, () => ledger.acknowledged.size > before + 3 * CUSTOMERS.length)
        await postgres.start()
      } else await engine.start()
    }
  })
  await balanced('engines killed', refused)
  expect(Object.fromEntries(refused)).toEqual({})
})
