import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { recordHash, sortedJson } from './pull.ts'

/** What snapshots that are there were made by: the same record in another order first, and then its text. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(sorted)
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, each]) => [name, sorted(each)]),
  )
}

const names = fc.oneof(
  fc.string(),
  fc.constantFrom('10', '9', '02', '4294967294', '4294967295', '-1', '__proto__', 'é'),
)
const values = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.jsonValue(),
    fc.constant(undefined),
    fc.string({ unit: 'binary' }),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(names, tie('any'), { maxKeys: 5 }),
  ),
})).any

test('whatever a record has in it, it is written as it was when its snapshot was made', () => {
  fc.assert(
    fc.property(values, (value) => {
      expect(sortedJson(value)).toBe(JSON.stringify(sorted(value)))
    }),
  )
})

test('a record’s hash is of its fields without those that are ignored, in any order', () => {
  const fields = { b: 1, a: { d: [1, { f: 2, e: 1 }], c: null }, 2: 'x', at: 'now' }
  const { at: _, ...kept } = fields
  const before = createHash('sha256')
    .update(JSON.stringify(sorted(kept)))
    .digest()
    .subarray(0, 16)
  expect(recordHash({ id: '1', fields }, new Set(['at']))).toEqual(before)
  expect(recordHash({ id: '1', fields: { ...kept, a: { c: null, d: [1, { e: 1, f: 2 }] } } }, new Set())).toEqual(
    before,
  )
  expect(recordHash({ id: '1', fields: { ...kept, b: 2 } }, new Set())).not.toEqual(before)
})
