import type { FlowInstanceInput, FlowInstanceSelector, FlowNodes } from '@permea/contract'
import type { z } from 'zod'
import { refusingTakenKey } from '../api/elements.ts'
import type { Page } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import type { Customers } from '../customers/registry.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import { fromWire, type Ids, NO_ID, type Prefix, secretUuid } from '../platform/ids.ts'
import type { Definitions } from './definitions.ts'
import type { Flow, FlowInstance } from './flow.ts'
import type { Flows } from './flows.ts'
import type { Setup } from './setup.ts'
import {
  flowById,
  insertInstance,
  instanceById,
  instancesOfFlow,
  listInstances,
  lockInstance,
  updateInstance,
} from './store.ts'

type Input = z.output<typeof FlowInstanceInput>
type Selector = z.output<typeof FlowInstanceSelector>

/** What instances are looked for by; customers and flows by id or key. */
export interface ListQuery {
  userId?: string | undefined
  tenantId?: string | undefined
  flowId?: string | undefined
  flowKey?: string | undefined
  universalFlowId?: string | undefined
  integrationId?: string | undefined
  integrationKey?: string | undefined
  connectionId?: string | undefined
  instanceKey?: string | undefined
  enabled?: boolean | undefined
  search?: string | undefined
  includeArchived?: boolean | undefined
}

export interface InstancesOptions {
  database: Database
  clock: Clock
  ids: Ids
  definitions: Definitions
  setup: Setup
  flows: Flows
  customers: Customers
}

/** Flows of customers: made, changed, enabled and disabled with all that follows. */
export interface Instances {
  byId(principal: Principal, selector: string): Promise<FlowInstance>
  /** The living one that a query selects; made where it is missing and `autoCreate` asks for it. */
  select(principal: Principal, selector: Selector): Promise<FlowInstance>
  /** The same for restoring: where none lives, the one that was made last. */
  selectArchived(principal: Principal, selector: Selector): Promise<FlowInstance>
  /** A page of those that the token may see. */
  list(principal: Principal, query: ListQuery, page: Page): Promise<FlowInstance[]>
  create(principal: Principal, input: Input): Promise<FlowInstance>
  /** Made of a flow for a customer, in the caller's transaction. */
  createFrom(tx: Tx, flow: Flow, customerId: string): Promise<FlowInstance>
  change(instance: FlowInstance, input: Input): Promise<FlowInstance>
  archive(instance: FlowInstance): Promise<void>
  restore(instance: FlowInstance): Promise<FlowInstance>
  setup(instance: FlowInstance): Promise<FlowInstance>
  updateToLatest(instance: FlowInstance): Promise<FlowInstance>
  reset(
    instance: FlowInstance,
    what: { name?: boolean | undefined; nodes?: Record<string, boolean> | undefined; allNodes?: boolean | undefined },
  ): Promise<FlowInstance>
  /** Brings every instance of a flow up to date; gives how many were changed. */
  updateAllOf(flow: Flow): Promise<number>
  archiveAllOf(flow: Flow): Promise<void>
}

export function createInstances(options: InstancesOptions): Instances {
  return new InstanceRegistry(options)
}

const PAGE = 200

class InstanceRegistry implements Instances {
  readonly #o: InstancesOptions

  constructor(options: InstancesOptions) {
    this.#o = options
  }

