import { Ajv, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { LRUCache } from 'lru-cache'
import { Refusal } from './refusal.ts'

type Schema = Record<string, unknown> | boolean

const compiled = new LRUCache<string, ValidateFunction>({ max: 1000 })

function compile(schema: Schema): ValidateFunction {
  // An instance per schema: `$id`s of different customers' schemas must not meet.
  const options = { strict: false, allErrors: false, validateFormats: true, logger: false } as const
  const ajv = isDraft7(schema) ? new Ajv(options) : new Ajv2020(options)
  formats.default(ajv)
  return ajv.compile(schema)
}

/** Drafts up to 7 say so; everything else is read as 2020-12. */
function isDraft7(schema: Schema): boolean {
  return typeof schema === 'object' && /draft-0[4-7]/.test(String(schema.$schema ?? ''))
}

/** Refuses a schema that cannot be compiled, saying why. */
export function checkSchema(schema: Schema): void {
  try {
    compile(schema)
  } catch (error) {
    throw new Refusal('invalid_schema', `the schema cannot be used: ${(error as Error).message}`)
  }
}

/**
 * What is wrong with a value by a schema, or null. The compiled schema is remembered under `revision`,
 * which must change with the schema.
 */
export function schemaProblem(revision: string, schema: Schema, value: unknown): string | null {
  let validate = compiled.get(revision)
  if (validate === undefined) {
    validate = compile(schema)
    compiled.set(revision, validate)
  }
  if (validate(value)) return null
  const error = validate.errors?.[0]
  return `${error?.instancePath === undefined || error.instancePath === '' ? 'the event' : error.instancePath} ${error?.message ?? 'does not fit the schema'}`
}

const DEPTH_MAX = 50

/** A JSON Schema that the example fits: types and properties; lists take the shapes of all their items. */
export function schemaFromExample(example: unknown, depth = 0): Record<string, unknown> {
  if (example === null) return { type: 'null' }
  if (depth >= DEPTH_MAX) return {}
  if (Array.isArray(example)) {
    const items = distinct(example.map((item) => schemaFromExample(item, depth + 1)))
    if (items.length === 0) return { type: 'array' }
    return { type: 'array', items: items.length === 1 ? items[0] : { anyOf: items } }
  }
  if (typeof example === 'object') {
    const properties = Object.fromEntries(
      Object.entries(example).map(([key, value]) => [key, schemaFromExample(value, depth + 1)]),
    )
    return { type: 'object', properties }
  }
  if (typeof example === 'number') return { type: Number.isInteger(example) ? 'integer' : 'number' }
  return { type: typeof example }
}

function distinct(schemas: Record<string, unknown>[]): Record<string, unknown>[] {
  return [...new Map(schemas.map((schema) => [JSON.stringify(schema), schema])).values()].slice(0, 20)
}
