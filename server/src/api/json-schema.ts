import { compute } from '../computing/computing.ts'
import { COMPUTE_MS } from '../computing/limits.ts'
import { ANYONE } from '../computing/task.ts'
import { SOURCE_ENDING } from '../platform/own-files.ts'
import { exactPlaces } from './exact-numbers.ts'
import { Refusal } from './refusal.ts'
import type { Schema, SchemaTask } from './schema-task.ts'

const MODULE = new URL(`./schema-task${SOURCE_ENDING}`, import.meta.url).href

/** A large schema is compiled once, when it is saved. */
const COMPILE_MS = 1000

/** Refuses a schema that cannot be compiled, saying why. It is compiled in a process apart. */
export async function checkSchema(schema: Schema, owner: string = ANYONE): Promise<void> {
  const args: SchemaTask = { do: 'compile', schema, exactInSchema: exactPlaces(schema) }
  const outcome = await compute({ module: MODULE, args, owner, budgetMs: COMPILE_MS })
  if (outcome.kind === 'returned') return
  const why = outcome.kind === 'thrown' ? outcome.message : STOPPED[outcome.reason]
  throw new Refusal('invalid_schema', `the schema cannot be used: ${why}`)
}

const STOPPED = {
  time: `compiling it takes more than ${COMPILE_MS} ms`,
  memory: 'compiling it takes more memory than there is',
  overloaded: 'too many schemas wait to be compiled; try again',
}

/**
 * What is wrong with a value by a schema, or null; also that checking it takes too long. It is checked in a process
 * apart. The compiled schema is remembered under `revision`, which must change with the schema.
 */
export async function schemaProblem(check: {
  revision: string
  schema: Schema
  value: unknown
  owner?: string
}): Promise<string | null> {
  const { revision, schema, value, owner = ANYONE } = check
  const exact = exactPlaces(value)
  const args: SchemaTask = { do: 'check', revision, schema, value, exactInSchema: exactPlaces(schema), exact }
  const outcome = await compute({ module: MODULE, args, owner })
  if (outcome.kind === 'returned') return outcome.value as string | null
  // A schema may be of a kind that saving it cannot tell: one that leads back to itself, say.
  if (outcome.kind === 'thrown') return `the event cannot be checked by its schema: ${outcome.message}`
  if (outcome.reason === 'overloaded') throw new Refusal('overloaded', 'too much waits to be checked; try again')
  return `the event takes more than ${outcome.reason === 'time' ? `${COMPUTE_MS} ms` : 'the memory there is'} to check by its schema`
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
