import type { ErrorData } from '@permea/contract'
import { LRUCache } from 'lru-cache'
import { Refusal } from '../api/refusal.ts'
import type { Deliveries } from '../deliveries/deliveries.ts'
import type { Functions } from '../functions/function.ts'
import type { Connectors } from '../integrations/connectors.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { type Ids, toWire } from '../platform/ids.ts'
import type { LaneItem, Lanes } from '../platform/lane.ts'
import { createLanes } from '../platform/lanes.ts'
import type { Log } from '../platform/log.ts'
import type { Ownership } from '../platform/ownership.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { Runs } from '../runs/runs.ts'
import {
  DEFAULT_RESPONSE,
  type Handled,
  handleArgument,
  handledOf,
  type ReceivedRequest,
  selectedEvents,
  type WebhookResponse,
  WRONG_SELECTORS,
} from './external-handle.ts'
import { createPlaces, type Place, type Places } from './external-places.ts'
import { failedWebhook, openRequest, settledWebhook } from './external-record.ts'
import {
  type ActiveWebhook,
  type ExternalEventRow,
  type ExternalSource,
  fetchActiveWebhooks,
  type IncomingWebhookRow,
  insertActiveWebhook,
  lanesWithWebhooks,
  sourceById,
  sourcesBySelectors,
} from './external-store.ts'
import { createExternalWriter, type ExternalWriter, type ExternalWriterOptions } from './external-write.ts'

export interface ExternalReceiveOptions {
  database: Database
  clock: Clock
  ids: Ids
  log: Log
  sealing: Sealing
  ownership: Ownership
  functions: Functions
  connectors: Connectors
  deliveries: Deliveries
  runs: Runs
  publicUrl: string
  onStored: ExternalWriterOptions['onStored']
  /** Time that `handle` has before the sender is answered all the same; 2.5 s where absent. */
  answerWithinMs?: number
  sweepMs?: number
}

/** Takes in what external apps send. */
export interface ExternalReceive extends AsyncDisposable {
  /** Resolves when what came of the request is durable, with what to answer. */
  atSubscription(webhookUuid: string, request: ReceivedRequest): Promise<WebhookResponse>
  /** The same at the URL that all connections of an integration share. */
  atGlobal(webhookUuid: string, request: ReceivedRequest): Promise<WebhookResponse>
  /** Runs `handle` as it is now on a request that is in the record; gives the id of the new record. */
  replay(row: IncomingWebhookRow): Promise<string>
  /** Delivers a stored event to where its subscription points now, and launches the flows that want it now. */
  sendAgain(event: ExternalEventRow): Promise<void>
  settled(): Promise<void>
  start(): void
  close(): Promise<void>
}

/** Vendors give up on webhooks after 3 to 10 s. */
const ANSWER_WITHIN_MS = 2500
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
}

class Receiver implements ExternalReceive {
  readonly #o: ExternalReceiveOptions
  readonly #writer: ExternalWriter
  readonly #places: Places
  readonly #lanes: Lanes<LaneItem & { webhook: ActiveWebhook }>
  /** The last request of subscriptions that are handled one request at a time. */
  readonly #serial = new LRUCache<string, Promise<void>>({ max: 10_000, ttl: SERIAL_MS })

