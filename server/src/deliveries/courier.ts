import { Refusal } from '../api/refusal.ts'
import type { Live } from '../live/live.ts'
import type { Outbound } from '../outbound/client.ts'
import { type BatchLoader, createBatchLoader } from '../platform/batch-loader.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { type Ids, toWire } from '../platform/ids.ts'
import type { LaneOutcome } from '../platform/lane.ts'
import { GIVEN_UP } from '../platform/lane-faults.ts'
import { LEAVING } from '../platform/lanes.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { Tracing } from '../platform/tracing.ts'
import { ATTEMPT_TIMEOUT_MS, type AttemptResult, attempt, headersOf } from './attempt.ts'
import type { Attempt, AttemptTrigger, DeliveryItem, DeliveryRow, Destination } from './delivery.ts'
import type { Health } from './health.ts'
import type { Patience } from './patience.ts'
import { createAttemptRecorder, type RecordAttempt } from './recorder.ts'
import { retryDelayMs, USUAL_SCHEDULE_MS } from './schedule.ts'
import { destinationById, destinationsByIds, markSucceeded, recordAskedAttempt, settleActive } from './store.ts'
import { createThrottle, type Throttle } from './throttle.ts'
import { tracedAttempt } from './traced-attempt.ts'

/** A change of address or secret that this process was not told of counts within this time. */
const KEEP_MS = 250
/** A paused or missing destination is looked at again after this long, should its resumption go unnoticed. */
const PAUSED_LOOK_MS = 3_600_000

export interface CourierOptions {
  database: Database
  clock: Clock
  ids: Ids
  random(): number
  log: Log
  metrics: Metrics
  outbound: Outbound
  sealing: Sealing
  health: Health
  patience: Patience
  attemptTimeoutMs?: number
  tracing?: Tracing | null
  /** Told of each delivery that came and of each attempt at it. */
  live: Pick<Live, 'changed'>
}

/** Makes the attempts to deliver and records what they come to. */
export interface Courier {
  /** The destination has changed: the next attempt is to what it is now. */
  forget(destinationId: string): void
  /** One automatic attempt at a delivery whose turn has come. */
  work(item: DeliveryItem, signal: AbortSignal): Promise<LaneOutcome>
  /** Ends a delivery at which attempts fail by our own mistake. */
  giveUp(item: DeliveryItem): Promise<LaneOutcome>
  /** The message as its receiver would get it now. */
  message(row: DeliveryRow): Promise<{ headers: Record<string, string>; body: string }>
  /** A receiver fetched the message and took it: an attempt that says so, and the delivery is settled. */
  acknowledge(row: DeliveryRow, taken: { httpStatus: number | null; durationMs: number }): Promise<void>
  /** One attempt that somebody asked for. */
  send(row: DeliveryRow, trigger: Exclude<AttemptTrigger, 'auto'>, replayId: string | null): Promise<Attempt>
}

export function createCourier(options: CourierOptions): Courier {
  return new RecordingCourier(options)
}

class RecordingCourier implements Courier {
  readonly #o: CourierOptions
  readonly #parts: { outbound: Outbound; sealing: Sealing; timeoutMs: number }
  readonly #loadDestination: BatchLoader<Destination>
  readonly #record: RecordAttempt
  readonly #throttle: Throttle

