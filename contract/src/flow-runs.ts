import { z } from 'zod'
import { Customer } from './customers.ts'
import type { EndpointTable } from './endpoint.ts'
import { ErrorData } from './errors.ts'
import { FlowInstance } from './flow-instances.ts'
import { EmbeddedConnection, FlowNode, RunFlowInput } from './flows.ts'
import { Integration } from './integrations.ts'
import { listOf, logOf, Meta, paging, Timestamp, timeBounds } from './shapes.ts'

export const FlowRunState = z.enum(['queued', 'running', 'completed', 'stopped', 'failed'])
export type FlowRunState = z.infer<typeof FlowRunState>

export const LaunchedBy = z.object({ type: z.string(), ids: z.array(z.string()).optional() })

const NodeCounts = z.object({
  state: z.enum(['running', 'completed', 'stopped', 'failed']),
  runs: z.number().int().optional(),
  erroredRuns: z.number().int().optional(),
  outputs: z.number().int().optional(),
})

const AwaitedEvent = z.object({
  nodeKey: z.string(),
  event: z.string(),
  field: z.string().optional(),
  value: z.string().optional(),
  until: Timestamp,
})

/** One run of a flow instance. New and deprecated names of the flow ids stand side by side. */
export const FlowRun = z
  .object({
    id: z.string(),
    name: z.string().optional(),
    userId: z.string(),
    tenantId: z.string(),
    connectionId: z.string().optional(),
    integrationId: z.string().optional(),
    connectionFlowId: z.string(),
    integrationFlowId: z.string().optional(),
    universalFlowId: z.string().optional(),
    flowInstanceId: z.string(),
    flowId: z.string().optional(),
    startNodeKey: z.string(),
    input: z.unknown().optional(),
    /** Since when its payload is not kept any more, which is then left out. */
    payloadCutAt: Timestamp.optional(),
    state: FlowRunState,
    startTime: Timestamp,
    endTime: Timestamp.optional(),
    nextAttemptAt: Timestamp.optional(),
    /** The events that its nodes wait for; where one run is asked for. */
    waitsFor: z.array(AwaitedEvent).optional(),
    errors: z.array(ErrorData).optional(),
    nodes: z.record(z.string(), NodeCounts).optional(),
    launchedBy: LaunchedBy.optional(),
    appEventId: z.string().optional(),
    externalEventId: z.string().optional(),
    /** Of the trace that it is told in, where traces are on and this one is kept. */
    traceId: z.string().optional(),
    meta: Meta.optional(),
    flowInstance: FlowInstance.optional(),
    integration: Integration.optional(),
    connection: EmbeddedConnection.optional(),
    user: Customer.optional(),
  })
  .meta({ id: 'FlowRun' })

const DownstreamRun = z.object({ runId: z.string(), nodeKey: z.string() })
const UpstreamRun = z.object({ nodeKey: z.string(), runId: z.string(), outputId: z.string() })
const outputMetadata = { id: z.string(), downstreamRuns: z.array(DownstreamRun) }

/** What one node came to for one input. In lists, outputs come without `data`. */
export const FlowNodeRun = z
  .object({
    id: z.string(),
    nodeKey: z.string(),
    upstreamRuns: z.array(UpstreamRun),
    input: z.unknown().optional(),
    status: z.enum(['completed', 'failed', 'skipped']),
    logs: z.array(z.unknown()),
    outputs: z.array(z.object({ ...outputMetadata, data: z.string().optional() })),
    errors: z.array(ErrorData),
    startedAt: Timestamp,
    endedAt: Timestamp,
    attempts: z.number().int(),
  })
  .meta({ id: 'FlowNodeRun' })

/** An output; `data` is the value as JSON text. */
export const FlowNodeRunOutput = z
  .object({ id: z.string(), nodeKey: z.string(), runId: z.string(), data: z.string() })
  .meta({ id: 'FlowNodeRunOutput' })

/** One node to be done alone. */
export const FlowNodeTrialInput = z.object({
  /** The node as it is edited; as it is saved where absent. */
  node: FlowNode.optional(),
  /** What formulas find under `input`: the outputs of the nodes before it, by their keys; none where absent. */
  input: Meta.optional(),
  /** What the node before it put out, where the node works on that; `input` where absent. */
  fed: z.unknown().optional(),
})

/** What a node that was done alone came to. */
export const FlowNodeTrial = z
  .object({
    /** `waiting`: it paused, or would be tried again, at `until`. */
    status: z.enum(['completed', 'failed', 'skipped', 'waiting']),
    outputs: z.array(z.unknown()),
    errors: z.array(ErrorData),
    logs: z.array(z.unknown()),
    durationMs: z.number().int(),
    until: Timestamp.optional(),
  })
  .meta({ id: 'FlowNodeTrial' })
