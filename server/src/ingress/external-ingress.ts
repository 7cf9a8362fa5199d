import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '../api/refusal.ts'
import { type OpenedBody, openBody } from '../bodies/body-value.ts'
import { jsonExcess } from '../bodies/json-bounds.ts'
import { JSON_DEPTH_MAX } from '../bodies/limits.ts'
import type { WebhookResponse } from '../external-events/handle.ts'
import type { ExternalReceive } from '../external-events/receive.ts'
import type { Ids } from '../platform/ids.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { TracePlace } from '../platform/tracing.ts'
import type { Quotas } from '../workspaces/quotas.ts'
import type { Rates } from '../workspaces/rates.ts'
import type { Door } from './door.ts'
import { enterBy } from './entrance.ts'

export interface ExternalIngressOptions {
  receive: Pick<ExternalReceive, 'atSubscription' | 'atGlobal'>
  ids: Ids
  metrics: Metrics
  rates: Rates
  quotas: Pick<Quotas, 'admit'>
  /** Doors to the addresses of subscriptions, and of global webhooks. */
  doors: { subscription: Door; global: Door }
  /** Where a request stands in a trace. */
  placeOf(request: FastifyRequest): TracePlace | null
  limits?: Partial<ExternalIngressLimits>
}

export interface ExternalIngressLimits {
  /** Requests that may be in hand at the same time; beyond it 503. Their bytes are counted as they come in. */
  inHandMax: number
  /** Share of it that one address may have, so that one that is slow does not shut out the others. */
  shareOfOne: number
}

const LIMITS: ExternalIngressLimits = { inHandMax: 5000, shareOfOne: 0.25 }

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
  const byAddress = new Map<string, number>()

  async function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    handle: (uuid: string, received: Parameters<ExternalReceive['atGlobal']>[1]) => Promise<WebhookResponse>,
  ): Promise<FastifyReply> {
    const uuid = (request.params as { uuid: string }).uuid.toLowerCase()
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    const opened = await checkedBody(body, request.headers)
    const own = byAddress.get(uuid) ?? 0
    if (inHand >= limits.inHandMax || own >= limits.inHandMax * limits.shareOfOne)
      throw new Refusal('overloaded', 'more requests are in hand than can be handled; nothing was stored, try again')
    inHand += 1
    byAddress.set(uuid, own + 1)
    const beganMs = performance.now()
    try {
      const response = await handle(uuid, {
        id: options.ids.next(),
        method: request.method,
        query: queryOf(request.url),
        path: pathBehind(request, uuid),
        headers: headersOf(request),
        body,
        opened,
        trace: options.placeOf(request),
      })
      options.metrics.webhookSeconds.observe((performance.now() - beganMs) / 1000)
      reply.status(response.status).headers({ ...response.headers, ...ANSWER_HEADERS })
      return await (response.body === null ? reply.send() : reply.send(response.body))
    } finally {
      inHand -= 1
      const left = (byAddress.get(uuid) ?? 0) - 1
      if (left > 0) byAddress.set(uuid, left)
      else byAddress.delete(uuid)
    }
  }

  const { doors, rates, quotas, receive } = options
  return {
    mount(app) {
      const mountAt = (url: string, door: Door, handle: ExternalReceive['atGlobal']) => {
        // Some products append a path of their own to the URL that they were given.
        for (const each of [url, `${url}/*`])
          app.all(
            each,
            {
              onRequest: (request) =>
                enterBy(request, { uuid: (request.params as { uuid: string }).uuid, door, rates, quotas }),
            },
            (request, reply) => answer(request, reply, handle),
          )
      }
      mountAt('/webhooks/external-event-subscriptions/:uuid', doors.subscription, (uuid, received) =>
        receive.atSubscription(uuid, received),
      )
      mountAt('/webhooks/global/:uuid', doors.global, (uuid, received) => receive.atGlobal(uuid, received))
    },
  }
}

/**
 * Refuses what could not be handed to `handle`: a packed body that cannot be unpacked, JSON that is too deep or too much.
 * Gives the body as it was read, null where there was no need to read it.
 */
async function checkedBody(body: Buffer, headers: FastifyRequest['headers']): Promise<OpenedBody | null> {
  if (body.byteLength <= JSON_DEPTH_MAX && headers['content-encoding'] === undefined) return null
  const opened = await openBody(body, headers)
  const { text } = opened
  const excess = text !== null && /^\s*[[{]/.test(text) ? jsonExcess(text) : null
  if (excess !== null) throw new Refusal('malformed_body', `the JSON cannot be used: ${excess}`)
  return opened
}

function queryOf(url: string): string {
  const mark = url.indexOf('?')
  return mark === -1 ? '' : url.slice(mark + 1)
}

/** What follows the address of a webhook, as it stood in the URL: escapes that are none are the app's own. */
function pathBehind({ originalUrl }: FastifyRequest, uuid: string): string {
  const at = originalUrl.toLowerCase().indexOf(`/${uuid}`)
  return at === -1 ? '' : (originalUrl.slice(at + uuid.length + 1).split('?', 1)[0] ?? '')
}

function headersOf(request: FastifyRequest): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
  return headers
}
