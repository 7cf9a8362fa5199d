import { Refusal } from '../api/refusal.ts'
import type { Deliveries } from '../deliveries/deliveries.ts'
import { type DeliveryItem, EXTERNAL_EVENT, type NewDelivery } from '../deliveries/delivery.ts'
import { externalRunFor } from '../dispatch/dispatch.ts'
import { type ExternalWait, type ExternalWantedRun, wantedByExternal } from '../dispatch/store.ts'
import { replaceState } from '../external-subscriptions/store.ts'
import type { Live } from '../live/live.ts'
import type { Clock } from '../platform/clock.ts'
import { type Database, runPrepared, type Statement, type Tx } from '../platform/database.ts'
import { createGroupCommit, type GroupCommit } from '../platform/group-commit.ts'
import { type Ids, toWire } from '../platform/ids.ts'
import type { TracePlace, Tracing } from '../platform/tracing.ts'
import { arrivalsIn, arrivalsOf } from '../runs/event-waits.ts'
import type { RunItem } from '../runs/run.ts'
import type { Runs } from '../runs/runs.ts'
import type { EventIdentity } from './dedupe.ts'
import { type IdentifiedEvents, withoutRepeats } from './repeats.ts'
import {
  dropActiveWebhook,
  type ExternalEventRow,
  type ExternalSource,
  externalEventsInsert,
  type IncomingWebhookRow,
  incomingWebhooksInsert,
  setEventDelivery,
  sourceById,
} from './store.ts'

/** An event that a subscription gets. */
export interface SourceEvent {
  source: ExternalSource
  payload: unknown
  /** How it is known again; null where its type does not say. */
  identity: EventIdentity | null
}

/** A request with what came of it. */
export interface SettledWebhook {
  row: IncomingWebhookRow
  events: readonly SourceEvent[]
  /** What its events stand beneath in a trace; absent for nothing. */
  trace?: TracePlace | null
  /** The row that keeps it while it is not settled; gone with this. */
  active: string | null
}

/** The same with its payloads as the JSON that is stored: what cannot be written fails by itself and not its group. */
type Written = Omit<SettledWebhook, 'events'> & IdentifiedEvents

/** Stores what came of requests: the record, the events, and the deliveries and runs that follow from them, together. */
export interface ExternalWriter extends PulledEvents {
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

/** Events that were looked for, as what stores them. */
export interface PreparedEvents {
  ids: readonly string[]
  /** To be run in one transaction with what says that they were found. */
  statements: readonly Statement[]
  /** When that is committed. */
  offer(): void
}

/** Stores events that nobody told of. */
export interface PulledEvents {
  /** What makes events of payloads, for who wants them now; null where the subscription is gone. */
  pulling(subscriptionId: string): Promise<((payloads: readonly unknown[]) => PreparedEvents) | null>
}

const GROUP_MAX = 200
const GROUP_BYTES_MAX = 16 * 1024 * 1024
const WRITERS_MAX = 2
/** Webhooks come out of their functions one by one. */
const GATHER_MS = 8
const WAITING_MAX = 5000
const WAITING_BYTES_MAX = 128 * 1024 * 1024

export interface ExternalWriterOptions {
  database: Database
  clock: Clock
  ids: Ids
  deliveries: Deliveries
  runs: Runs
  tracing?: Tracing | null
  live: Pick<Live, 'changed'>
}

/** What is told of a row that is stored. */
interface StoredRow {
  id: string
  workspaceId: string
  customerId: string | null
}

export function createExternalWriter(options: ExternalWriterOptions): ExternalWriter {
  return new GroupWriter(options)
}

/** An event that is to be stored, and what it stands beneath in a trace. */
interface FoundEvent {
  source: ExternalSource
  row: ExternalEventRow
  trace: TracePlace | null
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
  /** Of those whose events may have come before: what they lead to is known only within their transaction. */
  readonly #identified: GroupCommit<Written, null>

