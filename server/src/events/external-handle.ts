import { isUtf8 } from 'node:buffer'
import type { ErrorData, FunctionDefinition } from '@permea/contract'
import { errorData } from '../api/refusal.ts'
import { jsonOrText } from '../functions/argument.ts'
import type { FunctionCall, FunctionOutcome } from '../functions/function.ts'

/** A request that came in at a URL for external apps, as it came in. */
export interface ReceivedRequest {
  /** Of the record that it will have. */
  id: string
  method: string
  /** As in the URL, without the question mark. */
  query: string
  /** Names in lower case. */
  headers: Record<string, string>
  body: Buffer
}

/** What a request is answered with. */
export interface WebhookResponse {
  status: number
  headers: Record<string, string>
  /** Null for an empty body. */
  body: string | null
}

/** What `handle` made of a request. */
export interface Handled {
  events: unknown[]
  /** Absent where it did not say. */
  state: unknown
  response: WebhookResponse
}

export const DEFAULT_RESPONSE: WebhookResponse = { status: 200, headers: {}, body: null }

/**
 * The argument of `handle`: `query`, `data` (the body parsed where it is JSON or a form, else its text; also as
 * `body`), `headers`, `method`, `rawBody` (text; `rawBodyBase64` beside it where it is not UTF-8), and what the caller adds.
 * A JSON body is not read here: it is the argument's text, and `data` and `body` are its value.
 *
 * @source wire facts C.1, C.2
 */
export function handleArgument(request: ReceivedRequest): Pick<FunctionCall, 'args' | 'text'> {
  const { headers, method, body } = request
  const query = fromPairs(new URLSearchParams(request.query))
  const contentType = headers['content-type'] ?? ''
  const isText = isUtf8(body)
  if (isText && body.byteLength > 0 && formatOf(contentType, () => body.toString('utf8')) === 'json') {
    const args = { query, data: null, body: null, headers, method, rawBody: null }
    return { args, text: { utf8: body, as: 'rawBody', valueAs: ['data', 'body'] } }
  }
  const rawBody = body.toString(isText ? 'utf8' : 'latin1')
  const data = dataOf(contentType, isText ? rawBody : null)
  const bytes = isText ? {} : { rawBodyBase64: body.toString('base64') }
  return { args: { query, data, body: data, headers, method, rawBody, ...bytes } }
}

/** The body as a value: JSON and forms are parsed; what cannot be is its text. */
export function dataOf(contentType: string, text: string | null): unknown {
  if (text === null || text === '') return null
  const format = formatOf(contentType, () => text)
  if (format === 'form') return fromPairs(new URLSearchParams(text))
  return format === 'json' ? jsonOrText(text) : text
}

/** What a body is read as; the text decides where the type does not. */
function formatOf(contentType: string, text: () => string): 'json' | 'form' | 'text' {
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? ''
  if (type.endsWith('json')) return 'json'
  if (type === 'application/x-www-form-urlencoded' && !/^\s*[[{]/.test(text())) return 'form'
  return /^\s*[[{"]/.test(text()) ? 'json' : 'text'
}

/** A name that comes more than once becomes a list. */
export function fromPairs(pairs: URLSearchParams): Record<string, string | string[]> {
  return Object.fromEntries(
    [...new Set(pairs.keys())].map((name) => {
      const values = pairs.getAll(name)
      return [name, values.length === 1 ? (values[0] ?? '') : values]
    }),
  )
}

const EVENTS_MAX = 10_000
/** Headers that belong to the connection, or that a function must not set for our own origin. */
const REFUSED_HEADERS = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'set-cookie',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * What a call of `handle` came to, or why it does not count: it failed, or returned something else than
 * `{ events?, response?, state? }` or nothing.
 */
export function handledOf(outcome: FunctionOutcome): { handled: Handled } | { error: ErrorData } {
  if (outcome.kind === 'failed') return { error: outcome.error }
  const { value } = outcome
  if (value === undefined || value === null)
    return { handled: { events: [], state: undefined, response: DEFAULT_RESPONSE } }
  if (!isRecord(value)) return wrong('must return an object { events, response, state } or nothing')
  const { events } = value
  if (events !== undefined && events !== null && !Array.isArray(events))
    return wrong('returned events that are no list')
  if (Array.isArray(events) && events.length > EVENTS_MAX) return wrong(`returned more than ${EVENTS_MAX} events`)
  const response = responseOf(value.response)
  if ('problem' in response) return wrong(response.problem)
  return {
    handled: { events: (events as unknown[] | null | undefined) ?? [], state: value.state ?? undefined, response },
  }
}

/** An event of a global webhook: which subscriptions it is for, and what they get. */
export function selectedEvents(events: readonly unknown[]): { selector: string; payload: unknown }[] | null {
  const selected = events.map((event) => {
    if (!isRecord(event)) return null
    const { selector } = event
    if (typeof selector !== 'string' && typeof selector !== 'number') return null
    return { selector: String(selector), payload: event.payload ?? null }
  })
  return selected.every((each) => each !== null) ? selected : null
}

/** What a global webhook's `handle` is told that returned events of another shape. */
export const WRONG_SELECTORS: ErrorData = errorData(
  'webhook_handling_failed',
  'handle of a global webhook must return events as { selector, payload }',
)

function wrong(message: string): { error: ErrorData } {
  return { error: errorData('webhook_handling_failed', `handle ${message}`) }
}

function responseOf(given: unknown): WebhookResponse | { problem: string } {
  if (given === undefined || given === null) return DEFAULT_RESPONSE
  if (!isRecord(given)) return { problem: 'returned a response that is no object { status, headers, data }' }
  const status = given.status ?? 200
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 200 || status > 599)
    return { problem: 'returned a response whose status is not a number from 200 to 599' }
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(isRecord(given.headers) ? given.headers : {})) {
    const lower = name.toLowerCase()
    if (value === undefined || value === null || REFUSED_HEADERS.has(lower)) continue
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(lower)) return { problem: `returned a header ${JSON.stringify(name)}` }
    const text = String(value)
    if (/[^\t\x20-\x7e\x80-\xff]/.test(text))
      return { problem: `returned a value of header ${JSON.stringify(name)} that cannot be sent` }
    headers[lower] = text
  }
  const data = given.data ?? given.body
  if (data === undefined || data === null) return { status, headers, body: null }
  if (typeof data === 'string') {
    headers['content-type'] ??= 'text/plain; charset=utf-8'
    return { status, headers, body: data }
  }
  headers['content-type'] ??= 'application/json; charset=utf-8'
  return { status, headers, body: JSON.stringify(data) }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A function, and whose it is as an id of the wire. */
export interface Handler {
  definition: FunctionDefinition
  ownerId: string
}
