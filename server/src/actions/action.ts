import type { ActionType, ErrorData, Action as WireAction } from '@permea/contract'
import type { z } from 'zod'
import type { Element } from '../api/elements.ts'
import { type Connection, embeddedConnection } from '../connections/connection.ts'
import { type Customer, customerAnswer } from '../customers/customer.ts'
import { type Integration, integrationAnswer } from '../integrations/integration.ts'
import { toWire } from '../platform/ids.ts'

type Json = Record<string, unknown>

/** What an action does: the part that a narrower action takes over from its parent until it is customized. */
export interface ActionContent {
  name: string
  description: string | null
  type: ActionType
  config: Json | null
  inputSchema: Json | boolean | null
  outputMapping: unknown
  customOutputSchema: Json | boolean | null
  /** Secrets that stand in `config` and `outputMapping`, which are kept here as they are shown; null where none does. */
  secretsSealed: string | null
}

/** An action: universal (no integration), of one integration, or of one connection. */
export interface Action extends Element, ActionContent {
  workspaceId: string
  /** Of a connection's action too. */
  integrationId: string | null
  connectionId: string | null
  /** Whose the connection is. */
  customerId: string | null
  parentId: string | null
  /** '' where none was given. */
  instanceKey: string
  /** Whether the content is its own; else it follows the parent's. */
  isCustomized: boolean
}

export type ActionLayer = 'universal' | 'integration' | 'connection'

export function actionLayerOf(action: Pick<Action, 'integrationId' | 'connectionId'>): ActionLayer {
  return action.connectionId !== null ? 'connection' : action.integrationId !== null ? 'integration' : 'universal'
}

export function contentOf(action: ActionContent): ActionContent {
  const { name, description, type, config, inputSchema, outputMapping, customOutputSchema, secretsSealed } = action
  return { name, description, type, config, inputSchema, outputMapping, customOutputSchema, secretsSealed }
}

export interface ActionBeside {
  integration: Integration | undefined
  connection: Connection | undefined
  customer: Customer | undefined
  /** The universal action at the top of its chain. */
  universalId: string | null
  errors: readonly ErrorData[]
  /** What is not filled in yet: with the vendor no error of the definition. */
  incomplete: readonly ErrorData[]
  now: Date
}

export function actionAnswer(action: Action, beside: ActionBeside): z.input<typeof WireAction> {
  const { integration, connection, customer } = beside
  const customerId = action.customerId === null ? undefined : toWire('cus', action.customerId)
  return {
    id: toWire('act', action.id),
    uuid: action.uuid,
    key: action.key,
    name: action.name,
    description: action.description ?? undefined,
    meta: action.meta ?? undefined,
    revision: action.revision,
    createdAt: action.createdAt.toISOString(),
    updatedAt: action.updatedAt.toISOString(),
    archivedAt: action.archivedAt?.toISOString(),
    layer: actionLayerOf(action),
    type: action.type,
    config: action.config ?? undefined,
    inputSchema: action.inputSchema ?? undefined,
    outputMapping: action.outputMapping ?? undefined,
    customOutputSchema: action.customOutputSchema ?? undefined,
    outputSchema: action.customOutputSchema ?? undefined,
    integrationId: action.integrationId === null ? undefined : toWire('int', action.integrationId),
    integrationKey: integration?.key,
    connectionId: action.connectionId === null ? undefined : toWire('con', action.connectionId),
    instanceKey: action.instanceKey === '' ? undefined : action.instanceKey,
    parentId: action.parentId === null ? undefined : toWire('act', action.parentId),
    universalParentId: beside.universalId === null ? undefined : toWire('act', beside.universalId),
    isUniversal: actionLayerOf(action) === 'universal',
    isCustomized: action.parentId !== null && action.isCustomized,
    state: beside.errors.length === 0 ? 'READY' : 'CONFIGURATION_ERROR',
    errors: beside.errors.length === 0 ? undefined : [...beside.errors],
    incomplete: beside.incomplete.length === 0 ? undefined : [...beside.incomplete],
    userId: customerId,
    tenantId: customerId,
    integration: integration === undefined ? undefined : integrationAnswer(integration),
    connection: connection === undefined ? undefined : embeddedConnection(connection),
    user: customer === undefined ? undefined : customerAnswer(customer, beside.now),
  }
}
