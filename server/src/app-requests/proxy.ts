import { PassThrough, pipeline, Readable, type Transform } from 'node:stream'
import { parseExactJson } from '@permea/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Authenticate } from '../api/permission.ts'
import { Refusal } from '../api/refusal.ts'
import type { Connection } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import { connectionError, failedConnection, keptFailure } from '../connections/failure.ts'
import { bothMasks, type Mask } from '../exchanges/mask.ts'
import { keptBody, keptHeaders, keptUrl, LOOKED_AT_BYTES, type SeenBody } from '../exchanges/recorded.ts'
import { valueOfAnswer } from '../functions/mapping-call.ts'
import type { Outbound } from '../outbound/client.ts'
import type { ReceivedHeaders } from '../outbound/outcome.ts'
import type { OutboundStreamRequest, StreamedOutcome } from '../outbound/stream.ts'
import type { ClientState } from './api-client.ts'
import { addQuery, addressOf, basic, CLIENT_HEADERS, withConnectors } from './app-request.ts'
import type { ClientConfig } from './client-config.ts'
import type { Clients } from './clients.ts'

/** Of a body in either direction. Nothing of it is held in memory, but somebody pays for the traffic. */
const BODY_BYTES_MAX = 1024 * 1024 * 1024
/** A body up to this size is read before it is sent, so that it can be sent again with new credentials. */
const REPEATABLE_BYTES_MAX = 1024 * 1024
/** Of a body to `/api/…`, which is JSON. */
const JSON_BYTES_MAX = 10 * 1024 * 1024

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] as const

/** What is about the caller and us, and no business of the app. */
const NOT_PASSED_ON: ReadonlySet<string> = new Set([
  ...CLIENT_HEADERS,
  'authorization',
  'cookie',
  'forwarded',
  'idempotency-key',
  'membrane-api-version',
  'origin',
  'referer',
  'x-membrane-session-id',
  'x-real-ip',
])

/** What would act on our own origin, or is about the connection to the app. */
const NOT_GIVEN_BACK: ReadonlySet<string> = new Set([
  ...CLIENT_HEADERS,
  'alt-svc',
  'clear-site-data',
  'content-security-policy',
  'content-security-policy-report-only',
  'nel',
  'report-to',
  'service-worker-allowed',
  'set-cookie',
  'strict-transport-security',
  'x-frame-options',
])

export interface ProxyOptions {
  outbound: Outbound
  authenticate: Authenticate
  connections: Pick<Connections, 'find'>
  clients: Clients
}

/**
 * `/connections/{selector}/proxy/{path}`: any request, sent to the app with the connection's credentials. Bodies pass
 * through as they come, in both directions, up to 1 GiB. Redirects are handed on. A 401 renews the credentials; a body
 * of up to 1 MiB is then sent again, a longer one is not.
 *
 * `/connections/{selector}/api/{path}`: JSON posted to the app, its answer read by the connector's rules.
 */
export function mountProxy(app: FastifyInstance, options: ProxyOptions): void {
  const proxy = new Proxying(options)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  for (const url of ['/connections/:selector/proxy', '/connections/:selector/proxy/*'])
    app.route({ method: [...METHODS], url, handler: (request, reply) => proxy.pass(request, reply) })
  app.post('/connections/:selector/api/*', (request, reply) => proxy.post(request, reply))
}

/** What is sent of a caller's request, besides what the connection adds. */
interface Passed {
  method: string
  /** With the query, as it came. */
  path: string
  headers: Record<string, string>
  body: Readable | Buffer | null
  bodyBytes: number | undefined
}

class Proxying {
  readonly #o: ProxyOptions

  constructor(options: ProxyOptions) {
    this.#o = options
  }

