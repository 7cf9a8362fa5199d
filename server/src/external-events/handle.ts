import { isUtf8 } from 'node:buffer'
import { type ErrorData, ErrorType, type FunctionDefinition, isNumber, parseExactJson } from '@permea/contract'
import { nearestName } from '../api/nearest-name.ts'
import { errorData } from '../api/refusal.ts'
import { bodyAsValue, bodyFormat, type OpenedBody, openBody, queryValue } from '../bodies/body-value.ts'
import { type RecordEventArgs, recordArguments } from '../external-subscriptions/record-event.ts'
import { isRecord } from '../formulas/coercion.ts'
import type { FunctionCall, FunctionOutcome } from '../functions/function.ts'
import { isNothing } from '../functions/nothing.ts'
import type { TracePlace } from '../platform/tracing.ts'

/** A request that came in at a URL for external apps, as it came in. */
export interface ReceivedRequest {
  /** Of the record that it will have. */
  id: string
  method: string
  /** As in the URL, without the question mark. */
  query: string
  /** What follows the webhook's address in the URL, with its slash; empty for nothing. Some products append one. */
  path: string
  /** Names in lower case. */
  headers: Record<string, string>
  /** As it came: packed where `content-encoding` says so. */
  body: Buffer
  /** What it was read as when it came in; null where nobody had to read it yet. */
  opened: OpenedBody | null
  /** What comes of it stands beneath this in a trace; absent for none. */
  trace?: TracePlace | null
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

/** The key of the errors of `permea:webhooks`: the request does not prove who sent it. */
const NOT_VERIFIED = 'webhook_not_verified'

/** Who does not prove who he is learns that, and not what is wrong with the proof. */
const NOT_TAKEN: WebhookResponse = {
  status: 401,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: JSON.stringify({ type: 'bad_request', key: NOT_VERIFIED, message: 'the request could not be verified' }),
}

/**
 * The argument of `handle`: `query`, `data` (the body as a value, also as `body`), `headers`, `method`, `rawBody` (the text,
 * or one character for each byte where the bytes are no text) and `rawBodyBase64` (the bytes as they came), and what the
 * caller adds. A body that is text in UTF-8 goes in as its bytes, once, and is `rawBody`; of JSON and of plain text the
 * guest makes `data` and `body` from it. Throws a `BodyProblem` for a body that cannot be unpacked or nests too deep.
 *
 * @source wire facts C.1, C.2
 */
export async function handleArgument(request: ReceivedRequest): Promise<Pick<FunctionCall, 'args' | 'text'>> {
  const { headers, method, body, path } = request
  const query = queryValue(request.query)
  const common = { query, data: null, body: null, headers, method, path, rawBody: null, rawBodyBase64: null }
  const opened = request.opened ?? (await openBody(body, headers))
  if (!isInUtf8(opened)) {
    const data = await bodyAsValue(opened, headers)
    const rawBody = isUtf8(opened.bytes)
      ? opened.bytes.toString('utf8')
      : (opened.text ?? opened.bytes.toString('latin1'))
    return { args: { ...common, data, body: data, rawBody, rawBodyBase64: body.toString('base64') } }
  }
  const format = bodyFormat(opened, headers)
  const data = format === 'json' || format === 'text' ? null : await bodyAsValue(opened, headers)
  return {
    args: {
      ...common,
      ...(data === null ? {} : { data, body: data }),
      ...(opened.bytes === body ? {} : { rawBodyBase64: body.toString('base64') }),
    },
    text: {
      utf8: opened.bytes,
      as: 'rawBody',
      valueAs: data === null ? ['data', 'body'] : [],
      ...(format === 'text' ? { isPlain: true as const } : {}),
      ...(opened.bytes === body ? { base64As: 'rawBodyBase64' } : {}),
    },
  }
}

/** Whether the bytes are the text as it is; a byte order mark is none of it. */
function isInUtf8({ bytes, text }: OpenedBody): boolean {
  return bytes.byteLength > 0 && text !== null && bytes[0] !== 0xef && isUtf8(bytes)
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

const KNOWN = ['events', 'response', 'state', 'error']

/**
 * What a call of `handle` came to, or why it does not count: it failed, or returned something else than
 * `{ events?, response?, state?, error? }` or nothing. A request that `permea:webhooks` refuses is answered 401, unless the
 * function caught that and said otherwise. With an `error` the request is recorded as one, without events; a
 * `response` beside it is what the sender gets. An `error` that says nothing (`''`, `[]`, `{}`, `false`) is none.
 *
 * Names that are none of these are the function's mistake where they may stand for one: nothing else says what happened,
 * or they are a slip of the hand away. The request is kept as failed, and can be replayed when the function is mended.
 */
export function handledOf(outcome: FunctionOutcome): { handled: Handled } | Refused {
  if (outcome.kind === 'failed') {
    const { error } = outcome
    return error.key === NOT_VERIFIED ? { error, response: NOT_TAKEN } : { error }
  }
  const { value } = outcome
  if (value === undefined || value === null)
    return { handled: { events: [], state: undefined, response: DEFAULT_RESPONSE } }
  if (!isRecord(value)) return wrong('must return an object { events, response, state } or nothing')
  const { events } = value
  const unknown = unknownIn(value)
  const response = responseOf(value.response)
  if (unknown !== null) {
    const { error } = wrong(`returned ${unknown}: it returns an object { events, response, state, error }`)
    return 'problem' in response || isAbsent(value.response) ? { error } : { error, response }
  }
  if (!isAbsent(events) && !Array.isArray(events)) return wrong('returned events that are no list')
  if (Array.isArray(events) && events.length > EVENTS_MAX) return wrong(`returned more than ${EVENTS_MAX} events`)
  if ('problem' in response) return wrong(response.problem)
  if (!isNothing(value.error)) {
    const error = errorIn(value.error)
    if (!isAbsent(value.response)) return { error, response }
    return error.key === NOT_VERIFIED ? { error, response: NOT_TAKEN } : { error }
  }
  return {
    handled: { events: Array.isArray(events) ? events : [], state: value.state ?? undefined, response },
  }
}

/** An event of a global webhook: which subscriptions it is for, and what they get. */
export function selectedEvents(events: readonly unknown[]): { selector: string; payload: unknown }[] | null {
  const selected = events.map((event) => {
    if (!isRecord(event)) return null
    const { selector } = event
    if (typeof selector !== 'string' && !isNumber(selector)) return null
    return { selector: String(selector), payload: event.payload ?? null }
  })
  return selected.every((each) => each !== null) ? selected : null
}

/** What a global webhook's `handle` is told that returned events of another shape. */
export const WRONG_SELECTORS: ErrorData = errorData(
  'webhook_handling_failed',
  'handle of a global webhook must return events as { selector, payload }',
)

/** A request that counts as an error, and what it is answered where `handle` said so: 401 for a forgery, say. */
interface Refused {
  error: ErrorData
  response?: WebhookResponse
}

/** The names that are none of ours, where that may have cost something; null where it has not. */
function unknownIn(value: Record<string, unknown>): string | null {
  const unknown = Object.keys(value).filter((name) => !KNOWN.includes(name))
  const saysNothing =
    !Array.isArray(value.events) && isAbsent(value.response) && isNothing(value.state) && isNothing(value.error)
  const isSlip = (name: string) => !isNothing(value[name]) && nearestName(name, KNOWN, 1) !== null
  const told = saysNothing ? unknown : unknown.filter(isSlip)
  return told.length === 0
    ? null
    : told
        .slice(0, 5)
        .map((name) => JSON.stringify(name.slice(0, 100)))
        .join(', ')
}

/** What functions write where they leave something out. */
function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === false || value === ''
}

const MESSAGE_CHARS_MAX = 1000
const KEY_CHARS_MAX = 200
const DATA_CHARS_MAX = 16_000

/** An error that `handle` returned, with its own type, key and data where it has them. */
function errorIn(error: unknown): ErrorData {
  const of = isRecord(error) ? error : {}
  const message = isRecord(error) && !isNothing(error.message) ? error.message : error
  const text = typeof message === 'string' ? message : JSON.stringify(message)
  const plain = errorData('webhook_handling_failed', text.slice(0, MESSAGE_CHARS_MAX))
  const type = ErrorType.safeParse(of.type)
  const isKey = typeof of.key === 'string' && of.key !== ''
  const isShort = of.data !== undefined && (JSON.stringify(of.data)?.length ?? 0) <= DATA_CHARS_MAX
  return {
    ...plain,
    ...(type.success ? { type: type.data } : {}),
    ...(isKey ? { key: String(of.key).slice(0, KEY_CHARS_MAX) } : {}),
    ...(isShort ? { data: of.data } : {}),
  }
}

function wrong(message: string): { error: ErrorData } {
  return { error: errorData('webhook_handling_failed', `handle ${message}`) }
}

function responseOf(given: unknown): WebhookResponse | { problem: string } {
  if (isAbsent(given)) return DEFAULT_RESPONSE
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

/** A function, and whose it is as an id of the wire. */
export interface Handler {
  definition: FunctionDefinition
  ownerId: string
  /** What it is given besides, where it is of records. */
  more: RecordEventArgs | null
}

/** What the `handle` of a subscription's own webhook is given of it; `state` as JSON. */
export function ownArguments({ more }: Handler, parameters: Record<string, unknown>, state: string | null) {
  return { ...recordArguments(parameters, more), state: state === null ? {} : parseExactJson(state) }
}
