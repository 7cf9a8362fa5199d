import { z } from 'zod'
import { Customer } from './customers.ts'
import type { EndpointTable } from './endpoint.ts'
import { ErrorData } from './errors.ts'
import { ElementDependency, listOf, Meta, paging, QueryBoolean, Timestamp } from './shapes.ts'

/** One connection's stream of events of an external app. `webhookUri` is where they are sent to. */
export const ExternalEventSubscription = z
  .object({
    id: z.string(),
    name: z.string(),
    userId: z.string(),
    tenantId: z.string(),
    connectionId: z.string(),
    integrationId: z.string().optional(),
    externalEventTypeId: z.string().optional(),
    config: z
      .object({
        type: z.enum(['connector-event', 'data-record-created', 'data-record-updated', 'data-record-deleted']),
        dataSource: z.object({ collectionKey: z.string(), collectionParameters: Meta.optional() }).optional(),
        eventKey: z.string().optional(),
        eventParameters: Meta.optional(),
      })
      .optional(),
    parameters: Meta,
    status: z.enum(['subscribed', 'unsubscribed', 'error']),
    /** Something is to be done at the app, and has not failed. */
    isPending: z.boolean(),
    error: ErrorData.optional(),
    attempts: z.number().int(),
    nextAttemptAt: Timestamp.optional(),
    /** The app tells of it; else it is looked for: for what is newest, or through everything. */
    isRealTime: z.boolean(),
    requiresPull: z.boolean(),
    requiresFullSync: z.boolean(),
    /** Milliseconds since 1970. */
    nextPullEventsTimestamp: z.number().optional(),
    /** Made by hand rather than by a flow. */
    isManual: z.boolean(),
    isDeactivated: z.boolean(),
    /** `subscribe` is another one now than the one that registered: a resubscribe would use it. */
    needsResubscribe: z.boolean(),
    /** For admins. */
    incomingWebhookUri: z.string().optional(),
    webhookUri: z.string().optional(),
    /** Headers of its own that its deliveries have; values are shown to nobody. */
    headerNames: z.array(z.string()).optional(),
    /** `paused`: the receiver answered 410, or failed for days; events are kept until `resume-delivery`. */
    deliveryState: z.enum(['active', 'paused']).optional(),
    /** Of signed deliveries; only where it was just made. */
    webhookSecret: z.string().optional(),
    /** For admins: what `subscribe`, `handle` and `refresh` returned as state, secrets masked. */
    stateData: z.unknown().optional(),
    /** Milliseconds since 1970. */
    nextRefreshTimestamp: z.number().optional(),
    globalWebhookKey: z.string().optional(),
    globalWebhookEventSelector: z.string().optional(),
    createdAt: Timestamp,
    updatedAt: Timestamp,
    archivedAt: Timestamp.optional(),
    user: Customer.optional(),
    connection: z.unknown().optional(),
    integration: z.unknown().optional(),
  })
  .meta({ id: 'ExternalEventSubscription' })

const WebhookUri = z.string().max(4000)
/** Sent with every delivery; sealed, and dropped where `webhookUri` moves to another origin. Null for none. */
const Headers = z.record(z.string().min(1).max(200), z.string().max(4000)).nullish()

export const ExternalEventSubscriptionInput = z.object({
  connectionId: z.string(),
  externalEventTypeId: z.string().optional(),
  externalEventTypeKey: z.string().optional(),
  /** An event of the connection's connector instead of an external event type. */
  eventKey: z.string().optional(),
  parameters: Meta.optional(),
  config: z
    .object({ eventKey: z.string().optional(), eventParameters: Meta.optional(), parameters: Meta.optional() })
    .optional(),
  name: z.string().min(1).max(500).optional(),
  webhookUri: WebhookUri.optional(),
  headers: Headers,
})

export const ExternalEventSubscriptionChange = z.object({
  name: z.string().min(1).max(500).optional(),
  webhookUri: WebhookUri.nullish(),
  headers: Headers,
  parameters: Meta.optional(),
})

const act = {
  method: 'POST',
  access: 'customer',
  needs: 'customers',
  answer: ExternalEventSubscription,
  refusals: ['not_found', 'archived'],
} as const
const change = {
  access: 'customer',
  needs: 'customers',
  body: ExternalEventSubscriptionChange,
  answer: ExternalEventSubscription,
  refusals: ['not_found', 'archived', 'invalid_input'],
} as const

