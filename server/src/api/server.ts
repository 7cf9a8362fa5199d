import type { Server } from 'node:http'
import cors, { type FastifyCorsOptions } from '@fastify/cors'
import { type Endpoint, ERRORS } from '@permea/contract'
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { isDatabaseAway } from '../platform/database.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import { docsPage } from './docs-page.ts'
import { openApi } from './openapi.ts'
import type { Principal } from './principal.ts'
import { errorData, Refusal } from './refusal.ts'
import type { Call, RouteSet } from './routes.ts'

/** Largest body taken in, in bytes. */
const BODY_BYTES_MAX = 10 * 1024 * 1024

export interface ApiOptions {
  log: Log
  metrics: Metrics
  routes: readonly RouteSet[]
  publicUrl: string
  /** Proxies that are believed who they speak for; nobody is where absent. */
  trustedProxies?: readonly string[]
  /** Says whose token it is; refuses with `not_authenticated`. */
  authenticate(authorization: string | undefined): Promise<Principal>
  /** Further documents that anybody may read, by path. */
  documents: Readonly<Record<string, object>>
  /** Resolves when the database answers. */
  checkReady(): Promise<void>
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
  /** Told of every call that changed something, with its answer. */
  onChanged?(endpoint: Endpoint, principal: Principal, answer: unknown): void
}

/** The HTTP server with every endpoint of the contract; it does not listen yet. */
export async function createApi(options: ApiOptions): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    logger: false,
    trustProxy: options.trustedProxies === undefined ? false : [...options.trustedProxies],
    routerOptions: { maxParamLength: 1000, ignoreTrailingSlash: true },
    forceCloseConnections: 'idle',
    requestIdHeader: false,
    // The published client asks for pages of node runs with `/runs/cursor=…`, without the question mark.
    rewriteUrl: ({ url = '/' }) =>
      url.replace(/^(\/flow-runs\/[^/?]+\/nodes\/[^/?]+\/runs)\/((?:cursor|limit)=[^/?]*)$/, '$1?$2'),
  })
  await app.register(cors, {
    delegator: (request: FastifyRequest, decide: (error: Error | null, options: FastifyCorsOptions) => void) =>
      decide(null, { ...CORS, preflight: !isProxiedOptions(request) }),
  })
  app.setErrorHandler((error: FastifyError, request, reply) => answerError(error, request, reply, options.log))
  app.setNotFoundHandler((request, reply) =>
    reply
      .status(404)
      .send(errorData('not_found', `there is nothing at ${request.method} ${request.url.split('?')[0]}`)),
  )
  app.addHook('preClose', async () => closeConnectionsAsTheyIdle(app.server))
  app.addHook('onResponse', (request, reply, done) => {
    options.metrics.requests.inc({ method: request.method, status: String(reply.statusCode) })
    done()
  })
  await app.register(async (scope) => options.mountIngress(scope))
  await app.register(async (scope) => options.mountConsole?.(scope))
  for (const mount of options.mounts ?? []) await app.register(async (scope) => mount(scope))
  await app.register(async (scope) => {
    readBodies(scope)
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

const CORS: FastifyCorsOptions = {
  origin: true,
  methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'],
  allowedHeaders: ['authorization', 'content-type', 'membrane-api-version', 'x-membrane-session-id', 'idempotency-key'],
  maxAge: 86_400,
}

/** A caller's own OPTIONS, to be handed to an app; what browsers ask before a request says so in a header. */
function isProxiedOptions({ method, url, headers }: FastifyRequest): boolean {
  const isPreflight = headers['access-control-request-method'] !== undefined
  return method === 'OPTIONS' && !isPreflight && /^\/connections\/[^/?]+\/proxy(?:[/?]|$)/.test(url)
}

const IDLE_CHECK_MS = 50

/** Whoever keeps a connection open after its last answer would hold up the end for as long as it may be kept. */
function closeConnectionsAsTheyIdle(server: Server): void {
  const timer = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS)
  server.once('close', () => clearInterval(timer))
}

function mount(
  app: FastifyInstance,
  endpoint: Endpoint,
  handler: (call: Call<unknown, unknown>) => Promise<unknown>,
  options: ApiOptions,
): void {
  app.route({
    method: endpoint.method,
    url: endpoint.path,
    handler: async (request, reply) => {
      try {
        const principal = await principalFor(endpoint, request, options)
        const call = {
          principal,
          params: request.params as Record<string, string>,
          query: parse(endpoint.query, withoutBlanks(request.query), 'query'),
          body: parse(endpoint.body, request.body ?? {}, 'body'),
        }
        const answer = await handler(call)
        if (options.checkAnswers === true) checkAnswer(endpoint, answer)
        options.onAnswered?.(endpoint, endpoint.status ?? 200, null)
        if (endpoint.method !== 'GET') options.onChanged?.(endpoint, principal, answer)
        reply.status(endpoint.status ?? 200)
        if (endpoint.answer === null) return reply.send()
        return reply.type('application/json; charset=utf-8').send(JSON.stringify(answer))
      } catch (error) {
        if (error instanceof Refusal) options.onAnswered?.(endpoint, error.status, error.key)
        throw error
      }
    },
  })
}

const nobody: Principal = { workspaceId: '', workspaceKey: '', isAdmin: false, customerId: null }

async function principalFor(endpoint: Endpoint, request: FastifyRequest, options: ApiOptions): Promise<Principal> {
  if (endpoint.access === 'public') return nobody
  const principal = await options.authenticate(request.headers.authorization)
  if (endpoint.access === 'admin' && !principal.isAdmin) throw new Refusal('access_denied', 'this needs an admin token')
  return principal
}

/** Clients write what they leave out as `key=`. */
function withoutBlanks(query: unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(query as Record<string, unknown>).filter(([, value]) => value !== ''))
}

