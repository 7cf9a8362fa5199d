import { checkFormula } from '../../formulas/check-formula.ts'
import { compileFormula } from '../../formulas/compile-formula.ts'
import { configOf, type NodeProblem, type NodeType } from '../node-type.ts'

function rootOf(config: Record<string, unknown>): string | null {
  const { rootNodeKey } = config
  return typeof rootNodeKey === 'string' && rootNodeKey !== '' ? rootNodeKey : null
}

/**
 * Runs the sub-flow that starts at `config.rootNodeKey` once for each of `config.items`, `concurrency` at a time.
 * Inner nodes see `$.input.<key of this node>.item`. The output is `{ <inner node key>: [outputs] }`.
 */
const forEach: NodeType = {
  type: 'for-each-v2',
  aliases: ['for-each'],
  isTrigger: false,
  hasEffect: false,
  check(node) {
    const config = configOf(node)
    const problems: NodeProblem[] = checkFormula(config.items).map((each) => ({
      path: `config.items ${each.path}`,
      message: each.message,
    }))
    if (config.items === undefined)
      problems.push({ path: 'config.items', message: 'a list (or a formula for one) is needed', isIncomplete: true })
    if (rootOf(config) === null)
      problems.push({
        path: 'config.rootNodeKey',
        message: 'the key of the first inner node is needed',
        isIncomplete: true,
      })
    return problems
  },
  prepare(node) {
    const items = compileFormula(configOf(node).items)
    return {
      async execute(call) {
        const value = await items.evaluate(call.scope, { owner: call.user.id })
        if (value === undefined || value === null) return { kind: 'each', items: [] }
        if (Array.isArray(value)) return { kind: 'each', items: value }
        return {
          kind: 'failed',
          error: { type: 'flow_run', key: 'not_a_list', message: `items is not a list but ${typeof value}` },
        }
      },
    }
  },
  subFlowRoot: (node) => rootOf(configOf(node)),
}

export default forEach
