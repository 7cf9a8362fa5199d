import { compute } from '../computing/computing.ts'
import { COMPUTE_MS } from '../computing/limits.ts'
import type { TaskOutcome } from '../computing/task.ts'
import { SOURCE_ENDING } from '../platform/own-files.ts'
import { FormulaTooLarge, FormulaTooSlow } from './bounds.ts'
import { isRecord } from './coercion.ts'
import { operatorOf } from './known-operators.ts'
import { formatLocator, type Locator } from './locator.ts'

/** Whose formula is evaluated, and where the expressions in it are. */
interface About {
  owner: string
  paths: readonly string[]
}

const MODULE = new URL(`./formula-task${SOURCE_ENDING}`, import.meta.url).href

/** Where in a formula there are JSONata expressions, as locators. */
export function jsonataPaths(formula: unknown): string[] {
  const found: string[] = []
  const visit = (value: unknown, path: Locator): void => {
    if (Array.isArray(value)) for (const [index, item] of value.entries()) visit(item, [...path, index])
    if (!isRecord(value)) return
    const operator = operatorOf(value)
    if (operator === 'plain' || operator === 'var') return
    if (operator === 'jsonata') found.push(formatLocator(path))
    for (const [key, member] of Object.entries(value)) visit(member, [...path, key])
  }
  visit(formula, [])
  return found
}

/** The value of a whole formula, evaluated where its time can be taken away. */
export async function evaluateApart(formula: unknown, scope: unknown, about: About): Promise<unknown> {
  const { owner } = about
  return resultOf(await compute({ module: MODULE, args: { formula, scope }, owner }), about)
}

/** The value of one expression, where the formula around it needs what only the engine has. */
export async function evaluateExpressionApart(expression: string, scope: unknown, about: About): Promise<unknown> {
  return evaluateApart({ $jsonata: { $plain: expression } }, scope, about)
}

function resultOf(outcome: TaskOutcome, { paths }: About): unknown {
  if (outcome.kind === 'returned') return outcome.value
  const field = paths.slice(0, 3).join(', ')
  if (outcome.kind === 'stopped') throw new FormulaTooSlow(`the $jsonata at ${field}: ${STOPPED[outcome.reason]}`)
  if (outcome.name === 'FormulaTooSlow') throw new FormulaTooSlow(`the $jsonata at ${field}: ${outcome.message}`)
  if (outcome.name === 'FormulaTooLarge') throw new FormulaTooLarge(outcome.message)
  // What cannot be handed on is nothing that the language knows.
  if (outcome.name === 'DataCloneError') return undefined
  throw new Error(`a formula could not be evaluated: ${outcome.message}`)
}

const STOPPED: Readonly<Record<Extract<TaskOutcome, { kind: 'stopped' }>['reason'], string>> = {
  time: `evaluating it takes more than ${COMPUTE_MS} ms`,
  memory: 'evaluating it takes more memory than there is',
  overloaded: 'too many expressions wait to be evaluated; try again',
}
