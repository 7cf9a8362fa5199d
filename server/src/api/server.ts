import type { RequestListener, Server } from 'node:http'
import type { Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import cors, { type FastifyCorsOptions } from '@fastify/cors'
import type { Endpoint, ErrorKey, Permission } from '@permea/contract'
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { BodyProblem } from '../bodies/body-problem.ts'
import type { Intake } from '../bodies/intake.ts'
import { basePathOf, withoutBasePath } from '../platform/base-path.ts'
import { isDatabaseAway } from '../platform/database-errors.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import { createOutageLog, type OutageLog } from '../platform/outage-log.ts'
import type { Certificate } from '../platform/tls-files.ts'
import { takeEveryMethod } from './every-method.ts'
import { mountHealth } from './health.ts'
import { exportedFile, exportFormatOf } from './list-export.ts'
import { maskedAnswer } from './masked.ts'
import { allow, may } from './permission.ts'
import type { Principal } from './principal.ts'
import { type BegunCall, type CallToRecord, recorded } from './recorded-call.ts'
import { errorData, RateLimited, Refusal } from './refusal.ts'
import { HEADS, noteSenders, REQUEST_MS_MAX, readBodies, withoutBlanks } from './request-bodies.ts'
import type { RequestTraces } from './request-traces.ts'
import type { Call, RouteSet } from './routes.ts'
import { unselected } from './selected-paths.ts'
import { answerText } from './shown-json.ts'
import { tlsServer } from './tls-server.ts'
import { type UnknownField, unknownFieldsOf } from './unknown-fields.ts'

export interface ApiOptions {
  log: Log
  metrics: Metrics
  traces: RequestTraces
  routes: readonly RouteSet[]
  /** The budget that bodies of all requests are read within. */
  intake: Intake
  publicUrl: string
  /** Certificate and key, where the process speaks TLS itself. */
  tls?: Certificate | undefined
  /** Proxies that are believed who they speak for; nobody is where absent. */
  trustedProxies?: readonly string[]
  /** Says whose token it is; refuses with `not_authenticated`, and with `access_denied` whose role does not allow it. */
  authenticate(authorization: string | undefined, needs: Permission): Promise<Principal>
  /** Refuses with `rate_limit_exceeded` whoever asks too often. */
  admit?(principal: Principal): void | Promise<void>
  /** Further documents that anybody may read, by path. */
  documents: Readonly<Record<string, object>>
  /** Resolves when the process can do its work, with what is said beside that; rejects with what it lacks, in words that anybody may read. */
  checkReady(): Promise<Record<string, unknown>>
  /** Mounts what is not of the contract: webhook URLs. They read their bodies themselves. */
  mountIngress(app: FastifyInstance): void
  /** Mounts what people look at: the console and its live news. */
  mountConsole?(app: FastifyInstance): void | Promise<void>
  /** Mounts what is for browsers and other programs as it is: pages, streams of events, requests that pass through. */
  mounts?: readonly ((app: FastifyInstance) => void)[]
  /** Tests have every answer checked against its shape; a mismatch is an error of ours. */
  checkAnswers?: boolean
  /** Told of every endpoint that answered and with what: tests collect which were exercised. */
  onAnswered?(endpoint: Endpoint, status: number, key: string | null): void
  /** Told of every request that is refused, also at webhook URLs and pages. */
  onRefused?(request: FastifyRequest, refusal: { reason: ErrorKey; status: number; message: string }): void
  /** Told of every call that changed something, with its answer. */
  onChanged?(endpoint: Endpoint, principal: Principal, answer: unknown): void
  /** Begins the record of a call that may change something; null where there is to be none. Where it rejects, nothing is changed. */
  record?(call: CallToRecord, request: FastifyRequest): Promise<BegunCall | null>
}

/** The HTTP server with every endpoint of the contract; it does not listen yet. */
export async function createApi(options: ApiOptions): Promise<FastifyInstance> {
  const basePath = basePathOf(options.publicUrl)
  const { tls } = options
  const app = fastify({
    http: HEADS,
    ...(tls === undefined ? {} : { serverFactory: (handler: RequestListener) => tlsServer(tls, handler) }),
    requestTimeout: REQUEST_MS_MAX,
    // Rooms read bodies themselves, within the budget; this is for the few short ones that are left.
    bodyLimit: SHORT_BODY_BYTES_MAX,
    clientErrorHandler: answerBrokenRequest,
    logger: false,
    trustProxy: options.trustedProxies === undefined ? false : [...options.trustedProxies],
    routerOptions: { maxParamLength: 1000, ignoreTrailingSlash: true },
    forceCloseConnections: 'idle',
    requestIdHeader: false,
    rewriteUrl: ({ method = 'GET', url = '/' }) => routedUrl(method, withoutBasePath(url, basePath)),
    // A path whose escapes are none: hooks do not see it.
    frameworkErrors: (error, request, reply) =>
      answerError(error, request, reply, { log: options.log, outage, onRefused: undefined }),
  })
  takeEveryMethod(app)
  await app.register(cors, {
    delegator: (request: FastifyRequest, decide: (error: Error | null, options: FastifyCorsOptions) => void) =>
      decide(null, { ...CORS, preflight: !isMeantOptions(request) }),
  })
  options.traces.mount(app)
  const outage = createOutageLog(options.log, 'the database')
  app.setErrorHandler((error: FastifyError, request, reply) =>
    options.traces.within(request, () =>
      answerError(error, request, reply, { log: options.log, outage, onRefused: options.onRefused }),
    ),
  )
  app.setNotFoundHandler((request) => {
    throw nothingAt(request)
  })
  const closeIdle = closeConnectionsAsTheyIdle(app.server)
  app.addHook('preClose', async () => closeIdle())
  app.addHook('onResponse', (request, reply, done) => {
    options.metrics.requests.inc({ method: request.method, status: String(reply.statusCode) })
    if (reply.statusCode < 400) outage.worked()
    done()
  })
  noteSenders(app)
  app.addHook('onRequest', async (request) => {
    // Before the body is read, which nobody would look at.
    if (request.is404) throw nothingAt(request)
  })
  await app.register(async (scope) => options.mountIngress(scope))
  await app.register(async (scope) => options.mountConsole?.(scope))
  for (const mount of options.mounts ?? []) await app.register(async (scope) => mount(scope))
  await app.register(async (scope) => {
    readBodies(scope, options.intake)
    mountHealth(scope, options)
    for (const set of options.routes) {
      for (const [name, endpoint] of Object.entries(set.table)) {
        const handler = set.handlers[name]
        if (handler === undefined) throw new Error(`no handler for ${endpoint.method} ${endpoint.path}`)
        mount(scope, endpoint, handler, options)
      }
    }
  })
  return app
}

const SHORT_BODY_BYTES_MAX = 64 * 1024

/**
 * The URL that decides where a request goes. What an app appends to the address of a webhook is the app's own, broken
 * escapes and all: it is read from the URL as it came.
 */
function routedUrl(method: string, url: string): string {
  if (url.startsWith('/webhooks/')) return url.replace(/^(\/webhooks\/[^/?]+\/[^/?]+\/)[^?]+/, '$1-')
  // The published client asks for pages of node runs with `/runs/cursor=…`, without the question mark.
  return unselected(method, url).replace(
    /^(\/flow-runs\/[^/?]+\/nodes\/[^/?]+\/runs)\/((?:cursor|limit)=[^/?]*)$/,
    '$1?$2',
  )
}

function nothingAt(request: FastifyRequest): Refusal {
  return new Refusal('not_found', `there is nothing at ${request.method} ${request.url.split('?')[0]}`)
}

const CORS: FastifyCorsOptions = {
  origin: true,
  methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'],
  allowedHeaders: [
    'authorization',
    'content-type',
    'api-version',
    'membrane-api-version',
    'x-membrane-session-id',
    'idempotency-key',
  ],
  maxAge: 86_400,
}

/** Where OPTIONS is for others to answer: apps behind the proxy, and `handle` where apps ask before they send. */
const PASSED_ON = /^\/(?:connections\/[^/?]+\/proxy|webhooks\/(?:external-event-subscriptions|global))(?:[/?]|$)/

/**
 * An OPTIONS that is meant. What browsers ask before a request says so in two headers, and is answered for `handle`: it is
 * the browser's question, and functions that make an event of every request would make one of it.
 *
 * @source Fetch standard, "CORS-preflight request"
 */
function isMeantOptions({ method, url, headers }: FastifyRequest): boolean {
  const isPreflight = headers.origin !== undefined && headers['access-control-request-method'] !== undefined
  return method === 'OPTIONS' && !isPreflight && PASSED_ON.test(url)
}

const IDLE_CHECK_MS = 50
/** A request that is on its way when the server closes gets that long to arrive. */
const UNUSED_MS_MAX = 1000

/** What is no request at all, or did not become one in time. @source RFC 9110 section 15.5.9 */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return void socket.destroy()
  const [status, key, message]: [string, ErrorKey, string] =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? ['408 Request Timeout', 'request_timeout', 'the request did not come in time']
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? ['431 Request Header Fields Too Large', 'invalid_input', 'the head of the request is too large']
        : ['400 Bad Request', 'malformed_body', 'this is not an HTTP request']
  const body = JSON.stringify(errorData(key, message))
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\nconnection: close`
  socket.end(`${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
}

/**
 * Once the server closes: whoever keeps a connection open after its last answer, never sends a request over it, or begins
 * one and does not go on, would hold up the end for as long as it likes.
 */
function closeConnectionsAsTheyIdle(server: Server): () => void {
  const open = new Map<Socket, { answering: number }>()
  // Over TLS, requests name the socket that is secure, not the one below it.
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
    open.set(socket, { answering: 0 })
    socket.once('close', () => open.delete(socket))
  })
  server.on('request', ({ socket }, response) => {
    const state = open.get(socket)
    if (state === undefined) return
    state.answering += 1
    response.once('close', () => {
      state.answering -= 1
    })
  })
  return () => {
    const beganMs = performance.now()
    const timer = setInterval(() => {
      server.closeIdleConnections()
      if (performance.now() - beganMs < UNUSED_MS_MAX) return
      for (const [socket, { answering }] of open) if (answering === 0) socket.destroy()
    }, IDLE_CHECK_MS)
    server.once('close', () => clearInterval(timer))
  }
}

