import { expect, test } from 'vitest'
import { LongWork } from './long-work.ts'

/** Counts the turns of the event loop until told to stop. */
function countTurns(): { readonly turns: number; stop(): void } {
  let turns = 0
  let isCounting = true
  const count = () => {
    turns += 1
    if (isCounting) setImmediate(count)
  }
  setImmediate(count)
  return {
    get turns() {
      return turns
    },
    stop: () => {
      isCounting = false
    },
  }
}

test('however much long work there is, others have several turns between any two slices of it', async () => {
  const loop = countTurns()
  const begun: number[] = []
  const order: number[] = []
  const works = Array.from({ length: 5 }, async (_, n) => {
    const work = new LongWork()
    for (let slices = 0; slices < 3; slices += 1) {
      await work.turn()
      begun.push(loop.turns)
      order.push(n)
      while (!work.isDue) Math.sqrt(n)
    }
  })
  await Promise.all(works)
  loop.stop()

  const between = begun.slice(1).map((turns, n) => turns - (begun[n] ?? 0))
  expect(between).toHaveLength(14)
  expect(Math.min(...between)).toBeGreaterThanOrEqual(4)
  // Each in its turn.
  expect(order).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4])
})

test('a slice that has just begun is not over', async () => {
  const work = new LongWork()
  await work.turn()
  expect(work.isDue).toBe(false)
})
