import type { Permea } from '@permea/sdk'
import { type BenchEngine, startBenchEngine } from './bench-engine.ts'
import { answerParent, usageNow } from './child.ts'

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
}

const HANDLE = `export default async function handle({ data }) {
  const { orderId, ...record } = data
  return { events: [{ type: 'order.created', record: { id: orderId, ...record } }] }
}`
const LOOPING = 'export default async function handle() { for (;;); }'
/** Work of about 60 ms, measured in what it does, since a guest's clock stands still while it computes. */
const COMPUTING = `export default async function handle({ data }) {
  let sum = 0
  for (let turn = 0; turn < 1_200_000; turn += 1) sum = (sum * 31 + turn) % 1_000_003
  return { events: sum < 0 ? [data] : [] }
}`
const REFRESH = `export default async function refresh({ apiClient, parameters }) {
  await apiClient.post('/refresh', { parameters })
  return { nextRefreshTimestamp: Date.now() + 86_400_000 }
}`

let running: BenchEngine | null = null

async function start(options: ExternalOptions): Promise<ExternalReady> {
  const bench = await startBenchEngine({ databaseUrl: options.databaseUrl, appUrl: null })
  running = bench
  await define(bench.admin, options.receiverUrl)
  const names = Array.from({ length: options.customers }, (_, index) => `customer-${index}`)
  const usual: string[] = []
  for (const name of names) usual.push(await subscribe(bench, name, 'order', `${options.receiverUrl}/in`))
  const looping = await subscribe(bench, 'looping', 'looping', null)
  const computing = await subscribe(bench, 'computing', 'computing', null)
  return { port: bench.port, usual, looping, computing }
}

async function define(admin: Permea, receiverUrl: string): Promise<void> {
  await admin.connectors.create({
    body: {
      key: 'app',
      options: {
        key: {
          type: 'client-credentials',
          inputSchema: { type: 'object', properties: { apiKey: { type: 'string' } } },
          makeApiClient: {
            type: 'mapping',
            mapping: {
              baseUri: receiverUrl,
              headers: { Authorization: { $concat: ['Bearer ', { $var: '$.credentials.apiKey' }] } },
            },
          },
        },
      },
    },
  })
  await admin.integrations.create({ body: { key: 'app', connectorKey: 'app' } })
  for (const [key, handle] of Object.entries({ order: HANDLE, looping: LOOPING, computing: COMPUTING })) {
    await admin.externalEventTypes.create({
      body: {
        key,
        name: key,
        subscribe: 'export default async () => ({ state: {} })',
        unsubscribe: 'export default async () => {}',
        refresh: REFRESH,
        handle,
      },
    })
  }
}

/** The path at which the subscription's app is to post. */
async function subscribe(bench: BenchEngine, name: string, type: string, webhookUri: string | null): Promise<string> {
  const customer = await bench.as(name)
  const connection = await customer.connections.create({
    body: { integrationKey: 'app', input: { apiKey: 'a key of the app' } },
  })
  const { id } = await customer.externalEventSubscriptions.create({
    body: {
      connectionId: connection.id,
      externalEventTypeKey: type,
      ...(webhookUri === null ? {} : { webhookUri }),
    },
  })
  const { incomingWebhookUri } = await bench.admin.externalEventSubscriptions.get({ params: { id } })
  return (incomingWebhookUri ?? '').slice(bench.url.length)
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
