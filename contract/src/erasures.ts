import { z } from 'zod'
import type { EndpointTable } from './endpoint.ts'
import { listOf, paging, Timestamp } from './shapes.ts'

/**
 * That everything of a customer is erased, and a record of what was: counts and ids, nothing that the customer or its
 * people can be told by.
 */
export const Erasure = z
  .object({
    id: z.string(),
    /** The engine’s id of the customer, which stands for nobody once the customer is gone. */
    customerId: z.string(),
    /** Only what happened before was erased; the customer and what it has stay. */
    keepsCustomer: z.boolean(),
    status: z.enum(['running', 'completed']),
    phase: z.enum(['stopping', 'erasing', 'done']),
    /** Every round goes through all places; the last one finds nothing. */
    progress: z.object({ round: z.number().int(), done: z.number().int(), of: z.number().int() }),
    /** Rows that were deleted, or emptied, by table. */
    erased: z.array(z.object({ place: z.string(), rows: z.number().int() })),
    rows: z.number().int(),
    /** What was ended before; of registrations at apps, how many there were and how many could not be taken back in time. */
    stopped: z.object({
      connections: z.number().int(),
      flowInstances: z.number().int(),
      runs: z.number().int(),
      deliveries: z.number().int(),
      registrations: z.number().int(),
      registrationsLeft: z.number().int(),
    }),
    askedBy: z.object({ kind: z.string(), id: z.string().optional() }),
    startedAt: Timestamp,
    updatedAt: Timestamp,
    finishedAt: Timestamp.optional(),
  })
  .meta({ id: 'Erasure' })
export type Erasure = z.infer<typeof Erasure>

export const erasures = {
  begin: {
    method: 'POST',
    path: '/customers/:selector/erase',
    summary: 'Erase everything of a customer: payloads, credentials, logs; in the background, and for good',
    access: 'admin',
    needs: 'workspace',
    body: z
      .strictObject({
        /** True: what happened until now is erased, the customer and what it has stay. */
        keepCustomer: z.boolean().optional(),
      })
      .optional(),
    answer: Erasure,
    status: 202,
    refusals: ['not_found'],
  },
  list: {
    method: 'GET',
    path: '/erasures',
    summary: 'Erasures of customers, newest first',
    access: 'admin',
    needs: 'read',
    query: z.object({
      ...paging,
      /** The engine’s id of a customer. */
      customerId: z.string().optional(),
      status: z.enum(['running', 'completed']).optional(),
    }),
    answer: listOf(Erasure),
    refusals: [],
  },
  get: {
    method: 'GET',
    path: '/erasures/:id',
    summary: 'One erasure: how far it is, and what was erased',
    access: 'admin',
    needs: 'read',
    answer: Erasure,
    refusals: ['not_found'],
  },
} as const satisfies EndpointTable

/** That a workspace is taken away with everything that is in it, and a record of what was: its key, and counts. */
export const WorkspaceDeletion = z
  .object({
    id: z.string(),
    workspaceId: z.string(),
    workspaceKey: z.string(),
    status: z.enum(['running', 'completed']),
    phase: z.enum(['stopping', 'erasing', 'done']),
    /** Every round goes through all places; the last one finds nothing. */
    progress: z.object({ round: z.number().int(), done: z.number().int(), of: z.number().int() }),
    /** Rows by table. */
    erased: z.array(z.object({ place: z.string(), rows: z.number().int() })),
    rows: z.number().int(),
    /** What was ended before; of registrations at apps, how many there were and how many could not be taken back in time. */
    stopped: z.object({
      customers: z.number().int(),
      connections: z.number().int(),
      flowInstances: z.number().int(),
      runs: z.number().int(),
      registrations: z.number().int(),
      registrationsLeft: z.number().int(),
    }),
    /** The last record of its audit log, to which what was exported of it before leads. */
    auditLog: z.object({ sequence: z.number().int(), hash: z.string() }).optional(),
    askedBy: z.object({ kind: z.string(), id: z.string().optional() }),
    startedAt: Timestamp,
    updatedAt: Timestamp,
    finishedAt: Timestamp.optional(),
  })
  .meta({ id: 'WorkspaceDeletion' })
export type WorkspaceDeletion = z.infer<typeof WorkspaceDeletion>

export const workspaceDeletions = {
  begin: {
    method: 'DELETE',
    path: '/workspaces/:id',
    summary: 'Delete a workspace with everything that is in it; in the background, and for good',
    access: 'admin',
    needs: 'installation',
    /** The key of the workspace once more. */
    query: z.object({ confirm: z.string() }),
    answer: WorkspaceDeletion,
    status: 202,
    refusals: ['not_found', 'main_workspace'],
  },
  list: {
    method: 'GET',
    path: '/workspace-deletions',
    summary: 'Deletions of workspaces, newest first',
    access: 'admin',
    needs: 'installation',
    query: z.object({ ...paging, status: z.enum(['running', 'completed']).optional() }),
    answer: listOf(WorkspaceDeletion),
    refusals: [],
  },
  get: {
    method: 'GET',
    path: '/workspace-deletions/:id',
    summary: 'One deletion of a workspace: how far it is, and what was erased',
    access: 'admin',
    needs: 'installation',
    answer: WorkspaceDeletion,
    refusals: ['not_found'],
  },
} as const satisfies EndpointTable
