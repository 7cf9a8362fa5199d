import { z } from 'zod'
import type { EndpointTable } from './endpoint.ts'
import { listOf, logOf, paging, QueryMoment, Timestamp, timeBounds } from './shapes.ts'

export const DeliveryState = z.enum(['pending', 'succeeded', 'exhausted', 'cancelled'])
export type DeliveryState = z.infer<typeof DeliveryState>

/** One try to deliver. Automatic ones are numbered; manual and bulk ones are counted apart. */
export const DeliveryAttempt = z
  .object({
    id: z.string(),
    deliveryId: z.string(),
    number: z.number().int().optional(),
    trigger: z.enum(['auto', 'manual', 'bulk']),
    replayId: z.string().optional(),
    outcome: z.enum(['acknowledged', 'rejected', 'unreachable', 'forbidden']),
    errorClass: z.string().optional(),
    error: z.string().optional(),
    httpStatus: z.number().int().optional(),
    durationMs: z.number().int(),
    request: z.unknown(),
    response: z.unknown().optional(),
    nextAttemptAt: Timestamp.optional(),
    createdAt: Timestamp,
  })
  .meta({ id: 'DeliveryAttempt' })

/** One message on its way to one destination. */
export const Delivery = z
  .object({
    id: z.string(),
    messageId: z.string(),
    destinationId: z.string(),
    eventType: z.string(),
    state: DeliveryState,
    attemptsMade: z.number().int(),
    nextAttemptAt: Timestamp.optional(),
    lastAttemptAt: Timestamp.optional(),
    lastError: z.string().optional(),
    settledAt: Timestamp.optional(),
    createdAt: Timestamp,
    tenantId: z.string().optional(),
    sourceId: z.string().optional(),
    /** Of the trace that it is told in, where traces are on and this one is kept. */
    traceId: z.string().optional(),
    body: z.unknown(),
    /** Since when its payload is not kept any more, which is then left out. */
    payloadCutAt: Timestamp.optional(),
  })
  .meta({ id: 'Delivery' })

/** A message as its receiver gets it: sign and send nothing else. `body` is the text that was signed. */
export const DeliveryMessage = z
  .object({
    deliveryId: z.string(),
    eventType: z.string(),
    headers: z.record(z.string(), z.string()),
    body: z.string(),
  })
  .meta({ id: 'DeliveryMessage' })

const filter = {
  destinationId: z.string().optional(),
  state: DeliveryState.optional(),
  eventType: z.string().optional(),
}

/** Which deliveries are sent again, and how fast. */
export const ReplayInput = z.object({
  destinationId: z.string().optional(),
  state: z.enum(['succeeded', 'exhausted', 'cancelled']).optional(),
  eventType: z.string().optional(),
  from: QueryMoment.optional(),
  to: QueryMoment.optional(),
  /** The same as `from` with state exhausted: everything that failed since then. */
  failedSince: QueryMoment.optional(),
  ratePerSecond: z.number().min(0.1).max(1000).optional(),
})

export const Replay = z
  .object({
    id: z.string(),
    filter: z.record(z.string(), z.unknown()),
    ratePerSecond: z.number(),
    state: z.enum(['running', 'completed', 'cancelled']),
    total: z.number().int(),
    done: z.number().int(),
    succeeded: z.number().int(),
    failed: z.number().int(),
    createdAt: Timestamp,
    endedAt: Timestamp.optional(),
  })
  .meta({ id: 'Replay' })

export const deliveries = {
  list: {
    method: 'GET',
    path: '/deliveries',
    summary: 'Deliveries, newest first; a customer’s token sees those to destinations of the customer',
    access: 'customer',
    needs: 'read',
    query: z.object({
      ...paging,
      ...timeBounds,
      ...filter,
      /** What it tells of, a flow run or an alert; give time bounds with it. */
      sourceId: z.string().optional(),
      /** Searched for in the message, its kind, what it tells of and its last error. */
      search: z.string().max(500).optional(),
    }),
    answer: logOf(Delivery),
    refusals: [],
  },
  get: {
    method: 'GET',
    path: '/deliveries/:id',
    summary: 'One delivery with its attempts, newest first (at most 100)',
    access: 'customer',
    needs: 'read',
    answer: Delivery.extend({ attempts: z.array(DeliveryAttempt) }),
    refusals: ['not_found'],
  },
  listAttempts: {
    method: 'GET',
    path: '/deliveries/:id/attempts',
    summary: 'All attempts of a delivery, newest first',
    access: 'customer',
    needs: 'read',
    query: z.object(paging),
    answer: listOf(DeliveryAttempt),
    refusals: ['not_found'],
  },
  message: {
    method: 'GET',
    path: '/deliveries/:id/message',
    summary: 'The message as its receiver would get it now, with the headers that sign it',
    access: 'admin',
    needs: 'read',
    answer: DeliveryMessage,
    refusals: ['not_found', 'archived', 'payload_not_kept'],
  },
  acknowledge: {
    method: 'POST',
    path: '/deliveries/:id/acknowledge',
    summary: 'Say that a message that was fetched was taken: the delivery is settled, with an attempt that says so',
    access: 'admin',
    needs: 'operate',
    body: z.object({
      /** What the receiver answered. */
      httpStatus: z.number().int().min(200).max(299).optional(),
      durationMs: z.number().int().min(0).max(3_600_000).optional(),
    }),
    answer: Delivery,
    refusals: ['not_found', 'archived'],
  },
  retry: {
    method: 'POST',
    path: '/deliveries/:id/retry',
    summary: 'One attempt now, with the current address and secret; allowed while paused, without effect on health',
    access: 'customer',
    needs: 'operate',
    answer: z.object({ delivery: Delivery, attempt: DeliveryAttempt }),
    refusals: ['not_found', 'archived', 'payload_not_kept'],
  },
} as const satisfies EndpointTable

export const replays = {
  create: {
    method: 'POST',
    path: '/replays',
    summary: 'Send settled deliveries again at a rate, in the background',
    access: 'admin',
    needs: 'operate',
    body: ReplayInput,
    answer: Replay,
    status: 201,
    refusals: ['not_found'],
  },
  list: {
    method: 'GET',
    path: '/replays',
    summary: 'Replays with their progress, newest first',
    access: 'admin',
    needs: 'read',
    query: z.object(paging),
    answer: listOf(Replay),
    refusals: [],
  },
  get: {
    method: 'GET',
    path: '/replays/:id',
    summary: 'The progress of one replay',
    access: 'admin',
    needs: 'read',
    answer: Replay,
    refusals: ['not_found'],
  },
  cancel: {
    method: 'POST',
    path: '/replays/:id/cancel',
    summary: 'Stop a replay; what was sent stays sent',
    access: 'admin',
    needs: 'operate',
    answer: Replay,
    refusals: ['not_found'],
  },
} as const satisfies EndpointTable
