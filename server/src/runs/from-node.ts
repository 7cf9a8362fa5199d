import type { NodeRun } from './node-run.ts'

/**
 * What stays as it was where a run is repeated from a node on: everything that neither failed nor is the node, nor comes
 * after one of these. A list that is gone through round by round is gone through again where one of its rounds is, but
 * the other rounds stay.
 */
export function keptBefore(nodeRuns: readonly NodeRun[], nodeKey: string): NodeRun[] {
  const isDoneAnew = pathsAnew(nodeRuns.filter((each) => each.nodeKey === nodeKey || each.status === 'failed'))
  return nodeRuns.filter(({ path }) => !isDoneAnew(path))
}

/** A round of a list, in a path: `>e3.node`. What follows from an output is `>3.node`. */
const ROUND = /^e\d+\./

function pathsAnew(anew: readonly NodeRun[]): (path: string) => boolean {
  const places = new Set(anew.map(({ path }) => path))
  const lists = new Set(anew.flatMap(({ path }) => listsAround(path)))
  return (path) => {
    const steps = path.split('>')
    let place = ''
    for (const [at, step] of steps.entries()) {
      // What follows from a list waits for all of its rounds.
      if (lists.has(place) && !ROUND.test(step)) return true
      place = at === 0 ? step : `${place}>${step}`
      if (places.has(place)) return true
    }
    return lists.has(path)
  }
}

/** The places of the lists of which the node run at this path is in a round. */
function listsAround(path: string): string[] {
  const steps = path.split('>')
  return steps.flatMap((step, at) => (ROUND.test(step) ? [steps.slice(0, at).join('>')] : []))
}