  constructor(options: CourierOptions) {
    const { database, outbound, sealing } = options
    this.#o = options
    this.#parts = { outbound, sealing, timeoutMs: options.attemptTimeoutMs ?? ATTEMPT_TIMEOUT_MS }
    this.#loadDestination = createBatchLoader({
      load: (wanted) => destinationsByIds(database, wanted),
      keepMs: KEEP_MS,
      max: 10_000,
    })
    this.#record = createAttemptRecorder({ database, log: options.log, patience: options.patience })
    this.#throttle = createThrottle(options.clock)
  }

  forget(destinationId: string): void {
    this.#loadDestination.forget(destinationId)
  }

  async work(item: DeliveryItem, signal: AbortSignal): Promise<LaneOutcome> {
    const { clock } = this.#o
    const destination = await this.#loadDestination(item.delivery.destinationId)
    if (destination === undefined || destination.state !== 'active')
      return { kind: 'waits', until: this.#later(PAUSED_LOOK_MS) }
    if (destination.throttlePerSecond !== null) {
      const notBefore = await this.#throttle(destination.id, destination.throttlePerSecond, signal)
      if (notBefore !== null) return { kind: 'rests', until: notBefore }
    }
    if (signal.aborted) return { kind: 'waits', until: clock.now() }
    const { messageId, eventType, body } = item.delivery
    const result = await tracedAttempt(this.#o.tracing, item, () =>
      attempt(this.#parts, { destination, messageId, eventType, body, now: clock.now(), signal }),
    )
    if (result === null) return { kind: 'waits', until: signal.reason === LEAVING ? clock.now() : this.#later(1000) }
    return this.#settle(item, destination, result)
  }

  /** Records the attempt and what follows from it for the delivery and its destination. */
  async #settle(item: DeliveryItem, destination: Destination, result: AttemptResult): Promise<LaneOutcome> {
    const { clock, health, metrics, patience } = this.#o
    const attemptsMade = item.attemptsMade + 1
    const isSuccess = result.outcome === 'acknowledged'
    const delayMs = isSuccess
      ? null
      : retryDelayMs({
          attemptsMade,
          retryAfterMs: result.retryAfterMs,
          jitter: this.#o.random(),
          schedule: destination.scheduleMs ?? USUAL_SCHEDULE_MS,
        })
    const nextAttemptAt = delayMs === null ? null : this.#later(delayMs)
    const settled = isSuccess ? 'succeeded' : nextAttemptAt === null ? 'exhausted' : null
    const made = this.#attemptOf(item.id, item.delivery, result, {
      number: attemptsMade,
      trigger: 'auto',
      replayId: null,
      nextAttemptAt,
    })
    await this.#record({ attempt: made, isOrdered: item.isOrdered, attemptsMade, settled, at: clock.now() })
    metrics.deliveryAttempts.inc({ outcome: result.outcome })
    this.#tellOf(item.delivery.workspaceId, item.id)
    item.attemptsMade = attemptsMade
    await patience.insist('the health of a destination', () =>
      health.note(destination, {
        isSuccess,
        isGone: result.isGone,
        isExhausted: settled === 'exhausted',
        error: result.error,
      }),
    )
    const pace = result.isSlow ? 'slow' : 'ok'
    return nextAttemptAt === null ? { kind: 'finished', pace } : { kind: 'waits', until: nextAttemptAt, pace }
  }

  async giveUp(item: DeliveryItem): Promise<LaneOutcome> {
    const now = this.#o.clock.now()
    const attemptsMade = item.attemptsMade + 1
    const result: AttemptResult = {
      outcome: 'unreachable',
      errorClass: 'internal',
      error: GIVEN_UP,
      httpStatus: null,
      durationMs: 0,
      request: {},
      response: null,
      isGone: false,
      isSlow: false,
      retryAfterMs: null,
    }
    const how = { number: attemptsMade, trigger: 'auto', replayId: null, nextAttemptAt: null } as const
    const made = this.#attemptOf(item.id, item.delivery, result, how)
    await this.#record({ attempt: made, isOrdered: item.isOrdered, attemptsMade, settled: 'exhausted', at: now })
    this.#tellOf(item.delivery.workspaceId, item.id)
    return { kind: 'finished' }
  }

  async message(row: DeliveryRow): Promise<{ headers: Record<string, string>; body: string }> {
    const destination = await this.#living(row)
    const { messageId, body } = row
    const { custom, own } = headersOf(this.#parts.sealing, { destination, messageId, body, now: this.#o.clock.now() })
    return { headers: { ...custom, ...own }, body }
  }

  async acknowledge(row: DeliveryRow, taken: { httpStatus: number | null; durationMs: number }): Promise<void> {
    await this.#living(row)
    const result: AttemptResult = {
      outcome: 'acknowledged',
      errorClass: null,
      error: null,
      ...taken,
      request: { note: 'fetched by the receiver, not sent to it' },
      response: null,
      isGone: false,
      isSlow: false,
      retryAfterMs: null,
    }
    await this.#keepAsked(row, result, 'manual', null)
  }

  async #living(row: DeliveryRow): Promise<Destination> {
    const destination = await destinationById(this.#o.database.db, row.destinationId)
    if (destination === null || destination.state === 'archived')
      throw new Refusal('archived', 'the destination of the delivery is archived')
    return destination
  }

  async send(row: DeliveryRow, trigger: Exclude<AttemptTrigger, 'auto'>, replayId: string | null): Promise<Attempt> {
    const destination = await this.#living(row)
    const { messageId, eventType, body } = row
    const result = await attempt(this.#parts, { destination, messageId, eventType, body, now: this.#o.clock.now() })
    if (result === null) throw new Error('an attempt that nobody aborts ends')
    return this.#keepAsked(row, result, trigger, replayId)
  }

  /** Records an attempt that somebody asked for, and settles the delivery where it was a success. */
  async #keepAsked(
    row: DeliveryRow,
    result: AttemptResult,
    trigger: Exclude<AttemptTrigger, 'auto'>,
    replayId: string | null,
  ): Promise<Attempt> {
    const { database, clock, metrics } = this.#o
    const made = this.#attemptOf(row.id, row, result, { number: null, trigger, replayId, nextAttemptAt: null })
    await recordAskedAttempt(database.pool, made)
    metrics.deliveryAttempts.inc({ outcome: result.outcome })
    if (result.outcome === 'acknowledged') {
      const now = clock.now()
      const wasActive = await settleActive(database.db, row.id, 'succeeded', now)
      if (!wasActive) await markSucceeded(database.db, row.id, now)
    }
    this.#tellOf(row.workspaceId, row.id)
    return made
  }

  #tellOf(workspaceId: string, id: string): void {
    this.#o.live.changed({ workspaceId, elementType: 'delivery', elementId: toWire('dlv', id), audience: 'admins' })
  }

  #attemptOf(
    deliveryId: string,
    delivery: { workspaceId: string; destinationId: string },
    result: AttemptResult,
    how: Pick<Attempt, 'number' | 'trigger' | 'replayId' | 'nextAttemptAt'>,
  ): Attempt {
    const { outcome, errorClass, error, httpStatus, durationMs, request, response } = result
    const { workspaceId, destinationId } = delivery
    return {
      id: this.#o.ids.next(),
      workspaceId,
      deliveryId,
      destinationId,
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

  #later(ms: number): Date {
    return new Date(this.#o.clock.now().getTime() + ms)
  }
}
