import { z } from 'zod'
import { Customer } from './customers.ts'
import type { EndpointTable } from './endpoint.ts'
import { ErrorData } from './errors.ts'
import { Integration } from './integrations.ts'
import {
  ElementState,
  elementInput,
  elementListQuery,
  elementOutput,
  JsonSchema,
  listOf,
  Meta,
  QueryBoolean,
} from './shapes.ts'

export const FlowNodeLink = z.object({
  key: z.string().optional(),
  filter: z.unknown().optional(),
  name: z.string().optional(),
})

/** One step of a flow. Beyond these, keys of the editor (`ui`, `testInput`, …) are kept as they are. */
export const FlowNode = z
  .looseObject({
    type: z.string().min(1),
    version: z.number().optional(),
    name: z.string().optional(),
    description: z.string().optional(),
    config: z.unknown().optional(),
    concurrency: z.number().int().min(1).max(100).optional(),
    onError: z.enum(['stop', 'continue']).optional(),
    inputSchema: JsonSchema.optional(),
    outputSchema: JsonSchema.optional(),
    outputExample: z.unknown().optional(),
    links: z.array(FlowNodeLink).max(100).optional(),
  })
  .meta({ id: 'FlowNode' })
export type FlowNode = z.infer<typeof FlowNode>

export const FlowNodes = z.record(
  z
    .string()
    .min(1)
    .max(200)
    .regex(/^[^\p{Cc}]+$/u, 'a node key has no control characters'),
  FlowNode,
)
export type FlowNodes = z.infer<typeof FlowNodes>

/** What is this instance's or copy's own and no longer follows its parent; which nodes, each node says itself. */
const Customized = z.object({ name: z.boolean().optional(), nodes: z.boolean().optional() })

const flowOutput = {
  ...elementOutput,
  state: ElementState.optional(),
  errors: z.array(ErrorData).optional(),
  integrationId: z.string().optional(),
  integrationKey: z.string().optional(),
  parentId: z.string().optional(),
  universalFlowId: z.string().optional(),
  universalFlowRevision: z.string().optional(),
  parametersSchema: JsonSchema.optional(),
  parameters: Meta.optional(),
  enabled: z.boolean(),
  ordered: z.boolean(),
  concurrency: z.number().int().optional(),
  nodes: FlowNodes,
  isCustomized: z.boolean(),
  customized: Customized.optional(),
  outdated: z.boolean(),
}

/** A flow: universal, or of one integration (then it may follow a universal one). */
export const Flow = z
  .object({
    ...flowOutput,
    layer: z.enum(['universal', 'integration', 'connection']),
    autoCreateInstances: z.boolean().optional(),
    integration: Integration.optional(),
    appliedToIntegrations: z.array(z.object({ element: z.unknown(), integration: z.unknown() })).optional(),
  })
  .meta({ id: 'Flow' })

/** A flow of one customer (and, later, connection): what is enabled and runs. */
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
  })
  .meta({ id: 'FlowInstance' })

export const FlowInput = z.object({
  ...elementInput,
  integrationId: z.string().nullish(),
  integrationKey: z.string().nullish(),
  universalFlowId: z.string().nullish(),
  parentId: z.string().nullish(),
  parametersSchema: JsonSchema.nullish(),
  parameters: Meta.nullish(),
  enabled: z.boolean().optional(),
  ordered: z.boolean().optional(),
  concurrency: z.number().int().min(1).max(1000).nullish(),
  nodes: FlowNodes.nullish(),
  autoCreateInstances: z.boolean().optional(),
})

export const FlowInstanceInput = z.object({
  ...elementInput,
  userId: z.string().optional(),
  tenantId: z.string().optional(),
  flowId: z.string().nullish(),
  flowKey: z.string().nullish(),
  connectionId: z.string().nullish(),
  integrationId: z.string().nullish(),
  integrationKey: z.string().nullish(),
  instanceKey: z.string().max(500).nullish(),
  parameters: Meta.nullish(),
  nodes: FlowNodes.nullish(),
  enabled: z.boolean().optional(),
  ordered: z.boolean().optional(),
  concurrency: z.number().int().min(1).max(1000).nullish(),
})

export const FlowSelectorQuery = z.object({
  id: z.string().optional(),
  key: z.string().optional(),
  integrationId: z.string().optional(),
  integrationKey: z.string().optional(),
  autoCreate: QueryBoolean.optional(),
})

