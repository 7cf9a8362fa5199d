import type { ErrorData } from '@permea/contract'
import { errorData, Refusal } from '../api/refusal.ts'
import { FunctionFailed } from '../data-collections/records.ts'
import type { Deliveries } from '../deliveries/deliveries.ts'
import type { FunctionCall, Functions } from '../functions/function.ts'
import type { Connectors } from '../integrations/connectors.ts'
import { boundedCache } from '../platform/bounded-cache.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { type Ids, timeOfId, toWire } from '../platform/ids.ts'
import type { LaneItem, Lanes } from '../platform/lane.ts'
import { GIVEN_UP } from '../platform/lane-faults.ts'
import { createLanes } from '../platform/lanes.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { Ownership } from '../platform/ownership.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { Tracing } from '../platform/tracing.ts'
import type { Runs } from '../runs/runs.ts'
import { identitiesOf } from './dedupe.ts'
import {
  DEFAULT_RESPONSE,
  type Handled,
  handleArgument,
  handledOf,
  ownArguments,
  type ReceivedRequest,
  selectedEvents,
  type WebhookResponse,
  WRONG_SELECTORS,
} from './handle.ts'
import { tracedHandle } from './handle-trace.ts'
import { failedWebhook, openRequest, settledWebhook } from './record.ts'
import type { RecordEvents } from './record-events.ts'
import {
  type ActiveWebhook,
  countActiveWebhooks,
  type ExternalEventRow,
  type ExternalSource,
  fetchActiveWebhooks,
  firstOfReplays,
  type IncomingWebhookRow,
  insertActiveWebhook,
  lanesWithWebhooks,
  sourceById,
  sourcesBySelectors,
} from './store.ts'
import { falseIfOverloaded, firstOf, refuseWithoutTurn } from './turn.ts'
import { createWebhookTargets, type WebhookTarget, type WebhookTargets } from './webhook-targets.ts'
import {
  createExternalWriter,
  type ExternalWriter,
  type ExternalWriterOptions,
  type PulledEvents,
  type SourceEvent,
} from './write.ts'

export interface ExternalReceiveOptions {
  database: Database
  clock: Clock
  ids: Ids
  log: Log
  sealing: Sealing
  ownership: Ownership
  metrics: Metrics
  functions: Functions
  connectors: Connectors
  deliveries: Deliveries
  runs: Runs
  publicUrl: string
  recordEvents: RecordEvents
  tracing?: Tracing | null
  live: ExternalWriterOptions['live']
  /** Time that a `handle` that does not say has before the sender is answered all the same; 800 ms where absent. */
  answerWithinMs?: number
  sweepMs?: number
}

/** Takes in what external apps send. */
export interface ExternalReceive extends AsyncDisposable, PulledEvents {
  /** Resolves when what came of the request is durable, with what to answer. */
  atSubscription(webhookUuid: string, request: ReceivedRequest): Promise<WebhookResponse>
  /** The same at the URL that all connections of an integration share. */
  atGlobal(webhookUuid: string, request: ReceivedRequest): Promise<WebhookResponse>
  /** Runs `handle` as it is now on a request that is in the record; gives the id of the new record. */
  replay(row: IncomingWebhookRow): Promise<string>
  /** Delivers a stored event to where its subscription points now, and launches the flows that want it now. */
  sendAgain(event: ExternalEventRow): Promise<void>
  readonly surveyLanes: Lanes<LaneItem>['survey']
  settled(): Promise<void>
  start(): void
  close(): Promise<void>
}

/** The least patient senders give up after 1 s (Docker registry), and send again what they gave up on. */
const ANSWER_WITHIN_MS = 800
/** Whoever changes the state this often at the same moment is told so. */
const CONFLICTS_MAX = 50
const PROCESS_CAP = 64
const LANE_CAP = 4
const HELD_MAX = 200
const HELD_BYTES_MAX = 64 * 1024 * 1024
/** A subscription whose `handle` changes the state is handled one request at a time for this long. */
const SERIAL_MS = 60_000

export function createExternalReceive(options: ExternalReceiveOptions): ExternalReceive {
  return new Receiver(options)
}

interface HandlingOptions {
  /** Id of the record that this repeats. */
  replayOf: string | null
  /** Id of the waiting request that this is. */
  active: string | null
  signal: AbortSignal | null
  /** When it came in, where that was earlier than its id says. */
  receivedAt?: Date
}

class Receiver implements ExternalReceive {
  readonly #o: ExternalReceiveOptions
  readonly #writer: ExternalWriter
  readonly #targets: WebhookTargets
  readonly #lanes: Lanes<LaneItem & { webhook: ActiveWebhook }>
  /** The last request of subscriptions that are handled one request at a time. */
  readonly #serial = boundedCache<Promise<void>>(10_000, SERIAL_MS)

