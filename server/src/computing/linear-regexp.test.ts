import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LinearRegExp } from './linear-regexp.ts'

const SUBJECTS = [
  '',
  'a',
  'ab\nba',
  'someone@example.com',
  '2026-11-29T10:00:00Z',
  '123-4567',
  '  a\u00a0b\u2003c ',
  'Ünïcode ß',
  'x[y]{z}/w-1.5',
  'aaaaaaaaab',
  'a\r\nb\u2028c',
  'foo_bar BAZ',
]

function allMatches(regexp: { exec(subject: string): RegExpExecArray | null; lastIndex: number }, subject: string) {
  const found: unknown[] = []
  for (let match = regexp.exec(subject); match !== null && found.length < 50; match = regexp.exec(subject)) {
    found.push([match.index, [...match]])
    if (match[0] === '') regexp.lastIndex += 1
  }
  return found
}

test('finds what JavaScript finds', () => {
  for (const pattern of [
    '^[^@\\s]+@[^@\\s]+\\.[a-z]+$',
    '^\\d{3}\\-\\d{4}$',
    '(\\d+)-(\\d+)(?:-(\\d+))?',
    '\\s',
    '\\S+',
    '[\\s,]',
    '.',
    '.+',
    '\\b\\w+\\b',
    '(?<year>\\d{4})',
    'a*?b',
    '(a|ab)(c|b)?',
    '[^a-z]',
    '[[\\]]',
    '\\/w',
    '\\u0061',
    '\\x61',
    'x\\[y\\]\\{z\\}',
    '^$',
    '(a)|(b)',
    'b+$',
    '\\t|\\n|\\r',
  ])
    for (const flags of ['g', 'gi', 'gm', 'gs']) {
      const linear = new LinearRegExp(pattern, flags)
      expect([pattern, linear.isLinear]).toEqual([pattern, true])
      // Line ends other than \n are none to it in the mode of many lines.
      for (const subject of SUBJECTS.filter((each) => flags !== 'gm' || !each.includes('\r')))
        expect([pattern, flags, subject, allMatches(linear, subject)]).toEqual([
          pattern,
          flags,
          subject,
          allMatches(new RegExp(pattern, flags), subject),
        ])
    }
})

test('finds what JavaScript finds, whatever the pattern is made of', () => {
  const atom = fc.constantFrom('a', 'b', '.', '\\d', '\\w', '\\s', '[ab]', '[^a]', '(?:ab)', '(a)', '(b|c)', '\\.', '-')
  const times = fc.constantFrom('', '', '*', '+', '?', '{1,3}', '*?', '+?')
  const pattern = fc
    .array(fc.tuple(atom, times), { minLength: 1, maxLength: 4 })
    .map((parts) => parts.map((part) => part.join('')).join(''))
  const subject = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', ' ', '-', '.', '\n'), maxLength: 12 })
  fc.assert(
    fc.property(pattern, subject, (source, text) => {
      const first = (found: unknown[]) => (found[0] as [number, string[]] | undefined)?.[1]?.[0]
      const linear = allMatches(new LinearRegExp(source, 'g'), text)
      const own = allMatches(new RegExp(source, 'g'), text)
      expect(first(linear)).toEqual(first(own))
    }),
    { numRuns: 2000 },
  )
})

test('what cannot be matched in linear time is matched all the same', () => {
  for (const [pattern, subject] of [
    ['^(?!x)a', 'ab'],
    ['(a)\\1', 'xaa'],
    ['(?<=a)b', 'ab'],
  ] as const) {
    const regexp = new LinearRegExp(pattern, 'g')
    expect(regexp.isLinear).toBe(false)
    expect(allMatches(regexp, subject)).toEqual(allMatches(new RegExp(pattern, 'g'), subject))
  }
  expect(() => new LinearRegExp('(')).toThrow(SyntaxError)
})
