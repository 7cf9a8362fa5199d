import { readdir } from 'node:fs/promises'
import type { ErrorData, FlowNode, FunctionDefinition } from '@permea/contract'
import type { ActionOutcome } from '../actions/runner.ts'
import type { StepCall, StepOutcome, StepServices } from '../actions/step.ts'
import type { Connection } from '../connections/connection.ts'
import type { Customer } from '../customers/customer.ts'

/** What node types may use of the engine. */
export interface NodeServices extends StepServices {
  /** Runs an action for a customer, on a connection where there is one. Refuses what cannot be run at all. */
  runAction(
    of: { workspaceId: string; customer: Customer; connection: Connection | null },
    selector: string,
    request: { input: unknown; sourceId: string; signal: AbortSignal },
  ): Promise<ActionOutcome>
}

/** Something wrong with a node's definition; `path` is where in the node. */
export interface NodeProblem {
  path: string
  message: string
}

/** What a trigger waits for. */
export type TriggerWish =
  | { kind: 'api' }
  | { kind: 'app-event'; appEventTypeKey: string }
  | { kind: 'schedule'; cron: string; timeZone: string }
  | { kind: 'connector-event'; eventKey: string; parameters: Record<string, unknown> }

/** One execution of a node. */
export interface NodeCall extends StepCall {
  services: NodeServices
  user: Customer
  /** What formulas see: `input`, `user`, `flowRun`, `flowInstance`, `connection`, `integration`. */
  scope: Record<string, unknown>
  /** The output that was fed to the node. */
  fed: unknown
  /** Tries made before this one. */
  attemptsMade: number
  signal: AbortSignal
}

/** What one execution came to. The world's failures are data. */
export type NodeOutcome =
  | { kind: 'outputs'; outputs: unknown[] }
  | { kind: 'skipped' }
  | { kind: 'failed'; error: ErrorData }
  /** Worth another try, not before `afterMs` if the far side said so. */
  | { kind: 'retry'; error: ErrorData; afterMs: number | null }
  /** Run the sub-flow at `rootNodeKey` once per item. */
  | { kind: 'each'; items: unknown[] }

/** A node of a flow made ready: its formulas compiled. */
export interface PreparedNode {
  execute(call: NodeCall): Promise<NodeOutcome> | NodeOutcome
}

/**
 * A kind of node. Each is the default export of one file in `nodes/`; adding a node type is adding a file there.
 */
export interface NodeType {
  type: string
  /** Older names that mean the same. */
  aliases?: readonly string[]
  isTrigger: boolean
  /** Whether it does something outside that must not be repeated without need: earlier results are made durable first. */
  hasEffect: boolean
  /** Whether a flow with such a node is for connections: it has no use without one. */
  needsConnection?: boolean
  check(node: FlowNode): NodeProblem[]
  prepare(node: FlowNode): PreparedNode
  /** The code in it, to be loaded once when it is saved. */
  code?(node: FlowNode): { path: string; definition: FunctionDefinition } | null
  /** Triggers: what makes it fire. */
  wish?(node: FlowNode): TriggerWish
  /** The first node of the sub-flow that it runs. */
  subFlowRoot?(node: FlowNode): string | null
}

export type NodeTypes = ReadonlyMap<string, NodeType>

/** Reads every file of `nodes/`. */
export async function loadNodeTypes(): Promise<NodeTypes> {
  const directory = new URL('./nodes/', import.meta.url)
  const types = new Map<string, NodeType>()
  for (const name of (await readdir(directory)).sort()) {
    if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue
    const { default: type }: { default: NodeType } = await import(new URL(name, directory).href)
    for (const each of [type.type, ...(type.aliases ?? [])]) types.set(each, type)
  }
  return types
}

/** The configuration of a node as an object, also where there is none. */
export function configOf(node: FlowNode): Record<string, unknown> {
  const { config } = node
  return typeof config === 'object' && config !== null && !Array.isArray(config)
    ? (config as Record<string, unknown>)
    : {}
}

/** A trigger only hands on what launched it. */
export const passOn: PreparedNode = { execute: (call) => ({ kind: 'outputs', outputs: [call.fed] }) }

/** What a step came to, as what the node came to. */
export function outcomeOfStep(outcome: StepOutcome): NodeOutcome {
  return outcome.kind === 'done' ? { kind: 'outputs', outputs: [outcome.output] } : outcome
}
