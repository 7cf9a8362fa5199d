import { parseExactJson } from '@permea/contract'
import type { Alerts } from '../alerts/alerts.ts'
import { externalSubscriptionFailed, subscriptionKey } from '../alerts/conditions.ts'
import { errorData } from '../api/refusal.ts'
import type { AppCalls } from '../connections/app-calls.ts'
import type { Connection } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import type { ApiClient } from '../functions/function.ts'
import { RETURNED_BY } from '../functions/returned-names.ts'
import { createBatchLoader } from '../platform/batch-loader.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import { createGroupCommit, type GroupCommit } from '../platform/group-commit.ts'
import { secretUuid, toWire } from '../platform/ids.ts'
import type { LaneOutcome } from '../platform/lane.ts'
import { GIVEN_UP } from '../platform/lane-faults.ts'
import type { Sealing } from '../platform/sealing.ts'
import { registrationRetryMs } from '../subscriptions/subscription.ts'
import { type CallResult, failed, givenTextOf, momentOf, noDefinition, resultOf } from './call-result.ts'
import {
  createExternalDefinitions,
  type ExternalDefinition,
  type ExternalDefinitions,
  functionOf,
} from './definition.ts'
import { type JournalContent, journaled } from './journal.ts'
import { recordArguments } from './record-event.ts'
import {
  dropSteps,
  type ExternalSubscriptionChange,
  externalSubscriptionsByIds,
  journalOf,
  lockExternalSubscriptions,
  markForResubscribe,
  postponeSteps,
  renewSteps,
  saveJournal,
  updateExternalSubscriptions,
} from './store.ts'
import {
  dueExternalStep,
  type ExternalStep,
  type ExternalSubscription,
  incomingWebhookUri,
  mergedState,
  refreshDelayMs,
  refreshDueAt,
  shouldBeRegistered,
} from './subscription.ts'

export interface ExternalStepsOptions {
  database: Database
  clock: Clock
  /** Uniform in [0, 1). */
  random(): number
  sealing: Sealing
  publicUrl: string
  connections: Connections
  appCalls: AppCalls
  alerts: Alerts
}

/** Failures in a row after which an alert is raised. */
const ALERT_AFTER = 3
/** Tries to take a registration back before one that is to be made anew is made all the same. */
const UNSUBSCRIBE_TRIES = 3
/** A disconnected connection is looked at again after this long, should its return go unnoticed. */
const DISCONNECTED_LOOK_MS = 3_600_000
/** Does one step of one subscription: the call, and what follows from it. Only one at a time per subscription. */
export interface ExternalSteps {
  work(id: string, signal: AbortSignal): Promise<LaneOutcome>
  /** Records that the step that is due fails by our own mistake. It is tried again as if the app had failed. */
  giveUp(id: string): Promise<LaneOutcome>
}

export function createExternalSteps(options: ExternalStepsOptions): ExternalSteps {
  return new StepWorker(options)
}

/** Absent where it stays as it is. */
type NewState = { sealed: string | null } | undefined

/** Another step is due at once. */
const AGAIN = 'again'

/** A call that ended and is to be recorded. */
interface Called {
  id: string
  step: ExternalStep
  result: CallResult
}

/** What follows from a call, for the subscription, for its row of work, and for whoever works it. */
interface Following {
  change: ExternalSubscriptionChange
  work: { kind: 'drop' } | { kind: 'renew' } | { kind: 'postpone'; until: Date }
}

type StepOutcome = LaneOutcome | typeof AGAIN

/** Steps that are recorded together. */
const GROUP_MAX = 100
const WRITERS_MAX = 2

class StepWorker implements ExternalSteps {
  readonly #o: ExternalStepsOptions
  readonly #load: (id: string) => Promise<ExternalSubscription | undefined>
  readonly #definitions: ExternalDefinitions
  readonly #records: GroupCommit<Called, StepOutcome>

