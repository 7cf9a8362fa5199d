import { isRecord, member, put } from './coercion.ts'
import { type EvaluationFrame, type Operator, whenReady } from './evaluator.ts'
import { parseLocator, readAt } from './locator.ts'

/** The value at a literal locator of the scope; null where the argument is no locator. */
export const variable: Operator = (args) => {
  // NOTE: an empty list of steps is the whole scope, as on the published client; no other list is a locator.
  const locator = Array.isArray(args) && args.length === 0 ? [] : parseLocator(args)
  if (locator === null) return () => null
  return (frame) => {
    const value = readAt(frame.scope, locator, 'missing')
    frame.run.budget.refer(value)
    return value
  }
}

/** The `id` of a literal record, as it stands there. */
export const record: Operator = (args) => {
  const id = member(args, 'id')
  return () => id
}

/** `{$copy: locator}`, to be replaced by the value at the locator once the whole result is known. */
export const copy: Operator = (args, compile) => {
  const locator = compile(args)
  return (frame) =>
    whenReady(locator(frame), (ready) => {
      const placeholder = { $copy: ready }
      frame.run.copies.add(placeholder)
      return placeholder
    })
}

/** The members of all objects in an array, later ones winning; what is no object is skipped. */
export const mergeObjects: Operator = (args, compile) => {
  const evaluate = compile(args)
  return (frame) =>
    whenReady(evaluate(frame), (parts) => {
      if (!Array.isArray(parts)) return undefined
      const merged: Record<string, unknown> = {}
      for (const part of parts) {
        if (typeof part !== 'object' || part === null) continue
        const entries = Object.entries(part)
        frame.run.budget.spendNodes(1 + entries.length)
        for (const [key, value] of entries) {
          frame.run.budget.refer(value)
          put(merged, key, value)
        }
      }
      return Object.keys(merged).length === 0 ? undefined : merged
    })
}

/**
 * `{source, item}`: what `item` yields for each item of the array, evaluated with `item`, `index` and `parent` (the
 * surrounding scope) as its whole scope. Falsy results are dropped; undefined where nothing is left.
 */
export const iterate: Operator = (args, compile) => {
  if (!isRecord(args)) return () => undefined
  const source = compile(member(args, 'source'))
  const yieldOf = compile(member(args, 'item'))

  const collect = (items: readonly unknown[], frame: EvaluationFrame, results: unknown[], start: number): unknown => {
    for (let index = start; index < items.length; index++) {
      frame.run.budget.spendNodes(1)
      const result = yieldOf({ scope: { item: items[index], parent: frame.scope, index }, run: frame.run })
      if (result instanceof Promise) {
        return whenReady(result, (ready) => {
          if (ready) results.push(ready)
          return collect(items, frame, results, index + 1)
        })
      }
      if (result) results.push(result)
    }
    return results.length === 0 ? undefined : results
  }

  return (frame) =>
    whenReady(source(frame), (items) => {
      if (!Array.isArray(items)) return undefined
      frame.run.budget.iterates()
      return collect(items, frame, [], 0)
    })
}
