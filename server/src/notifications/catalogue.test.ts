import { WorkspaceEventType } from '@permea/contract'
import { buildHouse } from '@permea/testkit'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { describe, expect, test } from 'vitest'
import { asyncApi, catalogue, sampleOf } from './catalogue.ts'

const ajv = new Ajv2020({ strict: true })
addFormats.default(ajv)

describe.each(catalogue())('$eventType', ({ eventType, schema, example }) => {
  const validate = ajv.compile(schema)

  test('its example fits its schema', () => {
    expect([validate(example), validate.errors]).toEqual([true, null])
    expect(example).toEqual(sampleOf(eventType))
  })

  test('its schema refuses what is not such a notification', () => {
    for (const wrong of [{}, { eventType }, { eventType: 'other', data: {} }, { ...(example as object), data: {} }])
      expect(validate(wrong)).toBe(false)
  })
})

test('there is an entry for every event type, and only one', () => {
  expect(catalogue().map((entry) => entry.eventType)).toEqual(WorkspaceEventType.options)
})

test('every reference in the AsyncAPI document leads somewhere, and every message is received', async () => {
  await using house = await buildHouse()
  const response = await fetch(`${house.url}/asyncapi.json`)
  expect(response.headers.get('content-type')).toContain('application/json')
  const document = (await response.json()) as ReturnType<typeof asyncApi>
  expect(document).toEqual(JSON.parse(JSON.stringify(asyncApi())))
  expect(document).toMatchObject({
    asyncapi: '3.0.0',
    info: { title: expect.any(String), version: expect.any(String) },
  })
  const references = referencesIn(document)
  expect(references.length).toBeGreaterThanOrEqual(2 * WorkspaceEventType.options.length)
  expect(references.filter((reference) => at(document, reference) === undefined)).toEqual([])
  const received = (at(document, '#/operations/receiveNotification/messages') as { $ref: string }[]).map(({ $ref }) =>
    at(document, (at(document, $ref) as { $ref: string }).$ref),
  )
  expect(received.map((message) => (message as { name: string }).name)).toEqual(WorkspaceEventType.options)
})

function referencesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, each]) =>
    name === '$ref' && typeof each === 'string' ? [each] : referencesIn(each),
  )
}

/** What a JSON pointer within the document stands for. */
function at(document: unknown, reference: string): unknown {
  return reference
    .slice(2)
    .split('/')
    .reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], document)
}
