import { z } from 'zod'
import type { EndpointTable } from './endpoint.ts'
import { listOf, Meta, PayloadRetentionDays, QueryBoolean, Timestamp } from './shapes.ts'

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
  'customer.erased',
  'audit.recorded',
])
export type WorkspaceEventType = z.output<typeof WorkspaceEventType>

const PublicKey = z.object({ name: z.string().min(1), publicKey: z.string().min(1) })

const HttpsUrl = z.url({ protocol: /^https$/ }).max(2000)

/** How the pages on which customers connect apps look and speak, and which pages may show them. */
export const ConnectLook = z
  .object({
    /** Of buttons, as `#rrggbb`; their text is black or white, whichever can be read. */
    primaryColor: z
      .string()
      .regex(/^#[\da-f]{6}$/i, 'a colour such as #1f5fd6')
      .nullish(),
    fontFamily: z
      .string()
      .max(200)
      .regex(/^[\w '",-]*$/, 'names of fonts with commas between them')
      .nullish(),
    /** A WOFF2 file of the first font of `fontFamily`. */
    fontUrl: HttpsUrl.nullish(),
    /** In pixels. */
    cornerRadius: z.number().min(0).max(32).nullish(),
    colorScheme: z.enum(['light', 'dark', 'auto']).nullish(),
    /** In the place of "for … at …". */
    text: z.string().max(500).nullish(),
    privacyUrl: HttpsUrl.nullish(),
    helpUrl: HttpsUrl.nullish(),
    /** Origins of pages that may show the connect page inside them; absent: every page that has a customer's token. */
    allowedOrigins: z
      .array(z.url({ protocol: /^https?$/ }).max(300))
      .max(50)
      .nullish(),
  })
  .meta({ id: 'ConnectLook' })
export type ConnectLook = z.output<typeof ConnectLook>

const Most = z.number().int().min(0).max(1e15).nullish()

/** What one workspace may take of the installation; null or absent: as much as it likes. */
export const WorkspaceQuotas = z
  .strictObject({
    /** In each process that takes them in, with five seconds' worth at once. */
    eventsPerSecond: Most,
    /** Days and months begin at midnight UTC. */
    eventsPerDay: Most,
    eventsPerMonth: Most,
    /** Bytes of payloads, as they came, of the days that are kept. */
    storedEventBytes: Most,
    /** Those that are not archived, as below. */
    customers: Most,
    connections: Most,
    flows: Most,
  })
  .meta({ id: 'WorkspaceQuotas' })
export type WorkspaceQuotas = z.output<typeof WorkspaceQuotas>

export const QuotaName = WorkspaceQuotas.keyof()
export type QuotaName = z.output<typeof QuotaName>

/** How much of a quota is used. */
const QuotaUsage = z
  .object({
    quota: QuotaName,
    /** Absent of a rate. */
    used: z.number().optional(),
    limit: z.number().optional(),
    /** When what is counted begins anew. */
    resetsAt: Timestamp.optional(),
  })
  .meta({ id: 'QuotaUsage' })

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
    /** Its owners own the installation. */
    isMain: z.boolean(),
    quotas: WorkspaceQuotas,
    createdAt: Timestamp,
    updatedAt: Timestamp,
    archivedAt: Timestamp.optional(),
  })
  .meta({ id: 'Workspace' })

/** Requests a second; 0 for as many as come. */
const PerSecond = z.number().min(0).max(1_000_000)

/** What the workspace lets in, where the defaults do not fit. `docs/operate/limits.md` has them. */
const RateLimits = z.strictObject({
  webhooksPerAddress: PerSecond.optional(),
  webhooksPerCustomer: PerSecond.optional(),
  apiPerCustomer: PerSecond.optional(),
})

export const WorkspaceInput = z.object({
  name: z.string().min(1).max(500).optional(),
  secret: z.string().min(32, 'a secret has at least 32 characters').max(500).optional(),
  logoUri: z.string().nullish(),
  publicKeys: z.array(PublicKey).max(20).optional(),
  jwksUri: z.url({ protocol: /^https?$/ }).nullish(),
  appBaseUri: z.url({ protocol: /^https?$/ }).nullish(),
  /** Where notifications go; "" or null for nowhere. */
  webhookUri: z
    .union([z.url({ protocol: /^https?$/ }).max(2000), z.literal('')])
    .refine((uri) => !/^https?:\/\/[^/?#]*@/i.test(uri), 'a user and password stand in a notification endpoint only')
    .nullish(),
  enabledWebhookEvents: z.array(WorkspaceEventType).optional(),
  settings: z
    .looseObject({
      disableSecretKeyAuth: z.boolean().optional(),
      rateLimits: RateLimits.optional(),
      /** Where event types say nothing else; null: as the installation has it. */
      payloadRetentionDays: PayloadRetentionDays.nullish(),
    })
    .optional(),
  type: z.enum(['production', 'development']).optional(),
})

/** What tokens name as `iss` or `workspaceKey`; it stays what it is. */
const WorkspaceKey = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]{2,99}$/, 'three letters, digits, "_", "-" or "." at least, and 100 at most')

export const NewWorkspace = z.object({
  name: z.string().trim().min(1).max(500),
  /** Drawn where absent. */
  key: WorkspaceKey.optional(),
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
    summary: 'The workspace that the token is for; for owners of the installation every one, the main one first',
    access: 'admin',
    needs: 'read',
    query: z.object({ workspaceKey: z.string().optional(), includeArchived: QueryBoolean.optional() }),
    answer: listOf(Workspace),
    refusals: [],
  },
  get: {
    method: 'GET',
    path: '/workspaces/:id',
    summary: 'One workspace, by id or key; its secret only with includeSecrets=true',
    access: 'admin',
    needs: 'read',
    query: z.object({ includeSecrets: QueryBoolean.optional() }),
    answer: Workspace,
    refusals: ['not_found'],
  },
  create: {
    method: 'POST',
    path: '/workspaces',
    summary: 'Make a workspace; its secret is in this answer. Whoever makes it with an account is its first owner',
    access: 'admin',
    needs: 'installation',
    body: NewWorkspace,
    answer: Workspace.extend({ secret: z.string() }),
    status: 201,
    refusals: ['already_exists'],
  },
  patch: {
    method: 'PATCH',
    path: '/workspaces/:id',
    summary: 'Change the workspace: name, secret, public keys, the base address of your app',
    access: 'admin',
    needs: 'workspace',
    body: WorkspaceInput,
    answer: Workspace,
    refusals: ['not_found'],
  },
  rotateSecret: {
    method: 'POST',
    path: '/workspaces/:id/rotate-secret',
    summary: 'Draw a new secret: the one before, and tokens signed with it, are good no more',
    access: 'admin',
    needs: 'workspace',
    answer: z.object({ secret: z.string() }),
    refusals: ['not_found'],
  },
  usage: {
    method: 'GET',
    path: '/workspaces/:id/usage',
    summary: 'What the workspace has taken in and has, and what its quotas allow',
    access: 'admin',
    needs: 'read',
    answer: listOf(QuotaUsage),
    refusals: ['not_found'],
  },
  setQuotas: {
    method: 'PATCH',
    path: '/workspaces/:id/quotas',
    summary: 'Bound what the workspace takes; null takes a bound away',
    access: 'admin',
    needs: 'installation',
    body: WorkspaceQuotas,
    answer: listOf(QuotaUsage),
    refusals: ['not_found'],
  },
  createAccessToken: {
    method: 'POST',
    path: '/workspaces/:id/access-token',
    summary: 'Make a token for a customer or an admin, signed with the workspace secret',
    access: 'admin',
    needs: 'secrets',
    body: AccessTokenInput,
    answer: z.object({ token: z.string() }),
    status: 201,
    refusals: ['not_found'],
  },
} as const satisfies EndpointTable
