import {
  createEngineProcess,
  createTestDatabase,
  type EngineProcess,
  pause,
  type Receiver,
  seededRandom,
  startReceiver,
  until,
} from '@permea/testkit'
import { describe, expect, test } from 'vitest'
import { createLedger, furnish, type Ledger, reckon, ship, twoCalls } from './ledger.ts'

// Several processes on one database share the work; what one of them was doing, the others take over.

const TAKEN_OVER_MS_MAX = 10_000

/** Processes on one database, started at the same moment. */
async function startTogether(count: number, databaseUrl: string, receiver: Receiver): Promise<EngineProcess[]> {
  const engines = await Promise.all(
    Array.from({ length: count }, () => createEngineProcess({ databaseUrl, reachablePorts: [receiver.port] })),
  )
  await Promise.all(engines.map((engine) => engine.start()))
  return engines
}

async function runsCompletedBy(engine: EngineProcess): Promise<number> {
  const text = await (await fetch(`${engine.url}/metrics`)).text()
  const counts = [...text.matchAll(/^\w*runs_finished\w*\{state="completed"\} (\d+)/gm)]
  return counts.reduce((sum, [, count]) => sum + Number(count), 0)
}

function accountOf(receiver: Receiver): Map<string, number> {
  const taken = new Map<string, number>()
  receiver.behave(async ({ path, json }, response) => {
    await pause(20)
    const what = `${path.slice(1)} ${(json as { order: string }).order}`
    taken.set(what, (taken.get(what) ?? 0) + 1)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  return taken
}

async function allRunsEnd(engine: EngineProcess, withinMs: number): Promise<void> {
  const admin = engine.as({ isAdmin: true })
  await until(
    'every run has ended',
    withinMs,
    async () => {
      const lists = (['queued', 'running'] as const).map((state) => admin.flowRuns.list({ query: { state, limit: 1 } }))
      return (await Promise.all(lists)).every(({ items }) => items.length === 0)
    },
    50,
  )
}

describe.each([2, 3])('%i processes that start at the same moment on an empty database', (count) => {
  test('share the work, and what a killed one had is taken over within 10 s', { timeout: 120_000 }, async () => {
    await using database = await createTestDatabase()
    await using receiver = await startReceiver()
    const taken = accountOf(receiver)
    const engines = await startTogether(count, database.url, receiver)
    await using stack = new AsyncDisposableStack()
    for (const engine of engines) stack.use(engine)
    const [first, ...others] = engines
    if (first === undefined) throw new Error('there is a first one')
    const customers = Array.from({ length: 40 }, (_, index) => `customer-${index}`)
    const places = await furnish(first, [twoCalls('orders', receiver.port)], customers)
    const ledger = createLedger()
    // Events come in at every process, whoever works the customer's lane.
    const shipAll = async (round: string, at: readonly EngineProcess[]) => {
      await Promise.all(
        customers.map(async (customer, index) => {
          const path = places.pathOf.get(customer) ?? ''
          const orders = Array.from({ length: 20 }, (_, each) => `${round}-${index}-${each}`)
          const to = at[index % at.length]
          if (to !== undefined)
            await ship(to, { path, token: null, orders, customer, isBatch: true, key: null }, ledger)
        }),
      )
    }
    await until('every process has its share of the work', 20_000, async () => {
      await shipAll(`round-${ledger.acknowledged.size}`, engines)
      await allRunsEnd(first, 20_000)
      return (await Promise.all(engines.map(runsCompletedBy))).every((completed) => completed > 0)
    })
    const shares = await Promise.all(engines.map(runsCompletedBy))

    await shipAll('before-the-kill', engines)
    const [killed] = others
    await killed?.kill('SIGKILL')
    const killedAtMs = performance.now()
    await allRunsEnd(first, TAKEN_OVER_MS_MAX + 5000)
    const takenOverMs = performance.now() - killedAtMs
    const sums = await reckon(ledger, places.admin, taken, ['orders'])
    process.stdout.write(
      `${JSON.stringify({ processes: count, shares, takenOverMs: Math.round(takenOverMs), acknowledged: sums.acknowledged, lost: sums.lost.length, duplicates: sums.duplicates })}\n`,
    )
    expect(sums.lost).toEqual([])
    expect(sums.notCompleted).toEqual([])
    expect(takenOverMs).toBeLessThan(TAKEN_OVER_MS_MAX)
    expect(ledger.acknowledged.size).toBeGreaterThanOrEqual(1600)
  })
})

/** Sends numbered orders one after the other, each to another process, and only after the one before was acknowledged. */
async function shipInOrder(
  engines: readonly EngineProcess[],
  path: string,
  orders: readonly string[],
  customer: string,
  ledger: Ledger,
): Promise<void> {
  for (const [index, order] of orders.entries()) {
    const shipment = { path, token: null, orders: [order], customer, isBatch: false, key: order }
    for (let attempt = index; ; attempt += 1) {
      const engine = engines[attempt % engines.length]
      if (engine?.isUp === true && (await ship(engine, shipment, ledger))) break
    }
  }
}

test('an ordered flow keeps its order over three processes, refusals and a kill', { timeout: 180_000 }, async () => {
  const random = seededRandom()
  await using database = await createTestDatabase()
  await using receiver = await startReceiver()
  const engines = await startTogether(3, database.url, receiver)
  await using stack = new AsyncDisposableStack()
  for (const engine of engines) stack.use(engine)
  const [first, second] = engines
  if (first === undefined || second === undefined) throw new Error('there are three')
  const customers = ['anna', 'ben', 'chloe', 'dan', 'eva', 'finn']
  const places = await furnish(first, [{ ...twoCalls('orders', receiver.port), ordered: true }], customers)
  const seen = new Map<string, { order: number; call: string }[]>()
  const refusedOnce = new Set<string>()
  receiver.behave(async ({ path, json }, response) => {
    const { order, customer } = json as { order: string; customer: string }
    await pause(random.between(0, 10))
    const what = `${path} ${customer} ${order}`
    // Few: each costs the whole flow a second of waiting.
    if (random.next() < 0.02 && !refusedOnce.has(what)) {
      refusedOnce.add(what)
      response.writeHead(random.pick([429, 500])).end()
      return
    }
    seen.set(customer, [...(seen.get(customer) ?? []), { order: Number(order), call: path.split('/').at(-1) ?? '' }])
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  const ledger = createLedger()
  const ORDERS = 60
  const load = Promise.all(
    customers.map((customer) =>
      shipInOrder(
        engines,
        places.pathOf.get(customer) ?? '',
        Array.from({ length: ORDERS }, (_, index) => String(index + 1).padStart(4, '0')),
        customer,
        ledger,
      ),
    ),
  )
  await pause(random.between(300, 1000))
  await second.kill('SIGKILL')
  await pause(random.between(1000, 3000))
  await second.start()
  await load
  await allRunsEnd(first, 90_000)

  const inversions = [...seen].flatMap(([customer, calls]) =>
    calls.flatMap((call, index) => {
      const before = calls[index - 1]
      const isBehind = before !== undefined && rank(call) < rank(before)
      return isBehind ? [`${customer}: ${before.order} ${before.call}, then ${call.order} ${call.call}`] : []
    }),
  )
  const total = [...seen.values()].reduce((sum, calls) => sum + calls.length, 0)
  process.stdout.write(
    `${JSON.stringify({ seed: random.seed, ordered: customers.length * ORDERS, calls: total, refused: refusedOnce.size, inversions: inversions.length })}\n`,
  )
  expect(inversions).toEqual([])
  for (const customer of customers) {
    const orders = new Set((seen.get(customer) ?? []).map((call) => call.order))
    expect(orders.size).toBe(ORDERS)
  }
  expect(refusedOnce.size).toBeGreaterThan(0)
})

function rank({ order, call }: { order: number; call: string }): number {
  return order * 2 + (call === 'second' ? 1 : 0)
}

test('a cap holds over processes that come, go and die', { timeout: 120_000 }, async () => {
  await using database = await createTestDatabase()
  await using receiver = await startReceiver()
  const engines = await startTogether(2, database.url, receiver)
  await using stack = new AsyncDisposableStack()
  for (const engine of engines) stack.use(engine)
  const [first, second] = engines
  if (first === undefined || second === undefined) throw new Error('there are two')
  const customers = ['anna', 'ben', 'chloe', 'dan']
  const places = await furnish(first, [{ ...twoCalls('orders', receiver.port), concurrency: 1 }], customers)
  const underWay = new Map<string, number>()
  let most = 0
  let calls = 0
  receiver.behave(async ({ json }, response) => {
    const { customer } = json as { customer: string }
    const now = (underWay.get(customer) ?? 0) + 1
    underWay.set(customer, now)
    most = Math.max(most, now)
    calls += 1
    // A killed process takes its connections with it: its call is over then.
    response.on('close', () => underWay.set(customer, (underWay.get(customer) ?? 1) - 1))
    await pause(15)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  const ledger = createLedger()
  const send = (round: string, at: EngineProcess) =>
    Promise.all(
      customers.map((customer) => {
        const orders = Array.from({ length: 40 }, (_, index) => `${round}-${index}`)
        return ship(
          at,
          { path: places.pathOf.get(customer) ?? '', token: null, orders, customer, isBatch: true, key: null },
          ledger,
        )
      }),
    )
  await send('a', first)
  await send('b', second)
  await pause(300)
  await second.kill('SIGTERM')
  await send('c', first)
  await second.start()
  await send('d', second)
  await pause(300)
  await second.kill('SIGKILL')
  await send('e', first)
  await allRunsEnd(first, 60_000)
  process.stdout.write(`${JSON.stringify({ capped: ledger.acknowledged.size, calls, mostAtOnce: most })}\n`)
  expect(ledger.acknowledged.size).toBe(5 * 40 * customers.length)
  expect(most).toBe(1)
})
