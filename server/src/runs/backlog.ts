import { boundedCache } from '../platform/bounded-cache.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Statement } from '../platform/database.ts'
import type { Ids } from '../platform/ids.ts'
import type { LaneOutcome, LaneSource, Lanes } from '../platform/lane.ts'
import { createLanes } from '../platform/lanes.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { Ownership } from '../platform/ownership.ts'
import { type BatchStore, batchStoreOf } from './batch-store.ts'
import { Batches } from './batches.ts'
import { type RecordProgress, recordingIn } from './record-store.ts'
import { createRecorder, type Recorder } from './recorder.ts'
import { type NewRun, type RunItem, runItem } from './run.ts'
import { fetchRuns, lanesWithRuns, runsInsert, runsWaiting, stopRun } from './store.ts'

/** Runs at work at the same time in this process; they mostly wait for the network. */
const PROCESS_CAP = 2000
/** … and of one customer. */
const LANE_CAP = 100
/** Runs held in memory before they start, and their weight. */
const HELD_MAX = 5000
const HELD_BYTES_MAX = 64 * 1024 * 1024
/** Stopped runs that are remembered until they come up. */
const STOPPED_MAX = 20_000

/** The name of their lanes, in notices too. */
const LANES = 'flow-runs'
export const LANES_TOPIC = `lanes:${LANES}`

/** What runs at work need of the database. */
export interface RunTables {
  batches: BatchStore
  record: RecordProgress
  inserting(runs: readonly { id: string; run: NewRun }[], now: Date): Statement
  lanesOf: LaneSource<RunItem>['lanesOf']
  fetch: LaneSource<RunItem>['fetch']
  countOf: LaneSource<RunItem>['countOf']
  /** Ends a run as stopped; null where it had ended. */
  stop(id: string, now: Date): Promise<{ hasNews: boolean } | null>
}

export function runTablesOf(database: Database): RunTables {
  return {
    batches: batchStoreOf(database),
    record: recordingIn(database),
    inserting: runsInsert,
    lanesOf: (shards) => lanesWithRuns(database.db, shards),
    fetch: (laneIds, limit, except, now) => fetchRuns(database.db, laneIds, limit, except, now),
    countOf: (shards, most) => runsWaiting(database.db, shards, most),
    stop: (id, now) => stopRun(database.db, id, now),
  }
}

export interface BacklogOptions {
  tables: RunTables
  ownership: Ownership
  clock: Clock
  ids: Ids
  log: Log
  metrics: Metrics
  /** Walks a run as far as it goes. */
  walk(item: RunItem, signal: AbortSignal): Promise<LaneOutcome>
  /** Ends a run that cannot be worked as failed. */
  giveUp(item: RunItem, recorder: Recorder): Promise<LaneOutcome>
  /** The record has news for those who want to hear of runs. */
  onNews(): void
  /** What a run did was refused by the database, which has it as failed now. */
  onRefused(item: RunItem): void
  sweepMs?: number
}

/** Runs on their way from where they are stored to where they are walked, and back to the record. */
export interface Backlog {
  readonly recorder: Recorder
  readonly inFlight: number
  readonly surveyLanes: Lanes<RunItem>['survey']
  /** New runs, and what stores them; hand them to `offer` after the commit. */
  inserting(runs: readonly { run: NewRun; input: string }[]): { items: RunItem[]; statements: Statement[] }
  offer(items: readonly RunItem[]): void
  /** Ends a run as stopped, wherever it is at work; null where it had ended. */
  stop(id: string): Promise<{ hasNews: boolean } | null>
  settled(): Promise<void>
  start(): void
  close(): Promise<void>
}

export function createBacklog(options: BacklogOptions): Backlog {
  const { tables, ownership, clock, ids, log } = options
  const batches = new Batches({ store: tables.batches, ownership, clock, ids, log })
  const recorder = createRecorder({
    record: tables.record,
    clock,
    batches,
    log,
    onNews: () => options.onNews(),
    onRefused: (item) => options.onRefused(item),
  })

  /** Stopped here or elsewhere before they began; what waits in memory does not know of it. */
  const stopped = boundedCache<true>(STOPPED_MAX)

  async function work(item: RunItem, signal: AbortSignal): Promise<LaneOutcome> {
    if (stopped.has(item.id)) {
      batches.settle(item)
      return { kind: 'finished' }
    }
    try {
      const outcome = await options.walk(item, signal)
      // What is taken up again is looked for in the table.
      if (outcome.kind === 'waits') await batches.activate([item])
      return outcome
    } catch (error) {
      await batches.activate([item])
      throw error
    }
  }

  const lanes = createRunLanes(options, batches, { work, giveUp: (item) => options.giveUp(item, recorder) })
  ownership.listen({
    noticed(notice) {
      void batches.heard(notice)?.then((items) => hand(items, batches, lanes))
      if (notice.about !== 'run-stopped') return
      stopped.set(String(notice.id), true)
      lanes.abort(String(notice.id))
    },
    // What lanes let go of has to be in the table before others own it.
    lost: () => batches.settled(),
  })

  return {
    recorder,
    surveyLanes: (question) => lanes.survey(question),
    get inFlight() {
      return lanes.inFlight
    },
    inserting(wanted) {
      const items = wanted.map(({ run, input }) => runItem(ids.next(), run, input, true))
      const { statements, others } = batches.inserting(items)
      if (others.length > 0) statements.push(tables.inserting(others, clock.now()))
      return { items, statements }
    },
    offer: (items) => hand(items, batches, lanes),
    async stop(id) {
      const end = await tables.stop(id, clock.now())
      if (end === null) return null
      stopped.set(id, true)
      lanes.abort(id)
      await ownership.notify({ about: 'run-stopped', id })
      return end
    },
    async settled() {
      hand(await batches.receive(null), batches, lanes)
      await batches.settled()
      await lanes.settled()
      await batches.settled()
    },
    start: () => lanes.start(),
    async close() {
      recorder.stop()
      await lanes.stop()
      await batches.stop()
    },
  }
}

function createRunLanes(
  { tables, ownership, clock, log, metrics, sweepMs }: BacklogOptions,
  batches: Batches,
  does: Pick<LaneSource<RunItem>, 'work' | 'giveUp'>,
): Lanes<RunItem> {
  return createLanes({
    source: {
      name: LANES,
      async lanesOf(shards) {
        const taken = await batches.takeOver()
        if (taken.length > 0) await ownership.notify({ about: LANES_TOPIC, shards: taken })
        return tables.lanesOf(shards)
      },
      letGo: (items) => void batches.activate(items),
      countOf: tables.countOf,
      fetch: tables.fetch,
      ...does,
    },
    ownership,
    clock,
    log,
    metrics,
    processCap: PROCESS_CAP,
    laneCap: LANE_CAP,
    heldMax: HELD_MAX,
    heldBytesMax: HELD_BYTES_MAX,
    ...(sweepMs === undefined ? {} : { sweepMs }),
  })
}

/** Hands items to whom they are for; those that stand in a batch of this process and are not held here need rows first. */
function hand(items: readonly RunItem[], batches: Batches, lanes: Lanes<RunItem>): void {
  const own = items.filter((item) => !batches.handOver(item))
  const { here = [], elsewhere = [] } = Object.groupBy(own, (item) =>
    batches.isWorkedHere(item) ? 'here' : 'elsewhere',
  )
  const passedOver = lanes.offer(here).filter((item) => item.batch !== null)
  const needRows = [...passedOver, ...elsewhere]
  if (needRows.length === 0) return
  void batches.activate(needRows).then(() => lanes.stored([...new Set(needRows.map(({ laneId }) => laneId))]))
}