function mount(
  app: FastifyInstance,
  endpoint: Endpoint,
  handler: (call: Call<unknown, unknown>) => Promise<unknown>,
  options: ApiOptions,
): void {
  const unknownIn = unknownFieldsOf(endpoint)
  app.route({
    method: endpoint.method,
    url: endpoint.path,
    config: { takesData: endpoint.takesData === true },
    // Who asks is settled before the body is taken in.
    onRequest: async (request) => {
      const principal = await refusing(async () => {
        const whom = await principalFor(endpoint, request, options)
        await options.admit?.(whom)
        return whom
      })
      principals.set(request, principal)
      const { customerId, workspaceId } = principal
      request.sender.owner = customerId ?? (workspaceId === '' ? null : workspaceId)
      request.sender.workspaceId = workspaceId === '' ? null : workspaceId
      request.sender.customerId = customerId
    },
    handler: (request, reply) =>
      refusing(async () => {
        const principal = principals.get(request) ?? nobody
        const rawQuery = withoutBlanks(request.query)
        const call = {
          principal,
          params: request.params as Record<string, string>,
          query: parse(endpoint.query, rawQuery, 'query'),
          // A slip in the name of what has to be there is told as a slip.
          body: parse(endpoint.body, known(endpoint, request.body ?? {}, unknownIn), 'body'),
        }
        allowQuery(principal, call.query)
        const format = exportFormatOf(endpoint, call.query)
        if (format !== null) {
          const file = await exportedFile({
            endpoint,
            format,
            call,
            rawQuery,
            page: async (more) => shown(principal, await handler(more)),
            note: noteOf(request),
            isEnding: () => !app.server.listening,
          })
          options.onAnswered?.(endpoint, 200, null)
          return reply.headers(file.headers).send(file.text)
        }
        const record = (await options.record?.({ ...call, endpoint, rawQuery }, request)) ?? null
        const made = await recorded(record, () => options.traces.within(request, () => handler(call)))
        const answer = shown(principal, made)
        options.onAnswered?.(endpoint, endpoint.status ?? 200, null)
        if (endpoint.method !== 'GET') options.onChanged?.(endpoint, principal, made)
        reply.status(endpoint.status ?? 200)
        if (endpoint.answer === null) return reply.send()
        // Answers hold what is a customer's own: nobody between keeps them.
        reply.header('cache-control', 'no-store')
        return reply.type('application/json; charset=utf-8').send(await answerText(answer))
      }),
  })

  function shown(principal: Principal, made: unknown): unknown {
    const answer = shownTo(principal, endpoint, made)
    if (options.checkAnswers === true) checkAnswer(endpoint, answer)
    return answer
  }

  const noteOf = (request: FastifyRequest) => async (call: CallToRecord) => {
    await (await options.record?.(call, request))?.done(null)
  }

  async function refusing<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof Refusal) options.onAnswered?.(endpoint, error.status, error.key)
      throw error
    }
  }
}

