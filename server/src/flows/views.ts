import type { Flow as WireFlow, FlowInstance as WireInstance } from '@permea/contract'
import type { z } from 'zod'
import type { Connection } from '../connections/connection.ts'
import { connectionsByIds } from '../connections/store.ts'
import { customersByIds } from '../customers/store.ts'
import type { RecordSchemas, WorkSchemas } from '../data-records/record-schemas.ts'
import { integrationsByIds } from '../integrations/store.ts'
import type { TroublesOf } from '../integrations/troubles.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import type { Sealing } from '../platform/sealing.ts'
import { type Flow, type FlowInstance, flowAnswer, instanceAnswer } from './flow.ts'
import { shownNodes } from './node-secrets.ts'
import { configOf, type NodeTypes } from './node-type.ts'
import { missingParameters } from './parameter-secrets.ts'
import { incompleteness } from './plan.ts'
import { flowsByIds, nodesOfVersions } from './store.ts'

/** How flows and instances look on the wire, with what belongs beside them; a page at a time. */
export interface FlowViews {
  flow(flow: Flow): Promise<z.input<typeof WireFlow>>
  flows(flows: readonly Flow[]): Promise<z.input<typeof WireFlow>[]>
  /** What nodes that work with records take and put out; with a connection with the fields that it has of its own. */
  nodeSchemas(flow: Flow, connection: Connection | null): Promise<Record<string, WorkSchemas>>
  instance(instance: FlowInstance): Promise<z.input<typeof WireInstance>>
  instances(instances: readonly FlowInstance[]): Promise<z.input<typeof WireInstance>[]>
}

export interface FlowViewsOptions {
  database: Database
  clock: Clock
  sealing: Sealing
  nodeTypes: NodeTypes
  schemas: RecordSchemas
  troublesOf: TroublesOf
}

export function createFlowViews(options: FlowViewsOptions): FlowViews {
  const { database, clock, sealing, nodeTypes, schemas, troublesOf } = options
  const present = (ids: readonly (string | null)[]) => ids.filter((id) => id !== null)

  const views: FlowViews = {
    async flow(flow) {
      return one(await views.flows([flow]))
    },
    async flows(flows) {
      const nodes = await nodesOfVersions(
        database.db,
        sealing,
        flows.map((each) => each.versionId),
      )
      const parents = await flowsByIds(database.db, present(flows.map((each) => each.universalFlowId)))
      const integrations = await integrationsByIds(database.db, present(flows.map((each) => each.integrationId)))
      const troubles = await troublesOf(integrations.values())
      return flows.map((flow) =>
        flowAnswer(flow, {
          nodes: shownNodes(nodes.get(flow.versionId) ?? {}),
          parentVersionId: parents.get(flow.universalFlowId ?? '')?.versionId ?? null,
          integration: integrations.get(flow.integrationId ?? ''),
          incomplete: [
            ...incompleteness(nodes.get(flow.versionId) ?? {}, nodeTypes),
            ...missingParameters(flow.parameters),
          ],
          trouble: troubles.get(flow.integrationId ?? ''),
        }),
      )
    },
    async nodeSchemas({ workspaceId, versionId, integrationId }, connection) {
      const nodes = (await nodesOfVersions(database.db, sealing, [versionId])).get(versionId) ?? {}
      const integrations = await integrationsByIds(database.db, present([integrationId]))
      const integration = integrations.get(integrationId ?? '') ?? null
      const found: Record<string, WorkSchemas> = {}
      for (const [key, node] of Object.entries(nodes)) {
        const work = nodeTypes.get(node.type)?.records
        if (work === undefined) continue
        found[key] = await schemas.of({ workspaceId, integration, connection, instanceKey: '' }, work, configOf(node))
      }
      return found
    },
    async instance(instance) {
      return one(await views.instances([instance]))
    },
    async instances(instances) {
      const nodes = await nodesOfVersions(
        database.db,
        sealing,
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
          nodes: shownNodes(nodes.get(instance.versionId) ?? {}),
          parentVersionId: parents.get(instance.flowId ?? '')?.versionId ?? null,
          incomplete: [],
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
