import type { Readable } from 'node:stream'
import type { ErrorKey, IngressAnswer } from '@permea/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Authenticate } from '../api/permission.ts'
import type { Principal } from '../api/principal.ts'
import { errorData, Refusal } from '../api/refusal.ts'
import { bodyOf } from '../api/request-bodies.ts'
import { queryValue } from '../bodies/body-value.ts'
import type { Intake } from '../bodies/intake.ts'
import type { EventAnswer } from '../events/accept.ts'
import type { EventRequest, IntakeRefusal } from '../events/stages.ts'
import { createGroupCommit, type GroupCommit } from '../platform/group-commit.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { TracePlace } from '../platform/tracing.ts'
import type { Quotas } from '../workspaces/quotas.ts'
import type { Rates } from '../workspaces/rates.ts'
import type { Door } from './door.ts'
import { enterBy } from './entrance.ts'
import { type EventBody, eventsInBody, eventsOf } from './events-in.ts'

export interface IngressOptions {
  accept(requests: EventRequest[]): Promise<(EventAnswer | IntakeRefusal | Promise<EventAnswer | IntakeRefusal>)[]>
  authenticate: Authenticate
  intake: Intake
  rates: Rates
  quotas: Pick<Quotas, 'admit'>
  /** Told of events that are refused while others of their request are taken, or as the whole of it. */
  noteRefused(request: FastifyRequest, refused: { reason: ErrorKey; message: string; text: string }): void
  /** Doors to the addresses of subscriptions, and of event types. */
  doors: { subscription: Door; global: Door }
  metrics: Metrics
  /** Where a request stands in a trace. */
  placeOf(request: FastifyRequest): TracePlace | null
  limits?: Partial<IngressLimits>
}

export interface IngressLimits {
  /** Requests, and bytes of body, written in one transaction. */
  groupMax: number
  groupBytesMax: number
  /** Requests, and bytes of body, that may wait to be written; beyond it 503. */
  waitingMax: number
  waitingBytesMax: number
}

const LIMITS: IngressLimits = {
  groupMax: 200,
  groupBytesMax: 16 * 1024 * 1024,
  waitingMax: 5000,
  waitingBytesMax: 128 * 1024 * 1024,
}
const WRITERS_MAX = 2
/** What a group may wait for others while events come one after the other; a hundredth of what a sender notices. */
const GATHER_MS = 4

/** The public webhook URLs: reads and bounds requests, hands them on in groups, answers when they are durable. */
export interface Ingress {
  mount(app: FastifyInstance): void
  /** Resolves when every request taken in so far is answered. */
  drained(): Promise<void>
}

export function createIngress(options: IngressOptions): Ingress {
  const limits = { ...LIMITS, ...options.limits }
  const queue: GroupCommit<EventRequest, EventAnswer | IntakeRefusal> = createGroupCommit({
    write(requests) {
      options.metrics.acceptBatch.observe(requests.length)
      return options.accept(requests)
    },
    groupMax: limits.groupMax,
    groupWeightMax: limits.groupBytesMax,
    writersMax: WRITERS_MAX,
    waitingMax: limits.waitingMax,
    waitingWeightMax: limits.waitingBytesMax,
    gatherMs: GATHER_MS,
  })

  async function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    target: EventRequest['target'],
  ): Promise<FastifyReply> {
    const beganMs = performance.now()
    const eventRequest = await read(request, {
      target,
      principal: principals.get(request) ?? null,
      trace: options.placeOf(request),
    })
    const waiting = queue.add(eventRequest.request, eventRequest.bytes + 200)
    if (waiting === null)
      throw new Refusal('overloaded', 'more requests are waiting than can be written; nothing was stored, try again')
    const result = await waiting
    options.metrics.acceptSeconds.observe((performance.now() - beganMs) / 1000)
    if (result.kind === 'refused') {
      options.metrics.eventsRefused.inc(eventRequest.request.events.length)
      throw new Refusal(result.key, result.message)
    }
    if (!result.isRepeat) {
      const refused = noteRefusedOf(request, eventRequest.request, result.body)
      options.metrics.eventsAccepted.inc(result.body.results.length - refused)
    }
    reply.status(result.status).type('application/json; charset=utf-8')
    if (result.status !== 400) return reply.send(JSON.stringify(result.body))
    const [first] = result.body.results
    const message = first !== undefined && 'error' in first ? first.error.message : 'no event was accepted'
    return reply.send(JSON.stringify({ ...errorData('events_refused', message), results: result.body.results }))
  }

  /** Tells of every event that is refused; gives how many there are. */
  function noteRefusedOf(request: FastifyRequest, { events }: EventRequest, { results }: IngressAnswer): number {
    let refused = 0
    for (const [index, each] of results.entries()) {
      if (!('error' in each)) continue
      refused += 1
      const { key, message } = each.error
      const text = events[index]?.text ?? ''
      options.noteRefused(request, { reason: key as ErrorKey, message, text })
    }
    options.metrics.eventsRefused.inc(refused)
    return refused
  }

  return {
    mount(app) {
      app.removeAllContentTypeParsers()
      app.addContentTypeParser('*', (request: FastifyRequest, payload: Readable) =>
        bodyOf(request, payload, options.intake),
      )
      // The framework reads no body of these.
      app.addHook('preValidation', async (request) => {
        if (BODYLESS.has(request.method) && hasBody(request))
          request.body = await bodyOf(request, request.raw, options.intake)
      })
      for (const [path, kind] of PATHS) {
        app.all(path, { onRequest: (request) => enter(request, options, kind) }, (request, reply) =>
          answer(request, reply, targetOf(request, kind)),
        )
      }
    },
    drained: () => queue.drained(),
  }
}

const BODYLESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'TRACE'])

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

type Kind = EventRequest['target']['kind']

const PATHS: readonly (readonly [string, Kind])[] = [
  ['/webhooks/app-event-subscriptions/:uuid', 'subscription'],
  ['/webhooks/app-events/:uuid', 'global'],
]

/** Whom the tokens of requests under way speak for. */
const principals = new WeakMap<FastifyRequest, Principal>()

function targetOf(request: FastifyRequest, kind: Kind): EventRequest['target'] {
  const uuid = (request.params as { uuid: string }).uuid.toLowerCase()
  return kind === 'subscription' ? { kind, webhookUuid: uuid } : { kind, webhookKey: uuid }
}

/** Settles where a request goes and who sends it, before its body is read. */
async function enter(request: FastifyRequest, options: IngressOptions, kind: Kind): Promise<void> {
  const { uuid } = request.params as { uuid: string }
  await enterBy(
    request,
    { uuid, door: options.doors[kind], rates: options.rates, quotas: options.quotas },
    async () => {
      // A per-customer URL is itself the secret. At the global one a token decides, and a bad one is refused rather than
      // passed over: else an expired token would silently fall back to what the payload says.
      const { authorization } = request.headers
      if (kind !== 'global' || authorization === undefined) return null
      const principal = await options.authenticate(authorization, 'send')
      principals.set(request, principal)
      return principal.customerId
    },
  )
}

async function read(
  request: FastifyRequest,
  about: Pick<EventRequest, 'target' | 'principal' | 'trace'>,
): Promise<{ request: EventRequest; bytes: number }> {
  const body = await eventsIn(request)
  const key = request.headers['idempotency-key'] ?? request.headers['webhook-id']
  const idempotencyKey = typeof key === 'string' && key !== '' ? key : null
  if (idempotencyKey !== null && idempotencyKey.length > 500) {
    throw new Refusal('invalid_input', 'the idempotency key is longer than 500 characters', {
      problems: [{ field: 'idempotency-key', message: 'too long' }],
    })
  }
  return { request: { ...about, ...(await eventsOf(body)), idempotencyKey }, bytes: body.text.length }
}

/** The event or batch that a request carries: JSON, a form, or the query of a request without body. */
async function eventsIn(request: FastifyRequest): Promise<EventBody> {
  const buffer = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  if (buffer.length === 0) {
    const query = queryValue(request.url.split('?')[1] ?? '')
    if (Object.keys(query).length === 0)
      throw new Refusal('malformed_body', 'there is no event: the request has neither body nor query')
    return { value: query, text: JSON.stringify(query) }
  }
  return eventsInBody(buffer, request.headers)
}
