import type { ErrorData, FlowNodes, Flow as WireFlow, FlowInstance as WireInstance } from '@permea/contract'
import type { z } from 'zod'
import type { Element } from '../api/elements.ts'
import { type Connection, embeddedConnection } from '../connections/connection.ts'
import { type Customer, customerAnswer } from '../customers/customer.ts'
import { isRecord } from '../formulas/coercion.ts'
import { type Integration, integrationAnswer } from '../integrations/integration.ts'
import { toWire } from '../platform/ids.ts'
import { shownParameters } from './parameter-secrets.ts'

/** What a definition and an instance have in common: nodes of their own, or those of a parent with some changed. */
export interface FlowContent {
  /** The parent's nodes as they were taken over; null where there is no parent. */
  baseVersionId: string | null
  /**
   * Own nodes laid over the base; null for a node of the base that was taken out. No map: nothing is changed. Without
   * the secrets in them, which the version has.
   */
  customNodes: Record<string, FlowNodes[string] | null> | null
  isNameCustomized: boolean
  /** The nodes that count. */
  versionId: string
}

/** A universal flow, or a flow of one integration. */
export interface Flow extends Element, FlowContent {
  workspaceId: string
  integrationId: string | null
  universalFlowId: string | null
  parametersSchema: Record<string, unknown> | boolean | null
  parameters: Record<string, unknown> | null
  isEnabled: boolean
  autoCreateInstances: boolean
  isOrdered: boolean
  concurrency: number | null
  universalFlowRevision: string | null
}

/** A flow of one customer. */
export interface FlowInstance extends Omit<Element, 'key'>, FlowContent {
  workspaceId: string
  customerId: string
  connectionId: string | null
  integrationId: string | null
  flowId: string | null
  universalFlowId: string | null
  /** '' where none was given. */
  instanceKey: string
  key: string | null
  parameters: Record<string, unknown> | null
  isEnabled: boolean
  isOrdered: boolean
  concurrency: number | null
  flowRevision: string | null
  universalFlowRevision: string | null
  state: 'READY' | 'SETUP_FAILED' | 'CONFIGURATION_ERROR'
  errors: ErrorData[] | null
}

/** Flow runs of one instance at the same time where nothing else is said. */
export const CONCURRENCY_DEFAULT = 32

/** Keys of a node that the engine writes and nobody edits. */
const READ_ONLY_KEYS = ['isCustomized', 'state', 'errors', 'incomplete', 'dependencies']

export function withoutReadOnly(nodes: FlowNodes): FlowNodes {
  return Object.fromEntries(
    Object.entries(nodes).map(([key, node]) => [
      key,
      Object.fromEntries(Object.entries(node).filter(([name]) => !READ_ONLY_KEYS.includes(name))) as FlowNodes[string],
    ]),
  )
}

/** The nodes of a parent with the own ones laid over them. */
export function laidOver(base: FlowNodes, custom: FlowContent['customNodes']): FlowNodes {
  if (custom === null) return base
  const nodes: FlowNodes = { ...base }
  for (const [key, node] of Object.entries(custom)) {
    if (node === null) delete nodes[key]
    else nodes[key] = node
  }
  return nodes
}

/** Which of these nodes differ from the parent's; null where none does. */
export function customOf(base: FlowNodes, nodes: FlowNodes): FlowContent['customNodes'] {
  const custom: Record<string, FlowNodes[string] | null> = {}
  for (const [key, node] of Object.entries(nodes)) {
    if (JSON.stringify(base[key]) !== JSON.stringify(node)) custom[key] = node
  }
  for (const key of Object.keys(base)) if (!(key in nodes)) custom[key] = null
  return Object.keys(custom).length === 0 ? null : custom
}

function contentAnswer(content: FlowContent, nodes: FlowNodes) {
  const keys = Object.keys(content.customNodes ?? {})
  const shown: FlowNodes = Object.fromEntries(
    Object.entries(nodes).map(([key, node]) => [key, keys.includes(key) ? { ...node, isCustomized: true } : node]),
  )
  const isCustomized = content.baseVersionId !== null && (keys.length > 0 || content.isNameCustomized)
  return {
    nodes: shown,
    isCustomized,
    ...(isCustomized
      ? {
          customized: {
            ...(content.isNameCustomized ? { name: true } : {}),
            ...(keys.length > 0 ? { nodes: true } : {}),
          },
        }
      : {}),
  }
}

function elementAnswer(element: Omit<Element, 'key'> & { key: string | null }) {
  return {
    uuid: element.uuid,
    key: element.key ?? undefined,
    name: element.name,
    description: element.description ?? undefined,
    meta: element.meta ?? undefined,
    revision: element.revision,
    createdAt: element.createdAt.toISOString(),
    updatedAt: element.updatedAt.toISOString(),
    archivedAt: element.archivedAt?.toISOString(),
  }
}

