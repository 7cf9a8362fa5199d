import { expect, test } from 'vitest'
import { evaluateFormula } from './compile-formula.ts'
import vectors from './formula-vectors.json' with { type: 'json' }
import observed from './observed-cases.json' with { type: 'json' }

type Case = [formula: unknown, result?: unknown]

async function expectEach(cases: Case[], scope: Record<string, unknown>) {
  expect(cases.length).toBeGreaterThan(100)
  for (const [formula, result] of cases) {
    // A member that is undefined is as good as absent, and the cases are JSON: hence no strict comparison.
    expect(await evaluateFormula(formula, scope), JSON.stringify(formula)).toEqual(result)
  }
}

test('every observed formula yields what was observed', async () => {
  await expectEach(observed.cases as Case[], vectors.variables)
})

test('every observed locator finds what was observed', async () => {
  await expectEach(observed.locatorCases as Case[], observed.locatorScope)
})
