import { describe, expect, test } from 'vitest'
import perform, { type Schema } from './schema-task.ts'

let revisions = 0

function problem(schema: Schema, value: unknown): string | null {
  revisions += 1
  return perform({ do: 'check', revision: `of this test ${revisions}`, schema, value })
}

// As text: an object with a `then` is taken for a promise.
const NEVER_THEN = JSON.parse('{ "if": {}, "then": false }')
const TWO_THEN = JSON.parse('{ "if": { "minItems": 2 }, "then": false }')

describe('drafts', () => {
  const OF_EACH: [draft: string, schema: object, good: unknown, bad: unknown][] = [
    ['4', { id: 'https://example.com/a', maximum: 5, exclusiveMaximum: true }, 4, 5],
    ['6', { $id: 'https://example.com/a', items: [{ const: 1 }], additionalItems: false, ...NEVER_THEN }, [1], [1, 2]],
    ['7', { items: [{ type: 'string' }], ...TWO_THEN }, ['a'], ['a', 'b']],
    [
      '2019-09',
      { $recursiveAnchor: true, properties: { a: { $recursiveRef: '#' } }, required: ['b'] },
      { b: 1 },
      { a: {} },
    ],
    ['2020-12', { $defs: { a: { type: 'integer' } }, prefixItems: [{ $ref: '#/$defs/a' }] }, [1], ['a']],
  ]
  const SPELLINGS: Record<string, string[]> = {
    '4': ['http://json-schema.org/draft-04/schema#', 'https://json-schema.org/draft-04/schema', 'draft4', 'Draft-4'],
    '6': ['http://json-schema.org/draft-06/schema#', 'https://json-schema.org/draft-06/schema#/', 'draft 6'],
    '7': [
      'http://json-schema.org/draft-07/schema#',
      'http://json-schema.org/draft-07/schema',
      'HTTPS://JSON-SCHEMA.ORG/draft-07/schema#',
      'draft-7',
    ],
    '2019-09': [
      'https://json-schema.org/draft/2019-09/schema',
      'http://json-schema.org/draft/2019-09/schema#',
      'draft/2019-09',
    ],
    '2020-12': [
      'https://json-schema.org/draft/2020-12/schema',
      'https://json-schema.org/draft/2020-12/schema#',
      '2020-12',
    ],
  }
  const cases = OF_EACH.flatMap(([draft, ...rest]) =>
    (SPELLINGS[draft] ?? []).map((spelling) => [spelling, ...rest] as const),
  )

  test.each(cases)('%s', (spelling, schema, good, bad) => {
    expect(problem({ $schema: spelling, ...schema }, good)).toBeNull()
    expect(problem({ $schema: spelling, ...schema }, bad)).not.toBeNull()
  })

  test('none, or one that nobody knows, is the last one', () => {
    for (const named of [
      {},
      { $schema: 'https://example.com/schemas/own' },
      { $schema: 'http://json-schema.org/schema#' },
    ])
      expect(problem({ ...named, prefixItems: [{ type: 'string' }] }, [1])).toBe('/0 must be string')
  })

  test('what a draft does not allow is refused', () => {
    const draft4 = { $schema: 'http://json-schema.org/draft-04/schema#', exclusiveMaximum: 5 }
    expect(() => perform({ do: 'compile', schema: draft4 })).toThrow(/exclusiveMaximum/)
    expect(() => perform({ do: 'compile', schema: { exclusiveMaximum: true } })).toThrow(/exclusiveMaximum/)
  })
})

describe('multipleOf', () => {
  test.each([
    [19.99, 0.01],
    [4.35, 0.01],
    [0.07, 0.01],
    [1.1, 0.1],
    [-0.3, 0.1],
    [1e300, 0.001],
    [1e-7, 1e-9],
    [2 ** 60, 1],
    [0, 0.3],
    [7.5, 2.5],
  ])('%d is a multiple of %d', (value, divisor) => expect(problem({ multipleOf: divisor }, value)).toBeNull())

  test.each([
    [19.995, 0.01],
    [0.3, 0.2],
    [1e-9, 1e-7],
    [5, 2],
    [1.5, 1],
    [Number.POSITIVE_INFINITY, 0.01],
    [Number.NEGATIVE_INFINITY, 1],
  ])('%d is none of %d', (value, divisor) =>
    expect(problem({ multipleOf: divisor }, value)).toBe(`the event must be multiple of ${divisor}`),
  )
})

test.each([
  [String.raw`^\d{3}\-\d{4}$`, '555-1234', '5551234'],
  [String.raw`^\p{Lu}`, 'Éa', 'éa'],
  ['^.$', '😀', 'ab'],
  [String.raw`^[\w\-\.]+@`, 'a.b-c@x', 'a b@x'],
  [String.raw`^a\/b$`, 'a/b', 'ab'],
  ['b', 'abc', 'ac'],
  [String.raw`^\u{1F600}$`, '😀', 'u'],
])('the pattern %s is read as ECMA 262 reads it', (pattern, good, bad) => {
  expect(problem({ pattern }, good)).toBeNull()
  expect(problem({ pattern }, bad)).not.toBeNull()
})
