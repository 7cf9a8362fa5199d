import type { FlowInstanceSelector } from '@permea/contract'
import type { z } from 'zod'
import type { Principal } from '../api/principal.ts'
import { Refusal } from '../api/refusal.ts'
import type { Connection } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import type { Customers } from '../customers/registry.ts'
import { toWire } from '../platform/ids.ts'
import type { Flow } from './flow.ts'
import type { Flows } from './flows.ts'

/** Where an instance is, or would be. */
export interface InstanceLocation {
  /** Null for an instance that stands alone. */
  flow: Flow | null
  connection: Connection | null
  /** Rather than found by its integration. */
  isConnectionNamed: boolean
  integrationId: string | null
  /** Null where an admin names nobody. */
  customerId: string | null
}

/** What says where an instance is. */
interface LocationQuery {
  userId?: string | null | undefined
  tenantId?: string | null | undefined
  connectionId?: string | null | undefined
  connectionKey?: string | null | undefined
  integrationId?: string | null | undefined
  integrationKey?: string | null | undefined
}

/**
 * Which flow, whose, and on which connection: one that is named, or the customer's connection for the integration that
 * is named or that the flow is of. A universal flow for which that integration has a flow of its own means that one.
 */
export type Locate = (
  principal: Principal,
  query: LocationQuery,
  flowSelector: string | null,
) => Promise<InstanceLocation>

export function createLocating(options: {
  flows: Flows
  customers: Pick<Customers, 'find'>
  connections: Pick<Connections, 'find'>
}): Locate {
  const { connections, customers, flows } = options

  /** The customer's connection to an integration, where there is one. */
  async function connectionTo(
    principal: Principal,
    integrationId: string | null,
    onBehalfOf: { userId?: string },
  ): Promise<Connection | null> {
    if (integrationId === null) return null
    try {
      return await connections.find(principal, toWire('int', integrationId), onBehalfOf)
    } catch (error) {
      if (error instanceof Refusal && error.key === 'not_found') return null
      throw error
    }
  }

  return async (principal, query, flowSelector) => {
    const user = givenText(query.userId) ?? givenText(query.tenantId)
    const onBehalfOf = user === null ? {} : { userId: user }
    const customerId = user === null ? principal.customerId : (await customers.find(principal, user)).id
    const integration = await flows.integrationOf(principal, {
      integrationId: givenText(query.integrationId) ?? undefined,
      integrationKey: givenText(query.integrationKey) ?? undefined,
    })
    const selector = givenText(query.connectionId) ?? givenText(query.connectionKey)
    const named = selector === null ? null : await connections.find(principal, selector, onBehalfOf)
    const narrowedTo = named?.integrationId ?? integration?.id ?? null
    const narrowing = narrowedTo === null ? {} : { integrationId: toWire('int', narrowedTo) }
    const found = flowSelector === null ? null : await flows.find(principal, flowSelector, narrowing)
    const appId = integration?.id ?? found?.integrationId ?? null
    const connection = named ?? (customerId === null ? null : await connectionTo(principal, appId, onBehalfOf))
    const flow = found === null ? null : await flows.narrowest(found, connection?.integrationId ?? null)
    if (flow !== null && connection !== null) refuseOtherApp(flow, connection)
    return {
      flow,
      connection,
      isConnectionNamed: named !== null,
      integrationId: connection?.integrationId ?? flow?.integrationId ?? integration?.id ?? null,
      customerId: connection?.customerId ?? customerId,
    }
  }
}

/** What a query or body says, null where it says nothing. */
export function givenText(text: string | null | undefined): string | null {
  return text === undefined || text === null || text === '' ? null : text
}

function refuseOtherApp(flow: Flow, connection: Connection): void {
  if (flow.integrationId === null || flow.integrationId === connection.integrationId) return
  throw new Refusal('invalid_input', 'the flow is of another integration than the connection', {
    problems: [{ field: 'connectionId', message: 'a connection to another integration' }],
  })
}

/** The flow that a selector of an instance names. */
export function flowSelectorOf(selector: z.output<typeof FlowInstanceSelector>): string {
  const flowSelector = selector.flowId ?? selector.flowKey ?? selector.parentId ?? selector.parentKey
  if (flowSelector === undefined) {
    throw new Refusal('invalid_input', 'give id, flowId or flowKey', {
      problems: [{ field: 'id', message: 'required' }],
    })
  }
  return flowSelector
}

/** A filter that every instance of the workspace passes. */
export function anyInstance(principal: Principal) {
  return {
    workspaceId: principal.workspaceId,
    customerId: null,
    id: null,
    flowId: null,
    universalFlowId: null,
    integrationId: null,
    connectionId: null,
    instanceKey: null,
    isEnabled: null,
    search: null,
    includeArchived: false,
  }
}