function parse(shape: z.ZodType | undefined, value: unknown, where: 'query' | 'body'): unknown {
  if (shape === undefined) return {}
  const result = shape.safeParse(value)
  if (result.success) return result.data
  const problems = result.error.issues.map((issue) => ({
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

/** JSON, forms, and the empty form bodies that clients send with body-less writes. */
function readBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) => {
    if (text === '') return done(null, undefined)
    jsonBody(text as string, done)
  })
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, text, done) => {
    // Text that is sent without saying what it is comes under this type too.
    if (/^\s*[[{]/.test(text as string)) return jsonBody(text as string, done)
    done(null, text === '' ? undefined : Object.fromEntries(new URLSearchParams(text as string)))
  })
  app.addContentTypeParser('*', { parseAs: 'string' }, (request, text, done) => {
    if (text === '') return done(null, undefined)
    done(
      new Refusal('unsupported_content_type', `bodies are JSON or form data, not ${request.headers['content-type']}`),
    )
  })
}

function jsonBody(text: string, done: (error: Error | null, body?: unknown) => void): void {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    done(new Refusal('malformed_body', 'the body is not valid JSON'))
    return
  }
  done(null, body)
}

function mountHealth(app: FastifyInstance, options: ApiOptions): void {
  app.get('/', async () => ({ name: 'permea', status: 'ok', docs: '/docs' }))
  app.get('/healthz', async () => ({ status: 'ok' }))
  app.get('/readyz', async (_request, reply) => {
    try {
      await options.checkReady()
      return { status: 'ready' }
    } catch {
      return reply.status(503).send({ status: 'not ready' })
    }
  })
  for (const path of ['/metrics', '/prometheus']) {
    app.get(path, async (_request, reply) =>
      reply.type(options.metrics.registry.contentType).send(await options.metrics.registry.metrics()),
    )
  }
  const printed = JSON.stringify(openApi(options.publicUrl))
  app.get('/openapi.json', async (_request, reply) => reply.type('application/json; charset=utf-8').send(printed))
  for (const [path, document] of Object.entries(options.documents)) {
    const text = JSON.stringify(document)
    app.get(path, async (_request, reply) => reply.type('application/json; charset=utf-8').send(text))
  }
  const page = docsPage(options.publicUrl)
  app.get('/docs', async (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
      .send(page),
  )
}

/** Every failure in the error format; secrets are never in a message because messages are written here by hand. */
function answerError(
  error: FastifyError | Refusal,
  request: FastifyRequest,
  reply: FastifyReply,
  log: Log,
): FastifyReply {
  if (error instanceof Refusal) {
    if (ERRORS[error.key].status === 503 || error.key === 'rate_limit_exceeded') reply.header('retry-after', '1')
    return reply.status(error.status).send({ ...errorData(error.key, error.message, error.data), ...error.beside })
  }
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return reply.status(413).send(errorData('payload_too_large', 'the body is larger than 10 MB'))
  }
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return reply.status(415).send(errorData('unsupported_content_type', 'bodies are JSON or form data'))
  }
  if (typeof error.statusCode === 'number' && error.statusCode < 500) {
    return reply.status(400).send(errorData('malformed_body', error.message))
  }
  // Text that PostgreSQL cannot hold: a NUL character, half a surrogate pair.
  if (['22P05', '22021'].includes(error.code)) {
    return reply.status(400).send(errorData('malformed_body', 'a text holds a character that cannot be stored (NUL)'))
  }
  if (isDatabaseAway(error)) {
    log.warn({ request: request.id, message: error.message }, 'the database could not be reached')
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
