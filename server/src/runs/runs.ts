import { connectionVariable } from '../connections/connection.ts'
import { connectionsByIds } from '../connections/store.ts'
import { userVariable } from '../customers/customer.ts'
import { customersByIds } from '../customers/store.ts'
import { type FlowInstance, flowWireId } from '../flows/flow.ts'
import type { NodeServices } from '../flows/node-type.ts'
import type { Plans } from '../flows/plan.ts'
import { flowsByIds, instancesByIds } from '../flows/store.ts'
import { integrationsByIds } from '../integrations/store.ts'
import type { Notifications } from '../notifications/notifications.ts'
import { createBatchLoader } from '../platform/batch-loader.ts'
import { type Database, runPrepared, type Statement, type Tx } from '../platform/database.ts'
import { type Ids, toWire } from '../platform/ids.ts'
import type { LaneOutcome, Lanes } from '../platform/lane.ts'
import { createLanes } from '../platform/lanes.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { Ownership } from '../platform/ownership.ts'
import { Execution, type ExecutionInput } from './execution.ts'
import { LIMITS, type Limits } from './limits.ts'
import { createNewsRelay } from './news.ts'
import { nodeRunsOf } from './node-run-store.ts'
import { createRecorder } from './recorder.ts'
import { type NewRun, type RunItem, runItem } from './run.ts'
import { fetchRuns, lanesWithRuns, runsInsert, stopRun } from './store.ts'

/** Runs at work at the same time in this process; they mostly wait for the network. */
const PROCESS_CAP = 2000
/** … and of one customer. */
const LANE_CAP = 100
/** Runs held in memory before they start, and their weight. */
const HELD_MAX = 5000
const HELD_BYTES_MAX = 64 * 1024 * 1024
/** How often news are looked for that nobody told of. */
const SWEEP_MS = 5000
/** Customers' fields and instances' names may be this old for a run. */
const KEEP_MS = 1000

export interface RunsOptions {
  database: Database
  ownership: Ownership
  ids: Ids
  random(): number
  log: Log
  metrics: Metrics
  services: NodeServices
  plans: Plans
  limits?: Partial<Limits>
  notifications: Notifications
  /** Told of each run that failed. */
  onFailed(run: NewRun): void
  /** Told of each run that came, and again when it ended. */
  onChanged(id: string, run: NewRun): void
  sweepMs?: number
}

export interface Runs extends AsyncDisposable {
  /** Stores new runs in the caller's transaction; hand what it gives to `offer` after the commit. */
  insert(tx: Tx, runs: readonly { run: NewRun; input: string }[]): Promise<RunItem[]>
  /** The same as statements for the caller to run. */
  inserting(runs: readonly { run: NewRun; input: string }[]): { items: RunItem[]; statements: Statement[] }
  offer(items: readonly RunItem[]): void
  /** Ends a run as stopped, wherever it is at work; false where it had ended. */
  stop(id: string): Promise<boolean>
  settled(): Promise<void>
  readonly inFlight: number
  start(): void
  close(): Promise<void>
}

