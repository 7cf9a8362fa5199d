import type { FlowNode } from '@permea/contract'
import { checkFormula } from '../formulas/check-formula.ts'
import { compileFormula } from '../formulas/compile-formula.ts'
import { sendHttpRequest } from '../steps/http-step.ts'
import { configOf, type NodeProblem, outcomeOfStep, type PreparedNode } from './node-type.ts'

/** Checks `config.request`: an address, under `uri` or another of the names given, and formulas that can work. */
export function checkHttpRequest(node: FlowNode, names: readonly string[] = ['uri']): NodeProblem[] {
  const { request } = configOf(node)
  if (typeof request !== 'object' || request === null || Array.isArray(request)) {
    return [
      {
        path: 'config.request',
        message: 'a request { uri, method, headers, query, body } is needed',
        isIncomplete: true,
      },
    ]
  }
  const given = request as Record<string, unknown>
  const uri = names.map((name) => given[name]).find((value) => value !== undefined)
  const problems: NodeProblem[] = checkFormula(request).map((each) => ({
    path: `config.request ${each.path}`,
    message: each.message,
  }))
  if ((typeof uri !== 'string' || uri === '') && (typeof uri !== 'object' || uri === null)) {
    problems.unshift({
      path: 'config.request.uri',
      message: 'an address (or a formula for one) is needed',
      isIncomplete: uri === undefined || uri === '',
    })
  }
  return problems
}

/** A node that sends one HTTP request; see `sendHttpRequest`. What is worth another try is tried again in the run. */
export function prepareHttpRequest(node: FlowNode, options: { mayBeRelative: boolean }): PreparedNode {
  const spec = compileFormula(configOf(node).request)
  return {
    async execute(call) {
      return outcomeOfStep(
        await sendHttpRequest(call, await spec.evaluate(call.scope, { owner: call.user.id }), options),
      )
    },
  }
}
