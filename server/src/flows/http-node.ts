import type { ErrorData, FlowNode } from '@permea/contract'
import { checkFormula } from '../formulas/check-formula.ts'
import { compileFormula } from '../formulas/compile-formula.ts'
import type { OutboundOutcome } from '../outbound/outcome.ts'
import { bodyValue, recordedRequest, recordedResponse, requestFromSpec } from '../outbound/request-spec.ts'
import { retryAfterMs } from '../outbound/retry-after.ts'
import { configOf, type NodeCall, type NodeOutcome, type NodeProblem, type PreparedNode } from './node-type.ts'

/** Statuses that say "not now": the request is tried again with growing waits. */
const RETRIED_STATUSES = new Set([408, 425, 429, 500, 502, 503, 504])

/** Checks `config.request`: a uri, and formulas that can work. */
export function checkHttpRequest(node: FlowNode): NodeProblem[] {
  const { request } = configOf(node)
  if (typeof request !== 'object' || request === null || Array.isArray(request)) {
    return [{ path: 'config.request', message: 'a request { uri, method, headers, query, body } is needed' }]
  }
  const { uri } = request as Record<string, unknown>
  const problems = checkFormula(request).map((each) => ({ path: `config.request ${each.path}`, message: each.message }))
  if ((typeof uri !== 'string' || uri === '') && (typeof uri !== 'object' || uri === null)) {
    problems.unshift({ path: 'config.request.uri', message: 'an address (or a formula for one) is needed' })
  }
  return problems
}

/**
 * A node that sends one HTTP request. Its output is the body of the answer, parsed where it is JSON; status and
 * headers are in the record of the exchange. 2xx is success; 408, 425, 429, 5xx and an unreachable receiver are
 * tried again, everything else fails the node run.
 */
export function prepareHttpRequest(node: FlowNode, options: { mayBeRelative: boolean }): PreparedNode {
  const spec = compileFormula(configOf(node).request)
  return {
    async execute(call) {
      const resolved = await spec.evaluate(call.scope)
      const baseUri = options.mayBeRelative ? await call.services.yourApp.baseUri(call.workspaceId) : null
      const built = requestFromSpec(resolved, baseUri)
      if ('problem' in built)
        return { kind: 'failed', error: { type: 'flow_run', key: 'invalid_request', message: built.problem } }
      if (built.isYourApp) {
        built.request.headers = {
          ...built.request.headers,
          ...(await call.services.yourApp.headers(call.workspaceId, call.user)),
        }
      }
      const outcome = await call.services.outbound.send({ ...built.request, signal: call.signal })
      call.log({
        type: 'api-request',
        at: call.services.clock.now().toISOString(),
        request: recordedRequest(built.request),
        response: recordedResponse(outcome),
        ...(outcome.kind === 'answered' ? {} : { error: outcome.message }),
      })
      return outcomeOf(outcome, call)
    },
  }
}

function outcomeOf(outcome: OutboundOutcome, call: NodeCall): NodeOutcome {
  switch (outcome.kind) {
    case 'answered': {
      if (outcome.status >= 200 && outcome.status < 300) return { kind: 'outputs', outputs: [bodyValue(outcome)] }
      const error: ErrorData = {
        type: 'flow_run',
        key: outcome.status === 429 ? 'rate_limit_exceeded' : 'request_failed',
        message: `the request was answered with ${outcome.status}`,
        data: recordedResponse(outcome) ?? undefined,
      }
      if (!RETRIED_STATUSES.has(outcome.status)) return { kind: 'failed', error }
      return { kind: 'retry', error, afterMs: retryAfterMs(outcome.headers['retry-after'], call.services.clock.now()) }
    }
    case 'unreachable':
      return { kind: 'retry', error: { type: 'flow_run', key: 'unreachable', message: outcome.message }, afterMs: null }
    case 'forbidden':
      return { kind: 'failed', error: { type: 'flow_run', key: 'address_forbidden', message: outcome.message } }
    case 'invalid':
      return { kind: 'failed', error: { type: 'flow_run', key: 'invalid_request', message: outcome.message } }
    case 'aborted':
      return { kind: 'failed', error: { type: 'flow_run', key: 'stopped', message: 'the run was stopped' } }
  }
}
