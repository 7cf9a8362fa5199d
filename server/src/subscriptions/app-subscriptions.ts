import type { HttpRequestSpec } from '@permea/contract'
import type { Alerts } from '../alerts/alerts.ts'
import { subscriptionFailed, subscriptionKey } from '../alerts/conditions.ts'
import { errorData, Refusal } from '../api/refusal.ts'
import { type Customer, userVariable } from '../customers/customer.ts'
import { customerById } from '../customers/store.ts'
import { type AppEventType, openedRequests } from '../event-types/app-event-type.ts'
import { appEventTypeById, appEventTypesByIds } from '../event-types/store.ts'
import { missingSecrets } from '../exchanges/literal-secrets.ts'
import { recordedRequest, recordedResponse } from '../exchanges/recorded.ts'
import { evaluateFormula } from '../formulas/compile-formula.ts'
import type { Outbound } from '../outbound/client.ts'
import type { OutboundOutcome } from '../outbound/outcome.ts'
import { bodyValue, describeOutcome, requestFromSpec } from '../outbound/request-spec.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import { type Ids, secretUuid } from '../platform/ids.ts'
import type { Queue } from '../platform/queue.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { YourApp } from '../workspaces/your-app.ts'
import {
  insertSubscriptionRequest,
  lockSubscriptions,
  subscriptionById,
  subscriptionIdsOfType,
  subscriptionsOfCustomer,
  updateSubscription,
  wantSubscription,
} from './store.ts'
import { type AppEventSubscription, dueStep, registrationRetryMs, subscriptionWebhookUri } from './subscription.ts'

/** The jobs of this room. */
export const AppSubscriptionTasks = {
  sync: 'app-event-subscription-sync',
  followType: 'app-event-subscriptions-follow-type',
} as const

const PAGE = 200
/** Failures in a row after which an alert is raised. */
const ALERT_AFTER = 3

export interface AppSubscriptionsOptions {
  database: Database
  clock: Clock
  ids: Ids
  /** Uniform in [0, 1). */
  random(): number
  queue: Queue
  outbound: Outbound
  sealing: Sealing
  yourApp: YourApp
  publicUrl: string
  /** Which of these streams an enabled flow uses; flows are above, so it is handed over. */
  inUse(tx: Tx, ids: readonly string[]): Promise<Set<string>>
  alerts: Alerts
}

/** Keeps what the application was told in step with what flows and people want. */
export interface AppSubscriptions {
  /** Shared by all who want the same stream; the request to the application follows after the commit. */
  want(
    tx: Tx,
    wanted: { type: AppEventType; customerId: string; instanceKey: string; isManual: boolean },
  ): Promise<AppEventSubscription>
  /** Locks the streams so that nobody starts to want one while it is decided whether any flow still does. */
  lock(tx: Tx, ids: readonly string[]): Promise<void>
  /** No flow needs these any more. Those that were made by hand stay. */
  release(tx: Tx, ids: readonly string[]): Promise<void>
  archive(tx: Tx, subscription: AppEventSubscription): Promise<void>
  /** A customer was archived (nothing of it is wanted meanwhile) or restored. */
  followCustomer(tx: Tx, customerId: string, isArchived: boolean): Promise<void>
  /** The same for an event type: queues the work, for there may be many streams. */
  followTypeSoon(tx: Tx, appEventTypeId: string): Promise<void>
  followType(payload: { appEventTypeId: string }): Promise<void>
  /** Wanted again, for a flow or by hand. */
  restore(tx: Tx, subscription: AppEventSubscription): Promise<void>
  /** Sends the request now and waits for the answer: `subscribe` and `unsubscribe` by hand. */
  sendNow(id: string, step: 'subscribe' | 'unsubscribe'): Promise<AppEventSubscription>
  /** One step towards what should be. What the job does. */
  sync(payload: { id: string }): Promise<void>
}

export function createAppSubscriptions(options: AppSubscriptionsOptions): AppSubscriptions {
  return new SubscriptionKeeper(options)
}

class SubscriptionKeeper implements AppSubscriptions {
  readonly #o: AppSubscriptionsOptions

  constructor(options: AppSubscriptionsOptions) {
    this.#o = options
  }

