import { Refusal } from '../api/refusal.ts'
import { takeDuePulls } from '../external-subscriptions/store.ts'
import type { ExternalSubscription } from '../external-subscriptions/subscription.ts'
import type { Database } from '../platform/database.ts'
import type { Ids } from '../platform/ids.ts'
import type { LaneItem, Lanes } from '../platform/lane.ts'
import { createLanes } from '../platform/lanes.ts'
import type { Log } from '../platform/log.ts'
import { createLoopLoad } from '../platform/loop-load.ts'
import type { Metrics } from '../platform/metrics.ts'
import { type Ownership, shardOf } from '../platform/ownership.ts'
import { forgettingErrors } from '../platform/periodic.ts'
import { createPulling, type PullingOptions, rowOf } from './pulling.ts'
import {
  type ActivePull,
  countPulls,
  fetchPulls,
  lanesWithPulls,
  type PullRow,
  pullById,
  putPull,
  wantPulls,
} from './store.ts'

const NAME = 'pulls'
const TOPIC = `lanes:${NAME}`
const DONE = `${NAME}:done`
/** Pulls at the same time in one process, and of one connection. */
const PROCESS_CAP = 10
const LANE_CAP = 1
/** Beyond this share of the process's time, what comes in of others goes first. */
const BUSY_SHARE = 0.5
const HELD_MAX = 200
const HELD_BYTES_MAX = 1024 * 1024
const ITEM_BYTES = 500
/** Subscriptions that are taken up at a time, and how often: those that are due together are spread over time. */
const TAKEN_MAX = 100
const SWEEP_MS = 2000
/** How long a request waits for a pull that it asked for. */
const WAIT_MAX_MS = 20_000
const LOOK_MS = 1000

export interface PullsOptions extends PullingOptions {
  ids: Ids
  log: Log
  ownership: Ownership
  metrics: Metrics
  sweepMs?: number
}

/** Looks at apps that do not tell of events by themselves. */
export interface Pulls extends AsyncDisposable {
  /** Looks now, and waits a while for what comes of it. */
  now(subscription: ExternalSubscription): Promise<PullRow>
  readonly surveyLanes: Lanes<LaneItem>['survey']
  settled(): Promise<void>
  start(): void
  close(): Promise<void>
}

export function createPulls(options: PullsOptions): Pulls {
  const { database, ownership, clock, ids, log, random } = options
  const pulling = createPulling(options)
  const { done, ended } = createWaiting(database)
  const lanes: Lanes<LaneItem & { pull: ActivePull }> = createLanes({
    source: {
      name: NAME,
      lanesOf: (shards) => lanesWithPulls(database.db, shards),
      countOf: (shards, most) => countPulls(database.db, shards, most),
      async fetch(laneIds, limit, except, now) {
        const rows = await fetchPulls(database.db, laneIds, limit, except, now)
        return rows.map((pull) => ({ item: itemOf(pull), dueAt: pull.dueAt }))
      },
      async work({ pull }, signal) {
        const outcome = await pulling.work(pull, signal)
        done(pull.pullId)
        if (!ownership.ownsAll()) await ownership.notify({ about: DONE, id: pull.pullId })
        return outcome
      },
      async giveUp({ pull }) {
        await pulling.giveUp(pull)
        done(pull.pullId)
        return { kind: 'finished' }
      },
    },
    ownership,
    clock,
    log,
    metrics: options.metrics,
    processCap: PROCESS_CAP,
    laneCap: LANE_CAP,
    heldMax: HELD_MAX,
    heldBytesMax: HELD_BYTES_MAX,
    load: createLoopLoad(BUSY_SHARE),
    ...(options.sweepMs === undefined ? {} : { sweepMs: options.sweepMs }),
  })
  ownership.listen({
    noticed(notice) {
      if (notice.about === DONE) done(String(notice.id))
    },
  })

  /** One after the other: what the sweep is about to take up is not passed over by who waits until all is done. */
  let taking: Promise<unknown> = Promise.resolve()
  function takeUp(): Promise<number> {
    const turn = taking.then(takeUpDue)
    taking = turn.catch(() => {})
    return turn
  }
  async function takeUpDue(): Promise<number> {
    const shards = await database.transaction(async (tx) => {
      const due = await takeDuePulls(tx, clock.now(), { limit: TAKEN_MAX, jitter: random() })
      await wantPulls(
        tx,
        due.map((each) => ({ ...each, pullId: ids.next() })),
        clock.now(),
      )
      return due.map((each) => shardOf(each.connectionId))
    })
    if (shards.length > 0) await ownership.notify({ about: TOPIC, shards: [...new Set(shards)] })
    return shards.length
  }
  const sweep = forgettingErrors(log, 'looking for due pulls', options.sweepMs ?? SWEEP_MS, async () => {
    await takeUp()
  })

  const pulls: Pulls = {
    async now(subscription) {
      if (subscription.archivedAt !== null) throw new Refusal('archived', 'the external event subscription is archived')
      if (subscription.pullStrategy === null || !subscription.isRegistered)
        throw new Refusal('not_supported', 'events of this subscription are not looked for: the app tells of them')
      const { id, connectionId } = subscription
      const now = clock.now()
      const pullId = await database.transaction(async (tx) => {
        const fresh = ids.next()
        const pull = (await wantPulls(tx, [{ id, pullId: fresh, connectionId }], now)).get(id) ?? fresh
        if (pull === fresh) await putPull(tx, { ...rowOf(fresh, subscription, now), status: 'queued' })
        await ownership.notifyOnCommit(tx, { about: TOPIC, shards: [shardOf(connectionId)] })
        return pull
      })
      return ended(subscription.workspaceId, pullId)
    },
    surveyLanes: (question) => lanes.survey(question),
    async settled() {
      do await lanes.settled()
      while ((await takeUp()) > 0)
      await lanes.settled()
    },
    start() {
      lanes.start()
      sweep.start()
    },
    async close() {
      await sweep.stop()
      await lanes.stop()
    },
    [Symbol.asyncDispose]: () => pulls.close(),
  }
  return pulls
}

/** Who waits for pulls that were asked for. */
function createWaiting(database: Database) {
  const waiting = new Map<string, Set<() => void>>()
  return {
    done(pullId: string): void {
      for (const resolve of waiting.get(pullId) ?? []) resolve()
    },
    /** Resolves when it is over, or when it takes long: with how it stands then. */
    async ended(workspaceId: string, pullId: string): Promise<PullRow> {
      const deadline = performance.now() + WAIT_MAX_MS
      for (;;) {
        const { promise, resolve } = Promise.withResolvers<void>()
        const resolvers = waiting.get(pullId) ?? new Set()
        waiting.set(pullId, resolvers.add(resolve))
        const timer = setTimeout(resolve, LOOK_MS)
        try {
          const row = await pullById(database.db, workspaceId, pullId)
          const isOver = row !== null && (row.status === 'success' || row.status === 'error' || row.error !== null)
          if (row !== null && (isOver || performance.now() > deadline)) return row
          await promise
        } finally {
          clearTimeout(timer)
          resolvers.delete(resolve)
          if (resolvers.size === 0) waiting.delete(pullId)
        }
      }
    },
  }
}

function itemOf(pull: ActivePull): LaneItem & { pull: ActivePull } {
  return {
    id: pull.id,
    laneId: pull.connectionId,
    groupId: pull.id,
    groupCap: 1,
    isOrdered: false,
    bytes: ITEM_BYTES,
    waitsSinceMs: 0,
    pull,
  }
}
