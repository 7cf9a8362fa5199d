import fc from 'fast-check'
import { expect, test } from 'vitest'
import { retryDelayMs, USUAL_SCHEDULE_MS } from './schedule.ts'

const DAY_MS = 86_400_000
const jitter = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const schedule = fc.array(fc.integer({ min: 1000, max: 604_800_000 }), { maxLength: 50 })
const retryAfterMs = fc.option(fc.oneof(fc.integer({ min: 0, max: 3 * DAY_MS }), fc.constant(Number.MAX_SAFE_INTEGER)))

test('there are as many waits as the schedule has, and then none, whatever the receiver asks for', () => {
  fc.assert(
    fc.property(
      schedule,
      fc.integer({ min: 1, max: 60 }),
      jitter,
      retryAfterMs,
      (given, attemptsMade, drawn, asked) => {
        const delayMs = retryDelayMs({ schedule: given, attemptsMade, jitter: drawn, retryAfterMs: asked })
        expect(delayMs === null).toBe(attemptsMade > given.length)
      },
    ),
  )
})

test('a wait is within a fifth of the schedule’s, unless the receiver asks for longer', () => {
  fc.assert(
    fc.property(schedule, jitter, retryAfterMs, (given, drawn, asked) => {
      for (const [index, baseMs] of given.entries()) {
        const delayMs =
          retryDelayMs({ schedule: given, attemptsMade: index + 1, jitter: drawn, retryAfterMs: asked }) ?? 0
        const floorMs = Math.min(asked ?? 0, DAY_MS)
        expect(delayMs).toBeGreaterThanOrEqual(Math.max(Math.floor(baseMs * 0.8), floorMs))
        expect(delayMs).toBeLessThanOrEqual(Math.max(Math.ceil(baseMs * 1.2), floorMs))
        expect(Number.isSafeInteger(delayMs)).toBe(true)
      }
    }),
  )
})

test('the usual schedule makes ten attempts over about 75 hours, each wait longer than the one before', () => {
  const sumMs = USUAL_SCHEDULE_MS.reduce((a, b) => a + b, 0)
  expect(USUAL_SCHEDULE_MS).toHaveLength(9)
  expect(sumMs / 3_600_000).toBeCloseTo(75.6, 1)
  expect(USUAL_SCHEDULE_MS.toSorted((a, b) => a - b)).toEqual(USUAL_SCHEDULE_MS)
})