  async want(
    tx: Tx,
    wanted: { type: AppEventType; customerId: string; instanceKey: string; isManual: boolean },
  ): Promise<AppEventSubscription> {
    const { type } = wanted
    if (type.archivedAt !== null)
      throw new Refusal('archived', `app event type ${JSON.stringify(type.key)} is archived`)
    const now = this.#o.clock.now()
    const subscription = await wantSubscription(tx, {
      id: this.#o.ids.next(),
      workspaceId: type.workspaceId,
      customerId: wanted.customerId,
      appEventTypeId: type.id,
      instanceKey: wanted.instanceKey,
      webhookUuid: secretUuid(),
      isWanted: true,
      isManual: wanted.isManual,
      status: 'pending',
      error: null,
      attempts: 0,
      nextAttemptAt: null,
      subscriptionRequest: null,
      subscriptionResponse: null,
      responseSealed: null,
      revision: secretUuid(),
      createdAt: now,
      updatedAt: now,
      archivedAt: null,
    })
    return this.#follow(tx, subscription, type)
  }

  async lock(tx: Tx, ids: readonly string[]): Promise<void> {
    await lockSubscriptions(tx, ids)
  }

  async release(tx: Tx, ids: readonly string[]): Promise<void> {
    for (const subscription of await lockSubscriptions(tx, ids)) {
      if (subscription.isWanted && !subscription.isManual) await this.#unwant(tx, subscription)
    }
  }

  async archive(tx: Tx, subscription: AppEventSubscription): Promise<void> {
    await this.#unwant(tx, { ...subscription, isManual: false, archivedAt: this.#o.clock.now() })
  }

  async followCustomer(tx: Tx, customerId: string, isArchived: boolean): Promise<void> {
    await this.#followAll(tx, await subscriptionsOfCustomer(tx, customerId), isArchived)
  }

  async followTypeSoon(tx: Tx, appEventTypeId: string): Promise<void> {
    const key = `follow-type:${appEventTypeId}`
    await this.#o.queue.add(tx, { task: AppSubscriptionTasks.followType, payload: { appEventTypeId }, key, queue: key })
  }

  async followType({ appEventTypeId }: { appEventTypeId: string }): Promise<void> {
    const type = (await appEventTypesByIds(this.#o.database.db, [appEventTypeId])).get(appEventTypeId)
    if (type === undefined) return
    for (let after: string | null = null; ; ) {
      const page: string[] = await subscriptionIdsOfType(this.#o.database.db, appEventTypeId, after, PAGE)
      await this.#o.database.transaction(async (tx) =>
        this.#followAll(tx, await lockSubscriptions(tx, page), type.archivedAt !== null),
      )
      after = page.at(-1) ?? null
      if (page.length < PAGE) return
    }
  }

  /** Suspended or wanted again, by what they were made for. */
  async #followAll(tx: Tx, subscriptions: readonly AppEventSubscription[], isArchived: boolean): Promise<void> {
    const inUse = await this.#o.inUse(
      tx,
      subscriptions.map((each) => each.id),
    )
    for (const subscription of subscriptions) {
      if (isArchived) await this.#unwant(tx, subscription)
      else if (subscription.archivedAt === null && (subscription.isManual || inUse.has(subscription.id)))
        await this.#rewant(tx, subscription)
    }
  }

