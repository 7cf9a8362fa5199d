import type { ErrorData } from '@permea/contract'
import { errorData } from '../api/refusal.ts'
import { isShownHeader, MASKED, maskedQuery } from '../exchanges/masked.ts'
import { toWire } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { ReceivedRequest, WebhookResponse } from './handle.ts'
import type { ExternalSource, IncomingWebhookRow } from './store.ts'

interface Ended {
  request: ReceivedRequest
  target: { workspaceId: string; source: ExternalSource | null; global: { id: string; integrationId: string } | null }
  /** Null where none was called. */
  callId: string | null
  durationMs: number
  replayOf: string | null
  active: string | null
}

/** The record of a request that was handled. */
export function settledWebhook(ended: Ended & { response: WebhookResponse }, sealing: Sealing): IncomingWebhookRow {
  const { response } = ended
  return {
    ...recordOf(ended, sealing),
    status: 'success',
    responseStatus: answeredStatus(ended, response.status),
    response: kept(response),
  }
}

/** The record of a request whose `handle` failed, and what its sender is told: not why, since anybody may ask. */
export function failedWebhook(
  ended: Ended & { error: ErrorData; response?: WebhookResponse },
  sealing: Sealing,
): { row: IncomingWebhookRow; response: WebhookResponse } {
  const body = JSON.stringify({
    ...errorData('webhook_handling_failed', 'the request could not be handled; it is kept'),
    id: toWire('iwh', ended.request.id),
  })
  const told = { status: 500, headers: { 'content-type': 'application/json; charset=utf-8' }, body }
  const response = ended.response ?? told
  const row = recordOf(ended, sealing)
  return {
    row: {
      ...row,
      status: 'error',
      error: JSON.stringify(ended.error),
      responseStatus: answeredStatus(ended, response.status),
      response: kept(response),
    },
    response,
  }
}

/** Of a request that was answered before it was handled, that answer counts; a replay is not answered at all. */
function answeredStatus(ended: Ended, status: number): number | null {
  if (ended.replayOf !== null) return null
  return ended.active === null ? status : 200
}

const RESPONSE_CHARS_MAX = 16_384

function kept(response: WebhookResponse): string | null {
  if (response.body === null && Object.keys(response.headers).length === 0) return null
  return JSON.stringify({ ...response, body: response.body?.slice(0, RESPONSE_CHARS_MAX) ?? null })
}

function recordOf(ended: Ended, sealing: Sealing): IncomingWebhookRow {
  const { request, target } = ended
  const { source, global } = target
  const secretHeaders = Object.entries(request.headers).filter(([name]) => !isShownHeader(name))
  const shownHeaders = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, isShownHeader(name) ? value : MASKED]),
  )
  const shownQuery = maskedQuery(request.query)
  const secrets: Secrets = {
    ...(secretHeaders.length === 0 ? {} : { headers: Object.fromEntries(secretHeaders) }),
    ...(shownQuery === request.query ? {} : { query: request.query }),
    ...(request.path === '' ? {} : { path: request.path }),
  }
  return {
    id: request.id,
    workspaceId: target.workspaceId,
    customerId: source?.customerId ?? null,
    integrationId: source?.integrationId ?? global?.integrationId ?? null,
    connectionId: source?.connectionId ?? null,
    subscriptionId: source?.subscriptionId ?? null,
    globalWebhookId: global?.id ?? null,
    method: request.method,
    query: shownQuery === '' ? null : shownQuery,
    headers: JSON.stringify(shownHeaders),
    secretsSealed: Object.keys(secrets).length === 0 ? null : sealing.seal(JSON.stringify(secrets)),
    body: request.body,
    status: 'success',
    error: null,
    responseStatus: null,
    response: null,
    durationMs: ended.durationMs,
    functionCallId: ended.callId,
    eventIds: [],
    repeatedEventIds: null,
    replayOf: ended.replayOf,
    payloadCutAt: null,
  }
}

/** The request of a record as it came in. */
export function openRequest(row: IncomingWebhookRow, sealing: Sealing): ReceivedRequest {
  const secrets = row.secretsSealed === null ? {} : (JSON.parse(sealing.open(row.secretsSealed)) as Secrets)
  return {
    id: row.id,
    method: row.method,
    query: secrets.query ?? row.query ?? '',
    path: secrets.path ?? '',
    headers: { ...(JSON.parse(row.headers) as Record<string, string>), ...secrets.headers },
    body: row.body,
    opened: null,
  }
}

/** What is shown to nobody of a request, and kept sealed for a replay. */
interface Secrets {
  /** Those with a secret name. */
  headers?: Record<string, string>
  /** As it came, where a parameter has a secret name. */
  query?: string
  /** What stood behind the webhook's address: an app may put there what it likes. */
  path?: string
}
