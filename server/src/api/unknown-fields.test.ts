import * as client from '@membranehq/sdk'
import {
  actions,
  appDataSchemas,
  appEventTypes,
  contract,
  dataLinkTables,
  dataSources,
  type Endpoint,
  type EndpointTable,
  fieldMappings,
  flows,
  integrations,
} from '@permea/contract'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { unknownFieldsOf } from './unknown-fields.ts'

const of = (body: z.ZodType | undefined, answer: z.ZodType | null = null, method: Endpoint['method'] = 'POST') => {
  const unknown = unknownFieldsOf({ method, body, answer } as Endpoint)
  return (given: unknown) => unknown(given).map(({ field }) => field)
}

test('a field that no endpoint knows is named; what clients send back or send elsewhere is not', () => {
  const unknown = of(z.object({ handle: z.string() }), z.object({ overrides: z.array(z.string()), error: z.string() }))
  expect(unknown({ handle: '', subscrbe: '', headers: {} })).toEqual(['subscrbe', 'headers'])
  expect(unknown({ handle: '', error: '', id: '', createdAt: '', integrationKey: '', universalFlowId: '' })).toEqual([])
  // What ends like a selector is none.
  expect(unknown({ dedupKey: {}, dedupeKey: {}, conectionId: '', hasAnything: true, someRevision: 1 })).toEqual([
    'dedupKey',
    'dedupeKey',
    'conectionId',
    'hasAnything',
    'someRevision',
  ])
})

test('an endpoint that takes any field names only those that are one of its own with a slip', () => {
  const loose = of(z.looseObject({ config: z.string() }))
  expect(loose({ config: '', b: 1, configuration: 1 })).toEqual([])
  expect(loose({ confg: '', Config: '', congif: '' })).toEqual(['confg', 'Config', 'congif'])
  expect(of(z.record(z.string(), z.unknown()))({ b: 1 })).toEqual([])
  expect(of(z.union([z.object({ a: z.string() }), z.unknown()]))({ b: 1 })).toEqual([])
  expect(of(z.object({ a: z.string() }))([1])).toEqual([])
})

test('shapes within others are looked into', () => {
  const shape = z.object({ a: z.string() })
  const forms = [
    shape.optional(),
    shape.nullish(),
    shape.transform((each) => each.a),
    z.preprocess((each) => each, shape),
    z.lazy(() => shape),
    z.union([shape, z.object({ c: z.string() })]),
    shape.and(z.object({ c: z.string() })),
  ]
  for (const form of forms) {
    expect(of(form)({ a: '', b: '' })).toEqual(['b'])
    expect(of(z.object({ in: form }))({ in: { a: '', b: '' } })).toEqual(['in.b'])
    expect(of(z.object({ in: z.array(form) }))({ in: [{ a: '' }, { a: '', b: '' }] })).toEqual(['in.1.b'])
    expect(of(z.object({ in: z.record(z.string(), form) }))({ in: { x: { a: '', b: '' } } })).toEqual(['in.x.b'])
  }
  const tree = z.object({
    field: z.string(),
    get below() {
      return z.array(tree).optional()
    },
  })
  expect(of(tree)({ field: '', below: [{ field: '', below: [{ filed: '' }] }] })).toEqual(['below.0.below.0.filed'])
})

test('of several shapes the one that is meant counts, and what an answer shows in a place may come back there', () => {
  const one = z.object({ type: z.literal('code'), code: z.string() })
  const other = z.object({ type: z.literal('mapping'), mapping: z.unknown(), more: z.string().optional() })
  const unknown = of(
    z.object({ fn: z.union([z.record(z.string(), z.unknown()), one, other]) }),
    z.object({ fn: z.object({ shown: z.string() }) }),
  )
  expect(unknown({ fn: { type: 'code', code: '', more: '', shown: '' } })).toEqual(['fn.more'])
  expect(unknown({ fn: { type: 'mapping', mapping: { anything: 1 }, more: '' } })).toEqual([])
  expect(unknown({ fn: { type: 'object', properties: {} } })).toEqual([])
})

