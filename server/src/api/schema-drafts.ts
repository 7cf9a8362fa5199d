type Words = Record<string, unknown>

export type Draft = '4' | '6' | '7' | '2019-09' | '2020-12'

/** The draft that `$schema` names, however it spells it; null where it names none that is known. */
export function namedDraft(schema: unknown): Draft | null {
  const named = typeof schema === 'object' && schema !== null ? (schema as Words).$schema : null
  if (typeof named !== 'string') return null
  const spelling = named.toLowerCase()
  const [, year] = /(2019-09|2020-12)/.exec(spelling) ?? []
  if (year !== undefined) return year as Draft
  const [, digit = ''] = /draft[\s/_-]*v?0*([3-7])(?!\d)/.exec(spelling) ?? []
  // Draft 3 and 5 are read as what came out of them: 5 is 4 by another name.
  return digit === '' ? null : digit === '3' || digit === '5' ? '4' : (digit as Draft)
}

export const isUpTo7 = (draft: Draft) => draft === '4' || draft === '6' || draft === '7'

/** A word of a schema, its value, and the word that the value stood under. */
export type Word = [word: string, value: unknown, from: string]

/**
 * The words of a schema of an older draft as the last one has them, for schemas that bundle others of other drafts: the
 * validator reads a whole by one draft.
 *
 * @source JSON Schema release notes of 2019-09 and 2020-12; draft-06 release notes
 */
export function inLastDraft(schema: Words, draft: Draft): Word[] {
  const own = Object.entries(schema).map(([word, value]): Word => [word, value, word])
  if (draft === '2020-12') return own
  const isOld = isUpTo7(draft)
  // Up to draft 7 nothing beside a reference counts.
  if (isOld && typeof schema.$ref === 'string') return [['$ref', pointer(schema.$ref), '$ref']]
  const words = own.filter(([word]) => !(isOld && LATER.has(word)) && !(draft <= '6' && isOld && CONDITIONAL.has(word)))
  return words.flatMap(([word, value, from]): Word[] => {
    if (word === 'items' && Array.isArray(value)) return [['prefixItems', value, from]]
    if (word === 'additionalItems') return Array.isArray(schema.items) ? [['items', value, from]] : []
    if (word === '$ref' && typeof value === 'string') return [[word, pointer(value), from]]
    if (word === '$recursiveAnchor') return value === true ? [['$dynamicAnchor', RECURSIVE, from]] : []
    if (word === '$recursiveRef') return [['$dynamicRef', `#${RECURSIVE}`, from]]
    if (draft === '4' && word === 'id') return anchorOr(value, from)
    if (isOld && word === '$id') return draft === '4' ? [] : anchorOr(value, from)
    return draft === '4' ? limitOf4(schema, word, value, from) : [[word, value, from]]
  })
}

const RECURSIVE = 'permea-recursive'

/** Words that mean nothing up to draft 7. */
const LATER = new Set([
  'prefixItems',
  'minContains',
  'maxContains',
  'dependentRequired',
  'dependentSchemas',
  'unevaluatedItems',
  'unevaluatedProperties',
  '$anchor',
  '$dynamicAnchor',
  '$dynamicRef',
  '$recursiveAnchor',
  '$recursiveRef',
])

/** Words that came with draft 7. */
const CONDITIONAL = new Set(['if', 'then', 'else'])

/** An address that is a fragment only was what is an anchor now. */
function anchorOr(id: unknown, from: string): Word[] {
  if (typeof id !== 'string' || !id.startsWith('#')) return [['$id', id, from]]
  return id.length > 1 ? [['$anchor', id.slice(1), from]] : []
}

/** Of draft 4: whether a limit counts itself was said beside it. */
function limitOf4(schema: Words, word: string, value: unknown, from: string): Word[] {
  if (word === 'exclusiveMinimum' || word === 'exclusiveMaximum')
    return typeof value === 'boolean' ? [] : [[word, value, from]]
  if (word === 'minimum') return [[schema.exclusiveMinimum === true ? 'exclusiveMinimum' : word, value, from]]
  if (word === 'maximum') return [[schema.exclusiveMaximum === true ? 'exclusiveMaximum' : word, value, from]]
  if (word === 'const' || word === 'contains' || word === 'propertyNames') return []
  return [[word, value, from]]
}

/** A reference to where something stood before it was read by the last draft. */
function pointer(reference: string): string {
  if (!reference.includes('#/')) return reference
  const [address = '', ...path] = reference.split('#')
  const where = path
    .join('#')
    .replace(/\/items(?=\/\d+(?:\/|$))/g, '/prefixItems')
    .replace(/\/additionalItems(?=\/|$)/g, '/items')
  return `${address}#${where}`
}
