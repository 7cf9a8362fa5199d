import { parseExactJson } from '@permea/contract'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fn, openTrial } from './trial.ts'

let trial: ReturnType<typeof openTrial>

beforeAll(() => {
  trial = openTrial()
})

afterAll(() => trial[Symbol.asyncDispose]())

/** What a value is to the letter: order of keys, signs of zeros, lone surrogates, what properties allow. */
function letterOf(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  // Functions see the double where that is what is written.
  if (value instanceof Number) return /^-[0.]+(?:[eE].*)?$/.test(`${value}`) ? '-0' : `as written ${value}`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const properties = Reflect.ownKeys(value).map((key) => {
    const property = Object.getOwnPropertyDescriptor(value, key)
    if (property === undefined) throw new Error('an own key without its property')
    const rights = [property.writable, property.enumerable, property.configurable].map(Number).join('')
    return `${JSON.stringify(key)} ${rights} ${letterOf(property.value)}`
  })
  const kind = Array.isArray(value) ? 'list' : Object.getPrototypeOf(value) === Object.prototype ? 'object' : 'other'
  return `${kind}{${properties.join(', ')}}`
}

const LETTERS = `${letterOf.toString()}
  export default ({ data, body, raw }) => [letterOf(raw), letterOf(data), data === body]`

const named = (text: string) => ({ utf8: Buffer.from(text), as: 'raw', valueAs: ['data', 'body'] })
const seen = (text: string) => trial.returned(LETTERS, { text: named(text) })

/** What a function should see: the text, what the engine's own language makes of it, the same value twice. */
function expected(text: string): unknown {
  let value: unknown = text
  try {
    value = parseExactJson(text)
  } catch {}
  return [letterOf(text), letterOf(value), true]
}

const VALUES = [
  '{"id":9007199254740993,"big":123456789012345678901234567890,"small":-0,"none":[-0.0, -0e7,-1e-400],"huge":1e400,"tiny":1e-400,"x":1E+2}',
  '{"__proto__":{"a":1},"constructor":2,"toString":null,"":3}',
  '{"a":1,"2":"two","b":2,"1":"one","a":3,"4294967295":4,"-1":5,"01":6}',
  '  \t\r\n{"spaced" : [ 1 , 2 ] }\n ',
  '"top"',
  '17',
  '-0.5e-3',
  'null',
  'true',
  '[]',
  '"\\ud800 \\udc00\\ud83d\\ude00 \\u0000 \\/ \\b\\f\\n\\r\\t\\"\\\\"',
  '"\u2028\u2029\u00a0\ufeff\uffff\ufffe\u{10ffff}😀ä€"',
  '{"ключ":"значение","😀":"😀"}',
  `[${'[1],'.repeat(2000)}2]`,
  `"${'ä'.repeat(300_000)}"`,
]

const NO_JSON = [
  '',
  ' ',
  '\ufeff{"after":"a byte order mark"}',
  '\u00a0{}',
  '\u2028[]',
  '\v1',
  '{"a":1,}',
  '[1,]',
  '[,1]',
  '{a:1}',
  "{'a':1}",
  '{"a":1}}',
  '{"a":1} x',
  '[1 2]',
  '// none\n1',
  '/* none */ 1',
  '01',
  '-',
  '+1',
  '.5',
  '1.',
  '1e',
  '0x10',
  '1_000',
  '1n',
  'NaN',
  'Infinity',
  'undefined',
  'nul',
  'nulls',
  'True',
  '"open',
  '"line\nbreak"',
  '"tab\there"',
  '"\u0000"',
  '\u0000',
  '1\u0000',
  '"\\x41"',
  '"\\u{41}"',
  '"\\u12"',
  '"\\\n"',
  '{"a"}',
  '{"a":}',
  '{1:2}',
  '{"open":1',
  '{"a":1]',
  'a=b&c=d',
]

test('a function finds the text as it is and the value that it stands for, to the letter', async () => {
  for (const text of [...VALUES, ...NO_JSON]) expect(await seen(text), text.slice(0, 80)).toEqual(expected(text))
})

