import { serialize } from 'node:v8'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Assembly, partsOf } from './parts.ts'

function putTogether(value: unknown): unknown {
  const assembly = new Assembly()
  for (const part of partsOf(value)) assembly.add(structuredClone(part))
  return assembly.value
}

test('a value put together from its parts is the value, whatever of it is large', () => {
  const small = fc.jsonValue({ maxDepth: 3 })
  // Long lists and objects of small values, within each other.
  const large = fc.letrec<{ any: unknown }>((tie) => ({
    any: fc.oneof(
      { weight: 2, arbitrary: small },
      fc.tuple(fc.nat(9000), small).map(([length, of]) => Array.from({ length }, () => of)),
      fc
        .tuple(fc.nat(9000), small)
        .map(([n, of]) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, of]))),
      fc.array(tie('any'), { maxLength: 4 }),
      fc.dictionary(fc.oneof(fc.string(), fc.constant('__proto__')), tie('any'), { maxKeys: 4 }),
    ),
  })).any
  fc.assert(
    fc.property(large, (value) => {
      expect(putTogether(value)).toEqual(value)
    }),
    { numRuns: 60 },
  )
})

test('every part is small, and what is more than what it holds is not taken apart', () => {
  const value = {
    list: Array.from({ length: 20_000 }, (_, i) => ({ i, exact: Object(i), when: new Date(i) })),
    none: undefined,
  }
  const parts = [...partsOf(value)]
  expect(parts.length).toBeGreaterThan(10)
  expect(Math.max(...parts.map((part) => serialize(part).byteLength))).toBeLessThan(200_000)
  expect(putTogether(value)).toEqual(value)
  expect(putTogether([])).toEqual([])
})