  constructor(options: ExternalWriterOptions) {
    this.#o = options
    const groups = (write: (group: readonly Written[]) => Promise<Prepared>) =>
      createGroupCommit<Written, null>({
        write: async (group) => {
          this.#offer(await write(group))
          return group.map(() => null)
        },
        groupMax: GROUP_MAX,
        groupWeightMax: GROUP_BYTES_MAX,
        writersMax: WRITERS_MAX,
        waitingMax: WAITING_MAX,
        waitingWeightMax: WAITING_BYTES_MAX,
        gatherMs: GATHER_MS,
      })
    this.#queue = groups(async (group) => {
      const prepared = await this.#prepare(group)
      await options.database.atomically(prepared.statements)
      return prepared
    })
    this.#identified = groups((group) => options.database.transaction((tx) => this.#store(tx, group)))
  }

  async write(webhook: SettledWebhook): Promise<void> {
    const { active } = webhook
    const written = this.#writtenOf(webhook)
    if (active === null) {
      const payloadBytes = written.events.reduce((sum, { json }) => sum + json.length, 0)
      const queue = written.events.some(({ identity }) => identity !== null) ? this.#identified : this.#queue
      const waiting = queue.add(written, webhook.row.body.length + payloadBytes + 1000)
      if (waiting === null)
        throw new Refusal('overloaded', 'more requests are waiting than can be written; nothing was stored, try again')
      await waiting
      return
    }
    const prepared = await this.#o.database.transaction(async (tx) => {
      const stored = await this.#store(tx, [written])
      await dropActiveWebhook(tx, active)
      return stored
    })
    this.#offer(prepared)
  }

  async writeWithState(
    webhook: SettledWebhook,
    change: { subscriptionId: string; fromVersion: number; stateSealed: string },
  ): Promise<boolean> {
    const written = this.#writtenOf(webhook)
    const prepared = await this.#o.database.transaction(async (tx) => {
      if (!(await replaceState(tx, change.subscriptionId, change.fromVersion, change.stateSealed))) return null
      const stored = await this.#store(tx, [written])
      if (webhook.active !== null) await dropActiveWebhook(tx, webhook.active)
      return stored
    })
    if (prepared !== null) this.#offer(prepared)
    return prepared !== null
  }

  async forget(activeId: string): Promise<void> {
    await dropActiveWebhook(this.#o.database.db, activeId)
  }

  async sendAgain(event: ExternalEventRow, source: ExternalSource): Promise<void> {
    const row = { ...event }
    const prepared = await this.#sending([{ source, row, trace: this.#o.tracing?.here() ?? null }])
    await this.#o.database.transaction(async (tx) => {
      for (const statement of prepared.statements) await runPrepared(tx, statement)
      if (row.deliveryId !== null) await setEventDelivery(tx, row.id, row.deliveryId)
    })
    this.#offer(prepared)
  }

  async drained(): Promise<void> {
    await Promise.all([this.#queue.drained(), this.#identified.drained()])
  }

  async pulling(subscriptionId: string): Promise<((payloads: readonly unknown[]) => PreparedEvents) | null> {
    const source = await sourceById(this.#o.database, subscriptionId)
    if (source === null || source.isArchived) return null
    const ofConnector = source.eventKey === null ? [] : [subscriptionId]
    const wanted = await wantedByExternal(this.#o.database, ofConnector)
    return (payloads) => {
      const trace = this.#traceOfPull(payloads.length)
      const rows = payloads.map((payload) => ({
        source,
        trace,
        row: eventRow({ id: this.#o.ids.next(), source, json: JSON.stringify(payload ?? null) }, null),
      }))
      const sent = this.#sendingTo(rows, wanted.runs)
      const written = rows.map(({ row }) => row)
      const arrivals = written.flatMap((row, index) => arrivalsIn(cameOf(row, wanted.waits), payloads[index]))
      return {
        ids: written.map((row) => row.id),
        statements: [
          ...(written.length === 0 ? [] : [externalEventsInsert(written)]),
          ...sent.statements,
          ...this.#o.runs.arriving(arrivals),
        ],
        offer: () => this.#offer(sent),
      }
    }
  }

  /** Stores requests with those of their events that are new. */
  async #store(tx: Tx, group: readonly Written[]): Promise<Prepared> {
    const prepared = await this.#prepare(await withoutRepeats(tx, group, this.#o.clock.now()))
    for (const statement of prepared.statements) await runPrepared(tx, statement)
    return prepared
  }

  async #prepare(group: readonly Written[]): Promise<Prepared> {
    const events = group.flatMap(({ row, events: found, trace = null }) => {
      const rows = found.map((event) => ({ source: event.source, row: eventRow(event, row.id), trace }))
      row.eventIds = rows.map((each) => each.row.id)
      return rows
    })
    const wanted = await this.#wanted(events)
    const sent = this.#sendingTo(events, wanted.runs)
    const arriving = await this.#arriving(events, wanted.waits)
    const webhooks = group.map((each) => each.row)
    return {
      ...sent,
      webhooks,
      statements: [
        incomingWebhooksInsert(webhooks),
        ...(events.length === 0 ? [] : [externalEventsInsert(events.map((each) => each.row))]),
        ...sent.statements,
        ...arriving,
      ],
    }
  }

  /** What wakes runs that wait for one of these events. */
  async #arriving(events: readonly FoundEvent[], waits: readonly ExternalWait[]): Promise<Statement[]> {
    if (waits.length === 0) return []
    const came = events.map(({ row }) => ({ ...cameOf(row, waits), payload: row.payload }))
    return this.#o.runs.arriving(await arrivalsOf(came))
  }

  /** Deliveries and runs of events; the events' rows are told of their deliveries. */
  async #sending(events: readonly FoundEvent[]): Promise<Prepared> {
    return this.#sendingTo(events, (await this.#wanted(events)).runs)
  }

  /** Only events of connectors start runs, or are waited for. */
  #wanted(events: readonly FoundEvent[]): ReturnType<typeof wantedByExternal> {
    const ofConnectors = events.filter(({ source }) => source.eventKey !== null)
    return wantedByExternal(this.#o.database, [...new Set(ofConnectors.map(({ row }) => row.subscriptionId))])
  }

  /** The same where it is known who wants them. */
  #sendingTo(events: readonly FoundEvent[], wanted: readonly ExternalWantedRun[]): Prepared {
    const delivered = events.filter(({ source }) => source.hasDestination)
    const out = this.#o.deliveries.inserting(delivered.map(deliveryOf))
    for (const [index, { row }] of delivered.entries()) row.deliveryId = out.items[index]?.id ?? null
    const launching = events.filter(({ source }) => source.eventKey !== null)
    const bySubscription = Map.groupBy(wanted, (each) => each.subscriptionId)
    const started = this.#o.runs.inserting(
      launching.flatMap(({ row, trace }) =>
        (bySubscription.get(row.subscriptionId) ?? []).map((each) => ({
          run: externalRunFor(row.workspaceId, row.id, each, trace),
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

  /** What was looked for was brought by no request: a trace begins with what was found. */
  #traceOfPull(found: number): TracePlace | null {
    if (found === 0) return null
    const span = this.#o.tracing?.begin({ name: 'pull', attributes: { 'permea.events': found } })
    span?.end()
    return span?.place ?? null
  }

  #writtenOf(webhook: SettledWebhook): Written {
    const events = webhook.events.map(({ source, payload, identity }) => ({
      id: this.#o.ids.next(),
      source,
      json: JSON.stringify(payload ?? null),
      identity,
    }))
    return { ...webhook, events }
  }

  #tellOf(elementType: string, prefix: 'iwh' | 'eev', { id, workspaceId, customerId }: StoredRow): void {
    const audience = customerId === null ? 'admins' : { customerId }
    this.#o.live.changed({ workspaceId, elementType, elementId: toWire(prefix, id), audience })
  }

  #offer(prepared: Prepared): void {
    for (const row of prepared.webhooks) this.#tellOf('incoming-webhook-log-record', 'iwh', row)
    for (const row of prepared.events) this.#tellOf('external-event-log-record', 'eev', row)
    this.#o.deliveries.offer(prepared.deliveryItems)
    this.#o.runs.offer(prepared.runItems)
  }
}

/** An event as runs that wait for one look at it. */
function cameOf(row: ExternalEventRow, waits: readonly ExternalWait[]) {
  const { id: eventId, customerId, subscriptionId } = row
  const fields = waits.filter((each) => each.subscriptionId === subscriptionId).map((each) => each.field)
  return { eventId, customerId, source: { kind: 'external', subscriptionId } as const, fields }
}

function eventRow(
  { id, source, json }: { id: string; source: ExternalSource; json: string },
  incomingWebhookId: string | null,
): ExternalEventRow {
  return {
    id,
    workspaceId: source.workspaceId,
    customerId: source.customerId,
    connectionId: source.connectionId,
    integrationId: source.integrationId,
    subscriptionId: source.subscriptionId,
    incomingWebhookId,
    payload: json,
    deliveryId: null,
    payloadCutAt: null,
  }
}

function deliveryOf({ source, row, trace }: FoundEvent): NewDelivery {
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
    trace,
  }
}
