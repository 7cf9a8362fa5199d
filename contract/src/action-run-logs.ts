import { z } from 'zod'
import { actionOwner } from './actions.ts'
import { Customer } from './customers.ts'
import type { EndpointTable } from './endpoint.ts'
import { ErrorData } from './errors.ts'
import { Integration } from './integrations.ts'
import { logOf, Meta, paging, Timestamp, timeBounds } from './shapes.ts'

/** One run of an action, finished. Lists leave out `input`, `output` and `logs`. */
export const ActionRunLog = z
  .object({
    id: z.string(),
    name: z.string(),
    userId: z.string().optional(),
    tenantId: z.string().optional(),
    actionId: z.string().optional(),
    actionInstanceId: z.string().optional(),
    universalActionId: z.string().optional(),
    integrationActionId: z.string().optional(),
    connectionActionId: z.string().optional(),
    integrationId: z.string().optional(),
    connectionId: z.string().optional(),
    /** The flow run that ran it. */
    flowRunId: z.string().optional(),
    input: z.unknown().optional(),
    output: z.unknown().optional(),
    status: z.enum(['success', 'error']),
    error: ErrorData.optional(),
    /** In milliseconds. */
    duration: z.number(),
    createdAt: Timestamp,
    completedAt: Timestamp,
    meta: Meta.optional(),
    user: Customer.optional(),
    integration: Integration.optional(),
  })
  .meta({ id: 'ActionRunLog' })

/** What happened in it: console lines, requests, and under which ids functions and API requests were recorded. */
export const ActionRunDetails = z.object({
  ...ActionRunLog.shape,
  logs: z.array(z.unknown()),
})

const oneRun = { access: 'customer', needs: 'customers', refusals: ['not_found'] } as const

export const actionRunLogs = {
  list: {
    method: 'GET',
    path: '/action-run-logs',
    summary: 'Runs of actions, newest first',
    access: 'customer',
    needs: 'read',
    query: z.object({
      ...paging,
      ...timeBounds,
      ...actionOwner,
      actionId: z.string().optional(),
      universalActionId: z.string().optional(),
      integrationActionId: z.string().optional(),
      connectionActionId: z.string().optional(),
      integrationId: z.string().optional(),
      connectionId: z.string().optional(),
      flowRunId: z.string().optional(),
      status: z.enum(['success', 'error']).optional(),
      externalAppId: z.string().optional(),
    }),
    answer: logOf(ActionRunLog),
    refusals: ['not_found'],
  },
  get: {
    method: 'GET',
    path: '/action-run-logs/:id',
    summary: 'One run of an action',
    ...oneRun,
    answer: ActionRunLog,
    needs: 'read',
  },
  details: {
    method: 'GET',
    path: '/action-run-logs/:id/details',
    summary: 'One run of an action with what it logged',
    ...oneRun,
    answer: ActionRunDetails,
    needs: 'read',
  },
} as const satisfies EndpointTable
