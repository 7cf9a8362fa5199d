import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import {
  createEmptyDatabase,
  createEngineProcess,
  createTestDatabase,
  type EngineProcess,
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
} from '../ledger.ts'

const PERMEA = fileURLToPath(new URL('../../cli/bin/permea.js', import.meta.url))
const CLIENTS = 4
const FLOWS = ['orders', 'audit']
/** Acknowledged events before the backup begins. */
const BEFORE = 120

test('a backup that was made under load has everything that was acknowledged before it, and what was open goes on', async () => {
  const random = seededRandom()
  await using receiver = await startReceiver()
  const taken = behaveLikeAnApplication(receiver, random)
  const ledger = createLedger()
  let before = createLedger()
  const reachable = { reachablePorts: [receiver.port] }
  const dir = await mkdtemp(path.join(tmpdir(), 'permea-back-up-'))
  await using _ = { [Symbol.asyncDispose]: () => rm(dir, { recursive: true }) }
  const file = path.join(dir, 'under-load.zip')
  {
    await using database = await createTestDatabase()
    await using engine = await createEngineProcess({ databaseUrl: database.url, ...reachable })
    await engine.start()
    const places = await furnish(
      engine,
      FLOWS.map((key) => twoCalls(key, receiver.port)),
      ['anna', 'ben', 'chloe'],
    )
    const make = shipmentMaker(random, { ...places, tokenOf: (customer) => engine.tokenOf({ id: customer }) })
    const load = keepSending(engine, make, ledger)
    await until('there is something to back up', 60_000, () => ledger.acknowledged.size >= BEFORE)
    before = { ...ledger, acknowledged: new Map(ledger.acknowledged) }
    await permea(database.url, 'backup', file)
    const during = ledger.acknowledged.size - before.acknowledged.size
    // Work went on while it was made.
    expect(during).toBeGreaterThan(0)
    await load.stop()
    expect(ledger.refused.size + ledger.unanswered).toBe(0)
    await engine.kill('SIGKILL')
  }
  // The database is gone. What your application took after the moment of the backup does not count for the restored.
  await using restored = await createEmptyDatabase()
  await permea(restored.url, 'restore', file)
  expect(await lostOf(restored.url, [...before.acknowledged.keys()])).toEqual([])
  await using engine = await createEngineProcess({ databaseUrl: restored.url, ...reachable })
  await engine.start()
  await until('every run has ended', 60_000, async () => (await openRuns(restored.url)) === 0)
  const sums = await reckon(before, engine.as({ isAdmin: true }), taken, FLOWS)
  expect(sums).toMatchObject({ acknowledged: before.acknowledged.size, lost: [], notCompleted: [] })
}, 180_000)

/** Runs a command as an operator does; throws with what it said where it fails. */
async function permea(databaseUrl: string, ...args: string[]): Promise<void> {
  const env = { ...process.env, DATABASE_URL: databaseUrl }
  await promisify(execFile)(process.execPath, [PERMEA, ...args], { env })
}

function keepSending(engine: EngineProcess, make: () => Shipment, ledger: ReturnType<typeof createLedger>) {
  let isOn = true
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (isOn) await ship(engine, make(), ledger)
  })
  return {
    async stop() {
      isOn = false
      await Promise.all(clients)
    },
  }
}

async function asked<Row extends object>(url: string, text: string, values: unknown[] = []): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return client
    .query<Row & pg.QueryResultRow>(text, values)
    .then(({ rows }) => rows)
    .finally(() => client.end())
}

async function openRuns(url: string): Promise<number> {
  const [row] = await asked<{ count: number }>(url, 'select count(*)::int as count from flow_runs_open')
  return row?.count ?? 0
}

/** Of events by their public ids, those that the table does not have. */
async function lostOf(url: string, ids: readonly string[]): Promise<string[]> {
  const there = await asked<{ id: string }>(url, 'select id from app_events')
  const known = new Set(there.map(({ id }) => id))
  return ids.filter((id) => !known.has(uuidOf(id)))
}

/** `aev_…` as the UUID that it stands for: 26 digits of 5 bits. */
function uuidOf(id: string): string {
  const digits = '0123456789abcdefghjkmnpqrstvwxyz'
  const value = [...id.slice(id.indexOf('_') + 1)].reduce((sum, each) => sum * 32n + BigInt(digits.indexOf(each)), 0n)
  const hex = value.toString(16).padStart(32, '0')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
