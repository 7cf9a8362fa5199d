import { Ajv, type AnySchema, type Options, str, type ValidateFunction } from 'ajv'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import AjvDraft4 from 'ajv-draft-04'
import formats from 'ajv-formats'
import { LRUCache } from 'lru-cache'
import { LinearRegExp } from '../computing/linear-regexp.ts'
import { isMultipleOf } from './multiple-of.ts'

export type Schema = Record<string, unknown> | boolean

/** What is to be done: a schema compiled, or a value checked by one that is known by its revision. */
export type SchemaTask =
  | { do: 'compile'; schema: Schema }
  | { do: 'check'; revision: string; schema: Schema; value: unknown }

const compiled = new LRUCache<string, ValidateFunction>({ max: 1000 })

/** What is wrong with the value, or null. Throws for a schema that cannot be compiled. */
export default function perform(task: SchemaTask): string | null {
  if (task.do === 'compile') {
    compile(task.schema)
    return null
  }
  let validate = compiled.get(task.revision)
  if (validate === undefined) {
    validate = compile(task.schema)
    compiled.set(task.revision, validate)
  }
  if (validate(task.value)) return null
  const error = validate.errors?.[0]
  return `${error?.instancePath === undefined || error.instancePath === '' ? 'the event' : error.instancePath} ${error?.message ?? 'does not fit the schema'}`
}

const OPTIONS: Options = {
  strict: false,
  allErrors: false,
  validateFormats: true,
  logger: false,
  code: { regExp: Object.assign((pattern: string, flags: string) => new LinearRegExp(pattern, flags), { code: '' }) },
}

function compile(schema: Schema): ValidateFunction {
  // An instance per schema: `$id`s of different customers' schemas must not meet.
  const ajv = VALIDATORS[draftOf(schema)]()
  formats.default(ajv)
  ajv.removeKeyword('uniqueItems')
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    errors: false,
    validate: (isWanted: boolean, items: unknown[]) => !isWanted || areUnique(items),
    error: { message: 'must NOT have duplicate items' },
  })
  ajv.removeKeyword('multipleOf')
  ajv.addKeyword({
    keyword: 'multipleOf',
    type: 'number',
    schemaType: 'number',
    errors: false,
    validate: (divisor: number, value: number) => isMultipleOf(value, divisor),
    error: { message: ({ schema: divisor }) => str`must be multiple of ${divisor}` },
  })
  return ajv.compile(asReadHere(withoutDraft(schema)) as AnySchema)
}

/** Words whose values are data rather than schemas. */
const DATA = new Set(['enum', 'const', 'default', 'examples', 'example', 'referenceRecords'])

/**
 * A schema of a workspace as it can be compiled: a reference to a schema elsewhere (`schemas/order`, `contacts`) fits
 * everything, and words that are given no meaning (`required: true`, an empty `enum`, null) are left out.
 */
function asReadHere(schema: unknown, isOfNames = false): unknown {
  if (Array.isArray(schema)) return schema.map((each) => asReadHere(each))
  if (typeof schema !== 'object' || schema === null) return schema
  const entries = Object.entries(schema)
  if (isOfNames) return Object.fromEntries(entries.map(([name, each]) => [name, asReadHere(each)]))
  return Object.fromEntries(
    entries.flatMap(([word, value]) => {
      const isData = DATA.has(word)
      if ((value === null && !isData) || isMeaningless(word, value)) return []
      if (word === 'required' && Array.isArray(value)) return [[word, [...new Set(value)]]]
      return [[word, isData ? value : asReadHere(value, OF_NAMES.has(word))]]
    }),
  )
}

const OF_NAMES = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'])

function isMeaningless(word: string, value: unknown): boolean {
  if (word === '$ref') return typeof value !== 'string' || /^(?![#]|https?:\/\/json-schema\.org\/)/.test(value)
  if (word === 'anyOf' || word === 'oneOf' || word === 'allOf') return Array.isArray(value) && value.length === 0
  if (word === 'enum') return !Array.isArray(value) || value.length === 0
  if (word === 'type') return value === '' || (Array.isArray(value) && value.length === 0)
  if (word === 'nullable') return true
  return word === 'required' && !Array.isArray(value)
}

/** Each item is written out once and looked up, rather than compared with all others. */
function areUnique(items: readonly unknown[]): boolean {
  const seen = new Set<string>()
  for (const item of items) {
    const text = inOrder(item)
    if (seen.has(text)) return false
    seen.add(text)
  }
  return true
}

/** JSON with the names of objects in order. */
function inOrder(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined'
  if (Array.isArray(value)) return `[${value.map(inOrder).join()}]`
  let text = '{'
  for (const name of Object.keys(value).sort())
    text += `${JSON.stringify(name)}:${inOrder((value as Record<string, unknown>)[name])},`
  return `${text}}`
}

type Draft = '4' | '6' | '7' | '2019-09' | '2020-12'

const VALIDATORS: Record<Draft, () => Ajv> = {
  '4': () => new AjvDraft4.default(OPTIONS),
  '6': () => {
    const ajv = new Ajv(OPTIONS)
    // They came with draft 7, and mean nothing before.
    for (const keyword of ['if', 'then', 'else']) ajv.removeKeyword(keyword)
    return ajv
  },
  '7': () => new Ajv(OPTIONS),
  '2019-09': () => new Ajv2019(OPTIONS),
  '2020-12': () => new Ajv2020(OPTIONS),
}

/** The draft that `$schema` names, however it spells it; the last one where it names none that is known. */
function draftOf(schema: Schema): Draft {
  const named = typeof schema === 'object' ? String(schema.$schema ?? '').toLowerCase() : ''
  const [, year] = /(2019-09|2020-12)/.exec(named) ?? []
  if (year !== undefined) return year as Draft
  const [, digit = ''] = /draft[\s/_-]*v?0*([3-7])(?!\d)/.exec(named) ?? []
  // Draft 3 and 5 are read as what came out of them: 5 is 4 by another name.
  return digit === '' ? '2020-12' : digit === '3' || digit === '5' ? '4' : (digit as Draft)
}

/** Ajv knows drafts by one spelling each, and refuses all others. */
function withoutDraft(schema: Schema): Schema {
  if (typeof schema === 'boolean') return schema
  const { $schema: _, ...rest } = schema
  return rest
}
