import { z } from 'zod'
import type { EndpointTable } from './endpoint.ts'
import { ErrorData } from './errors.ts'
import { Integration } from './integrations.ts'
import {
  ElementDependency,
  ElementState,
  elementInput,
  elementListQuery,
  elementOutput,
  JsonSchema,
  listOf,
  Meta,
  paging,
  QueryBoolean,
  Timestamp,
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
    inputSchema: JsonSchema.nullish(),
    outputSchema: JsonSchema.nullish(),
    outputExample: z.unknown().optional(),
    links: z.array(FlowNodeLink).max(100).nullish(),
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

/** As much of a connection as is shown beside what belongs to it. */
export const EmbeddedConnection = z
  .object({
    id: z.string(),
    key: z.string().optional(),
    name: z.string(),
    userId: z.string(),
    tenantId: z.string(),
    integrationId: z.string().optional(),
    connected: z.boolean(),
    disconnected: z.boolean(),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: 'EmbeddedConnection' })

/** What flows and their instances answer with alike. */
export const flowOutput = {
  ...elementOutput,
  state: ElementState.optional(),
  errors: z.array(ErrorData).optional(),
  /** What is not filled in yet: it is refused when it is enabled or run, and no error of the definition. */
  incomplete: z.array(ErrorData).optional(),
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

export const FlowInput = z.object({
  ...elementInput,
  integrationId: z.string().nullish(),
  integrationKey: z.string().nullish(),
  universalFlowId: z.string().nullish(),
  parentId: z.string().nullish(),
  /** What exports of others hold beside ids of theirs. */
  integrationUuid: z.string().nullish(),
  integration: z.unknown().optional(),
  parentUuid: z.string().nullish(),
  parametersSchema: JsonSchema.nullish(),
  parameters: Meta.nullish(),
  enabled: z.boolean().optional(),
  ordered: z.boolean().optional(),
  concurrency: z.number().int().min(1).max(100).nullish(),
  nodes: FlowNodes.nullish(),
  autoCreateInstances: z.boolean().optional(),
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
  connectionKey: z.string().optional(),
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
  connectionKey: z.string().optional(),
  instanceKey: z.string().optional(),
  userId: z.string().optional(),
  tenantId: z.string().optional(),
})

/** The nodes that a flow had from `createdAt` on, until the next version. */
export const FlowVersion = z
  .object({
    number: z.number().int(),
    createdAt: Timestamp,
    /** The name of who made it, or the kind of key; missing in versions older than the record of it. */
    changedBy: z.string().optional(),
    isCurrent: z.boolean(),
    nodes: FlowNodes,
  })
  .meta({ id: 'FlowVersion' })

const oneFlow = {
  access: 'customer',
  needs: 'customers',
  query: FlowSelectorQuery,
  answer: Flow,
  refusals: ['not_found', 'ambiguous_selector'],
} as const
const changeFlow = {
  access: 'admin',
  needs: 'define',
  query: FlowSelectorQuery,
  body: FlowInput,
  answer: Flow,
  refusals: ['not_found', 'ambiguous_selector', 'already_exists', 'archived', 'invalid_flow'],
} as const
const adminFlow = { ...oneFlow, access: 'admin' } as const

const resetFlow = { ...adminFlow, refusals: [...adminFlow.refusals, 'archived'] } as const
const restoreFlow = { ...adminFlow, refusals: [...adminFlow.refusals, 'already_exists'] } as const

const flowOfIntegration = { access: 'customer', needs: 'customers', answer: Flow, refusals: ['not_found'] } as const
const changeOfIntegration = {
  access: 'admin',
  needs: 'define',
  body: FlowInput,
  answer: Flow,
  refusals: ['not_found', 'already_exists', 'archived', 'invalid_flow'],
} as const
const adminOfIntegration = {
  access: 'admin',
  needs: 'define',
  answer: Flow,
  refusals: ['not_found', 'archived'],
} as const

export const FlowRunRef = z.lazy(() => z.looseObject({ id: z.string(), state: z.string() }))

export const flows = {
  list: {
    method: 'GET',
    path: '/flows',
    summary: 'Flows, universal and of integrations',
    access: 'customer',
    needs: 'read',
    query: flowListQuery,
    answer: listOf(Flow),
    refusals: ['not_found', 'ambiguous_selector'],
  },
  create: {
    method: 'POST',
    path: '/flows',
    summary: 'Create a flow',
    access: 'admin',
    needs: 'define',
    body: FlowInput,
    answer: Flow,
    status: 201,
    refusals: ['already_exists', 'invalid_flow', 'not_found', 'ambiguous_selector', 'quota_reached'],
  },
  get: {
    method: 'GET',
    path: '/flows/:selector',
    summary: 'One flow, by id, key or integrationKey.key',
    ...oneFlow,
    needs: 'read',
  },
  put: { method: 'PUT', path: '/flows/:selector', summary: 'Change a flow', ...changeFlow },
  patch: { method: 'PATCH', path: '/flows/:selector', summary: 'Change some fields of a flow', ...changeFlow },
  archive: {
    method: 'DELETE',
    path: '/flows/:selector',
    summary: 'Archive a flow and its instances',
    ...adminFlow,
    answer: null,
    needs: 'define',
  },
  restore: {
    method: 'POST',
    path: '/flows/:selector/restore',
    summary: 'Undo archiving of the flow (its instances stay archived)',
    ...restoreFlow,
    needs: 'define',
  },
  reset: {
    method: 'POST',
    path: '/flows/:selector/reset',
    summary: 'Drop customisations and follow the universal flow again',
    ...resetFlow,
    needs: 'define',
  },
  apply: {
    method: 'POST',
    path: '/flows/:selector/apply',
    summary: 'Apply a universal flow to integrations',
    access: 'admin',
    needs: 'define',
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
    needs: 'define',
  },
  refresh: {
    method: 'POST',
    path: '/flows/:selector/refresh',
    summary: 'Look again at how it stands',
    ...adminFlow,
    needs: 'define',
  },
  versions: {
    method: 'GET',
    path: '/flows/:selector/versions',
    summary: 'What nodes it had, and since when; newest first',
    access: 'admin',
    needs: 'read',
    query: z.object(paging),
    answer: listOf(FlowVersion),
    refusals: ['not_found', 'ambiguous_selector'],
  },
  restoreVersion: {
    method: 'POST',
    path: '/flows/:selector/versions/:number/restore',
    summary: 'Give it the nodes again that it had, as a new version',
    access: 'admin',
    needs: 'define',
    answer: Flow,
    refusals: ['not_found', 'ambiguous_selector', 'archived', 'invalid_flow'],
  },
  dependencies: {
    method: 'GET',
    path: '/flows/:selector/dependencies',
    summary: 'What it hangs on: the flow that it follows, its integration, and what its nodes name',
    ...oneFlow,
    answer: z.array(ElementDependency),
    needs: 'read',
  },
  nodeSchemas: {
    method: 'GET',
    path: '/flows/:selector/node-schemas',
    summary: 'What each node that works with records takes and puts out, as JSON Schemas, by its key',
    ...oneFlow,
    query: FlowSelectorQuery.extend({ connectionId: z.string().optional() }),
    answer: z.record(z.string(), z.object({ inputSchema: JsonSchema.optional(), outputSchema: JsonSchema.optional() })),
    needs: 'read',
  },
  export: {
    method: 'GET',
    path: '/flows/:selector/export',
    summary: 'What you defined, without what belongs to this installation',
    access: 'admin',
    needs: 'read',
    answer: FlowInput,
    refusals: ['not_found', 'ambiguous_selector'],
  },
  updateInstances: {
    method: 'POST',
    path: '/flows/:selector/update-instances',
    summary: 'Bring all its instances to the newest revision, keeping what they customised',
    access: 'admin',
    needs: 'define',
    answer: z.object({ updated: z.number().int() }),
    refusals: ['not_found', 'ambiguous_selector'],
  },
  run: {
    method: 'POST',
    path: '/flows/:selector/run',
    summary: 'Start a run of the calling customer’s instance (autoCreate makes it)',
    access: 'customer',
    needs: 'test',
    query: FlowInstanceSelector,
    body: RunFlowInput,
    takesData: true,
    answer: FlowRunRef,
    status: 201,
    refusals: ['not_found', 'ambiguous_selector', 'archived', 'invalid_flow'],
  },
  getByQuery: { method: 'GET', path: '/flow', summary: 'One flow, selected in the query', ...oneFlow, needs: 'read' },
  putByQuery: { method: 'PUT', path: '/flow', summary: 'Change the selected flow', ...changeFlow },
  patchByQuery: { method: 'PATCH', path: '/flow', summary: 'Change some fields of the selected flow', ...changeFlow },
  archiveByQuery: {
    method: 'DELETE',
    path: '/flow',
    summary: 'Archive the selected flow',
    ...adminFlow,
    answer: null,
    needs: 'define',
  },
  restoreByQuery: { method: 'POST', path: '/flow/restore', summary: 'Undo archiving', ...restoreFlow, needs: 'define' },
  resetByQuery: { method: 'POST', path: '/flow/reset', summary: 'Drop customisations', ...resetFlow, needs: 'define' },
  listOfIntegration: {
    method: 'GET',
    path: '/integrations/:integrationSelector/flows',
    summary: 'Flows of one integration',
    access: 'customer',
    needs: 'read',
    query: flowListQuery,
    answer: listOf(Flow),
    refusals: ['not_found'],
  },
  createOfIntegration: {
    method: 'POST',
    path: '/integrations/:integrationSelector/flows',
    summary: 'Create a flow of one integration',
    access: 'admin',
    needs: 'define',
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
    needs: 'read',
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
