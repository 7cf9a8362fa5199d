import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SettableClock, systemClock } from './clock.ts'

const START = new Date('2026-11-02T00:00:00Z')
const after = (ms: number) => new Date(START.getTime() + ms)

describe('a settable clock', () => {
  test('wakes each once, when its time has come and not before, in order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1000 }), { maxLength: 30 }),
        fc.array(fc.integer({ min: -200, max: 500 }), { maxLength: 30 }),
        (times, moves) => {
          const clock = new SettableClock(START)
          const woken: number[] = []
          for (const ms of times) {
            clock.wakeAt(after(ms), () => {
              expect(clock.now().getTime()).toBeGreaterThanOrEqual(after(ms).getTime())
              woken.push(ms)
            })
          }
          let furthest = 0
          for (const ms of moves) {
            const already = woken.length
            clock.advance(ms)
            furthest = Math.max(furthest, clock.now().getTime() - START.getTime())
            expect(woken.slice(already)).toEqual(woken.slice(already).toSorted((a, b) => a - b))
          }
          expect(woken.toSorted((a, b) => a - b)).toEqual(
            times.filter((ms) => ms <= furthest).toSorted((a, b) => a - b),
          )
        },
      ),
    )
  })

  test('does not wake who cancelled, and wakes at once whose time is past', async () => {
    const clock = new SettableClock(START)
    const woken: string[] = []
    clock.wakeAt(after(10), () => woken.push('cancelled'))()
    await new Promise<void>((resolve) => {
      clock.wakeAt(after(-1), resolve)
    })
    clock.advance(1000)
    expect(woken).toEqual([])
  })

  test('lets what wakes ask to be woken again', () => {
    const clock = new SettableClock(START)
    let times = 0
    const again = () => {
      times += 1
      if (times < 3) clock.wakeAt(after(times * 10), again)
    }
    clock.wakeAt(after(0), again)
    clock.advance(10)
    clock.advance(10)
    clock.advance(10)
    expect(times).toBe(3)
  })
})

describe('the clock of the system', () => {
  test('never wakes early, and at once whose time is past', async () => {
    const at = new Date(Date.now() + 30)
    await new Promise<void>((resolve) => {
      systemClock.wakeAt(at, resolve)
    })
    expect(Date.now()).toBeGreaterThanOrEqual(at.getTime())
    await new Promise<void>((resolve) => {
      systemClock.wakeAt(new Date(0), resolve)
    })
  })

  test('does not wake who cancelled', async () => {
    let isWoken = false
    const cancel = systemClock.wakeAt(new Date(Date.now() + 5), () => {
      isWoken = true
    })
    cancel()
    await new Promise<void>((resolve) => {
      systemClock.wakeAt(new Date(Date.now() + 20), resolve)
    })
    expect(isWoken).toBe(false)
  })
})
