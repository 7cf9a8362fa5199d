import type { NodeCall, NodeOutcome, PageReader } from '../flows/node-type.ts'
import type { PageVisit, Visit } from './visit.ts'

/**
 * Does a node page after page, and what follows on each: no more than one page is held. Each page is recorded, so that a
 * run that is interrupted goes on with the very items it had begun with, whatever the app shows by then.
 */
export async function walkPages(
  visit: Visit,
  reader: PageReader,
  walk: (visit: Visit) => Promise<void>,
): Promise<void> {
  let from: string | null = null
  let number = 0
  do {
    const page: PageVisit = { reader, from, next: null }
    await walk({ ...visit, path: pagePath(visit.path, number), page })
    from = page.next
    number += 1
  } while (from !== null)
}

/** Does the node at its place: all of it, or the page that it is. */
export async function doing({ node, page }: Visit, call: NodeCall): Promise<NodeOutcome> {
  if (page === undefined) return node.prepared.execute(call)
  const { outcome, next } = await page.reader.read(call, page.from)
  page.next = next
  return outcome
}

/** `trigger>0.list`, then `trigger>0~1.list`, `trigger>0~2.list` and so on. */
function pagePath(path: string, number: number): string {
  if (number === 0) return path
  const step = path.lastIndexOf('>') + 1
  const dot = path.indexOf('.', step)
  return `${path.slice(0, dot)}~${number}${path.slice(dot)}`
}
