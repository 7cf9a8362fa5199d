import type { Allowance } from '../bodies/allowance.ts'
import type { OutboundOutcome } from './outcome.ts'

/** One request to send. The caller bounds its body; everything about the answer is bounded here. */
export type OutboundRequest = {
  /** absolute, http or https, without user name and password; a fragment is left out */
  url: string
  /** any method except CONNECT, TRACE and TRACK; sent in upper case */
  method: string
  /**
   * Sent as they are. Those that frame the message or steer the connection (`host`, `content-length`,
   * `transfer-encoding`, `connection`, …) belong to the client; naming one makes the request `invalid`.
   */
  headers?: Record<string, string> | undefined
  body?: string | Uint8Array | undefined
  /** for the whole attempt: name lookup, connecting, waiting for a connection, headers and body */
  timeoutMs?: number | undefined
  /** of the answer's body, both as received and as decoded; beyond that it is cut and the connection closed */
  responseBytesMax?: number | undefined
  signal?: AbortSignal | undefined
  /** what the answer may take beside `responseBytesMax`; where that is used up, the request is `aborted` */
  allowance?: Allowance | undefined
}

/** A request that can be written as HTTP: its headers as names and values in turn. */
export type SendableRequest = {
  origin: string
  /** host and port, for messages */
  peer: string
  path: string
  method: string
  headers: string[]
  body: string | Uint8Array | null
  timeoutMs: number
  responseBytesMax: number
}

/** What holds where a request does not say otherwise. */
export type RequestDefaults = { userAgent: string; timeoutMs: number; responseBytesMax: number }

/** The longest time limit, which is also the longest wait a timer can hold: about 24.8 days. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1

/** RFC 9110 "Connection-Specific Header Fields" and "Message Framing"; also `host`, which follows the URL. */
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** CONNECT opens tunnels; TRACE and TRACK echo credentials (Fetch standard, "forbidden method"). */
const REFUSED_METHODS: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK'])

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const NOT_IN_A_HEADER_VALUE = /[^\t\x20-\x7e\x80-\xff]/

/**
 * Turns a request into what can be sent, or says why it cannot: `forbidden` for another scheme than http and https and
 * for a user name in the URL, `invalid` for whatever HTTP cannot express. Pure; addresses are judged when connecting.
 */
export function checkRequest(request: OutboundRequest, defaults: RequestDefaults): SendableRequest | OutboundOutcome {
  const url = URL.parse(request.url)
  if (url === null) return invalid('the URL cannot be read')
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return forbidden(`only http and https are allowed, not ${url.protocol.slice(0, 20)}`)
  }
  if (url.username !== '' || url.password !== '') {
    return forbidden('a user name or password in the URL is not allowed: use an authorization header')
  }
  const method = request.method.toUpperCase()
  if (!TOKEN.test(method)) return invalid('the method is not a word')
  if (REFUSED_METHODS.has(method)) return invalid(`the method ${method} is not allowed`)

  const { timeoutMs = defaults.timeoutMs, responseBytesMax = defaults.responseBytesMax } = request
  if (!(timeoutMs > 0 && timeoutMs <= TIMEOUT_MS_MAX)) return invalid('timeoutMs must be from 1 to 2147483647')
  if (!(responseBytesMax >= 0)) return invalid('responseBytesMax must be 0 or more')

  const headers = checkHeaders(request.headers ?? {}, defaults.userAgent)
  if (typeof headers === 'string') return invalid(headers)
  return {
    origin: url.origin,
    peer: url.origin,
    path: url.pathname + url.search,
    method,
    headers,
    body: request.body ?? null,
    timeoutMs,
    responseBytesMax,
  }
}

/** The headers to write, or one line about the first that cannot be written. */
function checkHeaders(given: Record<string, string>, userAgent: string): string[] | string {
  const headers: string[] = []
  let hasUserAgent = false
  let hasAcceptEncoding = false
  for (const name in given) {
    if (!Object.hasOwn(given, name)) continue
    const value = given[name]
    const lowerName = name.toLowerCase()
    if (!TOKEN.test(name)) return `the header name ${JSON.stringify(name.slice(0, 100))} is not a word`
    if (RESERVED_HEADERS.has(lowerName)) return `the header ${lowerName} is set by the client and cannot be given`
    if (typeof value !== 'string') return `the value of the header ${lowerName} is not text`
    if (NOT_IN_A_HEADER_VALUE.test(value)) {
      return `the value of the header ${lowerName} contains a line break or another character that headers cannot carry`
    }
    if (lowerName === 'user-agent') hasUserAgent = true
    if (lowerName === 'accept-encoding') hasAcceptEncoding = true
    headers.push(name, value)
  }
  if (!hasUserAgent) headers.push('user-agent', userAgent)
  if (!hasAcceptEncoding) headers.push('accept-encoding', 'identity')
  return headers
}

function invalid(message: string): OutboundOutcome {
  return { kind: 'invalid', message }
}

function forbidden(message: string): OutboundOutcome {
  return { kind: 'forbidden', address: null, message, durationMs: 0 }
}
