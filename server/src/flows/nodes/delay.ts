import { type CompiledFormula, compileFormula } from '../../formulas/compile-formula.ts'
import { configOf, type NodeType } from '../node-type.ts'
import { amountMs, checkSpan, named, SPAN_MS_MAX } from '../span.ts'

/** Waits `config.amount` of `config.unit`, or until the moment `config.until`; then hands on what it was fed. */
const delay: NodeType = {
  type: 'delay',
  isTrigger: false,
  hasEffect: false,
  check(node) {
    const { amount, unit, until } = configOf(node)
    const problems = [...checkSpan({ amount, unit }), ...named('config.until', until)]
    if (amount === undefined && until === undefined)
      return [...problems, { path: 'config.amount', message: 'how long to wait is missing', isIncomplete: true }]
    return problems
  },
  prepare(node) {
    const { amount, unit, until } = configOf(node)
    const howLong = compileFormula(amount ?? null)
    const moment = until === undefined ? null : compileFormula(until)
    return {
      async execute(call) {
        if (call.hasPaused) return { kind: 'outputs', outputs: [call.fed] }
        const nowMs = call.services.clock.now().getTime()
        const waitMs = await (moment === null
          ? amountMs(howLong, unit, call.scope)
          : untilMs(moment, call.scope).then((atMs) => atMs - nowMs))
        if (!Number.isFinite(waitMs) || waitMs > SPAN_MS_MAX) {
          const message = Number.isFinite(waitMs)
            ? 'the wait would take longer than 30 days'
            : moment === null
              ? 'the amount to wait came out as no number'
              : 'the moment to wait for came out as no date'
          return { kind: 'failed', error: { type: 'configuration', key: 'delay_invalid', message } }
        }
        return waitMs <= 0 ? { kind: 'outputs', outputs: [call.fed] } : { kind: 'pause', untilMs: nowMs + waitMs }
      },
    }
  },
}

async function untilMs(moment: CompiledFormula, scope: Record<string, unknown>): Promise<number> {
  const value = await moment.evaluate(scope)
  return typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : Number.NaN
}

export default delay
