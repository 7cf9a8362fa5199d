import { checkFormula } from '../../formulas/check-formula.ts'
import { compileFormula } from '../../formulas/compile-formula.ts'
import { operationInputOf, operationKeyOf, runConnectorOperation } from '../../steps/operation-step.ts'
import { configOf, type NodeType, outcomeOfStep } from '../node-type.ts'

/** Runs the operation `config.operationKey` of the connection's app with `config.inputMapping`; the output is the operation's. */
const integrationSpecificOperation: NodeType = {
  type: 'integration-specific-operation',
  aliases: ['connector-operation'],
  isTrigger: false,
  hasEffect: true,
  needsConnection: true,
  check(node) {
    const config = configOf(node)
    const wrong = checkFormula(inputOf(config)).map(({ path, message }) => ({
      path: `config.inputMapping ${path}`,
      message,
    }))
    if (operationKeyOf(config) !== null) return wrong
    return [...wrong, { path: 'config.operationKey', message: 'the key of an operation is needed', isIncomplete: true }]
  },
  prepare(node) {
    const config = configOf(node)
    const input = compileFormula(inputOf(config))
    const key = operationKeyOf(config) ?? ''
    return {
      execute: async (call) => outcomeOfStep(await runConnectorOperation(call, key, await input.evaluate(call.scope))),
    }
  },
}

function inputOf(config: Record<string, unknown>): unknown {
  return operationInputOf(config, config.input ?? {})
}

export default integrationSpecificOperation