  async post(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const connection = await this.#connectionOf(request)
    const body = await readWhole(request.body, JSON_BYTES_MAX)
    const text = body?.toString('utf8') ?? ''
    const data = text === '' ? {} : { data: jsonOr(text) }
    const client = this.#o.clients.clientOf(connection, { sourceId: null })
    const answer = await client.request({ method: 'POST', uri: restOf(request.url, 'api'), ...data })
    if (answer.kind === 'failed') throw failedConnection(keptFailure(answer))
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(valueOfAnswer(answer) ?? null))
  }

  async pass(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const connection = await this.#connectionOf(request)
    const source = this.#o.clients.sourceOf(connection)
    const passed = await passedOf(request)
    const gone = new AbortController()
    reply.raw.on('close', () => reply.raw.writableFinished || gone.abort())
    const opened = await source.open()
    if (opened.kind === 'failed') throw failedConnection(opened.error)
    let state = opened.value
    let sent = await this.#send(state, passed, gone.signal)
    if (sent.outcome.kind === 'answered' && sent.outcome.status === 401) {
      const renewed = await source.renew(state)
      const isRepeatable = !(passed.body instanceof Readable)
      if (renewed.kind === 'made' && isRepeatable) {
        sent.outcome.body.destroy()
        sent.record(null)
        state = renewed.value
        sent = await this.#send(state, passed, gone.signal)
        const isStill = sent.outcome.kind === 'answered' && sent.outcome.status === 401
        if (isStill)
          await source.lost(state, connectionError('access_token_expired', 'the app takes the credentials no longer'))
      }
    }
    const { outcome, record } = sent
    if (outcome.kind !== 'answered') {
      record(null)
      throw failedConnection(connectionError('connection_failed', state.config.mask.text(outcome.message)))
    }
    if (outcome.status < 400) source.used(state)
    // Nothing of the answer was passed on yet, so that the caller can still be told what became of it.
    if (outcome.body.errored !== null) {
      record(null)
      throw failedConnection(connectionError('connection_failed', state.config.mask.text(outcome.body.errored.message)))
    }
    return answerWith(reply, outcome, state.config, record)
  }

  async #send(
    { connection, config }: ClientState,
    passed: Passed,
    signal: AbortSignal,
  ): Promise<{ outcome: StreamedOutcome; record(body: SeenBody | null): void }> {
    const beganMs = performance.now()
    const request = streamRequest(config, passed)
    const seen = seenOf(passed.body)
    const outcome = await this.#o.outbound.stream({
      ...request,
      ...(seen.stream === null ? {} : { body: seen.stream }),
      bodyBytes: passed.bodyBytes,
      bodyBytesMax: BODY_BYTES_MAX,
      responseBytesMax: BODY_BYTES_MAX,
      signal,
    })
    const { sender } = this.#o.clients
    const known = await sender.recordMask(connection)
    return {
      outcome,
      record(body) {
        if (known === null) return
        sender.logs.add(
          recordOf({
            id: sender.ids.next(),
            connection,
            mask: bothMasks(config.mask, known),
            request,
            requestBody: seen.body(),
            outcome,
            responseBody: body,
            durationMs: performance.now() - beganMs,
          }),
        )
      },
    }
  }

  async #connectionOf(request: FastifyRequest): Promise<Connection> {
    const principal = await this.#o.authenticate(request.headers.authorization, 'test')
    const { selector = '' } = request.params as { selector?: string }
    const connection = await this.#o.connections.find(principal, selector)
    if (connection.archivedAt !== null) throw new Refusal('archived', 'the connection is archived; restore it first')
    return connection
  }
}

/** The path behind `/connections/{selector}/proxy`, with its query, as it was written. */
function restOf(url: string, mount: 'proxy' | 'api'): string {
  const rest = /^\/connections\/[^/?]+\/(?:proxy|api)(.*)$/s.exec(url)?.[1]
  if (rest === undefined) throw new Error(`this is no address of the ${mount}: routing let it through`)
  return rest.startsWith('/') ? rest : `/${rest}`
}

async function passedOf(request: FastifyRequest): Promise<Passed> {
  const headers = Object.fromEntries(
    Object.entries(request.headers).flatMap(([name, value]) => {
      const isOurs = NOT_PASSED_ON.has(name) || name.startsWith('x-forwarded-') || namedByConnection(request, name)
      return isOurs || value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]]
    }),
  )
  const length = Number(request.headers['content-length'] ?? Number.NaN)
  const isStream = request.body instanceof Readable
  const isShort = isStream && length <= REPEATABLE_BYTES_MAX
  if (length > BODY_BYTES_MAX) throw new Refusal('payload_too_large', 'the body is larger than 1 GiB')
  const body = isShort
    ? await readWhole(request.body, REPEATABLE_BYTES_MAX)
    : isStream
      ? (request.body as Readable)
      : null
  const bodyBytes = body === null || Number.isNaN(length) ? undefined : length
  return { method: request.method, path: restOf(request.url, 'proxy'), headers, body, bodyBytes }
}

/** RFC 9110 section 7.6.1: what the `connection` header names is about this connection only. */
function namedByConnection(request: FastifyRequest, name: string): boolean {
  const named = request.headers.connection ?? ''
  return named
    .toLowerCase()
    .split(/\s*,\s*/)
    .includes(name)
}

