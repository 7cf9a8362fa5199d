import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startChild } from './child.ts'
import type { Postgres } from './postgres.ts'
import type { RecordsAsks } from './records-child.ts'
import type { ScanAsks, ScanFigures } from './scan-child.ts'
import { atMost, figure, type Row } from './table.ts'

const RECORDS = 100_000
const MIB = 1024 * 1024
const MEMORY_MIB_MAX = 250

/** Scans of an app with very many records, beside the least code that does the same: the first, and one that finds nothing new. */
export async function scan(postgres: Postgres): Promise<Row[]> {
  await using stack = new AsyncDisposableStack()
  const app = stack.use(startChild<RecordsAsks>('./records-child.ts'))
  const { port } = await app.ask('start', { records: RECORDS })
  const appUrl = `http://127.0.0.1:${port}`
  // Where the engine is installed no types are stripped; what strips them here takes some 30 MiB. What was loaded with a cache
  // needs neither to be stripped nor compiled again. The other is as the image and the unit of systemd have it.
  const cache = await mkdtemp(path.join(tmpdir(), 'permea-bench-'))
  stack.defer(() => rm(cache, { recursive: true, force: true }))
  const env = { NODE_COMPILE_CACHE: cache, MALLOC_ARENA_MAX: '2' }
  const start = () => startChild<ScanAsks>('./scan-child.ts', [], env)
  {
    await using first = start()
    await first.ask('load', undefined)
  }
  const bare = stack.use(start())
  const of = { databaseUrl: await postgres.create('bench_bare_scan'), appUrl }
  const bareFirst = await bare.ask('bareScan', of)
  const bareAgain = await bare.ask('bareScan', of)
  const engine = stack.use(start())
  const first = await engine.ask('startEngine', { databaseUrl: await postgres.create('bench_scan'), appUrl })
  const again = await engine.ask('engineScan', undefined)
  return [
    rateRow('the first', bareFirst, first),
    rateRow('one that finds nothing new', bareAgain, again),
    {
      what: `scan of ${figure(RECORDS)} records: most memory of the process, MiB`,
      bare: figure(Math.max(bareFirst.rssBytes, bareAgain.rssBytes) / MIB),
      engine: figure(Math.max(first.rssBytes, again.rssBytes) / MIB),
      goal: atMost(MEMORY_MIB_MAX, Math.max(first.rssBytes, again.rssBytes) / MIB, ' MiB'),
    },
  ]
}

function rateRow(what: string, bare: ScanFigures, engine: ScanFigures): Row {
  return {
    what: `scan of ${figure(RECORDS)} records, ${what}: records/s`,
    bare: figure(RECORDS / bare.seconds),
    engine: figure(RECORDS / engine.seconds),
    ratio: bare.seconds / engine.seconds,
  }
}
