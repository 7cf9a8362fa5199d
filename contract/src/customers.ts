import { z } from 'zod'
import type { EndpointTable } from './endpoint.ts'
import { elementListQuery, listOf, Meta, QueryBoolean, Timestamp } from './shapes.ts'

/** A tenant of the workspace: `internalId` is its id in your application, the one in its tokens. */
export const Customer = z
  .object({
    id: z.string(),
    internalId: z.string(),
    name: z.string(),
    fields: Meta.optional(),
    credentials: z.unknown().optional(),
    meta: Meta.optional(),
    isTest: z.boolean().optional(),
    isActive: z.boolean().optional(),
    lastActiveAt: Timestamp.optional(),
    createdAt: Timestamp.optional(),
    updatedAt: Timestamp.optional(),
    archivedAt: Timestamp.optional(),
  })
  .meta({ id: 'Customer' })
export type Customer = z.infer<typeof Customer>

export const CustomerInput = z.object({
  name: z.string().min(1).max(500).optional(),
  internalId: z.string().min(1).max(500).optional(),
  fields: Meta.optional(),
  credentials: z.unknown().optional(),
  meta: Meta.nullish(),
  isTest: z.boolean().optional(),
})

/** How the published client names a customer in a query: by its database id or its own. */
const CustomerSelectorQuery = z.object({
  id: z.string().optional(),
  internalId: z.string().optional(),
})

const selectorRefusals = ['not_found'] as const
const change = {
  access: 'admin',
  needs: 'customers',
  body: CustomerInput,
  answer: Customer,
  refusals: ['not_found', 'already_exists', 'archived'],
} as const
const byQuery = { query: CustomerSelectorQuery } as const

export const customers = {
  self: {
    method: 'GET',
    path: '/self',
    summary: 'Whose token this is: the customer, or for an admin token the workspace',
    access: 'customer',
    needs: 'read',
    answer: Customer.partial().extend({
      workspaceId: z.string(),
      workspaceKey: z.string(),
      workspaceName: z.string(),
      isAdmin: z.boolean(),
    }),
    refusals: [],
  },
  patchSelf: {
    method: 'PATCH',
    path: '/self',
    summary: 'Store credentials of the customer for your own application’s use',
    access: 'customer',
    needs: 'customers',
    body: z.object({ credentials: z.unknown() }),
    answer: Customer,
    refusals: ['invalid_input'],
  },
  list: {
    method: 'GET',
    path: '/customers',
    summary: 'Customers, newest first',
    access: 'admin',
    needs: 'read',
    query: z.object({ ...elementListQuery, isTest: QueryBoolean.optional(), isActive: QueryBoolean.optional() }),
    answer: listOf(Customer),
    refusals: [],
  },
  create: {
    method: 'POST',
    path: '/customers',
    summary: 'Create a customer before its first token is used',
    access: 'admin',
    needs: 'customers',
    body: CustomerInput,
    answer: Customer,
    status: 201,
    refusals: ['already_exists', 'quota_reached'],
  },
  get: {
    method: 'GET',
    path: '/customers/:selector',
    summary: 'One customer, by id or by your own id',
    access: 'customer',
    needs: 'read',
    answer: Customer,
    refusals: selectorRefusals,
  },
  put: {
    method: 'PUT',
    path: '/customers/:selector',
    summary: 'Change a customer',
    ...change,
  },
  patch: {
    method: 'PATCH',
    path: '/customers/:selector',
    summary: 'Change some fields of a customer',
    ...change,
  },
  archive: {
    method: 'DELETE',
    path: '/customers/:selector',
    summary: 'Archive: its flows stop, its subscriptions are unsubscribed, its tokens are refused',
    access: 'admin',
    needs: 'customers',
    answer: null,
    refusals: selectorRefusals,
  },
  restore: {
    method: 'POST',
    path: '/customers/:selector/restore',
    summary: 'Undo archiving; what its flows need is subscribed again',
    access: 'admin',
    needs: 'customers',
    answer: Customer,
    refusals: ['not_found', 'archived'],
  },
  getByQuery: {
    method: 'GET',
    path: '/customer',
    summary: 'One customer, selected in the query',
    access: 'customer',
    needs: 'read',
    ...byQuery,
    answer: Customer,
    refusals: selectorRefusals,
  },
  putByQuery: { method: 'PUT', path: '/customer', summary: 'Change the selected customer', ...change, ...byQuery },
  patchByQuery: {
    method: 'PATCH',
    path: '/customer',
    summary: 'Change some fields of the selected customer',
    ...change,
    ...byQuery,
  },
  archiveByQuery: {
    method: 'DELETE',
    path: '/customer',
    summary: 'Archive the selected customer',
    access: 'admin',
    needs: 'customers',
    ...byQuery,
    answer: null,
    refusals: selectorRefusals,
  },
  restoreByQuery: {
    method: 'POST',
    path: '/customer/restore',
    summary: 'Undo archiving of the selected customer',
    access: 'admin',
    needs: 'customers',
    ...byQuery,
    answer: Customer,
    refusals: ['not_found', 'archived'],
  },
} as const satisfies EndpointTable
