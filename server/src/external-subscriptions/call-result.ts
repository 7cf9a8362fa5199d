import type { ErrorData } from '@permea/contract'
import { errorData } from '../api/refusal.ts'
import type { FunctionOutcome } from '../functions/function.ts'
import type { OwnedFunction } from './definition.ts'
import { type ExternalStep, type ExternalSubscription, functionHash } from './subscription.ts'

/** What a call came to; `state` is undefined where it said nothing of it. */
export type CallResult =
  | { kind: 'done'; by: string | null; value: Record<string, unknown>; given: unknown }
  | { kind: 'failed'; error: ErrorData; isGone: boolean }

/** Answers of an app to taking a registration back that mean there is none. */
const GONE_STATUSES = new Set([404, 410])

export function noDefinition(subscription: ExternalSubscription, step: ExternalStep): CallResult {
  // Without its function nothing can be taken back.
  if (step === 'unsubscribe') return { kind: 'done', by: null, value: {}, given: null }
  const what = subscription.eventKey === null ? 'external event type' : `event ${JSON.stringify(subscription.eventKey)}`
  return failed(`the ${what} is not there any more`)
}

export function resultOf(outcome: FunctionOutcome, owned: OwnedFunction, given: unknown): CallResult {
  if (outcome.kind === 'failed') {
    const { error } = outcome
    return { kind: 'failed', error, isGone: GONE_STATUSES.has(statusOf(error)) }
  }
  const { value } = outcome
  if (value === undefined || value === null)
    return { kind: 'done', by: functionHash(owned.definition), value: {}, given }
  if (typeof value !== 'object' || Array.isArray(value))
    return failed(
      `the function must return an object { state, nextRefreshTimestamp } or nothing, not ${describe(value)}`,
    )
  const returned = value as Record<string, unknown>
  const timestamp = returned.nextRefreshTimestamp
  if (timestamp !== undefined && timestamp !== null && momentOf(timestamp) === null)
    return failed('nextRefreshTimestamp must be a moment in milliseconds since 1970')
  for (const name of ['globalWebhookKey', 'globalWebhookEventSelector']) {
    const text = givenTextOf(returned[name]) ?? ''
    if (!text.isWellFormed() || text.includes('\0')) return failed(`${name} has characters that no text has`)
  }
  return { kind: 'done', by: functionHash(owned.definition), value: returned, given }
}

export function failed(message: string): CallResult {
  return { kind: 'failed', error: errorData('external_subscription_failed', message), isGone: false }
}

function statusOf(error: ErrorData): number {
  const data = error.data
  const status = typeof data === 'object' && data !== null ? (data as { status?: unknown }).status : undefined
  return typeof status === 'number' ? status : 0
}

const LATEST_MS = 8_640_000_000_000_000

export function momentOf(value: unknown): Date | null {
  const ms = typeof value === 'string' ? Date.parse(value) : value
  return typeof ms === 'number' && Number.isFinite(ms) && ms >= 0 && ms <= LATEST_MS ? new Date(ms) : null
}

export function givenTextOf(value: unknown): string | null {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : null
}

function describe(value: unknown): string {
  return Array.isArray(value) ? 'a list' : typeof value
}
