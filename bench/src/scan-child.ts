import { createHash } from 'node:crypto'
import pg from 'pg'
import { type BenchEngine, startBenchEngine } from './bench-engine.ts'
import { answerParent } from './child.ts'
import { machineMs, wait } from './moments.ts'

/** How long a scan took, and the most memory that the process had meanwhile. */
export interface ScanFigures {
  seconds: number
  rssBytes: number
}

const SAMPLE_MS = 50
const LOOK_MS = 100
const SCAN_SECONDS_MAX = 280

let running: BenchEngine | null = null
let subscriptionId = ''
let pool: pg.Pool | null = null

/** An engine with a flow on new records of the app; its first look, which only looks, is over. */
async function startEngine(given: { databaseUrl: string; appUrl: string }): Promise<ScanFigures> {
  const bench = await startBenchEngine({ databaseUrl: given.databaseUrl, appUrl: null })
  running = bench
  const run = {
    type: 'rest-api-mapping' as const,
    mapping: {
      method: 'GET',
      path: '/records',
      requestMapping: { query: { cursor: { $var: '$.cursor' } } },
      responseMapping: { records: { $var: '$.response.data.items' }, cursor: { $var: '$.response.data.next' } },
    },
  }
  await bench.admin.connectors.create({
    body: {
      key: 'app',
      options: {
        none: { type: 'client-credentials', makeApiClient: { type: 'mapping', mapping: { baseUri: given.appUrl } } },
      },
      data: { records: { name: 'Records', methods: { list: { run } } } },
    },
  })
  await bench.admin.integrations.create({ body: { key: 'app', connectorKey: 'app' } })
  const nodes = {
    t: {
      type: 'data-record-created-trigger',
      config: { dataSource: { collectionKey: 'records' } },
      links: [{ key: 'end' }],
    },
    end: { type: 'transform-data', config: { output: 1 } },
  }
  await bench.admin.flows.create({ body: { key: 'watch', nodes } })
  const customer = await bench.as('acme')
  const connection = await customer.connections.create({ body: { integrationKey: 'app', input: {} } })
  const measured = measure()
  await customer.flowInstances.getByQuery({
    query: { flowKey: 'watch', connectionId: connection.id, autoCreate: true },
  })
  while (subscriptionId === '') {
    await wait(LOOK_MS)
    subscriptionId = (await customer.externalEventSubscriptions.list({})).items[0]?.id ?? ''
  }
  await scanned(1)
  return measured()
}

async function engineScan(): Promise<ScanFigures> {
  const measured = measure()
  await running?.admin.externalEventPulls.pullEvents({ params: { id: subscriptionId } })
  await scanned(2)
  return measured()
}

async function scanned(scans: number): Promise<void> {
  const deadline = machineMs() + SCAN_SECONDS_MAX * 1000
  for (;;) {
    const query = { externalEventSubscriptionId: subscriptionId }
    const { items } = (await running?.admin.externalEventPulls.list({ query })) ?? { items: [] }
    const failed = items.find((each) => each.status === 'error')
    if (failed !== undefined) throw new Error(`the scan failed: ${failed.error?.message}`)
    if (items.filter((each) => each.status === 'success').length >= scans) return
    if (machineMs() > deadline) throw new Error('the scan takes too long')
    await wait(LOOK_MS)
  }
}

/** The least that does the same: reads a page, hashes its records, and puts them into the snapshot in one statement. */
async function bareScan(given: { databaseUrl: string; appUrl: string }): Promise<ScanFigures> {
  if (pool === null) {
    pool = new pg.Pool({ connectionString: given.databaseUrl, max: 2 })
    await pool.query('create table snapshot (id text primary key, hash bytea not null, scan integer not null)')
  }
  const measured = measure()
  const scan = Math.floor(machineMs())
  for (let cursor: string | undefined = '0'; cursor !== undefined; ) {
    const answer = await fetch(`${given.appUrl}/records?cursor=${cursor}`)
    const page = (await answer.json()) as { items: { id: string }[]; next?: string }
    const hashes = page.items.map((each) => createHash('sha256').update(JSON.stringify(each)).digest().subarray(0, 16))
    await pool.query({
      name: 'put',
      text: `insert into snapshot as p (id, hash, scan) select *, $3::integer from unnest($1::text[], $2::bytea[])
             on conflict (id) do update set hash = excluded.hash, scan = excluded.scan`,
      values: [page.items.map((each) => each.id), hashes, scan % 2_000_000_000],
    })
    cursor = page.next
  }
  return measured()
}

function measure(): () => ScanFigures {
  const beganMs = machineMs()
  let rssBytes = process.memoryUsage.rss()
  const timer = setInterval(() => {
    rssBytes = Math.max(rssBytes, process.memoryUsage.rss())
  }, SAMPLE_MS)
  return () => {
    clearInterval(timer)
    return { seconds: (machineMs() - beganMs) / 1000, rssBytes }
  }
}

const asks = {
  /** Loads what the other asks need, so that it is in the cache of who comes after. */
  async load() {
    await import('../../server/src/engine.ts')
  },
  startEngine,
  engineScan,
  bareScan,
  async stop() {
    await pool?.end()
    await running?.engine.stop()
  },
}
export type ScanAsks = typeof asks

answerParent(asks)
