import { parseExactJson } from '@permea/contract'
import { describe, expect, test } from 'vitest'
import { exactPlaces } from './exact-numbers.ts'
import perform, { type Schema } from './schema-task.ts'

let revisions = 0

function problem(schema: Schema, value: unknown): string | null {
  revisions += 1
  return perform({ do: 'check', revision: `of this test ${revisions}`, schema, value })
}

/** The same of JSON, with its numbers as they are written; what is checked has doubles in their place, as it has elsewhere. */
function problemOfText(schemaText: string, valueText: string): string | null {
  revisions += 1
  const [schema, value] = [JSON.parse(schemaText), JSON.parse(valueText)]
  const exactInSchema = exactPlaces(parseExactJson(schemaText))
  const exact = exactPlaces(parseExactJson(valueText))
  return perform({ do: 'check', revision: `of this test ${revisions}`, schema, value, exactInSchema, exact })
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

describe('a schema that bundles others of another draft', () => {
  const of = (draft: string, words: object) => ({ $schema: `http://json-schema.org/${draft}/schema#`, ...words })
  const bundling = (root: string, inner: object, ref = 'https://example.com/inner') =>
    of(root, { properties: { a: { $ref: ref } }, [root === 'draft-07' ? 'definitions' : '$defs']: { inner } })
  const NAMED = { $id: 'https://example.com/inner' }
  const TUPLE = { items: [{ type: 'string' }], additionalItems: false }
  const TREE = {
    $id: 'https://example.com/tree',
    $recursiveAnchor: true,
    properties: { of: { $recursiveRef: '#' }, n: { type: 'integer' } },
  }

  test.each<[string, object, unknown, unknown]>([
    ['a list of draft 7', bundling('draft/2020-12', of('draft-07', { ...NAMED, ...TUPLE })), ['a'], ['a', 'b']],
    [
      'a list that is open',
      bundling('draft/2020-12', of('draft-07', { ...NAMED, items: [{ type: 'string' }] })),
      ['a', 1],
      [1],
    ],
    [
      'one of no list',
      bundling('draft/2020-12', of('draft-07', { ...NAMED, additionalItems: false, items: { type: 'integer' } })),
      [1],
      ['a'],
    ],
    [
      'definitions and an anchor of draft 7',
      bundling(
        'draft/2020-12',
        of('draft-07', {
          ...NAMED,
          definitions: { n: { $id: '#n', type: 'integer' } },
          items: { $ref: '#n', maximum: 0 },
        }),
      ),
      [5],
      ['a'],
    ],
    [
      'a pointer into its list',
      bundling('draft/2020-12', of('draft-07', { ...NAMED, items: [{ type: 'string' }, { $ref: '#/items/0' }] })),
      ['a', 'b'],
      ['a', 1],
    ],
    [
      'what came later than it',
      bundling('draft/2020-12', of('draft-07', { ...NAMED, prefixItems: [false], type: 'array' })),
      [1],
      1,
    ],
    [
      'conditions, unknown to draft 6',
      bundling('draft/2020-12', of('draft-06', { ...NAMED, ...NEVER_THEN, type: 'array' })),
      [1],
      1,
    ],
    [
      'limits of draft 4',
      bundling('draft/2020-12', of('draft-04', { id: NAMED.$id, maximum: 5, exclusiveMaximum: true, minimum: 1 })),
      1,
      5,
    ],
    [
      'a tree of 2019-09',
      bundling('draft/2020-12', of('draft/2019-09', TREE), TREE.$id),
      { of: { n: 1 } },
      { of: { n: 'a' } },
    ],
    [
      '2020-12 within draft 7',
      bundling('draft-07', of('draft/2020-12', { ...NAMED, prefixItems: [{ type: 'string' }] })),
      ['a'],
      [1],
    ],
    ['one without an address', of('draft/2020-12', { properties: { a: of('draft-07', TUPLE) } }), ['a'], ['a', 'b']],
  ])('%s', (_, schema, good, bad) => {
    expect(problem(schema as Schema, { a: good })).toBeNull()
    expect(problem(schema as Schema, { a: bad })).not.toBeNull()
  })

  test('what stands around it is read as before', () => {
    const inner = of('draft-07', { ...NAMED, ...TUPLE })
    const root = { ...bundling('draft/2020-12', inner), prefixItems: [{ const: 1 }], items: false }
    expect(problem(root as Schema, [1])).toBeNull()
    expect(problem(root as Schema, [1, 2])).not.toBeNull()
    const siblings = of('draft/2020-12', { $defs: { inner }, $ref: NAMED.$id, maxItems: 0 })
    expect(problem(siblings as Schema, ['a'])).not.toBeNull()
  })

  test('numbers in it are compared as they are written', () => {
    const text = (limit: string) =>
      `{"$defs":{"a":{"$schema":"http://json-schema.org/draft-04/schema#","id":"a",${limit}}},"$ref":"a"}`
    const strict = text('"maximum":9007199254740993,"exclusiveMaximum":true')
    expect(problemOfText(strict, '9007199254740992')).toBeNull()
    expect(problemOfText(strict, '9007199254740993')).not.toBeNull()
    expect(problemOfText(text('"maximum":9007199254740993'), '9007199254740994')).not.toBeNull()
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

describe('references', () => {
  const item = { type: 'integer' }
  test.each<[string, object]>([
    [
      'an address within',
      { $defs: { a: { $id: 'https://example.com/item', ...item } }, items: { $ref: 'https://example.com/item' } },
    ],
    [
      'one with an empty fragment',
      { $defs: { a: { $id: 'https://example.com/item#', ...item } }, items: { $ref: 'https://example.com/item#' } },
    ],
    [
      'a relative one',
      { $id: 'https://example.com/root/list', $defs: { a: { $id: 'item', ...item } }, items: { $ref: 'item' } },
    ],
    [
      'one from the root of the host',
      { $id: 'https://example.com/root/list', $defs: { a: { $id: '/item', ...item } }, items: { $ref: '/item' } },
    ],
    ['one without a host', { $defs: { a: { $id: 'item', ...item } }, items: { $ref: 'item' } }],
    ['a URN', { $defs: { a: { $id: 'urn:uuid:1', ...item } }, items: { $ref: 'urn:uuid:1' } }],
    ['an anchor', { $defs: { a: { $anchor: 'item', ...item } }, items: { $ref: '#item' } }],
    [
      'an anchor of another one',
      { $defs: { a: { $id: 'other', $defs: { b: { $anchor: 'item', ...item } } } }, items: { $ref: 'other#item' } },
    ],
    [
      'a pointer into another one',
      { $defs: { a: { $id: 'other', $defs: { b: item } } }, items: { $ref: 'other#/$defs/b' } },
    ],
    [
      'its own address',
      { $id: 'https://example.com/list', $defs: { a: item }, items: { $ref: 'https://example.com/list#/$defs/a' } },
    ],
    [
      'a pointer with a name of Object.prototype',
      { $defs: { constructor: item }, items: { $ref: '#/$defs/constructor' } },
    ],
    [
      'draft 7',
      {
        $schema: 'draft-07',
        definitions: { a: { $id: 'http://example.com/item', ...item } },
        items: { $ref: 'http://example.com/item' },
      },
    ],
    [
      'an anchor of draft 7',
      { $schema: 'draft-07', definitions: { a: { $id: '#item', ...item } }, items: { $ref: '#item' } },
    ],
    [
      'draft 4',
      {
        $schema: 'draft-04',
        definitions: { a: { id: 'http://example.com/item', ...item } },
        items: { $ref: 'http://example.com/item' },
      },
    ],
    ['2019-09', { $schema: '2019-09', $defs: { a: { $id: 'item', ...item } }, items: { $ref: 'item' } }],
  ])('by %s are checked', (_, schema) => {
    expect(problem(schema as Schema, [1, 2])).toBeNull()
    expect(problem(schema as Schema, [1, 'a'])).toBe('/1 must be integer')
  })

  test.each<[string, object]>([
    ['without a host', { items: { $ref: 'schemas/order' } }],
    ['with one', { items: { $ref: 'https://example.com/order.json#/definitions/a' } }],
    ['that is relative', { $id: 'https://example.com/list', items: { $ref: 'order' } }],
    ['whose name is a property here', { properties: { $id: { const: 'order' } }, items: { $ref: 'order' } }],
    ['whose name stands in data here', { enum: [{ $id: 'order' }, []], items: { $ref: 'order' } }],
    ['by what others may answer', { items: { $dynamicRef: 'https://example.com/order#node' } }],
  ])('to what is elsewhere, %s, fit everything', (_, schema) => {
    expect(problem(schema as Schema, [])).toBeNull()
    if (!('enum' in schema)) expect(problem(schema as Schema, [1, 'a', {}])).toBeNull()
  })

  test('to what is not there within are refused', () => {
    for (const $ref of ['#/$defs/none', '#none', '#/$defs/toString'])
      expect(() => perform({ do: 'compile', schema: { items: { $ref }, $defs: {} } })).toThrow()
  })

  test.each(['draft-04', 'draft-06', 'draft-07'])('up to draft 7 nothing counts beside them: %s', ($schema) => {
    const within = {
      $schema,
      definitions: { a: { type: 'integer' } },
      properties: { n: { $ref: '#/definitions/a', maximum: 5 } },
    }
    expect(problem(within, { n: 7 })).toBeNull()
    expect(problem(within, { n: 'a' })).toBe('/n must be integer')
    expect(problem({ $schema, properties: { n: { $ref: 'elsewhere', maximum: 5 } } }, { n: 7 })).toBeNull()
  })

  test.each(['2019-09', '2020-12', undefined])('from 2019-09 on what stands beside them counts: %s', ($schema) => {
    const named = $schema === undefined ? {} : { $schema }
    const within = { ...named, $defs: { a: { type: 'integer' } }, properties: { n: { $ref: '#/$defs/a', maximum: 5 } } }
    expect(problem(within, { n: 7 })).toBe('/n must be <= 5')
    expect(problem(within, { n: 'a' })).toBe('/n must be integer')
    expect(problem({ ...named, properties: { n: { $ref: 'elsewhere', maximum: 5 } } }, { n: 7 })).toBe(
      '/n must be <= 5',
    )
  })
})

describe('names that every object has', () => {
  const NAMES = [
    'constructor',
    'toString',
    'valueOf',
    'hasOwnProperty',
    'isPrototypeOf',
    '__proto__',
    '__defineGetter__',
  ]
  /** As JSON brings it: `__proto__` is a name like any other. */
  const own = (name: string, value: unknown) => JSON.parse(`{${JSON.stringify(name)}:${JSON.stringify(value)}}`)

  test.each(NAMES)('%s is a property like any other', (name) => {
    const typed = { properties: own(name, { type: 'string' }) }
    expect(problem(typed, {})).toBeNull()
    expect(problem(typed, own(name, 'a'))).toBeNull()
    expect(problem(typed, own(name, 5))).toBe(`/${name} must be string`)
    expect(problem({ required: [name] }, {})).not.toBeNull()
    expect(problem({ required: [name] }, own(name, null))).toBeNull()
    const closed = { ...typed, additionalProperties: false }
    expect(problem(closed, own(name, 'a'))).toBeNull()
    expect(problem(closed, { other: 1 })).not.toBeNull()
    expect(problem({ additionalProperties: false }, own(name, 'a'))).not.toBeNull()
    expect(problem({ unevaluatedProperties: false, ...typed }, own(name, 'a'))).toBeNull()
    expect(problem({ dependentRequired: { a: [name] } }, { a: 1 })).not.toBeNull()
    expect(problem({ dependentRequired: { a: [name] } }, { a: 1, ...own(name, 1) })).toBeNull()
    expect(problem({ const: own(name, { b: 1 }) }, own(name, { b: 1 }))).toBeNull()
    expect(problem({ enum: [own(name, 'x')] }, own(name, 'y'))).not.toBeNull()
    expect(problem({ uniqueItems: true }, [own(name, 1), {}, own(name, 2)])).toBeNull()
    expect(problem({ uniqueItems: true }, [own(name, 1), own(name, 1)])).not.toBeNull()
  })
})

test.each(['draft-04', 'draft-06', 'draft-07'])(
  'dependencies of %s, also of names that are words of schemas',
  ($schema) => {
    const names = { $schema, dependencies: { required: ['b'], type: ['c'], enum: [], a: ['b'] } }
    if ($schema === 'draft-04') Reflect.deleteProperty(names.dependencies, 'enum')
    expect(problem(names, { required: 1 })).toMatch(/must have propert/)
    expect(problem(names, { required: 1, b: 1 })).toBeNull()
    expect(problem(names, { a: 1 })).toMatch(/must have propert/)
    const schemas = {
      $schema,
      dependencies: { nullable: { required: ['d'] }, items: { properties: { d: { type: 'string' } } } },
    }
    expect(problem(schemas, { nullable: 1 })).toMatch(/must have required property 'd'/)
    expect(problem(schemas, { items: 1, d: 1 })).toBe('/d must be string')
    expect(problem(schemas, { d: 1 })).toBeNull()
  },
)

describe('numbers that a double does not hold are compared as they are written', () => {
  test.each([
    ['{"maximum":12345678901234567890}', '12345678901234567890', '12345678901234567891'],
    ['{"minimum":12345678901234567890}', '12345678901234567890', '12345678901234567889'],
    ['{"exclusiveMaximum":12345678901234567890}', '12345678901234567889', '12345678901234567890'],
    ['{"exclusiveMinimum":0.3}', '0.30000000000000000001', '0.3'],
    [
      '{"$schema":"draft-04","maximum":9007199254740993,"exclusiveMaximum":true}',
      '9007199254740992',
      '9007199254740993',
    ],
    [
      '{"$schema":"draft-04","minimum":9007199254740993,"exclusiveMinimum":true}',
      '9007199254740994',
      '9007199254740993',
    ],
    ['{"type":"number","minimum":1e399}', '1e400', '1e398'],
    ['{"maximum":100}', '-1e400', '1e400'],
    ['{"multipleOf":3}', '12345678901234567890123', '12345678901234567890124'],
    ['{"multipleOf":0.01}', '12345678901234567890.12', '12345678901234567890.123'],
    ['{"multipleOf":1e-20}', '0.12345678901234567891', '0.123456789012345678912'],
    ['{"const":12345678901234567890}', '12345678901234567890', '12345678901234567891'],
    ['{"const":{"a":[1e400]}}', '{"a":[10e399]}', '{"a":[1e401]}'],
    ['{"enum":[1,12345678901234567890]}', '1.2345678901234567890e19', '12345678901234567000'],
    ['{"enum":[{"id":9007199254740993}]}', '{"id":9007199254740993.0}', '{"id":9007199254740992}'],
    [
      '{"uniqueItems":true}',
      '[12345678901234567890,12345678901234567891]',
      '[12345678901234567890,1234567890123456789e1]',
    ],
    ['{"uniqueItems":true}', '[{"a":1e400},{"a":1e401}]', '[{"a":1e400},{"a":10e399}]'],
    [
      '{"properties":{"a":{"items":{"maximum":0.1}}}}',
      '{"a":[0.0999999999999999999999]}',
      '{"a":[0.1000000000000000000001]}',
    ],
    ['{"type":"integer"}', '12345678901234567890', '"a"'],
    ['{"uniqueItems":true}', '[0,1]', '[0,-0]'],
  ])('%s: %s fits, %s does not', (schema, good, bad) => {
    expect(problemOfText(schema, good)).toBeNull()
    expect(problemOfText(schema, bad)).not.toBeNull()
  })
})