  async byId(principal: Principal, selector: string): Promise<FlowInstance> {
    const id = fromWire('cf', selector)
    const instance = id === null ? null : await instanceById(this.#o.database.db, principal.workspaceId, id)
    if (instance === null || !(principal.isAdmin || instance.customerId === principal.customerId))
      throw notFound('flow instance', selector)
    return instance
  }

  async select(principal: Principal, selector: Selector): Promise<FlowInstance> {
    if (selector.id !== undefined) return this.byId(principal, selector.id)
    const found = await this.#find(principal, selector, false)
    if (found !== null) return selector.autoUpdate === true ? this.updateToLatest(found) : found
    if (selector.autoCreate !== true) throw notFound('flow instance of', flowSelectorOf(selector))
    try {
      return await this.create(principal, {
        flowId: flowSelectorOf(selector),
        integrationId: selector.integrationId,
        integrationKey: selector.integrationKey,
        userId: selector.userId ?? selector.tenantId,
        instanceKey: selector.instanceKey,
      })
    } catch (error) {
      // Somebody else made it at the same moment: then it is that one.
      const made =
        error instanceof Refusal && error.key === 'already_exists' ? await this.#find(principal, selector, false) : null
      if (made === null) throw error
      return made
    }
  }

  async selectArchived(principal: Principal, selector: Selector): Promise<FlowInstance> {
    if (selector.id !== undefined) return this.byId(principal, selector.id)
    const found = (await this.#find(principal, selector, false)) ?? (await this.#find(principal, selector, true))
    if (found === null) throw notFound('flow instance of', flowSelectorOf(selector))
    return found
  }

  async #find(principal: Principal, selector: Selector, includeArchived: boolean): Promise<FlowInstance | null> {
    refuseConnection(selector.connectionId)
    const flow = await this.#o.flows.find(principal, flowSelectorOf(selector), {
      integrationId: selector.integrationId,
      integrationKey: selector.integrationKey,
    })
    const named = selector.userId ?? selector.tenantId
    const customerId = named === undefined ? principal.customerId : (await this.#o.customers.find(principal, named)).id
    // A token of the workspace that is not an admin's sees nobody's.
    if (customerId === null && !principal.isAdmin) return null
    const instanceKey = selector.instanceKey ?? ''
    const filter = { ...anyInstance(principal), customerId, flowId: flow.id, instanceKey, includeArchived }
    const found = await listInstances(this.#o.database.db, filter, { limit: 100, before: null })
    if (found.some((each) => each.customerId !== found[0]?.customerId))
      throw new Refusal('ambiguous_selector', 'several customers have an instance of this flow: give userId')
    return found[0] ?? null
  }

  async list(principal: Principal, query: ListQuery, page: Page): Promise<FlowInstance[]> {
    if (!principal.isAdmin && principal.customerId === null) return []
    const { flows, customers, database } = this.#o
    const named = query.userId ?? query.tenantId
    const own = principal.isAdmin ? null : principal.customerId
    const flowSelector = query.flowId ?? query.flowKey
    const integration = await flows.integrationOf(principal, query)
    const filter = {
      ...anyInstance(principal),
      customerId: named === undefined ? own : (await customers.find(principal, named)).id,
      flowId: flowSelector === undefined ? null : (await flows.find(principal, flowSelector, query)).id,
      universalFlowId: idOrNone('uf', query.universalFlowId),
      integrationId: integration?.id ?? null,
      connectionId: idOrNone('con', query.connectionId),
      instanceKey: query.instanceKey ?? null,
      isEnabled: query.enabled ?? null,
      search: query.search ?? null,
      includeArchived: query.includeArchived ?? false,
    }
    return listInstances(database.db, filter, page)
  }

  async create(principal: Principal, input: Input): Promise<FlowInstance> {
    refuseConnection(input.connectionId)
    const named = input.userId ?? input.tenantId
    const customerId = named === undefined ? principal.customerId : (await this.#o.customers.find(principal, named)).id
    if (customerId === null) {
      throw new Refusal('invalid_input', 'whose instance: give userId, or use a customer’s token', {
        problems: [{ field: 'userId', message: 'required' }],
      })
    }
    const flowSelector = input.flowId ?? input.flowKey
    const flow =
      flowSelector === undefined || flowSelector === null
        ? null
        : await this.#o.flows.find(principal, flowSelector, {
            integrationId: input.integrationId ?? undefined,
            integrationKey: input.integrationKey ?? undefined,
          })
    if (flow !== null && flow.archivedAt !== null)
      throw new Refusal('archived', `flow ${JSON.stringify(flow.key)} is archived`)
    return this.#o.database.transaction((tx) => this.#insert(tx, principal.workspaceId, customerId, flow, input))
  }

  createFrom(tx: Tx, flow: Flow, customerId: string): Promise<FlowInstance> {
    return this.#insert(tx, flow.workspaceId, customerId, flow, {})
  }

