import type { ActionInput, ActionInstanceSelector, ErrorData } from '@permea/contract'
import type { z } from 'zod'
import type { Principal } from '../api/principal.ts'
import { errorData, notFound, Refusal } from '../api/refusal.ts'
import type { Connection } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import type { Functions } from '../functions/function.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, NO_ID, toWire } from '../platform/ids.ts'
import { type Action, actionLayerOf } from './action.ts'
import { checkContent } from './action-content.ts'
import { type Actions, reachOf } from './actions.ts'
import { actionById, followersOfConnection, narrowestBelow, narrowestByKey, ownOfConnection } from './store.ts'

type Input = z.output<typeof ActionInput>
type Selector = z.output<typeof ActionInstanceSelector>

export interface ActionInstancesOptions {
  database: Database
  actions: Actions
  functions: Functions
  connections: Pick<Connections, 'find'>
}

/** Actions of connections: what a customer has of an action. */
export interface ActionInstances {
  /** The living one that a query selects; made where it is missing and `autoCreate` asks for it. */
  select(principal: Principal, selector: Selector): Promise<Action>
  /** The same, where none lives the one that was archived last. */
  selectArchived(principal: Principal, selector: Selector): Promise<Action>
  create(principal: Principal, selector: Selector, input: Input): Promise<Action>
  /** Changes it, or creates it where it is not there. */
  put(principal: Principal, selector: Selector, input: Input): Promise<Action>
  /** What this connection runs: its own action, else its integration's, else the universal one. */
  narrowest(principal: Principal, connection: Connection, actionSelector: string, instanceKey: string): Promise<Action>
  /** What is missing for it to work. */
  problemsOf(action: Action): Promise<ErrorData[]>
}

/** Which action of which connection. */
interface Place {
  connection: Connection
  /** Of the connection itself, living ones first. */
  own: Action[]
  /** What it would follow; null where there is nothing (any more). */
  parent: Action | null
  instanceKey: string
}

export function createActionInstances(options: ActionInstancesOptions): ActionInstances {
  return new InstanceRegistry(options)
}

class InstanceRegistry implements ActionInstances {
  readonly #o: ActionInstancesOptions

  constructor(options: ActionInstancesOptions) {
    this.#o = options
  }

  async select(principal: Principal, selector: Selector): Promise<Action> {
    if (selector.id !== undefined) return this.#byId(principal, selector.id)
    const place = await this.#placeOf(principal, selector)
    const living = place.own.find((action) => action.archivedAt === null)
    if (living !== undefined) return living
    if (selector.autoCreate !== true || place.parent === null)
      throw notFound('action of this connection', actionSelectorOf(selector))
    return this.#create(place, {})
  }

