import { readdir } from 'node:fs/promises'
import type { ErrorData, FlowNode, FunctionDefinition, RecordEvent } from '@permea/contract'
import type { ActionOutcome } from '../actions/runner.ts'
import type { Connection } from '../connections/connection.ts'
import type { Customer } from '../customers/customer.ts'
import type { RecordWork } from '../data-records/record-work.ts'
import { SOURCE_ENDING } from '../platform/own-files.ts'
import type { StepCall, StepOutcome, StepServices } from '../steps/step.ts'

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
  /** Something is not there yet, rather than wrong: it is kept, and runs when it is filled in. */
  isIncomplete?: boolean
  /** A secret, shown masked where it was exported or copied from. */
  isSecret?: boolean
}

/** What a trigger waits for. */
export type TriggerWish =
  | { kind: 'api' }
  | { kind: 'app-event'; appEventTypeKey: string }
  | { kind: 'schedule'; cron: string; timeZone: string }
  | { kind: 'connector-event'; eventKey: string; parameters: Record<string, unknown> }
  | { kind: 'record-event'; recordEvent: RecordEvent; dataSource: unknown }

/** What a node that is no trigger waits for while a run is at it. */
export interface WaitWish {
  kind: 'wait'
  for: Extract<TriggerWish, { kind: 'app-event' | 'connector-event' }>
  /** Where in the event the value stands that it compares; '' for any event. */
  field: string
}

/** One execution of a node. */
export interface NodeCall extends StepCall {
  services: NodeServices
  user: Customer
  /** What formulas see: `input`, `user`, `flowRun`, `flowInstance`, `connection`, `integration`. */
  scope: Record<string, unknown>
  /** The output that was fed to the node. */
  fed: unknown
  /** What the run was launched with. */
  launchedWith: unknown
  /** Tries made before this one. */
  attemptsMade: number
  /** It asked for a pause, and the pause is over. */
  hasPaused: boolean
  /** The event that it asked to wait for, once that has come; the payload is null where it is gone. */
  arrived: { payload: unknown } | null
  signal: AbortSignal
}

/** What one execution came to. The world's failures are data. */
export type NodeOutcome =
  | { kind: 'outputs'; outputs: unknown[] }
  | { kind: 'skipped' }
  | { kind: 'failed'; error: ErrorData }
  /** Worth another try, not before `afterMs` if the far side said so. */
  | { kind: 'retry'; error: ErrorData; afterMs: number | null }
  /** Nothing is wrong: it is to be done once more at that time (milliseconds since 1970), and goes on then. */
  | { kind: 'pause'; untilMs: number }
  /** It is to be done once more when such an event has come (which may be so already), or else at that time. */
  | { kind: 'await'; untilMs: number; event: string; field: string; value: unknown }
  /** Run the sub-flow at `rootNodeKey` once per item. */
  | { kind: 'each'; items: unknown[] }

/** A node of a flow made ready: its formulas compiled. */
export interface PreparedNode {
  execute(call: NodeCall): Promise<NodeOutcome> | NodeOutcome
  /** What it puts out as a list can also be had page by page, where the next node takes one at a time. */
  pages?(): PageReader
}

/** Reads what a node puts out page by page, within one run. */
export interface PageReader {
  /** The page that begins at `from`, null for the first, as the node's output; `next` is null after the last. */
  read(call: NodeCall, from: string | null): Promise<{ outcome: NodeOutcome; next: string | null }>
  /** Told of every page, also of those that are in the record already. */
  passed(output: unknown): void
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
  /** Of the links whose condition holds only the first is followed. */
  followsOneLink?: boolean
  check(node: FlowNode): NodeProblem[]
  prepare(node: FlowNode): PreparedNode
  /** The code in it, to be loaded once when it is saved. */
  code?(node: FlowNode): { path: string; definition: FunctionDefinition } | null
  /** The JSON Schema in it, to be compiled once when it is saved. */
  schema?(node: FlowNode): { path: string; schema: NonNullable<FlowNode['inputSchema']> } | null
  /** What it does with records of an app, where it does. */
  records?: RecordWork | 'trigger'
  /** Triggers: what makes it fire; others: what has to be told of while the flow is enabled. */
  wish?(node: FlowNode): TriggerWish | WaitWish
  /** The first node of the sub-flow that it runs. */
  subFlowRoot?(node: FlowNode): string | null
}

export type NodeTypes = ReadonlyMap<string, NodeType>

/** Reads every file of `nodes/`. */
export async function loadNodeTypes(): Promise<NodeTypes> {
  const directory = new URL('./nodes/', import.meta.url)
  const types = new Map<string, NodeType>()
  for (const name of (await readdir(directory)).sort()) {
    if (!name.endsWith(SOURCE_ENDING) || name.endsWith(`.test${SOURCE_ENDING}`)) continue
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