const principals = new WeakMap<FastifyRequest, Principal>()
const nobody: Principal = {
  workspaceId: '',
  workspaceKey: '',
  isAdmin: false,
  customerId: null,
  actor: { kind: 'customer', id: null, name: null, role: null },
}

async function principalFor(endpoint: Endpoint, request: FastifyRequest, options: ApiOptions): Promise<Principal> {
  if (endpoint.access === 'public') return nobody
  const principal = await options.authenticate(request.headers.authorization, endpoint.needs)
  if (endpoint.access === 'admin' && !principal.isAdmin) throw new Refusal('access_denied', 'this needs an admin token')
  return principal
}

/** What is asked for beside may need more than the endpoint does. */
function allowQuery(principal: Principal, query: unknown): void {
  const { includeSecrets, autoCreate } = query as { includeSecrets?: unknown; autoCreate?: unknown }
  if (includeSecrets === true) allow(principal, 'secrets')
  if (autoCreate === true) allow(principal, 'customers')
}

/** The one place where payloads are masked for roles that may not see them. */
function shownTo(principal: Principal, endpoint: Endpoint, answer: unknown): unknown {
  const isOpen = endpoint.access === 'public' || (may(principal, 'payloads') && may(principal, 'secrets'))
  return isOpen ? answer : maskedAnswer(endpoint, answer)
}

