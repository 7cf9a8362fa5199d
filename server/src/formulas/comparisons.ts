import { isRecord } from './coercion.ts'
import { type CompiledFormula, compileFormula } from './compile-formula.ts'
import { evalOperator } from './eval-operators.ts'

/** One comparison of a condition with what it compared. */
export interface Comparison {
  /** Where the value was found, where it is named by a path. */
  field?: string
  operator: string
  value: unknown
  operand: unknown
  holds: boolean
}

const COMPARISONS_MAX = 20
const TEXT_MAX = 200

/**
 * The comparisons that stand in a condition, `$and` and `$or` looked into, as what tells how each came out for a scope.
 * For people who ask why a condition did not hold: long values are cut.
 */
export function comparisonsIn(condition: unknown): (scope: Readonly<Record<string, unknown>>) => Promise<Comparison[]> {
  const found = partsOf(condition).slice(0, COMPARISONS_MAX)
  return async (scope) => {
    const made: Comparison[] = []
    for (const { field, operator, left, operand, whole } of found) {
      const [value, other, holds] = await Promise.all([
        left.evaluate(scope),
        operand.evaluate(scope),
        whole.evaluate(scope),
      ])
      const named = field === null ? {} : { field }
      made.push({ ...named, operator, value: cut(value), operand: cut(other), holds: Boolean(holds) })
    }
    return made
  }
}

interface Part {
  field: string | null
  operator: string
  left: CompiledFormula
  operand: CompiledFormula
  whole: CompiledFormula
}

function partsOf(condition: unknown): Part[] {
  if (!isRecord(condition)) return []
  const [first, second] = Object.keys(condition)
  if (first === '$and' || first === '$or') {
    const members = condition[first]
    return Array.isArray(members) ? members.flatMap(partsOf) : []
  }
  if (first !== '$eval' || second === undefined || evalOperator(second) === undefined) return []
  const value = condition.$eval
  const field = isRecord(value) && typeof value.$var === 'string' ? value.$var : null
  return [
    {
      field,
      operator: second,
      left: compileFormula(value),
      operand: compileFormula(condition[second]),
      whole: compileFormula(condition),
    },
  ]
}

function cut(value: unknown): unknown {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  if (text === undefined || text.length <= TEXT_MAX) return value ?? null
  return `${text.slice(0, TEXT_MAX)}…`
}
