import { ENGINE, type Principal } from '../api/principal.ts'
import { Refusal } from '../api/refusal.ts'
import type { Connection } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import type { Customer } from '../customers/customer.ts'
import type { Customers } from '../customers/registry.ts'
import { customerById } from '../customers/store.ts'
import type { Integration } from '../integrations/integration.ts'
import { integrationById } from '../integrations/store.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, toWire } from '../platform/ids.ts'
import { type Action, type ActionContent, actionLayerOf } from './action.ts'
import { ACTION_KINDS } from './action-types.ts'
import { type ActionNarrowing, type Actions, reachOf } from './actions.ts'
import { actionsByIds, narrowestBelow } from './store.ts'

/** What is run: an action, or a request or code that somebody wrote for this once. */
export interface Runnable extends ActionContent {
  /** Null where it is no action that is stored. */
  action: Action | null
  /** The actions that it follows, and itself, by layer. */
  lineage: { universal: string | null; integration: string | null; connection: string | null }
}

/** On what it is run, and for whom. */
export interface RunTarget {
  runnable: Runnable
  workspaceId: string
  connection: Connection | null
  integration: Integration | null
  customer: Customer | null
}

export interface TargetsOptions {
  database: Database
  actions: Actions
  connections: Pick<Connections, 'find' | 'byId'>
  customers: Pick<Customers, 'find'>
}

/** Finds out what a request to run something means. */
export interface Targets {
  /**
   * The narrowest version of an action for the connection that is named, or for the customer's connection to the
   * integration that is named or that the action is of. Refuses what is archived, and what cannot be run without a
   * connection where there is none.
   */
  ofAction(principal: Principal, selector: string, narrowing: ActionNarrowing): Promise<RunTarget>
  /** The same for a connection's own action. */
  ofInstance(action: Action): Promise<RunTarget>
  /** For something that is no stored action. */
  ofContent(principal: Principal, content: ActionContent, narrowing: ActionNarrowing): Promise<RunTarget>
}

interface Meant {
  connection: Connection | null
  /** Why there is none, where one was looked for. */
  refusal: Refusal | null
}

export function createTargets(options: TargetsOptions): Targets {
  return new TargetFinder(options)
}

class TargetFinder implements Targets {
  readonly #o: TargetsOptions

  constructor(options: TargetsOptions) {
    this.#o = options
  }

