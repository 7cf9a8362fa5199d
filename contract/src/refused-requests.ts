import { z } from 'zod'
import { Customer } from './customers.ts'
import type { EndpointTable } from './endpoint.ts'
import { ERRORS, type ErrorKey } from './errors.ts'
import { listOf, paging, Timestamp, timeBounds } from './shapes.ts'

const Reason = z.enum(Object.keys(ERRORS) as [ErrorKey, ...ErrorKey[]])

/** A request, or one event of it, that was refused. Of many alike only some are kept; `notKept` says how many were not. */
export const RefusedRequest = z
  .object({
    id: z.string(),
    /** The `key` of the error that it was answered with. */
    reason: Reason,
    status: z.number().int(),
    message: z.string(),
    method: z.string(),
    /** Of a webhook only the beginning, since who knows all of it may send. */
    path: z.string(),
    /** The network address that it came from. */
    address: z.string(),
    /** The customer, where a token or the address proves it. */
    userId: z.string().optional(),
    tenantId: z.string().optional(),
    user: Customer.optional(),
    /** The id that the sender claims in a token that was refused. */
    claimedId: z.string().optional(),
    /** What the webhook belongs to: a subscription, an event type or an integration. */
    elementId: z.string().optional(),
    /** The beginning of the body, or the query, with secrets masked. */
    excerpt: z.string().optional(),
    /** Refusals for the same reason since the one that was kept before it, which were only counted. */
    notKept: z.number().int(),
    createdAt: Timestamp,
  })
  .meta({ id: 'RefusedRequest' })

export const refusedRequests = {
  list: {
    method: 'GET',
    path: '/refused-requests',
    summary: 'Requests and events that were refused, newest first; a sample where they are many',
    access: 'customer',
    needs: 'read',
    query: z.object({
      ...paging,
      ...timeBounds,
      /** Searched for in messages, paths, addresses, claimed ids and excerpts. */
      search: z.string().optional(),
      reason: Reason.optional(),
      tenantId: z.string().optional(),
      userId: z.string().optional(),
      elementId: z.string().optional(),
    }),
    answer: listOf(RefusedRequest),
    refusals: ['not_found'],
  },
  get: {
    method: 'GET',
    path: '/refused-requests/:id',
    summary: 'One refused request',
    access: 'customer',
    needs: 'read',
    answer: RefusedRequest,
    refusals: ['not_found'],
  },
} as const satisfies EndpointTable
