import { z } from 'zod'
import type { EndpointTable } from './endpoint.ts'
import { elementInput, elementListQuery, elementOutput, listOf, Meta } from './shapes.ts'

/** An external app that the workspace offers to its customers. */
export const Integration = z
  .object({
    ...elementOutput,
    logoUri: z.string(),
    parameters: Meta.optional(),
    state: z.string().optional(),
  })
  .meta({ id: 'Integration' })

export const IntegrationInput = z.object({ ...elementInput, logoUri: z.string().nullish(), parameters: Meta.nullish() })

export const IntegrationSelectorQuery = z.object({ id: z.string().optional(), key: z.string().optional() })

const change = {
  access: 'admin',
  body: IntegrationInput,
  answer: Integration,
  refusals: ['not_found', 'already_exists', 'archived'],
} as const

export const integrations = {
  list: {
    method: 'GET',
    path: '/integrations',
    summary: 'Integrations of the workspace',
    access: 'customer',
    query: z.object(elementListQuery),
    answer: listOf(Integration),
    refusals: [],
  },
  create: {
    method: 'POST',
    path: '/integrations',
    summary: 'Create an integration',
    access: 'admin',
    body: IntegrationInput,
    answer: Integration,
    status: 201,
    refusals: ['already_exists'],
  },
  get: {
    method: 'GET',
    path: '/integrations/:selector',
    summary: 'One integration, by id or key',
    access: 'customer',
    answer: Integration,
    refusals: ['not_found'],
  },
  getByQuery: {
    method: 'GET',
    path: '/integration',
    summary: 'One integration, selected in the query',
    access: 'customer',
    query: IntegrationSelectorQuery,
    answer: Integration,
    refusals: ['not_found'],
  },
  put: { method: 'PUT', path: '/integrations/:selector', summary: 'Change an integration', ...change },
  patch: {
    method: 'PATCH',
    path: '/integrations/:selector',
    summary: 'Change some fields of an integration',
    ...change,
  },
  archive: {
    method: 'DELETE',
    path: '/integrations/:selector',
    summary: 'Archive an integration',
    access: 'admin',
    answer: null,
    refusals: ['not_found'],
  },
  restore: {
    method: 'POST',
    path: '/integrations/:selector/restore',
    summary: 'Undo archiving',
    access: 'admin',
    answer: Integration,
    refusals: ['not_found', 'already_exists'],
  },
} as const satisfies EndpointTable
