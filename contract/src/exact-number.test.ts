import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ExactNumber, isNumber, parseExactJson } from './exact-number.ts'

test('a number that a double does not hold is written as it came', () => {
  for (const text of [
    '12345678901234567890',
    '-9007199254740993',
    '0.1000000000000000055',
    '1e400',
    '-1E-400',
    '-0',
    '-0.0',
    '1.0000000000000001',
    '123456789012345678.90',
    '0.30000000000000000000001e5',
  ])
    for (const json of [text, `[${text}]`, `{"a":${text}}`, `{"a":[1,{"b":${text},"c":"${text}"}]}`]) {
      expect(JSON.stringify(parseExactJson(json))).toBe(json)
      expect(JSON.stringify(parseExactJson(json.replaceAll(/([[{:,])/g, '$1 \n')))).toBe(json)
    }
})

test('what a double holds is one, however it is written', () => {
  for (const text of [
    '0',
    '12',
    '-1.5',
    '1e3',
    '1.50',
    '9007199254740992',
    '100000000000000000000',
    '1e21',
    '5e-324',
    '0e9',
  ])
    expect(parseExactJson(`{"a":${text}}`)).toEqual({ a: Number(text) })
  expect(parseExactJson('{"__proto__":1e400,"a":"x, 12345678901234567890"}')).toHaveProperty('a')
  // Nobody means these, and not every database holds them.
  expect(parseExactJson('1e99999')).toBe(Number.POSITIVE_INFINITY)
  expect(typeof parseExactJson('1'.repeat(2_000))).toBe('number')
})

test('it reckons as the double next to it', () => {
  const value = parseExactJson('12345678901234567890')
  expect(value).toBeInstanceOf(ExactNumber)
  expect(isNumber(value)).toBe(true)
  expect([Number(value), `${value}`, Number(value) + 1]).toEqual([
    12345678901234567000,
    '12345678901234567890',
    12345678901234567000,
  ])
})

/** Numbers as they may be written, most of them on the border of what a double holds. */
const number = fc
  .record({
    sign: fc.constantFrom('', '-'),
    whole: fc.oneof(fc.constant('0'), fc.stringMatching(/^[1-9]\d{0,19}$/)),
    fraction: fc.oneof(fc.constant(''), fc.stringMatching(/^\.\d{1,20}$/)),
    power: fc.oneof(fc.constant(''), fc.stringMatching(/^[eE][-+]?\d{1,4}$/)),
  })
  .map(({ sign, whole, fraction, power }) => sign + whole + fraction + power)
const space = fc.constantFrom('', ' ', '\n', '\t', '  ')
const beside = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.uuid().map((id) => `"${id}"`),
  fc.string({ maxLength: 30 }).map((text) => JSON.stringify(text)),
  fc.constantFrom('0', '-0.5', '"2026-01-05T00:00:00.000Z"', '1e9', '{"a":[]}', '"1e400"', '"x 12345678901234567890"'),
)

test('wherever a number stands, it means what was written', () => {
  fc.assert(
    fc.property(number, fc.array(beside), fc.array(beside), space, (text, before, after, gap) => {
      const value = parseExactJson(`[${[...before, `${gap}${text}${gap}`, ...after].join(',')}]`) as unknown[]
      const found = value[before.length]
      // Alone it is read by the slow way, which looks at every number.
      const alone = (parseExactJson(`[1e400,${text}]`) as unknown[])[1]
      expect(found).toEqual(alone)
      expect(JSON.stringify(found)).toBe(JSON.stringify(alone))
      expect(found instanceof ExactNumber).toBe(alone instanceof ExactNumber)
      for (const [index, each] of before.entries())
        expect(JSON.stringify(value[index])).toBe(JSON.stringify(JSON.parse(each)))
    }),
    { numRuns: 2_000 },
  )
})

test('a number that a double holds is kept, not the way in which it was written', () => {
  const values = parseExactJson('[1.10, 1.0, 1e2, 0.50, 100e-2, 1E+3]')
  expect(JSON.stringify(values)).toBe('[1.1,1,100,0.5,1,1000]')
  expect((values as unknown[]).every((value) => typeof value === 'number')).toBe(true)
})
