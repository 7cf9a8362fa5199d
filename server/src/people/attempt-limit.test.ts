import { expect, test } from 'vitest'
import { SettableClock } from '../platform/clock.ts'
import { createAttemptLimit } from './attempt-limit.ts'

const START = new Date('2026-11-02T00:00:00Z')

test('whoever has many addresses is slowed down, and keeps out nobody who has got in before', () => {
  const clock = new SettableClock(START)
  const limit = createAttemptLimit(clock)
  expect(limit.refusedForSeconds('192.0.2.1')).toBeNull()
  limit.succeeded('192.0.2.1')
  const refused = Array.from({ length: 100 }, (_, index) => limit.refusedForSeconds(`198.51.100.${index}`))
  expect(refused.filter((each) => each === null)).toHaveLength(59)
  expect(limit.refusedForSeconds('192.0.2.1')).toBeNull()
  clock.advance(60_000)
  expect(limit.refusedForSeconds('198.51.100.200')).toBeNull()
})

test('one address has ten attempts a minute, and so have all addresses of one network of IPv6', () => {
  const limit = createAttemptLimit(new SettableClock(START))
  const attempt = (address: string, times: number) =>
    Array.from({ length: times }, (_, index) => limit.refusedForSeconds(`${address}${index + 1}`))
  expect(Array.from({ length: 11 }, () => limit.refusedForSeconds('192.0.2.1'))).toEqual([...Array(10).fill(null), 60])
  expect(attempt('2001:db8:1:2::', 11)).toEqual([...Array(10).fill(null), 60])
  expect(attempt('2001:db8:1:2:3:4:5:', 1)).toEqual([60])
  expect(attempt('2001:db8:1:3::', 1)).toEqual([null])
  expect(attempt('2001:db8::', 1)).toEqual([null])
  expect(attempt('::ffff:192.0.2.', 2)).toEqual([null, null])
})
