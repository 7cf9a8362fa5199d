import { type ErrorData, ErrorType } from '@permea/contract'
import { recordedRequest } from '../exchanges/recorded.ts'
import { isRecord } from '../formulas/coercion.ts'
import { bodyValue } from '../outbound/request-spec.ts'
import type { GuestAnswer, GuestRequest } from '../sandbox/call.ts'
import { RETRIED_STATUSES, type StepCall, type StepOutcome } from './step.ts'

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] as const
type Method = (typeof METHODS)[number]

/** Answers longer than this are not repeated in the record of a step; the log of API requests has them. */
const KEPT_BYTES_MAX = 16_384

/**
 * Sends one request `{ uri or path, method, headers, query, body or data }`, whose formulas are evaluated, to the app of
 * the connection, with its credentials. The output is the body of the answer. What the app's rules, its status or the
 * network say may work later is worth another try.
 */
export async function requestExternalApp(call: StepCall, spec: unknown): Promise<StepOutcome> {
  const { services, connection, errorType: type } = call
  if (connection === null)
    return {
      kind: 'failed',
      error: { type, key: 'no_connection', message: 'there is no connection to send the request through' },
    }
  const request = guestRequestOf(spec)
  if ('problem' in request) return { kind: 'failed', error: { type, key: 'invalid_request', message: request.problem } }
  const client = services.appCalls.apiClient(connection, { sourceId: call.sourceId })
  const startedMs = performance.now()
  const answer = await client.request(request, call.signal === undefined ? {} : { signal: call.signal })
  call.log({
    type: 'api-request',
    at: services.clock.now().toISOString(),
    request: recordedRequest({
      method: request.method,
      url: request.uri,
      headers: { 'content-type': 'application/json', ...request.headers },
      ...(request.data === undefined ? {} : { body: JSON.stringify(request.data) }),
    }),
    ...recordedAnswer(answer),
    durationMs: Math.round((performance.now() - startedMs) * 10) / 10,
  })
  if (answer.kind === 'answered' && answer.status < 300) return { kind: 'done', output: bodyValue(answer) }
  if (answer.kind === 'answered') {
    const message = `the app answered ${answer.status}`
    return laterOrNever({ type: 'connection', key: 'request_failed', message, data: { status: answer.status } })
  }
  return laterOrNever(errorOf(answer.error))
}

/** The request of a definition as an API client takes it, or what is wrong with it. */
function guestRequestOf(spec: unknown): GuestRequest | { problem: string } {
  if (typeof spec !== 'object' || spec === null) return { problem: 'the request is not an object' }
  const { uri, path, url, method, headers, query, body, data } = spec as Record<string, unknown>
  const address = uri ?? path ?? url
  if (typeof address !== 'string' || address === '') return { problem: 'the request has no uri' }
  const sent = body === undefined ? data : body
  const verb = typeof method === 'string' ? method.toUpperCase() : sent === undefined || sent === null ? 'GET' : 'POST'
  if (!isMethod(verb)) return { problem: `the method ${JSON.stringify(method)} is not one of ${METHODS.join(', ')}` }
  return {
    method: verb,
    uri: address,
    ...(isRecord(query) ? { query } : {}),
    ...(isRecord(headers) ? { headers: textsOf(headers) } : {}),
    ...(sent === undefined || sent === null ? {} : { data: sent }),
  }
}

function isMethod(text: string): text is Method {
  return (METHODS as readonly string[]).includes(text)
}

function textsOf(headers: Record<string, unknown>): Record<string, string> {
  const present = Object.entries(headers).filter(([, value]) => value !== undefined && value !== null)
  return Object.fromEntries(present.map(([name, value]) => [name, String(value)]))
}

function recordedAnswer(answer: GuestAnswer): Record<string, unknown> {
  if (answer.kind === 'failed') return { response: null, error: answer.error.message }
  const isLong = answer.body.length > KEPT_BYTES_MAX
  return { response: { status: answer.status, ...(isLong ? { bodyTruncated: true } : { body: bodyValue(answer) }) } }
}

/** What an API client failed of, as an error of the wire. */
function errorOf(error: Extract<GuestAnswer, { kind: 'failed' }>['error']): ErrorData {
  const type = ErrorType.safeParse(error.type)
  const { message, key, data } = error
  return {
    type: type.success ? type.data : 'connection',
    message,
    ...(key === undefined ? {} : { key }),
    ...(data === undefined ? {} : { data }),
  }
}

/** Why nothing came back that will be the same the next time. */
const LASTING_REASONS = ['forbidden', 'invalid', 'aborted']

/** A failure that may pass by itself, by what the connection's client says of it, is worth another try. */
export function laterOrNever(error: ErrorData): StepOutcome {
  const { status, reason, retryAfterMs } = (isRecord(error.data) ? error.data : {}) as Record<string, unknown>
  const isPassing =
    error.key === 'rate_limit_exceeded' ||
    (typeof status === 'number' && RETRIED_STATUSES.has(status)) ||
    (error.type === 'connection' && typeof reason === 'string' && !LASTING_REASONS.includes(reason))
  if (!isPassing) return { kind: 'failed', error }
  return { kind: 'retry', error, afterMs: typeof retryAfterMs === 'number' ? retryAfterMs : null }
}
