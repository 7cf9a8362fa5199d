import { Refusal } from '../api/refusal.ts'
import type { Deliveries } from '../deliveries/deliveries.ts'
import { type DeliveryItem, EXTERNAL_EVENT, type NewDelivery } from '../deliveries/delivery.ts'
import { externalRunFor } from '../dispatch/dispatch.ts'
import { wantedByExternal } from '../dispatch/store.ts'
import { type Database, runPrepared, type Statement } from '../platform/database.ts'
import { createGroupCommit, type GroupCommit } from '../platform/group-commit.ts'
import { type Ids, toWire } from '../platform/ids.ts'
import type { RunItem } from '../runs/run.ts'
import type { Runs } from '../runs/runs.ts'
import { replaceState } from '../subscriptions/external-store.ts'
import {
  dropActiveWebhook,
  type ExternalEventRow,
  type ExternalSource,
  externalEventsInsert,
  type IncomingWebhookRow,
  incomingWebhooksInsert,
  setEventDelivery,
} from './external-store.ts'

/** A request with what came of it. */
export interface SettledWebhook {
  row: IncomingWebhookRow
  events: readonly { source: ExternalSource; payload: unknown }[]
  /** The row that keeps it while it is not settled; gone with this. */
  active: string | null
}

/** The same with its payloads as the JSON that is stored: what cannot be written fails by itself and not its group. */
type Written = Omit<SettledWebhook, 'events'> & { events: readonly { source: ExternalSource; json: string }[] }

/** Stores what came of requests: the record, the events, and the deliveries and runs that follow from them, together. */
export interface ExternalWriter {
  write(webhook: SettledWebhook): Promise<void>
  /** The same with a new state; false, and nothing is stored, where the state is not the one it was computed from. */
  writeWithState(
    webhook: SettledWebhook,
    change: { subscriptionId: string; fromVersion: number; stateSealed: string },
  ): Promise<boolean>
  /** What the request was for is gone. */
  forget(activeId: string): Promise<void>
  /** Delivers stored events to where they belong now, and launches who wants them now. */
  sendAgain(event: ExternalEventRow, source: ExternalSource): Promise<void>
  drained(): Promise<void>
}

const GROUP_MAX = 200
const GROUP_BYTES_MAX = 16 * 1024 * 1024
const WRITERS_MAX = 2
const WAITING_MAX = 5000
const WAITING_BYTES_MAX = 128 * 1024 * 1024

export interface ExternalWriterOptions {
  database: Database
  ids: Ids
  deliveries: Deliveries
  runs: Runs
  /** Told of each request and each event that is stored. */
  onStored(what: 'incoming-webhook' | 'external-event', row: StoredRow): void
}

/** What is told of a row that is stored. */
export interface StoredRow {
  id: string
  workspaceId: string
  customerId: string | null
}

export function createExternalWriter(options: ExternalWriterOptions): ExternalWriter {
  return new GroupWriter(options)
}

/** What stores something, and what is to be handed over when it is stored. */
interface Prepared {
  statements: Statement[]
  webhooks: readonly IncomingWebhookRow[]
  events: readonly ExternalEventRow[]
  deliveryItems: DeliveryItem[]
  runItems: RunItem[]
}

class GroupWriter implements ExternalWriter {
  readonly #o: ExternalWriterOptions
  readonly #queue: GroupCommit<Written, null>

