import { ExactNumber } from '@permea/contract'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonText } from './json-text.ts'

test('what is written in slices is what JSON.stringify writes', async () => {
  const odd: fc.Arbitrary<unknown> = fc.oneof(
    fc.anything({ withNullPrototype: true, maxDepth: 3 }).filter(isJson),
    fc.constantFrom(undefined, Number.NaN, new Date(0), new ExactNumber('12345678901234567890'), () => 1),
  )
  const large = fc.oneof(
    fc
      .tuple(odd, odd)
      .map(([one, other]) => Array.from({ length: 20_000 }, (_, n) => (n % 7 === 0 ? one : n % 11 === 0 ? other : n))),
    fc
      .tuple(odd, odd)
      .map(([one, other]) =>
        Object.fromEntries(
          Array.from({ length: 20_000 }, (_, n) => [n % 3 === 0 ? n : `name ${n}`, n % 5 === 0 ? one : other]),
        ),
      ),
    fc
      .tuple(odd, fc.integer({ min: 1, max: 40_000 }))
      .map(([one, length]) => ({ 'a "b"': one, text: '"é\n'.repeat(length * 10) })),
  )
  await fc.assert(
    fc.asyncProperty(large, odd, fc.string(), async (part, beside, name) => {
      const value = { before: beside, [name]: [part, beside, { part }], __proto__: null, after: part }
      const written = await jsonText(value)
      expect(written === JSON.stringify(value)).toBe(true)
    }),
    { numRuns: 30 },
  )
})

test('what is only made of nothing, or of nothing that JSON knows, is as it should be', async () => {
  const nothing = Array.from({ length: 20_000 }, () => undefined)
  const none = Object.fromEntries(nothing.map((each, n) => [`n${n}`, each]))
  for (const value of [nothing, none, [none, none], { none, nothing }, [[], {}, nothing]])
    expect(await jsonText(value)).toBe(JSON.stringify(value))
  expect(await jsonText(undefined)).toBe('null')
})

test('others have their turn while a large value is written', async () => {
  const value = Object.fromEntries(Array.from({ length: 300_000 }, (_, n) => [`name ${n}`, { n }]))
  let turns = 0
  const count = () => {
    turns += 1
    if (turns > 0) setImmediate(count)
  }
  setImmediate(count)
  await jsonText(value)
  expect(turns).toBeGreaterThan(20)
  turns = Number.NEGATIVE_INFINITY
})

function isJson(value: unknown): boolean {
  try {
    JSON.stringify(value)
    return true
  } catch {
    return false
  }
}
