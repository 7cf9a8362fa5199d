import { z } from 'zod'
import { Customer } from './customers.ts'
import type { EndpointTable } from './endpoint.ts'
import { ErrorData } from './errors.ts'
import { listOf, paging, Timestamp, timeBounds } from './shapes.ts'

/** One look at an app for what changed. */
export const ExternalEventPull = z
  .object({
    id: z.string(),
    name: z.string().optional(),
    userId: z.string(),
    tenantId: z.string(),
    integrationId: z.string(),
    connectionId: z.string(),
    externalEventSubscriptionId: z.string(),
    startDatetime: Timestamp,
    /** Of one that runs: now. */
    endDatetime: Timestamp,
    isFullScan: z.boolean().optional(),
    status: z.enum(['queued', 'running', 'success', 'error']),
    collectedEventIds: z.array(z.string()),
    /** How many of which kind it found, and how many records it read that were nothing new; the ids above are the first of them. */
    found: z.record(z.string(), z.number().int()).optional(),
    error: ErrorData.optional(),
    telemetryUri: z.string().optional(),
    user: Customer.optional(),
    externalEventSubscription: z.unknown().optional(),
    integration: z.unknown().optional(),
    connection: z.unknown().optional(),
  })
  .meta({ id: 'ExternalEventPull' })

/** What a pull did, step by step. */
export const PullTelemetry = z
  .looseObject({
    pullId: z.string(),
    subscriptionId: z.string(),
    connectionId: z.string().optional(),
    strategy: z.enum(['full-scan', 'pull-latest-records', 'custom-pull', 'skipped', 'unknown']),
    eventType: z.string().optional(),
    collectionKey: z.string().optional(),
    startedAt: Timestamp,
    finishedAt: Timestamp.optional(),
    emittedEventCount: z.number().int(),
    emittedEvents: z.array(z.object({ type: z.string(), recordId: z.string().optional() })),
    notes: z.array(z.string()),
    fullScan: z.looseObject({}).optional(),
    pullLatest: z.looseObject({}).optional(),
  })
  .meta({ id: 'PullTelemetry' })

const one = { method: 'GET', access: 'customer', needs: 'read', refusals: ['not_found'] } as const

export const externalEventPulls = {
  list: {
    method: 'GET',
    path: '/external-event-pulls',
    summary: 'Looks at apps for what changed, newest first',
    access: 'customer',
    needs: 'read',
    query: z.object({
      ...paging,
      ...timeBounds,
      externalEventSubscriptionId: z.string().optional(),
      integrationId: z.string().optional(),
      connectionId: z.string().optional(),
      tenantId: z.string().optional(),
      userId: z.string().optional(),
      externalAppId: z.string().optional(),
      status: z.enum(['queued', 'running', 'success', 'error']).optional(),
    }),
    answer: listOf(ExternalEventPull),
    refusals: ['not_found'],
  },
  get: { ...one, path: '/external-event-pulls/:id', summary: 'One pull', answer: ExternalEventPull },
  logs: {
    ...one,
    path: '/external-event-pulls/:id/logs',
    summary: 'What was said while it ran',
    answer: z.object({ logs: z.array(z.unknown()) }),
  },
  telemetry: {
    ...one,
    path: '/external-event-pulls/:id/telemetry',
    summary: 'What it read and found',
    answer: PullTelemetry,
  },
  pullEvents: {
    method: 'POST',
    path: '/external-event-subscriptions/:id/pull-events',
    summary: 'Look now; answers with the pull, which may still run',
    access: 'customer',
    needs: 'operate',
    answer: ExternalEventPull,
    refusals: ['not_found', 'archived', 'not_supported'],
  },
  downloadSnapshot: {
    method: 'POST',
    path: '/external-event-subscriptions/:id/download-full-sync-snapshot',
    summary: 'What the last full scan saw: ids of records with a hash of each',
    access: 'customer',
    needs: 'operate',
    answer: z.object({ records: z.array(z.object({ id: z.string(), hash: z.string() })), isTruncated: z.boolean() }),
    refusals: ['not_found'],
  },
} as const satisfies EndpointTable
