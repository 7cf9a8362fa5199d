import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Principal } from '../api/principal.ts'
import { errorData, Refusal } from '../api/refusal.ts'
import type { EventAnswer, EventRequest } from '../events/accept.ts'
import { fromPairs } from '../events/external-handle.ts'
import { createGroupCommit, type GroupCommit } from '../platform/group-commit.ts'
import type { Metrics } from '../platform/metrics.ts'

export interface IngressOptions {
  accept(requests: EventRequest[]): Promise<EventAnswer[]>
  authenticate(authorization: string | undefined): Promise<Principal>
  metrics: Metrics
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
const BATCH_MAX = 10_000
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** The public webhook URLs: reads and bounds requests, hands them on in groups, answers when they are durable. */
export interface Ingress {
  mount(app: FastifyInstance): void
  /** Resolves when every request taken in so far is answered. */
  drained(): Promise<void>
}

export function createIngress(options: IngressOptions): Ingress {
  const limits = { ...LIMITS, ...options.limits }
  const queue: GroupCommit<EventRequest, EventAnswer> = createGroupCommit({
    write(requests) {
      options.metrics.acceptBatch.observe(requests.length)
      return options.accept(requests)
    },
    groupMax: limits.groupMax,
    groupWeightMax: limits.groupBytesMax,
    writersMax: WRITERS_MAX,
    waitingMax: limits.waitingMax,
    waitingWeightMax: limits.waitingBytesMax,
  })

  async function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    target: EventRequest['target'],
  ): Promise<FastifyReply> {
    const beganMs = performance.now()
    const eventRequest = await read(request, target, options)
    const waiting = queue.add(eventRequest.request, eventRequest.bytes + 200)
    if (waiting === null)
      throw new Refusal('overloaded', 'more requests are waiting than can be written; nothing was stored, try again')
    const result = await waiting
    options.metrics.acceptSeconds.observe((performance.now() - beganMs) / 1000)
    if ('problem' in result) throw new Refusal(result.problem, result.message)
    const refused = result.body.results.filter((each) => 'error' in each).length
    options.metrics.eventsAccepted.inc(result.body.results.length - refused)
    options.metrics.eventsRefused.inc(refused)
    reply.status(result.status).type('application/json; charset=utf-8')
    if (result.status !== 400) return reply.send(JSON.stringify(result.body))
    const [first] = result.body.results
    const message = first !== undefined && 'error' in first ? first.error.message : 'no event was accepted'
    return reply.send(JSON.stringify({ ...errorData('events_refused', message), results: result.body.results }))
  }

  return {
    mount(app) {
      app.removeAllContentTypeParsers()
      app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
      app.all('/webhooks/app-event-subscriptions/:uuid', (request, reply) => {
        const { uuid } = request.params as { uuid: string }
        if (!UUID.test(uuid)) throw new Refusal('not_found', 'there is no webhook at this address')
        return answer(request, reply, { kind: 'subscription', webhookUuid: uuid.toLowerCase() })
      })
      app.all('/webhooks/app-events/:webhookKey', (request, reply) => {
        const { webhookKey } = request.params as { webhookKey: string }
        if (!UUID.test(webhookKey)) throw new Refusal('not_found', 'there is no webhook at this address')
        return answer(request, reply, { kind: 'global', webhookKey: webhookKey.toLowerCase() })
      })
    },
    drained: () => queue.drained(),
  }
}

async function read(
  request: FastifyRequest,
  target: EventRequest['target'],
  options: IngressOptions,
): Promise<{ request: EventRequest; bytes: number }> {
  // A per-customer URL is itself the secret. At the global one a token decides, and a bad one is refused rather than
  // passed over: else an expired token would silently fall back to what the payload says.
  const { authorization } = request.headers
  const principal =
    target.kind === 'global' && authorization !== undefined ? await options.authenticate(authorization) : null
  const body = bodyOf(request)
  const key = request.headers['idempotency-key'] ?? request.headers['webhook-id']
  const idempotencyKey = typeof key === 'string' && key !== '' ? key : null
  if (idempotencyKey !== null && idempotencyKey.length > 500) {
    throw new Refusal('invalid_input', 'the idempotency key is longer than 500 characters', {
      problems: [{ field: 'idempotency-key', message: 'too long' }],
    })
  }
  const isBatch = Array.isArray(body.value)
  const events = isBatch ? (body.value as unknown[]).map((value) => ({ value, text: JSON.stringify(value) })) : [body]
  if (events.length === 0) throw new Refusal('malformed_body', 'the batch is empty')
  if (events.length > BATCH_MAX) throw new Refusal('payload_too_large', `a batch has at most ${BATCH_MAX} events`)
  return { request: { target, principal, isBatch, events, idempotencyKey }, bytes: body.text.length }
}

/** The event or batch that a request carries: JSON, a form, or the query of a request without body. */
function bodyOf(request: FastifyRequest): { value: unknown; text: string } {
  const buffer = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  if (buffer.length === 0) {
    const query = fromPairs(new URLSearchParams(request.url.split('?')[1] ?? ''))
    if (Object.keys(query).length === 0)
      throw new Refusal('malformed_body', 'there is no event: the request has neither body nor query')
    return { value: query, text: JSON.stringify(query) }
  }
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  const text = buffer.toString('utf8')
  if (type === 'application/x-www-form-urlencoded' && !/^\s*[[{]/.test(text)) {
    const form = fromPairs(new URLSearchParams(text))
    return { value: form, text: JSON.stringify(form) }
  }
  if (type.startsWith('multipart/'))
    throw new Refusal('unsupported_content_type', 'events are JSON or form data, not multipart')
  try {
    return { value: JSON.parse(text), text }
  } catch (error) {
    throw new Refusal('malformed_body', `the body is not valid JSON: ${(error as Error).message.slice(0, 200)}`)
  }
}
