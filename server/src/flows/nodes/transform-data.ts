import { checkFormula } from '../../formulas/check-formula.ts'
import { compileFormula } from '../../formulas/compile-formula.ts'
import { configOf, type NodeType } from '../node-type.ts'

/** The output is the value of the formula in `config.output`. */
const transformData: NodeType = {
  type: 'transform-data',
  isTrigger: false,
  hasEffect: false,
  check: (node) =>
    checkFormula(configOf(node).output).map((each) => ({
      path: `config.output ${each.path}`,
      message: each.message,
    })),
  prepare(node) {
    const output = compileFormula(configOf(node).output)
    return {
      execute: async (call) => ({
        kind: 'outputs',
        outputs: [await output.evaluate(call.scope, { owner: call.user.id })],
      }),
    }
  },
}

export default transformData