export const FlowInstanceSelector = z.object({
  id: z.string().optional(),
  flowId: z.string().optional(),
  flowKey: z.string().optional(),
  parentId: z.string().optional(),
  parentKey: z.string().optional(),
  connectionId: z.string().optional(),
  integrationId: z.string().optional(),
  integrationKey: z.string().optional(),
  instanceKey: z.string().optional(),
  userId: z.string().optional(),
  tenantId: z.string().optional(),
  autoCreate: QueryBoolean.optional(),
  autoUpdate: QueryBoolean.optional(),
})

export const RunFlowInput = z.object({
  nodeKey: z.string().optional(),
  startNodeKey: z.string().optional(),
  input: z.unknown().optional(),
  meta: Meta.optional(),
})

const flowListQuery = z.object({
  ...elementListQuery,
  /** `connection` gives the instances that the token may see. */
  layer: z.enum(['universal', 'integration', 'connection']).optional(),
  isUniversal: QueryBoolean.optional(),
  integrationId: z.string().optional(),
  integrationKey: z.string().optional(),
  flowId: z.string().optional(),
  parentId: z.string().optional(),
  universalFlowId: z.string().optional(),
  universalParentId: z.string().optional(),
  connectionId: z.string().optional(),
  instanceKey: z.string().optional(),
  userId: z.string().optional(),
  tenantId: z.string().optional(),
})

const oneFlow = {
  access: 'customer',
  query: FlowSelectorQuery,
  answer: Flow,
  refusals: ['not_found', 'ambiguous_selector'],
} as const
const changeFlow = {
  access: 'admin',
  query: FlowSelectorQuery,
  body: FlowInput,
  answer: Flow,
  refusals: ['not_found', 'ambiguous_selector', 'already_exists', 'archived', 'invalid_flow'],
} as const
const adminFlow = { ...oneFlow, access: 'admin' } as const

const resetFlow = { ...adminFlow, refusals: [...adminFlow.refusals, 'archived'] } as const
const restoreFlow = { ...adminFlow, refusals: [...adminFlow.refusals, 'already_exists'] } as const

const flowOfIntegration = { access: 'customer', answer: Flow, refusals: ['not_found'] } as const
const changeOfIntegration = {
  access: 'admin',
  body: FlowInput,
  answer: Flow,
  refusals: ['not_found', 'already_exists', 'archived', 'invalid_flow'],
} as const
const adminOfIntegration = { access: 'admin', answer: Flow, refusals: ['not_found', 'archived'] } as const

export const FlowRunRef = z.lazy(() => z.looseObject({ id: z.string(), state: z.string() }))

