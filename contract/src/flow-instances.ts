import { z } from 'zod'
import { Customer } from './customers.ts'
import type { EndpointTable } from './endpoint.ts'
import {
  EmbeddedConnection,
  Flow,
  FlowInstanceSelector,
  FlowNodes,
  FlowRunRef,
  flowOutput,
  RunFlowInput,
} from './flows.ts'
import { Integration } from './integrations.ts'
import { elementInput, elementListQuery, listOf, Meta, QueryBoolean } from './shapes.ts'

/** A flow of one customer, on one of its connections or on none: what is enabled and runs. */
export const FlowInstance = z
  .object({
    ...flowOutput,
    layer: z.literal('connection'),
    userId: z.string(),
    tenantId: z.string(),
    connectionId: z.string().optional(),
    instanceKey: z.string().optional(),
    flowId: z.string().optional(),
    flowRevision: z.string().optional(),
    user: Customer.optional(),
    flow: Flow.optional(),
    integration: Integration.optional(),
    connection: EmbeddedConnection.optional(),
  })
  .meta({ id: 'FlowInstance' })

export const FlowInstanceInput = z.object({
  ...elementInput,
  userId: z.string().optional(),
  tenantId: z.string().optional(),
  flowId: z.string().nullish(),
  flowKey: z.string().nullish(),
  connectionId: z.string().nullish(),
  connectionKey: z.string().nullish(),
  integrationId: z.string().nullish(),
  integrationKey: z.string().nullish(),
  instanceKey: z.string().max(500).nullish(),
  parameters: Meta.nullish(),
  nodes: FlowNodes.nullish(),
  enabled: z.boolean().optional(),
  ordered: z.boolean().optional(),
  concurrency: z.number().int().min(1).max(100).nullish(),
})

const oneInstance = { access: 'customer', needs: 'customers', answer: FlowInstance, refusals: ['not_found'] } as const
const changeInstance = {
  ...oneInstance,
  body: FlowInstanceInput,
  refusals: ['not_found', 'archived', 'invalid_flow'],
} as const
const createInstance = {
  ...oneInstance,
  body: FlowInstanceInput,
  status: 201,
  refusals: ['not_found', 'ambiguous_selector', 'archived', 'invalid_flow', 'already_exists'],
} as const
const livingInstance = { ...oneInstance, refusals: ['not_found', 'archived'] } as const
const restoreInstance = { ...oneInstance, refusals: ['not_found', 'already_exists', 'archived'] } as const

/** The flow of a connection: which instance of it, where there are several. */
const OfConnectionQuery = z.object({ instanceKey: z.string().optional() })
const ofConnection = { access: 'customer', needs: 'customers', query: OfConnectionQuery, answer: FlowInstance } as const
const AutoCreatingQuery = z.object({ ...OfConnectionQuery.shape, autoCreate: QueryBoolean.optional() })

/** Selecting may make the instance (`autoCreate`), so it may also refuse to. */
const byQuery = { query: FlowInstanceSelector } as const
const selecting = { ...byQuery, refusals: ['not_found', 'ambiguous_selector', 'archived'] } as const

