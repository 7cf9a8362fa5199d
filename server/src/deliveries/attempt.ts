import { recordedRequest, recordedResponse } from '../exchanges/recorded.ts'
import { brokerAddress } from '../outbound/brokers/address.ts'
import type { BrokerOutcome, RefusalReason } from '../outbound/brokers/broker.ts'
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
 * 410 means gone. A broker's acknowledgement is success. The address, secret and headers are those of this moment.
 *
 * @source Standard Webhooks 1.0 "Webhook headers", "Operational considerations"
 */
export async function attempt(
  parts: { outbound: Outbound; sealing: Sealing; timeoutMs: number },
  given: {
    destination: Destination
    messageId: string
    eventType: string
    body: string
    now: Date
    signal?: AbortSignal
  },
): Promise<AttemptResult | null> {
  const { destination, now } = given
  const headers = headersOf(parts.sealing, given)
  const asked: Asked = { url: destination.url, body: given.body, headers, signal: given.signal }
  const sent = isBroker(destination.url) ? await publish(parts, asked, given) : await post(parts, asked, now)
  if (sent === null) return null
  // The destination's own headers are sealed where they are kept, so no record shows their values either.
  const hidden = Object.fromEntries(Object.keys(headers.custom).map((name) => [name, '***']))
  // The delivery has the body.
  const { method, response, ...result } = sent
  const recorded = recordedRequest({ url: destination.url, method, headers: { ...hidden, ...headers.own } })
  // The URL of a broker has nothing in its query but what `brokerAddress` knows, and no credentials.
  const request = isBroker(destination.url) ? { ...recorded, uri: destination.url } : recorded
  return { ...result, request, response }
}

/** What is sent somewhere, however that is done. */
interface Asked {
  url: string
  body: string
  headers: ReturnType<typeof headersOf>
  signal: AbortSignal | undefined
}

/** What came of sending it; null where it was cut off and nothing is known. */
type Sent = Omit<AttemptResult, 'request'> & { method: string }

async function post(
  { outbound, timeoutMs }: { outbound: Outbound; timeoutMs: number },
  { url, body, headers: { custom, own }, signal }: Asked,
  now: Date,
): Promise<Sent | null> {
  const outcome = await outbound.send({
    url,
    method: 'POST',
    headers: { ...custom, ...own },
    body,
    timeoutMs,
    responseBytesMax: RESPONSE_BYTES_MAX,
    ...(signal === undefined ? {} : { signal }),
  })
  if (outcome.kind === 'aborted') return null
  return { ...resultOf(outcome, now), method: 'POST', response: recordedResponse(outcome) }
}

/** To a broker the same headers go with the message; what proves the sender is for the broker itself. */
async function publish(
  { outbound, timeoutMs }: { outbound: Outbound; timeoutMs: number },
  { url, body, headers: { custom, own }, signal }: Asked,
  { messageId, eventType, now }: { messageId: string; eventType: string; now: Date },
): Promise<Sent | null> {
  const { authorization = null, ...others } = custom
  const { 'user-agent': _, ...told } = own
  const outcome = await outbound.publish({
    url,
    authorization,
    id: toWire('msg', messageId),
    type: eventType,
    headers: { ...others, ...told },
    body,
    timeoutMs,
    ...(signal === undefined ? {} : { signal }),
  })
  if (outcome.kind === 'aborted') return null
  return {
    ...publishedResult(outcome, now),
    method: 'PUBLISH',
    response: outcome.kind === 'accepted' ? outcome.receipt : null,
  }
}

export function isBroker(url: string): boolean {
  return brokerAddress(url) !== null
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

const BROKER_CLASSES: Record<RefusalReason, string> = {
  unauthorized: 'unauthorized',
  no_such_target: 'no_such_target',
  too_large: 'too_large',
  busy: 'rate_limited',
  refused: 'client_error',
}

function publishedResult(
  outcome: Exclude<BrokerOutcome, { kind: 'aborted' }>,
  now: Date,
): Omit<AttemptResult, 'request' | 'response'> {
  const nothing = { httpStatus: null, isGone: false, isSlow: false, retryAfterMs: null }
  if (outcome.kind === 'invalid')
    return { ...nothing, outcome: 'forbidden', errorClass: 'invalid', error: outcome.message, durationMs: 0 }
  const durationMs = Math.round(outcome.durationMs)
  if (outcome.kind === 'accepted')
    return { ...nothing, outcome: 'acknowledged', errorClass: null, error: null, durationMs }
  const { kind, message: error } = outcome
  if (kind === 'forbidden') return { ...nothing, outcome: kind, errorClass: kind, error, durationMs }
  if (kind === 'unreachable')
    return { ...nothing, outcome: kind, errorClass: outcome.reason, error, durationMs, isSlow: true }
  const { reason } = outcome
  return {
    ...nothing,
    outcome: 'rejected',
    errorClass: BROKER_CLASSES[reason],
    error,
    durationMs,
    isSlow: reason === 'busy',
    retryAfterMs: retryAfterMs(outcome.retryAfter, now),
  }
}

function classOf(status: number): string {
  if (status >= 300 && status < 400) return 'redirect'
  if (status === 429) return 'rate_limited'
  if (status === 410) return 'gone'
  return status >= 500 ? 'server_error' : 'client_error'
}
