import type { ErrorData, FlowRunState, FlowNodeRun as WireNodeRun, FlowRun as WireRun } from '@permea/contract'
import type { z } from 'zod'
import { storedJson } from '../api/shown-json.ts'
import { CONCURRENCY_DEFAULT, type FlowInstance, flowWireId } from '../flows/flow.ts'
import { timeOfId, toWire } from '../platform/ids.ts'
import type { LaneItem } from '../platform/lane.ts'
import { type TracePlace, traceIdOf } from '../platform/tracing.ts'
import type { NodeCounts } from './node-run.ts'
import { countsOf, nodeRunsOfText } from './node-run-text.ts'

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
  eventId: string | null
  /** JSON text. */
  inputText: string | null
  launchedBy: LaunchedBy
  meta: Record<string, unknown> | null
  isOrdered: boolean
  concurrency: number | null
}

/** What launched a run, and beneath what in a trace; no trace where absent. */
export interface LaunchedBy {
  type: string
  trace?: TracePlace
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
  /** The batch that it stands in instead of having a row of its own; null where it has one. */
  batch: Batch | null
}

/** New runs that were stored together, in one row, and are worked by one process. */
export interface Batch {
  id: string
  /** The session of the process that works them. */
  owner: number
  /** How many of them are neither in the log nor have a row of their own. */
  left: number
}

/**
 * Node runs that wait for another try, by path: tries made and when the next is due (epoch ms). One that waits for an
 * event has the key under which that comes.
 */
export type Waiting = Record<
  string,
  { attempts: number; untilMs: number; logs: unknown[]; isPause?: true; awaits?: string }
>

/** A run of a customer's flow that no event launches. */
export function newRun(
  instance: FlowInstance,
  launch: {
    nodeKey: string
    type: string
    inputText: string
    meta: Record<string, unknown> | null
    trace: TracePlace | null
  },
): NewRun {
  return {
    workspaceId: instance.workspaceId,
    customerId: instance.customerId,
    connectionId: instance.connectionId,
    integrationId: instance.integrationId,
    flowInstanceId: instance.id,
    flowId: instance.flowId,
    universalFlowId: instance.universalFlowId,
    versionId: instance.versionId,
    startNodeKey: launch.nodeKey,
    eventId: null,
    inputText: launch.inputText,
    launchedBy: launch.trace === null ? { type: launch.type } : { type: launch.type, trace: launch.trace },
    meta: launch.meta,
    isOrdered: instance.isOrdered,
    concurrency: instance.concurrency,
  }
}

/** Says in `meta` from which node on a run repeats another: then it has node runs before it starts. */
export const REPEATED_FROM = 'repeatedFrom'

export function beginsWithNodeRuns(run: Pick<NewRun, 'meta'>): boolean {
  return run.meta?.[REPEATED_FROM] !== undefined
}

/** Runs an item of what was stored. An ordered flow has a lane of its own, others share their customer's. */
export function runItem(id: string, run: NewRun, input: string, isFresh: boolean): RunItem {
  return {
    id,
    laneId: laneOf(run),
    groupId: run.flowInstanceId,
    groupCap: groupCapOf(run),
    isOrdered: run.isOrdered,
    bytes: input.length + 500,
    waitsSinceMs: 0,
    run,
    input,
    isFresh,
    startedAt: null,
    waiting: null,
    batch: null,
  }
}

export function groupCapOf(run: NewRun): number {
  return run.concurrency ?? CONCURRENCY_DEFAULT
}

export function launchedByText(run: NewRun): string {
  return JSON.stringify(run.launchedBy)
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
  eventId: string | null
  /** JSON text: its own, or the event's payload. */
  input: string | null
  launchedBy: string
  meta: Record<string, unknown> | null
  state: FlowRunState
  startedAt: Date | null
  endedAt: Date | null
  errors: ErrorData[] | null
  nodeCounts: NodeCounts | null
  /** Its node runs, where they stand in its own row; see `nodeRunsOfText`. */
  nodeRuns: string | null
  /** Since when its payloads, or that of its event, are gone; null while they are there. */
  payloadCutAt: Date | null
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
  const { trace, ...launchedBy } = JSON.parse(row.launchedBy) as LaunchedBy & { ids?: string[] }
  const isExternal = launchedBy.type === EXTERNAL_EVENT_LAUNCH
  const eventId = row.eventId === null ? null : toWire(isExternal ? 'eev' : 'aev', row.eventId)
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
    input: row.input === null || row.payloadCutAt !== null ? undefined : storedJson(row.input),
    payloadCutAt: row.payloadCutAt?.toISOString(),
    state: row.state,
    startTime: (row.startedAt ?? timeOfId(row.id)).toISOString(),
    endTime: row.endedAt?.toISOString(),
    nextAttemptAt: row.dueAt !== null && row.dueAt.getTime() > now.getTime() ? row.dueAt.toISOString() : undefined,
    errors: row.errors ?? undefined,
    nodes: nodeCountsIn(row) ?? undefined,
    launchedBy: eventId === null ? launchedBy : { ...launchedBy, ids: [eventId] },
    appEventId: eventId === null || isExternal ? undefined : eventId,
    externalEventId: eventId === null || !isExternal ? undefined : eventId,
    traceId: trace === undefined ? undefined : traceIdOf(trace, row.eventId ?? row.id),
    meta: row.meta ?? undefined,
  }
}

/** What its nodes came to, as far as its own row says it; null where that is in rows of their own. */
export function nodeCountsIn(row: Pick<RunRow, 'id' | 'nodeCounts' | 'nodeRuns'>): NodeCounts | null {
  return row.nodeCounts ?? (row.nodeRuns === null ? null : countsOf(nodeRunsOfText(row.id, row.nodeRuns)))
}

/** The id of a node run's output on the wire: the node run's id and the output's place. */
export function outputWireId(nodeRunId: string, index: number): string {
  return `${toWire('nr', nodeRunId)}-${index}`
}

export type NodeRunAnswer = z.input<typeof WireNodeRun>
