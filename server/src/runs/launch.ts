import type { RunFlowInput } from '@permea/contract'
import type { z } from 'zod'
import { schemaProblem } from '../api/json-schema.ts'
import { Refusal, wrongField } from '../api/refusal.ts'
import { customerById } from '../customers/store.ts'
import type { FlowInstance } from '../flows/flow.ts'
import type { NodeTypes } from '../flows/node-type.ts'
import { refuseIncomplete, triggerKeys } from '../flows/plan.ts'
import { nextTime } from '../flows/schedule.ts'
import { queueSchedule } from '../flows/setup.ts'
import { instancesByIds, lockSchedule, moveSchedule, nodesOfVersion } from '../flows/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import type { Queue } from '../platform/queue.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { TracePlace, Tracing } from '../platform/tracing.ts'
import type { NodeRun } from './node-run.ts'
import { newRun, REPEATED_FROM, type RunItem } from './run.ts'
import type { Runs } from './runs.ts'

export interface LaunchOptions {
  database: Database
  clock: Clock
  queue: Queue
  sealing: Sealing
  nodeTypes: NodeTypes
  runs: Runs
  tracing?: Tracing | null
}

/** What a run that repeats another from a node on takes over of it. */
export interface GoingOn {
  fromNodeKey: string
  kept: readonly NodeRun[]
}

/** How runs begin other than by an event. */
export interface Launch {
  byApi(instance: FlowInstance, input: z.output<typeof RunFlowInput>, goingOn?: GoingOn): Promise<RunItem>
  /** What the schedule's job does: launches the run of this time, once, and queues the next. */
  bySchedule(payload: { flowInstanceId: string; nodeKey: string; at: string }): Promise<void>
}

export function createLaunch(options: LaunchOptions): Launch {
  const { database, clock, runs, tracing = null } = options

  /** What a run stands beneath: what is being done, or the time that came. */
  function beginning(type: string): TracePlace | null {
    const here = tracing?.here() ?? null
    if (tracing === null || here !== null || type !== 'schedule-trigger') return here
    const span = tracing.begin({ name: 'schedule' })
    span.end()
    return span.place
  }

  async function start(
    tx: Tx,
    instance: FlowInstance,
    nodeKey: string,
    type: string,
    input: unknown,
    meta: Record<string, unknown> | null,
    kept?: readonly NodeRun[],
  ): Promise<RunItem> {
    const text = JSON.stringify(input ?? null)
    const run = newRun(instance, { nodeKey, type, inputText: text, meta, trace: beginning(type) })
    if (kept !== undefined) return runs.insertGoingOn(tx, run, text, kept)
    const [item] = await runs.insert(tx, [{ run, input: text }])
    if (item === undefined) throw new Error('one run gives one item')
    return item
  }

  return {
    async byApi(instance, input, goingOn) {
      if (instance.archivedAt !== null) throw new Refusal('archived', 'the flow instance is archived')
      const customer = await customerById(database.db, instance.workspaceId, instance.customerId)
      if (customer === null || customer.archivedAt !== null)
        throw new Refusal('archived', 'the customer of the flow instance is archived')
      const nodes = await nodesOfVersion(database.db, options.sealing, instance.versionId)
      refuseIncomplete(nodes, options.nodeTypes)
      const triggers = triggerKeys(nodes, options.nodeTypes)
      const wanted = input.startNodeKey ?? input.nodeKey
      const nodeKey = wanted ?? triggers.find((key) => nodes[key]?.type === 'api-trigger') ?? triggers[0]
      if (nodeKey === undefined)
        throw new Refusal('invalid_flow', 'the flow has no trigger to start at', { problems: [] })
      if (!triggers.includes(nodeKey)) {
        throw new Refusal('invalid_input', `startNodeKey: ${JSON.stringify(nodeKey)} is not a trigger of the flow`, {
          problems: [{ field: 'startNodeKey', message: `one of ${triggers.join(', ')}` }],
        })
      }
      if (goingOn !== undefined && nodes[goingOn.fromNodeKey] === undefined)
        throw wrongField('fromNodeKey', `${JSON.stringify(goingOn.fromNodeKey)} is no node of the flow any more`)
      const node = nodes[nodeKey]
      const schema = node?.type === 'api-trigger' ? node.inputSchema : undefined
      const problem =
        schema === undefined || schema === null
          ? null
          : await schemaProblem({
              revision: `${instance.versionId}:${nodeKey}`,
              schema,
              value: input.input ?? null,
              owner: instance.customerId,
            })
      if (problem !== null) {
        const said = problem.replace(/^the event/, 'the input')
        throw new Refusal('invalid_input', `input: ${said}`, { problems: [{ field: 'input', message: said }] })
      }
      const { fromNodeKey } = goingOn ?? {}
      const meta = fromNodeKey === undefined ? (input.meta ?? null) : { ...input.meta, [REPEATED_FROM]: fromNodeKey }
      const item = await database.transaction((tx) =>
        start(tx, instance, nodeKey, 'api-trigger', input.input, meta, goingOn?.kept),
      )
      runs.offer([item])
      return item
    },
    async bySchedule({ flowInstanceId, nodeKey, at }) {
      const item = await database.transaction(async (tx) => {
        const schedule = await lockSchedule(tx, flowInstanceId, nodeKey)
        // Changed or fired meanwhile: then another job stands for the time that counts now.
        if (schedule === null || schedule.nextAt.toISOString() !== at) return null
        const instance = (await instancesByIds(tx, [flowInstanceId])).get(flowInstanceId) ?? null
        if (instance === null) return null
        const customer = await customerById(tx, instance.workspaceId, instance.customerId)
        // Times that passed while nothing ran are not made up for: the next one is after now.
        const next = nextTime(
          schedule.cron,
          schedule.timeZone,
          new Date(Math.max(clock.now().getTime(), schedule.nextAt.getTime())),
        )
        if (next !== null) {
          await moveSchedule(tx, { ...schedule, nextAt: next })
          await queueSchedule(tx, options.queue, { ...schedule, nextAt: next })
        }
        if (customer === null || customer.archivedAt !== null) return null
        return start(tx, instance, nodeKey, 'schedule-trigger', { scheduledAt: at, triggeredAt: at }, null)
      })
      if (item !== null) runs.offer([item])
    },
  }
}
