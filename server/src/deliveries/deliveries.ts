import { Refusal } from '../api/refusal.ts'
import type { Outbound } from '../outbound/client.ts'
import { createBatchLoader } from '../platform/batch-loader.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import type { Ids } from '../platform/ids.ts'
import { createLanes, type LaneOutcome, type Lanes, LEAVING } from '../platform/lanes.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import { type Ownership, shardOf } from '../platform/ownership.ts'
import type { Sealing } from '../platform/sealing.ts'
import { type AttemptResult, attempt } from './attempt.ts'
import {
  type Attempt,
  type AttemptTrigger,
  type DeliveryItem,
  type DeliveryRow,
  type Destination,
  deliveryItem,
  type NewDelivery,
} from './delivery.ts'
import type { Health } from './health.ts'
import { createAttemptRecorder } from './recorder.ts'
import { retryDelayMs, USUAL_SCHEDULE_MS } from './schedule.ts'
import {
  deliveryById,
  destinationById,
  destinationsByIds,
  fetchDeliveries,
  insertDeliveries,
  insertSettled,
  lanesWithDeliveries,
  markSucceeded,
  recordAskedAttempt,
  settleActive,
} from './store.ts'
import { createThrottle } from './throttle.ts'

const NAME = 'deliveries'
const TOPIC = `lanes:${NAME}`
const PROCESS_CAP = 1000
/** The lane's own cap is its destination's `concurrency`; this is only the most that any may have. */
const LANE_CAP = 100
const HELD_MAX = 5000
const HELD_BYTES_MAX = 32 * 1024 * 1024
/** A change of address or secret counts within this time. */
const KEEP_MS = 250
/** A paused or missing destination is looked at again after this long, should its resumption go unnoticed. */
const PAUSED_LOOK_MS = 3_600_000

export interface DeliveriesOptions {
  database: Database
  ownership: Ownership
  clock: Clock
  ids: Ids
  random(): number
  log: Log
  metrics: Metrics
  outbound: Outbound
  sealing: Sealing
  health: Health
  sweepMs?: number
}

export interface Deliveries extends AsyncDisposable {
  /** Stores messages in the caller's transaction; hand what it gives to `offer` after the commit. */
  insert(tx: Tx, deliveries: readonly NewDelivery[]): Promise<DeliveryItem[]>
  offer(items: readonly DeliveryItem[]): void
  /** The same as `insert` and `offer` for who cannot wait for the commit: the lanes are told when it comes. */
  insertAndAnnounce(tx: Tx, deliveries: readonly NewDelivery[]): Promise<void>
  /** Stores a message that is only sent when asked for: a test. It is settled already; a success makes it succeeded. */
  insertHeld(tx: Tx, delivery: NewDelivery): Promise<DeliveryItem[]>
  /**
   * One attempt now that somebody asked for: with the current address and secret, allowed while paused, without
   * effect on the destination's health, counted apart from the automatic ones.
   */
  send(row: DeliveryRow, trigger: Exclude<AttemptTrigger, 'auto'>, replayId: string | null): Promise<Attempt>
  byId(workspaceId: string, id: string): Promise<DeliveryRow | null>
  /** Has a destination's backlog looked at: it was resumed, or has become faster. */
  wake(destinationId: string): Promise<void>
  settled(): Promise<void>
  start(): void
  close(): Promise<void>
}

