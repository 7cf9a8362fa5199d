import assert from 'node:assert/strict'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FormulaTooLarge } from './bounds.ts'
import { compileFormula, evaluateFormula } from './compile-formula.ts'

const scope = {
  input: { n: 5, name: 'Jane Doe', nul: null, zero: 0, list: [3, 0, { id: 7 }], obj: { a: { b: 'deep' } } },
  user: { id: 'u1' },
}
const OPERATORS = [
  ...['and', 'case', 'concat', 'copy', 'dataSchemaRef', 'domainFromEmail', 'eval', 'extractDate', 'extractTime'],
  ...['findAppRecordId', 'findExternalRecordId', 'firstName', 'firstNotEmpty', 'formula', 'iterate', 'jsonata'],
  ...['lastName', 'lookup', 'map', 'mergeObjects', 'or', 'plain', 'record', 'tpl', 'var', 'unknown'],
]
const scalar = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, 0, 5, '', 'a', '5', 'Jane Doe', 'a@b', '2024-03-05', '{a}', '$.input.n'),
  fc.string(),
  fc.double(),
)
const variable = fc.record({
  $var: fc.constantFrom('$', '$.input.n', '$.input.list', '$.input.list[1]', '$.nope', '$.item', '$bad'),
})
const key = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    'value',
    'values',
    'template',
    'source',
    'item',
    'mapping',
    'from',
    'to',
    'cases',
    'filter',
  ),
  fc.constantFrom('default', 'delimiter', 'dataLinkTable', 'key', 'recordId', 'is', 'contains', 'gt', '__proto__'),
)
const { formula } = fc.letrec((tie) => ({
  formula: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    scalar,
    variable,
    fc.array(tie('formula'), { maxLength: 4 }),
    fc.dictionary(key, tie('formula'), { maxKeys: 4 }),
    fc
      .tuple(fc.constantFrom(...OPERATORS), tie('formula'), fc.dictionary(key, tie('formula'), { maxKeys: 2 }))
      .map(([operator, args, rest]) => ({ [`$${operator}`]: args, ...rest })),
  ),
}))
const plainJson = fc.jsonValue().filter((value) => !/"(\$|__proto__)/.test(JSON.stringify(value)))

test('a formula without operators is itself', async () => {
  await fc.assert(
    fc.asyncProperty(plainJson, async (value) => {
      assert.ok(compileFormula(value).isConstant)
      expect(await evaluateFormula(value, scope)).toStrictEqual(value)
    }),
  )
})

test('members that yield nothing are dropped, and what only had such members yields nothing', async () => {
  const nothing = { $var: '$.nope' }
  expect(await evaluateFormula({ a: 1, b: nothing, c: [nothing, 2] }, scope)).toStrictEqual({ a: 1, c: [2] })
  expect(await evaluateFormula({ a: [nothing], b: { c: nothing } }, scope)).toBeUndefined()
  expect(await evaluateFormula({ a: {}, b: [] }, scope)).toStrictEqual({ a: {}, b: [] })
})

test('no formula throws, or changes itself or its scope', async () => {
  await fc.assert(
    fc.asyncProperty(formula, fc.dictionary(fc.string(), fc.jsonValue()), async (candidate, input) => {
      const given = { ...scope, input: { ...scope.input, ...input } }
      const before = structuredClone([candidate, given])
      await evaluateFormula(candidate, given)
      expect([candidate, given]).toEqual(before)
    }),
    { numRuns: 2_000 },
  )
})

test('a compiled formula yields the same every time, and at once where it holds no $jsonata', async () => {
  await fc.assert(
    fc.asyncProperty(formula, async (candidate) => {
      const compiled = compileFormula(candidate)
      const first = compiled.evaluate(scope)
      if (!JSON.stringify(candidate).includes('$jsonata')) assert.ok(!(first instanceof Promise))
      expect(await compiled.evaluate(scope)).toEqual(await first)
      expect(await evaluateFormula(candidate, scope)).toEqual(await first)
    }),
  )
})

test('$concat may be split anywhere', async () => {
  const text = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null))
  await fc.assert(
    fc.asyncProperty(fc.array(text, { minLength: 1 }), fc.array(text, { minLength: 1 }), async (left, right) => {
      const whole = await evaluateFormula({ $concat: [...left, ...right] }, scope)
      const split = await evaluateFormula({ $concat: [{ $concat: left }, { $concat: right }] }, scope)
      assert.equal(split, whole)
    }),
  )
})

test('$and and $or obey De Morgan', async () => {
  const not = (value: unknown) => ({ $eval: value, is: false })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1 }), async (values) => {
      const notAll = await evaluateFormula(not({ $and: values }), scope)
      assert.equal(notAll, await evaluateFormula({ $or: values.map(not) }, scope))
    }),
  )
})

