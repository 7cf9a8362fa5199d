import fc from 'fast-check'
import { TypeID } from 'typeid-js'
import { expect, test } from 'vitest'
import { SettableClock } from './clock.ts'
import { createIds, fromWire, timeOfId, toWire } from './ids.ts'

const START = new Date('2026-03-01T12:00:00Z')

test('ids of one process only ever grow, whatever the clock does, and tell their moment', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -5, max: 5 }), { maxLength: 200 }), (steps) => {
      const clock = new SettableClock(START)
      const ids = createIds(clock)
      let last = ''
      let latestMs = 0
      for (const step of steps) {
        clock.advance(step)
        latestMs = Math.max(latestMs, clock.now().getTime())
        const id = ids.next()
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
        expect(id > last).toBe(true)
        expect(timeOfId(id).getTime()).toBe(latestMs)
        last = id
      }
    }),
  )
})

test('two processes do not make the same ids at the same moment', () => {
  const made = [1, 2].flatMap(() => {
    const ids = createIds(new SettableClock(START))
    return Array.from({ length: 1000 }, () => ids.next())
  })
  expect(new Set(made).size).toBe(made.length)
})

test('an id on the wire is the TypeID of its uuid, and is read back as it was', () => {
  fc.assert(
    fc.property(fc.uuid(), (uuid) => {
      expect(toWire('aev', uuid)).toBe(TypeID.fromUUID('aev', uuid).toString())
      expect(fromWire('aev', toWire('aev', uuid))).toBe(uuid)
    }),
  )
})
