import type { ErrorData, FlowNode, FlowNodes } from '@permea/contract'
import { LRUCache } from 'lru-cache'
import { errorData, Refusal } from '../api/refusal.ts'
import { codeSecretsOf, literalSecretsOf, missingSecrets, tellingSecrets } from '../exchanges/literal-secrets.ts'
import { bothMasks, type Mask, maskOf } from '../exchanges/mask.ts'
import { checkFormula } from '../formulas/check-formula.ts'
import { type CompiledFormula, compileFormula } from '../formulas/compile-formula.ts'
import type { NodeProblem, NodeType, NodeTypes, PreparedNode, TriggerWish, WaitWish } from './node-type.ts'
import { isStreamed } from './streaming.ts'

/** What is wrong with a flow, and in which node. */
export interface FlowProblem extends NodeProblem {
  /** '' where it is the flow as a whole. */
  nodeKey: string
}

/** A node ready to run. */
export interface PlannedNode {
  key: string
  node: FlowNode
  type: NodeType
  prepared: PreparedNode
  links: { key: string; filter: CompiledFormula | null }[]
  subFlowRoot: string | null
  /** Takes the secrets that stand in the node out of what is recorded of it; null where none does. */
  mask: Mask | null
  /** What it puts out goes on page by page; not so within a for-each, where outputs are gathered anyway. */
  isStreamed: boolean
}

/** A flow made ready to run: formulas compiled, node types looked up. */
export type FlowPlan = ReadonlyMap<string, PlannedNode>

const NODES_MAX = 500

/**
 * Everything that is surely wrong with a flow's nodes, each naming the node: unknown types, wrong configuration,
 * links to nowhere, cycles, nodes that no trigger reaches, no trigger at all. A flow without nodes is a draft.
 */
export function flowProblems(nodes: FlowNodes, types: NodeTypes): FlowProblem[] {
  const entries = Object.entries(nodes)
  if (entries.length > NODES_MAX) return [{ nodeKey: '', path: '', message: `a flow has at most ${NODES_MAX} nodes` }]
  const problems = entries.flatMap(([key, node]) => nodeProblems(key, node, nodes, types))
  if (entries.length > 0 && triggerKeys(nodes, types).length === 0 && !problems.some((each) => each.path === 'type')) {
    problems.push({ nodeKey: '', path: '', message: 'the flow has no trigger', isIncomplete: true })
  }
  if (problems.some((each) => each.isIncomplete !== true)) return problems
  return [...problems, ...cycleProblems(nodes, types), ...unreachableProblems(nodes, types)]
}

/** What is not there yet in a flow that is right as far as it goes. */
export function incompleteness(nodes: FlowNodes, types: NodeTypes): ErrorData[] {
  return flowProblems(nodes, types)
    .filter((each) => each.isIncomplete === true)
    .map(({ nodeKey, path, message, isSecret }) =>
      errorData('invalid_flow', `${placeOf({ nodeKey, path })}${message}`, {
        ...{ nodeKey, path },
        ...(isSecret === true ? { isSecret } : {}),
      }),
    )
}

/** Refuses to run what is not complete, naming the node. */
export function refuseIncomplete(nodes: FlowNodes, types: NodeTypes): void {
  refuseProblems(flowProblems(nodes, types).filter((each) => each.isIncomplete === true))
}

/** The message names the first problem, `data.problems` all of them. */
export function refuseProblems(problems: readonly FlowProblem[]): void {
  const [first] = problems
  if (first === undefined) return
  throw new Refusal('invalid_flow', `${placeOf(first)}${first.message}`, { problems })
}

function placeOf({ nodeKey, path }: Pick<FlowProblem, 'nodeKey' | 'path'>): string {
  return nodeKey === '' ? '' : `node ${JSON.stringify(nodeKey)}${path === '' ? '' : `, ${path}`}: `
}

function nodeProblems(key: string, node: FlowNode, nodes: FlowNodes, types: NodeTypes): FlowProblem[] {
  const at = (path: string, message: string): FlowProblem => ({ nodeKey: key, path, message })
  const type = types.get(node.type)
  if (type === undefined) return [at('type', `there is no node type ${JSON.stringify(node.type)}`)]
  const missing = (path: string, message: string): FlowProblem => ({ ...at(path, message), isIncomplete: true })
  const problems = type.check(node).map((each): FlowProblem => ({ nodeKey: key, ...each }))
  for (const path of missingSecrets(node))
    problems.push({
      ...missing(path, 'a secret is given as it is shown (***), and none is kept for it: give it'),
      isSecret: true,
    })
  for (const [index, link] of (node.links ?? []).entries()) {
    const path = `links[${index}]`
    if (link.key === undefined || link.key === '') continue
    const target = nodeAt(nodes, link.key)
    if (target === undefined)
      problems.push(missing(path, `the link leads to ${JSON.stringify(link.key)}, which is not there`))
    else if (types.get(target.type)?.isTrigger === true)
      problems.push(at(path, `a link cannot lead to the trigger ${JSON.stringify(link.key)}`))
    problems.push(...checkFormula(link.filter).map((each) => at(`${path}.filter ${each.path}`, each.message)))
  }
  const root = type.subFlowRoot?.(node) ?? null
  if (root !== null) {
    const target = nodeAt(nodes, root)
    if (target === undefined) problems.push(missing('config.rootNodeKey', `there is no node ${JSON.stringify(root)}`))
    else if (types.get(target.type)?.isTrigger === true)
      problems.push(at('config.rootNodeKey', 'a sub-flow cannot start at a trigger'))
  }
  return problems
}

