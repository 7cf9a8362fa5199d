import { Ajv, type AnySchema, type Options, type ValidateFunction } from 'ajv'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import AjvDraft4 from 'ajv-draft-04'
import formats from 'ajv-formats'
import { LRUCache } from 'lru-cache'
import { LinearRegExp } from '../computing/linear-regexp.ts'
import { type ExactPlace, exactTexts } from './exact-numbers.ts'
import { type Draft, namedDraft } from './schema-drafts.ts'
import { addExactWords, type BeingChecked } from './schema-keywords.ts'
import { ANYTHING, asReadHere, draftsIn, type Reading } from './schema-reading.ts'

export type Schema = Record<string, unknown> | boolean

/**
 * What is to be done: a schema compiled, or a value checked by one that is known by its revision. Numbers that a double
 * does not hold come as doubles, and beside them where they stand and what they are.
 */
export type SchemaTask =
  | { do: 'compile'; schema: Schema; exactInSchema?: readonly ExactPlace[] | null }
  | {
      do: 'check'
      revision: string
      schema: Schema
      value: unknown
      exactInSchema?: readonly ExactPlace[] | null
      exact?: readonly ExactPlace[] | null
    }

interface Compiled {
  validate: ValidateFunction
  now: BeingChecked
}

const compiled = new LRUCache<string, Compiled>({ max: 1000 })

/** What is wrong with the value, or null. Throws for a schema that cannot be compiled. */
export default function perform(task: SchemaTask): string | null {
  if (task.do === 'compile') {
    compile(task)
    return null
  }
  const known = compiled.get(task.revision) ?? compile(task)
  compiled.set(task.revision, known)
  const { validate, now } = known
  const holder = { root: task.value }
  now.exact = exactTexts(holder, task.exact ?? null)
  // With what holds the value, so that a number that is all there is has a place too.
  if (
    validate(task.value, {
      parentData: holder,
      parentDataProperty: 'root',
      instancePath: '',
      rootData: holder.root as object,
      dynamicAnchors: {},
    })
  )
    return null
  const error = validate.errors?.[0]
  return `${error?.instancePath === undefined || error.instancePath === '' ? 'the event' : error.instancePath} ${error?.message ?? 'does not fit the schema'}`
}

const OPTIONS: Options = {
  strict: false,
  // What is too large for a double is a number all the same.
  strictNumbers: false,
  allErrors: false,
  // What every object inherits (`constructor`, `toString`) is no property of a value.
  ownProperties: true,
  validateFormats: true,
  logger: false,
  code: { regExp: Object.assign((pattern: string, flags: string) => new LinearRegExp(pattern, flags), { code: '' }) },
}

/** Up to draft 7 nothing counts beside a reference. */
const UP_TO_7: Options = { ...OPTIONS, ignoreKeywordsWithRef: true }

function compile({ schema, exactInSchema = null }: Pick<SchemaTask, 'schema' | 'exactInSchema'>): Compiled {
  const reading: Reading = {
    // The last one where none is named that is known.
    draft: namedDraft(schema) ?? '2020-12',
    isMixed: false,
    resolve: (base, reference) => resolver.opts.uriResolver.resolve(base, reference),
    exact: exactTexts({ root: schema }, exactInSchema),
  }
  const drafts = draftsIn(schema, reading)
  const how = { ...reading, isMixed: drafts.size > 1 }
  const draft = how.isMixed ? '2020-12' : reading.draft
  // An instance per schema: `$id`s of different customers' schemas must not meet.
  const ajv = VALIDATORS[draft]()
  formats.default(ajv)
  const now: BeingChecked = { exact: new WeakMap() }
  addExactWords(ajv, draft === '4', now)
  ajv.addSchema({}, ANYTHING)
  return { validate: ajv.compile(asReadHere(schema, how) as AnySchema), now }
}

const resolver = new Ajv()

const VALIDATORS: Record<Draft, () => Ajv> = {
  '4': () => new AjvDraft4.default(UP_TO_7),
  '6': () => {
    const ajv = new Ajv(UP_TO_7)
    // They came with draft 7, and mean nothing before.
    for (const keyword of ['if', 'then', 'else']) ajv.removeKeyword(keyword)
    return ajv
  },
  '7': () => new Ajv(UP_TO_7),
  '2019-09': () => new Ajv2019(OPTIONS),
  '2020-12': () => new Ajv2020(OPTIONS),
}
