import type { ErrorData } from '@permea/contract'
import { errorData } from '../api/refusal.ts'
import type { AppCalls } from '../connections/app-calls.ts'
import type { Connection } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import { collectionOf, eventOf } from '../data-collections/collection.ts'
import type { DataCollections } from '../data-collections/data-collections.ts'
import { type CollectionCall, callOf, FunctionFailed, objectIn, recordOf } from '../data-collections/records.ts'
import type { PulledEvents } from '../external-events/write.ts'
import { recordEventOf } from '../external-subscriptions/record-event.ts'
import { externalSubscriptionById, noteLook, replaceState } from '../external-subscriptions/store.ts'
import { type ExternalSubscription, shouldBeRegistered } from '../external-subscriptions/subscription.ts'
import { isRecord } from '../formulas/coercion.ts'
import type { Clock } from '../platform/clock.ts'
import { type Database, runPrepared } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import type { LaneOutcome } from '../platform/lane.ts'
import { GIVEN_UP } from '../platform/lane-faults.ts'
import type { Sealing } from '../platform/sealing.ts'
import { fullScan } from './full-scan.ts'
import { latestRecords } from './latest-records.ts'
import { PullFailed, PullInterrupted, PullJournal, type PullRun, type RecordChange } from './pull.ts'
import { type ActivePull, dropPull, type PullRow, postponePull, pullById, putPull } from './store.ts'

type Json = Record<string, unknown>

export interface PullingOptions {
  database: Database
  clock: Clock
  /** Uniform in [0, 1). */
  random(): number
  sealing: Sealing
  connections: Pick<Connections, 'byId' | 'appOf'>
  appCalls: Pick<AppCalls, 'callFunction'>
  collections: DataCollections
  events: PulledEvents
}

/** How long to wait before a pull that failed is tried again; after these it waits for its next time. */
const RETRY_MS = [10_000, 30_000, 60_000, 120_000, 300_000]
/** Pulls of one app at a time, in one process. */
const APP_CAP = 5
const APP_BUSY_MS = 2000
const LONGEST_WAIT_MS = 3_600_000

/** Does pulls: reads, compares, and writes what was found with where it stands. */
export interface Pulling {
  work(active: ActivePull, signal: AbortSignal): Promise<LaneOutcome>
  /** Ends a pull that fails by our own mistake; it is looked again when the next one is due. */
  giveUp(active: ActivePull): Promise<void>
}

export function createPulling(options: PullingOptions): Pulling {
  const atApp = new Map<string, number>()
  const worker = new PullWorker(options)
  return {
    async work(active, signal) {
      const subscription = await externalSubscriptionById(options.database.db, active.id)
      const app = subscription?.integrationId ?? active.connectionId
      const busy = atApp.get(app) ?? 0
      if (busy >= APP_CAP) return { kind: 'waits', until: new Date(options.clock.now().getTime() + APP_BUSY_MS) }
      atApp.set(app, busy + 1)
      try {
        return await worker.work(active, subscription, signal)
      } finally {
        const left = (atApp.get(app) ?? 1) - 1
        if (left === 0) atApp.delete(app)
        else atApp.set(app, left)
      }
    },
    giveUp: (active) => worker.giveUp(active),
  }
}

class PullWorker {
  readonly #o: PullingOptions

  constructor(options: PullingOptions) {
    this.#o = options
  }

  async work(active: ActivePull, subscription: ExternalSubscription | null, signal: AbortSignal): Promise<LaneOutcome> {
    const { database, clock, connections } = this.#o
    const isLive = subscription?.isRegistered === true && shouldBeRegistered(subscription)
    const connection =
      subscription === null ? null : await connections.byId(subscription.workspaceId, subscription.connectionId)
    if (!isLive || subscription.pullStrategy === null || connection === null) {
      await this.#drop(active, subscription)
      return { kind: 'finished' }
    }
    const startedAt = clock.now()
    const before = await pullById(database.db, subscription.workspaceId, active.pullId)
    const journal = new PullJournal(before)
    const row = rowOf(active.pullId, subscription, before?.startedAt ?? startedAt)
    // What was told by tries before this one stays; where nothing was, there is nothing to tell yet.
    if (before?.telemetry === undefined || before.telemetry === null) await putPull(database.db, row)
    try {
      await this.#pull({ row, journal }, subscription, connection, signal)
      await this.#end(active, row, journal, null)
      return { kind: 'finished' }
    } catch (error) {
      if (error instanceof PullInterrupted || signal.aborted) return { kind: 'waits', until: clock.now() }
      if (!(error instanceof PullFailed)) throw error
      return this.#failed(active, row, journal, error)
    }
  }

