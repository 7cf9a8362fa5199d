import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** What the engine counts; printed at `/metrics` in the Prometheus text format. */
export interface Metrics {
  registry: Registry
  eventsAccepted: Counter
  eventsRefused: Counter
  acceptSeconds: Histogram
  acceptBatch: Histogram
  webhookSeconds: Histogram
  runsFinished: Counter<'state'>
  runsInFlight: Gauge
  deliveryAttempts: Counter<'outcome'>
  requests: Counter<'method' | 'status'>
  laneLag: Gauge<'kind' | 'shard'>
  lanesWaiting: Gauge<'kind'>
  /** Reads how much of a kind waits; asked when the metrics are read. */
  depths: Map<string, () => Promise<number>>
  sandboxKills: Counter<'reason'>
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'permea_' })
  const registers = [registry]
  const depths: Metrics['depths'] = new Map()
  addReadGauges(registry, {
    name: 'permea_queue_depth',
    help: 'What waits or is at work, of the shards that are worked here; jobs: of all processes',
    labelNames: ['kind'],
    read: () => Promise.all([...depths].map(async ([kind, read]) => ({ labels: { kind }, value: await read() }))),
  })
  return {
    registry,
    eventsAccepted: new Counter({ name: 'permea_events_accepted_total', help: 'Events stored', registers }),
    eventsRefused: new Counter({ name: 'permea_events_refused_total', help: 'Events refused', registers }),
    acceptSeconds: new Histogram({
      name: 'permea_accept_seconds',
      help: 'From request to durable answer at a webhook URL',
      buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5],
      registers,
    }),
    webhookSeconds: new Histogram({
      name: 'permea_incoming_webhook_seconds',
      help: 'From request to durable answer at a URL for external apps, with its handle function',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    }),
    acceptBatch: new Histogram({
      name: 'permea_accept_batch_size',
      help: 'Requests written in one transaction',
      buckets: [1, 2, 5, 10, 20, 50, 100, 200],
      registers,
    }),
    runsFinished: new Counter({
      name: 'permea_flow_runs_finished_total',
      help: 'Flow runs that reached a final state',
      labelNames: ['state'],
      registers,
    }),
    runsInFlight: new Gauge({ name: 'permea_flow_runs_in_flight', help: 'Flow runs being executed here', registers }),
    deliveryAttempts: new Counter({
      name: 'permea_delivery_attempts_total',
      help: 'Tries to deliver a message',
      labelNames: ['outcome'],
      registers,
    }),
    requests: new Counter({
      name: 'permea_http_requests_total',
      help: 'Requests answered',
      labelNames: ['method', 'status'],
      registers,
    }),
    laneLag: new Gauge({
      name: 'permea_lane_lag_seconds',
      help: 'How long the oldest work that waits in a shard has been due, of the shards that are worked here',
      labelNames: ['kind', 'shard'],
      registers,
    }),
    lanesWaiting: new Gauge({
      name: 'permea_lanes_waiting',
      help: 'Customers, instances or destinations with work that is due and has not begun, of the shards worked here',
      labelNames: ['kind'],
      registers,
    }),
    depths,
    sandboxKills: new Counter({
      name: 'permea_sandbox_kills_total',
      help: 'Processes of the sandbox that were killed or lost, by what led to it',
      labelNames: ['reason'],
      registers,
    }),
  }
}

/** A number that is asked for when the metrics are read. */
export function addReadGauge(metrics: Metrics, gauge: { name: string; help: string; read(): number }): void {
  const { name, help, read } = gauge
  metrics.registry.registerMetric(
    new Gauge({
      name,
      help,
      registers: [],
      collect() {
        this.set(read())
      },
    }),
  )
}

/** Counts that somebody else keeps since the start, read when the metrics are. */
export function addReadCounters<Label extends string>(
  registry: Registry,
  counter: {
    name: string
    help: string
    labelNames: readonly Label[]
    read(): { labels: Record<Label, string>; value: number }[]
  },
): void {
  const { name, help, labelNames, read } = counter
  registry.registerMetric(
    new Counter<Label>({
      name,
      help,
      labelNames: [...labelNames],
      registers: [],
      collect() {
        this.reset()
        for (const { labels, value } of read()) this.inc(labels, value)
      },
    }),
  )
}

/** The same with labels, and for what has to be asked for: where it cannot be, nothing is shown rather than old numbers. */
export function addReadGauges<Label extends string>(
  registry: Registry,
  gauge: {
    name: string
    help: string
    labelNames: readonly Label[]
    read(): Promise<{ labels: Record<Label, string>; value: number }[]>
  },
): void {
  const { name, help, labelNames, read } = gauge
  registry.registerMetric(
    new Gauge<Label>({
      name,
      help,
      labelNames: [...labelNames],
      registers: [],
      async collect() {
        const found = await read().catch(() => [])
        this.reset()
        for (const { labels, value } of found) this.set(labels, value)
      },
    }),
  )
}
