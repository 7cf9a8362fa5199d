import { isRecord, member, put } from './coercion.ts'
import type { EvaluationFrame, Operator } from './evaluator.ts'
import { operatorOf } from './known-operators.ts'
import { parseLocator, readAt } from './locator.ts'

/**
 * A formula to be evaluated later, with the variables known by now filled in.
 *
 * Every `$var` is replaced by its value, or left out where that is missing; nothing else is evaluated. Three things
 * stay as written: a formula that is nothing but a `$var`, the `item` of an `$iterate` (its variables do not exist
 * yet), and the keys of an operator after its first.
 *
 * @source observed on the published client, which also skips the array member after one it left out; that is not kept
 */
export const deferredFormula: Operator = (args) => {
  if (isRecord(args) && operatorOf(args) === 'var') return () => args
  return (frame) => fill(args, frame)
}

function fill(value: unknown, frame: EvaluationFrame): unknown {
  frame.run.budget.spendNodes(1)
  if (Array.isArray(value)) return value.map((item) => fill(item, frame)).filter((item) => item !== undefined)
  if (!isRecord(value)) return value
  const operator = operatorOf(value)
  if (operator === 'var') return variableNow(value, frame)
  return mapMembers(value, (member, i) => {
    if (operator === undefined) return fill(member, frame)
    if (i > 0) return member
    return operator === 'iterate' ? fillSource(member, frame) : fill(member, frame)
  })
}

function variableNow(formula: Record<string, unknown>, frame: EvaluationFrame): unknown {
  const locator = parseLocator(formula.$var)
  if (locator === null) return null
  const value = readAt(frame.scope, locator, 'missing')
  frame.run.budget.refer(value)
  return value
}

function fillSource(args: unknown, frame: EvaluationFrame): unknown {
  if (!isRecord(args) || member(args, 'source') === undefined) return args
  return mapMembers(args, (value, _, key) => (key === 'source' ? fill(value, frame) : value))
}

function mapMembers(
  value: Record<string, unknown>,
  change: (member: unknown, index: number, key: string) => unknown,
): Record<string, unknown> {
  const changed: Record<string, unknown> = {}
  for (const [i, [key, before]] of Object.entries(value).entries()) {
    const after = change(before, i, key)
    if (after !== undefined) put(changed, key, after)
  }
  return changed
}
