import type { Connection } from '../connections/connection.ts'
import { listConnections } from '../connections/store.ts'
import { customerIdPage } from '../customers/store.ts'
import type { Database, Tx } from '../platform/database.ts'
import type { Queue } from '../platform/queue.ts'
import type { Definitions } from './definitions.ts'
import type { Flow } from './flow.ts'
import type { Instances } from './instances.ts'
import {
  autoCreatedFlows,
  connectionsWithInstance,
  customersWithInstance,
  flowById,
  flowStandingIn,
  flowsOfIntegration,
} from './store.ts'

export const AUTO_CREATE_TASK = 'flow-instances-auto-create'

const PAGE = 200

/**
 * Keeps the promise of `autoCreateInstances`. A flow of an integration, and a universal one with a node that needs a
 * connection, has an instance for every connection; other universal flows have one for every customer. Where the
 * integration has a flow of its own in place of a universal one, that one says whether instances are made.
 *
 * @source wire facts E.1
 */
export interface AutoCreate {
  /** A customer came: instances of all such flows, in the same transaction. */
  forCustomer(tx: Tx, customer: { id: string; workspaceId: string }): Promise<void>
  /** A connection came (again). */
  forConnection(tx: Tx, connection: Connection): Promise<void>
  /** A flow began to promise it: instances for all customers or connections, in the background. */
  forFlowSoon(tx: Tx, flow: Flow): Promise<void>
  forFlow(payload: { flowId: string; workspaceId: string }): Promise<void>
}

export interface AutoCreateOptions {
  database: Database
  queue: Queue
  definitions: Pick<Definitions, 'needsConnection'>
  instances(): Instances
}

export function createAutoCreate(options: AutoCreateOptions): AutoCreate {
  const { database, queue, definitions } = options

  const isForConnections = async (tx: Tx, flow: Flow) =>
    flow.integrationId !== null || (await definitions.needsConnection(tx, flow))

  async function forAllCustomers(workspaceId: string, flowId: string): Promise<void> {
    for (let after: string | null = null; ; ) {
      const customerIds: string[] = await customerIdPage(database.db, workspaceId, after, PAGE)
      await database.transaction(async (tx) => {
        const flow = await promising(tx, workspaceId, flowId)
        if (flow === null) return
        const served = await customersWithInstance(tx, flowId, customerIds)
        for (const customerId of customerIds)
          if (!served.has(customerId)) await options.instances().createFrom(tx, flow, { customerId, connection: null })
      })
      after = customerIds.at(-1) ?? null
      if (customerIds.length < PAGE) return
    }
  }

  async function forAllConnections(workspaceId: string, flowId: string, integrationId: string | null): Promise<void> {
    const filter = {
      workspaceId,
      integrationId,
      customerId: null,
      connectorId: null,
      isDisconnected: null,
      isTest: null,
      search: null,
      includeArchived: false,
    }
    for (let before: string | null = null; ; ) {
      const page: Connection[] = await listConnections(database.db, filter, { limit: PAGE, before })
      const ids = page.map((connection) => connection.id)
      await database.transaction(async (tx) => {
        const flow = await promising(tx, workspaceId, flowId)
        if (flow === null) return
        const served = await connectionsWithInstance(tx, flowId, ids)
        for (const connection of page) {
          if (served.has(connection.id) || !(await isMeant(tx, flow, connection))) continue
          await options.instances().createFrom(tx, flow, { customerId: connection.customerId, connection })
        }
      })
      before = page.at(-1)?.id ?? null
      if (page.length < PAGE) return
    }
  }

  return {
    async forCustomer(tx, customer) {
      for (const flow of await autoCreatedFlows(tx, customer.workspaceId)) {
        if (await isForConnections(tx, flow)) continue
        await options.instances().createFrom(tx, flow, { customerId: customer.id, connection: null })
      }
    },
    async forConnection(tx, connection) {
      const { workspaceId, integrationId, customerId } = connection
      const own = integrationId === null ? [] : await flowsOfIntegration(tx, workspaceId, integrationId)
      const wanted = own.filter((flow) => flow.autoCreateInstances)
      for (const flow of await autoCreatedFlows(tx, workspaceId))
        if ((await isForConnections(tx, flow)) && (await isMeant(tx, flow, connection))) wanted.push(flow)
      for (const flow of wanted) {
        if ((await connectionsWithInstance(tx, flow.id, [connection.id])).size > 0) continue
        await options.instances().createFrom(tx, flow, { customerId, connection })
      }
    },
    async forFlowSoon(tx, flow) {
      const key = `auto-create:${flow.id}`
      await queue.add(tx, {
        task: AUTO_CREATE_TASK,
        payload: { flowId: flow.id, workspaceId: flow.workspaceId },
        key,
        queue: key,
      })
    },
    async forFlow({ flowId, workspaceId }) {
      const flow = await promising(database.db, workspaceId, flowId)
      if (flow === null) return
      if (await isForConnections(database.db, flow)) await forAllConnections(workspaceId, flowId, flow.integrationId)
      else await forAllCustomers(workspaceId, flowId)
    },
  }
}

/** The flow, where it is there and (still) promises instances. */
async function promising(tx: Tx, workspaceId: string, flowId: string): Promise<Flow | null> {
  const flow = await flowById(tx, workspaceId, flowId)
  return flow === null || flow.archivedAt !== null || !flow.autoCreateInstances ? null : flow
}

/** Whether the connection's integration has no flow of its own in place of this one. */
async function isMeant(tx: Tx, flow: Flow, { integrationId }: Connection): Promise<boolean> {
  if (flow.integrationId !== null) return flow.integrationId === integrationId
  return integrationId === null || (await flowStandingIn(tx, flow, integrationId)) === null
}