  constructor(options: ExternalReceiveOptions) {
    this.#o = options
    const { database } = options
    this.#writer = createExternalWriter(options)
    this.#places = createPlaces(options)
    this.#lanes = createLanes({
      source: {
        name: 'incoming-webhooks',
        lanesOf: (shards) => lanesWithWebhooks(database.db, shards),
        async fetch(laneIds, limit, except, now) {
          const rows = await fetchActiveWebhooks(database.db, laneIds, limit, except, now)
          return rows.map((row) => ({ item: laneItem(row), dueAt: row.dueAt }))
        },
        work: async (item, signal) => {
          await this.#settle(item.webhook, signal)
          return signal.aborted ? { kind: 'waits', until: options.clock.now() } : { kind: 'finished' }
        },
      },
      ownership: options.ownership,
      clock: options.clock,
      log: options.log,
      processCap: PROCESS_CAP,
      laneCap: LANE_CAP,
      heldMax: HELD_MAX,
      heldBytesMax: HELD_BYTES_MAX,
      ...(options.sweepMs === undefined ? {} : { sweepMs: options.sweepMs }),
    })
  }

  async atSubscription(webhookUuid: string, request: ReceivedRequest): Promise<WebhookResponse> {
    return this.#receive(await this.#places.atSubscription(webhookUuid), request)
  }

  async atGlobal(webhookUuid: string, request: ReceivedRequest): Promise<WebhookResponse> {
    return this.#receive(await this.#places.atGlobal(webhookUuid), request)
  }

  async replay(row: IncomingWebhookRow): Promise<string> {
    const place = await this.#places.ofRow(row.subscriptionId, row.globalWebhookId)
    if (place === null || place.source?.isArchived === true)
      throw new Refusal('archived', 'what this request was for is not there any more')
    const request = { ...openRequest(row, this.#o.sealing), id: this.#o.ids.next() }
    const response = await this.#handle(place, request, { replayOf: row.id, active: null, signal: null })
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

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // ── handling ──

  /** Handles a request that its sender waits for, unless that takes too long: then it goes on from the record. */
  async #receive(place: Place, request: ReceivedRequest): Promise<WebhookResponse> {
    const patience = new AbortController()
    const { signal } = patience
    const timer = setTimeout(() => patience.abort(TOO_SLOW), this.#o.answerWithinMs ?? ANSWER_WITHIN_MS)
    try {
      const response = await this.#handle(place, request, { replayOf: null, active: null, signal })
      return response ?? (await this.#goOnLater(place, request))
    } finally {
      clearTimeout(timer)
    }
  }

  async #goOnLater(place: Place, request: ReceivedRequest): Promise<WebhookResponse> {
    const webhook: ActiveWebhook = {
      id: request.id,
      workspaceId: place.workspaceId,
      laneId: place.laneId,
      isGlobal: place.global !== null,
      requestSealed: this.#o.sealing.seal(JSON.stringify({ ...request, body: request.body.toString('base64') })),
    }
    await insertActiveWebhook(this.#o.database.db, webhook, this.#o.clock.now())
    this.#lanes.offer([laneItem(webhook)])
    return DEFAULT_RESPONSE
  }

  async #settle(webhook: ActiveWebhook, signal: AbortSignal): Promise<void> {
    const stored = JSON.parse(this.#o.sealing.open(webhook.requestSealed)) as ReceivedRequest & { body: unknown }
    const request = { ...stored, body: Buffer.from(String(stored.body), 'base64') }
    const place = await this.#places.ofRow(
      webhook.isGlobal ? null : webhook.laneId,
      webhook.isGlobal ? webhook.laneId : null,
    )
    if (place === null) await this.#writer.forget(webhook.id)
    else await this.#handle(place, request, { replayOf: null, active: webhook.id, signal })
  }

  /**
   * Calls `handle` and stores what comes of it; null where the signal fired first or the place went, and nothing is
   * stored. The state changes by version: what was computed from an older one is computed again from the newer one, by
   * then one request at a time.
   */
  async #handle(place: Place, request: ReceivedRequest, how: HandlingOptions): Promise<WebhookResponse | null> {
    const { source } = place
    if (source === null || !this.#serial.has(source.webhookUuid)) {
      const response = await this.#attempt(place, request, how)
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
        const fresh = await this.#places.ofRow(subscriptionId, null)
        const response = fresh === null ? null : await this.#attempt(fresh, request, how)
        if (response !== 'conflict') return response
      }
    } finally {
      turn.resolve()
    }
    throw new Refusal('overloaded', 'the state of the subscription changes too often; nothing was stored, try again')
  }

  async #attempt(
    place: Place,
    request: ReceivedRequest,
    how: HandlingOptions,
  ): Promise<WebhookResponse | 'conflict' | null> {
    const { source, global } = place
    const given = source === null || source.stateSealed === null ? null : this.#o.sealing.open(source.stateSealed)
    const { args, text } = handleArgument(request)
    const outcome = await this.#o.functions.call({
      definition: place.handler.definition,
      context: {
        workspaceId: place.workspaceId,
        customerId: source?.customerId ?? null,
        integrationId: source?.integrationId ?? global?.integrationId ?? null,
        connectionId: source?.connectionId ?? null,
        ownerId: place.handler.ownerId,
        slot: 'handle',
        sourceId: toWire('iwh', request.id),
      },
      args: {
        ...args,
        // Some apps sign the address too.
        webhookUri: this.#places.uriOf(place),
        ...(source === null
          ? { parameters: global?.parameters ?? {} }
          : { parameters: source.parameters, state: given === null ? {} : (JSON.parse(given) as unknown) }),
      },
      ...(text === undefined ? {} : { text }),
      ...(global === null ? {} : { secrets: global.parameters }),
      ...(how.signal === null ? {} : { signal: how.signal }),
    })
    if (how.signal?.aborted === true) return null
    const ended = { request, replayOf: how.replayOf, active: how.active, callId: outcome.callId }
    const durationMs = outcome.durationMs
    const result = handledOf(outcome)
    if ('error' in result) {
      const { row, response } = failedWebhook({ ...ended, place, durationMs, error: result.error }, this.#o.sealing)
      await this.#writer.write({ row, events: [], active: how.active })
      return response
    }
    const { handled } = result
    const events =
      source === null ? await this.#selected(place, handled) : handled.events.map((payload) => ({ source, payload }))
    if (!Array.isArray(events)) {
      const { row, response } = failedWebhook({ ...ended, place, durationMs, error: events }, this.#o.sealing)
      await this.#writer.write({ row, events: [], active: how.active })
      return response
    }
    const row = settledWebhook({ ...ended, place, durationMs, response: handled.response }, this.#o.sealing)
    const state = handled.state === undefined ? undefined : JSON.stringify(handled.state)
    if (source === null || state === undefined || state === given) {
      await this.#writer.write({ row, events, active: how.active })
      return handled.response
    }
    this.#serial.set(source.webhookUuid, this.#serial.get(source.webhookUuid) ?? Promise.resolve())
    const change = {
      subscriptionId: source.subscriptionId,
      fromVersion: source.stateVersion,
      stateSealed: this.#o.sealing.seal(state),
    }
    const isWritten = await this.#writer.writeWithState({ row, events, active: how.active }, change)
    return isWritten ? handled.response : 'conflict'
  }

  /** Which subscriptions the events of a global webhook are for. */
  async #selected(
    { global, workspaceId }: Place,
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

const TOO_SLOW = 'the sender is answered'

/** Resolves with whichever comes first: the promise, or the signal. */
async function firstOf(promise: Promise<void>, signal: AbortSignal | null): Promise<void> {
  if (signal === null) return promise
  const gaveUp = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => gaveUp.resolve(), { once: true })
  await (signal.aborted ? undefined : Promise.race([promise, gaveUp.promise]))
}

function laneItem(webhook: ActiveWebhook): LaneItem & { webhook: ActiveWebhook } {
  return {
    id: webhook.id,
    laneId: webhook.laneId,
    groupId: webhook.laneId,
    groupCap: LANE_CAP,
    isOrdered: false,
    bytes: webhook.requestSealed.length,
    webhook,
  }
}
