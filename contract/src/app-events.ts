import { z } from 'zod'
import { AppEventSubscription } from './app-event-subscriptions.ts'
import { AppEventType } from './app-event-types.ts'
import { Customer } from './customers.ts'
import type { EndpointTable } from './endpoint.ts'
import { ErrorData } from './errors.ts'
import { elementListQuery, logOf, Timestamp, timeBounds } from './shapes.ts'

/** An internal event that was received, with where it came in and what it launched. */
export const AppEvent = z
  .object({
    id: z.string(),
    name: z.string().optional(),
    userId: z.string(),
    tenantId: z.string(),
    appEventTypeId: z.string(),
    appEventSubscriptionId: z.string().optional(),
    event: z.unknown(),
    /** Since when its payload is not kept any more, which is then left out. */
    payloadCutAt: Timestamp.optional(),
    datetime: Timestamp,
    createdAt: Timestamp,
    launchedFlowRunIds: z.array(z.string()),
    launchedFlowRuns: z.array(z.object({ id: z.string(), flowInstanceId: z.string(), state: z.string() })),
    user: Customer.optional(),
    appEventType: AppEventType.optional(),
    appEventSubscription: AppEventSubscription.optional(),
  })
  .meta({ id: 'AppEvent' })

/** One element of an ingress answer: the id of the stored event, or why it was refused. */
export const EventResult = z.union([z.object({ id: z.string() }), z.object({ error: ErrorData })])

/** What a webhook URL answers to accepted events; `results` follows the order of the batch. */
export const IngressAnswer = z
  .object({ id: z.string().optional(), results: z.array(EventResult) })
  .meta({ id: 'IngressAnswer' })
export type IngressAnswer = z.infer<typeof IngressAnswer>

export const appEvents = {
  list: {
    method: 'GET',
    path: '/app-events',
    summary: 'Events received, newest first',
    access: 'customer',
    needs: 'read',
    query: z.object({
      ...elementListQuery,
      ...timeBounds,
      id: z.string().optional(),
      tenantId: z.string().optional(),
      userId: z.string().optional(),
      appEventTypeId: z.string().optional(),
      appEventSubscriptionId: z.string().optional(),
      instanceKey: z.string().optional(),
    }),
    answer: logOf(AppEvent),
    refusals: ['not_found'],
  },
  get: {
    method: 'GET',
    path: '/app-events/:id',
    summary: 'One event',
    access: 'customer',
    needs: 'read',
    answer: AppEvent,
    refusals: ['not_found'],
  },
  replay: {
    method: 'POST',
    path: '/app-events/:id/replay',
    summary: 'Launch the flows that want this event now, as if it had just come in; the event itself stays as it is',
    access: 'customer',
    needs: 'operate',
    answer: z.object({ launchedFlowRunIds: z.array(z.string()) }),
    status: 201,
    refusals: ['not_found', 'archived', 'payload_not_kept'],
  },
} as const satisfies EndpointTable
