import { expect, test } from 'vitest'
import { evaluateFormula } from './compile-formula.ts'

const n = { $var: '$.n' }

test.each<[formula: unknown, result: unknown]>([
  [
    { a: n, b: { $copy: '$.a' } },
    { a: 5, b: 5 },
  ],
  [
    { a: { $copy: '$.b' }, b: 2 },
    { a: 2, b: 2 },
  ],
  [
    { a: n, b: [{ $copy: '$.a' }] },
    { a: 5, b: [5] },
  ],
  [
    { a: 1, b: { $copy: { $concat: ['$.', 'a'] } } },
    { a: 1, b: 1 },
  ],
  [
    { a: [0, 1], b: { $copy: '$.a[0]' } },
    { a: [0, 1], b: 0 },
  ],
  [
    [1, { $copy: '$[0]' }],
    [1, 1],
  ],
  [
    { a: { b: { c: n } }, d: { $copy: '$.a.b' } },
    { a: { b: { c: 5 } }, d: { c: 5 } },
  ],
  [
    { a: null, b: { $copy: '$.a' } },
    { a: null, b: null },
  ],
  [
    { a: 1, b: { $iterate: { source: [1, 2], item: { $copy: '$.a' } } } },
    { a: 1, b: [1, 1] },
  ],
  [
    { a: 1, b: { $firstNotEmpty: [{ $copy: '$.a' }] } },
    { a: 1, b: 1 },
  ],
  [
    { a: 1, b: { $eval: { $copy: '$.a' }, is: 1 } },
    { a: 1, b: false },
  ],
])('%j copies from its result', async (formula, result) => {
  expect(await evaluateFormula(formula, { n: 5 })).toStrictEqual(result)
})

test.each<[formula: unknown, result: unknown]>([
  [{ a: 1, b: { $copy: '$.c' } }, { a: 1 }],
  [{ d: { b: { $copy: '$.zz' } } }, { d: {} }],
  [{ a: 1, b: { $copy: '$bad' } }, { a: 1 }],
  [{ a: 1, b: { $copy: 5 } }, { a: 1 }],
  [
    { a: { $copy: '$.b' }, b: { $copy: '$.c' }, c: 3 },
    { b: 3, c: 3 },
  ],
  [{ b: { $copy: '$' } }, {}],
])('%j loses the copy that finds nothing or a copy', async (formula, result) => {
  expect(await evaluateFormula(formula, {})).toStrictEqual(result)
})

test('only what the formula itself copies is copied, not data that looks like it', async () => {
  const data = { $copy: '$.secret' }
  const formula = { secret: 'K', a: { $var: '$.data' }, b: { $plain: data }, c: { $copy: '$.secret' } }
  expect(await evaluateFormula(formula, { data })).toStrictEqual({ secret: 'K', a: data, b: data, c: 'K' })
  expect(await evaluateFormula({ $copy: '$.a' }, {})).toStrictEqual({ $copy: '$.a' })
})
