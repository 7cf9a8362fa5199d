import { type FlowNode, type FlowNodes, parseExactJson } from '@permea/contract'
import {
  type LiteralSecrets,
  missingSecrets,
  withKeptSecrets,
  withLiteralSecrets,
  withoutLiteralSecrets,
} from '../exchanges/literal-secrets.ts'
import { isRecord } from '../formulas/coercion.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { FlowContent } from './flow.ts'
import { refuseProblems } from './plan.ts'

/** Nodes as they are stored: as they are shown, and the secrets that stood in them. */
export interface StoredNodes {
  shown: FlowNodes
  /** Null where there was none. */
  secretsSealed: string | null
}

/** Secrets by the key of their node, which is a name that people choose and says nothing of what stands under it. */
type SecretsOfNodes = Record<string, LiteralSecrets>

/** The nodes as everybody sees them. */
export function shownNodes<Nodes extends Record<string, FlowNode | null> | null>(nodes: Nodes): Nodes {
  if (nodes === null) return nodes
  return Object.fromEntries(
    Object.entries(nodes).map(([key, node]) => [key, withoutLiteralSecrets(node).shown]),
  ) as Nodes
}

export function sealNodes(sealing: Pick<Sealing, 'seal'>, nodes: FlowNodes): StoredNodes {
  const shown: [string, FlowNode][] = []
  const secrets: [string, LiteralSecrets][] = []
  for (const [key, node] of Object.entries(nodes)) {
    const taken = withoutLiteralSecrets(node)
    shown.push([key, taken.shown as FlowNode])
    if (taken.secrets !== null) secrets.push([key, taken.secrets])
  }
  return {
    shown: Object.fromEntries(shown),
    secretsSealed: secrets.length === 0 ? null : sealing.seal(JSON.stringify(Object.fromEntries(secrets))),
  }
}

export function openNodes(sealing: Pick<Sealing, 'open'>, { shown, secretsSealed }: StoredNodes): FlowNodes {
  if (secretsSealed === null) return shown
  const secrets = parseExactJson(sealing.open(secretsSealed)) as SecretsOfNodes
  return Object.fromEntries(
    Object.entries(shown).map(([key, node]) => [key, Object.hasOwn(secrets, key) ? opened(node, secrets[key]) : node]),
  )
}

function opened(node: FlowNode, secrets: LiteralSecrets | undefined): FlowNode {
  return secrets === undefined ? node : (withLiteralSecrets(node, secrets) as FlowNode)
}

/** What is laid over a parent, with the secrets that the nodes have. */
export function ownNodes(
  customNodes: NonNullable<FlowContent['customNodes']>,
  nodes: FlowNodes,
): NonNullable<FlowContent['customNodes']> {
  return Object.fromEntries(
    Object.entries(customNodes).map(([key, node]) => [key, node === null ? null : (nodes[key] ?? node)]),
  )
}

/**
 * The given nodes, with the stored secrets where they are given as they are shown; of a node under another key, too.
 * A customer keeps them only in a node that sends them where it did: else one could have the workspace's secrets sent
 * to oneself.
 */
export function withKeptNodes(given: FlowNodes, stored: FlowNodes, by: { isAdmin: boolean }): FlowNodes {
  return Object.fromEntries(
    Object.entries(given).map(([nodeKey, node]) => {
      const before = Object.hasOwn(stored, nodeKey) ? stored[nodeKey] : renamed(node, given, stored)
      if (before === undefined) return [nodeKey, node]
      const kept = withKeptSecrets(node, before) as FlowNode
      const isKeeping = JSON.stringify(kept) !== JSON.stringify(node)
      if (isKeeping && !by.isAdmin && targetOf(node) !== targetOf(shownNode(before)))
        refuseProblems([
          { nodeKey, path: 'config', message: 'the secret (***) is not kept where it would go elsewhere: give it' },
        ])
      return [nodeKey, kept]
    }),
  )
}

function shownNode(node: FlowNode): FlowNode {
  return withoutLiteralSecrets(node).shown as FlowNode
}

/** The stored node that is now under this key: it has the same configuration, and its own key is gone. */
function renamed(node: FlowNode, given: FlowNodes, stored: FlowNodes): FlowNode | undefined {
  if (missingSecrets(node).length === 0) return undefined
  const text = JSON.stringify([node.type, node.config])
  return Object.entries(stored).find(
    ([key, each]) => !Object.hasOwn(given, key) && JSON.stringify([each.type, shownNode(each).config]) === text,
  )?.[1]
}

/** Everything that says where a node sends something: all of its configuration but the body of a request. */
function targetOf({ type, config }: FlowNode): string {
  if (!isRecord(config) || !isRecord(config.request)) return JSON.stringify([type, config])
  return JSON.stringify([type, { ...config, request: { ...config.request, body: null } }])
}
