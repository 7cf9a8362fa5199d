import { deeplyEqual, looselyEqual, member } from './coercion.ts'
import { evalOperator } from './eval-operators.ts'
import { type EvaluationFrame, type Evaluator, type Operator, whenAllReady, whenReady } from './evaluator.ts'

/**
 * `{value, mapping: [{from, to}], default?}`: the `to` of the first entry whose `from` equals the value, deeply or
 * loosely (`'5'` matches 5, and a missing value matches null); else the default.
 */
export const map: Operator = (args, compile) => {
  if (typeof args !== 'object' || args === null) return () => undefined
  const value = compile(member(args, 'value'))
  const mapping = member(args, 'mapping')
  const entries = Array.isArray(mapping) ? mapping.filter((entry) => entry !== null && entry !== undefined) : []
  const froms = entries.map((entry) => compile(member(entry, 'from')))
  const tos = entries.map((entry) => compile(member(entry, 'to')))
  const otherwise = compile(member(args, 'default'))
  return (frame) => {
    const { budget } = frame.run
    budget.spendNodes(froms.length)
    return whenReady(value(frame), (sought) =>
      firstChosen({
        frame,
        questions: froms,
        isYes: (from) => deeplyEqual(sought, from, budget) || looselyEqual(sought, from, budget),
        answers: tos,
        otherwise,
      }),
    )
  }
}

/**
 * An array of `{filter?, value}`, or `{cases, default}`: the value of the first case whose filter holds.
 *
 * A filter that is missing, null or a falsy literal holds, and so does one that resolves to null or undefined; any
 * other must resolve to something truthy. A legacy filter, which is an array, therefore always holds. A default of null
 * is none.
 */
export const choose: Operator = (args, compile) => {
  const cases = Array.isArray(args) ? args : member(args, 'cases')
  if (!Array.isArray(cases)) return () => undefined
  const usable = cases.filter((one) => typeof one === 'object' && one !== null)
  const filters = usable.map((one) => compile(member(one, 'filter') || null))
  const values = usable.map((one) => compile(member(one, 'value')))
  const fallback = compile(Array.isArray(args) ? undefined : member(args, 'default'))
  const otherwise: Evaluator = (frame) => whenReady(fallback(frame), (value) => value ?? undefined)
  return (frame) => {
    frame.run.budget.spendNodes(filters.length)
    return firstChosen({
      frame,
      questions: filters,
      isYes: (held) => held === null || held === undefined || Boolean(held),
      answers: values,
      otherwise,
    })
  }
}

interface Choice {
  frame: EvaluationFrame
  questions: readonly Evaluator[]
  isYes: (value: unknown) => boolean
  answers: readonly Evaluator[]
  otherwise: Evaluator
}

/** Asks the questions in turn and evaluates the answer to the first that is met. */
function firstChosen(choice: Choice, start = 0): unknown {
  const { frame, questions, isYes, answers, otherwise } = choice
  for (let i = start; i < questions.length; i++) {
    const value = questions[i]?.(frame)
    if (value instanceof Promise) {
      return whenReady(value, (ready) => (isYes(ready) ? answers[i]?.(frame) : firstChosen(choice, i + 1)))
    }
    if (isYes(value)) return answers[i]?.(frame)
  }
  return otherwise(frame)
}

/**
 * `{$eval: value, <operator>: operand}`: whether the comparison named by the second key holds; true where there is no
 * second key or it names no comparison.
 */
export const evaluateComparison: Operator = (args, compile, whole) => {
  const operatorName = Object.keys(whole)[1]
  const decide = operatorName === undefined ? undefined : evalOperator(operatorName)
  if (operatorName === undefined || decide === undefined) return () => true
  const value = compile(args)
  const operand = compile(whole[operatorName])
  return (frame) =>
    whenAllReady([value(frame), operand(frame)], ([left, right]) => decide(left, right, frame.run.budget))
}

/** Whether all members are truthy, leaving out null and undefined; undefined where none is left. */
export const and: Operator = ofMembers((members) => members.every(Boolean))

/** Whether any member is truthy, leaving out null and undefined; undefined where none is left. */
export const or: Operator = ofMembers((members) => members.some(Boolean))

/** The first member that is neither null nor undefined. */
export const firstNotEmpty: Operator = ofMembers((members) => members[0])

function ofMembers(decide: (members: readonly unknown[]) => unknown): Operator {
  return (args, compile) => {
    const evaluate = compile(args)
    return (frame) =>
      whenReady(evaluate(frame), (members) => {
        if (!Array.isArray(members)) return undefined
        frame.run.budget.spendNodes(members.length)
        const present = members.filter((item) => item !== null && item !== undefined)
        return present.length === 0 ? undefined : decide(present)
      })
  }
}
