import {
  createEngineProcess,
  createTestDatabase,
  type EngineProcess,
  pause,
  seededRandom,
  startReceiver,
  until,
} from '@permea/testkit'
import pg from 'pg'
import { expect, test } from 'vitest'
import {
  behaveLikeAnApplication,
  createLedger,
  furnish,
  reckon,
  type Shipment,
  ship,
  shipmentMaker,
  twoCalls,
} from './ledger.ts'

// What pipeline and users are promised: nothing acknowledged is lost, whenever the engine is killed.

/** More with `KILLS=200 npx vitest run stories/crash.test.ts`. */
const KILLS = Number(process.env.KILLS ?? 10)
/** A start of the engine on a busy machine, and what comes between two kills. */
const LIFE_MS_MAX = 10_000
const CLIENTS = 6
/** Requests that clients send between two kills: enough for a backlog, few enough for it to be worked off. */
const REQUESTS_PER_LIFE = 60
const RECOVERY_MS_MAX = 10_000

test(`killed ${KILLS} times under load, the engine loses nothing that it acknowledged`, {
  timeout: 60_000 + KILLS * LIFE_MS_MAX,
}, async () => {
  const random = seededRandom()
  await using database = await createTestDatabase()
  await using receiver = await startReceiver()
  const taken = behaveLikeAnApplication(receiver, random)
  await using engine = await createEngineProcess({ databaseUrl: database.url, reachablePorts: [receiver.port] })
  await using sql = await connected(database.url)
  await engine.start()
  const customers = ['anna', 'ben', 'chloe', 'dan']
  const flows = ['orders', 'audit']
  const places = await furnish(
    engine,
    flows.map((key) => twoCalls(key, receiver.port)),
    customers,
  )
  const make = shipmentMaker(random, { ...places, tokenOf: (customer) => engine.tokenOf({ id: customer }) })
  const ledger = createLedger()
  const recoveriesMs: number[] = []
  const startsMs: number[] = []

  for (let kill = 1; kill <= KILLS; kill += 1) {
    const load = sendLoad(engine, make, ledger)
    await pause(random.between(30, 700))
    await engine.kill('SIGKILL')
    await load
    const backlog = (await sql.query<{ id: string }>('select id from flow_runs_open')).rows.map((row) => row.id)
    startsMs.push(await engine.start())
    const readyAtMs = performance.now()
    if (backlog.length > 0) {
      await until('a run that the kill interrupted is completed', RECOVERY_MS_MAX + 5000, async () => {
        const { rows } = await sql.query('select 1 from flow_runs where id = any($1) limit 1', [backlog])
        return rows.length > 0
      })
      // How long a start takes is the machine's doing; what is promised counts from when the engine is ready.
      recoveriesMs.push(performance.now() - readyAtMs)
    }
  }
  // Whatever had a key is sent once more: what was stored before a crash must be recognised after it.
  for (const shipment of ledger.toRepeat) expect(await ship(engine, shipment, ledger)).toBe(true)
  await until('every run has ended', 60_000, async () => {
    const { rows } = await sql.query('select 1 from flow_runs_open limit 1')
    return rows.length === 0
  })

  const sums = await reckon(ledger, places.admin, taken, flows)
  process.stdout.write(
    `${JSON.stringify({
      seed: random.seed,
      kills: KILLS,
      acknowledged: sums.acknowledged,
      lost: sums.lost.length,
      duplicates: sums.duplicates,
      calls: [...taken.values()].reduce((a, b) => a + b, 0),
      unanswered: ledger.unanswered,
      keysRepeated: ledger.toRepeat.length,
      recoveryMs: summary(recoveriesMs),
      startMs: summary(startsMs),
    })}\n`,
  )
  expect(sums.lost).toEqual([])
  expect(sums.notCompleted).toEqual([])
  expect(Math.max(...recoveriesMs)).toBeLessThan(RECOVERY_MS_MAX)
  expect(recoveriesMs.length).toBeGreaterThan(KILLS / 2)
  for (const { key, orders } of ledger.toRepeat) expect(ledger.byKey.get(key ?? '')?.size).toBe(orders.length)
  // Each order that came with a key is one event, however often it was sent and whenever the engine died.
  const { rows: doubled } = await sql.query(
    `select payload::json ->> 'order' as order, count(*) from app_events where payload::json ->> 'key' is not null group by 1 having count(*) <> 1`,
  )
  expect(doubled).toEqual([])
  expect(ledger.toRepeat.length).toBeGreaterThan(KILLS)
  expect([...ledger.refused.keys()]).toEqual([])
})

/** Several clients send until the life's budget is spent or the engine is gone. */
async function sendLoad(
  engine: EngineProcess,
  make: () => Shipment,
  ledger: ReturnType<typeof createLedger>,
): Promise<void> {
  let left = REQUESTS_PER_LIFE
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (left > 0 && engine.isUp) {
        left -= 1
        const shipment = make()
        if (shipment.key !== null) ledger.toRepeat.push(shipment)
        await ship(engine, shipment, ledger)
      }
    }),
  )
}

async function connected(url: string): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() })
}

function summary(values: number[]): { median: number; max: number } {
  const sorted = values.toSorted((a, b) => a - b)
  return { median: Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0), max: Math.round(sorted.at(-1) ?? 0) }
}
