import { z } from 'zod'
import type { EndpointTable } from './endpoint.ts'
import { logOf, Meta, paging, Timestamp, timeBounds } from './shapes.ts'

export const AuditActorKind = z.enum(['workspace-secret', 'user', 'api-key', 'customer', 'engine', 'nobody'])

/**
 * `done`; `failed`, where it ended in a mistake of ours and may be done in part; `refused`, of signing in; `unknown`, where
 * the process died before it could say.
 */
export const AuditOutcome = z.enum(['done', 'failed', 'refused', 'unknown'])

/** One change: who, from where, when, what, and how it was before and after. Secrets are masked. */
export const AuditRecord = z
  .object({
    id: z.string(),
    /** Counted from one in each workspace, without gaps. */
    sequence: z.number().int(),
    createdAt: Timestamp,
    actor: z.object({
      kind: AuditActorKind,
      id: z.string().optional(),
      name: z.string().optional(),
      role: z.string().optional(),
    }),
    /** Group and name of the endpoint, or what it was beside the API: `flows.patch`, `console.signIn`. */
    action: z.string(),
    outcome: AuditOutcome,
    elementType: z.string(),
    elementId: z.string().optional(),
    elementName: z.string().optional(),
    /** The customer that it is about. */
    userId: z.string().optional(),
    /** Paths of the fields that are other than before; of secrets, that they were given. */
    changed: z.array(z.string()),
    /** The fields that changed, or all where it is new or gone; long ones are cut. */
    before: Meta.optional(),
    after: Meta.optional(),
    /** The network address, as the trusted proxies say it. */
    address: z.string().optional(),
    userAgent: z.string().optional(),
    requestId: z.string().optional(),
    /** What a person is about was erased with the customer; the chain still holds. */
    isErased: z.boolean().optional(),
    hash: z.string(),
    previousHash: z.string(),
  })
  .meta({ id: 'AuditRecord' })

/** Whether the chain of a workspace's records holds, and where it does not. */
export const AuditVerification = z
  .object({
    isIntact: z.boolean(),
    /** Records that were looked at. */
    records: z.number().int(),
    firstSequence: z.number().int().optional(),
    lastSequence: z.number().int().optional(),
    /** Of the newest record: who keeps it elsewhere knows later whether this history is the same. */
    hash: z.string(),
    /** Whether the hash that was kept elsewhere is that of a record; absent where none was given. */
    hasKept: z.boolean().optional(),
    /** Records up to this one left by the retention. */
    leftBySequence: z.number().int().optional(),
    /** Records of which what a person is about was erased. */
    erased: z.number().int(),
    /** The first thing that is wrong. */
    problem: z.object({ sequence: z.number().int(), id: z.string().optional(), message: z.string() }).optional(),
  })
  .meta({ id: 'AuditVerification' })

/** What records call the elements of a group of endpoints: of `flowInstances` `flow-instance`, of `deliveries` `delivery`. */
export function auditElementTypeOf(group: string): string {
  const name = group.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  return name.replace(/ies$/, 'y').replace(/s$/, '')
}

/** Actions that are no endpoints. */
export const AUDIT_ACTIONS_BESIDE = [
  'auditLog.retain',
  'connections.connect',
  'console.awaitSecondFactor',
  'console.signIn',
  'console.signOut',
  'console.signOutEverywhere',
  'workspaceFiles.import',
] as const

export const auditFilter = {
  ...timeBounds,
  actorKind: AuditActorKind.optional(),
  /** The person, key or customer. */
  actorId: z.string().optional(),
  action: z.string().optional(),
  outcome: AuditOutcome.optional(),
  elementType: z.string().optional(),
  elementId: z.string().optional(),
  userId: z.string().optional(),
  /** Searched for in names, addresses and values. */
  search: z.string().max(500).optional(),
}

export const auditLog = {
  list: {
    method: 'GET',
    path: '/audit-log',
    summary: 'Who changed what, newest first',
    access: 'admin',
    needs: 'workspace',
    query: z.object({ ...paging, ...auditFilter }),
    answer: logOf(AuditRecord),
    refusals: [],
  },
  verify: {
    method: 'GET',
    path: '/audit-log/verify',
    summary: 'Whether the records are those that were written: none changed, none missing',
    access: 'admin',
    needs: 'workspace',
    query: z.object({
      /** A hash that was kept elsewhere. */
      kept: z
        .string()
        .regex(/^[0-9a-fA-F]{64}$/, 'a hash has 64 hexadecimal digits')
        .optional(),
    }),
    answer: AuditVerification,
    refusals: [],
  },
  get: {
    method: 'GET',
    path: '/audit-log/:id',
    summary: 'One record',
    access: 'admin',
    needs: 'workspace',
    answer: AuditRecord,
    refusals: ['not_found'],
  },
  noteExport: {
    method: 'POST',
    path: '/audit-log/exports',
    summary: 'Records that a list is about to be written into a file, as the console does it',
    access: 'customer',
    needs: 'read',
    body: z.object({
      /** Kind of what is exported, as in `app-event`. */
      elementType: z.string().min(1).max(100),
      format: z.string().min(1).max(20).optional(),
      /** What the list was filtered by. */
      filter: z.record(z.string().max(100), z.string().max(1000)).optional(),
    }),
    answer: z.object({ id: z.string() }),
    status: 201,
    refusals: [],
  },
} as const satisfies EndpointTable