export interface FlowBeside {
  nodes: FlowNodes
  /** The parent's nodes version now; differs from `baseVersionId` where the parent moved on. */
  parentVersionId: string | null
  integration: Integration | undefined
  /** Of a definition: what is not there yet. */
  incomplete: readonly ErrorData[]
  /** What is wrong with its integration. */
  trouble: ErrorData | undefined
}

/**
 * A form that is not filled in is no error of a definition, as with the vendor: the flow is ready, and says what is to be
 * filled in. A secret that is shown and not there is one.
 *
 * @source wire data facts 8.1
 */
function stateOf(
  missing: readonly ErrorData[],
  trouble: ErrorData | undefined,
): Pick<z.input<typeof WireFlow>, 'state' | 'errors' | 'incomplete'> {
  const isSecret = ({ data }: ErrorData) => isRecord(data) && data.isSecret === true
  const errors = [...missing.filter(isSecret), ...(trouble === undefined ? [] : [trouble])]
  const incomplete = missing.filter((each) => !isSecret(each))
  return {
    state: errors.length === 0 ? 'READY' : 'CONFIGURATION_ERROR',
    ...(errors.length === 0 ? {} : { errors }),
    ...(incomplete.length === 0 ? {} : { incomplete }),
  }
}

export function flowAnswer(flow: Flow, beside: FlowBeside): z.input<typeof WireFlow> {
  return {
    id: flowWireId(flow),
    ...elementAnswer(flow),
    layer: flow.integrationId === null ? 'universal' : 'integration',
    ...stateOf(beside.incomplete, beside.trouble),
    ...integrationFields(flow.integrationId, beside.integration),
    parentId: flow.universalFlowId === null ? undefined : toWire('uf', flow.universalFlowId),
    universalFlowId: flow.universalFlowId === null ? undefined : toWire('uf', flow.universalFlowId),
    universalFlowRevision: flow.universalFlowRevision ?? undefined,
    parametersSchema: flow.parametersSchema ?? undefined,
    parameters: shownParameters(flow.parameters) ?? undefined,
    enabled: flow.isEnabled,
    ordered: flow.isOrdered,
    concurrency: flow.concurrency ?? undefined,
    autoCreateInstances: flow.autoCreateInstances,
    ...contentAnswer(flow, beside.nodes),
    outdated: isOutdated(flow, beside.parentVersionId),
  }
}

export function instanceAnswer(
  instance: FlowInstance,
  beside: Omit<FlowBeside, 'trouble'> & {
    customer: Customer | undefined
    connection: Connection | undefined
    flow: z.input<typeof WireFlow> | undefined
    now: Date
  },
): z.input<typeof WireInstance> {
  const customerId = toWire('cus', instance.customerId)
  return {
    id: toWire('cf', instance.id),
    ...elementAnswer(instance),
    layer: 'connection',
    state: instance.state,
    errors: instance.errors ?? undefined,
    ...integrationFields(instance.integrationId, beside.integration),
    userId: customerId,
    tenantId: customerId,
    connectionId: instance.connectionId === null ? undefined : toWire('con', instance.connectionId),
    instanceKey: instance.instanceKey === '' ? undefined : instance.instanceKey,
    flowId: beside.flow?.id,
    parentId: beside.flow?.id,
    flowRevision: instance.flowRevision ?? undefined,
    universalFlowId: instance.universalFlowId === null ? undefined : toWire('uf', instance.universalFlowId),
    universalFlowRevision: instance.universalFlowRevision ?? undefined,
    parameters: shownParameters(instance.parameters) ?? undefined,
    enabled: instance.isEnabled,
    ordered: instance.isOrdered,
    concurrency: instance.concurrency ?? undefined,
    ...contentAnswer(instance, beside.nodes),
    outdated: isOutdated(instance, beside.parentVersionId),
    user: beside.customer === undefined ? undefined : customerAnswer(beside.customer, beside.now),
    flow: beside.flow,
    connection: beside.connection === undefined ? undefined : embeddedConnection(beside.connection),
  }
}

function integrationFields(integrationId: string | null, integration: Integration | undefined) {
  if (integrationId === null) return {}
  return {
    integrationId: toWire('int', integrationId),
    ...(integration === undefined
      ? {}
      : { integrationKey: integration.key, integration: integrationAnswer(integration) }),
  }
}

function isOutdated(content: FlowContent, parentVersionId: string | null): boolean {
  return content.baseVersionId !== null && parentVersionId !== null && content.baseVersionId !== parentVersionId
}

export function flowWireId(flow: { id: string; integrationId: string | null }): string {
  return toWire(flow.integrationId === null ? 'uf' : 'if', flow.id)
}
