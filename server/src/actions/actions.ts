import type { ActionInput } from '@permea/contract'
import type { z } from 'zod'
import { integrationNamed, ownName } from '../api/brought-in.ts'
import { newElement, refusingTakenKey, withOwnUuid } from '../api/elements.ts'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import type { Connection, OnBehalfOf } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import type { Functions } from '../functions/function.ts'
import type { Connector } from '../integrations/connector.ts'
import type { Integration } from '../integrations/integration.ts'
import { findIntegration } from '../integrations/routes.ts'
import { integrationById, integrationByKey } from '../integrations/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import { fromWire, type Ids, secretUuid } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import { type Action, actionLayerOf, contentOf } from './action.ts'
import { checkContent, isSameContent, mergedContent } from './action-content.ts'
import { openedParts } from './action-secrets.ts'
import {
  actionById,
  actionOfIntegration,
  archiveBelow,
  definitionsByKey,
  holdAction,
  insertAction,
  lockAction,
  narrowestByKey,
  passContentOn,
  type Reach,
  updateAction,
} from './store.ts'

type Input = z.output<typeof ActionInput>

/** What narrows down which action of a key is meant. */
export interface ActionNarrowing extends OnBehalfOf {
  integrationId?: string | null | undefined
  integrationKey?: string | null | undefined
  connectionId?: string | null | undefined
  connectionKey?: string | null | undefined
  instanceKey?: string | null | undefined
}

export interface ActionsOptions {
  database: Database
  clock: Clock
  ids: Ids
  sealing: Sealing
  functions: Functions
  connections: Pick<Connections, 'find' | 'byId' | 'appOf'>
  /** The connector that an integration configures; null where it has none (any more). */
  connectorOf(integration: Integration): Promise<Connector | null>
}

/** Actions in their three layers: a narrower one stands in for the wider one with its key, and may follow it. */
export interface Actions {
  /**
   * By id, key, or `integrationKey.key`. A key means the narrowest action for the connection or integration that is
   * named, else the universal one. Of connections' actions a customer's token finds its own.
   */
  find(principal: Principal, selector: string, narrowing: ActionNarrowing): Promise<Action>
  integrationOf(principal: Principal, narrowing: ActionNarrowing): Promise<Integration | null>
  connectionOf(principal: Principal, narrowing: ActionNarrowing): Promise<Connection | null>
  create(principal: Principal, input: Input): Promise<Action>
  /** A connection's own, following the action that it would run otherwise. */
  createFor(connection: Connection, parent: Action, input: Input): Promise<Action>
  change(action: Action, input: Input): Promise<Action>
  /** With all that follow it. */
  archive(action: Action): Promise<void>
  restore(action: Action): Promise<Action>
  /** Follows its parent again. */
  reset(action: Action): Promise<Action>
  /** A copy of a universal action for an integration; the one that is there already if there is one. */
  applyTo(principal: Principal, action: Action, integrationKey: string): Promise<Action>
  clone(action: Action): Promise<Action>
  /** The connector that the action is run with, where that is sure. */
  connectorFor(action: Pick<Action, 'workspaceId' | 'integrationId' | 'connectionId'>): Promise<Connector | null>
}

export function createActions(options: ActionsOptions): Actions {
  return new ActionRegistry(options)
}

export function reachOf(connection: Connection): Reach {
  return {
    workspaceId: connection.workspaceId,
    connectionId: connection.id,
    integrationId: connection.integrationId,
  }
}

/** Where an action is: what its layer follows from. */
interface Scope {
  workspaceId: string
  integrationId: string | null
  connectionId: string | null
  customerId: string | null
}

class ActionRegistry implements Actions {
  readonly #o: ActionsOptions

  constructor(options: ActionsOptions) {
    this.#o = options
  }

