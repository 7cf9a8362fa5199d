import type { ErrorData } from '@permea/contract'

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
  /** Of one page of several: from where the next one goes on; null after the last, and where there are no pages. */
  next: string | null
}

/** A node run as a run that goes on needs it. */
export interface RecordedNodeRun extends Pick<NodeRun, 'id' | 'path' | 'status' | 'outputs' | 'errors' | 'next'> {
  /** Its outputs are long, and read when they are needed. */
  isLong: boolean
}

export type NodeCounts = Record<
  string,
  { state: 'running' | 'completed' | 'stopped' | 'failed'; runs: number; erroredRuns: number; outputs: number }
>

/** Counts one more run of a node. */
export function countNodeRun(
  counts: NodeCounts,
  { nodeKey, isError, outputs }: { nodeKey: string; isError: boolean; outputs: number },
): void {
  const of = counts[nodeKey] ?? { state: 'completed' as const, runs: 0, erroredRuns: 0, outputs: 0 }
  counts[nodeKey] = of
  of.runs += 1
  of.outputs += outputs
  if (!isError) return
  of.erroredRuns += 1
  of.state = 'failed'
}
