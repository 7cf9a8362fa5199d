import type { ExactTexts } from './exact-numbers.ts'
import { canonicalText, numberText } from './exact-numbers.ts'
import { type Draft, inLastDraft, isUpTo7, namedDraft, type Word } from './schema-drafts.ts'

/** Words whose values are data rather than schemas. */
const DATA = new Set(['enum', 'const', 'default', 'examples', 'example', 'referenceRecords'])

/** Words whose values have names of properties, or of schemas, that mean nothing by themselves. */
const OF_NAMES = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependencies',
  'dependentRequired',
  'dependentSchemas',
])

const LIMITS = new Set(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'])

/** What stands beside a word with what of its value a double does not hold; nobody can write it into a schema. */
export const EXACT = 'permea:'

/** The address of a schema that fits everything, for references to what is elsewhere. */
export const ANYTHING = 'permea:anything'

export interface Reading {
  /** Of what is read; a schema within may name another one. */
  draft: Draft
  /** Whether there are several: then all is read by the last one. */
  isMixed: boolean
  /** How an address is read from where another one is. */
  resolve(base: string, reference: string): string
  exact: ExactTexts
}

/**
 * A schema of a workspace as it can be compiled: a reference to a schema elsewhere (`schemas/order`, `contacts`) fits
 * everything, and words that are given no meaning (`required: true`, an empty `enum`, null) are left out. What a reference
 * leads to counts by where it stands: an address that a schema within has (`$id`) is here.
 */
export function asReadHere(schema: unknown, how: Reading): unknown {
  const here = new Set<string>([''])
  visit(schema, '', how, (_, base) => here.add(base))
  return read(schema, { base: '', here, how, root: schema })
}

/** The drafts of a schema and of those within that name one. */
export function draftsIn(schema: unknown, how: Reading): Set<Draft> {
  const drafts = new Set<Draft>([how.draft])
  visit(schema, '', how, (_, __, { draft }) => drafts.add(draft))
  return drafts
}

interface Within {
  base: string
  here: ReadonlySet<string>
  how: Reading
  root: unknown
}

function read(schema: unknown, within: Within, isOfNames = false): unknown {
  if (Array.isArray(schema)) return schema.map((each) => read(each, within))
  if (typeof schema !== 'object' || schema === null) return schema
  const entries = Object.entries(schema)
  if (isOfNames) return Object.fromEntries(entries.map(([name, each]) => [name, read(each, within)]))
  const how = howOf(schema as Words, within.how)
  const inside = { ...within, how, base: baseOf(schema as Words, within.base, how) }
  const { exact, isMixed } = how
  const own = isMixed
    ? inLastDraft(schema as Words, how.draft)
    : entries.map(([word, value]): Word => [word, value, word])
  const words = own.flatMap(([word, value, from]): [string, unknown][] => {
    const isData = DATA.has(word)
    // Which draft it is was looked at; the validator knows each by one spelling.
    if (word === '$schema' || word.startsWith(EXACT) || (value === null && !isData) || isMeaningless(word, value))
      return []
    if (word === '$ref') return [[word, isHere(String((schema as Words)[from]), inside) ? value : ANYTHING]]
    // The validator knows only those that are a fragment; others lead where a plain reference does.
    if (word === '$dynamicRef' && !String(value).startsWith('#'))
      return '$ref' in schema ? [] : [['$ref', isHere(String(value), inside) ? value : ANYTHING]]
    if (word === 'required' && Array.isArray(value)) return [[word, [...new Set(value)]]]
    if (word === 'enum')
      return [
        [word, value],
        [EXACT + word, (value as unknown[]).map((_, at) => canonicalText(value as object, at, exact))],
      ]
    if (word === 'const')
      return [
        [word, value],
        [EXACT + word, canonicalText(schema, from, exact)],
      ]
    if (LIMITS.has(word))
      return [
        [word, value],
        [EXACT + word, numberText(schema, from, exact)],
      ]
    return [[word, isData ? value : read(value, inside, OF_NAMES.has(word))]]
  })
  return withProto(Object.fromEntries(words))
}

type Words = Record<string, unknown>

/** A property of this name is checked by its pattern: by its name the validator passes it over. */
function withProto(schema: Words): Words {
  const { properties } = schema
  if (typeof properties !== 'object' || properties === null || !Object.hasOwn(properties, PROTO)) return schema
  const { [PROTO]: own, ...others } = properties as Words
  const patterns = schema.patternProperties as Words | undefined
  return { ...schema, properties: others, patternProperties: { ...patterns, [`^${PROTO}$`]: own } }
}

const PROTO = '__proto__'

function isMeaningless(word: string, value: unknown): boolean {
  if (word === '$ref') return typeof value !== 'string'
  if (word === 'anyOf' || word === 'oneOf' || word === 'allOf') return Array.isArray(value) && value.length === 0
  if (word === 'enum') return !Array.isArray(value) || value.length === 0
  if (word === 'type') return value === '' || (Array.isArray(value) && value.length === 0)
  if (word === 'nullable') return true
  return word === 'required' && !Array.isArray(value)
}

/** Tells of every schema within, with the address that references in it are read from. */
function visit(
  schema: unknown,
  base: string,
  how: Reading,
  tell: (schema: Words, base: string, how: Reading) => void,
  isOfNames = false,
): void {
  if (Array.isArray(schema)) for (const each of schema) visit(each, base, how, tell)
  else if (typeof schema === 'object' && schema !== null) {
    const ownHow = isOfNames ? how : howOf(schema as Words, how)
    const own = isOfNames ? base : baseOf(schema as Words, base, ownHow)
    if (!isOfNames) tell(schema as Words, own, ownHow)
    for (const [word, value] of Object.entries(schema))
      if (isOfNames || !DATA.has(word)) visit(value, own, ownHow, tell, !isOfNames && OF_NAMES.has(word))
  }
}

function howOf(schema: Words, how: Reading): Reading {
  const draft = namedDraft(schema)
  return draft === null || draft === how.draft ? how : { ...how, draft }
}

/** Up to draft 4 the name of a schema is `id`; up to draft 7 nothing beside a reference counts. */
function baseOf(schema: Words, base: string, { draft, resolve }: Reading): string {
  const id = schema[draft === '4' ? 'id' : '$id']
  if (typeof id !== 'string' || id.startsWith('#') || (isUpTo7(draft) && typeof schema.$ref === 'string')) return base
  return withoutFragment(resolve(base, id))
}

function isHere(reference: string, { base, here, how, root }: Within): boolean {
  if (reference.startsWith('#/') && base === '' && !isThere(root, reference))
    throw new Error(`can't resolve reference ${reference}`)
  if (reference.startsWith('#')) return true
  const address = withoutFragment(how.resolve(base, reference))
  return here.has(address) || /^https?:\/\/json-schema\.org\//.test(address)
}

/** The validator would find what every object inherits. */
function isThere(root: unknown, pointer: string): boolean {
  let part = root
  for (const name of decodeURIComponent(pointer).slice(2).split('/')) {
    const key = name.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof part !== 'object' || part === null || !Object.hasOwn(part, key)) return false
    part = (part as Words)[key]
  }
  return true
}

const withoutFragment = (address: string) => address.replace(/#.*$/, '')
