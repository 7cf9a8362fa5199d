import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SettableClock } from './clock.ts'
import { createIds, fromWire, lowestIdAt, secretUuid, timeOfId, toWire } from './ids.ts'

const START = new Date('2026-10-25T00:00:00.123Z')
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

test('ids rise strictly, whether the clock goes on, stands still or is set back', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -5000, max: 5000 }), { maxLength: 200 }), (moves) => {
      const clock = new SettableClock(START)
      const ids = createIds(clock)
      let last = ids.next()
      for (const ms of moves) {
        clock.advance(ms)
        const next = ids.next()
        expect(next).toMatch(UUID_V7)
        expect(next > last).toBe(true)
        last = next
      }
    }),
  )
})

test('many ids of one millisecond differ, in one process and between processes', () => {
  const clock = new SettableClock(START)
  const made = [createIds(clock), createIds(clock)].flatMap((ids) => Array.from({ length: 20_000 }, () => ids.next()))
  expect(new Set(made).size).toBe(made.length)
})

test('an id tells its moment, and the bounds of a moment hold its ids and no others', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }), (at) => {
      const id = createIds(new SettableClock(at)).next()
      expect(timeOfId(id)).toEqual(at)
      expect(lowestIdAt(at) <= id).toBe(true)
      expect(id < lowestIdAt(new Date(at.getTime() + 1))).toBe(true)
    }),
  )
})

describe('on the wire', () => {
  test('an id comes back as it was, under its prefix only', () => {
    fc.assert(
      fc.property(fc.uuid(), (uuid) => {
        const wire = toWire('fr', uuid)
        expect(wire).toMatch(/^fr_[0-7][0-9a-hjkmnp-tv-z]{25}$/)
        expect(fromWire('fr', wire)).toBe(uuid)
        expect(fromWire(['nr', 'fr'], wire)).toBe(uuid)
        expect(fromWire('nr', wire)).toBeNull()
      }),
    )
  })

  test('ids of the specification are written as it writes them', () => {
    expect(toWire('cus', '01890a5d-ac96-774b-bcce-b302099a8057')).toBe('cus_01h455vb4pex5vsknk084sn02q')
    expect(toWire('cus', '00000000-0000-0000-0000-000000000000')).toBe('cus_00000000000000000000000000')
    expect(toWire('cus', 'ffffffff-ffff-ffff-ffff-ffffffffffff')).toBe('cus_7zzzzzzzzzzzzzzzzzzzzzzzzz')
  })

  test('what is no id gives null and never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `fr_${text}`),
        ),
        (text) => {
          const uuid = fromWire('fr', text)
          if (uuid !== null) expect(toWire('fr', uuid)).toBe(text)
        },
      ),
    )
    for (const text of ['', 'fr', 'fr_', '_01h455vb4pex5vsknk084sn02q', 'fr_8zzzzzzzzzzzzzzzzzzzzzzzzz'])
      expect(fromWire('fr', text)).toBeNull()
  })
})

test('the unguessable part of a URL has nothing of the time in it', () => {
  expect(secretUuid()).toMatch(/^[0-9a-f-]{14}4/)
  expect(secretUuid()).not.toBe(secretUuid())
})
