import { compileFormula } from '../../formulas/compile-formula.ts'
import { requestExternalApp } from '../../steps/external-app-step.ts'
import { checkHttpRequest } from '../http-node.ts'
import { configOf, type NodeType, outcomeOfStep } from '../node-type.ts'

/**
 * Sends `config.request` to the app of the instance's connection, with its credentials: `uri` (or `path`) is relative
 * to the app's API. 429, 5xx and an unreachable app are tried again.
 */
const apiRequestToExternalApp: NodeType = {
  type: 'api-request-to-external-app',
  aliases: ['custom-api-request'],
  isTrigger: false,
  hasEffect: true,
  needsConnection: true,
  check: (node) => checkHttpRequest(node, ['uri', 'path']),
  prepare(node) {
    const spec = compileFormula(configOf(node).request)
    return {
      execute: async (call) =>
        outcomeOfStep(await requestExternalApp(call, await spec.evaluate(call.scope, { owner: call.user.id }))),
    }
  },
}

export default apiRequestToExternalApp
