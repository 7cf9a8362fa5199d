import type { ErrorData, AppEventSubscription as WireSubscription } from '@permea/contract'
import type { z } from 'zod'
import { type Customer, customerAnswer } from '../customers/customer.ts'
import { type AppEventType, appEventTypeAnswer } from '../event-types/app-event-type.ts'
import { toWire } from '../platform/ids.ts'

export type SubscriptionStatus = 'pending' | 'subscribed' | 'unsubscribed' | 'error'

/** One customer's stream of one event type and instance key. */
export interface AppEventSubscription {
  id: string
  workspaceId: string
  customerId: string
  appEventTypeId: string
  /** '' where none was given. */
  instanceKey: string
  /** The unguessable part of its URL. */
  webhookUuid: string
  /** What should be. */
  isWanted: boolean
  /** Asked for by the API rather than by a flow: stays until archived. */
  isManual: boolean
  /** What is. */
  status: SubscriptionStatus
  error: ErrorData | null
  attempts: number
  nextAttemptAt: Date | null
  subscriptionRequest: unknown
  subscriptionResponse: unknown
  responseSealed: string | null
  revision: string
  createdAt: Date
  updatedAt: Date
  archivedAt: Date | null
}

/** What must be done so that the application knows what should be; null where nothing. */
export function dueStep(subscription: AppEventSubscription): 'subscribe' | 'unsubscribe' | null {
  if (subscription.isWanted) return subscription.status === 'subscribed' ? null : 'subscribe'
  return subscription.status === 'unsubscribed' ? null : 'unsubscribe'
}

const DELAYS_MS = [5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000, 10_800_000]
const LAST_DELAY_MS = 21_600_000

/** Tries made before a subscription is left in `error` until somebody acts: about three days. */
const ATTEMPTS_MAX = 18

/**
 * How long to wait before the next try, in milliseconds; null once the budget is spent. Moves by at most ±20 %,
 * so that subscriptions which failed together do not try together.
 *
 * @param jitter uniform in [0, 1)
 */
export function registrationRetryMs(attemptsMade: number, jitter: number): number | null {
  if (attemptsMade >= ATTEMPTS_MAX) return null
  return Math.round((DELAYS_MS[attemptsMade - 1] ?? LAST_DELAY_MS) * (0.8 + 0.4 * jitter))
}

/** The URL that the application sends this stream to. */
export function subscriptionWebhookUri(publicUrl: string, webhookUuid: string): string {
  return `${publicUrl}/webhooks/app-event-subscriptions/${webhookUuid}`
}

export function subscriptionAnswer(
  subscription: AppEventSubscription,
  beside: {
    type: AppEventType | undefined
    customer: Customer | undefined
    publicUrl: string
    now: Date
    isAdmin: boolean
  },
): z.input<typeof WireSubscription> {
  const customerId = toWire('cus', subscription.customerId)
  return {
    id: toWire('aes', subscription.id),
    name:
      beside.type === undefined
        ? 'App event subscription'
        : `${beside.type.name} for ${beside.customer?.name ?? customerId}`,
    userId: customerId,
    tenantId: customerId,
    appEventTypeId: toWire('aet', subscription.appEventTypeId),
    instanceKey: subscription.instanceKey === '' ? undefined : subscription.instanceKey,
    isSubscribed: subscription.status === 'subscribed',
    status: subscription.status,
    error: subscription.error ?? undefined,
    attempts: subscription.attempts,
    nextAttemptAt: subscription.nextAttemptAt?.toISOString(),
    schema: beside.type?.schema ?? undefined,
    webhookUri: subscriptionWebhookUri(beside.publicUrl, subscription.webhookUuid),
    subscriptionRequest: subscription.subscriptionRequest ?? undefined,
    subscriptionResponse: subscription.subscriptionResponse ?? undefined,
    revision: subscription.revision,
    createdAt: subscription.createdAt.toISOString(),
    updatedAt: subscription.updatedAt.toISOString(),
    archivedAt: subscription.archivedAt?.toISOString(),
    appEventType:
      beside.type === undefined ? undefined : appEventTypeAnswer(beside.type, beside.publicUrl, beside.isAdmin),
    user: beside.customer === undefined ? undefined : customerAnswer(beside.customer, beside.now),
  }
}
