import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ByteBudget } from './byte-budget.ts'

/** Takes as much as there is, in small steps. */
function fill(budget: ByteBudget, owner: string): number {
  const holding = budget.open(owner)
  let held = 0
  while (holding.take(10)) held += 10
  return held
}

test('an owner has a quarter when it is alone, and there is something left for whoever comes later', () => {
  const budget = new ByteBudget(1_000_000)
  expect(fill(budget, 'first')).toBe(250_000)
  expect(fill(budget, 'first')).toBe(0)
  // Each takes a quarter of what those before it left.
  for (let n = 2; n <= 10; n += 1)
    expect(fill(budget, `owner ${n}`) / (1_000_000 * 0.75 ** (n - 1))).toBeCloseTo(0.25, 2)
  expect(budget.held).toBeLessThan(950_000)
  expect(budget.open('a newcomer').take(10_000)).toBe(true)
})

test('owners that take at the same time get the same', () => {
  const budget = new ByteBudget(700_000)
  const holdings = ['a', 'b', 'c', 'd'].map((owner) => budget.open(owner))
  const held = holdings.map(() => 0)
  for (let isRoom = true; isRoom; ) {
    isRoom = false
    for (const [index, holding] of holdings.entries()) {
      if (!holding.take(10)) continue
      isRoom = true
      held[index] = (held[index] ?? 0) + 10
    }
  }
  for (const bytes of held) expect(bytes).toBeGreaterThan(99_900)
})

test('what is released goes back once, and nothing can be taken with it any more', () => {
  const budget = new ByteBudget(1_000)
  const [one, other] = [budget.open('o'), budget.open('o')]
  expect([one.take(100), other.take(100), budget.held]).toEqual([true, true, 200])
  one.release()
  one.release()
  one.give(50)
  expect([one.take(1), one.isOver, budget.held]).toEqual([false, true, 100])
  expect([other.holdExactly(30), other.holdExactly(60), budget.held]).toEqual([true, true, 60])
  expect([other.holdExactly(600), other.isOver, budget.held, budget.heldMost]).toEqual([false, true, 60, 200])
  other.release()
  expect(budget.held).toBe(0)
})

test('whatever is taken and given in whatever order, never more is held than there is, and in the end nothing', () => {
  const step = fc.record({
    holding: fc.nat(9),
    act: fc.constantFrom('take', 'give', 'holdExactly', 'release'),
    bytes: fc.nat(400),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const budget = new ByteBudget(1_000)
      const holdings = Array.from({ length: 10 }, (_, index) => budget.open(`owner ${index % 3}`))
      for (const { holding, act, bytes } of steps) {
        holdings[holding]?.[act as 'take'](bytes)
        expect(budget.held).toBeGreaterThanOrEqual(0)
        expect(budget.held).toBeLessThanOrEqual(750)
      }
      for (const holding of holdings) holding.release()
      expect(budget.held).toBe(0)
      expect(budget.open('owner 0').take(250)).toBe(true)
    }),
  )
})
