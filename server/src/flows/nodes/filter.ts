import { checkFormula } from '../../formulas/check-formula.ts'
import { comparisonsIn } from '../../formulas/comparisons.ts'
import { compileFormula } from '../../formulas/compile-formula.ts'
import { configOf, type NodeType } from '../node-type.ts'

/**
 * Hands on what it was fed where the formula in `config.filter` holds (or there is none); else nothing follows, and the
 * record has what was compared.
 */
const filter: NodeType = {
  type: 'filter',
  isTrigger: false,
  hasEffect: false,
  check: (node) =>
    checkFormula(configOf(node).filter).map((each) => ({
      path: `config.filter ${each.path}`,
      message: each.message,
    })),
  prepare(node) {
    const { filter: condition } = configOf(node)
    if (condition === undefined || condition === null)
      return { execute: (call) => ({ kind: 'outputs', outputs: [call.fed] }) }
    const compiled = compileFormula(condition)
    const comparisons = comparisonsIn(condition)
    return {
      async execute(call) {
        if (await compiled.evaluate(call.scope, { owner: call.user.id }))
          return { kind: 'outputs', outputs: [call.fed] }
        call.log({ type: 'condition', comparisons: await comparisons(call.scope) })
        return { kind: 'skipped' }
      },
    }
  },
}

export default filter
