import { parseExactJson } from '@permea/contract'
import { answerInUtf8 } from '../bodies/body-value.ts'
import type { GuestAnswer, GuestRequest } from './call.ts'

const METHODS: readonly GuestRequest['method'][] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']
const RESPONSE_TYPES = ['json', 'text', 'arraybuffer'] as const
const URI_LENGTH_MAX = 16_384

/** A host call as the guest wrote it. Nothing of it is believed: it becomes a request, or the error that the guest gets. */
export function readHostCall(text: string): { client: string; request: GuestRequest } | { error: string } {
  const { client, request } = record(parseExactJson(text))
  const raw = record(request)
  const method = METHODS.find((each) => each === raw.method)
  if (method === undefined) return { error: `the method must be one of ${METHODS.join(', ')}` }
  if (typeof raw.uri !== 'string' || raw.uri === '') return { error: 'the path or URL must be a text' }
  if (raw.uri.length > URI_LENGTH_MAX) return { error: `the URL is longer than ${URI_LENGTH_MAX} characters` }
  const read: GuestRequest = { method, uri: raw.uri }
  if (isRecord(raw.query)) read.query = raw.query
  if (isRecord(raw.headers)) read.headers = texts(raw.headers)
  if (raw.data !== undefined) read.data = raw.data
  if (typeof raw.dataBase64 === 'string') read.dataBase64 = raw.dataBase64
  if (raw.cache === 'force-cache' || raw.cache === 'reload') read.cache = raw.cache
  if (typeof raw.baseUri === 'string') read.baseUri = raw.baseUri
  const auth = record(raw.auth)
  if (typeof auth.username === 'string' || typeof auth.password === 'string')
    read.auth = { username: String(auth.username ?? ''), password: String(auth.password ?? '') }
  const responseType = RESPONSE_TYPES.find((each) => each === raw.responseType)
  if (responseType !== undefined) read.responseType = responseType
  return { client: typeof client === 'string' ? client : '', request: read }
}

/** What a function wants of an answer: its bytes, as `fetch` gives them, its text, or the value that it stands for. */
export type WantedOfAnswer = 'bytes' | 'text' | 'value'

/**
 * An answer as it travels to the guest: a head in JSON, the body as bytes. What is wanted as text or value is in UTF-8 by
 * then, whatever charset it came in, and a form is JSON: the guest reads nothing else.
 */
export function encodeAnswer(
  answer: GuestAnswer,
  wanted: WantedOfAnswer = 'bytes',
): { headJson: string; body: Buffer } {
  if (answer.kind === 'failed')
    return { headJson: JSON.stringify({ kind: 'failed', error: answer.error }), body: Buffer.alloc(0) }
  const { status, statusText, headers } = answer
  const { body, isJson } =
    wanted === 'bytes'
      ? { body: answer.body, isJson: false }
      : answerInUtf8(answer.body, headers['content-type'] ?? '', wanted === 'text')
  return {
    headJson: JSON.stringify({ kind: 'answered', status, statusText, headers, isJson }),
    body: withoutSlack(body),
  }
}

/** Bytes that lie in a buffer more than twice their size are copied out of it, so that it is not kept for them. */
function withoutSlack(body: Buffer): Buffer {
  return body.buffer.byteLength > 2 * body.byteLength ? Buffer.from(body) : body
}

/** Header values as text; numbers and booleans are written out, what else there is, is left out. */
function texts(values: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
        ? [[name, String(value)]]
        : [],
    ),
  )
}

function record(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {}
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
