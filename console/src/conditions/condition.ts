/** One comparison, as a row of the editor: `value` is what was typed. */
export interface ConditionRow {
  field: string
  operator: OperatorName
  value: string
}

/** Rows of which all, or any, have to hold. */
export interface Condition {
  join: 'all' | 'any'
  rows: ConditionRow[]
}

export const OPERATORS = {
  is: 'is',
  isNot: 'is not',
  oneOf: 'is one of',
  noneOf: 'is none of',
  contains: 'contains',
  doesNotContain: 'does not contain',
  gt: 'is more than',
  gte: 'is at least',
  lt: 'is less than',
  lte: 'is at most',
  isEmpty: 'is empty',
  isNotEmpty: 'is not empty',
} as const
export type OperatorName = keyof typeof OPERATORS

/** Those that compare with nothing. */
export const isAlone = (operator: OperatorName) => operator === 'isEmpty' || operator === 'isNotEmpty'
const isList = (operator: OperatorName) => operator === 'oneOf' || operator === 'noneOf'

/** The rows that a formula stands for; null where it says more than rows can. */
export function rowsOf(formula: unknown): Condition | null {
  if (formula === undefined || formula === null) return { join: 'all', rows: [] }
  if (typeof formula !== 'object' || Array.isArray(formula)) return null
  const entries = Object.entries(formula)
  const [first] = entries
  if (entries.length === 1 && first !== undefined && (first[0] === '$and' || first[0] === '$or')) {
    if (!Array.isArray(first[1])) return null
    const rows = first[1].map(rowOf)
    return rows.every((row) => row !== null) ? { join: first[0] === '$and' ? 'all' : 'any', rows } : null
  }
  const row = rowOf(formula)
  return row === null ? null : { join: 'all', rows: [row] }
}

function rowOf(formula: unknown): ConditionRow | null {
  if (typeof formula !== 'object' || formula === null || Array.isArray(formula)) return null
  const entries = Object.entries(formula)
  const [value, comparison] = entries
  if (entries.length !== 2 || value?.[0] !== '$eval' || comparison === undefined) return null
  const [operator, operand] = comparison
  const field = (value[1] as { $var?: unknown } | null)?.$var
  if (typeof field !== 'string' || Object.keys(value[1] as object).length !== 1 || !(operator in OPERATORS)) return null
  const name = operator as OperatorName
  if (isAlone(name)) return { field, operator: name, value: '' }
  if (isList(name)) {
    if (!Array.isArray(operand) || !operand.every(isPlain)) return null
    return { field, operator: name, value: operand.map(listedText).join(', ') }
  }
  return isPlain(operand) ? { field, operator: name, value: textOf(operand) } : null
}

const isPlain = (value: unknown) => value === null || ['string', 'number', 'boolean'].includes(typeof value)

/** The formula of rows; undefined for none. A row without a field says nothing yet. */
export function formulaOf({ join, rows }: Condition): unknown {
  const parts = rows.map(({ field, operator, value }) => ({
    $eval: { $var: field },
    [operator]: isAlone(operator) ? true : isList(operator) ? listOf(value) : typedValue(value),
  }))
  if (parts.length <= 1 && join === 'all') return parts[0]
  return { [join === 'all' ? '$and' : '$or']: parts }
}

/** What typed text stands for: numbers, true, false and null as such, everything else is text. Quotes make it text. */
function typedValue(text: string): unknown {
  const trimmed = text.trim()
  if (/^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?|".*")$/.test(trimmed)) {
    try {
      return JSON.parse(trimmed) as unknown
    } catch {
      return text
    }
  }
  return text
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? (typedValue(value) === value ? value : JSON.stringify(value)) : String(value)
}

/** Items have commas between them; an item in quotes may have some in it. */
function listOf(text: string): unknown[] {
  return (text.match(/\s*"(?:[^"\\]|\\.)*"\s*|[^,]+/g) ?? []).map((item) => typedValue(item.trim()))
}

const listedText = (value: unknown) =>
  typeof value === 'string' && /[,"]|^\s|\s$/.test(value) ? JSON.stringify(value) : textOf(value)