  async change(instance: FlowInstance, input: Input): Promise<FlowInstance> {
    refuseArchived(instance)
    return this.#locked(instance.id, async (tx, current) => {
      const content =
        input.nodes === undefined || input.nodes === null
          ? current
          : await this.#o.definitions.withNodes(tx, current.workspaceId, current, input.nodes)
      return {
        ...current,
        ...contentOf(content),
        key: input.key ?? current.key,
        name: input.name ?? current.name,
        isNameCustomized:
          current.isNameCustomized ||
          (current.flowId !== null && input.name !== undefined && input.name !== current.name),
        description: input.description === undefined ? current.description : input.description,
        meta: input.meta === undefined ? current.meta : input.meta,
        parameters: input.parameters === undefined ? current.parameters : input.parameters,
        isEnabled: input.enabled ?? current.isEnabled,
        isOrdered: input.ordered ?? current.isOrdered,
        concurrency: input.concurrency === undefined ? current.concurrency : input.concurrency,
      }
    })
  }

  async archive(instance: FlowInstance): Promise<void> {
    if (instance.archivedAt !== null) return
    await this.#locked(instance.id, async (_tx, current) => ({
      ...current,
      isEnabled: false,
      archivedAt: this.#o.clock.now(),
    }))
  }

  restore(instance: FlowInstance): Promise<FlowInstance> {
    return refusingTakenKey('flow instance', instance.instanceKey, () =>
      this.#locked(instance.id, async (_tx, current) => ({ ...current, archivedAt: null })),
    )
  }

  async setup(instance: FlowInstance): Promise<FlowInstance> {
    refuseArchived(instance)
    return this.#locked(instance.id, async (_tx, current) => current)
  }

  async updateToLatest(instance: FlowInstance): Promise<FlowInstance> {
    refuseArchived(instance)
    if (instance.flowId === null) return instance
    return this.#locked(instance.id, async (tx, current) => {
      const flow = current.flowId === null ? null : await flowById(tx, current.workspaceId, current.flowId)
      return flow === null ? current : this.#following(tx, current, flow)
    })
  }

  async reset(instance: FlowInstance, what: Parameters<Instances['reset']>[1]): Promise<FlowInstance> {
    refuseArchived(instance)
    if (instance.flowId === null)
      throw new Refusal('invalid_input', 'the instance stands alone: there is no flow to go back to')
    const isEverything = what.name === undefined && what.nodes === undefined && what.allNodes === undefined
    return this.#locked(instance.id, async (tx, current) => {
      const flow = current.flowId === null ? null : await flowById(tx, current.workspaceId, current.flowId)
      if (flow === null) return current
      const kept = Object.entries(current.customNodes ?? {}).filter(
        ([key]) => !(isEverything || what.allNodes === true || what.nodes?.[key] === true),
      )
      const customNodes = kept.length === 0 ? null : Object.fromEntries(kept)
      const resetName = isEverything || what.name === true
      const cleared = { ...current, customNodes, ...(resetName ? { name: flow.name, isNameCustomized: false } : {}) }
      return this.#following(tx, cleared, flow)
    })
  }

  async updateAllOf(flow: Flow): Promise<number> {
    let updated = 0
    for (let after: string | null = null; ; ) {
      const page: FlowInstance[] = await instancesOfFlow(this.#o.database.db, flow.id, after, PAGE)
      for (const instance of page) {
        if (instance.baseVersionId === flow.versionId && instance.flowRevision === flow.revision) continue
        await this.updateToLatest(instance)
        updated += 1
      }
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE) return updated
      after = last.id
    }
  }

  async archiveAllOf(flow: Flow): Promise<void> {
    for (;;) {
      const page = await instancesOfFlow(this.#o.database.db, flow.id, null, PAGE)
      for (const instance of page) await this.archive(instance)
      if (page.length < PAGE) return
    }
  }

  /** The instance on what its flow has now, with its own nodes laid over it. */
  async #following(tx: Tx, current: FlowInstance, flow: Flow): Promise<FlowInstance> {
    const content = await this.#o.definitions.rebased(tx, current.workspaceId, current, flow.versionId)
    return {
      ...current,
      ...contentOf(content),
      name: current.isNameCustomized ? current.name : flow.name,
      isOrdered: flow.isOrdered,
      concurrency: flow.concurrency,
      flowRevision: flow.revision,
      universalFlowRevision: flow.universalFlowId === null ? flow.revision : flow.universalFlowRevision,
    }
  }

  async #insert(
    tx: Tx,
    workspaceId: string,
    customerId: string,
    flow: Flow | null,
    input: Input,
  ): Promise<FlowInstance> {
    const nodes: FlowNodes | null = input.nodes ?? null
    const content =
      flow === null
        ? await this.#o.definitions.own(tx, workspaceId, nodes ?? {})
        : await this.#o.definitions.inheriting(tx, workspaceId, flow.versionId, nodes)
    const now = this.#o.clock.now()
    const instance: FlowInstance = {
      id: this.#o.ids.next(),
      workspaceId,
      customerId,
      connectionId: null,
      integrationId: flow?.integrationId ?? null,
      flowId: flow?.id ?? null,
      universalFlowId: flow === null ? null : flow.integrationId === null ? flow.id : flow.universalFlowId,
      instanceKey: input.instanceKey ?? '',
      uuid: input.uuid ?? secretUuid(),
      key: input.key ?? flow?.key ?? null,
      name: input.name ?? flow?.name ?? 'Flow',
      description: input.description ?? flow?.description ?? null,
      meta: input.meta ?? null,
      parameters: input.parameters ?? flow?.parameters ?? null,
      isEnabled: input.enabled ?? flow?.isEnabled ?? true,
      isOrdered: input.ordered ?? flow?.isOrdered ?? false,
      concurrency: input.concurrency ?? flow?.concurrency ?? null,
      ...contentOf(content),
      isNameCustomized: flow !== null && input.name !== undefined && input.name !== flow.name,
      flowRevision: flow?.revision ?? null,
      universalFlowRevision:
        flow === null ? null : flow.integrationId === null ? flow.revision : flow.universalFlowRevision,
      state: 'READY',
      errors: null,
      revision: secretUuid(),
      createdAt: now,
      updatedAt: now,
      archivedAt: null,
    }
    await refusingTakenKey('flow instance', instance.instanceKey, () => insertInstance(tx, instance))
    const ready = { ...instance, ...(await this.#o.setup(tx, instance)) }
    await updateInstance(tx, ready)
    return ready
  }

  /** Changes one instance under its lock and sets up what it needs then. */
  #locked(id: string, change: (tx: Tx, current: FlowInstance) => Promise<FlowInstance>): Promise<FlowInstance> {
    return this.#o.database.transaction(async (tx) => {
      const changed = await change(tx, await lockInstance(tx, id))
      const ready = {
        ...changed,
        ...(await this.#o.setup(tx, changed)),
        revision: secretUuid(),
        updatedAt: this.#o.clock.now(),
      }
      await updateInstance(tx, ready)
      return ready
    })
  }
}