test('what is JSON and what is none is the same inside and outside, whatever the text', async () => {
  const changed = fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom('', ...'{}[],:"\\/-+.eE0179untrf \u0000\n\ufeff\u2028ä😀'))
    .map(
      ([json, at, inserted]) => json.slice(0, at % (json.length + 1)) + inserted + json.slice(at % (json.length + 1)),
    )
  const cut = fc.tuple(fc.json(), fc.nat()).map(([json, at]) => json.slice(0, at % (json.length + 1)))
  const text = fc.oneof(fc.json({ stringUnit: 'binary' }), changed, cut, fc.string({ unit: 'binary' }))
  await fc.assert(
    fc.asyncProperty(
      text.filter((each) => each.isWellFormed()),
      async (each) => {
        expect(await seen(each)).toEqual(expected(each))
      },
    ),
    { numRuns: 500 },
  )
})

test('names keep the places that they have in the argument; clients come last', async () => {
  const args = { query: {}, data: null, body: null, method: 'POST', raw: null, state: {} }
  expect(await trial.returned('export default (args) => Object.keys(args)', { args, text: named('[1]') })).toEqual([
    ...Object.keys(args),
    'apiClient',
  ])
})

test('nothing that a function replaces changes what it is given', async () => {
  const replacing = `
    JSON.parse = () => 'replaced'
    Object.defineProperty = () => {}
    Object.getPrototypeOf = () => null
    globalThis.SyntaxError = class {}
    Object.prototype.get = () => 'replaced'
    Object.prototype.writable = false
    export default (args) => {
      args.data = [args.data, args.raw]
      return args.data
    }`
  expect(await trial.returned(replacing, { text: named('{"a":1}') })).toEqual([{ a: 1 }, '{"a":1}'])
  expect(await trial.returned(replacing, { text: named('{a:1}') })).toEqual(['{a:1}', '{a:1}'])
})

test('a text that is nested too deep fails the call, and is not taken for something else than JSON', async () => {
  const deep = '['.repeat(200_000) + ']'.repeat(200_000)
  expect(await trial.failed(LETTERS, { text: named(deep) })).toMatchObject({
    failure: 'thrown',
    message: expect.stringContaining('Maximum call stack size exceeded'),
  })
})

test('the text counts as part of the arguments, in bytes', async () => {
  const limits = { argsBytes: 1000 }
  const run = (bytes: number) => trial.run(fn('return args.raw.length'), { text: named('ä'.repeat(bytes / 2)), limits })
  expect(await run(998)).toMatchObject({ kind: 'returned' })
  expect(await run(1000)).toMatchObject({
    kind: 'failed',
    failure: 'limit_exceeded',
    message: 'the arguments are larger than 1000 bytes',
  })
})

test('a text of 10 MB has room, beside what the function may take for itself', async () => {
  const limits = { cpuMs: 20_000 }
  const items = Array.from({ length: 100_000 }, (_, id) => ({ id, name: `item ${id}`, tags: ['a', 'b'], at: null }))
  const text = JSON.stringify({ items, rest: 'x'.repeat(10_000_000 - 5_900_000) })
  const code = fn(`
    const mine = new Uint8Array(24 * 1024 * 1024)
    return [args.raw.length, args.data.items.length, args.data.items.at(-1), mine.length]
  `)
  expect(text.length).toBeGreaterThan(9_500_000)
  expect(await trial.returned(code, { text: named(text), limits })).toEqual([
    text.length,
    100_000,
    items.at(-1),
    24 * 1024 * 1024,
  ])
})

test('reading a text is the function’s own time', async () => {
  const text = `[${'1,'.repeat(2_000_000)}1]`
  expect(await trial.failed(LETTERS, { text: named(text), limits: { cpuMs: 20 } })).toMatchObject({
    failure: 'cpu_timeout',
  })
  expect(await seen('[1]')).toEqual(expected('[1]'))
})
