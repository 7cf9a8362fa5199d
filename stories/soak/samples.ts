import { readdirSync, readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import pg from 'pg'
import type { Ledger } from './ledger.ts'
import type { Scene } from './troubles.ts'

/** One moment of a soak. Latencies are those since the moment before; not a number where there were none. */
export interface Sample {
  atS: number
  sentPerS: number
  acknowledgedPerS: number
  arrivedPerS: number
  notAcknowledged: number
  notArrived: number
  answerP50Ms: number
  answerP95Ms: number
  answerP99Ms: number
  arrivalP50Ms: number
  arrivalP95Ms: number
  arrivalP99Ms: number
  engine1Mb: number
  engine2Mb: number
  postgresMb: number
  databaseMb: number
  walMb: number
  runsOpen: number
  deliveriesOpen: number
  machineLoad: number
}

const MB = 1024 * 1024
/** A database that is away is not waited for. */
const LOOK_MS_MAX = 2000

interface InDatabase {
  databaseMb: number
  walMb: number
  runsOpen: number
  deliveriesOpen: number
  postgresMb: number
}

/** Takes samples of a scene, each against the one before. */
export function createSampler(scene: Scene, ledger: Ledger): () => Promise<Sample> {
  const beganMs = performance.now()
  let before = { ms: beganMs, sent: ledger.sent, acknowledged: ledger.acknowledged, arrived: ledger.arrived }
  let inDatabase: InDatabase = { databaseMb: 0, walMb: 0, runsOpen: 0, deliveriesOpen: 0, postgresMb: 0 }
  return async () => {
    inDatabase = (await lookIntoDatabase(scene.postgres.urlOf('postgres')).catch(() => null)) ?? inDatabase
    const nowMs = performance.now()
    const seconds = (nowMs - before.ms) / 1000
    const answers = percentiles(ledger.answersMs.splice(0))
    const arrivals = percentiles(ledger.arrivalsMs.splice(0))
    const sample: Sample = {
      atS: (nowMs - beganMs) / 1000,
      sentPerS: (ledger.sent - before.sent) / seconds,
      acknowledgedPerS: (ledger.acknowledged - before.acknowledged) / seconds,
      arrivedPerS: (ledger.arrived - before.arrived) / seconds,
      notAcknowledged: ledger.sent - ledger.acknowledged,
      notArrived: ledger.sent - ledger.arrived,
      answerP50Ms: answers[0],
      answerP95Ms: answers[1],
      answerP99Ms: answers[2],
      arrivalP50Ms: arrivals[0],
      arrivalP95Ms: arrivals[1],
      arrivalP99Ms: arrivals[2],
      engine1Mb: memoryMbOf(scene.engines[0].pid),
      engine2Mb: memoryMbOf(scene.engines[1].pid),
      ...inDatabase,
      machineLoad: loadavg()[0] ?? Number.NaN,
    }
    before = { ms: nowMs, sent: ledger.sent, acknowledged: ledger.acknowledged, arrived: ledger.arrived }
    return sample
  }
}

async function lookIntoDatabase(url: string): Promise<InDatabase> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: LOOK_MS_MAX,
    query_timeout: LOOK_MS_MAX,
  })
  client.on('error', () => {})
  await client.connect()
  try {
    const { rows } = await client.query<{ pid: number; size: string; wal: string; runs: number; deliveries: number }>(
      `select pg_backend_pid() as pid, pg_database_size(current_database()) as size,
              (select sum(size) from pg_ls_waldir()) as wal,
              (select count(*)::int from flow_runs_open) as runs,
              (select count(*)::int from deliveries_active) as deliveries`,
    )
    const row = rows[0]
    if (row === undefined) throw new Error('the database says nothing of itself')
    return {
      databaseMb: Number(row.size) / MB,
      walMb: Number(row.wal) / MB,
      runsOpen: row.runs,
      deliveriesOpen: row.deliveries,
      postgresMb: memoryMbOf(parentOf(row.pid)),
    }
  } finally {
    await client.end().catch(() => {})
  }
}

function percentiles(values: number[]): [number, number, number] {
  const sorted = Float64Array.from(values).sort()
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return [at(0.5), at(0.95), at(0.99)]
}

/** Memory of a process and its children, pages that several share divided among them; 0 where it is away. */
function memoryMbOf(pid: number | undefined): number {
  if (pid === undefined) return 0
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(Number(name)) === pid)
  return [pid, ...children].reduce<number>((sum, each) => sum + sharedOutMb(each), 0)
}

function sharedOutMb(pid: number | string): number {
  try {
    const [, kb] = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? []
    return Number(kb ?? 0) / 1024
  } catch {
    return 0
  }
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return undefined
  }
}
