import { recordedRequest, recordedResponse } from '../exchanges/recorded.ts'
import type { Outbound } from '../outbound/client.ts'
import type { OutboundOutcome } from '../outbound/outcome.ts'
import { retryAfterMs } from '../outbound/retry-after.ts'
import { toWire } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { Destination } from './delivery.ts'
import { signedHeaders } from './signing.ts'

/** What a try to deliver came to. */
export interface AttemptResult {
  outcome: 'acknowledged' | 'rejected' | 'unreachable' | 'forbidden'
  errorClass: string | null
  error: string | null
  httpStatus: number | null
  durationMs: number
  request: unknown
  response: unknown
  /** The receiver said that it is gone for good. */
  isGone: boolean
  /** The receiver is busy or slow: its lane should send less at a time. */
  isSlow: boolean
  retryAfterMs: number | null
}

/** A whole attempt, from the name lookup to the end of the answer. */
export const ATTEMPT_TIMEOUT_MS = 15_000
/** Read up to here so that the connection can be used again; the record keeps the first 16 KB. */
const RESPONSE_BYTES_MAX = 65_536
const SLOW_STATUSES = [429, 502, 503, 504]

/**
 * One try to deliver a message, start to finish. 2xx alone is success; redirects are failures and are not followed;
 * 410 means gone. The address, secret and headers are those of this moment.
 *
 * @source Standard Webhooks 1.0 "Webhook headers", "Operational considerations"
 */
export async function attempt(
  parts: { outbound: Outbound; sealing: Sealing; timeoutMs: number },
  given: { destination: Destination; messageId: string; body: string; now: Date; signal?: AbortSignal },
): Promise<AttemptResult | null> {
  const { destination, now } = given
  const { custom, own } = headersOf(parts.sealing, given)
  const request = { url: destination.url, method: 'POST', headers: { ...custom, ...own }, body: given.body }
  const outcome = await parts.outbound.send({
    ...request,
    timeoutMs: parts.timeoutMs,
    responseBytesMax: RESPONSE_BYTES_MAX,
    ...(given.signal === undefined ? {} : { signal: given.signal }),
  })
  if (outcome.kind === 'aborted') return null
  // The destination's own headers are sealed where they are kept, so no record shows their values either.
  const hidden = Object.fromEntries(Object.keys(custom).map((name) => [name, '***']))
  // The delivery has the body.
  const recorded = recordedRequest({ url: request.url, method: request.method, headers: { ...hidden, ...own } })
  return { ...resultOf(outcome, now), request: recorded, response: recordedResponse(outcome) }
}

/** The headers of a message to a destination: its own, which are secret, and those that every message has. */
export function headersOf(
  sealing: Sealing,
  { destination, messageId, body, now }: { destination: Destination; messageId: string; body: string; now: Date },
): { custom: Record<string, string>; own: Record<string, string> } {
  const own = {
    'content-type': 'application/json',
    'user-agent': 'Permea',
    ...signedHeaders({
      id: toWire('msg', messageId),
      body,
      at: now,
      secrets: secretsOf(sealing, destination, now),
    }),
  }
  return { custom: customHeaders(sealing, destination), own }
}

function secretsOf(sealing: Sealing, destination: Destination, now: Date): string[] {
  const { previousSecretSealed, previousSecretUntil } = destination
  const isOverlapping =
    previousSecretSealed !== null && previousSecretUntil !== null && previousSecretUntil.getTime() > now.getTime()
  return [sealing.open(destination.secretSealed), ...(isOverlapping ? [sealing.open(previousSecretSealed)] : [])]
}

function customHeaders(sealing: Sealing, destination: Destination): Record<string, string> {
  if (destination.headersSealed === null) return {}
  const headers = JSON.parse(sealing.open(destination.headersSealed)) as Record<string, string>
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

function resultOf(
  outcome: Exclude<OutboundOutcome, { kind: 'aborted' }>,
  now: Date,
): Omit<AttemptResult, 'request' | 'response'> {
  const nothing = { httpStatus: null, isGone: false, isSlow: false, retryAfterMs: null }
  if (outcome.kind === 'answered') {
    const isSuccess = outcome.status >= 200 && outcome.status < 300
    return {
      outcome: isSuccess ? 'acknowledged' : 'rejected',
      errorClass: isSuccess ? null : classOf(outcome.status),
      error: isSuccess ? null : `the receiver answered ${outcome.status}`,
      httpStatus: outcome.status,
      durationMs: Math.round(outcome.durationMs),
      isGone: outcome.status === 410,
      isSlow: SLOW_STATUSES.includes(outcome.status),
      retryAfterMs: isSuccess ? null : retryAfterMs(outcome.headers['retry-after'], now),
    }
  }
  const { kind, message: error } = outcome
  if (kind === 'invalid') return { ...nothing, outcome: 'forbidden', errorClass: kind, error, durationMs: 0 }
  const durationMs = Math.round(outcome.durationMs)
  if (kind === 'forbidden') return { ...nothing, outcome: kind, errorClass: kind, error, durationMs }
  return { ...nothing, outcome: kind, errorClass: outcome.reason, error, durationMs, isSlow: true }
}

function classOf(status: number): string {
  if (status >= 300 && status < 400) return 'redirect'
  if (status === 429) return 'rate_limited'
  if (status === 410) return 'gone'
  return status >= 500 ? 'server_error' : 'client_error'
}
