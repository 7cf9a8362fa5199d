import { compileFormula } from './compile-formula.ts'
import './jsonata-expression.ts'

/** Evaluates a formula in the process that this runs in. */
export default function perform(args: { formula: unknown; scope: Record<string, unknown> }): unknown {
  return compileFormula(args.formula, 'here').evaluate(args.scope)
}
