import type { Completion, CompletionContext, CompletionResult, CompletionSource } from '@codemirror/autocomplete'
import type { FormScope } from '../forms/scope.ts'

/** Operators of the formula language with what they look like. */
const OPERATORS: readonly [name: string, about: string, snippet: string][] = [
  ['$var', 'a value of what came before', '{ "$var": "$.input" }'],
  ['$concat', 'texts put together', '{ "$concat": [] }'],
  ['$eval', 'a comparison: true or false', '{ "$eval": { "$var": "$.input" }, "is": "" }'],
  ['$and', 'all of these hold', '{ "$and": [] }'],
  ['$or', 'one of these holds', '{ "$or": [] }'],
  ['$case', 'the first case that holds', '{ "$case": { "cases": [], "default": null } }'],
  ['$iterate', 'made of each item of a list', '{ "$iterate": { "source": { "$var": "$.input" }, "item": {} } }'],
  ['$firstNotEmpty', 'the first that is there', '{ "$firstNotEmpty": [] }'],
  ['$mergeObjects', 'objects laid over each other', '{ "$mergeObjects": [] }'],
  ['$lookup', 'a value by another one', '{ "$lookup": {} }'],
  ['$jsonata', 'a JSONata expression', '{ "$jsonata": "" }'],
  ['$domainFromEmail', 'the domain of an address', '{ "$domainFromEmail": { "$var": "$.input" } }'],
  ['$firstName', 'of a full name', '{ "$firstName": { "$var": "$.input" } }'],
  ['$lastName', 'of a full name', '{ "$lastName": { "$var": "$.input" } }'],
]

/** Offers operators where one is begun with a `$`, and the paths that are there where the formula stands. */
export function formulaCompletion({ paths, samples }: Pick<FormScope, 'paths' | 'samples'>): CompletionSource {
  return (context: CompletionContext): CompletionResult | null => {
    const path = context.matchBefore(/\$\.[\w.[\]-]*/)
    if (path !== null) {
      const isInText = context.state.sliceDoc(path.from - 1, path.from) === '"'
      return { from: path.from, options: pathOptions({ paths, samples }, isInText) }
    }
    if (context.explicit && context.state.doc.length === 0)
      return { from: 0, options: pathOptions({ paths, samples }, false) }
    const word = context.matchBefore(/[{]?\s*"?\$\w*/)
    if (word === null) return null
    const begun = word.text.replace(/^[{\s"]*/, '')
    return {
      from: word.from,
      options: OPERATORS.filter(([name]) => name.startsWith(begun)).map(([label, detail, formula]) => ({
        label,
        detail,
        type: 'function',
        apply(view, _, from, to) {
          // With what the editor closed by itself: the quote and the brace.
          const after = /^"?\s*}?/.exec(view.state.sliceDoc(to, to + 8))?.[0] ?? ''
          const isClosed = word.text.startsWith('{')
          const until = to + (isClosed ? after.length : after.startsWith('"') ? 1 : 0)
          view.dispatch({
            changes: { from, to: until, insert: formula },
            selection: { anchor: from + formula.length },
            userEvent: 'input.complete',
          })
        },
      })),
      filter: false,
    }
  }
}

/** A path where one is asked for; elsewhere what stands for the value there. */
function pathOptions({ paths, samples }: Pick<FormScope, 'paths' | 'samples'>, isInText: boolean): Completion[] {
  return paths.map((label) => {
    const detail = samples.get(label)
    return {
      label,
      type: 'variable',
      ...(detail === undefined ? {} : { detail }),
      ...(isInText ? {} : { apply: valueAt(label) }),
    }
  })
}

/** The formula for what stands at a path. */
export const valueAt = (path: string) => `{ "$var": ${JSON.stringify(path)} }`
