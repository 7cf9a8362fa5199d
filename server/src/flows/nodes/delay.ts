import { checkFormula } from '../../formulas/check-formula.ts'
import { type CompiledFormula, compileFormula } from '../../formulas/compile-formula.ts'
import { configOf, type NodeType } from '../node-type.ts'

const UNITS_MS: Readonly<Record<string, number>> = {
  seconds: 1000,
  minutes: 60_000,
  hours: 3_600_000,
  days: 86_400_000,
}
/** A run that waits is a row that waits; beyond this it is more likely a mistake than a wish. */
const DELAY_MS_MAX = 30 * 86_400_000

/** Waits `config.amount` of `config.unit`, or until the moment `config.until`; then hands on what it was fed. */
const delay: NodeType = {
  type: 'delay',
  isTrigger: false,
  hasEffect: false,
  check(node) {
    const { amount, unit, until } = configOf(node)
    const problems = [...named('config.amount', amount), ...named('config.until', until)]
    if (unit !== undefined && !Object.hasOwn(UNITS_MS, String(unit)))
      problems.push({ path: 'config.unit', message: `one of ${Object.keys(UNITS_MS).join(', ')} is needed` })
    if (typeof amount === 'number' && !(amount >= 0 && amount * unitMs(unit) <= DELAY_MS_MAX))
      problems.push({ path: 'config.amount', message: 'a wait takes 30 days at most' })
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
        if (!Number.isFinite(waitMs) || waitMs > DELAY_MS_MAX) {
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

function named(path: string, formula: unknown) {
  return checkFormula(formula).map((each) => ({ path: `${path} ${each.path}`, message: each.message }))
}

const unitMs = (unit: unknown) => UNITS_MS[String(unit)] ?? 1000

async function amountMs(amount: CompiledFormula, unit: unknown, scope: Record<string, unknown>): Promise<number> {
  const value = await amount.evaluate(scope)
  return (
    (typeof value === 'number' || typeof value === 'string' ? Number.parseFloat(String(value)) : Number.NaN) *
    unitMs(unit)
  )
}

async function untilMs(moment: CompiledFormula, scope: Record<string, unknown>): Promise<number> {
  const value = await moment.evaluate(scope)
  return typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : Number.NaN
}

export default delay
