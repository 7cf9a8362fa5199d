import { runWithLinkedPackages } from '@permea/testkit'
import { expect, test } from 'vitest'

const SCRIPT = `
import { openTrial } from './sandbox/trial.ts'
await using trial = openTrial({ children: 1 })
console.log(await trial.returned('export default () => 1 + 1'))
`

test('functions run where node_modules is a link', async () => {
  expect(await runWithLinkedPackages(['bodies', 'sandbox', 'platform'], SCRIPT)).toBe('2')
})