export const flows = {
  list: {
    method: 'GET',
    path: '/flows',
    summary: 'Flows, universal and of integrations',
    access: 'customer',
    query: flowListQuery,
    answer: listOf(Flow),
    refusals: ['not_found', 'ambiguous_selector'],
  },
  create: {
    method: 'POST',
    path: '/flows',
    summary: 'Create a flow',
    access: 'admin',
    body: FlowInput,
    answer: Flow,
    status: 201,
    refusals: ['already_exists', 'invalid_flow', 'not_found', 'ambiguous_selector'],
  },
  get: { method: 'GET', path: '/flows/:selector', summary: 'One flow, by id, key or integrationKey.key', ...oneFlow },
  put: { method: 'PUT', path: '/flows/:selector', summary: 'Change a flow', ...changeFlow },
  patch: { method: 'PATCH', path: '/flows/:selector', summary: 'Change some fields of a flow', ...changeFlow },
  archive: {
    method: 'DELETE',
    path: '/flows/:selector',
    summary: 'Archive a flow and its instances',
    ...adminFlow,
    answer: null,
  },
  restore: {
    method: 'POST',
    path: '/flows/:selector/restore',
    summary: 'Undo archiving of the flow (its instances stay archived)',
    ...restoreFlow,
  },
  reset: {
    method: 'POST',
    path: '/flows/:selector/reset',
    summary: 'Drop customisations and follow the universal flow again',
    ...resetFlow,
  },
  apply: {
    method: 'POST',
    path: '/flows/:selector/apply',
    summary: 'Apply a universal flow to integrations',
    access: 'admin',
    body: z.object({ integrationKeys: z.array(z.string()).min(1).max(1000) }),
    answer: z.array(Flow),
    status: 201,
    refusals: ['not_found', 'ambiguous_selector', 'archived'],
  },
  clone: {
    method: 'POST',
    path: '/flows/:selector/clone',
    summary: 'A copy under a new key',
    ...adminFlow,
    status: 201,
  },
  export: {
    method: 'GET',
    path: '/flows/:selector/export',
    summary: 'What you defined, without what belongs to this installation',
    access: 'admin',
    answer: FlowInput,
    refusals: ['not_found', 'ambiguous_selector'],
  },
  updateInstances: {
    method: 'POST',
    path: '/flows/:selector/update-instances',
    summary: 'Bring all its instances to the newest revision, keeping what they customised',
    access: 'admin',
    answer: z.object({ updated: z.number().int() }),
    refusals: ['not_found', 'ambiguous_selector'],
  },
  run: {
    method: 'POST',
    path: '/flows/:selector/run',
    summary: 'Start a run of the calling customer’s instance (autoCreate makes it)',
    access: 'customer',
    query: FlowInstanceSelector,
    body: RunFlowInput,
    answer: FlowRunRef,
    status: 201,
    refusals: ['not_found', 'ambiguous_selector', 'archived', 'invalid_flow'],
  },
  getByQuery: { method: 'GET', path: '/flow', summary: 'One flow, selected in the query', ...oneFlow },
  putByQuery: { method: 'PUT', path: '/flow', summary: 'Change the selected flow', ...changeFlow },
  patchByQuery: { method: 'PATCH', path: '/flow', summary: 'Change some fields of the selected flow', ...changeFlow },
  archiveByQuery: { method: 'DELETE', path: '/flow', summary: 'Archive the selected flow', ...adminFlow, answer: null },
  restoreByQuery: { method: 'POST', path: '/flow/restore', summary: 'Undo archiving', ...restoreFlow },
  resetByQuery: { method: 'POST', path: '/flow/reset', summary: 'Drop customisations', ...resetFlow },
  listOfIntegration: {
    method: 'GET',
    path: '/integrations/:integrationSelector/flows',
    summary: 'Flows of one integration',
    access: 'customer',
    query: flowListQuery,
    answer: listOf(Flow),
    refusals: ['not_found'],
  },
  createOfIntegration: {
    method: 'POST',
    path: '/integrations/:integrationSelector/flows',
    summary: 'Create a flow of one integration',
    access: 'admin',
    body: FlowInput,
    answer: Flow,
    status: 201,
    refusals: ['already_exists', 'invalid_flow', 'not_found', 'ambiguous_selector'],
  },
  getOfIntegration: {
    method: 'GET',
    path: '/integrations/:integrationSelector/flows/:selector',
    summary: 'One flow of one integration',
    ...flowOfIntegration,
  },
  putOfIntegration: {
    method: 'PUT',
    path: '/integrations/:integrationSelector/flows/:selector',
    summary: 'Change a flow of one integration',
    ...changeOfIntegration,
  },
  patchOfIntegration: {
    method: 'PATCH',
    path: '/integrations/:integrationSelector/flows/:selector',
    summary: 'Change some fields of it',
    ...changeOfIntegration,
  },
  archiveOfIntegration: {
    method: 'DELETE',
    path: '/integrations/:integrationSelector/flows/:selector',
    summary: 'Archive it',
    ...adminOfIntegration,
    answer: null,
    refusals: ['not_found'],
  },
  resetOfIntegration: {
    method: 'POST',
    path: '/integrations/:integrationSelector/flows/:selector/reset',
    summary: 'Drop its customisations',
    ...adminOfIntegration,
  },
} as const satisfies EndpointTable

const oneInstance = { access: 'customer', answer: FlowInstance, refusals: ['not_found'] } as const
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
const restoreInstance = { ...oneInstance, refusals: ['not_found', 'already_exists'] } as const

/** Selecting may make the instance (`autoCreate`), so it may also refuse to. */
const byQuery = { query: FlowInstanceSelector } as const
const selecting = { ...byQuery, refusals: ['not_found', 'ambiguous_selector', 'archived'] } as const

export const flowInstances = {
  list: {
    method: 'GET',
    path: '/flow-instances',
    summary: 'Flow instances, newest first',
    access: 'customer',
    query: z.object({
      ...elementListQuery,
      flowId: z.string().optional(),
      flowKey: z.string().optional(),
      universalFlowId: z.string().optional(),
      enabled: QueryBoolean.optional(),
      connectionId: z.string().optional(),
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
  get: { method: 'GET', path: '/flow-instances/:id', summary: 'One instance', ...oneInstance },
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
    refusals: ['not_found', 'ambiguous_selector', 'already_exists'],
  },
} as const satisfies EndpointTable
