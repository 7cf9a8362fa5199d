import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkFormula } from './check-formula.ts'
import vectors from './formula-vectors.json' with { type: 'json' }

test.each<[formula: unknown, message: RegExp]>([
  [{ $var: '$input.n' }, /not a locator/],
  [{ $var: { $var: '$.a' } }, /needs the text/],
  [{ $jsonata: 'a + ' }, /does not parse/],
  [{ $jsonata: 5 }, /needs an expression/],
  [{ $tpl: 'x' }, /literal template/],
  [{ $tpl: { template: { $var: '$.a' } } }, /literal template/],
  [{ $tpl: { template: '{a}', values: { $var: '$.a' } } }, /literal values/],
  [{ $map: { value: 1 } }, /\{value, mapping\}/],
  [{ $map: { value: 1, mapping: { $var: '$.a' } } }, /\{value, mapping\}/],
  [{ $map: { value: 1, mapping: [1] } }, /every entry/],
  [{ $case: { default: 1 } }, /literal array/],
  [{ $case: [{ value: 1 }, null] }, /every case/],
  [{ $iterate: [1] }, /source, item/],
  [{ $iterate: { source: [1] } }, /an item/],
  [{ $iterate: { source: 'abc', item: 1 } }, /an array/],
])('%j is reported where it stands', (formula, message) => {
  expect(checkFormula({ body: [1, { 'a.b': formula }] })).toStrictEqual([
    { path: '$.body[1].a\\.b', message: expect.stringMatching(message) },
  ])
})

test.each<[formula: unknown]>([
  [{ $unknown: { $var: '$.a' } }],
  [{ $plain: { $var: '$bad' } }],
  [{ $jsonata: { $concat: ['a', '.b'] } }],
  [{ $iterate: { source: { $var: '$.a' }, item: { $var: '$.item' } } }],
  [{ $case: [{ filter: { $eval: 1, is: 1 }, value: 1 }] }],
  [{ $tpl: { template: 'no values' } }],
  [{ $eval: { $var: '$.a' } }],
  [{ a: null, b: [] }],
])('%j is no problem', (formula) => {
  expect(checkFormula(formula)).toStrictEqual([])
})

test('a problem is found however deep, next to others', () => {
  const problems = checkFormula({ $concat: [{ $tpl: { template: '{a}', values: { a: { $var: '' } } } }, { $var: 1 }] })
  expect(problems.map(({ path }) => path)).toStrictEqual(['$.$concat[0].$tpl.values.a', '$.$concat[1]'])
})

test('excess depth or size is the only problem reported', () => {
  let deep: unknown = { $var: '' }
  for (let i = 0; i < 200; i++) deep = [deep]
  expect(checkFormula(deep)).toStrictEqual([{ path: '$', message: expect.stringContaining('deeper than 100') }])
  expect(checkFormula(Array(10_001).fill(0))).toStrictEqual([
    { path: '$', message: expect.stringContaining('more than 10000') },
  ])
})

test('checking never throws', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => checkFormula(value) !== null))
  for (const { formula } of vectors.vectors) checkFormula(formula)
})
