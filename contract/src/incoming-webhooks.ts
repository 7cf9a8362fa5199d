import { z } from 'zod'
import { Customer } from './customers.ts'
import type { EndpointTable } from './endpoint.ts'
import { ErrorData } from './errors.ts'
import { logOf, paging, Timestamp, timeBounds } from './shapes.ts'

/** A request that an external app sent. */
export const IncomingWebhook = z
  .object({
    id: z.string(),
    name: z.string().optional(),
    workspaceId: z.string(),
    customerId: z.string().optional(),
    userId: z.string().optional(),
    tenantId: z.string().optional(),
    integrationId: z.string().optional(),
    connectionId: z.string().optional(),
    subscriptionId: z.string().optional(),
    globalWebhookId: z.string().optional(),
    uuid: z.string(),
    method: z.string(),
    status: z.enum(['success', 'error']),
    error: ErrorData.optional(),
    responseStatus: z.number().int().optional(),
    durationMs: z.number().optional(),
    functionCallId: z.string().optional(),
    collectedEventIds: z.array(z.string()),
    /** Events that this request tells of once more: they were there, and none was made a second time. */
    repeatedEventIds: z.array(z.string()).optional(),
    replayOf: z.string().optional(),
    /** Since when its payload is not kept any more, which is then left out. */
    payloadCutAt: Timestamp.optional(),
    createdAt: Timestamp,
    customer: Customer.optional(),
  })
  .meta({ id: 'IncomingWebhook' })

/** The request and its answer; headers that may be secrets are masked. */
export const IncomingWebhookDetails = IncomingWebhook.extend({
  request: z.object({
    method: z.string(),
    query: z.record(z.string(), z.unknown()),
    headers: z.record(z.string(), z.unknown()),
    /** Text where it is UTF-8, else base64 as `bodyBase64`. */
    body: z.string().optional(),
    bodyBase64: z.string().optional(),
    data: z.unknown().optional(),
  }),
  response: z.unknown().optional(),
}).meta({ id: 'IncomingWebhookDetails' })

export const incomingWebhooks = {
  list: {
    method: 'GET',
    path: '/incoming-webhooks',
    summary: 'Requests of external apps, newest first',
    access: 'customer',
    needs: 'read',
    query: z.object({
      ...paging,
      ...timeBounds,
      tenantId: z.string().optional(),
      userId: z.string().optional(),
      integrationId: z.string().optional(),
      connectionId: z.string().optional(),
      subscriptionId: z.string().optional(),
      externalEventSubscriptionId: z.string().optional(),
      externalAppId: z.string().optional(),
      status: z.enum(['success', 'error']).optional(),
      /** Searched for in the body, the query, the headers and the error. */
      search: z.string().max(500).optional(),
    }),
    answer: logOf(IncomingWebhook),
    refusals: ['not_found'],
  },
  get: {
    method: 'GET',
    path: '/incoming-webhooks/:id',
    summary: 'One request',
    access: 'customer',
    needs: 'read',
    answer: IncomingWebhook,
    refusals: ['not_found'],
  },
  getDetails: {
    method: 'GET',
    path: '/incoming-webhooks/:id/details',
    summary: 'One request with its headers and body, and what it was answered',
    access: 'customer',
    needs: 'read',
    answer: IncomingWebhookDetails,
    refusals: ['not_found'],
  },
  replay: {
    method: 'POST',
    path: '/incoming-webhooks/:id/replay',
    summary: 'Run `handle` as it is now on the request again; what comes of it is a new record',
    access: 'customer',
    needs: 'operate',
    answer: IncomingWebhook,
    status: 201,
    refusals: ['not_found', 'archived', 'payload_not_kept'],
  },
} as const satisfies EndpointTable