  constructor(options: ExternalStepsOptions) {
    this.#o = options
    // Refreshes come due together: those of the same moment are read together, and recorded together.
    this.#load = createBatchLoader({ load: (ids) => externalSubscriptionsByIds(options.database.db, ids) })
    this.#definitions = createExternalDefinitions(options)
    this.#records = createGroupCommit({
      write: (called) => options.database.transaction((tx) => this.#record(tx, called)),
      groupMax: GROUP_MAX,
      groupWeightMax: GROUP_MAX,
      writersMax: WRITERS_MAX,
      // How many there are is bounded by the lanes.
      waitingMax: Number.MAX_SAFE_INTEGER,
      waitingWeightMax: Number.MAX_SAFE_INTEGER,
    })
  }

  async work(id: string, signal: AbortSignal): Promise<LaneOutcome> {
    for (;;) {
      const outcome = await this.#step(id, signal)
      if (outcome !== AGAIN) return outcome
    }
  }

  async giveUp(id: string): Promise<LaneOutcome> {
    const subscription = await this.#load(id)
    const step = subscription === undefined ? null : dueExternalStep(subscription)
    const outcome =
      step === null ? await this.#nothingLeft(id) : await this.#records.add({ id, step, result: failed(GIVEN_UP) }, 1)
    return outcome === null || outcome === AGAIN ? { kind: 'waits', until: this.#o.clock.now() } : outcome
  }

  async #step(id: string, signal: AbortSignal): Promise<StepOutcome> {
    const { database, clock, connections } = this.#o
    const subscription = (await this.#load(id)) ?? null
    const step = subscription === null ? null : dueExternalStep(subscription)
    if (subscription === null || step === null) return this.#nothingLeft(id)
    const connection = await connections.byId(subscription.workspaceId, subscription.connectionId)
    if (connection === null) throw new Error(`subscription ${id} has no connection`)
    if (connection.isDisconnected && connection.archivedAt === null) return this.#waitForConnection(id)
    const definition = await this.#definitions.of({ connection, of: subscription })
    // From here on nobody can say whether the app still has it: should it be wanted again, it is registered anew.
    if (step === 'unsubscribe') await markForResubscribe(database.db, id)
    const result = await this.#call(subscription, connection, definition, step, signal)
    if (signal.aborted) return { kind: 'waits', until: clock.now() }
    const outcome = await this.#records.add({ id, step, result }, 1)
    if (outcome === null) throw new Error('what was called is always recorded')
    return outcome
  }

  /** What should be may have changed while nobody looked: decided under the lock. */
  #nothingLeft(id: string): Promise<StepOutcome> {
    return this.#o.database.transaction(async (tx) => {
      const [current] = await lockExternalSubscriptions(tx, [id])
      if (current !== undefined && dueExternalStep(current) !== null) return AGAIN
      await dropSteps(tx, [id])
      if (current !== undefined)
        await updateExternalSubscriptions(tx, this.#o.sealing, [this.#changed(settled(current))])
      return { kind: 'finished' }
    })
  }

  async #waitForConnection(id: string): Promise<LaneOutcome> {
    const until = this.#later(DISCONNECTED_LOOK_MS)
    await this.#o.database.transaction(async (tx) => {
      const [current] = await lockExternalSubscriptions(tx, [id])
      if (current === undefined) return
      const error = errorData('external_subscription_failed', 'the connection is disconnected')
      await updateExternalSubscriptions(tx, this.#o.sealing, [
        this.#changed({ ...current, status: 'error', error, nextAttemptAt: null }),
      ])
      await postponeSteps(tx, [{ id, until }])
    })
    return { kind: 'waits', until }
  }

  // ── the call ──

  async #call(
    subscription: ExternalSubscription,
    connection: Connection,
    definition: ExternalDefinition | null,
    step: ExternalStep,
    signal: AbortSignal,
  ): Promise<CallResult> {
    if (definition === null) return noDefinition(subscription, step)
    const owned = functionOf(definition, step)
    const given = this.#stateOf(subscription)
    if (owned === null) {
      const isLookedFor = definition.pullStrategy !== null
      if (step === 'subscribe' && !isLookedFor) return failed('there is no `subscribe`')
      // Nothing to be called: a global webhook has no registration of its own, and what has no `refresh` needs none.
      return { kind: 'done', by: null, value: {}, given }
    }
    const journal = step === 'subscribe' ? await this.#journalOf(subscription.id) : null
    const slot = definition.getEventSelector === owned ? 'getEventSelector' : step
    const mayBeBare = step === 'subscribe' && definition.pullStrategy !== null
    const known = RETURNED_BY.get(slot)
    const outcome = await this.#o.appCalls.callFunction(connection, {
      definition: owned.definition,
      ownerId: owned.ownerId,
      slot,
      // What an app answers to a refresh is often returned as it is, and is no slip.
      ...(known === undefined || mayBeBare ? {} : { returns: { known, areOthersTold: step === 'subscribe' } }),
      sourceId: toWire('ees', subscription.id),
      args: {
        webhookUri: incomingWebhookUri(this.#o.publicUrl, subscription.webhookUuid),
        ...recordArguments(subscription.parameters, definition.more),
        state: given ?? {},
      },
      signal,
      ...(journal === null ? {} : { through: (client: ApiClient) => journaled(client, journal) }),
    })
    const result = resultOf(outcome, owned, given)
    // What is only looked for may give its first state as it is.
    return mayBeBare && result.kind === 'done' && !('state' in result.value)
      ? { ...result, value: { state: result.value } }
      : result
  }

  async #journalOf(id: string): Promise<Parameters<typeof journaled>[1]> {
    const { database, sealing } = this.#o
    const sealed = await journalOf(database.db, id)
    return {
      content: sealed === null ? null : (parseExactJson(sealing.open(sealed)) as JournalContent),
      save: (content) => saveJournal(database.db, id, sealing.seal(JSON.stringify(content))),
      newId: secretUuid,
    }
  }

  #stateOf(subscription: ExternalSubscription): unknown {
    const { stateSealed } = subscription
    return stateSealed === null ? null : (parseExactJson(this.#o.sealing.open(stateSealed)) as unknown)
  }

  // ── what follows ──

  async #record(tx: Tx, called: readonly Called[]): Promise<StepOutcome[]> {
    const now = this.#o.clock.now()
    const rows = await lockExternalSubscriptions(
      tx,
      called.map(({ id }) => id),
    )
    const current = new Map(rows.map((row) => [row.id, row]))
    const all: (Following & { id: string })[] = []
    for (const { id, step, result } of called) {
      const row = current.get(id)
      if (row !== undefined) all.push({ id, ...(await this.#following(tx, row, step, result)) })
    }
    const idsOf = (kind: Following['work']['kind']) => all.flatMap(({ id, work }) => (work.kind === kind ? [id] : []))
    await dropSteps(tx, idsOf('drop'))
    await updateExternalSubscriptions(
      tx,
      this.#o.sealing,
      all.map(({ change }) => change),
    )
    await renewSteps(tx, idsOf('renew'), now)
    await postponeSteps(
      tx,
      all.flatMap(({ id, work }) => (work.kind === 'postpone' ? [{ id, until: work.until }] : [])),
    )
    const works = new Map(all.map(({ id, work }) => [id, work]))
    return called.map(({ id }): StepOutcome => {
      const work = works.get(id)
      if (work === undefined || work.kind === 'drop') return { kind: 'finished' }
      return work.kind === 'renew' ? AGAIN : { kind: 'waits', until: work.until }
    })
  }

  async #following(tx: Tx, current: ExternalSubscription, step: ExternalStep, result: CallResult): Promise<Following> {
    const { next, state } =
      result.kind === 'done'
        ? this.#after(current, step, result)
        : { next: this.#afterFailure(current, step, result), state: undefined }
    // Most refreshes go well after those that did: then there is no alert to look for.
    const isQuiet = step === 'refresh' && next.error === null && current.refreshAttempts === 0
    if (!isQuiet) await this.#alertOf(tx, next)
    const due = dueExternalStep(next)
    const isGivenUp = due !== null && due === step && next.error !== null && next.nextAttemptAt === null
    if (due === null) return { change: this.#changed(settled(next), state), work: { kind: 'drop' } }
    const change = this.#changed(next, state)
    if (isGivenUp) return { change, work: { kind: 'drop' } }
    // Another step than the one that failed is due at once, and begins with an empty journal.
    if (result.kind === 'done' || due !== step) return { change, work: { kind: 'renew' } }
    return { change, work: { kind: 'postpone', until: next.nextAttemptAt ?? this.#o.clock.now() } }
  }

  /** How it stands after a call that did what it should, and the new state where there is one. */
  #after(
    current: ExternalSubscription,
    step: ExternalStep,
    { value, by, given }: Extract<CallResult, { kind: 'done' }>,
  ): { next: ExternalSubscription; state: NewState } {
    const calm = { error: null, attempts: 0, nextAttemptAt: null, refreshAttempts: 0 }
    if (step === 'unsubscribe') {
      const next: ExternalSubscription = {
        ...current,
        ...calm,
        status: 'unsubscribed',
        isRegistered: false,
        wantsRefresh: false,
        subscribedBy: null,
        nextRefreshAt: null,
        refreshDueAt: null,
        globalWebhookKey: null,
        globalWebhookSelector: null,
        pullDueAt: null,
      }
      return { next, state: { sealed: null } }
    }
    const now = this.#o.clock.now()
    const nextRefreshAt = momentOf(value.nextRefreshTimestamp)
    const refreshed: ExternalSubscription = {
      ...current,
      ...calm,
      status: 'subscribed',
      wantsRefresh: false,
      nextRefreshAt,
      refreshDueAt: nextRefreshAt === null ? null : refreshDueAt(nextRefreshAt, now, this.#o.random()),
    }
    if (step === 'refresh') {
      // A refresh that says nothing of the state leaves it as it is.
      const state = value.state ?? null
      const merged = state === null ? null : mergedState(given, state, this.#stateOf(current))
      return { next: refreshed, state: merged === null ? undefined : { sealed: this.#sealed(merged) } }
    }
    const next: ExternalSubscription = {
      ...refreshed,
      isRegistered: true,
      wantsResubscribe: false,
      subscribedBy: by,
      globalWebhookKey: givenTextOf(value.globalWebhookKey),
      globalWebhookSelector: givenTextOf(value.globalWebhookEventSelector),
      // From now on it is looked: the first time only at what is there.
      pullDueAt: current.pullStrategy === null ? null : now,
    }
    // Some apps prove the address while `subscribe` waits for them, and `handle` keeps what they sent.
    const merged = mergedState(given ?? {}, value.state ?? {}, this.#stateOf(current) ?? {})
    return { next, state: { sealed: this.#sealed(merged) } }
  }

  #afterFailure(
    current: ExternalSubscription,
    step: ExternalStep,
    { error, isGone }: Extract<CallResult, { kind: 'failed' }>,
  ): ExternalSubscription {
    if (step === 'refresh') {
      const refreshAttempts = current.refreshAttempts + 1
      const delayMs = refreshDelayMs(refreshAttempts, this.#o.random())
      if (delayMs !== null) return { ...current, error, refreshAttempts, nextAttemptAt: this.#later(delayMs) }
      return { ...current, error, refreshAttempts: 0, attempts: 0, wantsRefresh: false, wantsResubscribe: true }
    }
    const attempts = current.attempts + 1
    if (step === 'unsubscribe') {
      const isInTheWay = shouldBeRegistered(current) && attempts >= UNSUBSCRIBE_TRIES
      if (isGone || isInTheWay)
        return {
          ...current,
          status: 'unsubscribed',
          isRegistered: false,
          error: null,
          attempts: 0,
          nextAttemptAt: null,
        }
    }
    const delayMs = registrationRetryMs(attempts, this.#o.random())
    const nextAttemptAt = delayMs === null ? null : this.#later(delayMs)
    return { ...current, status: 'error', error, attempts, nextAttemptAt }
  }

  /** A subscription that keeps failing is somebody's concern until it works or is not wanted any more. */
  async #alertOf(tx: Tx, s: ExternalSubscription): Promise<void> {
    if (s.error === null) await this.#o.alerts.resolve(tx, s.workspaceId, subscriptionKey(s.id))
    else if (s.attempts >= ALERT_AFTER)
      await this.#o.alerts.raise(tx, externalSubscriptionFailed(s, s.attempts, s.error.message))
  }

  #changed(subscription: ExternalSubscription, state?: NewState): ExternalSubscriptionChange {
    return { subscription: { ...subscription, revision: secretUuid(), updatedAt: this.#o.clock.now() }, state }
  }

  #sealed(state: unknown): string {
    return this.#o.sealing.seal(JSON.stringify(state))
  }

  #later(ms: number): Date {
    return new Date(this.#o.clock.now().getTime() + ms)
  }
}

/** Nothing is to be done: what it says of itself follows from what is. */
function settled(s: ExternalSubscription): ExternalSubscription {
  const status = s.isRegistered ? 'subscribed' : shouldBeRegistered(s) ? s.status : 'unsubscribed'
  return { ...s, status, error: null, nextAttemptAt: null, attempts: 0 }
}
