import { Refusal } from '../../api/refusal.ts'
import { asObject } from '../../connections/apps.ts'
import { checkFormula } from '../../formulas/check-formula.ts'
import { compileFormula } from '../../formulas/compile-formula.ts'
import { configOf, type NodeOutcome, type NodeProblem, type NodeType } from '../node-type.ts'

/** The action that is meant: `config.action`, a key, or an object with a `key` or an `id`. */
function selectorOf(config: Record<string, unknown>): string | null {
  const { action } = config
  const named = typeof action === 'object' && action !== null ? (action as { id?: unknown; key?: unknown }) : null
  const selector = named === null ? action : (named.id ?? named.key)
  return typeof selector === 'string' && selector !== '' ? selector : null
}

/**
 * Runs an action on the instance's connection with the input of `config.input`; the output is the action's. The run is
 * recorded as every run of an action is.
 */
const runAction: NodeType = {
  type: 'run-action',
  isTrigger: false,
  hasEffect: true,
  check(node) {
    const config = configOf(node)
    const problems: NodeProblem[] = checkFormula(config.input).map((each) => ({
      path: `config.input ${each.path}`,
      message: each.message,
    }))
    if (selectorOf(config) === null)
      problems.push({ path: 'config.action', message: 'the key or id of an action is needed', isIncomplete: true })
    return problems
  },
  prepare(node) {
    const config = configOf(node)
    const input = compileFormula(config.input)
    const selector = selectorOf(config) ?? ''
    return {
      async execute(call): Promise<NodeOutcome> {
        const { workspaceId, user: customer, connection, sourceId, signal } = call
        const request = { input: await input.evaluate(call.scope, { owner: call.user.id }), sourceId, signal }
        try {
          const outcome = await call.services.runAction({ workspaceId, customer, connection }, selector, request)
          call.log({
            type: 'message',
            at: call.services.clock.now().toISOString(),
            message: `action run ${outcome.id}`,
          })
          if (outcome.kind === 'done') return { kind: 'outputs', outputs: [outcome.output] }
          const error = { ...outcome.error, data: { ...asObject(outcome.error.data), actionRunId: outcome.id } }
          return outcome.kind === 'retry'
            ? { kind: 'retry', error, afterMs: outcome.afterMs }
            : { kind: 'failed', error }
        } catch (error) {
          if (!(error instanceof Refusal)) throw error
          const { key, message } = error
          return { kind: 'failed', error: { type: 'action_run', key, message } }
        }
      },
    }
  },
}

export default runAction
