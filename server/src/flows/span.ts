import { checkFormula } from '../formulas/check-formula.ts'
import type { CompiledFormula } from '../formulas/compile-formula.ts'
import type { NodeProblem } from './node-type.ts'

const UNITS_MS: Readonly<Record<string, number>> = {
  seconds: 1000,
  minutes: 60_000,
  hours: 3_600_000,
  days: 86_400_000,
}

/** A run that waits is a row that waits; beyond this it is more likely a mistake than a wish. */
export const SPAN_MS_MAX = 30 * 86_400_000

/** What is wrong with a formula of a node's configuration. */
export function named(path: string, formula: unknown): NodeProblem[] {
  return checkFormula(formula).map((each) => ({ path: `${path} ${each.path}`, message: each.message }))
}

/** What is wrong with how long a node waits. */
export function checkSpan({ amount, unit }: { amount?: unknown; unit?: unknown }): NodeProblem[] {
  const problems = named('config.amount', amount)
  if (unit !== undefined && !Object.hasOwn(UNITS_MS, String(unit)))
    problems.push({ path: 'config.unit', message: `one of ${Object.keys(UNITS_MS).join(', ')} is needed` })
  if (typeof amount === 'number' && !(amount >= 0 && amount * unitMs(unit) <= SPAN_MS_MAX))
    problems.push({ path: 'config.amount', message: 'a wait takes 30 days at most' })
  return problems
}

const unitMs = (unit: unknown) => UNITS_MS[String(unit)] ?? 1000

/** How long it is, in milliseconds; not a number where the formula gives none. */
export async function amountMs(
  amount: CompiledFormula,
  unit: unknown,
  scope: Record<string, unknown>,
): Promise<number> {
  const value = await amount.evaluate(scope)
  const count = typeof value === 'number' || typeof value === 'string' ? Number.parseFloat(String(value)) : Number.NaN
  return count * unitMs(unit)
}