export type FlowNodeTrial = z.infer<typeof FlowNodeTrial>

const one = { access: 'customer', needs: 'operate', refusals: ['not_found'] } as const
const cursorOnly = { query: z.object(paging) } as const

export const flowRuns = {
  list: {
    method: 'GET',
    path: '/flow-runs',
    summary: 'Flow runs, newest first',
    access: 'customer',
    needs: 'read',
    query: z.object({
      ...paging,
      ...timeBounds,
      flowId: z.string().optional(),
      universalFlowId: z.string().optional(),
      integrationFlowId: z.string().optional(),
      connectionFlowId: z.string().optional(),
      flowInstanceId: z.string().optional(),
      tenantId: z.string().optional(),
      userId: z.string().optional(),
      state: FlowRunState.optional(),
      integrationId: z.string().optional(),
      connectionId: z.string().optional(),
      startNodeKey: z.string().optional(),
      appEventId: z.string().optional(),
      externalEventId: z.string().optional(),
      search: z.string().optional(),
    }),
    answer: logOf(FlowRun),
    refusals: ['not_found'],
  },
  create: {
    method: 'POST',
    path: '/flow-runs',
    summary: 'Start a run; answers at once with its id',
    access: 'customer',
    needs: 'test',
    body: RunFlowInput.extend({ flowInstanceId: z.string() }),
    takesData: true,
    answer: FlowRun,
    status: 201,
    refusals: ['not_found', 'archived', 'invalid_flow'],
  },
  get: { method: 'GET', path: '/flow-runs/:id', summary: 'One run', ...one, answer: FlowRun, needs: 'read' },
  stop: {
    method: 'POST',
    path: '/flow-runs/:id/stop',
    summary: 'Stop it: nothing more is started',
    ...one,
    answer: FlowRun,
    refusals: ['not_found', 'run_not_active'],
  },
  repeat: {
    method: 'POST',
    path: '/flow-runs/:id/repeat',
    summary: 'A new run with the same input; from a node on, with what the nodes before it put out',
    ...one,
    body: z
      .object({
        /** The node to begin at: it and what follows from it is done anew, and so is what failed. */
        fromNodeKey: z.string().optional(),
      })
      .optional(),
    answer: FlowRun,
    status: 201,
    refusals: ['not_found', 'archived', 'invalid_input', 'payload_not_kept'],
  },
  tryNode: {
    method: 'POST',
    path: '/flow-instances/:id/nodes/:nodeKey/try',
    summary: 'Do one node alone, with all its effects and without a run: as it is saved, or as it is edited',
    access: 'customer',
    needs: 'test',
    body: FlowNodeTrialInput,
    takesData: true,
    answer: FlowNodeTrial,
    refusals: ['not_found', 'archived', 'invalid_flow'],
  },
  output: {
    method: 'GET',
    path: '/flow-runs/:id/output',
    summary: 'Outputs of the last nodes',
    ...one,
    ...cursorOnly,
    answer: listOf(FlowNodeRunOutput),
    needs: 'read',
  },
  nodeOutput: {
    method: 'GET',
    path: '/flow-runs/:id/output/:nodeKey',
    summary: 'Outputs of one node',
    ...one,
    ...cursorOnly,
    answer: listOf(FlowNodeRunOutput),
    needs: 'read',
  },
  nodeRuns: {
    method: 'GET',
    path: '/flow-runs/:id/nodes/:nodeKey/runs',
    summary: 'Runs of one node',
    ...one,
    ...cursorOnly,
    answer: listOf(FlowNodeRun),
    needs: 'read',
  },
  nodeRun: {
    method: 'GET',
    path: '/flow-runs/:id/nodes/:nodeKey/runs/:nodeRunId',
    summary: 'One run of one node',
    ...one,
    answer: FlowNodeRun,
    needs: 'read',
  },
  nodeOutputs: {
    method: 'GET',
    path: '/flow-runs/:id/nodes/:nodeKey/outputs',
    summary: 'Outputs of one node',
    ...one,
    ...cursorOnly,
    answer: listOf(FlowNodeRunOutput),
    needs: 'read',
  },
  getNodeOutput: {
    method: 'GET',
    path: '/flow-runs/:id/nodes/:nodeKey/outputs/:outputId',
    summary: 'One output',
    ...one,
    answer: FlowNodeRunOutput,
    needs: 'read',
  },
  getNodeOutputAlias: {
    method: 'GET',
    path: '/flow-runs/:id/nodes/:nodeKey/output/:outputId',
    summary: 'One output, as the published client asks for it',
    ...one,
    answer: FlowNodeRunOutput,
    needs: 'read',
  },
} as const satisfies EndpointTable