  async find(principal: Principal, selector: string, narrowing: ActionNarrowing): Promise<Action> {
    const { db } = this.#o.database
    const id = fromWire('act', selector)
    if (id !== null) {
      const action = await actionById(db, principal.workspaceId, id)
      if (action === null || !maySee(principal, action)) throw notFound('action', selector)
      return action
    }
    const connection = await this.connectionOf(principal, narrowing)
    if (connection !== null) {
      const key = await this.#keyWithin(principal, selector, connection)
      const action = await narrowestByKey(db, reachOf(connection), key, narrowing.instanceKey ?? '')
      if (action === null) throw notFound('action for this connection', selector)
      return action
    }
    const integration = await this.integrationOf(principal, narrowing)
    const action =
      (await this.#byKey(principal, selector, integration)) ??
      (integration === null ? await this.#byDottedKey(principal, selector) : null)
    if (action === null) throw notFound('action', selector)
    return action
  }

  /** With an integration: its own action of that key, else the universal one. */
  async #byKey(principal: Principal, key: string, integration: Integration | null): Promise<Action | null> {
    const all = await definitionsByKey(this.#o.database.db, principal.workspaceId, key)
    const living = all.filter((action) => action.archivedAt === null)
    const candidates = living.length > 0 ? living : all
    const universal = candidates.find((action) => action.integrationId === null)
    if (integration !== null)
      return candidates.find((action) => action.integrationId === integration.id) ?? universal ?? null
    if (universal !== undefined) return universal
    const [first] = candidates
    if (candidates.some((action) => action.integrationId !== first?.integrationId)) {
      throw new Refusal(
        'ambiguous_selector',
        `several integrations have an action ${JSON.stringify(key)}: give integrationKey or connectionId`,
      )
    }
    return first ?? null
  }

  /** `slack.send` on a connection to Slack is `send`. */
  async #keyWithin(principal: Principal, selector: string, connection: Connection): Promise<string> {
    const dot = selector.indexOf('.')
    if (dot <= 0 || connection.integrationId === null) return selector
    const named = await integrationByKey(this.#o.database.db, principal.workspaceId, selector.slice(0, dot))
    return named?.id === connection.integrationId ? selector.slice(dot + 1) : selector
  }

  async #byDottedKey(principal: Principal, selector: string): Promise<Action | null> {
    const dot = selector.indexOf('.')
    if (dot <= 0) return null
    const named = await integrationByKey(this.#o.database.db, principal.workspaceId, selector.slice(0, dot))
    return named === null ? null : this.#byKey(principal, selector.slice(dot + 1), named)
  }

  async integrationOf(principal: Principal, narrowing: ActionNarrowing): Promise<Integration | null> {
    const selector = given(narrowing.integrationId) ?? given(narrowing.integrationKey)
    return selector === null ? null : findIntegration(this.#o.database, principal, selector)
  }

  async connectionOf(principal: Principal, narrowing: ActionNarrowing): Promise<Connection | null> {
    const selector = given(narrowing.connectionId) ?? given(narrowing.connectionKey)
    return selector === null ? null : this.#o.connections.find(principal, selector, narrowing)
  }

  async create(principal: Principal, input: Input): Promise<Action> {
    const { workspaceId } = principal
    const parentSelector = ownName([input.parentId])
    const connection = await this.connectionOf(principal, input)
    refuseArchivedConnection(connection)
    const named = connection === null ? integrationNamed(input) : null
    const integration = named === null ? null : await findIntegration(this.#o.database, principal, named)
    const scope: Scope = {
      workspaceId,
      integrationId: connection?.integrationId ?? integration?.id ?? null,
      connectionId: connection?.id ?? null,
      customerId: connection?.customerId ?? null,
    }
    const parent =
      parentSelector === null
        ? await this.#widerByKey(scope, input.key ?? null)
        : await this.find(principal, parentSelector, {})
    if (parent !== null) refuseParent(parent, scope)
    return withOwnUuid(input, scope.integrationId !== null, (given) => this.#insert(scope, parent, given))
  }

  createFor(connection: Connection, parent: Action, input: Input): Promise<Action> {
    refuseArchivedConnection(connection)
    refuseArchived(parent)
    const { workspaceId, integrationId, customerId } = connection
    const scope = { workspaceId, integrationId, connectionId: connection.id, customerId }
    refuseParent(parent, scope)
    return this.#insert(scope, parent, input)
  }

  /** The next wider living action with a key. */
  async #widerByKey(scope: Scope, key: string | null): Promise<Action | null> {
    if (key === null || (scope.integrationId === null && scope.connectionId === null)) return null
    const all = await definitionsByKey(this.#o.database.db, scope.workspaceId, key)
    const living = all.filter((action) => action.archivedAt === null)
    const ofIntegration =
      scope.connectionId === null ? undefined : living.find((each) => each.integrationId === scope.integrationId)
    return ofIntegration ?? living.find((each) => each.integrationId === null) ?? null
  }

  #merging(name: string, { connectionId }: Pick<Scope, 'connectionId'>) {
    return { name, sealing: this.#o.sealing, isOfConnection: connectionId !== null }
  }

  async #insert(scope: Scope, parent: Action | null, input: Input): Promise<Action> {
    const element = newElement(
      { ...input, key: input.key ?? parent?.key, name: input.name ?? parent?.name },
      this.#o,
      'an action',
    )
    const content = mergedContent(parent, input, this.#merging(element.name, scope))
    await checkContent(content, this.#o.functions, await this.connectorFor(scope), scope)
    return refusingTakenKey('action', element.key, () =>
      this.#o.database.transaction(async (tx) => {
        const base = parent === null ? null : await holdAction(tx, parent.id)
        const isCustomized = base === null || !isSameContent(content, contentOf(base))
        const action: Action = {
          ...element,
          ...scope,
          ...content,
          parentId: parent?.id ?? null,
          instanceKey: input.instanceKey ?? '',
          isCustomized,
        }
        await insertAction(tx, this.#o.sealing, action)
        return action
      }),
    )
  }

  async change(action: Action, input: Input): Promise<Action> {
    refuseArchived(action)
    const connector = await this.connectorFor(action)
    await checkContent(
      mergedContent(action, input, this.#merging(action.name, action)),
      this.#o.functions,
      connector,
      action,
    )
    return this.#locked(action, async (_tx, current) => {
      const content = mergedContent(current, input, this.#merging(current.name, current))
      return {
        ...current,
        ...content,
        key: input.key ?? current.key,
        meta: input.meta === undefined ? current.meta : input.meta,
        isCustomized: current.isCustomized || !isSameContent(content, contentOf(current)),
      }
    })
  }

  async archive(action: Action): Promise<void> {
    if (action.archivedAt !== null) return
    const now = this.#o.clock.now()
    await this.#locked(action, async (tx, current) => {
      await archiveBelow(tx, action.id, now)
      return { ...current, archivedAt: current.archivedAt ?? now }
    })
  }

  async restore(action: Action): Promise<Action> {
    if (action.archivedAt === null) return action
    const connection =
      action.connectionId === null ? null : await this.#o.connections.byId(action.workspaceId, action.connectionId)
    refuseArchivedConnection(connection)
    return this.#locked(action, async (tx, current) => {
      const parent = current.parentId === null ? null : await holdAction(tx, current.parentId)
      if (parent !== null && parent.archivedAt !== null)
        throw new Refusal('archived', `the action that this one follows, ${JSON.stringify(parent.key)}, is archived`)
      const content = parent === null || current.isCustomized ? {} : contentOf(parent)
      return { ...current, ...content, archivedAt: null }
    })
  }

  async reset(action: Action): Promise<Action> {
    refuseArchived(action)
    const { parentId } = action
    if (parentId === null) return action
    return this.#locked(action, async (tx, current) => ({
      ...current,
      ...contentOf(await holdAction(tx, parentId)),
      isCustomized: false,
    }))
  }

  async applyTo(principal: Principal, action: Action, integrationKey: string): Promise<Action> {
    refuseArchived(action)
    if (actionLayerOf(action) !== 'universal') {
      throw new Refusal('invalid_input', 'only a universal action can be applied to integrations', {
        problems: [{ field: 'selector', message: 'not a universal action' }],
      })
    }
    const integration = await findIntegration(this.#o.database, principal, integrationKey)
    if (integration.archivedAt !== null) throw new Refusal('archived', `integration ${integration.key} is archived`)
    const { workspaceId } = action
    const existing = await actionOfIntegration(this.#o.database.db, workspaceId, integration.id, action.key)
    if (existing !== null) return existing
    const scope = { workspaceId, integrationId: integration.id, connectionId: null, customerId: null }
    return this.#insert(scope, action, {})
  }

  clone(action: Action): Promise<Action> {
    const { workspaceId, integrationId, connectionId, customerId, meta, instanceKey } = action
    const { name, outputMapping: _mapping, config: _config, secretsSealed: _sealed, ...content } = contentOf(action)
    const parts = openedParts(this.#o.sealing, action)
    const key = `${action.key}-copy-${this.#o.ids.next().slice(-6)}`
    const input = { ...content, ...parts, key, name: `${name} (copy)`, meta, instanceKey }
    return this.#insert({ workspaceId, integrationId, connectionId, customerId }, null, input)
  }

  async connectorFor(scope: Pick<Scope, 'workspaceId' | 'integrationId' | 'connectionId'>): Promise<Connector | null> {
    if (scope.connectionId !== null) {
      const connection = await this.#o.connections.byId(scope.workspaceId, scope.connectionId)
      return connection === null ? null : ((await this.#o.connections.appOf(connection))?.connector ?? null)
    }
    if (scope.integrationId === null) return null
    const integration = await integrationById(this.#o.database.db, scope.workspaceId, scope.integrationId)
    return integration === null ? null : this.#o.connectorOf(integration)
  }

  /** Changes one action under its lock, and those that follow it. */
  #locked(action: Action, change: (tx: Tx, current: Action) => Promise<Action>): Promise<Action> {
    return refusingTakenKey('action', action.key, () =>
      this.#o.database.transaction(async (tx) => {
        const changed = {
          ...(await change(tx, await lockAction(tx, action.id))),
          revision: secretUuid(),
          updatedAt: this.#o.clock.now(),
        }
        await updateAction(tx, this.#o.sealing, changed)
        await passContentOn(tx, this.#o.sealing, changed)
        return changed
      }),
    )
  }
}

function given(text: string | null | undefined): string | null {
  return text === undefined || text === null || text === '' ? null : text
}

/** Another customer's answers as what is not there. */
function maySee(principal: Principal, action: Action): boolean {
  return principal.isAdmin || action.customerId === null || action.customerId === principal.customerId
}

function refuseArchived(action: Action): void {
  if (action.archivedAt !== null) throw new Refusal('archived', `action ${JSON.stringify(action.key)} is archived`)
}

function refuseArchivedConnection(connection: Connection | null): void {
  if (connection !== null && connection.archivedAt !== null) throw new Refusal('archived', 'the connection is archived')
}

/** A child is for fewer connections than its parent. */
function refuseParent(parent: Action, scope: Scope): void {
  refuseArchived(parent)
  const isWithin = parent.integrationId === null || parent.integrationId === scope.integrationId
  const isNarrower =
    parent.connectionId === null &&
    (scope.connectionId !== null || (parent.integrationId === null && scope.integrationId !== null))
  if (isWithin && isNarrower) return
  throw new Refusal('invalid_input', 'parentId: an action follows one that is for more connections than itself', {
    problems: [{ field: 'parentId', message: 'give an integration or connection within what the parent is for' }],
  })
}
