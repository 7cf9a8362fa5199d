import { errorData } from '../api/refusal.ts'
import { parseKnownJson } from '../bodies/json.ts'
import { connectionVariable } from '../connections/connection.ts'
import { connectionsByIds } from '../connections/store.ts'
import { userVariable } from '../customers/customer.ts'
import { customersByIds } from '../customers/store.ts'
import { type FlowInstance, flowWireId } from '../flows/flow.ts'
import type { NodeServices } from '../flows/node-type.ts'
import type { FlowPlan, Plans } from '../flows/plan.ts'
import { flowsByIds, instancesByIds } from '../flows/store.ts'
import { waitOfNode } from '../flows/waits-store.ts'
import { integrationsByIds } from '../integrations/store.ts'
import type { Live } from '../live/live.ts'
import type { Notifications } from '../notifications/notifications.ts'
import { createBatchLoader } from '../platform/batch-loader.ts'
import { type Database, runPrepared, type Statement, type Tx } from '../platform/database.ts'
import { type Ids, toWire } from '../platform/ids.ts'
import type { LaneOutcome } from '../platform/lane.ts'
import { GIVEN_UP } from '../platform/lane-faults.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { Ownership } from '../platform/ownership.ts'
import type { Tracing } from '../platform/tracing.ts'
import { type Backlog, type BacklogOptions, createBacklog, LANES_TOPIC, runTablesOf } from './backlog.ts'
import { nodeRunsBeneath } from './beneath.ts'
import type { EventSource } from './event-waits.ts'
import { Execution } from './execution.ts'
import type { ExecutionInput } from './execution-input.ts'
import { LIMITS, type Limits } from './limits.ts'
import { createNewsRelay } from './news.ts'
import type { NodeRun } from './node-run.ts'
import { outputsOfNodeRun, recordedNodeRuns } from './node-run-store.ts'
import { nodeRunsInsert } from './record-store.ts'
import { recordBeside } from './recorder.ts'
import { type NewRun, type RunItem, runItem } from './run.ts'
import { traceRun } from './run-trace.ts'
import { runsInsert } from './store.ts'
import { createTrials, type TrialOptions, type TryNode } from './trial.ts'
import { type Arrival, arrivedFor, arriving } from './waits-store.ts'

/** How often news are looked for that nobody told of. */
const SWEEP_MS = 5000
/** Customers' fields and instances' names may be this old for a run. */
const KEEP_MS = 1000

export interface RunsOptions extends TrialOptions {
  ownership: Ownership
  random(): number
  log: Log
  metrics: Metrics
  services: NodeServices
  plans: Plans
  limits?: Partial<Limits>
  notifications: Notifications
  /** Told of each run that failed. */
  onFailed(run: NewRun): void
  tracing?: Tracing | null
  live: Pick<Live, 'changed'>
  sweepMs?: number
}

export interface Runs extends AsyncDisposable {
  /** Stores new runs in the caller's transaction; hand what it gives to `offer` after the commit. */
  insert(tx: Tx, runs: readonly { run: NewRun; input: string }[]): Promise<RunItem[]>
  /** The same as statements for the caller to run. */
  inserting(runs: readonly { run: NewRun; input: string }[]): { items: RunItem[]; statements: Statement[] }
  /** What wakes the runs that wait for events, in the transaction that stores those. */
  arriving(arrivals: readonly Arrival[]): Statement[]
  /** A new run that goes on behind these node runs of another. */
  insertGoingOn(tx: Tx, run: NewRun, input: string, kept: readonly NodeRun[]): Promise<RunItem>
  offer(items: readonly RunItem[]): void
  /** Ends a run as stopped, wherever it is at work; false where it had ended. */
  stop(id: string): Promise<boolean>
  readonly surveyLanes: Backlog['surveyLanes']
  /** Does one node of a customer's flow alone. */
  tryNode: TryNode
  settled(): Promise<void>
  readonly inFlight: number
  start(): void
  close(): Promise<void>
}

export function createRuns(options: RunsOptions): Runs {
  const { database, ownership, ids, log, metrics, services } = options
  const { notifications, sweepMs = SWEEP_MS } = options
  const relay = createNewsRelay({ database, notifications, log, sweepMs })
  const { clock } = services
  const limits = { ...LIMITS, ...options.limits }
  const prepare = createPreparation(options)
  const backlog = createBacklog({
    tables: runTablesOf(database),
    ownership,
    clock,
    ids,
    log,
    metrics,
    walk,
    giveUp: createGivingUp(options),
    onNews: () => relay.nudge(),
    onRefused: (item) => tellOfFailed(options, item),
    sweepMs,
  })
  const executionOptions = { services, recorder: backlog.recorder, ids, random: options.random, log, limits }

  async function walk(item: RunItem, signal: AbortSignal): Promise<LaneOutcome> {
    metrics.runsInFlight.inc()
    try {
      const input = await prepare(item, signal)
      const { outcome, ended } = await new Execution(executionOptions, input).run()
      if (ended !== null) metrics.runsFinished.inc({ state: ended })
      if (ended === 'failed') options.onFailed(item.run)
      if (ended !== null) tellOf(options.live, item)
      input.trace.walked(ended, signal)
      return outcome
    } finally {
      metrics.runsInFlight.dec()
    }
  }

  const runs: Runs = {
    async insert(tx, wanted) {
      const { items, statements } = runs.inserting(wanted)
      for (const statement of statements) await runPrepared(tx, statement)
      return items
    },
    inserting: (wanted) => backlog.inserting(wanted),
    arriving: (arrivals) => arriving(arrivals, LANES_TOPIC, clock.now()),
    insertGoingOn: (tx, ...of) => insertGoingOn({ tx, ids, now: clock.now() }, ...of),
    offer(items) {
      backlog.offer(items)
      for (const item of items) tellOf(options.live, item)
      if (items.length > 0) relay.nudgeOfQueued()
    },
    async stop(id) {
      const end = await backlog.stop(id)
      if (end === null) return false
      if (end.hasNews) relay.nudge()
      metrics.runsFinished.inc({ state: 'stopped' })
      return true
    },
    surveyLanes: backlog.surveyLanes,
    tryNode: createTrials(options, { execution: executionOptions, prepare }),
    async settled() {
      await backlog.settled()
      await relay.settled()
    },
    get inFlight() {
      return backlog.inFlight
    },
    start() {
      backlog.start()
      relay.start()
    },
    async close() {
      await backlog.close()
      await relay.stop()
    },
    [Symbol.asyncDispose]: () => runs.close(),
  }
  return runs
}

