import { parseExactJson } from '@permea/contract'
import type { OutboundOutcome, ReceivedHeaders } from '../outbound/outcome.ts'
import type { OutboundRequest } from '../outbound/request-check.ts'
import { bodyValue } from '../outbound/request-spec.ts'
import type { Mask } from './mask.ts'
import { isShownHeader, MASKED, maskedHeaders, maskedText, maskedUrl, maskedValue } from './masked.ts'

/** Most of a body that is kept in a record, in characters. */
const KEPT_CHARS_MAX = 16_384

/** So much more is looked at than is kept, so that a secret that lies across the cut is found whole. */
const MARGIN_CHARS = 4_096

/** What is looked at of a body: more than is kept. */
export const LOOKED_AT_BYTES = KEPT_CHARS_MAX + MARGIN_CHARS

/** What is kept of an outcome, for people to look at. */
export function recordedResponse(outcome: OutboundOutcome): Record<string, unknown> | null {
  if (outcome.kind !== 'answered') return null
  const isWhole = outcome.body.length <= KEPT_CHARS_MAX && !outcome.bodyTruncated
  return {
    status: outcome.status,
    headers: maskedHeaders(outcome.headers),
    ...(isWhole
      ? { body: maskedValue(bodyValue(outcome)) }
      : { body: begun(outcome.body.subarray(0, LOOKED_AT_BYTES).toString('utf8')), bodyTruncated: true }),
    durationMs: Math.round(outcome.durationMs * 10) / 10,
  }
}

/** What is kept of a request, for people to look at. */
export function recordedRequest(request: OutboundRequest): Record<string, unknown> {
  const { body } = request
  return {
    method: request.method,
    uri: maskedUrl(request.url),
    headers: maskedHeaders(request.headers ?? {}),
    ...(typeof body === 'string' ? { body: recordedBody(body, request.headers?.['content-type'] ?? '') } : {}),
  }
}

/** What is kept of a body, as a value where it is JSON. */
export function recordedBody(body: string, contentType: string): unknown {
  if (body.length > KEPT_CHARS_MAX) return begun(body)
  if (!contentType.includes('json')) return maskedText(body)
  try {
    return maskedValue(parseExactJson(body))
  } catch {
    return maskedText(body)
  }
}

/** The beginning of a body that is too long to be kept: masked before it is cut. */
function begun(text: string, charsMax = KEPT_CHARS_MAX): string {
  return maskedText(text.slice(0, charsMax + MARGIN_CHARS)).slice(0, charsMax)
}

/** The beginning of a body as text; null where it is none that can be looked through for secrets. */
export function excerptOf(text: string, contentType: string, charsMax: number): string | null {
  return /^multipart\//i.test(contentType) || text.includes('\0') ? null : begun(text, charsMax)
}

/** A body as it was seen while it passed. */
export interface SeenBody {
  /** Its beginning, up to `LOOKED_AT_BYTES`. */
  start: Buffer | string
  bytes: number
}

/** Headers as they are kept: those that hold secrets by their name, and what is secret in others, masked. */
export function keptHeaders(headers: ReceivedHeaders, mask: Mask): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      const text = Array.isArray(value) ? value.join(', ') : value
      return [name, isShownHeader(name) ? mask.text(text) : MASKED]
    }),
  )
}

/** A URL as it is kept: values of parameters that are secrets by their name, and what is secret in the rest, masked. */
export function keptUrl(text: string, mask: Mask): string {
  return mask.text(URL.canParse(text) ? maskedUrl(text) : text)
}

/** A body as it is kept, without the secrets that are known and those that its names tell of; absent where there was none. */
export function keptBody(body: SeenBody | null, mask: Mask): Record<string, unknown> {
  if (body === null || body.bytes === 0) return {}
  const start = typeof body.start === 'string' ? body.start.slice(0, LOOKED_AT_BYTES) : body.start.toString('utf8')
  const text = maskedText(mask.text(start))
  const isWhole = start.length >= body.bytes || Buffer.byteLength(start) >= body.bytes
  const kept =
    isWhole && text.length <= KEPT_CHARS_MAX
      ? { body: parsed(text) }
      : { body: text.slice(0, KEPT_CHARS_MAX), bodyTruncated: true }
  return { ...kept, bodyBytes: body.bytes }
}

function parsed(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return text
  try {
    return maskedValue(parseExactJson(text))
  } catch {
    return text
  }
}
