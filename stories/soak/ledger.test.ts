import { expect, test } from 'vitest'
import { createLedger, noteTaken, reckon } from './ledger.ts'

test('what is missing, what is there twice and what nobody sent is found', () => {
  const ledger = createLedger(8)
  ledger.sent = 7
  ledger.acknowledged = 6
  // Event 6 was sent and never acknowledged: nobody promised anything of it.
  for (const n of [0, 1, 2, 3, 4, 5]) ledger.isAcknowledged[n] = 1
  for (const n of [0, 1, 1, 2, 4, 7]) noteTaken(ledger, n)
  const stored = new Map([0, 1, 2, 3, 4].map((n) => [n, n === 2 ? 2 : 1]))
  expect(reckon(ledger, stored)).toMatchObject({
    notStored: [5],
    storedTwice: [2],
    lost: [3, 5],
    invented: [7],
    duplicates: 1,
    byKind: { internal: { acknowledged: 6, stored: 5, taken: 5, duplicates: 1 } },
  })
  expect(ledger.arrived).toBe(5)
})
