import type { ImportResult } from '../../../server/src/workspace-files/import-files.ts'
import { placeOf } from '../../../server/src/workspace-files/layout.ts'
import type { Target } from '../target.ts'
import type { Files } from './folder.ts'

/** Of flows that were changed, so many are looked at for instances that are behind. */
const LOOKED_AT_MAX = 20

/** Flows that an import changed, by selector. */
export function changedFlows({ comparison }: ImportResult): string[] {
  return comparison.update
    .filter((each) => each.type === 'flow')
    .map(({ key, integrationKey }) => (integrationKey === undefined ? key : `${integrationKey}.${key}`))
}

/** Flows that these files define, by selector. */
export function flowsIn(files: Files): string[] {
  return [...files.keys()].flatMap((path) => {
    const place = placeOf(path.split('/').slice(1).join('/'))
    if (place === null || !('kind' in place) || place.kind.type !== 'flow') return []
    return [place.integrationKey === null ? place.folderKey : `${place.integrationKey}.${place.folderKey}`]
  })
}

/** Instances keep the nodes that their flow had when they were made: brings those of these flows to what it has now. */
export async function updateInstances({ permea }: Target, flows: readonly string[]): Promise<number> {
  let count = 0
  for (const selector of flows) count += (await permea.flows.updateInstances({ params: { selector } })).updated
  return count
}

/** Those of the flows that have instances which are behind. */
export async function flowsBehind({ permea }: Target, flows: readonly string[]): Promise<string[]> {
  const behind = await Promise.all(
    flows.slice(0, LOOKED_AT_MAX).map(async (selector) => {
      const { id } = await permea.flows.get({ params: { selector } })
      const { items } = await permea.flowInstances.list({ query: { flowId: id, limit: 100 } })
      return items.some((each) => each.outdated) ? [selector] : []
    }),
  )
  return behind.flat()
}
