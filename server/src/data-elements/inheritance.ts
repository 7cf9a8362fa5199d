import type { Tx } from '../platform/database.ts'
import { contentLaidOver, type DataElement } from './data-element.ts'
import { elementsByIds } from './store.ts'

type Json = Record<string, unknown>

/** Layers are three; a chain that is longer was never made. */
const DEPTH_MAX = 5

/** The elements that each follows, nearest first; those of many are read together. */
export async function parentsOf(
  tx: Tx,
  elements: readonly DataElement[],
): Promise<(element: DataElement) => DataElement[]> {
  const known = new Map(elements.map((each) => [each.id, each]))
  let wanted = missingParents(elements, known)
  for (let depth = 0; wanted.length > 0 && depth < DEPTH_MAX; depth += 1) {
    const found = await elementsByIds(tx, wanted)
    for (const [id, each] of found) known.set(id, each)
    wanted = missingParents([...found.values()], known)
  }
  return (element) => {
    const parents: DataElement[] = []
    for (let at = element.parentId; at !== null && parents.length < DEPTH_MAX; ) {
      const parent = known.get(at)
      if (parent === undefined) break
      parents.push(parent)
      at = parent.parentId
    }
    return parents
  }
}

/** The content of each as it counts: what it says itself laid over what those say that it follows. */
export async function contentsOf(tx: Tx, elements: readonly DataElement[]): Promise<Map<string, Json>> {
  const above = await parentsOf(tx, elements)
  return new Map(elements.map((element) => [element.id, contentFrom(element, above(element))]))
}

export function contentFrom(element: DataElement, parents: readonly DataElement[]): Json {
  return [element, ...parents]
    .toReversed()
    .reduce<Json>((content, each) => contentLaidOver(content, each.content) as Json, {})
}

function missingParents(elements: readonly DataElement[], known: ReadonlyMap<string, DataElement>): string[] {
  return elements.flatMap(({ parentId }) => (parentId === null || known.has(parentId) ? [] : [parentId]))
}
