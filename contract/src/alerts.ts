import { z } from 'zod'
import type { EndpointTable } from './endpoint.ts'
import { listOf, paging, Timestamp, timeBounds } from './shapes.ts'

export const AlertType = z.enum([
  'connection_disconnected',
  'webhook_endpoint_failing',
  'webhook_endpoint_paused',
  'subscription_failed',
  'flow_failing',
  'queue_backlog',
  'quota_near',
])
export type AlertType = z.infer<typeof AlertType>

/** What decides how soon an alert opens. */
export const AlertThreshold = z.enum(['flowFailures', 'backlogMinutes', 'deliveryFailingMinutes'])
export type AlertThreshold = z.infer<typeof AlertThreshold>

/** A condition that somebody should know of: opened once, bumped while it lasts, resolved when it ends. */
export const Alert = z
  .object({
    id: z.string(),
    key: z.string(),
    type: AlertType,
    severity: z.enum(['warning', 'critical']),
    description: z.string(),
    status: z.enum(['ongoing', 'resolved']),
    workspaceId: z.string(),
    workspaceUrl: z.string(),
    customerId: z.string().optional(),
    contextKey: z.string().optional(),
    /** What `contextKey` names, in words: the flow, the endpoint, the connection. */
    contextName: z.string().optional(),
    customer: z.object({ id: z.string(), internalId: z.string().optional(), name: z.string().optional() }).optional(),
    /** The last error that counted, and the run, delivery or request in which it was met. */
    lastError: z
      .object({ message: z.string(), nodeKey: z.string().optional(), recordId: z.string().optional() })
      .optional(),
    /** What opened it, by the name it has among the alert settings; absent where nothing can be set. */
    threshold: z.object({ setting: AlertThreshold, value: z.number() }).optional(),
    createdAt: Timestamp,
    updatedAt: Timestamp,
    lastSeenAt: Timestamp,
    resolvedAt: Timestamp.optional(),
  })
  .meta({ id: 'Alert' })

export const alerts = {
  list: {
    method: 'GET',
    path: '/alerts',
    summary: 'Alerts, newest first',
    access: 'admin',
    needs: 'read',
    query: z.object({
      ...paging,
      ...timeBounds,
      id: z.string().optional(),
      status: z.enum(['ongoing', 'resolved']).optional(),
      type: AlertType.optional(),
      severity: z.enum(['warning', 'critical']).optional(),
      contextKey: z.string().optional(),
    }),
    answer: listOf(Alert),
    refusals: [],
  },
  get: {
    method: 'GET',
    path: '/alerts/:id',
    summary: 'One alert',
    access: 'admin',
    needs: 'read',
    answer: Alert,
    refusals: ['not_found'],
  },
  resolve: {
    method: 'POST',
    path: '/alerts/:id/resolve',
    summary: 'Resolve by hand; if the condition is still there, it is raised again',
    access: 'admin',
    needs: 'operate',
    answer: Alert,
    refusals: ['not_found'],
  },
} as const satisfies EndpointTable

/** How soon alerts open, and who is told of them beside the notification endpoints that hear of `alert.created`. */
export const AlertSettings = z
  .object({
    /** Failures in a row of a customer's flow, of runs that came to the node that fails. */
    flowFailures: z.number().int(),
    /** Minutes that a run waits for its start. */
    backlogMinutes: z.number().int(),
    /** Minutes in which every delivery to an endpoint failed. */
    deliveryFailingMinutes: z.number().int(),
    mailTo: z.array(z.string()),
    /** Whether the operator set a mail server; without one no mail is sent. */
    canMail: z.boolean(),
    /** The host of the Slack-compatible webhook; its address is sealed and not shown again. */
    slackWebhookHost: z.string().optional(),
    updatedAt: Timestamp.optional(),
  })
  .meta({ id: 'AlertSettings' })

export const AlertSettingsInput = z.object({
  flowFailures: z.number().int().min(1).max(50).optional(),
  backlogMinutes: z.number().int().min(1).max(1440).optional(),
  deliveryFailingMinutes: z.number().int().min(1).max(1440).optional(),
  mailTo: z.array(z.email().max(320)).max(20).optional(),
  /** Takes `{"text": "…"}`, as those of Slack, Mattermost and Rocket.Chat do; null for none. */
  slackWebhookUrl: z
    .url({ protocol: /^https?$/ })
    .max(2000)
    .nullish(),
})

export const alertSettings = {
  get: {
    method: 'GET',
    path: '/alert-settings',
    summary: 'How soon alerts open, and who is told of them',
    access: 'admin',
    needs: 'read',
    answer: AlertSettings,
    refusals: [],
  },
  patch: {
    method: 'PATCH',
    path: '/alert-settings',
    summary: 'Change how soon alerts open, or who is told of them',
    access: 'admin',
    needs: 'define',
    body: AlertSettingsInput,
    answer: AlertSettings,
    refusals: [],
  },
  test: {
    method: 'POST',
    path: '/alert-settings/test',
    summary: 'Tell everybody who is told of alerts that this is a test, and say how that went',
    access: 'admin',
    needs: 'define',
    answer: z.object({
      items: z.array(
        z.object({ channel: z.enum(['mail', 'slack']), isDelivered: z.boolean(), error: z.string().optional() }),
      ),
    }),
    refusals: [],
  },
} as const satisfies EndpointTable