test('an endpoint without a body takes none', () => {
  expect(of(undefined)({ force: true, id: '', connectionId: '' })).toEqual(['force'])
  expect(of(undefined, z.object({ name: z.string() }))({ name: '' })).toEqual(['name'])
  expect(of(undefined, z.object({ name: z.string() }), 'PUT')({ name: '', force: 1 })).toEqual(['force'])
  for (const nothing of [undefined, null, {}, [], '']) expect(of(undefined)(nothing)).toEqual([])
})

const endpoints = Object.values<EndpointTable>(contract).flatMap((table) => Object.values(table))

test('every object with fixed fields in every body of the contract refuses a slip, and says what was meant', () => {
  let count = 0
  for (const endpoint of endpoints) {
    const unknown = unknownFieldsOf(endpoint)
    for (const { path, names, value } of fixedObjectsIn(endpoint.body, [])) {
      // Names that another option of the place has are no slips there.
      const name = names.find((each) => each.length > 4 && !/^(?:type|name|path)$/.test(each))
      if (name === undefined) continue
      const slip = `${name.slice(0, 2)}${name[3]}${name[2]}${name.slice(4)}x`
      const given = value({ [slip]: 1 })
      const found = unknown(given).map(({ field, meant }) => [field, meant])
      const field = [...path, slip].join('.')
      expect([endpoint.path, ...(found.find(([each]) => each === field) ?? [given, found])]).toEqual([
        endpoint.path,
        field,
        name,
      ])
      count += 1
    }
  }
  expect(count).toBeGreaterThan(1000)
})

interface Fixed {
  path: string[]
  names: string[]
  /** A body that has this object in that place. */
  value(object: object): unknown
}

/** Every object with fixed fields of a body, with the way to it; those that hold themselves once. */
function fixedObjectsIn(shape: unknown, path: string[], way: (value: unknown) => unknown = (value) => value): Fixed[] {
  if (path.length > 7) return []
  if (shape instanceof z.ZodOptional || shape instanceof z.ZodNullable || shape instanceof z.ZodDefault)
    return fixedObjectsIn(shape.unwrap(), path, way)
  if (shape instanceof z.ZodPipe) return fixedObjectsIn(shape.in, path, way)
  if (shape instanceof z.ZodArray) return fixedObjectsIn(shape.element, [...path, '0'], (value) => way([value]))
  if (shape instanceof z.ZodRecord)
    return fixedObjectsIn(shape._zod.def.valueType, [...path, 'any'], (value) => way({ any: value }))
  if (shape instanceof z.ZodUnion) {
    // Where any object will do, only what is named by its type is told from it.
    return shape.options.flatMap((option) => fixedObjectsIn(option, path, way))
  }
  if (!(shape instanceof z.ZodObject)) return []
  const { type } = shape.shape
  const typed = type instanceof z.ZodLiteral ? { type: [...type.values][0] } : {}
  const names = Object.keys(shape.shape)
  const own = { path, names, value: (object: object) => way({ ...typed, ...object }) }
  const within = Object.entries(shape.shape).flatMap(([name, each]) =>
    fixedObjectsIn(each, [...path, name], (value) => way({ ...typed, [name]: value })),
  )
  return [own, ...within]
}

test('an element is sent as the published client shows it, and none of its names is taken for a slip', () => {
  const elements = [
    [flows.create, client.BaseFlow],
    [actions.create, client.BaseAction],
    [dataSources.create, client.BaseDataSource],
    [fieldMappings.create, client.BaseFieldMapping],
    [appDataSchemas.create, client.BaseAppDataSchema],
    [dataLinkTables.create, client.BaseDataLinkTable],
    [appEventTypes.create, client.BaseAppEventType],
    [integrations.create, client.BaseIntegration],
  ] as const
  for (const [endpoint, shape] of elements) {
    const names = Object.keys(shape.shape)
    expect(names.length).toBeGreaterThan(5)
    const body = Object.fromEntries([...names, 'customized', 'parentRevision', 'baseUri'].map((name) => [name, 1]))
    expect(unknownFieldsOf(endpoint)({ ...body, nmae: '' })).toMatchObject([{ field: 'nmae' }])
  }
})