  constructor(options: ExternalWriterOptions) {
    this.#o = options
    this.#queue = createGroupCommit<Written, null>({
      write: async (group) => {
        const prepared = await this.#prepare(group)
        await options.database.atomically(prepared.statements)
        this.#offer(prepared)
        return group.map(() => null)
      },
      groupMax: GROUP_MAX,
      groupWeightMax: GROUP_BYTES_MAX,
      writersMax: WRITERS_MAX,
      waitingMax: WAITING_MAX,
      waitingWeightMax: WAITING_BYTES_MAX,
    })
  }

  async write(webhook: SettledWebhook): Promise<void> {
    const { active } = webhook
    const written = writtenOf(webhook)
    if (active === null) {
      const payloadBytes = written.events.reduce((sum, { json }) => sum + json.length, 0)
      const waiting = this.#queue.add(written, webhook.row.body.length + payloadBytes + 1000)
      if (waiting === null)
        throw new Refusal('overloaded', 'more requests are waiting than can be written; nothing was stored, try again')
      await waiting
      return
    }
    const prepared = await this.#prepare([written])
    await this.#o.database.transaction(async (tx) => {
      for (const statement of prepared.statements) await runPrepared(tx, statement)
      await dropActiveWebhook(tx, active)
    })
    this.#offer(prepared)
  }

  async writeWithState(
    webhook: SettledWebhook,
    change: { subscriptionId: string; fromVersion: number; stateSealed: string },
  ): Promise<boolean> {
    const prepared = await this.#prepare([writtenOf(webhook)])
    const isCurrent = await this.#o.database.transaction(async (tx) => {
      if (!(await replaceState(tx, change.subscriptionId, change.fromVersion, change.stateSealed))) return false
      for (const statement of prepared.statements) await runPrepared(tx, statement)
      if (webhook.active !== null) await dropActiveWebhook(tx, webhook.active)
      return true
    })
    if (isCurrent) this.#offer(prepared)
    return isCurrent
  }

  async forget(activeId: string): Promise<void> {
    await dropActiveWebhook(this.#o.database.db, activeId)
  }

  async sendAgain(event: ExternalEventRow, source: ExternalSource): Promise<void> {
    const row = { ...event }
    const prepared = await this.#sending([{ source, row }])
    await this.#o.database.transaction(async (tx) => {
      for (const statement of prepared.statements) await runPrepared(tx, statement)
      if (row.deliveryId !== null) await setEventDelivery(tx, row.id, row.deliveryId)
    })
    this.#offer(prepared)
  }

  drained(): Promise<void> {
    return this.#queue.drained()
  }

  async #prepare(group: readonly Written[]): Promise<Prepared> {
    const events = group.flatMap(({ row, events: found }) => {
      const rows = found.map(({ source, json }) => ({ source, row: this.#eventRow(source, json, row.id) }))
      row.eventIds = rows.map((each) => each.row.id)
      return rows
    })
    const sent = await this.#sending(events)
    const webhooks = group.map((each) => each.row)
    return {
      ...sent,
      webhooks,
      statements: [
        incomingWebhooksInsert(webhooks),
        ...(events.length === 0 ? [] : [externalEventsInsert(events.map((each) => each.row))]),
        ...sent.statements,
      ],
    }
  }

  /** Deliveries and runs of events; the events' rows are told of their deliveries. */
  async #sending(events: readonly { source: ExternalSource; row: ExternalEventRow }[]): Promise<Prepared> {
    const delivered = events.filter(({ source }) => source.hasDestination)
    const out = this.#o.deliveries.inserting(delivered.map(({ source, row }) => deliveryOf(source, row)))
    for (const [index, { row }] of delivered.entries()) row.deliveryId = out.items[index]?.id ?? null
    const launching = events.filter(({ source }) => source.eventKey !== null)
    const wanted =
      launching.length === 0
        ? []
        : await wantedByExternal(this.#o.database, [...new Set(launching.map(({ row }) => row.subscriptionId))])
    const bySubscription = Map.groupBy(wanted, (each) => each.subscriptionId)
    const started = this.#o.runs.inserting(
      launching.flatMap(({ row }) =>
        (bySubscription.get(row.subscriptionId) ?? []).map((each) => ({
          run: externalRunFor(row.workspaceId, row.id, each),
          input: row.payload,
        })),
      ),
    )
    return {
      statements: [...out.statements, ...started.statements],
      webhooks: [],
      events: events.map((each) => each.row),
      deliveryItems: out.items,
      runItems: started.items,
    }
  }

  #eventRow(source: ExternalSource, payload: string, incomingWebhookId: string): ExternalEventRow {
    return {
      id: this.#o.ids.next(),
      workspaceId: source.workspaceId,
      customerId: source.customerId,
      connectionId: source.connectionId,
      integrationId: source.integrationId,
      subscriptionId: source.subscriptionId,
      incomingWebhookId,
      payload,
      deliveryId: null,
    }
  }

  #offer(prepared: Prepared): void {
    for (const row of prepared.webhooks) this.#o.onStored('incoming-webhook', row)
    for (const row of prepared.events) this.#o.onStored('external-event', row)
    this.#o.deliveries.offer(prepared.deliveryItems)
    this.#o.runs.offer(prepared.runItems)
  }
}

function writtenOf(webhook: SettledWebhook): Written {
  const events = webhook.events.map(({ source, payload }) => ({ source, json: JSON.stringify(payload ?? null) }))
  return { ...webhook, events }
}

function deliveryOf(source: ExternalSource, row: ExternalEventRow): NewDelivery {
  return {
    workspaceId: row.workspaceId,
    destinationId: row.subscriptionId,
    // Stable, so that a receiver knows an event again when it is sent again.
    messageId: row.id,
    eventType: EXTERNAL_EVENT,
    customerId: row.customerId,
    sourceId: toWire('eev', row.id),
    body: row.payload,
    isOrdered: source.isOrdered ?? false,
    concurrency: source.concurrency ?? 1,
  }
}
