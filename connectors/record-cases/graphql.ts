import { type DocumentNode, Kind, parse, type SelectionSetNode, valueFromASTUntyped } from 'graphql'

/** What a GraphQL request asks for: each field by its path, with the arguments that are given to it. */
export function asksFor({ query, variables = {} }: { query: string; variables?: Record<string, unknown> }): string[] {
  const document = parse(query)
  const operation = document.definitions.find((each) => each.kind === Kind.OPERATION_DEFINITION)
  if (operation === undefined) throw new Error('the request has no operation')
  return [...fieldsIn(operation.selectionSet, operation.operation, document, variables)]
}

function* fieldsIn(
  { selections }: SelectionSetNode,
  at: string,
  document: DocumentNode,
  variables: Record<string, unknown>,
): Generator<string> {
  for (const selection of selections) {
    if (selection.kind === Kind.FRAGMENT_SPREAD) {
      const { name } = selection
      const found = document.definitions.find(
        (each) => each.kind === Kind.FRAGMENT_DEFINITION && each.name.value === name.value,
      )
      if (found?.kind === Kind.FRAGMENT_DEFINITION) yield* fieldsIn(found.selectionSet, at, document, variables)
    } else if (selection.kind === Kind.INLINE_FRAGMENT) {
      yield* fieldsIn(selection.selectionSet, at, document, variables)
    } else {
      const given = (selection.arguments ?? []).flatMap(({ name, value }) => {
        const plain = valueFromASTUntyped(value, variables)
        return plain === undefined ? [] : [`${name.value}=${JSON.stringify(plain)}`]
      })
      const path = `${at}.${selection.name.value}`
      yield given.length === 0 ? path : `${path}(${given.toSorted().join()})`
      if (selection.selectionSet !== undefined) yield* fieldsIn(selection.selectionSet, path, document, variables)
    }
  }
}
