import type { FlowInstanceInput, FlowInstanceSelector } from '@permea/contract'
import type { z } from 'zod'
import { refusingTakenKey } from '../api/elements.ts'
import type { Page } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import type { Connection } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import type { Customers } from '../customers/registry.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import { fromWire, type Ids, NO_ID, type Prefix, secretUuid } from '../platform/ids.ts'
import type { Definitions } from './definitions.ts'
import type { Flow, FlowInstance } from './flow.ts'
import type { Flows } from './flows.ts'
import { anyInstance, createLocating, flowSelectorOf, givenText, type Locate } from './instance-location.ts'
import { keptParameters } from './parameter-secrets.ts'
import type { Setup } from './setup.ts'
import { flowById, instanceById, instancesOfConnection, instancesOfFlow, listInstances, lockInstance } from './store.ts'

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
  connectionKey?: string | undefined
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
  connections: Pick<Connections, 'find' | 'byId'>
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
  /** Made of a flow for a customer, or for a connection of the customer, in the caller's transaction. */
  createFrom(tx: Tx, flow: Flow, of: { customerId: string; connection: Connection | null }): Promise<FlowInstance>
  change(principal: Pick<Principal, 'isAdmin'>, instance: FlowInstance, input: Input): Promise<FlowInstance>
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
  /** In the caller's transaction: its connection was archived. */
  archiveAllOfConnection(tx: Tx, connectionId: string): Promise<void>
}

export function createInstances(options: InstancesOptions): Instances {
  return new InstanceRegistry(options)
}

const PAGE = 200

class InstanceRegistry implements Instances {
  readonly #o: InstancesOptions
  readonly #locate: Locate