/** Own nodes only: a key such as `constructor` must not find what every object has. */
function nodeAt(nodes: FlowNodes, key: string): FlowNode | undefined {
  return Object.hasOwn(nodes, key) ? nodes[key] : undefined
}

function next(key: string, nodes: FlowNodes, types: NodeTypes): string[] {
  const node = nodeAt(nodes, key)
  if (node === undefined) return []
  const root = types.get(node.type)?.subFlowRoot?.(node) ?? null
  const linked = (node.links ?? []).flatMap((link) => (link.key === undefined || link.key === '' ? [] : [link.key]))
  return root === null ? linked : [root, ...linked]
}

/** One problem per node from which a way leads back to itself; without recursion, however long the way. */
function cycleProblems(nodes: FlowNodes, types: NodeTypes): FlowProblem[] {
  const done = new Set<string>()
  for (const start of Object.keys(nodes)) {
    const way: { key: string; rest: string[] }[] = [{ key: start, rest: next(start, nodes, types) }]
    const onWay = new Set([start])
    while (way.length > 0) {
      const step = way.at(-1)
      if (step === undefined) break
      const key = step.rest.pop()
      if (key === undefined) {
        way.pop()
        onWay.delete(step.key)
        done.add(step.key)
      } else if (onWay.has(key)) {
        return [{ nodeKey: key, path: 'links', message: 'the links lead in a circle back to this node' }]
      } else if (!done.has(key)) {
        way.push({ key, rest: next(key, nodes, types) })
        onWay.add(key)
      }
    }
  }
  return []
}

function unreachableProblems(nodes: FlowNodes, types: NodeTypes): FlowProblem[] {
  const reached = new Set(triggerKeys(nodes, types))
  for (const key of reached) for (const each of next(key, nodes, types)) reached.add(each)
  return Object.keys(nodes)
    .filter((key) => !reached.has(key))
    .map((nodeKey) => ({ nodeKey, path: 'links', message: 'no trigger leads to this node', isIncomplete: true }))
}

/** The keys of all triggers, in the order of definition. */
export function triggerKeys(nodes: FlowNodes, types: NodeTypes): string[] {
  return Object.entries(nodes)
    .filter(([, node]) => types.get(node.type)?.isTrigger === true)
    .map(([key]) => key)
}

/** What each trigger of a flow waits for, and each node that waits for events within a run. */
export function triggerWishes(nodes: FlowNodes, types: NodeTypes): { nodeKey: string; wish: TriggerWish | WaitWish }[] {
  return Object.entries(nodes).flatMap(([nodeKey, node]) => {
    const wish = types.get(node.type)?.wish?.(node)
    return wish === undefined ? [] : [{ nodeKey, wish }]
  })
}

/** Compiles a flow that `flowProblems` found nothing wrong with. */
export function planFlow(nodes: FlowNodes, types: NodeTypes): FlowPlan {
  const plan = new Map<string, PlannedNode>()
  for (const [key, node] of Object.entries(nodes)) {
    const type = types.get(node.type)
    if (type === undefined) throw new Error(`there is no node type ${JSON.stringify(node.type)}`)
    const prepared = type.prepare(node)
    plan.set(key, {
      key,
      node,
      type,
      prepared,
      isStreamed: prepared.pages !== undefined && isStreamed(key, nodes, types),
      links: (node.links ?? []).flatMap((link) =>
        link.key === undefined || link.key === ''
          ? []
          : [
              {
                key: link.key,
                filter: link.filter === undefined || link.filter === null ? null : compileFormula(link.filter),
              },
            ],
      ),
      subFlowRoot: type.subFlowRoot?.(node) ?? null,
      mask: maskOfNode(node),
    })
  }
  return plan
}

function maskOfNode(node: FlowNode): Mask | null {
  const secrets = tellingSecrets([...literalSecretsOf(node), ...codeSecretsOf(node)])
  return secrets.length === 0 ? null : maskOf({ args: {}, secrets })
}

/** Plans by version id. A version never changes, so a plan is made once however many instances share it. */
export interface Plans {
  of(versionId: string): Promise<FlowPlan>
  /** Takes the secrets that stand in any of its nodes out of what is shown; null where none does. */
  maskOf(versionId: string): Promise<Mask | null>
  /** Drops what is kept in memory. */
  forget(): void
}

export function createPlans(options: { types: NodeTypes; nodesOf(versionId: string): Promise<FlowNodes> }): Plans {
  const plans = new LRUCache<string, Promise<FlowPlan>>({ max: 2000 })
  const made: Plans = {
    forget: () => plans.clear(),
    async maskOf(versionId) {
      const masks = [...(await made.of(versionId)).values()].flatMap(({ mask }) => mask ?? [])
      return masks.length === 0 ? null : masks.reduce(bothMasks)
    },
    of(versionId) {
      let plan = plans.get(versionId)
      if (plan === undefined) {
        plan = options.nodesOf(versionId).then((nodes) => planFlow(nodes, options.types))
        plan.catch(() => plans.delete(versionId))
        plans.set(versionId, plan)
      }
      return plan
    },
  }
  return made
}
