import type { FlowInput, FlowNodes } from '@permea/contract'
import type { z } from 'zod'
import { integrationNamed, isNamed, ownName } from '../api/brought-in.ts'
import { newElement, withOwnUuid } from '../api/elements.ts'
import type { Actor, Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import type { Integration } from '../integrations/integration.ts'
import { findIntegration } from '../integrations/routes.ts'
import { integrationById, integrationByKey } from '../integrations/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import { fromWire, type Ids } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { Definitions } from './definitions.ts'
import type { Flow } from './flow.ts'
import { type FlowPast, flowHistory, flowPast } from './history-store.ts'
import { keptParameters } from './parameter-secrets.ts'
import { flowById, flowStandingIn, flowsByKey, nodesOfVersion } from './store.ts'

type Input = z.output<typeof FlowInput>

interface Narrowing {
  integrationId?: string | undefined
  integrationKey?: string | undefined
}

const NUMBER_MAX = 2 ** 31 - 1

/** Only admins define flows. */
const ADMIN = { isAdmin: true }

export interface FlowsOptions {
  database: Database
  clock: Clock
  ids: Ids
  sealing: Sealing
  definitions: Definitions
}

/** Flows as the workspace defines them: universal ones and those of integrations. */
export interface Flows {
  /** By id, key, or `integrationKey.key`; a key alone means the universal flow where there is one. */
  find(principal: Principal, selector: string, narrowing?: Narrowing): Promise<Flow>
  integrationOf(principal: Principal, narrowing: Narrowing): Promise<Integration | null>
  /** What stands in for a universal flow where the integration has a flow of its own for it; else the flow itself. */
  narrowest(flow: Flow, integrationId: string | null): Promise<Flow>
  create(principal: Principal, input: Input): Promise<Flow>
  change(flow: Flow, input: Input, by: Actor): Promise<Flow>
  /** What nodes it had, newest first, shown without secrets; only versions before the number, where it is given. */
  history(flow: Flow, before: number | null, limit: number): Promise<FlowPast[]>
  /** Gives it the nodes of that version, secrets and all, laid over what it follows now. */
  takeBack(flow: Flow, number: number, by: Actor): Promise<Flow>
  archive(flow: Flow, by: Actor): Promise<Flow>
  restore(flow: Flow, by: Actor): Promise<Flow>
  /** Its nodes with the secrets in them. */
  nodesOf(flow: Flow): Promise<FlowNodes>
  /** Follows the universal flow again. */
  reset(flow: Flow, by: Actor): Promise<Flow>
  /** A copy of a universal flow for an integration; the one that is there already if there is one. */
  applyTo(principal: Principal, flow: Flow, integrationKey: string): Promise<Flow>
  clone(flow: Flow, by: Actor): Promise<Flow>
}

export function createFlows(options: FlowsOptions): Flows {
  return new FlowRegistry(options)
}

class FlowRegistry implements Flows {
  readonly #o: FlowsOptions

  constructor(options: FlowsOptions) {
    this.#o = options
  }

  async find(principal: Principal, selector: string, narrowing: Narrowing = {}): Promise<Flow> {
    const { db } = this.#o.database
    const id = fromWire(['uf', 'if'], selector)
    if (id !== null) {
      const flow = await flowById(db, principal.workspaceId, id)
      if (flow === null) throw notFound('flow', selector)
      return flow
    }
    const integration = await this.integrationOf(principal, narrowing)
    const byKey = await this.#byKey(principal, selector, integration)
    if (byKey !== null) return byKey
    const dot = selector.indexOf('.')
    if (dot > 0 && integration === null) {
      const named = await integrationByKey(db, principal.workspaceId, selector.slice(0, dot))
      const flow = named === null ? null : await this.#byKey(principal, selector.slice(dot + 1), named)
      if (flow !== null) return flow
    }
    throw notFound('flow', selector)
  }

  /** With an integration: its own flow of that key, else the universal one. */
  async #byKey(principal: Principal, key: string, integration: Integration | null): Promise<Flow | null> {
    const all = await flowsByKey(this.#o.database.db, principal.workspaceId, key, null)
    const candidates = all.some((flow) => flow.archivedAt === null)
      ? all.filter((flow) => flow.archivedAt === null)
      : all
    const universal = candidates.find((flow) => flow.integrationId === null)
    if (integration !== null)
      return candidates.find((flow) => flow.integrationId === integration.id) ?? universal ?? null
    if (universal !== undefined) return universal
    const [first, second] = candidates
    if (first !== undefined && second !== undefined && first.integrationId !== second.integrationId) {
      throw new Refusal(
        'ambiguous_selector',
        `several integrations have a flow ${JSON.stringify(key)}: give integrationKey`,
      )
    }
    return first ?? null
  }

  async integrationOf(principal: Principal, narrowing: Narrowing): Promise<Integration | null> {
    const selector = narrowing.integrationId ?? narrowing.integrationKey
    return selector === undefined || selector === '' ? null : findIntegration(this.#o.database, principal, selector)
  }

  async create(principal: Principal, input: Input): Promise<Flow> {
    const named = integrationNamed(input)
    const integration = named === null ? null : await findIntegration(this.#o.database, principal, named)
    const universal = await this.#universalOf(principal, integration, input)
    if (universal !== null && (universal.integrationId !== null || integration === null)) {
      throw new Refusal('invalid_input', 'a flow of an integration can follow a universal flow, nothing else can', {
        problems: [{ field: 'universalFlowId', message: 'needs an integrationKey, and to be a universal flow' }],
      })
    }
    return withOwnUuid(input, integration !== null, (given) =>
      this.#o.database.transaction(async (tx) => {
        const flow = await this.#insert(tx, principal, integration, universal, given)
        await this.#o.definitions.refuseForeignEvents(tx, integration === null ? null : { integration }, flow)
        return flow
      }),
    )
  }

  /** One that is named by what it was elsewhere is the universal flow of that key, where there is one. */
  async #universalOf(principal: Principal, integration: Integration | null, input: Input): Promise<Flow | null> {
    const ids = [input.universalFlowId, input.parentId]
    const own = ownName(ids)
    if (own !== null) return this.find(principal, own)
    if (integration === null || input.key === undefined || !isNamed([...ids, input.parentUuid])) return null
    const all = await flowsByKey(this.#o.database.db, principal.workspaceId, input.key, null)
    return all.find((flow) => flow.integrationId === null && flow.archivedAt === null) ?? null
  }

  async #insert(
    tx: Tx,
    { workspaceId, actor }: Pick<Principal, 'workspaceId' | 'actor'>,
    integration: Integration | null,
    universal: Flow | null,
    input: Input,
  ): Promise<Flow> {
    const { definitions } = this.#o
    const integrationId = integration?.id ?? null
    const content =
      universal === null
        ? await definitions.own(tx, { workspaceId }, input.nodes ?? {})
        : await definitions.inheriting(
            tx,
            { workspaceId },
            universal.versionId,
            input.nodes === undefined || input.nodes === null ? null : { nodes: input.nodes, by: ADMIN },
          )
    const named =
      universal === null ? input : { ...input, key: input.key ?? universal.key, name: input.name ?? universal.name }
    // Null is a word: nothing, whatever the universal flow has.
    const given = <Field extends 'parametersSchema' | 'concurrency'>(field: Field): Flow[Field] =>
      input[field] === undefined ? (universal?.[field] ?? null) : (input[field] as Flow[Field])
    return definitions.insert(
      tx,
      {
        ...newElement(named, this.#o, 'a flow'),
        ...content,
        isNameCustomized: universal !== null && input.name !== undefined && input.name !== universal.name,
        workspaceId,
        integrationId,
        universalFlowId: universal?.id ?? null,
        universalFlowRevision: universal?.revision ?? null,
        parametersSchema: given('parametersSchema'),
        parameters: keptParameters(input.parameters, universal?.parameters ?? null),
        isEnabled: input.enabled ?? universal?.isEnabled ?? true,
        autoCreateInstances: input.autoCreateInstances ?? universal?.autoCreateInstances ?? false,
        isOrdered: input.ordered ?? universal?.isOrdered ?? false,
        concurrency: given('concurrency'),
      },
      actor,
    )
  }

  change(flow: Flow, input: Input, by: Actor): Promise<Flow> {
    refuseArchived(flow)
    return this.#o.database.transaction(async (tx) => {
      const content =
        input.nodes === undefined || input.nodes === null
          ? flow
          : await this.#o.definitions.withNodes(tx, flow, flow, { nodes: input.nodes, by: ADMIN })
      const { baseVersionId, customNodes, versionId } = content
      if (versionId !== flow.versionId) {
        const integration = await this.#integrationById(tx, flow)
        await this.#o.definitions.refuseForeignEvents(tx, integration === null ? null : { integration }, content)
      }
      return this.#o.definitions.save(
        tx,
        {
          ...flow,
          baseVersionId,
          customNodes,
          versionId,
          key: input.key ?? flow.key,
          name: input.name ?? flow.name,
          isNameCustomized:
            flow.isNameCustomized ||
            (flow.universalFlowId !== null && input.name !== undefined && input.name !== flow.name),
          description: input.description === undefined ? flow.description : input.description,
          meta: input.meta === undefined ? flow.meta : input.meta,
          parametersSchema: input.parametersSchema === undefined ? flow.parametersSchema : input.parametersSchema,
          parameters: keptParameters(input.parameters, flow.parameters),
          isEnabled: input.enabled ?? flow.isEnabled,
          autoCreateInstances: input.autoCreateInstances ?? flow.autoCreateInstances,
          isOrdered: input.ordered ?? flow.isOrdered,
          concurrency: input.concurrency === undefined ? flow.concurrency : input.concurrency,
        },
        by,
      )
    })
  }

  history(flow: Flow, before: number | null, limit: number): Promise<FlowPast[]> {
    return flowHistory(this.#o.database.db, flow.id, before, limit)
  }

  async takeBack(flow: Flow, number: number, by: Actor): Promise<Flow> {
    const { db } = this.#o.database
    const past =
      Number.isInteger(number) && number > 0 && number < NUMBER_MAX ? await flowPast(db, flow.id, number) : null
    if (past === null) throw notFound('version of the flow', String(number))
    return this.change(flow, { nodes: await nodesOfVersion(db, this.#o.sealing, past.versionId) }, by)
  }

  async #integrationById(tx: Tx, { workspaceId, integrationId }: Flow): Promise<Integration | null> {
    return integrationId === null ? null : integrationById(tx, workspaceId, integrationId)
  }

  async narrowest(flow: Flow, integrationId: string | null): Promise<Flow> {
    if (flow.integrationId !== null || integrationId === null) return flow
    return (await flowStandingIn(this.#o.database.db, flow, integrationId)) ?? flow
  }

  archive(flow: Flow, by: Actor): Promise<Flow> {
    return this.#o.database.transaction((tx) =>
      this.#o.definitions.save(tx, { ...flow, archivedAt: flow.archivedAt ?? this.#o.clock.now() }, by),
    )
  }

  restore(flow: Flow, by: Actor): Promise<Flow> {
    return this.#o.database.transaction((tx) => this.#o.definitions.save(tx, { ...flow, archivedAt: null }, by))
  }

  nodesOf(flow: Flow): Promise<FlowNodes> {
    return nodesOfVersion(this.#o.database.db, this.#o.sealing, flow.versionId)
  }

  async reset(flow: Flow, by: Actor): Promise<Flow> {
    refuseArchived(flow)
    const universalId = flow.universalFlowId
    if (universalId === null) return flow
    return this.#o.database.transaction(async (tx) => {
      const universal = await flowById(tx, flow.workspaceId, universalId)
      if (universal === null) throw new Error(`flow ${flow.id} follows ${universalId}, which is gone`)
      const content = await this.#o.definitions.inheriting(tx, flow, universal.versionId, null)
      return this.#o.definitions.save(
        tx,
        {
          ...flow,
          ...content,
          name: universal.name,
          universalFlowRevision: universal.revision,
        },
        by,
      )
    })
  }

  async applyTo(principal: Principal, flow: Flow, integrationKey: string): Promise<Flow> {
    refuseArchived(flow)
    if (flow.integrationId !== null) {
      throw new Refusal('invalid_input', 'only a universal flow can be applied to integrations', {
        problems: [{ field: 'selector', message: 'not a universal flow' }],
      })
    }
    const integration = await findIntegration(this.#o.database, principal, integrationKey)
    const [existing] = await flowsByKey(this.#o.database.db, principal.workspaceId, flow.key, integration.id)
    if (existing !== undefined && existing.archivedAt === null) return existing
    return this.#o.database.transaction((tx) => this.#insert(tx, principal, integration, flow, {}))
  }

  clone(flow: Flow, by: Actor): Promise<Flow> {
    return this.#o.database.transaction(async (tx) => {
      const nodes: FlowNodes = await nodesOfVersion(tx, this.#o.sealing, flow.versionId)
      const key = `${flow.key}-copy-${this.#o.ids.next().slice(-6)}`
      return this.#insert(
        tx,
        { workspaceId: flow.workspaceId, actor: by },
        await this.#integrationById(tx, flow),
        null,
        {
          key,
          name: `${flow.name} (copy)`,
          nodes,
          description: flow.description,
          meta: flow.meta,
          parametersSchema: flow.parametersSchema,
          parameters: flow.parameters,
          enabled: flow.isEnabled,
          ordered: flow.isOrdered,
          concurrency: flow.concurrency,
        },
      )
    })
  }
}

function refuseArchived(flow: Flow): void {
  if (flow.archivedAt !== null) throw new Refusal('archived', `flow ${JSON.stringify(flow.key)} is archived`)
}