export function createRuns(options: RunsOptions): Runs {
  const { database, ownership, ids, log, metrics, services } = options
  const relay = createNewsRelay({
    database,
    notifications: options.notifications,
    log,
    sweepMs: options.sweepMs ?? SWEEP_MS,
  })
  const recorder = createRecorder({ pool: database.hot, log, onNews: () => relay.nudge() })
  const executionOptions = {
    services,
    recorder,
    ids,
    random: options.random,
    log,
    limits: { ...LIMITS, ...options.limits },
  }
  const prepare = createPreparation(options)

  async function work(item: RunItem, signal: AbortSignal): Promise<LaneOutcome> {
    metrics.runsInFlight.inc()
    try {
      const execution = new Execution(executionOptions, await prepare(item, signal))
      const { outcome, ended } = await execution.run()
      if (ended !== null) metrics.runsFinished.inc({ state: ended })
      if (ended === 'failed') options.onFailed(item.run)
      if (ended !== null) options.onChanged(item.id, item.run)
      return outcome
    } finally {
      metrics.runsInFlight.dec()
    }
  }

  const lanes: Lanes<RunItem> = createLanes({
    source: {
      name: 'flow-runs',
      lanesOf: (shards) => lanesWithRuns(database.db, shards),
      fetch: (laneIds, limit, except, now) => fetchRuns(database.db, laneIds, limit, except, now),
      work,
    },
    ownership,
    clock: services.clock,
    log,
    processCap: PROCESS_CAP,
    laneCap: LANE_CAP,
    heldMax: HELD_MAX,
    heldBytesMax: HELD_BYTES_MAX,
    ...(options.sweepMs === undefined ? {} : { sweepMs: options.sweepMs }),
  })
  ownership.listen({
    noticed(notice) {
      if (notice.about === 'run-stopped') lanes.abort(String(notice.id))
    },
  })

  const runs: Runs = {
    async insert(tx, wanted) {
      const { items, statements } = runs.inserting(wanted)
      for (const statement of statements) await runPrepared(tx, statement)
      return items
    },
    inserting(wanted) {
      const items = wanted.map(({ run, input }) => runItem(ids.next(), run, input, true))
      return { items, statements: items.length === 0 ? [] : [runsInsert(items, services.clock.now())] }
    },
    offer(items) {
      lanes.offer(items)
      for (const item of items) options.onChanged(item.id, item.run)
      if (items.length > 0) relay.nudgeOfQueued()
    },
    async stop(id) {
      const stopped = await stopRun(database.db, id, services.clock.now())
      if (stopped === null) return false
      if (stopped.hasNews) relay.nudge()
      metrics.runsFinished.inc({ state: 'stopped' })
      lanes.abort(id)
      await ownership.notify({ about: 'run-stopped', id })
      return true
    },
    async settled() {
      await lanes.settled()
      await relay.settled()
    },
    get inFlight() {
      return lanes.inFlight
    },
    start() {
      lanes.start()
      relay.start()
    },
    async close() {
      recorder.stop()
      await lanes.stop()
      await relay.stop()
    },
    [Symbol.asyncDispose]: () => runs.close(),
  }
  return runs
}

/** Gathers what a run needs beside its row; rows that many runs need are read together. */
function createPreparation(options: RunsOptions): (item: RunItem, signal: AbortSignal) => Promise<ExecutionInput> {
  const { database } = options
  const loadCustomer = createBatchLoader({
    load: (wanted) => customersByIds(database.db, wanted),
    keepMs: KEEP_MS,
    max: 20_000,
  })
  const loadInstance = createBatchLoader({
    load: (wanted) => instancesByIds(database.db, wanted),
    keepMs: KEEP_MS,
    max: 20_000,
  })
  const loadIntegration = createBatchLoader({
    load: (wanted) => integrationsByIds(database.db, wanted),
    keepMs: KEEP_MS,
    max: 1000,
  })
  const loadConnection = createBatchLoader({
    load: (wanted) => connectionsByIds(database.db, wanted),
    keepMs: KEEP_MS,
    max: 20_000,
  })
  const loadFlow = createBatchLoader({ load: (wanted) => flowsByIds(database.db, wanted), keepMs: KEEP_MS, max: 1000 })

  return async function prepare(item: RunItem, signal: AbortSignal): Promise<ExecutionInput> {
    const { run } = item
    const [plan, customer, instance, integration, connection, recorded] = await Promise.all([
      options.plans.of(run.versionId),
      loadCustomer(run.customerId),
      loadInstance(run.flowInstanceId),
      run.integrationId === null ? undefined : loadIntegration(run.integrationId),
      run.connectionId === null ? undefined : loadConnection(run.connectionId),
      item.isFresh ? [] : nodeRunsOf(database.db, item.id),
    ])
    if (customer === undefined || instance === undefined) throw new Error(`run ${item.id} has no customer or instance`)
    const flow = instance.flowId === null ? undefined : await loadFlow(instance.flowId)
    const runId = toWire('fr', item.id)
    const scope: Record<string, unknown> = {
      user: userVariable(customer),
      flowRun: { id: runId },
      flowInstance: instanceVariable(instance, flow),
      ...(connection === undefined ? {} : { connection: connectionVariable(connection) }),
      ...(integration === undefined
        ? {}
        : { integration: { id: toWire('int', integration.id), key: integration.key, name: integration.name } }),
    }
    return {
      item,
      plan,
      user: customer,
      connection: connection ?? null,
      wireIds: { run: runId, flow: flow === undefined ? toWire('cf', instance.id) : flowWireId(flow) },
      scope,
      signal,
      recorded: new Map(recorded.toReversed().map((each) => [each.path, each])),
    }
  }
}

function instanceVariable(
  instance: FlowInstance,
  flow: { id: string; integrationId: string | null } | undefined,
): Record<string, unknown> {
  return {
    id: toWire('cf', instance.id),
    ...(instance.instanceKey === '' ? {} : { instanceKey: instance.instanceKey }),
    ...(flow === undefined ? {} : { flowId: flowWireId(flow) }),
    parameters: instance.parameters ?? {},
  }
}
