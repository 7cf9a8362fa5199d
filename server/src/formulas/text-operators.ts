import { FormulaTooLarge, RESULT_CHARS_MAX } from './bounds.ts'
import { isRecord, joined, member, textOf } from './coercion.ts'
import { type Operator, whenAllReady, whenReady } from './evaluator.ts'
import { splitPersonName } from './person-names.ts'
import { utcDateAndTime } from './utc-time.ts'

/**
 * `{template, values}`: every `{key}` named in `values` is replaced by that value's text, '' where it is missing.
 *
 * The template is literal text and `values` a literal object, whose members may be formulas. Values are put in one
 * after the other, so a value that holds `{other}` is filled by a later `other`. Key and value are taken literally;
 * the published client takes the key for a regular expression and `$&` in the value for a reference to it.
 */
export const tpl: Operator = (args, compile) => {
  const template = member(args, 'template')
  if (typeof template !== 'string') return () => undefined
  const values = member(args, 'values')
  const entries = typeof values === 'object' || typeof values === 'string' ? Object.entries(values ?? {}) : []
  const tokens = entries.map(([key]) => `{${key}}`)
  const evaluators = entries.map(([, value]) => compile(value))
  return (frame) => {
    const { budget } = frame.run
    budget.spendNodes(tokens.length)
    const filled = evaluators.map((evaluate) => evaluate(frame))
    return whenAllReady(filled, (ready) => {
      const text = tokens.reduce((before, token, i) => {
        budget.spendScan(before)
        return replaceEvery(before, token, textOf(ready[i] ?? '', budget))
      }, template)
      budget.spendChars(text.length)
      return text
    })
  }
}

function replaceEvery(text: string, token: string, replacement: string): string {
  const pieces = text.split(token)
  if (text.length + (pieces.length - 1) * replacement.length > RESULT_CHARS_MAX) {
    throw new FormulaTooLarge(`the formula produces more than ${RESULT_CHARS_MAX} characters`)
  }
  return pieces.join(replacement)
}

/**
 * An array, or `{values, delimiter}`: the texts of all values, joined. Null, undefined and empty texts are left out;
 * the result is undefined where there is no value at all. The delimiter is '' unless given; one that resolves to nothing is
 * the word `undefined` or `null`.
 */
export const concat: Operator = (args, compile) => {
  const isParted = isRecord(args)
  const values = compile(isParted ? member(args, 'values') : args)
  const delimiter = compile(isParted ? (member(args, 'delimiter') ?? '') : '')
  return (frame) => {
    const { budget } = frame.run
    return whenAllReady([values(frame), delimiter(frame)], ([items, between]) => {
      if (!Array.isArray(items) || items.length === 0) return undefined
      budget.spendNodes(items.length)
      const present = items.filter((item) => item !== null && item !== undefined)
      const texts = present.map((item) => textOf(item, budget)).filter((text) => text !== '')
      return joined(texts, textOf(between, budget), budget)
    })
  }
}

/** The first name of a full name; undefined where the name is a single word. */
export const firstName: Operator = ofText((text) => splitPersonName(text).first)

/** The last name of a full name, or its single word. */
export const lastName: Operator = ofText((text) => splitPersonName(text).last)

/** The UTC date of a date text, as `YYYY-MM-DD`; undefined where it is none. */
export const extractDate: Operator = ofText((text) => utcDateAndTime(text)?.date)

/** The UTC time of a date text, as `HH:MM:SS`; undefined where it is none. */
export const extractTime: Operator = ofText((text) => utcDateAndTime(text)?.time)

/** What follows the `@` of a text with exactly one; '' after a trailing one. */
export const domainFromEmail: Operator = (args, compile) => {
  const evaluate = compile(args)
  return (frame) =>
    whenReady(evaluate(frame), (email) => {
      if (typeof email !== 'string') return undefined
      const parts = email.split('@', 3)
      return parts.length === 2 ? parts[1] : undefined
    })
}

function ofText(transform: (text: string) => string | undefined): Operator {
  return (args, compile) => {
    const evaluate = compile(args)
    return (frame) =>
      whenReady(evaluate(frame), (value) => {
        if (value === null || value === undefined || value === '') return undefined
        frame.run.budget.spendNodes(10)
        return transform(textOf(value, frame.run.budget))
      })
  }
}
