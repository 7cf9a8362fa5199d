import fc from 'fast-check'
import { z } from 'zod'

type Schema = { [name: string]: unknown }

/** How deep values go; below it only plain ones are made. */
const DEPTH_MAX = 4

/** Texts that programs stumble over: none is special to any outside software, all are what people send. */
const TEXTS = [
  '',
  ' ',
  '0',
  'null',
  '\u0000',
  '\ud800',
  '../..',
  '%00',
  "'",
  '$.a',
  '{{x}}',
  '__proto__',
  'constructor',
]
const anyText = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.constantFrom(...TEXTS),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constant('long '.repeat(2000)),
)
const anyNumber = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, -1, 1e21, 2 ** 53, -0, 1.1e-7))
const deep = fc.integer({ min: 1, max: 250 }).map((levels) => {
  let value: unknown = 1
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { a: value }
  return value
})
/** Any JSON at all. */
export const anyValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 2, arbitrary: anyText },
  { weight: 1, arbitrary: anyNumber },
  { weight: 1, arbitrary: deep },
  { weight: 1, arbitrary: formulas() },
)

/** How values are made: out of what is known by name, and how often a field holds something else than it should. */
export interface Manner {
  known: readonly string[]
  /** Of so many fields one is wrong. */
  wrongOneIn: number
}

/** Values that fit a shape of the contract, or nearly: some fields are left out, some hold anything. */
export function valuesOf(shape: z.ZodType, manner: Manner): fc.Arbitrary<unknown> {
  const schema = z.toJSONSchema(shape, { io: 'input', unrepresentable: 'any' }) as Schema
  return new Fitting((schema.$defs ?? {}) as Schema, manner).value(schema, 0, '')
}

/** Fields that name something else by its id or key. */
const NAMES_OTHERS = /(?:Id|Key|Ids|selector|Selector|^id|cursor)$/
const KEY = fc.stringMatching(/^[a-z][a-z0-9-]{0,11}$/)

class Fitting {
  readonly #defs: Schema
  readonly #manner: Manner

  constructor(defs: Schema, manner: Manner) {
    this.#defs = defs
    this.#manner = manner
  }

  value(schema: Schema, depth: number, name: string): fc.Arbitrary<unknown> {
    const within = (each: unknown) => this.value(each as Schema, depth + 1, name)
    if (typeof schema.$ref === 'string') {
      const target = this.#defs[schema.$ref.split('/').at(-1) ?? '']
      return target === undefined || depth > DEPTH_MAX ? anyValue : within(target)
    }
    const choices = (schema.anyOf ?? schema.oneOf) as unknown[] | undefined
    if (choices !== undefined && choices.length > 0) return fc.oneof(...choices.map(within))
    if ('const' in schema) return fc.constant(schema.const)
    if (Array.isArray(schema.enum) && schema.enum.length > 0)
      return this.#mostly(fc.constantFrom(...(schema.enum as unknown[])))
    switch (schema.type) {
      case 'object':
        return depth > DEPTH_MAX ? fc.constant({}) : this.#object(schema, depth)
      case 'array':
        return this.#mostly(fc.array(within(schema.items ?? {}), { maxLength: 3 }))
      case 'string':
        return this.#mostly(this.#text(schema, name))
      case 'integer':
      case 'number':
        return this.#mostly(fc.integer({ min: 1, max: 50 }))
      case 'boolean':
        return this.#mostly(fc.boolean())
      case 'null':
        return fc.constant(null)
      default:
        return anyValue
    }
  }

  #object(schema: Schema, depth: number): fc.Arbitrary<unknown> {
    const properties = Object.entries((schema.properties ?? {}) as Schema)
    const required = new Set((schema.required ?? []) as string[])
    const fields = Object.fromEntries(
      properties.map(([name, each]) => [name, this.value(each as Schema, depth + 1, name)]),
    )
    const requiredKeys = properties.map(([name]) => name).filter((name) => required.has(name))
    const named = fc.record(fields, { requiredKeys })
    if (typeof schema.additionalProperties !== 'object' || schema.additionalProperties === null) return named
    const each = this.value(schema.additionalProperties as Schema, depth + 1, '')
    return fc.tuple(named, fc.dictionary(KEY, each, { maxKeys: 3 })).map(([own, others]) => ({ ...others, ...own }))
  }

  /** Now and then something else than what is asked for. */
  #mostly(arbitrary: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
    return fc.oneof({ weight: this.#manner.wrongOneIn, arbitrary }, { weight: 1, arbitrary: anyValue })
  }

  #text({ format, pattern }: Schema, name: string): fc.Arbitrary<string> {
    if (format === 'uuid') return fc.uuid()
    if (format === 'date-time') return fc.date({ noInvalidDate: true }).map((date) => date.toISOString())
    if (format === 'uri') return fc.webUrl()
    const { known } = this.#manner
    if (NAMES_OTHERS.test(name) && known.length > 0)
      return fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...known) }, { weight: 1, arbitrary: KEY })
    if (typeof pattern === 'string') return fc.oneof({ weight: 8, arbitrary: KEY }, { weight: 1, arbitrary: anyText })
    return fc.oneof({ weight: 4, arbitrary: KEY }, { weight: 1, arbitrary: anyText })
  }
}

function formulas(): fc.Arbitrary<unknown> {
  const operand = fc.oneof(fc.string({ maxLength: 8 }), fc.integer(), fc.constant({ $var: '$.input' }))
  return fc.oneof(
    operand.map((value) => ({ $var: value })),
    fc.array(operand, { maxLength: 3 }).map((values) => ({ $concat: values })),
    fc.tuple(operand, operand).map(([when, then]) => ({ $case: { cases: [{ filter: when, value: then }] } })),
    fc.string({ maxLength: 12 }).map((text) => ({ $jsonata: text })),
    operand.map((value) => ({ $eval: value })),
  )
}
