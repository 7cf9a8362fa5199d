import { describe, expect, test } from 'vitest'
import { formulaOf, rowsOf } from '../src/conditions/condition.ts'

const total = { $eval: { $var: '$.input.total' }, gte: 100 }
const country = { $eval: { $var: '$.input.country' }, oneOf: ['DE', 'a, b', 5, '5', true] }

test.each([
  undefined,
  total,
  { $and: [total, country] },
  { $or: [total, { $eval: { $var: '$.input.note' }, isNotEmpty: true }] },
  { $eval: { $var: '$.input.path' }, is: '/tickets' },
  { $eval: { $var: '$.input.text' }, is: '100' },
  { $eval: { $var: '$.input.text' }, is: ' "quoted" ' },
  { $eval: { $var: '$.input.text' }, isNot: null },
  { $eval: { $var: '$.input.text' }, contains: '{not json' },
])('%j is rows, and the rows are it again', (formula) => {
  const condition = rowsOf(formula)
  expect(condition === null ? 'no rows' : formulaOf(condition)).toEqual(formula)
})

test.each([
  { $jsonata: 'total > 5' },
  { $eval: { $concat: ['a'] }, is: 'a' },
  { $eval: { $var: '$.a' }, is: { $var: '$.b' } },
  { $eval: { $var: '$.a' }, sounds: 'b' },
  { $and: [{ $or: [total] }] },
  'text',
  [total],
])('%j says more than rows can', (formula) => {
  expect(rowsOf(formula)).toBeNull()
})

describe('what is typed', () => {
  const typed = (value: string) => formulaOf({ join: 'all', rows: [{ field: '$.a', operator: 'is', value }] })
  test.each([
    ['/tickets', '/tickets'],
    ['12', 12],
    ['012', '012'],
    ['true', true],
    ['"true"', 'true'],
    ['1.5 kg', '1.5 kg'],
    ['', ''],
  ])('%s is %j', (text, value) => {
    expect(typed(text)).toEqual({ $eval: { $var: '$.a' }, is: value })
  })
})
