import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import { Budget, FormulaTooLarge, FormulaTooSlow } from './bounds.ts'
import { evaluateJsonata } from './jsonata-expression.ts'

const scope = { input: { n: 5, items: [{ id: 1 }, { id: 2 }], text: 'ab' } }

function evaluate(expression: string): Promise<unknown> {
  return evaluateJsonata(expression, scope, { budget: new Budget(), detached: new Map() })
}

test('arrays come back without marks, and functions not at all', async () => {
  const ids = await evaluate('input.items.id')
  assert.deepEqual(Reflect.ownKeys(ids as object), ['0', '1', 'length'])
  expect(await evaluate('function($x){$x}')).toBeUndefined()
  expect(await evaluate('[$sum, 1]')).toStrictEqual([1])
  expect(await evaluate('{"f": $sum, "a": 1}')).toStrictEqual({ a: 1 })
  expect(await evaluate('/a/')).toBeUndefined()
})

test('the input is neither marked nor changed', async () => {
  const before = structuredClone(scope)
  for (const text of [
    'input.items',
    'input.items[ /* all */ ]{"a": 1}',
    '$eval("input.items[" & "]")',
    'input.items[]',
    'input ~> |items|{"id": 9}|',
    '$sort(input.items, function($a,$b){true})',
  ]) {
    await evaluate(text)
  }
  expect(scope).toStrictEqual(before)
  assert.deepEqual(Reflect.ownKeys(scope.input.items), ['0', '1', 'length'])
})

test('a failing or unreadable expression yields nothing', async () => {
  for (const text of [
    '',
    '(',
    '1 +',
    '$nope()',
    '$error("x")',
    '$number("x")',
    '('.repeat(19_000),
    'a'.repeat(20_001),
  ]) {
    expect(await evaluate(text), text.slice(0, 20)).toBeUndefined()
  }
})

test('what does not end ends within its time', async () => {
  const startedAt = performance.now()
  await expect(evaluate('($f := function(){ $f() }; $f())')).rejects.toThrow(FormulaTooSlow)
  expect(performance.now() - startedAt).toBeLessThan(5_000)
})

test('an endless recursion, a huge range, padding and doubling yield nothing', async () => {
  const runaways = ['($f := function($n){ 1 + $f($n + 1) }; $f(0))', '$count([1..10000000])', '$pad("x", 500000000)']
  // Whichever bound is met first.
  for (const text of runaways)
    expect(
      await evaluate(text).catch((error: Error) => (error instanceof FormulaTooSlow ? undefined : error)),
      text.slice(0, 40),
    ).toBeUndefined()
  const doubling = '($f := function($s, $n){ $n = 0 ? $s : $f($s & $s, $n - 1) }; $f("x", 25))'
  await expect(evaluate(doubling)).rejects.toThrow(FormulaTooLarge)
})

test('what ordinary expressions need is within the bounds', async () => {
  expect(await evaluate('($f := function($n){ $n <= 1 ? 1 : $n + $f($n - 1) }; $f(300))')).toBe(45_150)
  expect(await evaluate(`$count([${Array(1_500).fill('input.n').join(',')}])`)).toBe(1_500)
  expect(await evaluate('$replace(input.text, /(a+)(b+)/, "$2$1")')).toBe('ba')
  expect(await evaluate('$pad("x", -3, "ab") & $pad("x", 3) & $pad("xyz", 2)')).toBe('abxx  xyz')
})
