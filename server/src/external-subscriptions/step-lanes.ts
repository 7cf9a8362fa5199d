import type { Tx } from '../platform/database.ts'
import type { LaneItem, Lanes } from '../platform/lane.ts'
import { createLanes } from '../platform/lanes.ts'
import type { Log } from '../platform/log.ts'
import { createLoopLoad } from '../platform/loop-load.ts'
import type { Metrics } from '../platform/metrics.ts'
import { type Notice, type Ownership, shardOf } from '../platform/ownership.ts'
import { forgettingErrors } from '../platform/periodic.ts'
import { createExternalSteps, type ExternalStepsOptions } from './steps.ts'
import {
  countSteps,
  externalSubscriptionById,
  fetchSteps,
  lanesWithSteps,
  takeDueRefreshes,
  wantSteps,
} from './store.ts'
import { dueExternalStep, type ExternalSubscription } from './subscription.ts'

const NAME = 'external-subscriptions'
const TOPIC = `lanes:${NAME}`
const DONE = `${NAME}:done`
/** Beyond this share of the process's time, what comes in of others goes first. */
const BUSY_SHARE = 0.7
/** Calls at the same time in one process, and of one connection; and what waits in memory. */
const CAPS = { processCap: 500, laneCap: 4, heldMax: 5000, heldBytesMax: 16 * 1024 * 1024 }
const ITEM_BYTES = 500
/** Refreshes that are taken up at a time, and how often it is looked for them. */
const REFRESHES_MAX = 1000
const SWEEP_MS = 5000
/** Ids in one notice, which has room for 8,000 bytes. */
const TOLD_MAX = 150
/** Longest time that a request waits for what it asked for; then it answers with how things stand. */
const WAIT_MAX_MS = 25_000

export interface StepLanesOptions extends ExternalStepsOptions {
  log: Log
  ownership: Ownership
  metrics: Metrics
  sweepMs?: number
}

/** Has steps done: a lane per connection, so that an app that is slow or dead holds up nobody else's. */
export interface StepLanes {
  /** Something is to be done about these when the transaction commits. */
  want(tx: Tx, rows: readonly { id: string; connectionId: string }[]): Promise<void>
  /** Waits until what should be is, or was tried and failed, and gives how it stands then. */
  brought(id: string, waitMs?: number): Promise<ExternalSubscription>
  readonly surveyLanes: Lanes<LaneItem>['survey']
  settled(): Promise<void>
  start(): void
  close(): Promise<void>
}

export function createStepLanes(options: StepLanesOptions): StepLanes {
  const { database, ownership, clock, log, metrics } = options
  const steps = createExternalSteps(options)
  const waiting = new Map<string, Set<() => void>>()
  const done = (id: string) => {
    for (const resolve of waiting.get(id) ?? []) resolve()
  }

  /** Somebody may wait for it in a process that does not work this shard. */
  let told: string[] = []
  function tellOthers(id: string): void {
    if (told.length === 0) setImmediate(flush)
    told.push(id)
    if (told.length >= TOLD_MAX) flush()
  }
  function flush(): void {
    const ids = told
    told = []
    if (ids.length === 0) return
    ownership
      .notify({ about: DONE, ids })
      .catch((error: Error) => log.warn({ message: error.message }, 'other processes were not told what was done'))
  }

  const lanes: Lanes<LaneItem> = createLanes<LaneItem>({
    source: {
      name: NAME,
      lanesOf: (shards) => lanesWithSteps(database.db, shards),
      countOf: (...of) => countSteps(database.db, ...of),
      async fetch(laneIds, limit, except, now) {
        const rows = await fetchSteps(database.db, laneIds, limit, except, now)
        return rows.map((row) => ({ item: itemOf(row), dueAt: row.dueAt }))
      },
      async work(item, signal) {
        const outcome = await steps.work(item.id, signal)
        done(item.id)
        if (!ownership.ownsAll()) tellOthers(item.id)
        return outcome
      },
      async giveUp(item) {
        const outcome = await steps.giveUp(item.id)
        done(item.id)
        return outcome
      },
    },
    ownership,
    clock,
    log,
    metrics,
    ...CAPS,
    load: createLoopLoad(BUSY_SHARE),
    ...(options.sweepMs === undefined ? {} : { sweepMs: options.sweepMs }),
  })
  const noticed = (notice: Notice) => {
    if (notice.about === DONE) for (const id of notice.ids as string[]) done(id)
  }
  ownership.listen({ noticed })

  async function takeUpRefreshes(): Promise<void> {
    for (;;) {
      const { count, shards } = await takeDueRefreshes(database, clock.now(), REFRESHES_MAX)
      if (shards.length > 0) await ownership.notify({ about: TOPIC, shards })
      if (count < REFRESHES_MAX) return
    }
  }
  const sweep = forgettingErrors(log, 'looking for due refreshes', options.sweepMs ?? SWEEP_MS, takeUpRefreshes)

  return {
    async want(tx, rows) {
      await wantSteps(tx, rows, clock.now())
      await ownership.notifyOnCommit(tx, { about: TOPIC, shards: rows.map((row) => shardOf(row.connectionId)) })
    },
    async brought(id, waitMs = WAIT_MAX_MS) {
      const deadline = performance.now() + waitMs
      for (;;) {
        // Listened for before it is looked, so that nothing is missed in between.
        const { promise, resolve } = Promise.withResolvers<void>()
        const resolvers = waiting.get(id) ?? new Set()
        waiting.set(id, resolvers.add(resolve))
        try {
          const current = await externalSubscriptionById(database.db, id)
          if (current === null) throw new Error(`subscription ${id} vanished`)
          const leftMs = deadline - performance.now()
          if (dueExternalStep(current) === null || current.error !== null || leftMs <= 0) return current
          const timer = setTimeout(resolve, leftMs)
          await promise
          clearTimeout(timer)
        } finally {
          resolvers.delete(resolve)
          if (resolvers.size === 0) waiting.delete(id)
        }
      }
    },
    surveyLanes: (question) => lanes.survey(question),
    async settled() {
      await takeUpRefreshes()
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
  }
}

function itemOf(step: { id: string; connectionId: string }): LaneItem {
  return {
    id: step.id,
    laneId: step.connectionId,
    groupId: step.id,
    groupCap: 1,
    isOrdered: false,
    bytes: ITEM_BYTES,
    waitsSinceMs: 0,
  }
}
