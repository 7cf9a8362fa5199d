import { z } from 'zod'
import { AppEventType } from './app-event-types.ts'
import { Customer } from './customers.ts'
import type { EndpointTable } from './endpoint.ts'
import { ErrorData } from './errors.ts'
import { ElementDependency, elementOutput, JsonSchema, listOf, paging, QueryBoolean, Timestamp } from './shapes.ts'

/** One customer's stream of one event type (and instance key), with the URL your application sends it to. */
export const AppEventSubscription = z
  .object({
    ...elementOutput,
    userId: z.string(),
    tenantId: z.string(),
    appEventTypeId: z.string(),
    instanceKey: z.string().optional(),
    isSubscribed: z.boolean(),
    status: z.enum(['pending', 'subscribed', 'unsubscribed', 'error']),
    error: ErrorData.optional(),
    attempts: z.number().int(),
    nextAttemptAt: Timestamp.optional(),
    schema: JsonSchema.optional(),
    webhookUri: z.string(),
    subscriptionRequest: z.unknown().optional(),
    subscriptionResponse: z.unknown().optional(),
    appEventType: AppEventType.optional(),
    user: Customer.optional(),
  })
  .meta({ id: 'AppEventSubscription' })

/** One request that was sent to your application to subscribe or unsubscribe; secrets in headers are masked. */
export const AppEventSubscriptionRequest = z
  .object({
    id: z.string(),
    appEventSubscriptionId: z.string(),
    kind: z.enum(['subscribe', 'unsubscribe']),
    trigger: z.enum(['auto', 'manual']),
    request: z.unknown().optional(),
    response: z.unknown().optional(),
    error: ErrorData.optional(),
    durationMs: z.number().optional(),
    createdAt: Timestamp,
  })
  .meta({ id: 'AppEventSubscriptionRequest' })

export const AppEventSubscriptionSelector = z.object({
  id: z.string().optional(),
  instanceKey: z.string().optional(),
  appEventTypeId: z.string().optional(),
  appEventTypeKey: z.string().optional(),
  userId: z.string().optional(),
  tenantId: z.string().optional(),
  autoCreate: QueryBoolean.optional(),
})

const one = { access: 'customer', needs: 'customers', answer: AppEventSubscription, refusals: ['not_found'] } as const
const change = {
  ...one,
  body: z.looseObject({}).optional(),
  refusals: ['not_found', 'archived'],
} as const
const restoring = { ...one, refusals: ['not_found', 'archived'] } as const
const byQuery = { ...one, query: AppEventSubscriptionSelector, refusals: ['not_found', 'archived'] } as const
const selectedOnly = { ...byQuery, refusals: ['not_found'] } as const

export const appEventSubscriptions = {
  list: {
    method: 'GET',
    path: '/app-event-subscriptions',
    summary: 'Subscriptions with their status and URL',
    access: 'customer',
    needs: 'read',
    query: z.object({
      ...paging,
      includeArchived: QueryBoolean.optional(),
      id: z.string().optional(),
      tenantId: z.string().optional(),
      userId: z.string().optional(),
      appEventTypeId: z.string().optional(),
      isSubscribed: QueryBoolean.optional(),
      instanceKey: z.string().optional(),
    }),
    answer: listOf(AppEventSubscription),
    refusals: ['not_found'],
  },
  get: { method: 'GET', path: '/app-event-subscriptions/:id', summary: 'One subscription', ...one, needs: 'read' },
  put: {
    method: 'PUT',
    path: '/app-event-subscriptions/:id',
    summary: 'Nothing of a subscription can be edited; answers with it',
    ...change,
  },
  patch: { method: 'PATCH', path: '/app-event-subscriptions/:id', summary: 'The same', ...change },
  getSchema: {
    method: 'GET',
    path: '/app-event-subscriptions/:id/schema',
    summary: 'The JSON Schema of its events',
    ...one,
    answer: JsonSchema,
    needs: 'read',
  },
  dependencies: {
    method: 'GET',
    path: '/app-event-subscriptions/:id/dependencies',
    summary: 'What it hangs on: its event type',
    ...one,
    answer: z.array(ElementDependency),
    needs: 'read',
  },
  refresh: {
    method: 'POST',
    path: '/app-event-subscriptions/:id/refresh',
    summary: 'Look again at how it stands',
    ...one,
  },
  listRequests: {
    method: 'GET',
    path: '/app-event-subscriptions/:id/requests',
    summary: 'Every subscribe and unsubscribe request that was sent, newest first',
    access: 'customer',
    needs: 'read',
    query: z.object(paging),
    answer: listOf(AppEventSubscriptionRequest),
    refusals: ['not_found'],
  },
  subscribe: {
    method: 'POST',
    path: '/app-event-subscriptions/:id/subscribe',
    summary: 'Send the subscribe request now',
    ...one,
    refusals: ['not_found', 'archived'],
  },
  unsubscribe: {
    method: 'POST',
    path: '/app-event-subscriptions/:id/unsubscribe',
    summary: 'Send the unsubscribe request now',
    ...one,
  },
  archive: {
    method: 'DELETE',
    path: '/app-event-subscriptions/:id',
    summary: 'Archive: unsubscribed, and its URL answers 410',
    access: 'customer',
    needs: 'customers',
    answer: null,
    refusals: ['not_found'],
  },
  restore: { method: 'POST', path: '/app-event-subscriptions/:id/restore', summary: 'Undo archiving', ...restoring },
  getByQuery: {
    method: 'GET',
    path: '/app-event-subscription',
    summary: 'One subscription, selected in the query; autoCreate makes it',
    ...byQuery,
    needs: 'read',
  },
  createByQuery: {
    method: 'POST',
    path: '/app-event-subscription',
    summary: 'Make the selected subscription if it is not there',
    ...byQuery,
    status: 201,
  },
  putByQuery: {
    method: 'PUT',
    path: '/app-event-subscription',
    summary: 'Make the selected subscription if it is not there',
    ...byQuery,
  },
  patchByQuery: {
    method: 'PATCH',
    path: '/app-event-subscription',
    summary: 'Nothing of a subscription can be edited; answers with it',
    ...byQuery,
  },
  archiveByQuery: {
    method: 'DELETE',
    path: '/app-event-subscription',
    summary: 'Archive the selected subscription',
    ...selectedOnly,
    answer: null,
  },
  getSchemaByQuery: {
    method: 'GET',
    path: '/app-event-subscription/schema',
    summary: 'The JSON Schema of its events',
    ...selectedOnly,
    answer: JsonSchema,
    needs: 'read',
  },
  subscribeByQuery: {
    method: 'POST',
    path: '/app-event-subscription/subscribe',
    summary: 'Send the subscribe request now',
    ...byQuery,
  },
  unsubscribeByQuery: {
    method: 'POST',
    path: '/app-event-subscription/unsubscribe',
    summary: 'Send the unsubscribe request now',
    ...selectedOnly,
  },
  restoreByQuery: { method: 'POST', path: '/app-event-subscription/restore', summary: 'Undo archiving', ...byQuery },
} as const satisfies EndpointTable
