import { expect, test } from 'vitest'
import { compileFormula, evaluateFormula } from './compile-formula.ts'
import type { FormulaResolvers } from './evaluator.ts'

const scope = { input: { n: 5 } }
const n = { $var: '$.input.n' }
const link = { dataLinkTable: { key: 't' }, recordId: n }
const resolvers: FormulaResolvers = {
  resolveLookup: async (request) => ({ looked: request }),
  resolveImportDataLink: async (asked) => ({ imported: asked }),
  resolveExportDataLink: async (asked) => ({ exported: asked }),
  getDataCollection: async (key, parameters) => (key === 'none' ? undefined : { fieldsSchema: { key, parameters } }),
  getInternalDataSchema: async (key) => ({ internal: key }),
}

test.each<[formula: unknown, result: unknown]>([
  [{ $lookup: { query: { a: n } } }, { looked: { lookup: { query: { a: 5 } } } }],
  [{ $findAppRecordId: link }, { imported: { dataLinkTableKey: 't', recordId: 5 } }],
  [{ $findExternalRecordId: link }, { exported: { dataLinkTableKey: 't', recordId: 5 } }],
  [{ $findAppRecordId: { recordId: 1 } }, undefined],
  [{ $findAppRecordId: { dataLinkTable: { key: 't' }, recordId: '' } }, undefined],
  [{ $findAppRecordId: 'x' }, undefined],
  [{ $dataSchemaRef: { type: 'data-collection', key: n, parameters: { a: n } } }, { key: 5, parameters: { a: 5 } }],
  [{ $dataSchemaRef: { type: 'data-collection', key: 'none' } }, undefined],
  [{ $dataSchemaRef: { type: 'internal-data-schema', key: 'k' } }, { internal: 'k' }],
  [{ $dataSchemaRef: { type: 'other', key: 'k' } }, undefined],
  [
    {
      $iterate: {
        source: [1, 2],
        item: { $findAppRecordId: { dataLinkTable: { key: 't' }, recordId: { $var: '$.item' } } },
      },
    },
    [{ imported: { dataLinkTableKey: 't', recordId: 1 } }, { imported: { dataLinkTableKey: 't', recordId: 2 } }],
  ],
  [
    { $case: [{ filter: { $eval: { $lookup: n }, isEmpty: true }, value: 1 }, { value: { x: { $lookup: n } } }] },
    { x: { looked: { lookup: 5 } } },
  ],
])('%j asks its resolver', async (formula, result) => {
  expect(await evaluateFormula(formula, scope, { resolvers })).toStrictEqual(result)
})

test.each<[formula: unknown, result: unknown]>([
  [{ $lookup: { query: { a: n } } }, { $lookup: { query: { a: 5 } } }],
  [{ $findAppRecordId: link }, { $findAppRecordId: { dataLinkTable: { key: 't' }, recordId: 5 } }],
  [{ $dataSchemaRef: { type: 'internal-data-schema', key: 'k' } }, undefined],
])('%j without its resolver is evaluated at once', (formula, result) => {
  expect(compileFormula(formula).evaluate(scope)).toStrictEqual(result)
})

test('what a resolver throws rejects the evaluation, and a sibling that throws first leaves nothing unhandled', async () => {
  const resolveLookup = () => Promise.reject(new Error('the far end is down'))
  const failing = { resolvers: { resolveLookup } }
  await expect(evaluateFormula({ a: { $lookup: {} } }, scope, failing)).rejects.toThrow('the far end is down')
  const tooLarge = { $concat: Array(30).fill({ $var: '$.text' }) }
  const given = { text: 'x'.repeat(1_000_000) }
  await expect(evaluateFormula({ a: { $lookup: {} }, b: tooLarge }, given, failing)).rejects.toThrow('characters')
})