export const externalEventSubscriptions = {
  list: {
    method: 'GET',
    path: '/external-event-subscriptions',
    summary: 'Subscriptions to events of external apps',
    access: 'customer',
    needs: 'read',
    query: z.object({
      ...paging,
      includeArchived: QueryBoolean.optional(),
      tenantId: z.string().optional(),
      userId: z.string().optional(),
      connectionId: z.string().optional(),
      integrationId: z.string().optional(),
      externalAppId: z.string().optional(),
      externalEventTypeId: z.string().optional(),
      status: z.enum(['subscribed', 'unsubscribed', 'error']).optional(),
      search: z.string().optional(),
    }),
    answer: listOf(ExternalEventSubscription),
    refusals: ['not_found'],
  },
  create: {
    method: 'POST',
    path: '/external-event-subscriptions',
    summary: 'Subscribe: runs `subscribe` at once; `status` says what came of it',
    access: 'customer',
    needs: 'customers',
    body: ExternalEventSubscriptionInput,
    answer: ExternalEventSubscription,
    status: 201,
    refusals: ['not_found', 'ambiguous_selector', 'archived', 'invalid_input'],
  },
  get: {
    method: 'GET',
    path: '/external-event-subscriptions/:id',
    summary: 'One subscription',
    access: 'customer',
    needs: 'read',
    answer: ExternalEventSubscription,
    refusals: ['not_found'],
  },
  put: { method: 'PUT', path: '/external-event-subscriptions/:id', summary: 'Change a subscription', ...change },
  patch: {
    method: 'PATCH',
    path: '/external-event-subscriptions/:id',
    summary: 'Change where events are posted ("" for nowhere), the name, or the parameters (which resubscribes)',
    ...change,
  },
  archive: {
    method: 'DELETE',
    path: '/external-event-subscriptions/:id',
    summary: 'Unsubscribe and remove; where the app does not take it, it is removed all the same and tried again',
    access: 'customer',
    needs: 'customers',
    answer: null,
    refusals: ['not_found'],
  },
  restore: {
    ...act,
    path: '/external-event-subscriptions/:id/restore',
    summary: 'Undo removing it: subscribes again',
    refusals: ['not_found'],
  },
  refresh: { ...act, path: '/external-event-subscriptions/:id/refresh', summary: 'Look again at how it stands' },
  dependencies: {
    method: 'GET',
    path: '/external-event-subscriptions/:id/dependencies',
    summary: 'What it hangs on: the connection, and the event type where it is of one',
    access: 'customer',
    needs: 'read',
    answer: z.array(ElementDependency),
    refusals: ['not_found'],
  },
  setup: { ...act, path: '/external-event-subscriptions/:id/setup', summary: 'Bring about what should be, now' },
  subscribe: { ...act, path: '/external-event-subscriptions/:id/subscribe', summary: 'Run `subscribe` now' },
  unsubscribe: {
    ...act,
    path: '/external-event-subscriptions/:id/unsubscribe',
    summary: 'Run `unsubscribe` now',
    refusals: ['not_found'],
  },
  resubscribe: {
    ...act,
    path: '/external-event-subscriptions/:id/resubscribe',
    summary: 'Unsubscribe and subscribe again, with the functions as they are now',
  },
  refreshWebhook: { ...act, path: '/external-event-subscriptions/:id/refresh-webhook', summary: 'Run `refresh` now' },
  rotateWebhookSecret: {
    method: 'POST',
    path: '/external-event-subscriptions/:id/rotate-webhook-secret',
    summary: 'A new secret for signed deliveries; both sign while they overlap',
    access: 'customer',
    needs: 'customers',
    body: z.object({ overlapSeconds: z.number().int().min(0).max(604_800).optional() }).optional(),
    answer: ExternalEventSubscription,
    refusals: ['not_found', 'archived', 'invalid_input'],
  },
  resumeDelivery: {
    ...act,
    path: '/external-event-subscriptions/:id/resume-delivery',
    summary: 'Deliver again to a receiver that was paused',
    refusals: ['not_found', 'archived', 'invalid_input'],
    needs: 'operate',
  },
} as const satisfies EndpointTable