  async ofAction(principal: Principal, selector: string, narrowing: ActionNarrowing): Promise<RunTarget> {
    const { actions, database } = this.#o
    const isId = fromWire('act', selector) !== null
    const integration = await actions.integrationOf(principal, narrowing)
    const named = await actions.connectionOf(principal, narrowing)
    // By its id, or by a key alone, the action says which integration is meant.
    const isNarrowed = named !== null || integration !== null
    const known = isId || !isNarrowed ? await actions.find(principal, selector, isId ? {} : narrowing) : null
    if (known !== null && known.connectionId !== null) {
      if (named !== null && named.id !== known.connectionId) throw otherConnection('of another connection')
      return this.ofInstance(known)
    }
    const meant = await this.#connectionMeant(
      principal,
      named,
      narrowing,
      integration?.id ?? known?.integrationId ?? null,
    )
    if (known === null) {
      const action = await actions.find(principal, selector, narrowedTo(narrowing, meant.connection))
      return this.#targetOf(principal, { ...action, action }, meant, narrowing)
    }
    const narrowest =
      meant.connection === null
        ? null
        : await narrowestBelow(database.db, reachOf(meant.connection), known.id, narrowing.instanceKey ?? '')
    const action = narrowest ?? known
    return this.#targetOf(principal, { ...action, action }, meant, narrowing)
  }

  async ofInstance(action: Action): Promise<RunTarget> {
    const { workspaceId, connectionId } = action
    if (connectionId === null) throw new Error(`action ${action.id} is not of a connection`)
    const connection = await this.#o.connections.byId(workspaceId, connectionId)
    if (connection === null) throw new Error(`action ${action.id} has no connection`)
    const principal = { workspaceId, workspaceKey: '', isAdmin: true, customerId: null, actor: ENGINE }
    return this.#targetOf(principal, { ...action, action }, { connection, refusal: null }, {})
  }

  async ofContent(principal: Principal, content: ActionContent, narrowing: ActionNarrowing): Promise<RunTarget> {
    const integration = await this.#o.actions.integrationOf(principal, narrowing)
    const named = await this.#o.actions.connectionOf(principal, narrowing)
    const meant = await this.#connectionMeant(principal, named, narrowing, integration?.id ?? null)
    return this.#targetOf(principal, { ...content, action: null }, meant, narrowing)
  }

  /** What speaks against a connection to the integration is kept, because not everything needs one. */
  async #connectionMeant(
    principal: Principal,
    named: Connection | null,
    narrowing: ActionNarrowing,
    integrationId: string | null,
  ): Promise<Meant> {
    if (named !== null || integrationId === null) return { connection: named, refusal: null }
    try {
      const connection = await this.#o.connections.find(principal, toWire('int', integrationId), narrowing)
      return { connection, refusal: null }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return { connection: null, refusal: error }
    }
  }

  async #targetOf(
    principal: Principal,
    content: ActionContent & { action: Action | null },
    meant: Meant,
    narrowing: ActionNarrowing,
  ): Promise<RunTarget> {
    const { action } = content
    const { connection } = meant
    const { workspaceId } = principal
    if (action !== null && action.archivedAt !== null)
      throw new Refusal('archived', `action ${JSON.stringify(action.key)} is archived`)
    if (connection === null && ACTION_KINDS[content.type].needsConnection) throw meant.refusal ?? noConnection()
    if (connection !== null && connection.archivedAt !== null)
      throw new Refusal('archived', 'the connection is archived')
    const appId = action?.integrationId ?? null
    if (connection !== null && appId !== null && appId !== connection.integrationId)
      throw otherConnection('of another integration than the connection')
    const customer = await this.#customerOf(principal, connection, narrowing)
    if (customer !== null && customer.archivedAt !== null) throw new Refusal('archived', 'the customer is archived')
    const integrationId = connection?.integrationId ?? appId
    const { db } = this.#o.database
    const lineage = action === null ? NO_LINEAGE : await this.#lineageOf(action)
    return {
      runnable: { ...content, lineage },
      workspaceId,
      connection,
      integration: integrationId === null ? null : await integrationById(db, workspaceId, integrationId),
      customer,
    }
  }

  async #customerOf(
    principal: Principal,
    connection: Connection | null,
    narrowing: ActionNarrowing,
  ): Promise<Customer | null> {
    const { database, customers } = this.#o
    if (connection !== null) return customerById(database.db, principal.workspaceId, connection.customerId)
    const named = narrowing.userId ?? narrowing.tenantId ?? narrowing.customerId
    if (named !== undefined) return customers.find(principal, named)
    return principal.customerId === null ? null : customerById(database.db, principal.workspaceId, principal.customerId)
  }

  async #lineageOf(action: Action): Promise<Runnable['lineage']> {
    const lineage = { ...NO_LINEAGE }
    let at: Action | undefined = action
    while (at !== undefined) {
      lineage[actionLayerOf(at)] = at.id
      const above: string | null = at.parentId
      at = above === null ? undefined : (await actionsByIds(this.#o.database.db, [above])).get(above)
    }
    return lineage
  }
}

const NO_LINEAGE: Runnable['lineage'] = { universal: null, integration: null, connection: null }

function noConnection(): Refusal {
  return new Refusal('invalid_input', 'on which connection: give connectionId, connectionKey or integrationKey', {
    problems: [{ field: 'connectionId', message: 'required' }],
  })
}

function narrowedTo(narrowing: ActionNarrowing, connection: Connection | null): ActionNarrowing {
  return connection === null ? narrowing : { ...narrowing, connectionId: toWire('con', connection.id) }
}

function otherConnection(what: string): Refusal {
  return new Refusal('invalid_input', `the action is ${what}`, {
    problems: [{ field: 'connectionId', message: `the action is ${what}` }],
  })
}