/** It has a row of its own from the beginning, since batches hold only runs without node runs. */
async function insertGoingOn(
  { tx, ids, now }: { tx: Tx; ids: Ids; now: Date },
  run: NewRun,
  input: string,
  kept: readonly NodeRun[],
): Promise<RunItem> {
  const item = runItem(ids.next(), run, input, false)
  await runPrepared(tx, runsInsert([item], now))
  const copies = kept.map((each) => ({ ...each, id: ids.next(), runId: item.id, startedAt: now, endedAt: now }))
  await runPrepared(tx, nodeRunsInsert(copies))
  return item
}

/** Of a run that ended as failed without having been walked to its end. */
function tellOfFailed({ metrics, onFailed, live }: RunsOptions, item: RunItem): void {
  metrics.runsFinished.inc({ state: 'failed' })
  onFailed(item.run)
  tellOf(live, item)
}

/** Ends a run that cannot be worked: it fails, and says that it is not the fault of its flow. */
function createGivingUp(options: RunsOptions): BacklogOptions['giveUp'] {
  return async (item, recorder) => {
    const now = options.services.clock.now()
    const errors = [errorData('internal', GIVEN_UP)]
    const finish = { state: 'failed', endedAt: now, errors, nodeCounts: {} } as const
    const progress = { item, startedAt: now, nodeRuns: [], isAll: false, waits: null, finish, isStopped: false }
    if (await recordBeside(recorder, progress)) {
      tellOfFailed(options, item)
    }
    return { kind: 'finished' }
  }
}

type Prepare = (item: RunItem, signal: AbortSignal, plan?: FlowPlan) => Promise<ExecutionInput>

/** Gathers what a run needs beside its row; rows that many runs need are read together. */
function createPreparation(options: RunsOptions): Prepare {
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

  return async function prepare(item, signal, own) {
    const { run } = item
    const awaits = Object.values(item.waiting ?? {}).some((each) => each.awaits !== undefined)
    const [plan, customer, instance, integration, connection, recorded, came] = await Promise.all([
      own ?? options.plans.of(run.versionId),
      loadCustomer(run.customerId),
      loadInstance(run.flowInstanceId),
      run.integrationId === null ? undefined : loadIntegration(run.integrationId),
      run.connectionId === null ? undefined : loadConnection(run.connectionId),
      item.isFresh ? [] : recordedNodeRuns(database.db, item.id),
      awaits ? arrivedFor(database.db, item.id) : [],
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
    const byPath = new Map(recorded.toReversed().map((each) => [each.path, each]))
    return {
      item,
      plan,
      user: customer,
      connection: connection ?? null,
      wireIds: { run: runId, flow: flow === undefined ? toWire('cf', instance.id) : flowWireId(flow) },
      scope,
      signal,
      arrived: await payloadsOf(came),
      sourceOfWait: (nodeKey) => sourceOfWait(database, run.flowInstanceId, nodeKey),
      recorded: byPath,
      beneath: nodeRunsBeneath(byPath),
      longOutputs: (id) => outputsOfNodeRun(database.db, item.id, id),
      trace: traceRun(options.tracing ?? null, item),
    }
  }
}

async function payloadsOf(came: Awaited<ReturnType<typeof arrivedFor>>): Promise<Map<string, { payload: unknown }>> {
  const arrived = new Map<string, { payload: unknown }>()
  for (const { path, payload } of came)
    arrived.set(path, { payload: payload === null ? null : await parseKnownJson(payload) })
  return arrived
}

async function sourceOfWait(database: Database, instanceId: string, nodeKey: string): Promise<EventSource | null> {
  const wait = await waitOfNode(database.db, instanceId, nodeKey)
  if (wait === null) return null
  const { subscriptionId, appEventTypeId, customerId } = wait
  return appEventTypeId === null ? { kind: 'external', subscriptionId } : { kind: 'app', appEventTypeId, customerId }
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

function tellOf(live: RunsOptions['live'], { id, run }: RunItem): void {
  const { workspaceId, customerId } = run
  live.changed({ workspaceId, elementType: 'flow-run', elementId: toWire('fr', id), audience: { customerId } })
}
