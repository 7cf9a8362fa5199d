import type { Outbound } from '../outbound/client.ts'
import type { GuestAnswer, GuestRequest } from '../sandbox/call.ts'
import type { RequestManner } from './function.ts'

/** Headers that belong to the HTTP client; `fetch` of browsers drops them without a word too. */
const FORBIDDEN_HEADERS: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * A guest's `fetch`: sent under the address policy, without any credentials of ours. A redirect is an answer like any
 * other and is not followed.
 *
 * @source Fetch standard, "forbidden request-header"; redirects as everywhere in `outbound`
 */
export async function fetchForGuest(
  outbound: Outbound,
  request: GuestRequest,
  how: RequestManner,
): Promise<GuestAnswer> {
  const headers = Object.fromEntries(
    Object.entries(request.headers ?? {}).filter(([name]) => !FORBIDDEN_HEADERS.has(name.toLowerCase())),
  )
  const body = bodyOf(request)
  const outcome = await outbound.send({
    url: request.uri,
    method: request.method,
    headers,
    ...(body === undefined ? {} : { body }),
    ...how,
  })
  if (outcome.kind !== 'answered') return failed(`fetch failed: ${outcome.message}`, 'fetch_failed')
  if (outcome.bodyTruncated) return failed('fetch failed: the answer is longer than 10 MB', 'limit_exceeded')
  return {
    kind: 'answered',
    status: outcome.status,
    statusText: outcome.statusText,
    headers: joined(outcome.headers),
    body: outcome.body,
  }
}

function bodyOf({ data, dataBase64 }: GuestRequest): string | Uint8Array | undefined {
  if (dataBase64 !== undefined) return Buffer.from(dataBase64, 'base64')
  if (data === undefined || data === null) return undefined
  return typeof data === 'string' ? data : JSON.stringify(data)
}

function joined(headers: Record<string, string | string[]>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  )
}

function failed(message: string, key: string): GuestAnswer {
  return { kind: 'failed', error: { type: 'custom_code', key, message } }
}
