import { errors } from 'undici'

/** Why a receiver could not be reached or did not finish its answer. */
export type UnreachableReason =
  /** the name did not resolve */
  | 'dns'
  /** nobody listens on that address and port */
  | 'refused'
  /** no route, no network, no local port left */
  | 'network'
  /** connecting or the whole attempt took longer than its limit */
  | 'timeout'
  /** the TLS handshake failed: certificate, protocol version, or not TLS at all */
  | 'tls'
  /** the connection ended before the answer was complete */
  | 'reset'
  /** what came back is not HTTP/1.1, or its headers are larger than 16 KB */
  | 'protocol'

/** Header names are lower case; a header received more than once is a list. */
export type ReceivedHeaders = Record<string, string | string[]>

/**
 * What one outgoing request came to. The world's failures are data, not exceptions. Durations run from the call of
 * `send` and are in milliseconds. Messages name at most scheme, host, port, addresses and header names: a path, a
 * query, a user name or a header value may be a secret.
 *
 * - `answered`: any complete HTTP answer, 3xx and 5xx included; redirects are never followed. `body` holds at most
 *   `responseBytesMax` bytes, decoded from gzip, deflate, br and zstd. Where it was decoded, `content-encoding` and
 *   `content-length` are left out of `headers`; where both are still there (unknown coding, damaged data), `body` is
 *   what came over the wire. `bodyTruncated` says that the answer was longer.
 * - `unreachable`: no complete answer. `maybeReceived: false` is a guarantee that the receiver has not seen any byte of
 *   the request, so that it may be sent again whatever its method.
 * - `forbidden`: the address policy, the scheme or a user name in the URL speaks against it; nothing was sent.
 * - `invalid`: the request could not be written as HTTP; nothing was sent.
 * - `aborted`: the caller's signal fired, its allowance is used up, or the client is closed.
 */
export type OutboundOutcome =
  | {
      kind: 'answered'
      status: number
      /** What the far end wrote beside the status. */
      statusText: string
      headers: ReceivedHeaders
      body: Buffer
      bodyTruncated: boolean
      durationMs: number
      remoteAddress: string | null
    }
  | {
      kind: 'unreachable'
      reason: UnreachableReason
      message: string
      maybeReceived: boolean
      durationMs: number
    }
  | { kind: 'forbidden'; address: string | null; message: string; durationMs: number }
  | { kind: 'invalid'; message: string }
  | { kind: 'aborted'; message: string; durationMs: number }

/** What stopped a connection from being made; travels through undici as an error and becomes an outcome again. */
export class DialFailure extends Error {
  readonly verdict: { kind: 'forbidden'; address: string } | { kind: 'unreachable'; reason: UnreachableReason }

  constructor(verdict: DialFailure['verdict'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'DialFailure'
    this.verdict = verdict
  }
}

/** What a failed connection came to, from the error of the socket or of the TLS layer. */
export function dialFailureOf(error: Error, peer: string, isHandshake: boolean): DialFailure {
  const code = codeOf(error)
  if (isHandshake) {
    const why = code === 'ECONNRESET' ? 'the connection was closed' : describeTls(error, code)
    return new DialFailure({ kind: 'unreachable', reason: 'tls' }, `TLS handshake with ${peer} failed: ${why}`, {
      cause: error,
    })
  }
  const reason = code === 'ECONNREFUSED' ? 'refused' : code === 'ETIMEDOUT' ? 'timeout' : networkReasonOf(code)
  const message = reason === 'refused' ? `${peer} refuses connections` : `cannot connect to ${peer} (${code})`
  return new DialFailure({ kind: 'unreachable', reason }, message, { cause: error })
}

/** What a request that failed on an open connection came to, from undici's error. */
export function brokenAnswerOf(error: Error, peer: string, status: number | null): UnreachableVerdict {
  const code = codeOf(error)
  const progress = status === null ? 'before it answered' : `in the middle of its ${status} answer`
  const closed: UnreachableVerdict = { reason: 'reset', message: `${peer} closed the connection ${progress}` }
  if (error.message === 'bad upgrade' || error.message === 'bad response') {
    return { reason: 'protocol', message: `${peer} switched protocols or continued without being asked to` }
  }
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return { reason: 'protocol', message: `${peer} sent headers over 16 KB` }
  if (error instanceof errors.HTTPParserError && !error.message.includes('Invalid EOF state')) {
    const why = /\(([^)]*)\)/.exec(error.message)?.[1] ?? 'unreadable'
    return { reason: 'protocol', message: `${peer} does not speak HTTP/1.1: ${why.slice(0, 200)}` }
  }
  if (error instanceof errors.ResponseContentLengthMismatchError && status === null) {
    return { reason: 'protocol', message: `${peer} contradicts itself about the length of its answer` }
  }
  if (code.startsWith('ERR_SSL')) {
    return { reason: 'tls', message: `TLS with ${peer} failed: ${describeTls(error, code)}` }
  }
  return closed
}

type UnreachableVerdict = { reason: UnreachableReason; message: string }

function networkReasonOf(code: string): UnreachableReason {
  return code === 'ECONNRESET' || code === 'EPIPE' ? 'reset' : 'network'
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}

/** OpenSSL's own texts carry thread ids and source files; its short reason says it better. */
function describeTls(error: Error, code: string): string {
  if ('reason' in error && typeof error.reason === 'string') return `${error.reason.slice(0, 200)} (${code})`
  return `${error.message.slice(0, 200)} (${code})`
}
