import { z } from 'zod'
import { DeliveryAttempt } from './deliveries.ts'
import type { EndpointTable } from './endpoint.ts'
import { listOf, paging, QueryBoolean, Timestamp } from './shapes.ts'
import { WorkspaceEventType } from './workspaces.ts'

const SCHEMES = /^(?:https?|nats(?:\+tls)?|rediss?|amqps?|kafka(?:\+tls)?|(?:sqs|sns|eventbridge|pubsub)(?:\+http)?)$/
/** Posted to over HTTP, or a broker: see docs/use/destinations.md. A user and password in it are sealed. */
const DestinationUrl = z.url({ protocol: SCHEMES }).max(6000)

/**
 * Where the workspace, or one of its customers, hears of what happens. A customer's hears only of that customer.
 * Secrets are shown when they are made and never again.
 */
export const NotificationEndpoint = z
  .object({
    id: z.string(),
    /** Whose it is; absent: the workspace's own. */
    tenantId: z.string().optional(),
    name: z.string(),
    url: z.string(),
    eventTypes: z.array(WorkspaceEventType),
    isWorkspaceWebhook: z.boolean(),
    secret: z.string().optional(),
    previousSecretUntil: Timestamp.optional(),
    headerNames: z.array(z.string()),
    concurrency: z.number().int(),
    throttlePerSecond: z.number().optional(),
    ordered: z.boolean(),
    scheduleMs: z.array(z.number().int()).optional(),
    state: z.enum(['active', 'paused', 'archived']),
    pausedReason: z.string().optional(),
    pausedAt: Timestamp.optional(),
    failingSince: Timestamp.optional(),
    lastSuccessAt: Timestamp.optional(),
    lastFailureAt: Timestamp.optional(),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: 'NotificationEndpoint' })

export const NotificationEndpointInput = z.object({
  name: z.string().min(1).max(500).optional(),
  url: DestinationUrl.optional(),
  eventTypes: z.array(WorkspaceEventType).optional(),
  /** Sent with every delivery; values are sealed and not shown again. */
  headers: z.record(z.string().min(1).max(200), z.string().max(4000)).nullish(),
  concurrency: z.number().int().min(1).max(100).optional(),
  throttlePerSecond: z.number().min(0.01).max(10_000).nullish(),
  ordered: z.boolean().optional(),
  /** Waits between attempts, in milliseconds. */
  scheduleMs: z.array(z.number().int().min(1000).max(604_800_000)).max(50).nullish(),
})

/** One kind of notification, with what it carries. */
export const CatalogueEntry = z
  .object({
    eventType: WorkspaceEventType,
    description: z.string(),
    schema: z.record(z.string(), z.unknown()),
    example: z.unknown(),
  })
  .meta({ id: 'CatalogueEntry' })

/** What customers may hear of: their own connections and runs. */
export const CUSTOMER_EVENT_TYPES: readonly WorkspaceEventType[] = WorkspaceEventType.options.filter(
  (eventType) => eventType !== 'alert.created' && eventType !== 'audit.recorded',
)

const one = { access: 'customer', needs: 'define', answer: NotificationEndpoint, refusals: ['not_found'] } as const
const change = {
  access: 'customer',
  needs: 'define',
  body: NotificationEndpointInput,
  answer: NotificationEndpoint,
  refusals: ['not_found', 'archived'],
} as const

export const notificationEndpoints = {
  list: {
    method: 'GET',
    path: '/notification-endpoints',
    summary: 'Notification endpoints with their health: the workspace’s own, or those of one customer',
    access: 'customer',
    needs: 'read',
    query: z.object({
      ...paging,
      includeArchived: QueryBoolean.optional(),
      /** For admins: whose, by id or your application's id. A customer's token sees the customer's. */
      tenantId: z.string().optional(),
      userId: z.string().optional(),
    }),
    answer: listOf(NotificationEndpoint),
    refusals: ['not_found'],
  },
  create: {
    method: 'POST',
    path: '/notification-endpoints',
    summary: 'Create an endpoint; the answer shows its secret, once',
    access: 'customer',
    needs: 'define',
    body: NotificationEndpointInput.extend({
      url: DestinationUrl,
      /** For admins: the customer that it is for. */
      tenantId: z.string().optional(),
      userId: z.string().optional(),
    }),
    answer: NotificationEndpoint,
    status: 201,
    refusals: ['not_found', 'access_denied'],
  },
  get: { method: 'GET', path: '/notification-endpoints/:id', summary: 'One endpoint', ...one, needs: 'read' },
  patch: {
    method: 'PATCH',
    path: '/notification-endpoints/:id',
    summary: 'Change some fields of an endpoint',
    ...change,
  },
  put: { method: 'PUT', path: '/notification-endpoints/:id', summary: 'Change an endpoint', ...change },
  archive: {
    method: 'DELETE',
    path: '/notification-endpoints/:id',
    summary: 'Archive: what waits for it is cancelled',
    ...one,
    answer: null,
  },
  rotateSecret: {
    method: 'POST',
    path: '/notification-endpoints/:id/rotate-secret',
    summary: 'Make a new secret; deliveries are signed with both until the old one ends',
    access: 'customer',
    needs: 'define',
    body: z.object({ overlapSeconds: z.number().int().min(0).max(604_800).optional() }),
    answer: NotificationEndpoint,
    refusals: ['not_found', 'archived'],
  },
  pause: {
    method: 'POST',
    path: '/notification-endpoints/:id/pause',
    summary: 'Send nothing for now; what comes is kept',
    ...one,
    refusals: ['not_found', 'archived'],
  },
  resume: {
    method: 'POST',
    path: '/notification-endpoints/:id/resume',
    summary: 'Send again, beginning with what was kept',
    ...one,
    refusals: ['not_found', 'archived'],
  },
  test: {
    method: 'POST',
    path: '/notification-endpoints/:id/test',
    summary: 'Send the sample of an event type now and show the attempt',
    access: 'customer',
    needs: 'operate',
    body: z.object({ eventType: WorkspaceEventType.optional() }),
    answer: z.object({ deliveryId: z.string(), attempt: DeliveryAttempt }),
    refusals: ['not_found', 'archived'],
  },
} as const satisfies EndpointTable

export const eventCatalogue = {
  list: {
    method: 'GET',
    path: '/event-catalogue',
    summary: 'Every kind of notification with its JSON Schema and an example',
    access: 'public',
    needs: 'none',
    answer: z.object({ items: z.array(CatalogueEntry) }),
    refusals: [],
  },
} as const satisfies EndpointTable
