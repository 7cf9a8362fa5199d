import { expect, test } from 'vitest'
import { compileFormula } from '../formulas/compile-formula.ts'
import { composed } from './composed.ts'

const inner = {
  id: { $var: '$.gid' },
  fullName: { $concat: [{ $var: 'first' }, { $var: 'last' }] },
  address: { city: { $var: '$.place[0].name' } },
  labels: { $iterate: { source: { $var: '$.tags' }, item: { $var: '$.item.text' } } },
  kind: 'fixed',
}

test.each([
  ['everything', { $var: '$' }, inner],
  [
    'places, with and without the dollar',
    { a: { $var: 'id' }, b: { $var: '$.address.city' } },
    { a: { $var: '$.gid' }, b: { $var: '$.place[0].name' } },
  ],
  [
    'formulas and constants',
    { a: { $firstNotEmpty: [{ $var: '$.fullName' }, 'x'] }, c: { $var: '$.kind' } },
    { a: { $firstNotEmpty: [inner.fullName, 'x'] }, c: 'fixed' },
  ],
  ['a place below a variable', { a: { $var: '$.id.short' } }, { a: { $var: '$.gid.short' } }],
  ['what the other side does not have', { a: { $var: '$.nothing' }, b: 1 }, { b: 1 }],
  ['a place within what a formula gives', { a: { $var: '$.labels[0]' } }, undefined],
  [
    'a formula that sees other values',
    { a: { $iterate: { source: { $var: '$.labels' }, item: { $var: '$.item' } } } },
    undefined,
  ],
])('%s', (_what, outer, expected) => {
  expect(composed(outer, inner)).toEqual(expected)
})

test('gives what the two give one after the other', async () => {
  const outer = {
    name: { $var: '$.fullName' },
    where: { $var: '$.address' },
    tags: { $var: '$.labels' },
    id: { $var: '$.id' },
  }
  const fields = { gid: 7, first: 'Ada', last: 'L', place: [{ name: 'Bern' }], tags: [{ text: 'x' }] }
  const once = await compileFormula(composed(outer, inner)).evaluate(fields)
  const middle = (await compileFormula(inner).evaluate(fields)) as Record<string, unknown>
  expect(once).toEqual(await compileFormula(outer).evaluate(middle))
})
