import { formulaExcess } from './bounds.ts'
import { isRecord, member } from './coercion.ts'
import { jsonataProblem } from './jsonata-expression.ts'
import { type OperatorName, operatorOf } from './known-operators.ts'
import { formatLocator, type Locator, parseLocator } from './locator.ts'

/** Something in a formula that can never work. `path` is the locator of the formula it is in. */
export interface FormulaProblem {
  path: string
  message: string
}

/**
 * What is surely a mistake in a formula, found without evaluating it; an empty list where nothing is.
 *
 * Reports a `$var` that is no locator, a `$jsonata` that does not parse, arguments of `$tpl`, `$map`, `$case` and
 * `$iterate` whose shape can never yield anything, and excess depth or size (then nothing else). What `$plain` holds
 * is not looked at. An unknown `$foo` is no problem: it is a plain object.
 */
export function checkFormula(value: unknown): FormulaProblem[] {
  const excess = formulaExcess(value)
  if (excess !== null) return [{ path: '$', message: excess }]
  const problems: FormulaProblem[] = []
  visit(value, [], problems)
  return problems
}

type Check = (args: unknown) => string | null

function visit(value: unknown, path: Locator, problems: FormulaProblem[]): void {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) visit(item, [...path, index], problems)
    return
  }
  if (!isRecord(value)) return
  const operator = operatorOf(value)
  if (operator === 'plain') return
  const message = operator === undefined ? null : (CHECKS[operator]?.(value[`$${operator}`]) ?? null)
  if (message !== null) problems.push({ path: formatLocator(path), message })
  if (operator === 'var') return
  for (const [key, part] of Object.entries(value)) visit(part, [...path, key], problems)
}

const CHECKS: Readonly<Partial<Record<OperatorName, Check>>> = {
  var: (args) => {
    if (typeof args !== 'string') return '$var needs the text of a locator, such as $.input.id'
    return parseLocator(args) === null ? `$var is not a locator: ${args}` : null
  },
  jsonata: (args) => {
    if (typeof args === 'string') {
      const problem = jsonataProblem(args)
      return problem === null ? null : `$jsonata does not parse: ${problem}`
    }
    return isFormula(args) ? null : '$jsonata needs an expression'
  },
  tpl: (args) => {
    if (typeof member(args, 'template') !== 'string') return '$tpl needs {template, values} with a literal template'
    const values = member(args, 'values')
    if (values === undefined) return null
    return isRecord(values) && !isFormula(values) ? null : '$tpl needs literal values, one per {key} of the template'
  },
  map: (args) => {
    const mapping = member(args, 'mapping')
    if (!Array.isArray(mapping)) return '$map needs {value, mapping} with a literal array of {from, to}'
    return mapping.every((entry) => isRecord(entry) && !isFormula(entry))
      ? null
      : '$map needs every entry as {from, to}'
  },
  case: (args) => {
    const cases = Array.isArray(args) ? args : member(args, 'cases')
    if (!Array.isArray(cases)) return '$case needs a literal array of {filter, value}, or {cases, default}'
    return cases.every((one) => isRecord(one) && !isFormula(one)) ? null : '$case needs every case as {filter, value}'
  },
  iterate: (args) => {
    if (!isRecord(args) || isFormula(args)) return '$iterate needs {source, item}'
    if (args.item === undefined) return '$iterate needs an item'
    return Array.isArray(args.source) || isFormula(args.source) ? null : '$iterate needs an array as its source'
  },
}

function isFormula(value: unknown): boolean {
  return isRecord(value) && operatorOf(value) !== undefined
}
