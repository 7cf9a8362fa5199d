import assert from 'node:assert/strict'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatLocator, parseLocator, readAt } from './locator.ts'

const step = fc.oneof(fc.string(), fc.constantFrom('.', '[', ']', '\\', '$', '', '__proto__'), fc.nat())

test('a written locator reads back as the same steps', () => {
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      assert.deepEqual(parseLocator(formatLocator(steps)), steps)
    }),
  )
})

test('any text is either a locator or null, and reading it never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'$.[]\\01a ') }), fc.jsonValue(), (text, data) => {
      const locator = parseLocator(text)
      if (locator !== null) readAt(data, locator, 'kept')
    }),
  )
})

test('what a scope inherits is not found', () => {
  for (const path of ['constructor', '__proto__', 'toString', 'a.constructor.name', 'a.__proto__', 'list.map']) {
    expect(readAt({ a: {}, list: [] }, parseLocator(path) ?? ['?'], 'kept'), path).toBeUndefined()
  }
})

test('a falsy item reached by index is missing to $var and found by a property step', () => {
  const data = { list: [0, '', false, null, 5] }
  for (const [index, item] of data.list.entries()) {
    expect(readAt(data, ['list', index], 'missing')).toBe(item || undefined)
    expect(readAt(data, ['list', index], 'kept')).toBe(item)
    expect(readAt(data, ['list', String(index)], 'missing')).toBe(item)
  }
})
