import type { FlowNodeTrial, FlowNodeTrialInput } from '@permea/contract'
import type { z } from 'zod'
import { Refusal, wrongField } from '../api/refusal.ts'
import { shownJson } from '../api/shown-json.ts'
import { customerById } from '../customers/store.ts'
import type { FlowInstance } from '../flows/flow.ts'
import { withKeptNodes } from '../flows/node-secrets.ts'
import type { NodeTypes } from '../flows/node-type.ts'
import { type FlowPlan, flowProblems, planFlow, refuseProblems } from '../flows/plan.ts'
import { nodesOfVersion } from '../flows/store.ts'
import type { Database } from '../platform/database.ts'
import type { Ids } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import { Execution, type ExecutionOptions } from './execution.ts'
import type { ExecutionInput } from './execution-input.ts'
import type { NodeRun } from './node-run.ts'
import type { RunProgress } from './record-store.ts'
import type { Progressing, Recorder } from './recorder.ts'
import { newRun, type RunItem, runItem, type Waiting } from './run.ts'

/** Somebody waits for it. */
const TRIAL_MS = 30_000
const NODE_RUNS_MAX = 1000

/** Keeps what a run came to, and records nothing. */
class Notepad implements Recorder {
  readonly nodeRuns: NodeRun[] = []
  waiting: Waiting = {}
  errors: NonNullable<RunProgress['finish']>['errors'] = []

  touch(run: Progressing): void {
    const progress = run.takeProgress()
    if (progress === null) return
    this.nodeRuns.push(...progress.nodeRuns)
    if (progress.waits !== null) this.waiting = progress.waits.waiting
    if (progress.finish !== null) this.errors = progress.finish.errors
    // Not before the run waits for it.
    queueMicrotask(() => run.recorded(false))
  }

  touchSoon(): void {}
  stop(): void {}
}

export interface TrialOptions {
  database: Database
  ids: Ids
  sealing: Sealing
  nodeTypes: NodeTypes
}

/** Does one node of a customer's flow, as a run would and with all its effects, without a run. */
export type TryNode = (
  instance: FlowInstance,
  nodeKey: string,
  trial: z.output<typeof FlowNodeTrialInput>,
  by: { isAdmin: boolean },
) => Promise<FlowNodeTrial>

export function createTrials(
  options: TrialOptions,
  walking: {
    execution: ExecutionOptions
    prepare(item: RunItem, signal: AbortSignal, plan: FlowPlan): Promise<ExecutionInput>
  },
): TryNode {
  const { database, ids, sealing, nodeTypes } = options

  return async (instance, nodeKey, trial, by) => {
    if (instance.archivedAt !== null) throw new Refusal('archived', 'the flow instance is archived')
    const customer = await customerById(database.db, instance.workspaceId, instance.customerId)
    if (customer === null || customer.archivedAt !== null)
      throw new Refusal('archived', 'the customer of the flow instance is archived')
    const stored = await nodesOfVersion(database.db, sealing, instance.versionId)
    const nodes = trial.node === undefined ? stored : withKeptNodes({ ...stored, [nodeKey]: trial.node }, stored, by)
    const node = Object.hasOwn(nodes, nodeKey) ? nodes[nodeKey] : undefined
    if (node === undefined) throw wrongField('nodeKey', `${JSON.stringify(nodeKey)} is no node of the flow`)
    if (nodeTypes.get(node.type)?.isTrigger === true)
      throw wrongField('nodeKey', 'a trigger does nothing by itself: run the flow from it')
    const problems = flowProblems(nodes, nodeTypes)
    // Where it leads, and what leads to it, is no matter here.
    refuseProblems(problems.filter((each) => each.nodeKey === nodeKey && !each.path.startsWith('links')))

    const input = trial.input ?? {}
    const text = JSON.stringify(input)
    const run = newRun(instance, { nodeKey, type: 'api-trigger', inputText: text, meta: null, trace: null })
    const signal = AbortSignal.timeout(TRIAL_MS)
    // Others are done only where they are its sub-flow; what is wrong with them is no matter here.
    const sound = Object.entries(nodes).filter(([key]) => !problems.some((each) => each.nodeKey === key))
    const plan = planFlow({ ...Object.fromEntries(sound), [nodeKey]: { ...node, links: [] } }, nodeTypes)
    const prepared = await walking.prepare(runItem(ids.next(), run, text, true), signal, plan)
    const notepad = new Notepad()
    const { execution } = walking
    const limits = { ...execution.limits, activeMsMax: TRIAL_MS, nodeRunsMax: NODE_RUNS_MAX }
    const beganMs = performance.now()
    // Nothing is told here, so that it need not be saved and enabled to be tried.
    const sourceOfWait = async () => ({ kind: 'external', subscriptionId: instance.id }) as const
    const fed = trial.fed === undefined ? input : trial.fed
    await new Execution({ ...execution, recorder: notepad, limits }, { ...prepared, fed, sourceOfWait }).run()
    return { ...outcomeOf(notepad, nodeKey, fed), durationMs: Math.round(performance.now() - beganMs) }
  }
}

function outcomeOf(notepad: Notepad, nodeKey: string, fed: unknown): Omit<FlowNodeTrial, 'durationMs'> {
  const path = encodeURIComponent(nodeKey)
  const own = notepad.nodeRuns.find((each) => each.path === path)
  if (own !== undefined) {
    const { status, errors, logs } = own
    const outputs = own.outputs === null ? [fed] : (shownJson(own.outputs) as unknown[])
    return { status, outputs: status === 'completed' ? outputs : [], errors, logs }
  }
  const waiting = notepad.waiting[path]
  if (waiting !== undefined) {
    const { logs, untilMs } = waiting
    return { status: 'waiting', outputs: [], errors: [], logs, until: new Date(untilMs).toISOString() }
  }
  const message = `it took longer than ${TRIAL_MS / 1000} s`
  const late = { type: 'flow_run', key: 'limit_exceeded', message } as const
  return { status: 'failed', outputs: [], errors: notepad.errors.length > 0 ? notepad.errors : [late], logs: [] }
}
