import { ENGINE } from '../api/principal.ts'
import type { RouteSet } from '../api/routes.ts'
import type { Connection } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import type { Customer } from '../customers/customer.ts'
import type { Customers } from '../customers/registry.ts'
import type { RecordSchemas } from '../data-records/record-schemas.ts'
import type { Functions } from '../functions/function.ts'
import type { Connector } from '../integrations/connector.ts'
import type { Integration } from '../integrations/integration.ts'
import type { TroublesOf } from '../integrations/troubles.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { type Ids, toWire } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { StepServices } from '../steps/step.ts'
import { createActionInstances } from './action-instances.ts'
import { type Actions, createActions } from './actions.ts'
import { actionInstanceRoutes } from './instance-routes.ts'
import { actionRoutes } from './routes.ts'
import { actionRunLogRoutes } from './run-log-routes.ts'
import { type ActionOutcome, createRunner } from './runner.ts'
import { createTargets } from './target.ts'
import { createActionViews } from './views.ts'

export interface ActionsRoomOptions {
  database: Database
  clock: Clock
  ids: Ids
  sealing: Sealing
  functions: Functions
  connections: Connections
  customers: Customers
  /** The connector that an integration configures; null where it has none (any more). */
  connectorOf(integration: Integration): Promise<Connector | null>
  steps: StepServices
  schemas: RecordSchemas
  troublesOf: TroublesOf
}

/** Everything about actions, put together. */
export interface ActionsRoom {
  actions: Actions
  routes: RouteSet[]
  /**
   * Runs an action for a customer, on a connection where there is one: what a flow's node does. Refuses what cannot be
   * run at all; the failure of a run is an outcome.
   */
  runFor(
    of: { workspaceId: string; customer: Customer; connection: Connection | null },
    selector: string,
    request: { input: unknown; sourceId: string; signal: AbortSignal },
  ): Promise<ActionOutcome>
}

export function createActionsRoom(options: ActionsRoomOptions): ActionsRoom {
  const { database, clock, ids, sealing, connections, customers, functions } = options
  const actions = createActions(options)
  const targets = createTargets({ database, actions, connections, customers })
  const runner = createRunner({ database, clock, ids, sealing, services: options.steps })
  const views = createActionViews({ ...options, database, clock, sealing })
  const instances = createActionInstances({ database, actions, functions, connections })
  const shared = { database, sealing, actions, targets, runner, views, functions, customers }
  return {
    actions,
    routes: [
      actionRoutes(shared),
      actionInstanceRoutes({ ...shared, instances, connections }),
      actionRunLogRoutes({ database, clock, customers }),
    ],
    async runFor({ workspaceId, customer, connection }, selector, request) {
      const principal = { workspaceId, workspaceKey: '', isAdmin: false, customerId: customer.id, actor: ENGINE }
      const narrowing = connection === null ? {} : { connectionId: toWire('con', connection.id) }
      const target = await targets.ofAction(principal, selector, narrowing)
      return runner.run(target, { ...request, meta: null })
    },
  }
}
