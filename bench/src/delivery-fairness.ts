import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startChild } from './child.ts'
import type { DeliveryAsks } from './delivery-child.ts'
import { machineMs, type Spread, spreadOf, wait } from './moments.ts'
import type { Postgres } from './postgres.ts'
import { atMost, figure, type Row } from './table.ts'

const HEALTHY = 98
const PER_SECOND = 100
const SECONDS = 15
const BACKLOG = 10_000
const DRAIN_SECONDS_MAX = 60

/**
 * Ninety-eight healthy destinations at a modest rate, alone; then beside one that refuses connections and one that
 * never answers, each with a backlog.
 */
export async function deliveryFairness(postgres: Postgres): Promise<Row[]> {
  await using stack = new AsyncDisposableStack()
  const latencies: number[] = []
  const receiver = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (request.url === '/hang') return
      latencies.push(machineMs() - (JSON.parse(Buffer.concat(chunks).toString()) as { sentAtMs: number }).sentAtMs)
      response.writeHead(200, { 'content-length': 0 }).end()
    })
  })
  receiver.keepAliveTimeout = 60_000
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  stack.defer(() => {
    receiver.closeAllConnections()
    receiver.close()
  })
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`

  const child = stack.use(startChild<DeliveryAsks>('./delivery-child.ts'))
  const databaseUrl = await postgres.create('bench_deliveries')
  const healthyUrls = Array.from({ length: HEALTHY }, (_, index) => `${url}/healthy/${index}`)
  // Nobody listens on port 1.
  const destinationIds = await child.ask('start', {
    databaseUrl,
    urls: [...healthyUrls, 'http://127.0.0.1:1/', `${url}/hang`],
  })
  const healthy = destinationIds.slice(0, HEALTHY)

  const steady = async (seconds: number): Promise<Spread> => {
    latencies.length = 0
    const told = await child.ask('tellSteadily', { destinationIds: healthy, perSecond: PER_SECOND, seconds })
    const deadline = machineMs() + DRAIN_SECONDS_MAX * 1000
    while (latencies.length < told) {
      if (machineMs() > deadline) throw new Error(`${told - latencies.length} messages did not come`)
      await wait(20)
    }
    return spreadOf(latencies)
  }
  await steady(3)
  const alone = await steady(SECONDS)
  await child.ask('tell', { destinationIds: destinationIds.slice(HEALTHY), count: BACKLOG })
  const beside = await steady(SECONDS)
  const ratio = beside.p95 / alone.p95
  return [
    {
      what: `delivery fairness: ${HEALTHY} healthy, p50 / p95 ms, alone → beside a dead and a hanging one with ${figure(BACKLOG)} each`,
      engine: `${figure(alone.p50)} / ${figure(alone.p95)} → ${figure(beside.p50)} / ${figure(beside.p95)}`,
      ratio,
      goal: atMost(2, ratio, ''),
    },
  ]
}
