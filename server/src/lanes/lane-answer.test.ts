import { LaneKind, LaneReason } from '@permea/contract'
import { expect, test } from 'vitest'
import { explanationOf } from './lane-answer.ts'

const free = { isOrdered: false, working: 4, cap: 4, capMost: 4, nextDueMs: null }

test('every reason is said in words of its own, of every kind of work', () => {
  for (const kind of LaneKind.options) {
    const said = LaneReason.options.map((reason) => explanationOf(kind, reason, free))
    expect(new Set(said).size).toBe(said.length)
  }
})

test('the numbers that decide are said', () => {
  const of = (more: Partial<typeof free> & { nextDueMs?: number | null }) => ({ ...free, ...more })
  expect(explanationOf('deliveries', 'lane-full', free)).toContain('4 of 4 messages')
  const narrowed = explanationOf('flow-runs', 'lane-full', of({ working: 2, cap: 2, capMost: 100 }))
  expect(narrowed).toMatch(/^2 of 2 runs .* 100/)
  const atMs = Date.UTC(2026, 10, 2)
  const waits = { ...free, nextDueMs: atMs }
  expect(explanationOf('pulls', 'not-due', waits)).toContain('2026-11-02T00:00:00.000Z')
  expect(explanationOf('flow-runs', 'not-due', { ...waits, isOrdered: true })).toContain('keeps an order')
})
