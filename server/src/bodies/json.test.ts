import { parseExactJson } from '@permea/contract'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseJson, parseJsonInTurns, parseJsonList } from './json.ts'
import { valueExcess } from './json-bounds.ts'
import { JSON_DEPTH_MAX, JSON_VALUES_MAX } from './limits.ts'

async function messageOf(broken: string): Promise<string> {
  try {
    await parseJsonInTurns(broken)
  } catch (error) {
    return (error as Error).message
  }
  return `${broken.slice(0, 5)}…${broken.slice(-5)} was parsed`
}

const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
const TOO_DEEP = `nested deeper than ${JSON_DEPTH_MAX} levels`

test('JSON nests up to the limit and no deeper, brackets in strings aside', () => {
  expect(parseJson(nested(JSON_DEPTH_MAX))).toBeInstanceOf(Array)
  expect(() => parseJson(nested(JSON_DEPTH_MAX + 1))).toThrow(TOO_DEEP)
  expect(() => parseJson(`{"a":${nested(5000)}}`)).toThrow(TOO_DEEP)
  const text = `{"a":"${'['.repeat(5000)}\\"${'{'.repeat(5000)}\\\\"}`
  expect(parseJson(text)).toEqual(JSON.parse(text))
  expect(valueExcess(JSON.parse(nested(JSON_DEPTH_MAX)))).toBeNull()
  expect(valueExcess(JSON.parse(nested(JSON_DEPTH_MAX + 1)))).toContain('nested deeper')
})

test('JSON holds only so many values', () => {
  const list = (values: number) => `[${'{},'.repeat(values - 1)}{}]`
  expect(() => parseJson(list(JSON_VALUES_MAX))).toThrow(`more than ${JSON_VALUES_MAX} values`)
  expect(() => parseJson(`[${'1,'.repeat(JSON_VALUES_MAX)}1]`)).toThrow(`more than ${JSON_VALUES_MAX} values`)
})

test('what is parsed in turns is what JSON.parse makes of it', async () => {
  // Long enough to be taken apart at every level.
  const filler = 'x'.repeat(40_000)
  await fc.assert(
    fc.asyncProperty(
      fc.jsonValue({ maxDepth: 4 }),
      fc.jsonValue({ maxDepth: 3 }),
      fc.boolean(),
      async (one, other, isPretty) => {
        const value = {
          [filler]: one,
          'a"\\b': [other, { long: filler.repeat(3), one }, filler, [[filler, [one, filler]]], other],
          list: Array.from({ length: 3000 }, (_, i) => ({ i, one })),
          empty: [{}, [], ''],
          __proto__x: { deep: { er: { filler: [filler, filler] } } },
        }
        const text = JSON.stringify(value, null, isPretty ? 2 : 0)
        expect(text.length).toBeGreaterThan(256 * 1024)
        const parsed = await parseJsonInTurns(text)
        expect(JSON.stringify(parsed)).toBe(JSON.stringify(JSON.parse(text)))
      },
    ),
    { numRuns: 25 },
  )
})

test('names that JavaScript gives a meaning stay names', async () => {
  const long = `"${'y'.repeat(300_000)}"`
  const text = `{"__proto__": [${long}], "2": 1, "1": 2, "constructor": {"a": ${long}}, "2": 3}`
  const parsed = (await parseJsonInTurns(text)) as object
  expect(Object.keys(parsed)).toEqual(Object.keys(JSON.parse(text) as object))
  expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype)
})

test('a long text that is no JSON is refused as a short one is', async () => {
  const long = `"${'z'.repeat(300_000)}"`
  for (const broken of [
    `[${long}`,
    `[${long},]`,
    `{"a" ${long}}`,
    `[${long}}`,
    `{${long}: }`,
    `[${long}] x`,
    `{"a": ${long}, "b"}`,
    `{1: [${long}]}`,
    `[${long},,${long}]`,
    `"${'z'.repeat(300_000)}`,
  ])
    expect(await messageOf(broken)).toContain('not valid JSON')
})

test('a list comes with the text of each element', async () => {
  const elements = ['{"n": 7615917337495251231}', '1.10', `{"long": "${'w'.repeat(50_000)}"}`, '[]', 'null']
  const text = ` [ ${elements.join(' , ')} ] `
  expect(await parseJsonList(text)).toEqual(elements.map((each) => ({ text: each, value: parseExactJson(each) })))
  expect(await parseJsonList('{"a": 1}')).toBeNull()
  expect(await parseJsonList(' [ ] ')).toEqual([])
})

test('ten megabytes are parsed without holding up others for long', async () => {
  const text = JSON.stringify(
    Array.from({ length: 100_000 }, (_, i) => ({ id: i, [`name${i}`]: `value of ${i}`.repeat(4) })),
  )
  expect(text.length).toBeGreaterThan(7_000_000)
  // Time of this thread at work, so that a busy machine does not count.
  const cpuMs = () => (process.threadCpuUsage().user + process.threadCpuUsage().system) / 1000
  const turnsMs: number[] = []
  let lastMs = cpuMs()
  let isDone = false
  const tick = () => {
    turnsMs.push(cpuMs() - lastMs)
    lastMs = cpuMs()
    if (!isDone) setImmediate(tick)
  }
  setImmediate(tick)
  const parsed = (await parseJsonInTurns(text)) as unknown[]
  isDone = true
  expect(parsed).toHaveLength(100_000)
  expect(turnsMs.length).toBeGreaterThan(5)
  expect(Math.max(...turnsMs)).toBeLessThan(100)
})
