import { createHash } from 'node:crypto'
import type { FlowNodes } from '@permea/contract'
import { refusingTakenKey } from '../api/elements.ts'
import { checkSchema } from '../api/json-schema.ts'
import type { Actor, Principal } from '../api/principal.ts'
import { Refusal } from '../api/refusal.ts'
import type { Functions, Whose } from '../functions/function.ts'
import { beforehand } from '../platform/beforehand.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import { type Ids, secretUuid } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { ConnectorEvents } from './connector-events.ts'
import { customOf, type Flow, type FlowContent, type FlowInstance, laidOver, withoutReadOnly } from './flow.ts'
import { ownNodes, shownNodes, withKeptNodes } from './node-secrets.ts'
import type { NodeTypes } from './node-type.ts'
import {
  type FlowProblem,
  flowProblems,
  incompleteness,
  refuseIncomplete,
  refuseProblems,
  triggerWishes,
} from './plan.ts'
import { insertFlow, insertInstance, keepVersion, nodesOfVersion, updateFlow, updateInstance } from './store.ts'

export interface DefinitionsOptions {
  database: Database
  clock: Clock
  ids: Ids
  sealing: Sealing
  nodeTypes: NodeTypes
  functions: Pick<Functions, 'problem'>
  connectorEvents: ConnectorEvents
}

/** Nodes as somebody gives them: secrets that are given as they are shown are kept. */
export interface GivenNodes {
  nodes: FlowNodes
  by: Pick<Principal, 'isAdmin'>
}

/** How nodes are checked, stored and inherited, for flows and instances alike. */
export interface Definitions {
  /** The content of something with a parent: its nodes as they are, with the given ones (all of them) instead where given. */
  inheriting(tx: Tx, whose: Whose, parentVersionId: string, given: GivenNodes | null): Promise<FlowContent>
  /** The content of something that stands alone. */
  own(tx: Tx, whose: Whose, nodes: FlowNodes): Promise<FlowContent>
  /** The same content with other nodes. */
  withNodes(tx: Tx, whose: Whose, content: FlowContent, given: GivenNodes): Promise<FlowContent>
  /** The same own nodes laid over what the parent has now. */
  rebased(tx: Tx, whose: Whose, content: FlowContent, parentVersionId: string): Promise<FlowContent>
  /** Refuses nodes that wait for events which the app does not have; only where it is known which app that is. */
  refuseForeignEvents(
    tx: Tx,
    of: Parameters<ConnectorEvents['problem']>[1] | null,
    content: Pick<FlowContent, 'versionId'>,
  ): Promise<void>
  /** Refuses to enable nodes that are not complete, naming the first. */
  refuseIncomplete(tx: Tx, content: Pick<FlowContent, 'versionId'>): Promise<void>
  isComplete(tx: Tx, content: Pick<FlowContent, 'versionId'>): Promise<boolean>
  /** Whether one of the nodes has no use without a connection. */
  needsConnection(tx: Tx, content: Pick<FlowContent, 'versionId'>): Promise<boolean>
  insert(tx: Tx, flow: Flow, by: Actor): Promise<Flow>
  /** Writes a change under a new revision. */
  save(tx: Tx, flow: Flow, by: Actor): Promise<Flow>
  insertInstance(tx: Tx, instance: FlowInstance): Promise<void>
  /** Writes a change of an instance as it is given. */
  saveInstance(tx: Tx, instance: FlowInstance): Promise<void>
}

/** Refuses nodes that make no sense. What is only not there yet is kept: it is told of, and refused when it is to run. */
async function refuseBadNodes(
  nodes: FlowNodes,
  { nodeTypes, functions }: DefinitionsOptions,
  how: { whose: Whose; isCodeKnown: boolean },
): Promise<void> {
  const problems = flowProblems(nodes, nodeTypes)
  // What is wrong is named first; what is only missing would be kept.
  const wrong = problems.filter((each) => each.isIncomplete !== true)
  if (wrong.length > 0) refuseProblems([...wrong, ...problems.filter((each) => each.isIncomplete === true)])
  if (how.isCodeKnown) return
  // All of it in one go before the transaction that stores them.
  const key = createHash('sha256')
    .update(JSON.stringify([how.whose, nodes]))
    .digest('base64')
  refuseProblems(await beforehand(key, () => codeProblems(nodes, how.whose, { nodeTypes, functions })))
}

/** What is wrong with the code and the schemas in nodes: found by loading them once. */
async function codeProblems(
  nodes: FlowNodes,
  whose: Whose,
  { nodeTypes: types, functions }: Pick<DefinitionsOptions, 'nodeTypes' | 'functions'>,
): Promise<FlowProblem[]> {
  const problems: FlowProblem[] = []
  for (const [nodeKey, node] of Object.entries(nodes)) {
    const schema = types.get(node.type)?.schema?.(node) ?? null
    const wrong = schema === null ? null : await schemaRefusal(schema.schema, whose)
    if (schema !== null && wrong !== null) problems.push({ nodeKey, path: schema.path, message: wrong })
    const code = types.get(node.type)?.code?.(node) ?? null
    if (code === null) continue
    const problem = await functions.problem(code.definition, `${nodeKey}.js`, whose)
    if (problem === null) continue
    const { message, line, column } = problem
    const where = line === null ? '' : ` (line ${line}${column === null ? '' : `, column ${column}`})`
    problems.push({ nodeKey, path: code.path, message: `${message}${where}` })
  }
  return problems
}