function contentOf(content: Pick<FlowInstance, 'baseVersionId' | 'customNodes' | 'isNameCustomized' | 'versionId'>) {
  const { baseVersionId, customNodes, isNameCustomized, versionId } = content
  return { baseVersionId, customNodes, isNameCustomized, versionId }
}

function refuseArchived(instance: FlowInstance): void {
  if (instance.archivedAt !== null) throw new Refusal('archived', 'the flow instance is archived; restore it first')
}

function flowSelectorOf(selector: Selector): string {
  const flowSelector = selector.flowId ?? selector.flowKey ?? selector.parentId ?? selector.parentKey
  if (flowSelector === undefined) {
    throw new Refusal('invalid_input', 'give id, flowId or flowKey', {
      problems: [{ field: 'id', message: 'required' }],
    })
  }
  return flowSelector
}

function idOrNone(prefix: Prefix, text: string | undefined): string | null {
  return text === undefined ? null : (fromWire(prefix, text) ?? NO_ID)
}

function anyInstance(principal: Principal) {
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

/** Connections are not part of this version; a connection that is named cannot be there. */
function refuseConnection(connectionId: string | null | undefined): void {
  if (connectionId !== undefined && connectionId !== null && connectionId !== '')
    throw notFound('connection', connectionId)
}
