import * as client from '@membranehq/sdk'
import {
  actions,
  appDataSchemas,
  appEventTypes,
  dataLinkTables,
  dataSources,
  type Endpoint,
  fieldMappings,
  flows,
  integrations,
} from '@permea/contract'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { unknownFieldsOf } from './unknown-fields.ts'

const of = (body: z.ZodType, answer: z.ZodType | null = null) => unknownFieldsOf({ body, answer } as Endpoint)

test('a field that no endpoint knows is named; what clients send back or send elsewhere is not', () => {
  const unknown = of(z.object({ handle: z.string() }), z.object({ overrides: z.array(z.string()), error: z.string() }))
  expect(unknown({ handle: '', subscrbe: '', headers: {} })).toEqual(['subscrbe', 'headers'])
  expect(unknown({ handle: '', error: '', id: '', createdAt: '', integrationKey: '', universalFlowId: '' })).toEqual([])
})

test('an endpoint that takes any field names none', () => {
  expect(of(z.looseObject({ a: z.string() }))({ a: '', b: 1 })).toEqual([])
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
    z.union([shape, z.object({ c: z.string() })]),
    shape.and(z.object({ c: z.string() })),
  ]
  for (const form of forms) expect(of(form)({ a: '', b: '' })).toEqual(['b'])
})

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
    expect(unknownFieldsOf(endpoint)({ ...body, nmae: '' })).toEqual(['nmae'])
  }
})
