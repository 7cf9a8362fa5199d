import type { Connection } from '../connections/connection.ts'
import type { Customer } from '../customers/customer.ts'
import type { FlowPlan } from '../flows/plan.ts'
import type { EventSource } from './event-waits.ts'
import type { RecordedNodeRun } from './node-run.ts'
import type { RunItem } from './run.ts'
import type { RunTrace } from './run-trace.ts'

/** What one run is walked with. */
export interface ExecutionInput {
  item: RunItem
  plan: FlowPlan
  user: Customer
  connection: Connection | null
  /** Of the run and of the flow that it is of, on the wire. */
  wireIds: { run: string; flow: string }
  /** `user`, `flowRun`, `flowInstance`, `connection`, `integration`: the same for every node. */
  scope: Record<string, unknown>
  /** What was recorded before, by path. */
  recorded: ReadonlyMap<string, RecordedNodeRun>
  /** JSON text of the outputs of one of them that is long. */
  longOutputs(id: string): Promise<string>
  /** Those of them that are within the for-each at this place. */
  beneath(path: string): readonly RecordedNodeRun[]
  /** The events that came of those that node runs wait for, by path. */
  arrived: ReadonlyMap<string, { payload: unknown }>
  /** Whose events a node that waits is told of; null where it is told of none. */
  sourceOfWait(nodeKey: string): Promise<EventSource | null>
  signal: AbortSignal
  trace: RunTrace
  /** What the first node is fed where that is not what the run was launched with. */
  fed?: unknown
}
