import { type BenchEngine, startBenchEngine } from './bench-engine.ts'
import { answerParent, usageNow } from './child.ts'
import { CARELESS, defineExternal, definePolled, HOSTILE, subscribe, USUAL } from './external-scene.ts'
import type { Target } from './load-child.ts'
import { signedWays } from './signed-webhooks.ts'

export interface ExternalOptions {
  databaseUrl: string
  /** Where events are delivered, and where the app is that subscriptions are refreshed at. */
  receiverUrl: string
  customers: number
}

/** An engine with subscriptions to events of external apps, ready for their webhooks. */
export interface ExternalReady {
  port: number
  /** Of subscriptions whose events are delivered, one of each customer. */
  usual: string[]
  /** Of a subscription whose `handle` never ends, and of one whose `handle` computes for 60 ms. */
  looping: string
  computing: string
  /** Of subscriptions whose `handle` is stopped, each in another way. */
  hostile: string[]
  /** Of subscriptions whose `handle` verifies a signature, by the way it is made. */
  signed: Record<string, Target[]>
}

let running: BenchEngine | null = null
const SIGNED_CUSTOMERS = 20

async function start(options: ExternalOptions): Promise<ExternalReady> {
  const bench = await startBenchEngine({ databaseUrl: options.databaseUrl, appUrl: null })
  running = bench
  const ways = Object.entries(signedWays())
  const handles = Object.fromEntries(ways.map(([way, { handle }]) => [way, handle]))
  await defineExternal(bench.admin, options.receiverUrl, { ...USUAL, ...CARELESS, ...handles })
  await definePolled(bench.admin)
  const names = Array.from({ length: options.customers }, (_, index) => `customer-${index}`)
  const usual: string[] = []
  for (const name of names) usual.push(await subscribe(bench, name, 'order', `${options.receiverUrl}/in`))
  await subscribe(bench, 'polled', 'polled', null)
  const looping = await subscribe(bench, 'looping', 'looping', null)
  const computing = await subscribe(bench, 'computing', 'computing', null)
  const hostile: string[] = []
  for (const key of Object.keys(HOSTILE)) hostile.push(await subscribe(bench, 'hostile', key, null))
  const signed: Record<string, Target[]> = {}
  for (const [way, { token }] of ways) {
    const targets = names.slice(0, SIGNED_CUSTOMERS).map(async (name) => ({
      path: await subscribe(bench, name, way, `${options.receiverUrl}/in`),
      token,
    }))
    signed[way] = await Promise.all(targets)
  }
  return { port: bench.port, usual, looping, computing, hostile, signed }
}

/** Deliveries that were taken and recorded, and tries that failed. */
async function finished(): Promise<{ completed: number; others: number }> {
  const { values } = (await running?.engine.metrics.deliveryAttempts.get()) ?? { values: [] }
  const of = (isWanted: (outcome: unknown) => boolean) =>
    values.filter((each) => isWanted(each.labels.outcome)).reduce((sum, each) => sum + each.value, 0)
  return {
    completed: of((outcome) => outcome === 'acknowledged'),
    others: of((outcome) => outcome !== 'acknowledged'),
  }
}

const asks = {
  start,
  usage: usageNow,
  finished,
  async stop() {
    const stopping = running
    running = null
    await stopping?.engine.stop()
  },
}
export type ExternalAsks = typeof asks

answerParent(asks)
