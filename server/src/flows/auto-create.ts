import { customerIdPage } from '../customers/store.ts'
import type { Database, Tx } from '../platform/database.ts'
import type { Queue } from '../platform/queue.ts'
import type { Flow } from './flow.ts'
import type { Instances } from './instances.ts'
import { autoCreatedFlows, customersWithInstance, flowById } from './store.ts'

export const AUTO_CREATE_TASK = 'flow-instances-auto-create'

const PAGE = 200

/**
 * Keeps the promise of `autoCreateInstances` for flows that need no connection: every customer has an instance.
 * Flows of integrations wait for the customer's connection.
 */
export interface AutoCreate {
  /** A customer came: instances of all such flows, in the same transaction. */
  forCustomer(tx: Tx, customer: { id: string; workspaceId: string }): Promise<void>
  /** A flow began to promise it: instances for all customers, in the background. */
  forFlowSoon(tx: Tx, flow: Flow): Promise<void>
  forFlow(payload: { flowId: string; workspaceId: string }): Promise<void>
}

export function createAutoCreate(options: { database: Database; queue: Queue; instances(): Instances }): AutoCreate {
  const { database, queue } = options
  return {
    async forCustomer(tx, customer) {
      for (const flow of await autoCreatedFlows(tx, customer.workspaceId))
        await options.instances().createFrom(tx, flow, customer.id)
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
      for (let after: string | null = null; ; ) {
        const customerIds: string[] = await customerIdPage(database.db, workspaceId, after, PAGE)
        await database.transaction(async (tx) => {
          const flow = await flowById(tx, workspaceId, flowId)
          if (flow === null || flow.archivedAt !== null || !flow.autoCreateInstances) return
          const served = await customersWithInstance(tx, flowId, customerIds)
          for (const customerId of customerIds)
            if (!served.has(customerId)) await options.instances().createFrom(tx, flow, customerId)
        })
        after = customerIds.at(-1) ?? null
        if (customerIds.length < PAGE) return
      }
    },
  }
}
