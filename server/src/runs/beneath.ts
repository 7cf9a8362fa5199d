import type { RecordedNodeRun } from './node-run.ts'

/** Node runs of the record by the for-each that they are in, on whatever level; put in order when they are first asked for. */
export function nodeRunsBeneath(
  recorded: ReadonlyMap<string, RecordedNodeRun>,
): (path: string) => readonly RecordedNodeRun[] {
  let byLoop: Map<string, RecordedNodeRun[]> | null = null
  return (path) => {
    byLoop ??= inOrder(recorded)
    return byLoop.get(path) ?? []
  }
}

function inOrder(recorded: ReadonlyMap<string, RecordedNodeRun>): Map<string, RecordedNodeRun[]> {
  const byLoop = new Map<string, RecordedNodeRun[]>()
  for (const [path, each] of recorded) {
    // An item's step is `>e` and its number; names of nodes hold no `>`.
    for (const { index } of path.matchAll(/>e\d+\./g)) {
      const loop = path.slice(0, index)
      const list = byLoop.get(loop) ?? []
      if (list.length === 0) byLoop.set(loop, list)
      list.push(each)
    }
  }
  return byLoop
}