  constructor(options: InstancesOptions) {
    this.#o = options
    this.#locate = createLocating(options)
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
        connectionId: selector.connectionId,
        connectionKey: selector.connectionKey,
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
    const location = await this.#locate(principal, selector, flowSelectorOf(selector))
    const { flow, connection } = location
    // A token of the workspace that is not an admin's sees nobody's.
    if (flow === null || (location.customerId === null && !principal.isAdmin)) return null
    const filter = {
      ...anyInstance(principal),
      customerId: location.customerId,
      flowId: flow.id,
      instanceKey: selector.instanceKey ?? '',
      includeArchived,
    }
    const found = await listInstances(this.#o.database.db, filter, { limit: 100, before: null })
    if (found.some((each) => each.customerId !== found[0]?.customerId))
      throw new Refusal('ambiguous_selector', 'several customers have an instance of this flow: give userId')
    if (connection !== null) {
      const own = found.filter((each) => each.connectionId === connection.id)
      const alone = location.isConnectionNamed ? [] : found.filter((each) => each.connectionId === null)
      return own[0] ?? alone[0] ?? null
    }
    const alone = found.find((each) => each.connectionId === null)
    if (alone !== undefined) return alone
    if (found.some((each) => each.connectionId !== found[0]?.connectionId))
      throw new Refusal('ambiguous_selector', 'several connections have an instance of this flow: give connectionId')
    return found[0] ?? null
  }

  async list(principal: Principal, query: ListQuery, page: Page): Promise<FlowInstance[]> {
    if (!principal.isAdmin && principal.customerId === null) return []
    const { flows, customers, database } = this.#o
    const named = query.userId ?? query.tenantId
    const own = principal.isAdmin ? null : principal.customerId
    const flowSelector = query.flowId ?? query.flowKey
    const integration = await flows.integrationOf(principal, query)
    const connection =
      query.connectionKey === undefined
        ? null
        : await this.#o.connections.find(principal, query.connectionKey, named === undefined ? {} : { userId: named })
    const filter = {
      ...anyInstance(principal),
      customerId: named === undefined ? own : (await customers.find(principal, named)).id,
      flowId: flowSelector === undefined ? null : (await flows.find(principal, flowSelector, query)).id,
      universalFlowId: idOrNone('uf', query.universalFlowId),
      integrationId: integration?.id ?? null,
      connectionId: connection?.id ?? idOrNone('con', query.connectionId),
      instanceKey: query.instanceKey ?? null,
      isEnabled: query.enabled ?? null,
      search: query.search ?? null,
      includeArchived: query.includeArchived ?? false,
    }
    return listInstances(database.db, filter, page)
  }

  async create(principal: Principal, input: Input): Promise<FlowInstance> {
    const location = await this.#locate(principal, input, givenText(input.flowId) ?? givenText(input.flowKey))
    const { flow, connection, customerId } = location
    if (customerId === null) {
      throw new Refusal('invalid_input', 'whose instance: give userId, or use a customer’s token', {
        problems: [{ field: 'userId', message: 'required' }],
      })
    }
    if (flow !== null && flow.archivedAt !== null)
      throw new Refusal('archived', `flow ${JSON.stringify(flow.key)} is archived`)
    if (connection !== null && connection.archivedAt !== null)
      throw new Refusal('archived', 'the connection is archived')
    return this.#o.database.transaction(async (tx) => {
      const of = { customerId, connection, integrationId: location.integrationId }
      const instance = await this.#insert(tx, principal, of, flow, input)
      if (connection === null && (await this.#o.definitions.needsConnection(tx, instance))) throw noConnection()
      // What a flow brings along is told of by the setup; what is given here is refused.
      const isOwn = flow === null || (input.nodes !== undefined && input.nodes !== null)
      await this.#o.definitions.refuseForeignEvents(tx, isOwn && connection !== null ? { connection } : null, instance)
      return instance
    })
  }

  createFrom(
    tx: Tx,
    flow: Flow,
    { customerId, connection }: { customerId: string; connection: Connection | null },
  ): Promise<FlowInstance> {
    const integrationId = connection?.integrationId ?? flow.integrationId
    const of = { customerId, connection, integrationId }
    return this.#insert(tx, { workspaceId: flow.workspaceId, isAdmin: false }, of, flow, {})
  }

  async change(by: Pick<Principal, 'isAdmin'>, instance: FlowInstance, input: Input): Promise<FlowInstance> {
    refuseArchived(instance)
    return this.#locked(instance.id, async (tx, current) => {
      const given = input.nodes ? { nodes: input.nodes, by } : null
      const { definitions } = this.#o
      const content = given ? await definitions.withNodes(tx, current, current, given) : current
      if (content.versionId !== current.versionId) await this.#refuseUnusable(tx, current, content)
      if (input.enabled === true) await definitions.refuseIncomplete(tx, content)
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
        parameters: keptParameters(input.parameters, current.parameters),
        isEnabled: input.enabled ?? current.isEnabled,
        isOrdered: input.ordered ?? current.isOrdered,
        concurrency: input.concurrency === undefined ? current.concurrency : input.concurrency,
      }
    })
  }

  /** Other nodes may need a connection that there is none of, or events that its app does not have. */
  async #refuseUnusable(
    tx: Tx,
    { workspaceId, connectionId }: FlowInstance,
    content: Pick<FlowInstance, 'versionId'>,
  ): Promise<void> {
    if (connectionId === null) {
      if (await this.#o.definitions.needsConnection(tx, content)) throw noConnection()
      return
    }
    const connection = await this.#o.connections.byId(workspaceId, connectionId, tx)
    await this.#o.definitions.refuseForeignEvents(tx, connection === null ? null : { connection }, content)
  }

  async archive(instance: FlowInstance): Promise<void> {
    if (instance.archivedAt !== null) return
    await this.#locked(instance.id, async (_tx, current) => this.#archived(current))
  }

  async archiveAllOfConnection(tx: Tx, connectionId: string): Promise<void> {
    for (const { id } of await instancesOfConnection(tx, connectionId))
      await this.#changed(tx, id, async (_tx, current) => this.#archived(current))
  }

  #archived(current: FlowInstance): FlowInstance {
    return { ...current, isEnabled: false, archivedAt: current.archivedAt ?? this.#o.clock.now() }
  }

  async restore(instance: FlowInstance): Promise<FlowInstance> {
    const { workspaceId, connectionId } = instance
    const connection = connectionId === null ? null : await this.#o.connections.byId(workspaceId, connectionId)
    if (connection !== null && connection.archivedAt !== null)
      throw new Refusal('archived', 'the connection of the flow instance is archived')
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
    const content = await this.#o.definitions.rebased(tx, current, current, flow.versionId)
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
    by: Pick<Principal, 'workspaceId' | 'isAdmin'>,
    of: { customerId: string; connection: Connection | null; integrationId: string | null },
    flow: Flow | null,
    input: Input,
  ): Promise<FlowInstance> {
    const given = input.nodes ? { nodes: input.nodes, by } : null
    const whose = { workspaceId: by.workspaceId, customerId: of.customerId }
    const content =
      flow === null
        ? await this.#o.definitions.own(tx, whose, given?.nodes ?? {})
        : await this.#o.definitions.inheriting(tx, whose, flow.versionId, given)
    if (input.enabled === true) await this.#o.definitions.refuseIncomplete(tx, content)
    const isComplete = await this.#o.definitions.isComplete(tx, content)
    const now = this.#o.clock.now()
    const instance: FlowInstance = {
      id: this.#o.ids.next(),
      ...whose,
      connectionId: of.connection?.id ?? null,
      integrationId: of.integrationId,
      flowId: flow?.id ?? null,
      universalFlowId: flow === null ? null : flow.integrationId === null ? flow.id : flow.universalFlowId,
      instanceKey: input.instanceKey ?? '',
      uuid: input.uuid ?? secretUuid(),
      key: input.key ?? flow?.key ?? null,
      name: input.name ?? flow?.name ?? 'Flow',
      description: input.description ?? flow?.description ?? null,
      meta: input.meta ?? null,
      parameters: keptParameters(input.parameters ?? undefined, flow?.parameters ?? null),
      // What is not complete waits for somebody to complete and enable it.
      isEnabled: isComplete && (input.enabled ?? flow?.isEnabled ?? true),
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
    await refusingTakenKey('flow instance', instance.instanceKey, () =>
      this.#o.definitions.insertInstance(tx, instance),
    )
    const ready = { ...instance, ...(await this.#o.setup(tx, instance)) }
    await this.#o.definitions.saveInstance(tx, ready)
    return ready
  }

  #locked(id: string, change: Change): Promise<FlowInstance> {
    return this.#o.database.transaction((tx) => this.#changed(tx, id, change))
  }

  /** Changes one instance under its lock and sets up what it needs then. */
  async #changed(tx: Tx, id: string, change: Change): Promise<FlowInstance> {
    const changed = await change(tx, await lockInstance(tx, id))
    const ready = {
      ...changed,
      ...(await this.#o.setup(tx, changed)),
      revision: secretUuid(),
      updatedAt: this.#o.clock.now(),
    }
    await this.#o.definitions.saveInstance(tx, ready)
    return ready
  }
}

type Change = (tx: Tx, current: FlowInstance) => Promise<FlowInstance>

function contentOf(content: Pick<FlowInstance, 'baseVersionId' | 'customNodes' | 'isNameCustomized' | 'versionId'>) {
  const { baseVersionId, customNodes, isNameCustomized, versionId } = content
  return { baseVersionId, customNodes, isNameCustomized, versionId }
}

function refuseArchived(instance: FlowInstance): void {
  if (instance.archivedAt !== null) throw new Refusal('archived', 'the flow instance is archived; restore it first')
}

function idOrNone(prefix: Prefix, text: string | undefined): string | null {
  return text === undefined ? null : (fromWire(prefix, text) ?? NO_ID)
}

function noConnection(): Refusal {
  return new Refusal('invalid_input', 'the flow needs a connection: give connectionId, or connect the app first', {
    problems: [{ field: 'connectionId', message: 'required' }],
  })
}