export const flowInstances = {
  list: {
    method: 'GET',
    path: '/flow-instances',
    summary: 'Flow instances, newest first',
    access: 'customer',
    needs: 'read',
    query: z.object({
      ...elementListQuery,
      flowId: z.string().optional(),
      flowKey: z.string().optional(),
      universalFlowId: z.string().optional(),
      enabled: QueryBoolean.optional(),
      connectionId: z.string().optional(),
      connectionKey: z.string().optional(),
      integrationId: z.string().optional(),
      integrationKey: z.string().optional(),
      userId: z.string().optional(),
      tenantId: z.string().optional(),
      instanceKey: z.string().optional(),
    }),
    answer: listOf(FlowInstance),
    refusals: ['not_found', 'ambiguous_selector'],
  },
  create: {
    method: 'POST',
    path: '/flow-instances',
    summary: 'Create an instance, of a flow or stand-alone with nodes of its own',
    ...createInstance,
  },
  get: { method: 'GET', path: '/flow-instances/:id', summary: 'One instance', ...oneInstance, needs: 'read' },
  put: { method: 'PUT', path: '/flow-instances/:id', summary: 'Change an instance', ...changeInstance },
  patch: {
    method: 'PATCH',
    path: '/flow-instances/:id',
    summary: 'Change some fields; enable or disable',
    ...changeInstance,
  },
  archive: {
    method: 'DELETE',
    path: '/flow-instances/:id',
    summary: 'Archive: disabled, its subscriptions are let go',
    ...oneInstance,
    answer: null,
  },
  restore: {
    method: 'POST',
    path: '/flow-instances/:id/restore',
    summary: 'Undo archiving; it stays disabled',
    ...restoreInstance,
  },
  setup: {
    method: 'POST',
    path: '/flow-instances/:id/setup',
    summary: 'Check it and set up its subscriptions again',
    ...livingInstance,
  },
  updateToLatestFlow: {
    method: 'POST',
    path: '/flow-instances/:id/update-to-latest-flow',
    summary: 'Follow the newest revision of its flow',
    ...livingInstance,
  },
  export: {
    method: 'GET',
    path: '/flow-instances/:id/export',
    summary: 'What you defined, without what belongs to this installation',
    ...oneInstance,
    answer: FlowInstanceInput,
    needs: 'read',
  },
  reset: {
    method: 'POST',
    path: '/flow-instances/:id/reset',
    summary: 'Drop customisations',
    ...livingInstance,
    body: z.object({
      name: z.boolean().optional(),
      nodes: z.record(z.string(), z.boolean()).optional(),
      allNodes: z.boolean().optional(),
    }),
  },
  getByQuery: {
    method: 'GET',
    path: '/flow-instance',
    summary: 'One instance, selected in the query; autoCreate makes it',
    ...oneInstance,
    ...selecting,
    needs: 'read',
  },
  createByQuery: {
    method: 'POST',
    path: '/flow-instance',
    summary: 'Create the selected instance',
    ...createInstance,
    ...byQuery,
  },
  putByQuery: {
    method: 'PUT',
    path: '/flow-instance',
    summary: 'Change the selected instance, or create it',
    ...changeInstance,
    ...selecting,
    refusals: [...selecting.refusals, 'invalid_flow'],
  },
  patchByQuery: {
    method: 'PATCH',
    path: '/flow-instance',
    summary: 'Change some fields of the selected instance',
    ...changeInstance,
    ...selecting,
    refusals: [...selecting.refusals, 'invalid_flow'],
  },
  archiveByQuery: {
    method: 'DELETE',
    path: '/flow-instance',
    summary: 'Archive the selected instance',
    ...oneInstance,
    ...byQuery,
    answer: null,
    refusals: ['not_found', 'ambiguous_selector'],
  },
  restoreByQuery: {
    method: 'POST',
    path: '/flow-instance/restore',
    summary: 'Undo archiving',
    ...oneInstance,
    ...byQuery,
    refusals: ['not_found', 'ambiguous_selector', 'already_exists', 'archived'],
  },
  listOfConnection: {
    method: 'GET',
    path: '/connections/:connectionSelector/flows',
    summary: 'Flows of one connection, newest first',
    access: 'customer',
    needs: 'read',
    query: z.object({
      ...elementListQuery,
      flowId: z.string().optional(),
      flowKey: z.string().optional(),
      enabled: QueryBoolean.optional(),
      userId: z.string().optional(),
      tenantId: z.string().optional(),
      instanceKey: z.string().optional(),
    }),
    answer: listOf(FlowInstance),
    refusals: ['not_found', 'ambiguous_selector'],
  },
  getOfConnection: {
    method: 'GET',
    path: '/connections/:connectionSelector/flows/:selector',
    summary: 'One flow of one connection; autoCreate makes it',
    ...ofConnection,
    query: AutoCreatingQuery,
    refusals: ['not_found', 'ambiguous_selector', 'archived'],
    needs: 'read',
  },
  putOfConnection: {
    method: 'PUT',
    path: '/connections/:connectionSelector/flows/:selector',
    summary: 'Change the flow of the connection, or create it; an empty body only creates',
    ...ofConnection,
    body: FlowInstanceInput,
    refusals: ['not_found', 'ambiguous_selector', 'archived', 'invalid_flow'],
  },
  patchOfConnection: {
    method: 'PATCH',
    path: '/connections/:connectionSelector/flows/:selector',
    summary: 'Change some fields; enable or disable',
    ...ofConnection,
    body: FlowInstanceInput,
    refusals: ['not_found', 'ambiguous_selector', 'archived', 'invalid_flow'],
  },
  archiveOfConnection: {
    method: 'DELETE',
    path: '/connections/:connectionSelector/flows/:selector',
    summary: 'Archive the flow of the connection',
    ...ofConnection,
    answer: null,
    refusals: ['not_found', 'ambiguous_selector'],
  },
  setupOfConnection: {
    method: 'POST',
    path: '/connections/:connectionSelector/flows/:selector/setup',
    summary: 'Check it and set up its subscriptions again',
    ...ofConnection,
    refusals: ['not_found', 'ambiguous_selector', 'archived'],
  },
  resetOfConnection: {
    method: 'POST',
    path: '/connections/:connectionSelector/flows/:selector/reset',
    summary: 'Drop customisations',
    ...ofConnection,
    refusals: ['not_found', 'ambiguous_selector', 'archived'],
  },
  runOfConnection: {
    method: 'POST',
    path: '/connections/:connectionSelector/flows/:selector/run',
    summary: 'Start a run of the flow of the connection',
    access: 'customer',
    needs: 'test',
    query: AutoCreatingQuery,
    body: RunFlowInput,
    takesData: true,
    answer: FlowRunRef,
    status: 201,
    refusals: ['not_found', 'ambiguous_selector', 'archived', 'invalid_flow'],
  },
} as const satisfies EndpointTable
