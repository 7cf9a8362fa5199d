import { z } from 'zod'
import type { EndpointTable } from './endpoint.ts'
import { logOf, paging, QueryBoolean, Timestamp, timeBounds } from './shapes.ts'

/** One request that was sent to an external app with a connection's credentials. */
export const ExternalApiLog = z
  .object({
    id: z.string(),
    workspaceId: z.string(),
    customerId: z.string(),
    userId: z.string(),
    tenantId: z.string(),
    integrationId: z.string().optional(),
    connectionId: z.string(),
    /** The function call, flow run, action run or incoming webhook that sent it. */
    sourceId: z.string().optional(),
    method: z.string(),
    /** Secret values are masked. */
    requestUrl: z.string(),
    statusCode: z.number().int().optional(),
    isSuccess: z.boolean(),
    /** Milliseconds. */
    duration: z.number(),
    error: z.string().optional(),
    /** Where what was sent and received can be read. */
    s3Uri: z.string(),
    createdAt: Timestamp,
  })
  .meta({ id: 'ExternalApiLog' })

export const externalApiLogs = {
  list: {
    method: 'GET',
    path: '/external-api-logs',
    summary: 'Requests to external apps, newest first',
    access: 'customer',
    needs: 'read',
    query: z.object({
      ...paging,
      from: timeBounds.from,
      to: timeBounds.to,
      tenantId: z.string().optional(),
      userId: z.string().optional(),
      customerId: z.string().optional(),
      integrationId: z.string().optional(),
      connectionId: z.string().optional(),
      externalAppId: z.string().optional(),
      sourceId: z.string().optional(),
      isSuccess: QueryBoolean.optional(),
      sortOrder: z.enum(['asc', 'desc']).optional(),
    }),
    answer: logOf(ExternalApiLog),
    refusals: ['not_found'],
  },
  get: {
    method: 'GET',
    path: '/external-api-logs/:id',
    summary: 'One request to an external app',
    access: 'customer',
    needs: 'read',
    answer: ExternalApiLog,
    refusals: ['not_found'],
  },
  getContent: {
    method: 'GET',
    path: '/external-api-logs/:id/content',
    summary: 'What was sent and received: the first 16 KB of each body, secrets masked',
    access: 'customer',
    needs: 'read',
    answer: z.object({ request: z.unknown(), response: z.unknown().optional(), error: z.string().optional() }),
    refusals: ['not_found'],
  },
} as const satisfies EndpointTable
