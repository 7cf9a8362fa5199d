import { ANYONE } from '../computing/task.ts'
import { Budget, FormulaTooLarge, formulaExcess } from './bounds.ts'
import { and, choose, evaluateComparison, firstNotEmpty, map, or } from './choice-operators.ts'
import { isRecord, put } from './coercion.ts'
import { resolveCopies } from './copies.ts'
import { copy, iterate, mergeObjects, record, variable } from './data-operators.ts'
import { deferredFormula } from './deferred-formula.ts'
import { evaluateApart, evaluateExpressionApart, jsonataPaths } from './evaluate-apart.ts'
import {
  type Evaluator,
  type FormulaResolvers,
  type Operator,
  observed,
  type Run,
  whenAllReady,
  whenReady,
} from './evaluator.ts'
import { type OperatorName, operatorOf } from './known-operators.ts'
import { dataSchemaRef, findAppRecordId, findExternalRecordId, lookup } from './resolver-operators.ts'
import { concat, domainFromEmail, extractDate, extractTime, firstName, lastName, tpl } from './text-operators.ts'

/** A formula made ready to be evaluated many times. */
export interface CompiledFormula {
  /** Whether there is nothing to evaluate: every evaluation yields the same value, whatever the scope. */
  readonly isConstant: boolean
  /**
   * The formula's value for a scope: a plain value, or a promise of one where there is a `$jsonata` in the formula, which
   * is evaluated in a process apart, or where the evaluation asked a resolver.
   *
   * Missing data and malformed arguments yield what the operator promises, never an error. Throws (or rejects with)
   * `FormulaTooLarge` beyond the bounds on a result and on time, and rejects with what a resolver rejects with. Neither scope nor
   * formula is changed, and the value may share parts with both: treat it as read-only.
   */
  evaluate(scope: Readonly<Record<string, unknown>>, options?: EvaluationOptions): unknown
}

export interface EvaluationOptions {
  resolvers?: FormulaResolvers
  /** Whose formula it is: owners whose formulas take long are kept apart from the others. */
  owner?: string
}

/** Whether `$jsonata` is evaluated by the process that asks, or by one that can be killed. */
type Where = 'here' | 'apart'

/**
 * Compiles a formula: once per definition, since evaluating is then several times cheaper.
 * Throws `FormulaTooLarge` for one that is too deep or too long.
 *
 * @source observed on the published client's evaluation with resolvers, and its synchronous one for `$copy`
 */
export function compileFormula(formula: unknown, where: Where = 'apart'): CompiledFormula {
  const excess = formulaExcess(formula)
  if (excess !== null) throw new FormulaTooLarge(excess)
  const part = compilePart(formula)
  if (part.isConstant) return { isConstant: true, evaluate: () => part.value }
  const slow = where === 'apart' ? jsonataPaths(formula) : []
  return {
    isConstant: false,
    evaluate(scope, options = {}) {
      const { resolvers, owner = ANYONE } = options
      if (slow.length > 0 && resolvers === undefined) return evaluateApart(formula, scope, { owner, paths: slow })
      const run: Run = {
        budget: new Budget(),
        resolvers: resolvers ?? {},
        evaluateJsonata:
          where === 'here'
            ? evaluateHere
            : (expression, seen) => evaluateExpressionApart(expression, seen, { owner, paths: slow }),
        copies: new Set(),
        detached: new Map(),
      }
      return whenReady(part.evaluate({ scope, run }), (evaluated) => {
        const result = resolveCopies(evaluated, run)
        run.budget.assertBounded(result)
        return result
      })
    },
  }
}

/** Compiles and evaluates in one go; rejects where `compileFormula` or the evaluation throws. */
export async function evaluateFormula(
  formula: unknown,
  scope: Readonly<Record<string, unknown>>,
  options: EvaluationOptions = {},
): Promise<unknown> {
  return compileFormula(formula).evaluate(scope, options)
}

/** JSONata is loaded where it is evaluated only. */
async function evaluateHere(expression: string, scope: unknown, run: Run): Promise<unknown> {
  const { evaluateJsonata } = await import('./jsonata-expression.ts')
  return evaluateJsonata(expression, scope, run)
}

type Part = { isConstant: true; value: unknown } | { isConstant: false; evaluate: Evaluator }

const plain: Operator = (args) => () => args

const jsonata: Operator = (args, compile) => {
  const expression = compile(args)
  return (frame) =>
    whenReady(expression(frame), (text) => {
      if (typeof text !== 'string' || text === '') return undefined
      frame.run.budget.assertBounded(frame.scope)
      return observed(frame.run.evaluateJsonata(text, frame.scope, frame.run))
    })
}

const OPERATORS: Readonly<Record<OperatorName, Operator>> = {
  and,
  case: choose,
  concat,
  copy,
  dataSchemaRef,
  domainFromEmail,
  eval: evaluateComparison,
  extractDate,
  extractTime,
  findAppRecordId,
  findExternalRecordId,
  firstName,
  firstNotEmpty,
  formula: deferredFormula,
  iterate,
  jsonata,
  lastName,
  lookup,
  map,
  mergeObjects,
  or,
  plain,
  record,
  tpl,
  var: variable,
}

function compilePart(formula: unknown): Part {
  if (Array.isArray(formula)) return compileArray(formula)
  if (!isRecord(formula)) return { isConstant: true, value: formula }
  const operator = operatorOf(formula)
  if (operator === undefined) return compileObject(formula)
  const args = formula[`$${operator}`]
  if (operator === 'plain') return { isConstant: true, value: args }
  return { isConstant: false, evaluate: OPERATORS[operator](args, compileEvaluator, formula) }
}

function compileEvaluator(formula: unknown): Evaluator {
  const part = compilePart(formula)
  return part.isConstant ? () => part.value : part.evaluate
}

function compileArray(items: readonly unknown[]): Part {
  const parts = items.map(compilePart)
  const assemble = (values: readonly unknown[]): unknown => {
    const present = values.filter((value) => value !== undefined)
    return present.length === 0 && values.length > 0 ? undefined : present
  }
  return compileStructure(parts, assemble)
}

function compileObject(object: Record<string, unknown>): Part {
  const keys = Object.keys(object)
  const parts = keys.map((key) => compilePart(object[key]))
  const assemble = (values: readonly unknown[]): unknown => {
    const result: Record<string, unknown> = {}
    let isEmpty = true
    for (const [i, key] of keys.entries()) {
      if (values[i] === undefined || key === '__proto__') continue
      put(result, key, values[i])
      isEmpty = false
    }
    return isEmpty && keys.length > 0 ? undefined : result
  }
  return compileStructure(parts, assemble)
}

/** An array or object: what its parts yield, put together; a constant where they all are. */
function compileStructure(parts: readonly Part[], assemble: (values: readonly unknown[]) => unknown): Part {
  if (parts.every((part) => part.isConstant)) {
    return { isConstant: true, value: assemble(parts.map((part) => part.value)) }
  }
  const evaluators = parts.map((part) => (part.isConstant ? () => part.value : part.evaluate))
  return {
    isConstant: false,
    evaluate: (frame) => {
      frame.run.budget.spendNodes(evaluators.length)
      return whenAllReady(
        evaluators.map((evaluate) => evaluate(frame)),
        assemble,
      )
    },
  }
}
