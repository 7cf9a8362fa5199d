import { z } from 'zod'
import { Customer } from './customers.ts'
import type { EndpointTable } from './endpoint.ts'
import { ErrorData } from './errors.ts'
import { ExternalEventSubscription } from './external-event-subscriptions.ts'
import { logOf, paging, Timestamp, timeBounds } from './shapes.ts'

/** An event that `handle` took from a request of an external app. */
export const ExternalEvent = z
  .object({
    id: z.string(),
    name: z.string().optional(),
    userId: z.string(),
    tenantId: z.string(),
    integrationId: z.string().optional(),
    connectionId: z.string(),
    externalEventSubscriptionId: z.string(),
    incomingWebhookId: z.string().optional(),
    payload: z.unknown(),
    /** Since when its payload is not kept any more, which is then left out. */
    payloadCutAt: Timestamp.optional(),
    /** `created`: stored, and nothing wants it or it is on its way; `success`: delivered, or flows were launched. */
    status: z.enum(['created', 'success', 'error']),
    error: ErrorData.optional(),
    deliveryId: z.string().optional(),
    deliveryState: z.string().optional(),
    launchedFlowRunIds: z.array(z.string()),
    launchedFlowRuns: z.array(z.object({ id: z.string(), flowInstanceId: z.string(), state: z.string() })),
    createdAt: Timestamp,
    datetime: Timestamp,
    user: Customer.optional(),
    externalEventSubscription: ExternalEventSubscription.optional(),
  })
  .meta({ id: 'ExternalEvent' })

const one = { access: 'customer', needs: 'operate', answer: ExternalEvent, refusals: ['not_found'] } as const

export const externalEvents = {
  list: {
    method: 'GET',
    path: '/external-event-log-records',
    summary: 'Events of external apps, newest first',
    access: 'customer',
    needs: 'read',
    query: z.object({
      ...paging,
      ...timeBounds,
      tenantId: z.string().optional(),
      userId: z.string().optional(),
      integrationId: z.string().optional(),
      connectionId: z.string().optional(),
      externalEventSubscriptionId: z.string().optional(),
      externalEventTypeId: z.string().optional(),
      incomingWebhookId: z.string().optional(),
      externalAppId: z.string().optional(),
      status: z.enum(['created', 'success', 'error']).optional(),
      search: z.string().optional(),
    }),
    answer: logOf(ExternalEvent),
    refusals: ['not_found'],
  },
  get: { method: 'GET', path: '/external-event-log-records/:id', summary: 'One event', ...one, needs: 'read' },
  getDetails: {
    method: 'GET',
    path: '/external-event-log-records/:id/details',
    summary: 'One event, as the published client asks for what came with it',
    ...one,
    needs: 'read',
  },
  replay: {
    method: 'POST',
    path: '/external-event-log-records/:id/replay',
    summary: 'Deliver the event to where its subscription points now, and launch the flows that want it now',
    ...one,
    status: 201,
    refusals: ['not_found', 'archived', 'invalid_input', 'payload_not_kept'],
  },
} as const satisfies EndpointTable