  constructor(options: ExternalReceiveOptions) {
    this.#o = options
    const { database } = options
    this.#writer = createExternalWriter(options)
    this.#targets = createWebhookTargets(options)
    this.#lanes = createLanes({
      source: {
        name: 'incoming-webhooks',
        lanesOf: (shards) => lanesWithWebhooks(database.db, shards),
        countOf: (shards, most) => countActiveWebhooks(database.db, shards, most),
        async fetch(laneIds, limit, except, now) {
          const rows = await fetchActiveWebhooks(database.db, laneIds, limit, except, now)
          return rows.map((row) => ({ item: laneItem(row), dueAt: row.dueAt }))
        },
        work: async (item, signal) => {
          const hadTurn = await this.#settle(item.webhook, signal).then(() => true, falseIfOverloaded)
          if (!hadTurn) return { kind: 'waits', until: new Date(options.clock.now().getTime() + OVERLOADED_MS) }
          return signal.aborted ? { kind: 'waits', until: options.clock.now() } : { kind: 'finished' }
        },
        giveUp: async (item) => {
          await this.#giveUp(item.webhook)
          return { kind: 'finished' }
        },
      },
      ownership: options.ownership,
      clock: options.clock,
      log: options.log,
      metrics: options.metrics,
      processCap: PROCESS_CAP,
      laneCap: LANE_CAP,
      heldMax: HELD_MAX,
      heldBytesMax: HELD_BYTES_MAX,
      ...(options.sweepMs === undefined ? {} : { sweepMs: options.sweepMs }),
    })
  }

  async atSubscription(webhookUuid: string, request: ReceivedRequest): Promise<WebhookResponse> {
    return this.#receive(await this.#targets.atSubscription(webhookUuid), request)
  }

  async atGlobal(webhookUuid: string, request: ReceivedRequest): Promise<WebhookResponse> {
    return this.#receive(await this.#targets.atGlobal(webhookUuid), request)
  }

  async replay(row: IncomingWebhookRow): Promise<string> {
    const target = await this.#targets.ofRow(row.subscriptionId, row.globalWebhookId)
    if (target === null || target.source?.isArchived === true)
      throw new Refusal('archived', 'what this request was for is not there any more')
    const trace = this.#o.tracing?.here() ?? null
    const request = { ...openRequest(row, this.#o.sealing), id: this.#o.ids.next(), trace }
    const firstId = await firstOfReplays(this.#o.database.db, row)
    const how = { replayOf: row.id, active: null, signal: null, receivedAt: timeOfId(firstId) }
    const response = await this.#handle(target, request, how)
    if (response === null) throw new Refusal('archived', 'what this request was for is not there any more')
    return request.id
  }

  async sendAgain(event: ExternalEventRow): Promise<void> {
    const source = await sourceById(this.#o.database, event.subscriptionId)
    if (source === null || source.isArchived)
      throw new Refusal('archived', 'the subscription of the event is not there any more')
    if (source.eventKey === null && !source.hasDestination) {
      throw new Refusal('invalid_input', 'the subscription of the event has no webhookUri to send it to', {
        problems: [{ field: 'webhookUri', message: 'set it in the subscription first' }],
      })
    }
    await this.#writer.sendAgain(event, source)
  }

  pulling(subscriptionId: string): ReturnType<PulledEvents['pulling']> {
    return this.#writer.pulling(subscriptionId)
  }

  settled(): Promise<void> {
    return this.#lanes.settled()
  }

  start(): void {
    this.#lanes.start()
  }

  async close(): Promise<void> {
    await this.#lanes.stop()
    await this.#writer.drained()
  }

  readonly [Symbol.asyncDispose] = (): Promise<void> => this.close()
  readonly surveyLanes: Lanes<LaneItem>['survey'] = (question) => this.#lanes.survey(question)

  // ── handling ──

  /** Handles a request that its sender waits for, unless that takes too long: then it goes on from the record. */
  async #receive(target: WebhookTarget, request: ReceivedRequest): Promise<WebhookResponse> {
    const patience = new AbortController()
    const { signal } = patience
    const { definition } = target.handler
    const ownMs = definition.type === 'javascript' ? definition.answerWithinMs : undefined
    const withinMs = ownMs ?? this.#o.answerWithinMs ?? ANSWER_WITHIN_MS
    const timer = setTimeout(() => patience.abort(TOO_SLOW), withinMs)
    try {
      const response = await this.#handle(target, request, { replayOf: null, active: null, signal })
      return response ?? (await this.#goOnLater(target, request))
    } finally {
      clearTimeout(timer)
    }
  }

  async #goOnLater(target: WebhookTarget, request: ReceivedRequest): Promise<WebhookResponse> {
    const webhook: ActiveWebhook = {
      id: request.id,
      workspaceId: target.workspaceId,
      laneId: target.laneId,
      isGlobal: target.global !== null,
      requestSealed: this.#o.sealing.seal(
        JSON.stringify({ ...request, body: request.body.toString('base64'), opened: null }),
      ),
    }
    await insertActiveWebhook(this.#o.database.db, webhook, this.#o.clock.now())
    this.#lanes.offer([laneItem(webhook)])
    return DEFAULT_RESPONSE
  }

  async #settle(webhook: ActiveWebhook, signal: AbortSignal): Promise<void> {
    const { request, target } = await this.#opened(webhook)
    if (target === null) await this.#writer.forget(webhook.id)
    else await this.#handle(target, request, { replayOf: null, active: webhook.id, signal })
  }

  async #opened(webhook: ActiveWebhook): Promise<{ request: ReceivedRequest; target: WebhookTarget | null }> {
    const stored = JSON.parse(this.#o.sealing.open(webhook.requestSealed)) as ReceivedRequest & { body: unknown }
    const { isGlobal, laneId } = webhook
    return {
      request: { ...stored, body: Buffer.from(String(stored.body), 'base64') },
      target: await this.#targets.ofRow(isGlobal ? null : laneId, isGlobal ? laneId : null),
    }
  }

  /** Keeps a request that cannot be handled by our own mistake in the record, where it can be replayed from. */
  async #giveUp(webhook: ActiveWebhook): Promise<void> {
    const { request, target } = await this.#opened(webhook)
    if (target === null) return this.#writer.forget(webhook.id)
    const ended = { request, target, callId: null, durationMs: 0, replayOf: null, active: webhook.id }
    const { row } = failedWebhook({ ...ended, error: errorData('internal', GIVEN_UP) }, this.#o.sealing)
    await this.#writer.write({ row, events: [], active: webhook.id })
  }

  /**
   * Calls `handle` and stores what comes of it; null where the signal fired first or the target went, and nothing is
   * stored. The state changes by version: what was computed from an older one is computed again from the newer one, by
   * then one request at a time.
   */
  async #handle(
    target: WebhookTarget,
    request: ReceivedRequest,
    how: HandlingOptions,
  ): Promise<WebhookResponse | null> {
    const { source } = target
    if (source === null || !this.#serial.has(source.webhookUuid)) {
      const response = await this.#attempt(target, request, how)
      if (response !== 'conflict') return response
      if (source === null) throw new Error('only a subscription has a state')
    }
    const { webhookUuid, subscriptionId } = source
    const turn = Promise.withResolvers<void>()
    const before = this.#serial.get(webhookUuid) ?? Promise.resolve()
    const queue = before.then(() => turn.promise)
    // Only changes of the state keep it one at a time.
    this.#serial.set(webhookUuid, queue, { noUpdateTTL: true })
    try {
      await firstOf(before, how.signal)
      // Other processes, and what began before there were turns, may still be first.
      for (let tries = 1; tries <= CONFLICTS_MAX; tries += 1) {
        if (how.signal?.aborted === true) return null
        const fresh = await this.#targets.ofRow(subscriptionId, null)
        const response = fresh === null ? null : await this.#attempt(fresh, request, how)
        if (response !== 'conflict') return response
      }
    } finally {
      turn.resolve()
    }
    throw new Refusal('overloaded', 'the state of the subscription changes too often; nothing was stored, try again')
  }

  async #attempt(
    target: WebhookTarget,
    request: ReceivedRequest,
    how: HandlingOptions,
  ): Promise<WebhookResponse | 'conflict' | null> {
    const { source, global } = target
    const given = source === null || source.stateSealed === null ? null : this.#o.sealing.open(source.stateSealed)
    const { args, text } = await handleArgument(request)
    const { trace = null } = request
    const own = source === null ? null : ownArguments(target.handler, source.parameters, given)
    const handling: FunctionCall = {
      definition: target.handler.definition,
      context: {
        workspaceId: target.workspaceId,
        customerId: source?.customerId ?? null,
        integrationId: source?.integrationId ?? global?.integrationId ?? null,
        connectionId: source?.connectionId ?? null,
        ownerId: target.handler.ownerId,
        slot: 'handle',
        sourceId: toWire('iwh', request.id),
      },
      args: {
        ...args,
        // Some apps sign the address too.
        webhookUri: this.#targets.uriOf(target),
        url: `${this.#targets.uriOf(target)}${request.path}${request.query === '' ? '' : `?${request.query}`}`,
        // What the age of a signature is measured against: a replay is not older than the request was.
        receivedAt: (how.receivedAt ?? timeOfId(request.id)).toISOString(),
        ...(own ?? { parameters: global?.parameters ?? {} }),
      },
      ...(text === undefined ? {} : { text }),
      ...(global === null ? {} : { secrets: global.parameters }),
      ...(how.signal === null ? {} : { signal: how.signal }),
    }
    const outcome = await tracedHandle(this.#o.tracing, trace, () => this.#o.functions.call(handling))
    if (how.signal?.aborted === true) return null
    refuseWithoutTurn(outcome)
    const ended = { request, replayOf: how.replayOf, active: how.active, callId: outcome.callId }
    const durationMs = outcome.durationMs
    const result = handledOf(outcome)
    if ('error' in result) {
      const { row, response } = failedWebhook({ ...ended, ...result, target, durationMs }, this.#o.sealing)
      await this.#writer.write({ row, events: [], active: how.active })
      return response
    }
    const { handled } = result
    const found =
      source === null ? await this.#selected(target, handled) : await this.#own(source, handled.events, request.id)
    if (!Array.isArray(found)) {
      const { row, response } = failedWebhook({ ...ended, target, durationMs, error: found }, this.#o.sealing)
      await this.#writer.write({ row, events: [], active: how.active })
      return response
    }
    const events = await this.#identified(found, request)
    const row = settledWebhook({ ...ended, target, durationMs, response: handled.response }, this.#o.sealing)
    const state = handled.state === undefined ? undefined : JSON.stringify(handled.state)
    if (source === null || state === undefined || state === given) {
      await this.#writer.write({ row, events, trace, active: how.active })
      return handled.response
    }
    this.#serial.set(source.webhookUuid, this.#serial.get(source.webhookUuid) ?? Promise.resolve())
    const change = {
      subscriptionId: source.subscriptionId,
      fromVersion: source.stateVersion,
      stateSealed: this.#o.sealing.seal(state),
    }
    const isWritten = await this.#writer.writeWithState({ row, events, trace, active: how.active }, change)
    return isWritten ? handled.response : 'conflict'
  }

  /** The events of a subscription's own webhook; of a collection's, with whole records. */
  async #own(
    source: ExternalSource,
    events: readonly unknown[],
    webhookId: string,
  ): Promise<{ source: ExternalSource; payload: unknown }[] | ErrorData> {
    try {
      const shaped = await this.#o.recordEvents.shaped(source, events, webhookId)
      return shaped.map((payload) => ({ source, payload }))
    } catch (error) {
      if (error instanceof FunctionFailed) return error.error
      throw error
    }
  }

  /** The events with what identifies them, where that is said. */
  async #identified(found: readonly { source: ExternalSource; payload: unknown }[], request: ReceivedRequest) {
    const events: SourceEvent[] = found.map((event) => ({ ...event, identity: null }))
    for (const own of Map.groupBy(events, ({ source }) => source.subscriptionId).values()) {
      const source = own[0]?.source
      const dedupeKey = source === undefined ? null : await this.#targets.dedupeKeyOf(source)
      if (source === undefined || dedupeKey === null) continue
      const payloads = own.map(({ payload }) => payload)
      const identities = await identitiesOf(dedupeKey, request, source.parameters, payloads)
      for (const [index, event] of own.entries()) event.identity = identities[index] ?? null
    }
    return events
  }

  /** Which subscriptions the events of a global webhook are for. */
  async #selected(
    { global, workspaceId }: WebhookTarget,
    handled: Handled,
  ): Promise<{ source: ExternalSource; payload: unknown }[] | ErrorData> {
    const selected = selectedEvents(handled.events)
    if (selected === null || global === null) return WRONG_SELECTORS
    if (selected.length === 0) return []
    const sources = await sourcesBySelectors(this.#o.database, {
      integrationId: global.integrationId,
      globalWebhookKey: global.key,
      selectors: [...new Set(selected.map((each) => each.selector))],
    })
    const bySelector = Map.groupBy(
      sources.filter((source) => source.workspaceId === workspaceId),
      (source) => source.selector,
    )
    return selected.flatMap(({ selector, payload }) =>
      (bySelector.get(selector) ?? []).map((source) => ({ source, payload })),
    )
  }
}

/** What waits here and found the engine full is tried again after so long. */
const OVERLOADED_MS = 5000

const TOO_SLOW = 'the sender is answered'

function laneItem(webhook: ActiveWebhook): LaneItem & { webhook: ActiveWebhook } {
  return {
    id: webhook.id,
    laneId: webhook.laneId,
    groupId: webhook.laneId,
    groupCap: LANE_CAP,
    isOrdered: false,
    bytes: webhook.requestSealed.length,
    waitsSinceMs: 0,
    webhook,
  }
}
