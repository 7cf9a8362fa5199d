import { runWithLinkedPackages } from '@permea/testkit'
import { expect, test } from 'vitest'

const SCRIPT = `
import { schemaProblem } from './api/json-schema.ts'
console.log(await schemaProblem({ revision: '1', schema: { type: 'object' }, value: [] }))
`

test('schemas are checked where node_modules is a link', async () => {
  const printed = await runWithLinkedPackages(['api', 'bodies', 'computing', 'exchanges', 'platform'], SCRIPT)
  expect(printed).toBe('the event must be object')
})
