import { createHash } from 'node:crypto'
import type { ErrorData, FunctionDefinition } from '@permea/contract'
import { isRecord } from '../formulas/coercion.ts'

export type ExternalSubscriptionStatus = 'subscribed' | 'unsubscribed' | 'error'

/** One connection's stream of events of an external app, of an external event type or of its connector. */
export interface ExternalSubscription {
  id: string
  workspaceId: string
  customerId: string
  connectionId: string
  integrationId: string | null
  /** Of these two, one is there. */
  externalEventTypeId: string | null
  eventKey: string | null
  parameters: Record<string, unknown>
  parametersHash: string
  name: string
  /** The unguessable part of the URL that the external app posts to. */
  webhookUuid: string
  /** Where events are posted; null for nowhere. */
  webhookUri: string | null
  /** What should be: asked for by a flow or by hand. */
  isWanted: boolean
  isManual: boolean
  /** False while its customer, connection or type is archived. */
  isLive: boolean
  status: ExternalSubscriptionStatus
  error: ErrorData | null
  /** Whether the external app has a registration that `unsubscribe` must take back. */
  isRegistered: boolean
  wantsResubscribe: boolean
  wantsRefresh: boolean
  stateSealed: string | null
  stateVersion: number
  /** Which `subscribe` registered, as a hash. */
  subscribedBy: string | null
  attempts: number
  nextAttemptAt: Date | null
  nextRefreshAt: Date | null
  refreshDueAt: Date | null
  refreshAttempts: number
  globalWebhookKey: string | null
  globalWebhookSelector: string | null
  /** How events are looked for, and how often; null where the app tells of them. */
  pullStrategy: string | null
  pullIntervalSeconds: number | null
  pullDueAt: Date | null
  revision: string
  createdAt: Date
  updatedAt: Date
  archivedAt: Date | null
}

export type ExternalStep = 'subscribe' | 'unsubscribe' | 'refresh'

/** Whether the external app should have a registration. */
export function shouldBeRegistered(s: Pick<ExternalSubscription, 'isWanted' | 'isLive' | 'archivedAt'>): boolean {
  return s.isWanted && s.isLive && s.archivedAt === null
}

/** The next call towards what should be; null where nothing is to be done. What the reconciler goes by. */
export function dueExternalStep(s: ExternalSubscription): ExternalStep | null {
  if (!shouldBeRegistered(s)) return s.isRegistered ? 'unsubscribe' : null
  if (s.wantsResubscribe && s.isRegistered) return 'unsubscribe'
  if (!s.isRegistered) return 'subscribe'
  return s.wantsRefresh ? 'refresh' : null
}

const EARLY_SHARE = 0.1

/**
 * When a subscription that expires at `nextRefreshAt` is refreshed: up to a tenth of its time early, so that those that
 * were made together are not refreshed together.
 *
 * @param jitter uniform in [0, 1)
 */
export function refreshDueAt(nextRefreshAt: Date, now: Date, jitter: number): Date {
  const leftMs = Math.max(0, nextRefreshAt.getTime() - now.getTime())
  return new Date(nextRefreshAt.getTime() - Math.round(leftMs * EARLY_SHARE * jitter))
}

const REFRESH_DELAYS_MS = [10_000, 60_000, 300_000, 900_000]

/** How long to wait before a refresh is tried again; null: it did not help, so the app is asked to register anew. */
export function refreshDelayMs(failures: number, jitter: number): number | null {
  const base = REFRESH_DELAYS_MS[failures - 1]
  return base === undefined ? null : Math.round(base * (0.8 + 0.4 * jitter))
}

/** The URL that the external app is told to post to. */
export function incomingWebhookUri(publicUrl: string, webhookUuid: string): string {
  return `${publicUrl}/webhooks/external-event-subscriptions/${webhookUuid}`
}

/** One text for each set of parameters, whatever the order of their names. */
export function parametersHash(parameters: Record<string, unknown>): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(parameters)))
    .digest('hex')
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(sorted)
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, each]) => [name, sorted(each)]),
  )
}

/** Tells one `subscribe` from another. */
export function functionHash(definition: FunctionDefinition): string {
  return createHash('sha256').update(JSON.stringify(definition)).digest('hex').slice(0, 32)
}

/**
 * What `subscribe` or `refresh` made of the state, laid over what the state is by now: of names that both changed, its
 * own count. Calls that were under way at the same time lose nothing of each other's.
 */
export function mergedState(given: unknown, returned: unknown, current: unknown): unknown {
  if (!isRecord(returned) || !isRecord(current) || !isRecord(given)) return returned
  const merged: Record<string, unknown> = { ...current }
  for (const name of new Set([...Object.keys(given), ...Object.keys(returned)])) {
    if (JSON.stringify(given[name]) === JSON.stringify(returned[name])) continue
    if (name in returned) merged[name] = returned[name]
    else delete merged[name]
  }
  return merged
}
