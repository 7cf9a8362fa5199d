import { z } from 'zod'
import type { EndpointTable } from './endpoint.ts'
import { listOf, Meta, QueryBoolean, Timestamp } from './shapes.ts'

export const WorkspaceEventType = z.enum([
  'connection.created',
  'connection.deleted',
  'connection.disconnected',
  'connection.reconnected',
  'flowRun.queued',
  'flowRun.started',
  'flowRun.completed',
  'flowRun.failed',
  'flowRun.stopped',
  'alert.created',
])

const PublicKey = z.object({ name: z.string().min(1), publicKey: z.string().min(1) })

export const Workspace = z
  .object({
    id: z.string(),
    key: z.string(),
    name: z.string(),
    secret: z.string().optional(),
    logoUri: z.string().optional(),
    publicKeys: z.array(PublicKey),
    jwksUri: z.string().optional(),
    appBaseUri: z.string().optional(),
    webhookUri: z.string().optional(),
    enabledWebhookEvents: z.array(WorkspaceEventType),
    settings: Meta,
    type: z.enum(['production', 'development']),
    createdAt: Timestamp,
    updatedAt: Timestamp,
    archivedAt: Timestamp.optional(),
  })
  .meta({ id: 'Workspace' })

export const WorkspaceInput = z.object({
  name: z.string().min(1).max(500).optional(),
  secret: z.string().min(32, 'a secret has at least 32 characters').max(500).optional(),
  logoUri: z.string().nullish(),
  publicKeys: z.array(PublicKey).max(20).optional(),
  jwksUri: z.url({ protocol: /^https?$/ }).nullish(),
  appBaseUri: z.url({ protocol: /^https?$/ }).nullish(),
  /** Where notifications go; "" or null for nowhere. */
  webhookUri: z.union([z.url({ protocol: /^https?$/ }).max(2000), z.literal('')]).nullish(),
  enabledWebhookEvents: z.array(WorkspaceEventType).optional(),
  settings: z.looseObject({ disableSecretKeyAuth: z.boolean().optional() }).optional(),
  type: z.enum(['production', 'development']).optional(),
})

export const AccessTokenInput = z.object({
  isAdmin: z.boolean().optional(),
  tenantId: z.string().optional(),
  tenantKey: z.string().min(1).optional(),
  name: z.string().optional(),
  fields: Meta.optional(),
  expiresInSeconds: z.number().int().min(1).max(31_536_000).optional(),
})

export const workspaces = {
  list: {
    method: 'GET',
    path: '/workspaces',
    summary: 'The workspaces that the token is for',
    access: 'admin',
    query: z.object({ workspaceKey: z.string().optional(), includeArchived: QueryBoolean.optional() }),
    answer: listOf(Workspace),
    refusals: [],
  },
  get: {
    method: 'GET',
    path: '/workspaces/:id',
    summary: 'One workspace, by id or key; its secret only with includeSecrets=true',
    access: 'admin',
    query: z.object({ includeSecrets: QueryBoolean.optional() }),
    answer: Workspace,
    refusals: ['not_found'],
  },
  patch: {
    method: 'PATCH',
    path: '/workspaces/:id',
    summary: 'Change the workspace: name, secret, public keys, the base address of your app',
    access: 'admin',
    body: WorkspaceInput,
    answer: Workspace,
    refusals: ['not_found'],
  },
  createAccessToken: {
    method: 'POST',
    path: '/workspaces/:id/access-token',
    summary: 'Make a token for a customer or an admin, signed with the workspace secret',
    access: 'admin',
    body: AccessTokenInput,
    answer: z.object({ token: z.string() }),
    status: 201,
    refusals: ['not_found'],
  },
} as const satisfies EndpointTable
