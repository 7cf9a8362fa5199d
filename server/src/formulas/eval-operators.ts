import type { Budget } from './bounds.ts'
import { isEmpty, looselyEqual, textOf } from './coercion.ts'

/** Decides one comparison of `$eval`. */
export type EvalOperator = (value: unknown, operand: unknown, budget: Budget) => boolean

/**
 * The comparisons of `{$eval: value, <operator>: operand}` by name; undefined for a name that is none.
 *
 * Equality is loose (`5` is `'5'`), membership strict, order numeric on what both sides start with (never true where
 * one side starts with no number). `isEmpty` and `isNotEmpty` ignore their operand.
 *
 * @source observed on the published client
 */
export function evalOperator(name: string): EvalOperator | undefined {
  return OPERATORS.get(name)
}

const OPERATORS: ReadonlyMap<string, EvalOperator> = new Map(
  Object.entries<EvalOperator>({
    is: looselyEqual,
    isNot: (value, operand, budget) => !looselyEqual(value, operand, budget),
    oneOf: isOneOf,
    noneOf: (value, operand, budget) => !isOneOf(value, operand, budget),
    contains,
    doesNotContain: (value, operand, budget) => !contains(value, operand, budget),
    lt: numeric((a, b) => a < b),
    lte: numeric((a, b) => a <= b),
    gt: numeric((a, b) => a > b),
    gte: numeric((a, b) => a >= b),
    isEmpty,
    isNotEmpty: (value) => !isEmpty(value),
  }),
)

function isOneOf(value: unknown, operand: unknown, budget: Budget): boolean {
  if (!Array.isArray(operand)) return false
  budget.spendNodes(operand.length)
  return operand.some((each) => isSame(each, value))
}

/** `Object.is`, but 0 is -0, and a number whose text counts is what has the same text. */
function isSame(one: unknown, other: unknown): boolean {
  if (one instanceof Number && other instanceof Number) return one.toString() === other.toString()
  return one === other || (Number.isNaN(one) && Number.isNaN(other))
}

/** Strict membership in an array, else a substring regardless of case; a falsy value contains nothing. A missing operand is `undefined`. */
function contains(value: unknown, operand: unknown, budget: Budget): boolean {
  if (Array.isArray(value)) {
    budget.spendNodes(value.length)
    return value.some((each) => isSame(each, operand))
  }
  if (!value) return false
  const text = textOf(value, budget)
  budget.spendScan(text)
  return text.toLowerCase().includes(textOf(operand ?? undefined, budget).toLowerCase())
}

function numeric(compare: (a: number, b: number) => boolean): EvalOperator {
  return (value, operand, budget) =>
    compare(Number.parseFloat(textOf(value, budget)), Number.parseFloat(textOf(operand, budget)))
}
