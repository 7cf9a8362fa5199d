import { isRecord } from '../formulas/coercion.ts'
import { operatorOf } from '../formulas/known-operators.ts'
import { formatLocator, parseLocator } from '../formulas/locator.ts'

/** Formulas within these see other values than those around them. */
const OWN_SCOPE = new Set<string>(['iterate', 'map', 'jsonata', 'formula', 'tpl', 'lookup', 'plain'])

/** What could not be composed. */
const FAILED = Symbol('failed')

/**
 * One formula over the result of another, as one formula: each variable of `outer` gives way to what `inner` has there.
 * Undefined where that cannot be said with a formula, because something within sees other values.
 */
export function composed(outer: unknown, inner: unknown): unknown {
  const made = substituted(outer, inner)
  return made === FAILED ? undefined : made
}

function substituted(formula: unknown, inner: unknown): unknown {
  if (Array.isArray(formula)) {
    const items = formula.map((each) => substituted(each, inner))
    return items.includes(FAILED) ? FAILED : items
  }
  if (!isRecord(formula)) return formula
  const operator = operatorOf(formula)
  if (operator === 'var') return partAt(inner, formula.$var)
  if (operator !== undefined && OWN_SCOPE.has(operator)) return FAILED
  const fields: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(formula)) {
    const made = substituted(value, inner)
    if (made === FAILED) return FAILED
    if (made !== undefined) fields[name] = made
  }
  return fields
}

/** What a formula gives at a place of its result. */
function partAt(formula: unknown, source: unknown): unknown {
  const locator = parseLocator(source)
  if (locator === null) return FAILED
  let at: unknown = formula
  for (const [index, step] of locator.entries()) {
    if (!isRecord(at) && !Array.isArray(at)) return undefined
    const operator = isRecord(at) ? operatorOf(at) : undefined
    if (operator === 'var') {
      const base = parseLocator((at as { $var: unknown }).$var)
      return base === null ? FAILED : { $var: formatLocator([...base, ...locator.slice(index)]) }
    }
    if (operator !== undefined) return FAILED
    if (isRecord(at) && typeof step === 'string') at = Object.hasOwn(at, step) ? at[step] : undefined
    else return FAILED
    if (at === undefined) return undefined
  }
  return at
}