  async selectArchived(principal: Principal, selector: Selector): Promise<Action> {
    if (selector.id !== undefined) return this.#byId(principal, selector.id)
    const [first] = (await this.#placeOf(principal, selector)).own
    if (first === undefined) throw notFound('action of this connection', actionSelectorOf(selector))
    return first
  }

  async create(principal: Principal, selector: Selector, input: Input): Promise<Action> {
    const place = await this.#placeOf(principal, withInput(selector, input))
    if (place.own.some((action) => action.archivedAt === null))
      throw new Refusal('already_exists', 'the connection has this action already')
    return this.#create(place, input)
  }

  async put(principal: Principal, selector: Selector, input: Input): Promise<Action> {
    if (selector.id !== undefined) return this.#o.actions.change(await this.#byId(principal, selector.id), input)
    const place = await this.#placeOf(principal, selector)
    const living = place.own.find((action) => action.archivedAt === null)
    return living === undefined ? this.#create(place, input) : this.#o.actions.change(living, input)
  }

  async narrowest(
    principal: Principal,
    connection: Connection,
    actionSelector: string,
    instanceKey: string,
  ): Promise<Action> {
    const { db } = this.#o.database
    const reach = reachOf(connection)
    const id = fromWire('act', actionSelector)
    const found =
      id === null
        ? await narrowestByKey(db, reach, actionSelector, instanceKey)
        : await narrowestBelow(db, reach, (await this.#o.actions.find(principal, actionSelector, {})).id, instanceKey)
    if (found === null) throw notFound('action for this connection', actionSelector)
    return found
  }

  async problemsOf(action: Action): Promise<ErrorData[]> {
    const connector = await this.#o.actions.connectorFor(action)
    try {
      await checkContent(action, this.#o.functions, connector, action)
      return []
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return [errorData(error.key, error.message, error.data)]
    }
  }

  async #byId(principal: Principal, selector: string): Promise<Action> {
    const id = fromWire('act', selector)
    const action = id === null ? null : await actionById(this.#o.database.db, principal.workspaceId, id)
    const isSeen = action !== null && (principal.isAdmin || action.customerId === principal.customerId)
    if (action === null || !isSeen || actionLayerOf(action) !== 'connection')
      throw notFound('action instance', selector)
    return action
  }

  async #create({ connection, parent, instanceKey, own }: Place, input: Input): Promise<Action> {
    if (parent === null) throw notFound('action for this connection', own[0]?.key ?? '')
    return this.#o.actions.createFor(connection, parent, { key: parent.key, ...input, instanceKey })
  }

  async #placeOf(principal: Principal, selector: Selector): Promise<Place> {
    const { database, actions } = this.#o
    const instanceKey = selector.instanceKey ?? ''
    const connection = await this.#connectionOf(principal, selector)
    const wanted = actionSelectorOf(selector)
    const reach = reachOf(connection)
    const id = fromWire('act', wanted)
    if (id === null) {
      const own = await ownOfConnection(database.db, connection.id, wanted, instanceKey)
      const parent = await narrowestByKey(database.db, { ...reach, connectionId: NO_CONNECTION }, wanted, '')
      if (parent === null && own.length === 0) throw notFound('action for this connection', wanted)
      return { connection, own, parent, instanceKey }
    }
    const named = await actions.find(principal, wanted, {})
    const parent = await narrowestBelow(database.db, { ...reach, connectionId: NO_CONNECTION }, named.id, '')
    const above = [named.id, ...(parent === null ? [] : [parent.id])]
    return {
      connection,
      own: await followersOfConnection(database.db, connection.id, above, instanceKey),
      parent,
      instanceKey,
    }
  }

  /** The one that is named, else the customer's connection to the integration that is named or that the action is of. */
  async #connectionOf(principal: Principal, selector: Selector): Promise<Connection> {
    const { actions, connections } = this.#o
    const named = await actions.connectionOf(principal, selector)
    if (named !== null) return named
    const integration = await actions.integrationOf(principal, selector)
    const appId = integration?.id ?? (await actions.find(principal, actionSelectorOf(selector), {})).integrationId
    if (appId === null)
      throw new Refusal('invalid_input', 'of which connection: give connectionId, connectionKey or integrationKey', {
        problems: [{ field: 'connectionId', message: 'required' }],
      })
    return connections.find(principal, toWire('int', appId), selector)
  }
}

/** Stands for "no connection's own": a reach with it has definitions only. */
const NO_CONNECTION = NO_ID

function actionSelectorOf(selector: Selector): string {
  const wanted = selector.actionId ?? selector.actionKey ?? selector.parentId ?? selector.parentKey
  if (wanted === undefined)
    throw new Refusal('invalid_input', 'give id, actionId or actionKey', {
      problems: [{ field: 'id', message: 'required' }],
    })
  return wanted
}

function withInput(selector: Selector, input: Input): Selector {
  return {
    ...selector,
    connectionId: selector.connectionId ?? input.connectionId ?? undefined,
    integrationId: selector.integrationId ?? input.integrationId ?? undefined,
    integrationKey: selector.integrationKey ?? input.integrationKey ?? undefined,
    instanceKey: selector.instanceKey ?? input.instanceKey ?? undefined,
    actionId: selector.actionId ?? (hasSelector(selector) ? undefined : (input.parentId ?? undefined)),
  }
}

function hasSelector({ actionKey, parentId, parentKey }: Selector): boolean {
  return [actionKey, parentId, parentKey].some((each) => each !== undefined)
}