/** The body, of which every field is known: a name with a slip is told rather than dropped in silence. */
function known(endpoint: Endpoint, body: unknown, unknownIn: (body: unknown) => UnknownField[]): unknown {
  const unknown = unknownIn(body)
  const problems = unknown.slice(0, PROBLEMS_MAX).map(({ field, meant }) => ({
    field,
    message: `there is no such field${meant === null ? '' : `; did you mean ${meant}?`}`,
  }))
  const [first] = problems
  if (first === undefined) return body
  const taken = endpoint.body === undefined ? ' (nothing is taken here)' : ''
  throw new Refusal('invalid_input', `body: ${first.field}: ${first.message}${taken}`, { problems })
}

/** Problems that one answer names. */
const PROBLEMS_MAX = 50

function parse(shape: z.ZodType | undefined, value: unknown, where: 'query' | 'body'): unknown {
  if (shape === undefined) return {}
  const result = shape.safeParse(value)
  if (result.success) return result.data
  const problems = result.error.issues.slice(0, PROBLEMS_MAX).map((issue) => ({
    field: issue.path.join('.') || where,
    message: issue.message,
  }))
  const first = problems[0]
  throw new Refusal('invalid_input', `${where}: ${first?.field}: ${first?.message}`, { problems })
}

function checkAnswer(endpoint: Endpoint, answer: unknown): void {
  if (endpoint.answer === null) return
  const result = endpoint.answer.safeParse(JSON.parse(JSON.stringify(answer)))
  if (!result.success)
    throw new Error(`${endpoint.method} ${endpoint.path} answers out of shape: ${JSON.stringify(result.error.issues)}`)
}

/** Every failure in the error format; secrets are never in a message because messages are written here by hand. */
function answerError(
  error: FastifyError | Refusal | BodyProblem,
  request: FastifyRequest,
  reply: FastifyReply,
  { log, outage, onRefused }: { log: Log; outage: OutageLog; onRefused: ApiOptions['onRefused'] },
): FastifyReply {
  // Some of them are kept by what lies between unless that is said: 404, 410.
  reply.header('cache-control', 'no-store')
  // Who is still sending would find the connection gone, and never see why; the rest is read over.
  if (!request.raw.complete) reply.removeHeader('connection')
  const refusal = refusalIn(error)
  if (refusal !== null) {
    const { status, key, message, data, beside } = refusal
    onRefused?.(request, { reason: key, status, message })
    if (refusal instanceof RateLimited) reply.header('retry-after', String(refusal.retryAfterSeconds))
    else if (status === 503 || key === 'rate_limit_exceeded') reply.header('retry-after', '1')
    return reply.status(status).send({ ...errorData(key, message, data), ...beside })
  }
  if (isDatabaseAway(error)) {
    outage.failed(error)
    return reply
      .status(503)
      .header('retry-after', '1')
      .send(errorData('unavailable', 'the database cannot be reached; try again'))
  }
  log.error(
    {
      request: request.id,
      method: request.method,
      url: request.routeOptions.url,
      message: error.message,
      stack: error.stack,
    },
    'a request failed',
  )
  return reply.status(500).send(errorData('internal', `something went wrong on our side (request ${request.id})`))
}

/** The refusal that a failure amounts to where it is the sender's; null where it is not. */
function refusalIn(error: FastifyError | Refusal | BodyProblem): Refusal | null {
  if (error instanceof Refusal) return error
  if (error instanceof BodyProblem) return new Refusal(error.key, error.message)
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new Refusal('payload_too_large', 'the body is too large')
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new Refusal('unsupported_content_type', 'bodies are JSON or form data')
  if (typeof error.statusCode === 'number' && error.statusCode < 500)
    return new Refusal('malformed_body', error.message)
  // Text that PostgreSQL cannot hold: a NUL character, half a surrogate pair.
  if (['22P05', '22021'].includes(error.code))
    return new Refusal('malformed_body', 'a text holds a character that cannot be stored (NUL)')
  return null
}