  /** Ends a pull of what nobody wants to hear of any more; what was told before stays told. */
  async #drop(active: ActivePull, subscription: ExternalSubscription | null): Promise<void> {
    const { database, clock } = this.#o
    const before = subscription === null ? null : await pullById(database.db, subscription.workspaceId, active.pullId)
    if (before === null || subscription === null) return dropPull(database.db, active.id)
    const journal = new PullJournal(before)
    const message = 'it was ended: the subscription is not looked for any more'
    journal.note(message)
    const row = told(
      { ...rowOf(before.id, subscription, before.startedAt), strategy: before.strategy },
      journal,
      clock.now(),
    )
    const error = JSON.stringify({ type: 'configuration', key: 'ended', message })
    await database.transaction(async (tx) => {
      await putPull(tx, { ...row, status: 'error', endedAt: clock.now(), error })
      await dropPull(tx, active.id)
    })
  }

  async giveUp(active: ActivePull): Promise<void> {
    const { database, clock } = this.#o
    const subscription = await externalSubscriptionById(database.db, active.id)
    if (subscription === null) return dropPull(database.db, active.id)
    const before = await pullById(database.db, subscription.workspaceId, active.pullId)
    const row = rowOf(active.pullId, subscription, before?.startedAt ?? clock.now())
    await this.#end(active, row, new PullJournal(before), errorData('internal', GIVEN_UP))
  }

  async #end(active: ActivePull, row: PullRow, journal: PullJournal, error: ErrorData | null): Promise<void> {
    const endedAt = this.#o.clock.now()
    if (error !== null) journal.note(`failed: ${error.message}`, 'error')
    await this.#o.database.transaction(async (tx) => {
      await putPull(tx, {
        ...told(row, journal, endedAt),
        status: error === null ? 'success' : 'error',
        endedAt,
        error: error === null ? null : JSON.stringify(error),
      })
      await dropPull(tx, active.id)
      await noteLook(tx, active.id, error)
    })
  }

  /** Tried again after a wait, with what was read so far; in the end it waits for its next time. */
  async #failed(active: ActivePull, row: PullRow, journal: PullJournal, failure: PullFailed): Promise<LaneOutcome> {
    const { database, clock, random } = this.#o
    const { error, isFinal } = failure
    const { retryAfterMs } = objectIn(error.data)
    const asked = typeof retryAfterMs === 'number' ? Math.min(retryAfterMs, LONGEST_WAIT_MS) : null
    const delayMs = RETRY_MS[active.failures]
    if (isFinal || delayMs === undefined) {
      await this.#end(active, row, journal, error)
      return { kind: 'finished' }
    }
    const until = new Date(clock.now().getTime() + (asked ?? Math.round(delayMs * (0.8 + 0.4 * random()))))
    journal.note(`failed, and is tried again at ${until.toISOString()}: ${error.message}`, 'error')
    await database.transaction(async (tx) => {
      await putPull(tx, { ...told(row, journal, null), error: JSON.stringify(error) })
      await postponePull(tx, active.id, until, active.failures + 1)
      await noteLook(tx, active.id, error)
    })
    return { kind: 'waits', until }
  }

  async #pull(
    telling: Telling,
    subscription: ExternalSubscription,
    connection: Connection,
    signal: AbortSignal,
  ): Promise<void> {
    const { row, journal } = telling
    const app = await this.#o.connections.appOf(connection)
    if (app === null) throw new PullFailed(gone('the connector of the connection'))
    const run = await this.#runOf(telling, subscription, connection, signal)
    const recordEvent = subscription.eventKey === null ? null : recordEventOf(subscription.eventKey)
    if (recordEvent === null) {
      const event = app.connector.definition.events[subscription.eventKey ?? '']
      if (event?.pull === undefined) throw new PullFailed(gone('the event'))
      return this.#collect(run, { definition: event.pull, slot: 'pull' }, async (given) => ({ payload: given ?? null }))
    }
    const place = { key: recordEvent.collectionKey, parameters: subscription.parameters }
    const collection = collectionOf(app.connector.definition, place.key)
    if (collection === null) throw new PullFailed(gone(`the collection ${JSON.stringify(place.key)}`))
    const { type } = recordEvent
    const event = eventOf(collection, type)
    const call: CollectionCall = {
      appCalls: this.#o.appCalls,
      connection,
      collection,
      parameters: { ...collection.defaults, ...subscription.parameters },
      sourceId: toWire('eep', row.id),
      signal,
    }
    Object.assign(journal.telemetry, { eventType: `data-record-${type}`, collectionKey: place.key })
    const functionNamed = (name: string) => event?.methods?.[name]?.run
    if (subscription.pullStrategy === 'pull-latest-records') {
      const definition = functionNamed('pullLatestRecords')
      if (definition === undefined) throw new PullFailed(gone('pullLatestRecords'))
      return latestRecords(run, { call, definition, type, clock: this.#o.clock })
    }
    if (subscription.pullStrategy === 'custom-pull') {
      const definition = functionNamed('collectEvents')
      if (definition === undefined) throw new PullFailed(gone('collectEvents'))
      return this.#collect(run, { definition, slot: 'collectEvents', call }, async (given) => {
        const { type: told, record } = objectIn(given)
        const made = told === undefined || told === type ? await recordOf(call, record ?? given) : null
        return made === null ? null : { type, record: made }
      })
    }
    const ignoredFields = event?.parameters?.ignoredFields
    const ignored = new Set(Array.isArray(ignoredFields) ? ignoredFields.map(String) : [])
    return fullScan(run, { place, type, ignored }, this.#o)
  }

  /** A function of the connector says what happened since, and from where to go on. */
  async #collect(
    run: PullRun,
    of: { definition: CollectionCall['collection']['spec']; slot: string; call?: CollectionCall },
    changeOf: (given: unknown) => Promise<RecordChange | null>,
  ): Promise<void> {
    const { definition, slot, call } = of
    if (definition === undefined) throw new PullFailed(gone(slot))
    const args = { state: run.state ?? {} }
    const value = objectIn(
      call === undefined
        ? await this.#callPull(run, definition, args)
        : await callOf(call, definition, slot, args).catch((error: unknown) => {
            throw error instanceof FunctionFailed ? new PullFailed(error.error) : error
          }),
    )
    const given = Array.isArray(value.events) ? value.events : []
    const changes: RecordChange[] = []
    for (const each of given) {
      const change = await changeOf(each)
      if (change !== null) changes.push(change)
    }
    run.journal.count('skipped', given.length - changes.length)
    await run.commit(isRecord(value.state) ? value.state : (run.state ?? {}), async () => changes)
  }

  async #callPull(run: PullRun, definition: NonNullable<CollectionCall['collection']['spec']>, args: Json) {
    const outcome = await this.#o.appCalls.callFunction(run.connection, {
      definition,
      slot: 'pull',
      sourceId: toWire('eep', run.pullId),
      args: { parameters: run.subscription.parameters, ...args },
      signal: run.signal,
    })
    if (outcome.kind === 'failed') throw new PullFailed(outcome.error)
    return outcome.value
  }

  async #runOf(
    { row, journal }: Telling,
    subscription: ExternalSubscription,
    connection: Connection,
    signal: AbortSignal,
  ): Promise<PullRun> {
    const { database, sealing, events } = this.#o
    const { stateSealed } = subscription
    const writing = await events.pulling(subscription.id)
    if (writing === null) throw new PullInterrupted('the subscription is gone')
    let version = subscription.stateVersion
    const run: PullRun = {
      pullId: row.id,
      subscription,
      connection,
      state: stateSealed === null ? null : stateOf(JSON.parse(sealing.open(stateSealed))),
      signal,
      journal,
      stopIfAborted() {
        if (signal.aborted) throw new PullInterrupted('it goes on later')
      },
      async commit(state, write) {
        run.stopIfAborted()
        const sealed = sealing.seal(JSON.stringify(state))
        const written = await database.transaction(async (tx) => {
          if (!(await replaceState(tx, subscription.id, version, sealed)))
            throw new PullInterrupted('somebody else changed what it began with')
          const found = await write(tx)
          const prepared = writing(found.map((change) => ('record' in change ? change : change.payload)))
          for (const statement of prepared.statements) await runPrepared(tx, statement)
          journal.emitted(found, prepared.ids)
          if (found.length > 0) await putPull(tx, told(row, journal, null))
          return prepared
        })
        version += 1
        run.state = state
        written.offer()
      },
    }
    return run
  }
}

