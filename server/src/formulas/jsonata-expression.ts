import jsonata from 'jsonata'
import { LRUCache } from 'lru-cache'
import { COMPUTE_MS } from '../computing/limits.ts'
import { LinearRegExp } from '../computing/linear-regexp.ts'
import { type Budget, FormulaTooSlow, TOO_SLOW } from './bounds.ts'
import { put } from './coercion.ts'
import type { Run } from './evaluator.ts'

const EXPRESSION_CHARS_MAX = 20_000
const ACTIVE_MS_MAX = COMPUTE_MS
const SEQUENCE_ITEMS_MAX = 1_000_000
const PAD_CHARS_MAX = 1_000_000

/**
 * How many nested evaluations JSONata may have open. It counts the members of an array or object constructor as
 * nested, because it evaluates them side by side, so the bound is far above what recursion needs; an endless
 * recursion reaches it in about 50 ms.
 */
const DEPTH_MAX = 10_000

/** Expressions that may set JSONata's `keepSingleton` on an array of their input: by `[]`, or by a hidden one. */
const MARKS_INPUT = /\[(?:\s|\/\*[^*]*\*+(?:[^/*][^*]*\*+)*\/)*\]|\$eval/

const expressions = new LRUCache<string, { compiled: jsonata.Expression | null }>({ max: 500 })

/**
 * What a JSONata expression yields for the scope, as plain JSON data (functions are left out); undefined where the
 * expression is empty, does not parse, fails, or nests deeper than DEPTH_MAX. Rejects with `FormulaTooSlow` after
 * `COMPUTE_MS` of work, and with `FormulaTooLarge` for a result beyond the budget.
 *
 * NOTE: the time is looked at between steps, and a step may be long: who calls this can be killed, see `computing`.
 *
 * @source observed on the published client (JSONata 1.x); where 2.x differs, 2.x holds
 */
export async function evaluateJsonata(
  expression: string,
  scope: unknown,
  run: Pick<Run, 'budget' | 'detached'>,
): Promise<unknown> {
  run.budget.assertTime()
  const { compiled } = compiledExpression(expression)
  if (compiled === null) return undefined
  const input = MARKS_INPUT.test(expression) ? detach(scope, run, 1) : scope
  let value: unknown
  try {
    value = await compiled.evaluate(input)
  } catch (error) {
    if (error instanceof FormulaTooSlow) throw error
    // A failing expression yields nothing: the language has no errors.
    return undefined
  }
  return plainData(value, run.budget, 1)
}

/** Why an expression does not parse, in JSONata's words; null where it does. */
export function jsonataProblem(expression: string): string | null {
  if (expression.length > EXPRESSION_CHARS_MAX) return `longer than ${EXPRESSION_CHARS_MAX} characters`
  try {
    jsonata(expression)
    return null
  } catch (error) {
    return (error as { message?: string }).message ?? 'does not parse'
  }
}

function compiledExpression(expression: string): { compiled: jsonata.Expression | null } {
  const cached = expressions.get(expression)
  if (cached !== undefined) return cached
  const entry = { compiled: jsonataProblem(expression) === null ? bounded(expression) : null }
  expressions.set(expression, entry)
  return entry
}

function bounded(expression: string): jsonata.Expression {
  const compiled = jsonata(expression, {
    stack: DEPTH_MAX,
    sequence: SEQUENCE_ITEMS_MAX,
    RegexEngine: LinearRegExp as unknown as RegExpConstructor,
  })
  // JSONata calls what is bound to this symbol before each step, and waits for what it returns.
  compiled.assign(Symbol.for('jsonata.__evaluate_entry') as unknown as string, takeStep)
  compiled.registerFunction('pad', pad, '<s-ns?:s>')
  return compiled
}

const startedAt = new WeakMap<object, number>()

/** Ends an evaluation whose time is spent. */
function takeStep(_node: unknown, _input: unknown, environment: { base: object }): void {
  const now = performance.now()
  const began = startedAt.get(environment.base)
  if (began === undefined) startedAt.set(environment.base, now)
  else if (now - began > ACTIVE_MS_MAX) throw new FormulaTooSlow(TOO_SLOW)
}

/** JSONata's own `$pad`, refused beyond PAD_CHARS_MAX. */
function pad(text: string | undefined, width: number, filler: string | undefined): string | undefined {
  if (text === undefined) return undefined
  if (Math.abs(width) > PAD_CHARS_MAX) throw new Error('the padding is too long')
  const missing = Math.abs(width) - Array.from(text).length
  if (!(missing > 0)) return text
  const repeated = Array.from((filler || ' ').repeat(missing))
    .slice(0, missing)
    .join('')
  return width > 0 ? text + repeated : repeated + text
}

/** A copy of the input, in which what one run shares is copied once. */
function detach(value: unknown, run: Pick<Run, 'budget' | 'detached'>, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  const known = run.detached.get(value)
  if (known !== undefined) return known
  run.budget.assertDepth(depth)
  const entries = Object.entries(value)
  run.budget.spendNodes(1 + entries.length)
  const copy: unknown[] | Record<string, unknown> = Array.isArray(value) ? [] : {}
  for (const [key, member] of entries) put(copy as Record<string, unknown>, key, detach(member, run, depth + 1))
  run.detached.set(value, copy)
  return copy
}

/** A copy without JSONata's marks on arrays, its functions, and anything that is not JSON. */
function plainData(value: unknown, budget: Budget, depth: number): unknown {
  if (typeof value === 'string') budget.spendChars(value.length)
  if (typeof value === 'function') return undefined
  if (typeof value !== 'object' || value === null) return value
  budget.assertDepth(depth)
  if (Array.isArray(value)) {
    budget.spendNodes(1 + value.length)
    return Array.from(value, (item) => plainData(item, budget, depth + 1)).filter((item) => item !== undefined)
  }
  if ('_jsonata_lambda' in value || '_jsonata_function' in value) return undefined
  const copy: Record<string, unknown> = {}
  for (const [key, member] of Object.entries(value)) {
    budget.spendNodes(1)
    const plain = plainData(member, budget, depth + 1)
    if (plain !== undefined) put(copy, key, plain)
  }
  return copy
}
