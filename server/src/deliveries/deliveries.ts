import { refuseCut } from '../api/refusal.ts'
import { runPrepared, type Statement, type Tx } from '../platform/database.ts'
import type { Lanes } from '../platform/lane.ts'
import { createLanes } from '../platform/lanes.ts'
import { type Ownership, shardOf } from '../platform/ownership.ts'
import { type CourierOptions, createCourier } from './courier.ts'
import {
  type Attempt,
  type AttemptTrigger,
  type DeliveryItem,
  type DeliveryRow,
  deliveryItem,
  type NewDelivery,
} from './delivery.ts'
import { createPatience } from './patience.ts'
import { deliveriesWaiting } from './statistics-store.ts'
import { deliveriesInsert, deliveryById, fetchDeliveries, insertSettled, lanesWithDeliveries } from './store.ts'

const NAME = 'deliveries'
const TOPIC = `lanes:${NAME}`
const PROCESS_CAP = 1000
/** The lane's own cap is its destination's `concurrency`; this is only the most that any may have. */
const LANE_CAP = 100
const HELD_MAX = 5000
const HELD_BYTES_MAX = 32 * 1024 * 1024
export interface DeliveriesOptions extends Omit<CourierOptions, 'patience'> {
  ownership: Ownership
  sweepMs?: number
}

export interface Deliveries extends AsyncDisposable {
  /** Stores messages in the caller's transaction; hand what it gives to `offer` after the commit. */
  insert(tx: Tx, deliveries: readonly NewDelivery[]): Promise<DeliveryItem[]>
  /** The same as statements for the caller to run. */
  inserting(deliveries: readonly NewDelivery[]): { items: DeliveryItem[]; statements: Statement[] }
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
  /** The message as its receiver would get it now. */
  message(row: DeliveryRow): Promise<{ headers: Record<string, string>; body: string }>
  /** A receiver fetched the message and took it: the delivery is settled. */
  acknowledge(row: DeliveryRow, taken: { httpStatus: number | null; durationMs: number }): Promise<void>
  byId(workspaceId: string, id: string): Promise<DeliveryRow | null>
  /** A destination has changed: its backlog is looked at, and the next attempt is to what it is now. */
  wake(destinationId: string): Promise<void>
  readonly surveyLanes: Lanes<DeliveryItem>['survey']
  settled(): Promise<void>
  start(): void
  close(): Promise<void>
}

export function createDeliveries(options: DeliveriesOptions): Deliveries {
  const { database, clock, ids, log } = options
  const patience = createPatience(log)
  const courier = createCourier({ ...options, patience })

  const lanes: Lanes<DeliveryItem> = createLanes({
    source: {
      name: NAME,
      lanesOf: (shards) => lanesWithDeliveries(database.db, shards),
      countOf: (shards, most) => deliveriesWaiting(database.db, shards, most),
      fetch: (laneIds, limit, except, now) => fetchDeliveries(database.db, laneIds, limit, except, now),
      work: (item, signal) => courier.work(item, signal),
      giveUp: (item) => courier.giveUp(item),
    },
    ownership: options.ownership,
    clock,
    log,
    metrics: options.metrics,
    processCap: PROCESS_CAP,
    laneCap: LANE_CAP,
    heldMax: HELD_MAX,
    heldBytesMax: HELD_BYTES_MAX,
    ...(options.sweepMs === undefined ? {} : { sweepMs: options.sweepMs }),
  })

  options.ownership.listen({
    noticed(notice) {
      if (notice.about === TOPIC && typeof notice.destinationId === 'string') courier.forget(notice.destinationId)
    },
  })

  const deliveries: Deliveries = {
    async insert(tx, wanted) {
      const { items, statements } = deliveries.inserting(wanted)
      for (const statement of statements) await runPrepared(tx, statement)
      return items
    },
    inserting(wanted) {
      const items = wanted.map((delivery) => deliveryItem(ids.next(), delivery, 0))
      return { items, statements: items.length === 0 ? [] : [deliveriesInsert(items, clock.now())] }
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
      refuseCut('message', row.payloadCutAt)
      return courier.send(row, trigger, replayId)
    },
    async message(row) {
      refuseCut('message', row.payloadCutAt)
      return courier.message(row)
    },
    acknowledge: (row, taken) => courier.acknowledge(row, taken),
    byId: (workspaceId, id) => deliveryById(database.db, workspaceId, id),
    async wake(destinationId) {
      courier.forget(destinationId)
      await options.ownership.notify({ about: TOPIC, shards: [shardOf(destinationId)], destinationId })
    },
    surveyLanes: (question) => lanes.survey(question),
    settled: () => lanes.settled(),
    start: () => lanes.start(),
    async close() {
      patience.stop()
      await lanes.stop()
    },
    [Symbol.asyncDispose]: () => deliveries.close(),
  }
  return deliveries
}