function stateOf(value: unknown): Json | null {
  return isRecord(value) && Object.keys(value).length > 0 ? value : null
}

function gone(what: string): ErrorData {
  return { type: 'configuration', key: 'not_found', message: `${what} is not there any more` }
}

/** A pull under way, and what it tells of itself. */
interface Telling {
  row: PullRow
  journal: PullJournal
}

/** A pull with what it told so far. */
function told(row: PullRow, journal: PullJournal, finishedAt: Date | null): PullRow {
  return {
    ...row,
    eventIds: journal.eventIds,
    telemetry: JSON.stringify(telemetryOf(row, journal, finishedAt)),
    logs: JSON.stringify(journal.notes),
  }
}

/** A pull as it begins. */
export function rowOf(pullId: string, subscription: ExternalSubscription, startedAt: Date): PullRow {
  return {
    id: pullId,
    workspaceId: subscription.workspaceId,
    customerId: subscription.customerId,
    connectionId: subscription.connectionId,
    integrationId: subscription.integrationId,
    subscriptionId: subscription.id,
    status: 'running',
    strategy: subscription.pullStrategy ?? 'unknown',
    startedAt,
    endedAt: null,
    eventIds: [],
    error: null,
    telemetry: null,
    logs: null,
  }
}

function telemetryOf(row: PullRow, journal: PullJournal, finishedAt: Date | null): Json {
  return {
    pullId: toWire('eep', row.id),
    subscriptionId: toWire('ees', row.subscriptionId),
    connectionId: toWire('con', row.connectionId),
    strategy: row.strategy === 'pull' ? 'custom-pull' : row.strategy,
    startedAt: row.startedAt.toISOString(),
    ...(finishedAt === null ? {} : { finishedAt: finishedAt.toISOString() }),
    emittedEventCount: Object.entries(journal.found).reduce(
      (sum, [what, n]) => (what === 'skipped' ? sum : sum + n),
      0,
    ),
    emittedEvents: journal.events,
    found: journal.found,
    notes: journal.notes.map(({ message }) => message),
    ...journal.telemetry,
  }
}
