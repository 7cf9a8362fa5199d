import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSealing, sealingKey } from './sealing.ts'

const oldKey = sealingKey('the key of last year, long enough for anybody')
const newKey = sealingKey('the key of this year, long enough for anybody')

test('whatever is sealed opens again, and looks different every time', () => {
  const { seal, open } = createSealing([newKey])
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (plain) => {
      const sealed = seal(plain)
      expect(open(sealed)).toBe(plain)
      expect(seal(plain)).not.toBe(sealed)
      expect(sealed).toMatch(/^v1\.[0-9a-f]{8}\.[\w-]{16}\.[\w-]{22}\.[\w-]*$/)
    }),
  )
})

describe('keys are rotated', () => {
  const before = createSealing([oldKey]).seal('secret')

  test('by putting the new one first: the old one still opens, the new one seals', () => {
    const both = createSealing([newKey, oldKey])
    expect(both.open(before)).toBe('secret')
    const after = both.seal('secret')
    expect(createSealing([newKey]).open(after)).toBe('secret')
    expect(() => createSealing([oldKey]).open(after)).toThrow(newKey.id)
  })

  test('and what an old one sealed does not open without it; the error names the key, not the secret', () => {
    expect(() => createSealing([newKey]).open(before)).toThrow(`no encryption key "${oldKey.id}"`)
  })
})

test('changed text, another version and a key of the same name but other bytes do not open', () => {
  const { seal, open } = createSealing([newKey])
  const sealed = seal('secret')
  const parts = sealed.split('.')
  for (const index of [2, 3, 4]) {
    const part = parts[index] ?? ''
    const changed = parts.with(index, (part.startsWith('A') ? 'B' : 'A') + part.slice(1)).join('.')
    expect(() => open(changed)).toThrow()
  }
  expect(() => open(sealed.replace('v1', 'v2'))).toThrow()
  expect(() => open('')).toThrow()
  expect(() => createSealing([{ ...oldKey, id: newKey.id }]).open(sealed)).toThrow()
})

test('a tag cut short does not open', () => {
  const { seal, open } = createSealing([newKey])
  const parts = seal('secret').split('.')
  const tag = Buffer.from(parts[3] ?? '', 'base64url').subarray(0, 4)
  expect(() => open(parts.with(3, tag.toString('base64url')).join('.'))).toThrow()
})

test('no key at all is refused', () => {
  expect(() => createSealing([])).toThrow('at least one encryption key')
})

test('a fingerprint is the same for the same text and key alone', () => {
  const sealing = createSealing([newKey, oldKey])
  expect(sealing.fingerprint('a')).toBe(createSealing([newKey]).fingerprint('a'))
  expect(sealing.fingerprint('a')).not.toBe(sealing.fingerprint('b'))
  expect(sealing.fingerprint('a')).not.toBe(createSealing([oldKey]).fingerprint('a'))
})
