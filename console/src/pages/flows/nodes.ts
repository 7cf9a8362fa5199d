import type { ItemOf, permea } from '../../api.ts'

export type NodeType = ItemOf<typeof permea.flowNodeTypes.list>
export type FlowNodes = ItemOf<typeof permea.flows.list>['nodes']
export type FlowNode = FlowNodes[string]

/** The kind of a node, also where it goes by an older name. */
export function typeOf(node: FlowNode, types: readonly NodeType[]): NodeType | undefined {
  return types.find((each) => each.type === node.type || each.aliases.includes(node.type))
}

/** Every way from one node to another: links, and the first inner node of a loop. */
export function edgesOf(nodes: FlowNodes): { from: string; to: string; kind: 'link' | 'inner'; isFiltered: boolean }[] {
  return Object.entries(nodes).flatMap(([from, node]) => {
    const links = (node.links ?? []).flatMap(({ key, filter }) =>
      key !== undefined && nodes[key] !== undefined
        ? [{ from, to: key, kind: 'link' as const, isFiltered: filter !== undefined && filter !== null }]
        : [],
    )
    const inner = (node.config as { rootNodeKey?: unknown } | undefined)?.rootNodeKey
    return typeof inner === 'string' && nodes[inner] !== undefined
      ? [...links, { from, to: inner, kind: 'inner' as const, isFiltered: false }]
      : links
  })
}

/** The nodes on the ways to this one, nearest first; of a loop that it is in, its items as well. */
export function nodesBefore(nodes: FlowNodes, nodeKey: string): string[] {
  const ways = edgesOf(nodes)
  const before = new Set<string>()
  const look = (key: string) => {
    for (const { from, to, kind } of ways) {
      if (to !== key || before.has(from)) continue
      before.add(from)
      if (kind === 'inner') before.add(`${from}.item`)
      look(from)
    }
  }
  look(nodeKey)
  return [...before]
}

/** The node with another condition on one of its ways out; none where it is undefined. */
export function withLinkFilter(node: FlowNode, to: string, filter: unknown): FlowNode {
  return {
    ...node,
    links: (node.links ?? []).map((link) => {
      if (link.key !== to) return link
      const { filter: _, ...others } = link
      return filter === undefined ? others : { ...others, filter }
    }),
  }
}

/** A new node, linked after another one where that is given; gives the nodes and its key. */
export function withNode(nodes: FlowNodes, type: NodeType, after: string | null): { nodes: FlowNodes; key: string } {
  const key = freeKey(nodes, type.isTrigger ? 'trigger' : type.type.replace(/-v\d+$/, ''))
  const node: FlowNode = { type: type.type, name: type.title, config: {}, links: [] }
  const made = { ...nodes, [key]: node }
  return { nodes: after === null ? made : withLink(made, after, key), key }
}

function freeKey(nodes: FlowNodes, wanted: string): string {
  for (let number = 1; ; number += 1) {
    const key = number === 1 ? wanted : `${wanted}-${number}`
    if (nodes[key] === undefined) return key
  }
}

export function withLink(nodes: FlowNodes, from: string, to: string): FlowNodes {
  const node = nodes[from]
  if (node === undefined || (node.links ?? []).some((link) => link.key === to)) return nodes
  return { ...nodes, [from]: { ...node, links: [...(node.links ?? []), { key: to }] } }
}

export function withoutLink(nodes: FlowNodes, from: string, to: string): FlowNodes {
  const node = nodes[from]
  if (node === undefined) return nodes
  return { ...nodes, [from]: { ...node, links: (node.links ?? []).filter((link) => link.key !== to) } }
}

export function withoutNode(nodes: FlowNodes, gone: string): FlowNodes {
  const { [gone]: _, ...others } = nodes
  return Object.keys(others).reduce((left, key) => withoutLink(left, key, gone), others)
}

/** The node under another key, with everything that led to it leading there. */
export function renamed(nodes: FlowNodes, from: string, to: string): FlowNodes {
  return Object.fromEntries(
    Object.entries(nodes).map(([key, node]) => {
      const links = node.links?.map((link) => (link.key === from ? { ...link, key: to } : link))
      const config = node.config as { rootNodeKey?: unknown } | undefined
      return [
        key === from ? to : key,
        {
          ...node,
          ...(links === undefined ? {} : { links }),
          ...(config?.rootNodeKey === from ? { config: { ...config, rootNodeKey: to } } : {}),
        },
      ]
    }),
  )
}

/** What is wrong with which node, as the engine said. */
export interface NodeProblem {
  nodeKey: string | null
  path: string
  message: string
}

export function nodeProblemsOf(data: unknown): NodeProblem[] {
  const { problems } = (data ?? {}) as { problems?: { nodeKey?: string; path?: string; message: string }[] }
  return (problems ?? []).map(({ nodeKey, path, message }) => ({ nodeKey: nodeKey ?? null, path: path ?? '', message }))
}