  async restore(tx: Tx, subscription: AppEventSubscription): Promise<void> {
    if (!(await this.#rewant(tx, subscription)))
      throw new Refusal('archived', 'the event type or the customer of the subscription is archived')
  }

  /** Wanted again; false where its type or customer is archived, so that it cannot be. */
  async #rewant(tx: Tx, subscription: AppEventSubscription): Promise<boolean> {
    const type = await appEventTypeById(tx, subscription.workspaceId, subscription.appEventTypeId)
    const customer = await customerById(tx, subscription.workspaceId, subscription.customerId)
    if (type === null || type.archivedAt !== null || customer === null || customer.archivedAt !== null) return false
    await this.#follow(tx, { ...subscription, archivedAt: null, isWanted: true, attempts: 0 }, type)
    return true
  }

  async sendNow(id: string, step: 'subscribe' | 'unsubscribe'): Promise<AppEventSubscription> {
    await this.#step(id, step, 'manual')
    const subscription = await subscriptionById(this.#o.database.db, id)
    if (subscription === null) throw new Error(`subscription ${id} vanished`)
    return subscription
  }

  async sync({ id }: { id: string }): Promise<void> {
    const subscription = await subscriptionById(this.#o.database.db, id)
    const step = subscription === null ? null : dueStep(subscription)
    if (step !== null) await this.#step(id, step, 'auto')
  }

  async #unwant(tx: Tx, subscription: AppEventSubscription): Promise<void> {
    const type = await appEventTypeById(tx, subscription.workspaceId, subscription.appEventTypeId)
    if (type === null) throw new Error(`subscription ${subscription.id} has no type`)
    await this.#follow(tx, { ...subscription, isWanted: false, attempts: 0 }, type)
  }

  /** Records what should be, and either takes it as done (no request is configured) or has the request sent. */
  async #follow(tx: Tx, subscription: AppEventSubscription, type: AppEventType): Promise<AppEventSubscription> {
    const step = dueStep(subscription)
    const request = step === 'subscribe' ? type.subscribeRequest : type.unsubscribeRequest
    const wasNeverTold = type.subscribeRequest !== null && subscription.subscriptionRequest === null
    const isTold = step !== null && request !== null && !(step === 'unsubscribe' && wasNeverTold)
    const followed: AppEventSubscription = {
      ...subscription,
      status: step === null || isTold ? subscription.status : step === 'subscribe' ? 'subscribed' : 'unsubscribed',
      error: isTold ? subscription.error : null,
      nextAttemptAt: isTold ? subscription.nextAttemptAt : null,
      revision: secretUuid(),
      updatedAt: this.#o.clock.now(),
    }
    await updateSubscription(tx, followed)
    if (isTold)
      await this.#o.queue.add(tx, {
        task: AppSubscriptionTasks.sync,
        payload: { id: subscription.id },
        key: `aes:${subscription.id}`,
        queue: `aes:${subscription.id}`,
      })
    return followed
  }

  async #step(id: string, step: 'subscribe' | 'unsubscribe', trigger: 'auto' | 'manual'): Promise<void> {
    const { database, clock, ids } = this.#o
    const subscription = await subscriptionById(database.db, id)
    if (subscription === null) return
    const type = await appEventTypeById(database.db, subscription.workspaceId, subscription.appEventTypeId)
    const customer = await customerById(database.db, subscription.workspaceId, subscription.customerId)
    if (type === null || customer === null) throw new Error(`subscription ${id} has no type or customer`)
    const requests = openedRequests(this.#o.sealing, type)
    const spec = step === 'subscribe' ? requests.subscribeRequest : requests.unsubscribeRequest
    const result = spec === null ? SKIPPED : await this.#send(spec, subscription, customer)
    await database.transaction(async (tx) => {
      const [current] = await lockSubscriptions(tx, [id])
      if (current === undefined) return
      if (result !== SKIPPED) {
        const { response: _, responseSealed: __, ...kept } = result
        await insertSubscriptionRequest(tx, {
          ...kept,
          response: result.response,
          id: ids.next(),
          workspaceId: subscription.workspaceId,
          subscriptionId: id,
          kind: step,
          trigger,
        })
      }
      const next = this.#after(current, step, result, trigger)
      await updateSubscription(tx, { ...next, revision: secretUuid(), updatedAt: clock.now() })
      await this.#alertOf(tx, next)
      // What should be may have changed while the request was under way.
      const due = dueStep(next)
      if (due !== null && (next.nextAttemptAt !== null || due !== step)) {
        await this.#o.queue.add(tx, {
          task: AppSubscriptionTasks.sync,
          payload: { id },
          key: `aes:${id}`,
          queue: `aes:${id}`,
          ...(due === step && next.nextAttemptAt !== null ? { runAt: next.nextAttemptAt } : {}),
        })
      }
    })
  }

  /** A subscription that keeps failing is somebody's concern until it works or is not wanted any more. */
  async #alertOf(tx: Tx, subscription: AppEventSubscription): Promise<void> {
    const { error, attempts } = subscription
    if (error === null) await this.#o.alerts.resolve(tx, subscription.workspaceId, subscriptionKey(subscription.id))
    else if (attempts >= ALERT_AFTER) {
      await this.#o.alerts.raise(tx, subscriptionFailed(subscription, attempts, error.message))
    }
  }

  /** The subscription as it stands after a request. */
  #after(
    current: AppEventSubscription,
    step: 'subscribe' | 'unsubscribe',
    result: SendResult,
    trigger: 'auto' | 'manual',
  ): AppEventSubscription {
    // Whoever subscribes by hand wants it, whoever unsubscribes by hand does not.
    const wish =
      trigger === 'manual'
        ? { isWanted: step === 'subscribe', isManual: step === 'subscribe' ? current.isManual : false }
        : {}
    if (result.error === null) {
      return {
        ...current,
        ...wish,
        status: step === 'subscribe' ? 'subscribed' : 'unsubscribed',
        error: null,
        attempts: 0,
        nextAttemptAt: null,
        ...(step === 'subscribe'
          ? {
              subscriptionRequest: result.request,
              subscriptionResponse: result.response,
              responseSealed: result.responseSealed,
            }
          : {}),
      }
    }
    const attempts = current.attempts + 1
    const delayMs = registrationRetryMs(attempts, this.#o.random())
    return {
      ...current,
      ...wish,
      status: 'error',
      error: result.error,
      attempts,
      nextAttemptAt: delayMs === null ? null : new Date(this.#o.clock.now().getTime() + delayMs),
      ...(step === 'subscribe' ? { subscriptionRequest: result.request, subscriptionResponse: result.response } : {}),
    }
  }

  async #send(spec: HttpRequestSpec, subscription: AppEventSubscription, customer: Customer): Promise<SendResult> {
    const [missing] = missingSecrets(spec)
    if (missing !== undefined) return failed(`${missing}: the secret is not there; give the request with it`)
    const scope = {
      webhookUri: subscriptionWebhookUri(this.#o.publicUrl, subscription.webhookUuid),
      user: userVariable(customer),
      ...(subscription.instanceKey === '' ? {} : { instanceKey: subscription.instanceKey }),
      ...(subscription.responseSealed === null
        ? {}
        : { subscriptionResponse: JSON.parse(this.#o.sealing.open(subscription.responseSealed)) as unknown }),
    }
    let resolved: unknown
    try {
      resolved = await evaluateFormula(spec, scope, { owner: customer.id })
    } catch (error) {
      return failed(`the request could not be built: ${(error as Error).message}`)
    }
    const built = await requestFromSpec(resolved, await this.#o.yourApp.baseUri(subscription.workspaceId))
    if ('problem' in built) return failed(built.problem)
    if (built.isYourApp)
      built.request.headers = {
        ...(await this.#o.yourApp.headers(subscription.workspaceId, customer)),
        ...built.request.headers,
      }
    return this.#resultOf(recordedRequest(built.request), await this.#o.outbound.send(built.request))
  }

  #resultOf(request: unknown, outcome: OutboundOutcome): SendResult {
    const isAccepted = outcome.kind === 'answered' && outcome.status >= 200 && outcome.status < 300
    return {
      request,
      response: recordedResponse(outcome),
      responseSealed:
        outcome.kind === 'answered' && isAccepted
          ? this.#o.sealing.seal(
              JSON.stringify({
                status: outcome.status,
                headers: outcome.headers,
                body: bodyValue(outcome),
                data: bodyValue(outcome),
              }),
            )
          : null,
      error: isAccepted
        ? null
        : errorData(
            'subscription_request_failed',
            `your application did not take the request: ${describeOutcome(outcome)}`,
          ),
      durationMs: 'durationMs' in outcome ? Math.round(outcome.durationMs) : null,
    }
  }
}

interface SendResult {
  request: unknown
  response: unknown
  responseSealed: string | null
  error: ReturnType<typeof errorData> | null
  durationMs: number | null
}

/** No request is configured: there is nobody to tell. */
const SKIPPED: SendResult = { request: null, response: null, responseSealed: null, error: null, durationMs: null }

function failed(message: string): SendResult {
  return {
    request: null,
    response: null,
    responseSealed: null,
    error: errorData('subscription_request_failed', message),
    durationMs: null,
  }
}
