import type { CompletionContext, CompletionResult, CompletionSource } from '@codemirror/autocomplete'

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

/** Offers operators, and the paths that are there where the formula stands. */
export function formulaCompletion(paths: readonly string[]): CompletionSource {
  return (context: CompletionContext): CompletionResult | null => {
    const path = context.matchBefore(/\$\.[\w.[\]-]*/)
    if (path !== null) return { from: path.from, options: paths.map((label) => ({ label, type: 'variable' })) }
    const word = context.matchBefore(/[{"]?\s*"?\$?\w*/)
    if (word === null || (word.from === word.to && !context.explicit)) return null
    return {
      from: word.from,
      options: OPERATORS.map(([label, detail, apply]) => ({ label, detail, apply, type: 'function' })),
      filter: false,
    }
  }
}
