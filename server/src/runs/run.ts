import type { ErrorData, FlowRunState, FlowNodeRun as WireNodeRun, FlowRun as WireRun } from '@permea/contract'
import type { z } from 'zod'
import { CONCURRENCY_DEFAULT, flowWireId } from '../flows/flow.ts'
import { timeOfId, toWire } from '../platform/ids.ts'
import type { LaneItem } from '../platform/lane.ts'

/** What launched a run that an event of an external app started. */
export const EXTERNAL_EVENT_LAUNCH = 'external-event'

/** What makes a run: where it starts, with what, and why. */
export interface NewRun {
  workspaceId: string
  customerId: string
  connectionId: string | null
  integrationId: string | null
  flowInstanceId: string
  flowId: string | null
  universalFlowId: string | null
  versionId: string
  startNodeKey: string
  /** The event that launched it; then `inputText` is null, because the event has it. */
  appEventId: string | null
  /** JSON text. */
  inputText: string | null
  launchedBy: { type: string; ids?: string[] }
  meta: Record<string, unknown> | null
  isOrdered: boolean
  concurrency: number | null
}

/** A run in the hands of the lanes. */
export interface RunItem extends LaneItem {
  run: NewRun
  /** The input as JSON text, whether its own or the event's. */
  input: string
  /** Nothing of it is recorded yet, so nothing needs to be read back. */
  isFresh: boolean
  startedAt: Date | null
  waiting: Waiting | null
}

/** Node runs that wait for another try, by path: tries made and when the next is due (epoch ms). */
export type Waiting = Record<string, { attempts: number; untilMs: number; logs: unknown[] }>

/** One finished node run. */
export interface NodeRun {
  id: string
  runId: string
  nodeKey: string
  /** Where in the run it stands: its parent's path, the output it was fed and its node. */
  path: string
  status: 'completed' | 'failed' | 'skipped'
  /** The item of the for-each iteration that it begins, as JSON text. */
  item: string | null
  /** JSON text of the list of outputs; null where it only hands on what it was fed. */
  outputs: string | null
  errors: ErrorData[]
  logs: unknown[]
  startedAt: Date
  endedAt: Date
  attempts: number
}

export type NodeCounts = Record<
  string,
  { state: 'running' | 'completed' | 'stopped' | 'failed'; runs: number; erroredRuns: number; outputs: number }
>

/** Runs an item of what was stored. An ordered flow has a lane of its own, others share their customer's. */
export function runItem(id: string, run: NewRun, input: string, isFresh: boolean): RunItem {
  return {
    id,
    laneId: laneOf(run),
    groupId: run.flowInstanceId,
    groupCap: run.concurrency ?? CONCURRENCY_DEFAULT,
    isOrdered: run.isOrdered,
    bytes: input.length + 500,
    run,
    input,
    isFresh,
    startedAt: null,
    waiting: null,
  }
}

export function laneOf(run: Pick<NewRun, 'isOrdered' | 'flowInstanceId' | 'customerId'>): string {
  return run.isOrdered ? run.flowInstanceId : run.customerId
}

/** A run as it is listed, whether finished or not. */
export interface RunRow {
  id: string
  workspaceId: string
  customerId: string
  connectionId: string | null
  integrationId: string | null
  flowInstanceId: string
  flowId: string | null
  universalFlowId: string | null
  versionId: string
  startNodeKey: string
  appEventId: string | null
  /** JSON text: its own, or the event's payload. */
  input: string | null
  launchedBy: string
  meta: Record<string, unknown> | null
  state: FlowRunState
  startedAt: Date | null
  endedAt: Date | null
  errors: ErrorData[] | null
  nodeCounts: NodeCounts | null
  dueAt: Date | null
}

export function runAnswer(row: RunRow, name: string | undefined, now: Date): z.input<typeof WireRun> {
  const customerId = toWire('cus', row.customerId)
  const instanceId = toWire('cf', row.flowInstanceId)
  const isOfIntegration = row.flowId !== null && row.flowId !== row.universalFlowId
  const flowId =
    row.flowId === null
      ? undefined
      : flowWireId({ id: row.flowId, integrationId: isOfIntegration ? row.integrationId : null })
  const launchedBy = JSON.parse(row.launchedBy) as { type: string; ids?: string[] }
  const isExternal = launchedBy.type === EXTERNAL_EVENT_LAUNCH
  return {
    id: toWire('fr', row.id),
    name,
    userId: customerId,
    tenantId: customerId,
    connectionId: row.connectionId === null ? undefined : toWire('con', row.connectionId),
    integrationId: row.integrationId === null ? undefined : toWire('int', row.integrationId),
    connectionFlowId: instanceId,
    flowInstanceId: instanceId,
    integrationFlowId: isOfIntegration ? flowId : undefined,
    flowId,
    universalFlowId: row.universalFlowId === null ? undefined : toWire('uf', row.universalFlowId),
    startNodeKey: row.startNodeKey,
    input: row.input === null ? undefined : (JSON.parse(row.input) as unknown),
    state: row.state,
    startTime: (row.startedAt ?? timeOfId(row.id)).toISOString(),
    endTime: row.endedAt?.toISOString(),
    nextAttemptAt: row.dueAt !== null && row.dueAt.getTime() > now.getTime() ? row.dueAt.toISOString() : undefined,
    errors: row.errors ?? undefined,
    nodes: row.nodeCounts ?? undefined,
    launchedBy,
    appEventId: row.appEventId === null || isExternal ? undefined : toWire('aev', row.appEventId),
    externalEventId: row.appEventId === null || !isExternal ? undefined : toWire('eev', row.appEventId),
    meta: row.meta ?? undefined,
  }
}

/** The id of a node run's output on the wire: the node run's id and the output's place. */
export function outputWireId(nodeRunId: string, index: number): string {
  return `${toWire('nr', nodeRunId)}-${index}`
}

export type NodeRunAnswer = z.input<typeof WireNodeRun>
