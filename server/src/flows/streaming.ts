import type { FlowNode, FlowNodes } from '@permea/contract'
import { isRecord } from '../formulas/coercion.ts'
import { parseLocator } from '../formulas/locator.ts'
import { configOf, type NodeTypes } from './node-type.ts'

/**
 * Whether what the node puts out may go on page by page: all that takes it is a for-each over it, nothing comes after
 * that, and no other node looks at the list.
 */
export function isStreamed(key: string, nodes: FlowNodes, types: NodeTypes): boolean {
  const links = linksOf(nodes[key])
  const [link] = links
  if (links.length !== 1 || link?.key === undefined || (link.filter !== undefined && link.filter !== null)) return false
  const loop = Object.hasOwn(nodes, link.key) ? nodes[link.key] : undefined
  if (loop === undefined || types.get(loop.type)?.type !== 'for-each-v2' || linksOf(loop).length > 0) return false
  const { items, ...rest } = configOf(loop)
  if (!isThatList(items, key)) return false
  return Object.entries(nodes).every(([name, node]) => {
    if (name === key) return true
    const filters = linksOf(node).map((each) => each.filter)
    return !mentions([name === link.key ? rest : node.config, filters], key)
  })
}

function linksOf(node: FlowNode | undefined) {
  return (node?.links ?? []).filter((each) => each.key !== undefined && each.key !== '')
}

function isThatList(items: unknown, key: string): boolean {
  const steps = isRecord(items) && Object.keys(items).length === 1 ? parseLocator(items.$var) : null
  return steps?.length === 2 && steps[0] === 'input' && steps[1] === key
}

/** Whether a formula may look at the output of the node; the name of it in any other text counts too. */
function mentions(value: unknown, key: string): boolean {
  if (typeof value === 'string') return namedIn(value, key)
  if (Array.isArray(value)) return value.some((each) => mentions(each, key))
  if (!isRecord(value)) return false
  return Object.entries(value).some(([name, each]) => {
    if (typeof each === 'string' && name === '$var') {
      const steps = parseLocator(each)
      if (steps === null) return namedIn(each, key)
      return steps.length === 0 || (steps[0] === 'input' && (steps.length === 1 || steps[1] === key))
    }
    // An expression may take all of the input at once.
    if (typeof each === 'string' && name.startsWith('$') && /\binput\b(?!\s*[.[])/.test(each)) return true
    return mentions(each, key)
  })
}

function namedIn(text: string, key: string): boolean {
  for (let at = text.indexOf(key); at >= 0; at = text.indexOf(key, at + 1)) {
    const isWithin = [text[at - 1], text[at + key.length]].some((beside) => /[\p{L}\p{N}_]/u.test(beside ?? ''))
    if (!isWithin) return true
  }
  return false
}
