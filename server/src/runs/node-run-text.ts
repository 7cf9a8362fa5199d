import { type ErrorData, parseExactJson } from '@permea/contract'
import { countNodeRun, type NodeCounts, type NodeRun } from './node-run.ts'

/** Longest list that is kept in the row of its run, in characters: what is longer has rows of its own. */
const CHARS_MAX = 1_000_000

/** One node run as it stands in the list: id, path, status, item, outputs, errors, logs, start and end, tries, and where it is a page, from where the next one goes on. */
type Entry = [
  string,
  string,
  NodeRun['status'],
  string | null,
  unknown[] | 0,
  ErrorData[] | 0,
  unknown[] | 0,
  number,
  number,
  number,
  string?,
]

/**
 * The node runs of a run as one JSON text, for the row of the run itself; null where they are too long for that.
 * Moments are milliseconds after the first one, and what is told by something else is left out.
 */
export function nodeRunsText(nodeRuns: readonly NodeRun[]): string | null {
  const firstMs = nodeRuns[0]?.startedAt.getTime() ?? 0
  let text = `[${firstMs}`
  for (const each of nodeRuns) {
    const { id, path, status, item, outputs, errors, logs, startedAt, endedAt, attempts, next } = each
    // What is JSON text already is not made anew.
    text += `,["${id}",${JSON.stringify(path)},"${status}",${item === null ? 'null' : JSON.stringify(item)},${outputs ?? 0}`
    text += `,${errors.length === 0 ? 0 : JSON.stringify(errors)},${logs.length === 0 ? 0 : JSON.stringify(logs)}`
    text += `,${startedAt.getTime() - firstMs},${endedAt.getTime() - firstMs},${attempts}`
    text += next === null ? ']' : `,${JSON.stringify(next)}]`
    if (text.length > CHARS_MAX) return null
  }
  return `${text}]`
}

/** The node runs that such a text stands for, oldest first. */
export function nodeRunsOfText(runId: string, text: string): NodeRun[] {
  const [firstMs, ...entries] = parseExactJson(text) as [number, ...Entry[]]
  return entries
    .map(([id, path, status, item, outputs, errors, logs, startMs, endMs, attempts, next]) => ({
      id,
      runId,
      nodeKey: nodeKeyOfPath(path),
      path,
      status,
      item,
      outputs: outputs === 0 ? null : JSON.stringify(outputs),
      errors: errors === 0 ? [] : errors,
      logs: logs === 0 ? [] : logs,
      startedAt: new Date(firstMs + startMs),
      endedAt: new Date(firstMs + endMs),
      attempts,
      next: next ?? null,
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** What the node runs of a finished run come to, in the order in which its nodes ended first. */
export function countsOf(nodeRuns: readonly NodeRun[]): NodeCounts {
  const counts: NodeCounts = {}
  for (const each of nodeRuns)
    countNodeRun(counts, { nodeKey: each.nodeKey, isError: each.status === 'failed', outputs: outputsGivenBy(each) })
  return counts
}

/** How many outputs it gave. Outputs that are not at hand were put out as one. */
export function outputsGivenBy({ status, outputs }: Pick<NodeRun, 'status' | 'outputs'>): number {
  if (status !== 'completed') return 0
  return outputs === null ? 1 : (JSON.parse(outputs) as unknown[]).length
}

/** The node of a path's last step: `trigger>0.post` is at `post`, `loop>e2.step` at `step`. */
export function nodeKeyOfPath(path: string): string {
  const cut = path.lastIndexOf('>')
  const step = path.slice(cut + 1)
  return decodeURIComponent(cut < 0 ? step : step.slice(step.indexOf('.') + 1))
}