export function createDeliveries(options: DeliveriesOptions): Deliveries {
  const { database, clock, ids, log, outbound, sealing } = options
  const loadDestination = createBatchLoader({
    load: (wanted) => destinationsByIds(database.db, wanted),
    keepMs: KEEP_MS,
    max: 10_000,
  })
  const record = createAttemptRecorder({ pool: database.pool, log })
  const throttle = createThrottle(clock)

  async function work(item: DeliveryItem, signal: AbortSignal): Promise<LaneOutcome> {
    const destination = await loadDestination(item.delivery.destinationId)
    if (destination === undefined || destination.state !== 'active')
      return { kind: 'waits', until: later(PAUSED_LOOK_MS) }
    if (destination.throttlePerSecond !== null) await throttle(destination.id, destination.throttlePerSecond, signal)
    if (signal.aborted) return { kind: 'waits', until: clock.now() }
    const result = await attempt(
      { outbound, sealing },
      { destination, messageId: item.delivery.messageId, body: item.delivery.body, now: clock.now(), signal },
    )
    if (result === null) return { kind: 'waits', until: signal.reason === LEAVING ? clock.now() : later(1000) }
    return settle(item, destination, result)
  }

  /** Records the attempt and what follows from it for the delivery and its destination. */
  async function settle(item: DeliveryItem, destination: Destination, result: AttemptResult): Promise<LaneOutcome> {
    const attemptsMade = item.attemptsMade + 1
    const isSuccess = result.outcome === 'acknowledged'
    const delayMs = isSuccess
      ? null
      : retryDelayMs({
          attemptsMade,
          retryAfterMs: result.retryAfterMs,
          jitter: options.random(),
          schedule: destination.scheduleMs ?? USUAL_SCHEDULE_MS,
        })
    const nextAttemptAt = delayMs === null ? null : later(delayMs)
    const settled = isSuccess ? 'succeeded' : nextAttemptAt === null ? 'exhausted' : null
    const made = attemptOf(item.id, item.delivery, result, {
      number: attemptsMade,
      trigger: 'auto',
      replayId: null,
      nextAttemptAt,
    })
    await record({ attempt: made, isOrdered: item.isOrdered, attemptsMade, settled, at: clock.now() })
    options.metrics.deliveryAttempts.inc({ outcome: result.outcome })
    item.attemptsMade = attemptsMade
    await options.health.note(destination, {
      isSuccess,
      isGone: result.isGone,
      isExhausted: settled === 'exhausted',
      error: result.error,
    })
    const pace = result.isSlow ? 'slow' : 'ok'
    return nextAttemptAt === null ? { kind: 'finished', pace } : { kind: 'waits', until: nextAttemptAt, pace }
  }

  function attemptOf(
    deliveryId: string,
    delivery: { workspaceId: string; destinationId: string },
    result: AttemptResult,
    how: Pick<Attempt, 'number' | 'trigger' | 'replayId' | 'nextAttemptAt'>,
  ): Attempt {
    const { outcome, errorClass, error, httpStatus, durationMs, request, response } = result
    return {
      id: ids.next(),
      workspaceId: delivery.workspaceId,
      deliveryId,
      destinationId: delivery.destinationId,
      outcome,
      errorClass,
      error,
      httpStatus,
      durationMs,
      request,
      response,
      ...how,
    }
  }

  const later = (ms: number) => new Date(clock.now().getTime() + ms)

  const lanes: Lanes<DeliveryItem> = createLanes({
    source: {
      name: NAME,
      lanesOf: (shards) => lanesWithDeliveries(database.db, shards),
      fetch: (laneIds, limit, except, now) => fetchDeliveries(database.db, laneIds, limit, except, now),
      work,
    },
    ownership: options.ownership,
    clock,
    log,
    processCap: PROCESS_CAP,
    laneCap: LANE_CAP,
    heldMax: HELD_MAX,
    heldBytesMax: HELD_BYTES_MAX,
    ...(options.sweepMs === undefined ? {} : { sweepMs: options.sweepMs }),
  })

  const deliveries: Deliveries = {
    async insert(tx, wanted) {
      if (wanted.length === 0) return []
      const items = wanted.map((delivery) => deliveryItem(ids.next(), delivery, 0))
      await insertDeliveries(tx, items, clock.now())
      return items
    },
    offer: (items) => lanes.offer(items),
    async insertAndAnnounce(tx, wanted) {
      const items = await deliveries.insert(tx, wanted)
      const shards = [...new Set(items.map((item) => shardOf(item.laneId)))]
      if (shards.length > 0) await options.ownership.notifyOnCommit(tx, { about: TOPIC, shards })
    },
    async insertHeld(tx, delivery) {
      const item = deliveryItem(ids.next(), delivery, 0)
      await insertSettled(tx, item, clock.now())
      return [item]
    },
    async send(row, trigger, replayId) {
      const destination = await destinationById(database.db, row.destinationId)
      if (destination === null || destination.state === 'archived')
        throw new Refusal('archived', 'the destination of the delivery is archived')
      const result = await attempt(
        { outbound, sealing },
        { destination, messageId: row.messageId, body: row.body, now: clock.now() },
      )
      if (result === null) throw new Error('an attempt that nobody aborts ends')
      const made = attemptOf(row.id, row, result, { number: null, trigger, replayId, nextAttemptAt: null })
      await recordAskedAttempt(database.pool, made)
      options.metrics.deliveryAttempts.inc({ outcome: result.outcome })
      if (result.outcome === 'acknowledged') {
        const now = clock.now()
        const wasActive = await settleActive(database.db, row.id, 'succeeded', now)
        if (!wasActive) await markSucceeded(database.db, row.id, now)
      }
      return made
    },
    byId: (workspaceId, id) => deliveryById(database.db, workspaceId, id),
    async wake(destinationId) {
      await options.ownership.notify({ about: TOPIC, shards: [shardOf(destinationId)] })
    },
    settled: () => lanes.settled(),
    start: () => lanes.start(),
    close: () => lanes.stop(),
    [Symbol.asyncDispose]: () => lanes.stop(),
  }
  return deliveries
}
