import type { ErrorData } from '@permea/contract'
import { bodyText } from '../bodies/body-value.ts'
import type { Made } from '../connections/auth-function.ts'
import type { Connection } from '../connections/connection.ts'
import { connectionError, type GuestFailure, guestFailure, keptFailure } from '../connections/failure.ts'
import { bothMasks, type Mask } from '../exchanges/mask.ts'
import { keptBody, keptHeaders, keptUrl, LOOKED_AT_BYTES } from '../exchanges/recorded.ts'
import type { ApiClient, RequestManner } from '../functions/function.ts'
import type { Outbound } from '../outbound/client.ts'
import type { OutboundOutcome } from '../outbound/outcome.ts'
import type { OutboundRequest } from '../outbound/request-check.ts'
import type { Clock } from '../platform/clock.ts'
import type { Ids } from '../platform/ids.ts'
import type { GuestAnswer, GuestRequest } from '../sandbox/call.ts'
import type { ApiLogs } from './api-logs.ts'
import { appRequest } from './app-request.ts'
import type { ClientConfig } from './client-config.ts'
import { flat, verdictOn } from './response-rules.ts'

const TIMEOUT_MS = 60_000
const RESPONSE_BYTES_MAX = 10 * 1024 * 1024

/** A connection as requests need it: who it is, and how they are made just now. */
export interface ClientState {
  connection: Connection
  config: ClientConfig
}

/** Where API clients get their configuration from, and whom they tell how it went. */
export interface ClientSource {
  /** The connection as it is now. Refuses (`failed`) one that is given up, or waits to be renewed. */
  open(): Promise<Made<ClientState>>
  /** The app took the credentials of `seen` no longer: new ones, or why there are none. */
  renew(seen: ClientState): Promise<Made<ClientState>>
  /** The app says that the credentials are good no longer although they are new, or never will be. */
  lost(seen: ClientState, error: ErrorData): Promise<void>
  /** A request was answered well. */
  used(seen: ClientState): void
}

export interface AppSender {
  outbound: Outbound
  clock: Clock
  ids: Ids
  logs: ApiLogs
  /** What masks secrets of the connection's registrations in records; null where the workspace keeps none. */
  recordMask(connection: Connection): Promise<Mask | null>
}

/**
 * An API client over a source of configurations: where the app says that the credentials are good no longer, they are
 * renewed and the request is repeated, once. Every request, repeated ones too, is recorded.
 */
export function createApiClient(
  sender: AppSender,
  source: ClientSource,
  context: { sourceId: string | null },
): ApiClient {
  return {
    async request(request, how = {}) {
      const opened = await source.open()
      if (opened.kind === 'failed') return guestFailure(opened.error)
      const first = await sendOnce(sender, opened.value, request, context.sourceId, how)
      if (first.kind === 'answered') {
        source.used(opened.value)
        return first
      }
      if (isDefunct(first)) await source.lost(opened.value, keptFailure(first))
      if (!isExpired(first)) return first
      const renewed = await source.renew(opened.value)
      // What the app said to this very request tells more than that it could not be mended.
      if (renewed.kind === 'failed') return first
      const second = await sendOnce(sender, renewed.value, request, context.sourceId, how)
      if (second.kind === 'answered') source.used(renewed.value)
      else if (isExpired(second) || isDefunct(second)) await source.lost(renewed.value, keptFailure(second))
      return second
    },
  }
}

function isExpired(answer: GuestAnswer): boolean {
  return answer.kind === 'failed' && answer.error.key === 'access_token_expired'
}

function isDefunct(answer: GuestAnswer): boolean {
  return answer.kind === 'failed' && answer.error.key === 'connection_is_defunct'
}

/** Sends one request and says what its answer means; never rejects for what the world does. */
async function sendOnce(
  sender: AppSender,
  { connection, config }: ClientState,
  given: GuestRequest,
  sourceId: string | null,
  how: RequestManner,
): Promise<GuestAnswer> {
  const request = appRequest(config, given)
  if ('problem' in request) return failed(request.problem)
  const beganMs = performance.now()
  const outcome = await sender.outbound.send({
    ...request,
    timeoutMs: TIMEOUT_MS,
    responseBytesMax: RESPONSE_BYTES_MAX,
    ...how,
  })
  const answer = await answerFor(config, request, outcome, sender.clock.now())
  const durationMs = performance.now() - beganMs
  const known = await sender.recordMask(connection)
  if (known !== null) {
    const mask = bothMasks(config.mask, known)
    sender.logs.add(
      recordOf({ connection, mask, request, outcome, answer, sourceId, durationMs, id: sender.ids.next() }),
    )
  }
  return answer
}

async function answerFor(
  config: ClientConfig,
  request: OutboundRequest,
  outcome: OutboundOutcome,
  now: Date,
): Promise<GuestAnswer> {
  if (outcome.kind !== 'answered') {
    const data =
      outcome.kind === 'unreachable'
        ? { reason: outcome.reason, maybeReceived: outcome.maybeReceived }
        : { reason: outcome.kind }
    return failed(config.mask.text(outcome.message), data)
  }
  if (outcome.bodyTruncated) return failed('the answer of the app is longer than 10 MB')
  const { status, headers, body } = outcome
  const text = bodyText(body, String(headers['content-type'] ?? '')) ?? body.toString('utf8')
  const about = { method: request.method, uri: request.url }
  const verdict = await verdictOn(config, { status, headers, text, isWhole: true }, about, now)
  if (verdict.kind === 'failed') return guestFailure(verdict.error)
  const given = verdict.kind === 'good' ? body : Buffer.from(JSON.stringify(verdict.data ?? null))
  const shown = verdict.kind === 'good' ? flat(headers) : { ...flat(headers), 'content-type': 'application/json' }
  return { kind: 'answered', status, headers: shown, body: given }
}

function recordOf(sent: {
  id: string
  connection: Connection
  mask: Mask
  request: OutboundRequest
  outcome: OutboundOutcome
  answer: GuestAnswer
  sourceId: string | null
  durationMs: number
}) {
  const { connection, mask, request, outcome, answer } = sent
  const { body } = request
  const bytes = body === undefined ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength
  const start = typeof body === 'string' ? body : Buffer.from(body ?? '').subarray(0, LOOKED_AT_BYTES)
  const requestUri = keptUrl(request.url, mask)
  return {
    id: sent.id,
    workspaceId: connection.workspaceId,
    customerId: connection.customerId,
    integrationId: connection.integrationId,
    connectionId: connection.id,
    sourceId: sent.sourceId,
    method: request.method,
    requestUri,
    statusCode: outcome.kind === 'answered' ? outcome.status : null,
    isSuccess: answer.kind === 'answered',
    durationMs: sent.durationMs,
    request: JSON.stringify({
      method: request.method,
      uri: requestUri,
      headers: keptHeaders(request.headers ?? {}, mask),
      ...keptBody({ start, bytes }, mask),
    }),
    response:
      outcome.kind !== 'answered'
        ? null
        : JSON.stringify({
            status: outcome.status,
            headers: keptHeaders(outcome.headers, mask),
            ...keptBody({ start: outcome.body.subarray(0, LOOKED_AT_BYTES), bytes: outcome.body.length }, mask),
          }),
    error: answer.kind === 'answered' ? null : answer.error.message,
  }
}

function failed(message: string, data?: unknown): GuestFailure {
  return guestFailure(connectionError('connection_failed', message, data))
}
