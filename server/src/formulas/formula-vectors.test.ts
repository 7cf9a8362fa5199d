import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import { evaluateFormula } from './compile-formula.ts'
import conformance from './formula-vectors.json' with { type: 'json' }

const { variables, vectors } = conformance as { variables: Record<string, unknown>; vectors: Vector[] }

interface Vector {
  formula: unknown
  async: unknown
}

test('there are conformance cases', () => {
  assert.ok(vectors.length > 100)
})

test.each(vectors.map((vector) => [JSON.stringify(vector.formula), vector] as const))('%s', async (_, vector) => {
  const expected = JSON.stringify(vector.async) === '{"__undefined":true}' ? undefined : vector.async
  expect(await evaluateFormula(vector.formula, variables)).toStrictEqual(expected)
})
