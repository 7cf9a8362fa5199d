import { checkFormula } from '../../formulas/check-formula.ts'
import { compileFormula } from '../../formulas/compile-formula.ts'
import { configOf, type NodeType } from '../node-type.ts'

/** Hands on what it was fed where the formula in `config.filter` holds (or there is none); else nothing follows. */
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
    return {
      async execute(call) {
        return (await compiled.evaluate(call.scope)) ? { kind: 'outputs', outputs: [call.fed] } : { kind: 'skipped' }
      },
    }
  },
}

export default filter
