import { createPermea, type Permea } from '@permea/sdk'
import { type BenchEngine, startBenchEngine } from './bench-engine.ts'
import { answerParent, usageNow } from './child.ts'

export interface EngineOptions {
  databaseUrl: string
  /** Your app: where `api-request-to-your-app` goes. */
  appUrl: string
  /** A receiver of one customer that never answers. */
  hangingUrl: string
  customers: number
}

/** An engine with flows in it, ready for events. */
export interface Ready {
  port: number
  /** Where events are sent: nobody wants them, or a flow posts them on. */
  paths: { nobodyWants: string; toYourApp: string; loud: string; hanging: string }
  tokens: string[]
  hangingToken: string
  loudToken: string
  workspaceId: string
}

let running: BenchEngine | null = null

async function start(options: EngineOptions): Promise<Ready> {
  const bench = await startBenchEngine(options)
  running = bench
  const { url, port, workspaceId, tokenOf } = bench
  const clientOf = (token: string) => createPermea({ baseUrl: url, token })
  const paths = await define(bench.admin, url, options.hangingUrl)
  const names = Array.from({ length: options.customers }, (_, index) => `customer-${index}`)
  const tokens = await Promise.all(names.map((id) => tokenOf({ id })))
  const loudToken = await tokenOf({ id: 'loud' })
  const hangingToken = await tokenOf({ id: 'hanging' })
  for (const token of tokens) await enable(clientOf(token), 'to-your-app')
  await enable(clientOf(loudToken), 'loud')
  await enable(clientOf(hangingToken), 'hanging')
  return { port, paths, tokens, loudToken, hangingToken, workspaceId }
}

async function enable(customer: Permea, flowKey: string): Promise<void> {
  await customer.flowInstances.getByQuery({ query: { flowKey, autoCreate: true } })
}

async function define(admin: Permea, url: string, hangingUrl: string): Promise<Ready['paths']> {
  const type = async (key: string) => {
    const { globalWebhookUri } = await admin.appEventTypes.create({ body: { key, name: key } })
    return globalWebhookUri.slice(url.length)
  }
  const flow = (key: string, eventKey: string, post: { type: string; config: unknown }) =>
    admin.flows.create({
      body: {
        key,
        name: key,
        nodes: {
          trigger: { type: 'app-event-trigger', config: { appEvent: { key: eventKey } }, links: [{ key: 'post' }] },
          post,
        },
      },
    })
  const request = (uri: string) => ({ request: { uri, method: 'POST', body: { $var: '$.input.trigger' } } })
  const paths = {
    nobodyWants: await type('nobody-wants'),
    toYourApp: await type('order-created'),
    loud: await type('loud'),
    hanging: await type('hanging'),
  }
  await flow('to-your-app', 'order-created', { type: 'api-request-to-your-app', config: request('/in') })
  await flow('loud', 'loud', { type: 'api-request-to-your-app', config: request('/loud') })
  await flow('hanging', 'hanging', { type: 'custom-http-request', config: request(hangingUrl) })
  return paths
}

/** Runs that reached a final state, by state. */
async function finished(): Promise<{ completed: number; others: number }> {
  const { values } = (await running?.engine.metrics.runsFinished.get()) ?? { values: [] }
  const of = (isWanted: (state: unknown) => boolean) =>
    values.filter((each) => isWanted(each.labels.state)).reduce((sum, each) => sum + each.value, 0)
  return { completed: of((state) => state === 'completed'), others: of((state) => state !== 'completed') }
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
export type EngineAsks = typeof asks

answerParent(asks)
