import { z } from 'zod'
import type { EndpointTable } from './endpoint.ts'
import { listOf, Timestamp } from './shapes.ts'

/** What a key may do: as much as a role, or nothing but send events. */
export const ApiKeyScope = z
  .enum(['owner', 'developer', 'support', 'reader', 'events:send'])
  .meta({ id: 'ApiKeyScope' })
export type ApiKeyScope = z.output<typeof ApiKeyScope>

export const ApiKey = z
  .object({
    id: z.string(),
    name: z.string(),
    scope: ApiKeyScope,
    /** How the key begins, to tell it from others; the rest is kept nowhere. */
    prefix: z.string(),
    createdBy: z.string().optional(),
    createdAt: Timestamp,
    expiresAt: Timestamp.optional(),
    /** To about a minute. */
    lastUsedAt: Timestamp.optional(),
  })
  .meta({ id: 'ApiKey' })

export const ApiKeyInput = z.object({
  name: z.string().trim().min(1).max(200),
  scope: ApiKeyScope,
  expiresAt: Timestamp.nullish(),
})

export const apiKeys = {
  list: {
    method: 'GET',
    path: '/api-keys',
    summary: 'API keys of the workspace that are good, newest first',
    access: 'admin',
    needs: 'people',
    answer: listOf(ApiKey),
    refusals: [],
  },
  create: {
    method: 'POST',
    path: '/api-keys',
    summary: 'Make an API key; it is shown in this answer and never again',
    access: 'admin',
    needs: 'people',
    body: ApiKeyInput,
    answer: ApiKey.extend({ key: z.string() }),
    status: 201,
    refusals: [],
  },
  archive: {
    method: 'DELETE',
    path: '/api-keys/:id',
    summary: 'End an API key, in all processes at once',
    access: 'admin',
    needs: 'people',
    answer: null,
    refusals: ['not_found'],
  },
} as const satisfies EndpointTable