test('every $eval operator is the opposite of its counterpart', async () => {
  const pairs = [
    ['is', 'isNot'],
    ['oneOf', 'noneOf'],
    ['contains', 'doesNotContain'],
    ['isEmpty', 'isNotEmpty'],
  ] as const
  await fc.assert(
    fc.asyncProperty(formula, formula, fc.constantFrom(...pairs), async (value, operand, [yes, no]) => {
      const held = await evaluateFormula({ $eval: value, [yes]: operand }, scope)
      assert.equal(await evaluateFormula({ $eval: value, [no]: operand }, scope), !held)
    }),
  )
})

test('data may bring its own toString, valueOf and __proto__ without effect', async () => {
  const hostile = JSON.parse('{"toString": 1, "valueOf": 2, "__proto__": {"polluted": true}}')
  const given = { hostile }
  const value = { $var: '$.hostile' }
  expect(await evaluateFormula({ $concat: [value] }, given)).toBe('[object Object]')
  expect(await evaluateFormula({ $eval: value, is: '[object Object]' }, given)).toBe(true)
  expect(await evaluateFormula({ $map: { value, mapping: [{ from: 'x', to: 1 }], default: 2 } }, given)).toBe(2)
  const merged = await evaluateFormula({ $mergeObjects: [value] }, given)
  expect(Object.getPrototypeOf(merged)).toBe(Object.prototype)
  expect(merged).toStrictEqual({ toString: 1, valueOf: 2 })
  expect(await evaluateFormula({ $var: '$.hostile.__proto__.polluted' }, given)).toBe(true)
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
})

test('$tpl takes keys and values literally', async () => {
  const template = 'pay {a.b} to {x(} {aXb}'
  expect(await evaluateFormula({ $tpl: { template, values: { 'a.b': "$&$$$'", 'x(': 'you' } } }, scope)).toBe(
    "pay $&$$$' to you {aXb}",
  )
})

test('$formula fills in every known variable and leaves out the missing ones', async () => {
  const deferred = {
    $formula: { $concat: [{ $var: '$.nope' }, { $var: '$.input.n' }, { $concat: [{ $var: '$.user.id' }] }] },
  }
  expect(await evaluateFormula(deferred, scope)).toStrictEqual({ $concat: [5, { $concat: ['u1'] }] })
})

test('a formula beyond the bounds is refused before it is evaluated', () => {
  let deep: unknown = 1
  for (let i = 0; i < 101; i++) deep = { a: deep }
  expect(() => compileFormula(deep)).toThrow(FormulaTooLarge)
  expect(() => compileFormula(Array(10_000).fill(1))).toThrow(FormulaTooLarge)
  expect(compileFormula(Array(9_999).fill(1)).isConstant).toBe(true)
})

test('an evaluation that explodes is refused, by whichever way it explodes', async () => {
  const list = { $var: '$.list' }
  const given = { list: Array.from({ length: 1_000 }, (_, i) => i + 1), text: 'x'.repeat(1_000_000) }
  const everyPair = { $iterate: { source: { $var: '$.parent.list' }, item: { $var: '$.index' } } }
  let nested: unknown = list
  for (let i = 0; i < 10; i++) nested = { $iterate: { source: [nested], item: Array(5).fill({ $var: '$.item' }) } }
  const explosions = {
    steps: { $iterate: { source: list, item: everyPair } },
    references: { $iterate: { source: list, item: { $var: '$.parent' } } },
    nesting: nested,
    textOfShared: { $concat: [nested] },
    text: { $concat: Array(50).fill({ $var: '$.text' }) },
    scanning: { $iterate: { source: list, item: { $eval: { $var: '$.parent.text' }, contains: 'y' } } },
    copies: { a: { $var: '$.text' }, b: Array(100).fill({ $copy: '$.a' }) },
    template: { $tpl: { template: '{a}'.repeat(1_000), values: { a: { $var: '$.text' } } } },
    jsonata: { $iterate: { source: [nested], item: { $jsonata: '$string($)' } } },
  }
  for (const [name, explosion] of Object.entries(explosions)) {
    await expect(evaluateFormula(explosion, given), name).rejects.toThrow(FormulaTooLarge)
  }
})

test('many references to something small are fine', async () => {
  const many = { $iterate: { source: { $var: '$.list' }, item: { $var: '$.item' } } }
  const list = Array.from({ length: 5_000 }, (_, id) => ({ id }))
  expect(await evaluateFormula(many, { list })).toStrictEqual(list)
})
