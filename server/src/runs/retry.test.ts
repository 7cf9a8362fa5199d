import assert from 'node:assert/strict'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nodeRetryDelayMs } from './retry.ts'

const DAY_MS = 86_400_000
const given = fc.record({
  attemptsMade: fc.integer({ min: 1, max: 12 }),
  retryAfterMs: fc.option(fc.integer({ min: 0, max: 3 * DAY_MS }), { nil: null }),
  jitter: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
})

test('a wait is never shorter than the far side asked for, up to a day, and ends after seven tries', () => {
  fc.assert(
    fc.property(given, (each) => {
      const waitMs = nodeRetryDelayMs(each)
      assert.equal(waitMs === null, each.attemptsMade >= 7)
      if (waitMs === null) return
      assert.ok(Number.isInteger(waitMs))
      assert.ok(waitMs >= Math.min(each.retryAfterMs ?? 0, DAY_MS))
      assert.ok(waitMs <= DAY_MS)
    }),
  )
})

test('without a wish of the far side each wait is longer than the one before, whatever the lots', () => {
  fc.assert(
    fc.property(given, given, ({ jitter: one, attemptsMade }, { jitter: other }) => {
      const waitMs = nodeRetryDelayMs({ attemptsMade, retryAfterMs: null, jitter: one })
      const nextMs = nodeRetryDelayMs({ attemptsMade: attemptsMade + 1, retryAfterMs: null, jitter: other })
      if (waitMs !== null && nextMs !== null) assert.ok(nextMs > waitMs)
    }),
  )
})

test('the waits are those that the documents promise, give or take a fifth', () => {
  const waits = [1, 2, 3, 4, 5, 6].map((attemptsMade) =>
    nodeRetryDelayMs({ attemptsMade, retryAfterMs: null, jitter: 0.5 }),
  )
  expect(waits).toEqual([1_000, 5_000, 30_000, 120_000, 300_000, 600_000])
  expect(nodeRetryDelayMs({ attemptsMade: 2, retryAfterMs: null, jitter: 0 })).toBe(4_000)
})
