import { callJavascript, isCodeMissing, javascriptOf } from '../../steps/javascript-step.ts'
import { configOf, type NodeType, outcomeOfStep } from '../node-type.ts'

/**
 * Calls the JavaScript of `config.code`; the output is what it returns. Its argument holds what formulas see and API
 * clients: see `callJavascript`. It is called again after a crash in the middle of it.
 */
const runJavascript: NodeType = {
  type: 'run-javascript',
  isTrigger: false,
  hasEffect: true,
  check(node) {
    const code = javascriptOf(configOf(node))
    return 'problem' in code
      ? [{ path: `config.${code.path}`, message: code.problem, isIncomplete: isCodeMissing(configOf(node)) }]
      : []
  },
  code(node) {
    const config = configOf(node)
    const definition = javascriptOf(config)
    return 'problem' in definition
      ? null
      : { path: config.function === undefined ? 'config.code' : 'config.function', definition }
  },
  prepare(node) {
    const definition = javascriptOf(configOf(node))
    if ('problem' in definition) throw new Error(definition.problem)
    return {
      async execute(call) {
        const { input, user: _, connection: __, ...beside } = call.scope
        return outcomeOfStep(await callJavascript(call, definition, input, beside))
      },
    }
  },
}

export default runJavascript
