import type { Flow as WireFlow, FlowInstance as WireInstance } from '@permea/contract'
import type { z } from 'zod'
import { connectionsByIds } from '../connections/store.ts'
import { customersByIds } from '../customers/store.ts'
import { integrationsByIds } from '../integrations/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { type Flow, type FlowInstance, flowAnswer, instanceAnswer } from './flow.ts'
import { flowsByIds, nodesOfVersions } from './store.ts'

/** How flows and instances look on the wire, with what belongs beside them; a page at a time. */
export interface FlowViews {
  flow(flow: Flow): Promise<z.input<typeof WireFlow>>
  flows(flows: readonly Flow[]): Promise<z.input<typeof WireFlow>[]>
  instance(instance: FlowInstance): Promise<z.input<typeof WireInstance>>
  instances(instances: readonly FlowInstance[]): Promise<z.input<typeof WireInstance>[]>
}

export function createFlowViews({ database, clock }: { database: Database; clock: Clock }): FlowViews {
  const present = (ids: readonly (string | null)[]) => ids.filter((id) => id !== null)

  const views: FlowViews = {
    async flow(flow) {
      return one(await views.flows([flow]))
    },
    async flows(flows) {
      const nodes = await nodesOfVersions(
        database.db,
        flows.map((each) => each.versionId),
      )
      const parents = await flowsByIds(database.db, present(flows.map((each) => each.universalFlowId)))
      const integrations = await integrationsByIds(database.db, present(flows.map((each) => each.integrationId)))
      return flows.map((flow) =>
        flowAnswer(flow, {
          nodes: nodes.get(flow.versionId) ?? {},
          parentVersionId: parents.get(flow.universalFlowId ?? '')?.versionId ?? null,
          integration: integrations.get(flow.integrationId ?? ''),
        }),
      )
    },
    async instance(instance) {
      return one(await views.instances([instance]))
    },
    async instances(instances) {
      const nodes = await nodesOfVersions(
        database.db,
        instances.map((each) => each.versionId),
      )
      const parents = await flowsByIds(database.db, present(instances.map((each) => each.flowId)))
      const parentAnswers = new Map(
        (await views.flows([...parents.values()])).map((answer, index) => [[...parents.keys()][index], answer]),
      )
      const customers = await customersByIds(
        database.db,
        instances.map((each) => each.customerId),
      )
      const integrations = await integrationsByIds(database.db, present(instances.map((each) => each.integrationId)))
      const connections = await connectionsByIds(database.db, present(instances.map((each) => each.connectionId)))
      return instances.map((instance) =>
        instanceAnswer(instance, {
          connection: connections.get(instance.connectionId ?? ''),
          nodes: nodes.get(instance.versionId) ?? {},
          parentVersionId: parents.get(instance.flowId ?? '')?.versionId ?? null,
          integration: integrations.get(instance.integrationId ?? ''),
          customer: customers.get(instance.customerId),
          flow: parentAnswers.get(instance.flowId ?? ''),
          now: clock.now(),
        }),
      )
    },
  }
  return views
}

function one<T>(answers: readonly T[]): T {
  const [answer] = answers
  if (answer === undefined) throw new Error('one row gives one answer')
  return answer
}