async function schemaRefusal(schema: Parameters<typeof checkSchema>[0], whose: Whose): Promise<string | null> {
  try {
    await checkSchema(schema, whose.customerId ?? whose.workspaceId)
    return null
  } catch (error) {
    if (error instanceof Refusal) return error.message
    throw error
  }
}

export function createDefinitions(options: DefinitionsOptions): Definitions {
  const { clock, ids, nodeTypes, sealing } = options

  async function contentOf(
    tx: Tx,
    whose: Whose,
    baseVersionId: string,
    custom: FlowContent['customNodes'],
  ): Promise<FlowContent> {
    const nodes = laidOver(await nodesOfVersion(tx, sealing, baseVersionId), custom)
    // What is taken over unchanged was loaded when it was saved.
    await refuseBadNodes(nodes, options, { whose, isCodeKnown: custom === null })
    const versionId =
      custom === null
        ? baseVersionId
        : await keepVersion(tx, sealing, { id: ids.next(), workspaceId: whose.workspaceId, nodes })
    return { baseVersionId, customNodes: shownNodes(custom), isNameCustomized: false, versionId }
  }

  const definitions: Definitions = {
    async inheriting(tx, whose, parentVersionId, given) {
      if (given === null) return contentOf(tx, whose, parentVersionId, null)
      const parent = await nodesOfVersion(tx, sealing, parentVersionId)
      const nodes = withKeptNodes(withoutReadOnly(given.nodes), parent, given.by)
      return contentOf(tx, whose, parentVersionId, customOf(parent, nodes))
    },
    async own(tx, whose, nodes) {
      const given = withoutReadOnly(nodes)
      await refuseBadNodes(given, options, { whose, isCodeKnown: false })
      const versionId = await keepVersion(tx, sealing, { id: ids.next(), workspaceId: whose.workspaceId, nodes: given })
      return { baseVersionId: null, customNodes: null, isNameCustomized: false, versionId }
    },
    async withNodes(tx, whose, content, { nodes, by }) {
      const stored = await nodesOfVersion(tx, sealing, content.versionId)
      const kept = withKeptNodes(withoutReadOnly(nodes), stored, by)
      const fresh =
        content.baseVersionId === null
          ? await definitions.own(tx, whose, kept)
          : await definitions.inheriting(tx, whose, content.baseVersionId, { nodes: kept, by })
      return { ...fresh, isNameCustomized: content.isNameCustomized }
    },
    async rebased(tx, whose, content, parentVersionId) {
      const { customNodes, versionId } = content
      const own = customNodes === null ? null : ownNodes(customNodes, await nodesOfVersion(tx, sealing, versionId))
      return {
        ...(await contentOf(tx, whose, parentVersionId, own)),
        isNameCustomized: content.isNameCustomized,
      }
    },
    async refuseForeignEvents(tx, of, content) {
      if (of === null) return
      const problems: FlowProblem[] = []
      for (const { nodeKey, wish } of triggerWishes(await nodesOfVersion(tx, sealing, content.versionId), nodeTypes)) {
        const awaited = wish.kind === 'wait' ? wish.for : wish
        if (awaited.kind !== 'connector-event') continue
        const message = await options.connectorEvents.problem(tx, of, awaited.eventKey)
        if (message !== null) problems.push({ nodeKey, path: 'config.eventKey', message })
      }
      refuseProblems(problems)
    },
    async refuseIncomplete(tx, content) {
      refuseIncomplete(await nodesOfVersion(tx, sealing, content.versionId), nodeTypes)
    },
    async isComplete(tx, content) {
      return incompleteness(await nodesOfVersion(tx, sealing, content.versionId), nodeTypes).length === 0
    },
    async needsConnection(tx, content) {
      const nodes = await nodesOfVersion(tx, sealing, content.versionId)
      return Object.values(nodes).some((node) => nodeTypes.get(node.type)?.needsConnection === true)
    },
    async insert(tx, flow, by) {
      await refusingTakenKey('flow', flow.key, () => insertFlow(tx, sealing, flow, by))
      return flow
    },
    async save(tx, flow, by) {
      const changed = { ...flow, revision: secretUuid(), updatedAt: clock.now() }
      await refusingTakenKey('flow', flow.key, () => updateFlow(tx, sealing, changed, by))
      return changed
    },
    insertInstance: (tx, instance) => insertInstance(tx, sealing, instance),
    saveInstance: (tx, instance) => updateInstance(tx, sealing, instance),
  }
  return definitions
}
