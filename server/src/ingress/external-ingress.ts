import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '../api/refusal.ts'
import type { WebhookResponse } from '../events/external-handle.ts'
import type { ExternalReceive } from '../events/external-receive.ts'
import type { Ids } from '../platform/ids.ts'
import type { Metrics } from '../platform/metrics.ts'

export interface ExternalIngressOptions {
  receive: ExternalReceive
  ids: Ids
  metrics: Metrics
  limits?: Partial<ExternalIngressLimits>
}

export interface ExternalIngressLimits {
  /** Requests, and bytes of body, that may be in hand at the same time; beyond it 503. */
  inHandMax: number
  inHandBytesMax: number
  /** Share of either that one address may have, so that one that is slow does not shut out the others. */
  shareOfOne: number
}

const LIMITS: ExternalIngressLimits = { inHandMax: 5000, inHandBytesMax: 128 * 1024 * 1024, shareOfOne: 0.25 }
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * What `handle` answers is its author's, not ours: a browser that is led to such a URL must not take it for a page of
 * this origin.
 */
const ANSWER_HEADERS = {
  'content-security-policy': "sandbox; default-src 'none'",
  'x-content-type-options': 'nosniff',
} as const

/** The URLs that external apps post to, with any verb. */
export interface ExternalIngress {
  mount(app: FastifyInstance): void
}

export function createExternalIngress(options: ExternalIngressOptions): ExternalIngress {
  const limits = { ...LIMITS, ...options.limits }
  let inHand = 0
  let inHandBytes = 0
  const byAddress = new Map<string, { count: number; bytes: number }>()

  /** Whether the address has its share in hand already; one request it may always have. */
  function hasShare(uuid: string, bytes: number): boolean {
    const own = byAddress.get(uuid)
    if (own === undefined) return false
    const { inHandMax, inHandBytesMax, shareOfOne } = limits
    return own.count >= inHandMax * shareOfOne || own.bytes + bytes > inHandBytesMax * shareOfOne
  }

  async function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    handle: (uuid: string, received: Parameters<ExternalReceive['atGlobal']>[1]) => Promise<WebhookResponse>,
  ): Promise<FastifyReply> {
    const { uuid: written } = request.params as { uuid: string }
    const uuid = written.toLowerCase()
    if (!UUID.test(uuid)) throw new Refusal('not_found', 'there is no webhook at this address')
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    const isFull = inHand >= limits.inHandMax || (inHandBytes > 0 && inHandBytes + body.length > limits.inHandBytesMax)
    if (isFull || hasShare(uuid, body.length))
      throw new Refusal('overloaded', 'more requests are in hand than can be handled; nothing was stored, try again')
    inHand += 1
    inHandBytes += body.length
    const own = byAddress.get(uuid) ?? { count: 0, bytes: 0 }
    byAddress.set(uuid, own)
    own.count += 1
    own.bytes += body.length
    const beganMs = performance.now()
    try {
      const response = await handle(uuid, {
        id: options.ids.next(),
        method: request.method,
        query: request.url.split('?')[1] ?? '',
        headers: headersOf(request),
        body,
      })
      options.metrics.webhookSeconds.observe((performance.now() - beganMs) / 1000)
      reply.status(response.status).headers({ ...response.headers, ...ANSWER_HEADERS })
      return await (response.body === null ? reply.send() : reply.send(response.body))
    } finally {
      inHand -= 1
      inHandBytes -= body.length
      own.count -= 1
      own.bytes -= body.length
      if (own.count === 0) byAddress.delete(uuid)
    }
  }

  return {
    mount(app) {
      app.all('/webhooks/external-event-subscriptions/:uuid', (request, reply) =>
        answer(request, reply, (uuid, received) => options.receive.atSubscription(uuid, received)),
      )
      app.all('/webhooks/global/:uuid', (request, reply) =>
        answer(request, reply, (uuid, received) => options.receive.atGlobal(uuid, received)),
      )
    },
  }
}

function headersOf(request: FastifyRequest): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
  return headers
}