async function readWhole(body: unknown, bytesMax: number): Promise<Buffer | null> {
  if (!(body instanceof Readable)) return null
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += (chunk as Buffer).length
    if (bytes > bytesMax) throw new Refusal('payload_too_large', `the body is larger than ${bytesMax} bytes`)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

function streamRequest(config: ClientConfig, passed: Passed): OutboundStreamRequest {
  const address = addressOf(config, passed.path)
  if ('problem' in address) throw failedConnection(connectionError('connection_failed', address.problem))
  const { url } = address
  addQuery(url, config.query)
  const headers = withConnectors(config.headers, passed.headers)
  if (config.auth !== null) headers.authorization = basic(config.auth)
  if (config.sign !== null) {
    // Fields of a form are signed with the address.
    const isForm = passed.headers['content-type']?.includes('x-www-form-urlencoded') === true
    const form =
      isForm && Buffer.isBuffer(passed.body) ? Object.fromEntries(new URLSearchParams(passed.body.toString())) : null
    headers.authorization = config.sign({ url: url.href, method: passed.method, ...(form === null ? {} : { form }) })
  }
  return {
    url: url.href,
    method: passed.method,
    headers,
    ...(Buffer.isBuffer(passed.body) && passed.body.length > 0 ? { body: passed.body } : {}),
  }
}

/** A body that is sent, with its beginning for the record. */
function seenOf(body: Passed['body']): { stream: Readable | null; body(): SeenBody | null } {
  if (body === null) return { stream: null, body: () => null }
  if (Buffer.isBuffer(body))
    return { stream: null, body: () => ({ start: body.subarray(0, LOOKED_AT_BYTES), bytes: body.length }) }
  const tap = createTap()
  // Where the caller goes away, or went before this, the sending must end too.
  return { stream: passOn(body, tap.stream), body: tap.seen }
}

/**
 * Everything of `from`, and its end: `to` fails where `from` breaks off, also where that was before anybody listened
 * (there is nothing more to hear then), and `from` ends where nobody takes `to` any more.
 */
function passOn(from: Readable, to: Transform): Transform {
  // Whoever reads `to` hears of a failure.
  return pipeline(from, to, () => {}) as Transform
}

/** Passes everything on and remembers how it began. */
function createTap(): { stream: Transform; seen(): SeenBody } {
  const chunks: Buffer[] = []
  let kept = 0
  let bytes = 0
  const stream = new PassThrough({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (kept < LOOKED_AT_BYTES) {
        const part = chunk.subarray(0, LOOKED_AT_BYTES - kept)
        chunks.push(Buffer.from(part))
        kept += part.length
      }
      done(null, chunk)
    },
  })
  return { stream, seen: () => ({ start: Buffer.concat(chunks), bytes }) }
}

function answerWith(
  reply: FastifyReply,
  outcome: Extract<StreamedOutcome, { kind: 'answered' }>,
  config: ClientConfig,
  record: (body: SeenBody | null) => void,
): FastifyReply {
  for (const [name, value] of Object.entries(givenBack(outcome.headers, config))) reply.header(name, value)
  // What an app answers is shown on our origin, where it must not be able to do anything.
  reply.header('content-security-policy', "default-src 'none'; sandbox").header('x-content-type-options', 'nosniff')
  const tap = createTap()
  tap.stream.on('close', () => record(tap.seen()))
  return reply.status(outcome.status).send(passOn(outcome.body, tap.stream))
}

/** Headers of an answer without those that are not the caller's, and without credentials that the app repeats. */
function givenBack(headers: ReceivedHeaders, { mask }: ClientConfig): Record<string, string | string[]> {
  const given = Object.entries(headers).filter(
    ([name]) => (name === 'content-length' || !NOT_GIVEN_BACK.has(name)) && !name.startsWith('access-control-'),
  )
  return Object.fromEntries(
    given.map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map((each) => mask.text(each)) : mask.text(value),
    ]),
  )
}

function recordOf(sent: {
  id: string
  connection: Connection
  mask: Mask
  request: OutboundStreamRequest
  requestBody: SeenBody | null
  outcome: StreamedOutcome
  responseBody: SeenBody | null
  durationMs: number
}) {
  const { id, connection, mask, request, outcome, durationMs } = sent
  const { workspaceId, customerId, integrationId } = connection
  const requestUri = keptUrl(request.url, mask)
  const isAnswered = outcome.kind === 'answered'
  const { method } = request
  return {
    id,
    workspaceId,
    customerId,
    integrationId,
    connectionId: connection.id,
    sourceId: null,
    method,
    requestUri,
    statusCode: isAnswered ? outcome.status : null,
    isSuccess: isAnswered && outcome.status < 400,
    durationMs,
    request: JSON.stringify({
      method,
      uri: requestUri,
      headers: keptHeaders(request.headers ?? {}, mask),
      ...keptBody(sent.requestBody, mask),
    }),
    response: isAnswered
      ? JSON.stringify({
          status: outcome.status,
          headers: keptHeaders(outcome.headers, mask),
          ...keptBody(sent.responseBody, mask),
        })
      : null,
    error: isAnswered ? null : mask.text(outcome.message),
  }
}

function jsonOr(text: string): unknown {
  try {
    return parseExactJson(text)
  } catch {
    return text
  }
}
