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
])
export type AlertType = z.infer<typeof AlertType>

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
    answer: Alert,
    refusals: ['not_found'],
  },
  resolve: {
    method: 'POST',
    path: '/alerts/:id/resolve',
    summary: 'Resolve by hand; if the condition is still there, it is raised again',
    access: 'admin',
    answer: Alert,
    refusals: ['not_found'],
  },
} as const satisfies EndpointTable
