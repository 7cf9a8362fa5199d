import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AllowRule, formatAllowRule, isAllowed, parseEgressAllow, refusalOf } from './address-policy.ts'

/** Each refused range by its first and last address, and the neighbours outside (null: refused as well, by another). */
const RANGES_V4 = [
  ['0.0.0.0', '0.255.255.255', null, '1.0.0.0'],
  ['10.0.0.0', '10.255.255.255', '9.255.255.255', '11.0.0.0'],
  ['100.64.0.0', '100.127.255.255', '100.63.255.255', '100.128.0.0'],
  ['127.0.0.0', '127.255.255.255', '126.255.255.255', '128.0.0.0'],
  ['169.254.0.0', '169.254.255.255', '169.253.255.255', '169.255.0.0'],
  ['172.16.0.0', '172.31.255.255', '172.15.255.255', '172.32.0.0'],
  ['192.0.0.0', '192.0.0.255', '191.255.255.255', '192.0.1.0'],
  ['192.0.2.0', '192.0.2.255', '192.0.1.255', '192.0.3.0'],
  ['192.88.99.0', '192.88.99.255', '192.88.98.255', '192.88.100.0'],
  ['192.168.0.0', '192.168.255.255', '192.167.255.255', '192.169.0.0'],
  ['198.18.0.0', '198.19.255.255', '198.17.255.255', '198.20.0.0'],
  ['198.51.100.0', '198.51.100.255', '198.51.99.255', '198.51.101.0'],
  ['203.0.113.0', '203.0.113.255', '203.0.112.255', '203.0.114.0'],
  ['224.0.0.0', '239.255.255.255', '223.255.255.255', null],
  ['240.0.0.0', '255.255.255.255', null, null],
] as const

const F7 = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff'
const F6 = 'ffff:ffff:ffff:ffff:ffff:ffff'
const RANGES_V6 = [
  ['::', '::', null, null],
  ['::1', '::1', null, null],
  ['64:ff9b::', '64:ff9b::ffff:ffff', null, null],
  ['64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff', null, null],
  ['100::', '100::ffff:ffff:ffff:ffff', null, null],
  ['2001::', `2001:0:${F6}`, `2000:${F7}`, null],
  ['2001::', `2001:1ff:${F6}`, `2000:${F7}`, '2001:200::'],
  ['2001:db8::', `2001:db8:${F6}`, `2001:db7:${F6}`, '2001:db9::'],
  ['2002::', `2002:${F7}`, `2001:${F7}`, '2003::'],
  ['3fff::', `3fff:fff:${F6}`, `3ffe:${F7}`, '3fff:1000::'],
  ['5f00::', `5f00:${F7}`, null, null],
  ['fc00::', `fdff:${F7}`, null, null],
  ['fe80::', `febf:${F7}`, null, null],
  ['ff00::', `ffff:${F7}`, null, null],
] as const

const SINGLE_REFUSED = [
  ['cloud metadata', '169.254.169.254'],
  ['cloud metadata over IPv6', 'fd00:ec2::254'],
  ['broadcast', '255.255.255.255'],
  ['6to4 around 10.0.0.1', '2002:a00:1::1'],
  ['NAT64 around 127.0.0.1', '64:ff9b::7f00:1'],
  ['NAT64 around a public address', '64:ff9b::808:808'],
  ['an IPv4-compatible address', '::7f00:1'],
  ['an IPv4-translated address', '::ffff:0:7f00:1'],
  ['site-local', 'fec0::1'],
  ['link-local with a zone', 'fe80::1%lo'],
  ['the last before global unicast', `1fff:${F7}`],
  ['the first after global unicast', '4000::'],
] as const

const NOT_ADDRESSES = ['', ' ', 'localhost', '127.1', '0x7f.0.0.1', '2130706433', '0177.0.0.1', '8.8.8.8.', '[::1]']

describe('an address is refused', () => {
  test.each([...RANGES_V4, ...RANGES_V6])('from %s to %s, and not next to it', (first, last, before, after) => {
    assert.equal(isAllowed(first, 443, []), false)
    assert.equal(isAllowed(last, 443, []), false)
    if (before !== null) assert.equal(isAllowed(before, 443, []), true)
    if (after !== null) assert.equal(isAllowed(after, 443, []), true)
  })

  test.each(SINGLE_REFUSED)('when it is %s', (_what, address) => {
    assert.equal(isAllowed(address, 443, []), false)
  })

  test.each(RANGES_V4)('in its IPv6 clothes too: %s to %s', (first, last, before, after) => {
    for (const address of [first, last]) {
      assert.equal(isAllowed(`::ffff:${address}`, 443, []), false)
      assert.equal(isAllowed(`::ffff:${hexPairs(address)}`, 443, []), false)
    }
    for (const address of [before, after]) {
      if (address !== null) assert.equal(isAllowed(`::ffff:${address}`, 443, []), true)
    }
  })

  test.each(NOT_ADDRESSES)('when it is not an address in its usual spelling: %j', (text) => {
    assert.equal(isAllowed(text, 443, [rule('0.0.0.0', 0)]), false)
  })

  test('with a reason that names the range', () => {
    expect(refusalOf('::ffff:10.0.0.1', 80, [])).toBe('10.0.0.1 is in 10.0.0.0/8, a private network (RFC 1918)')
    expect(refusalOf('fec0::1', 80, [])).toBe('fec0::1 is in ::/0, outside global unicast 2000::/3 (RFC 4291)')
    expect(refusalOf('8.8.8.8', 80, [])).toBeNull()
  })

  test('anywhere inside a refused range, on any port, whatever rules name other networks', () => {
    fc.assert(
      fc.property(refusedV4, fc.nat(65_535), fc.array(anyRule), (address, port, rules) => {
        fc.pre(!rules.some((given) => opens(given, address)))
        assert.equal(isAllowed(address, port, rules), false)
        assert.equal(isAllowed(`::ffff:${address}`, port, rules), false)
      }),
    )
    fc.assert(
      fc.property(refusedV6, fc.nat(65_535), (address, port) => {
        assert.equal(isAllowed(address, port, [rule('0.0.0.0', 0)]), false)
      }),
    )
  })
})

describe('a rule', () => {
  test('opens its network and nothing beside it', () => {
    const rules = [rule('10.1.0.0', 16)]
    assert.equal(isAllowed('10.1.0.0', 80, rules), true)
    assert.equal(isAllowed('10.1.255.255', 80, rules), true)
    assert.equal(isAllowed('::ffff:10.1.2.3', 80, rules), true)
    assert.equal(isAllowed('10.0.255.255', 80, rules), false)
    assert.equal(isAllowed('10.2.0.0', 80, rules), false)
  })

  test('with a port opens that port only', () => {
    const rules = [rule('127.0.0.1', 32, 9100), rule('::1', 128, 9100)]
    assert.equal(isAllowed('127.0.0.1', 9100, rules), true)
    assert.equal(isAllowed('::1', 9100, rules), true)
    assert.equal(isAllowed('127.0.0.1', 9101, rules), false)
    assert.equal(isAllowed('::1', 443, rules), false)
  })

  test('for IPv6 never opens IPv4, and the other way round', () => {
    assert.equal(isAllowed('127.0.0.1', 80, [rule('::', 0)]), false)
    assert.equal(isAllowed('::ffff:127.0.0.1', 80, [rule('::', 0)]), false)
    assert.equal(isAllowed('::1', 80, [rule('0.0.0.0', 0)]), false)
  })

  test('written down is read back as the same rule', () => {
    fc.assert(
      fc.property(fc.array(anyRule, { maxLength: 8 }), (rules) => {
        expect(parseEgressAllow(rules.map(formatAllowRule).join(', '))).toEqual(rules)
      }),
    )
  })
})

describe('PERMEA_EGRESS_ALLOW', () => {
  test.each<[string, AllowRule[]]>([
    ['', []],
    ['  ', []],
    ['10.1.0.0/16', [rule('10.1.0.0', 16)]],
    ['127.0.0.1/32:9100', [rule('127.0.0.1', 32, 9100)]],
    ['127.0.0.1:9100', [rule('127.0.0.1', 32, 9100)]],
    ['127.0.0.1', [rule('127.0.0.1', 32)]],
    ['[::1]/128:9100', [rule('::1', 128, 9100)]],
    ['[::1]:9100', [rule('::1', 128, 9100)]],
    ['[::1]', [rule('::1', 128)]],
    ['::1/128', [rule('::1', 128)]],
    ['::1', [rule('::1', 128)]],
    ['FD00:0::/8', [rule('fd00::', 8)]],
    ['0.0.0.0/0', [rule('0.0.0.0', 0)]],
    [' 10.1.0.0/16 ,\n::1/128 ', [rule('10.1.0.0', 16), rule('::1', 128)]],
  ])('reads %j', (text, rules) => {
    expect(parseEgressAllow(text)).toEqual(rules)
  })

  test.each([
    ['*', 'has a wildcard'],
    ['10.1.*.*', 'has a wildcard'],
    ['10.1.0.0/16,', 'is empty'],
    ['localhost', 'does not begin with an IP address'],
    ['localhost:9100', 'does not begin with an IP address'],
    ['10.1/16', 'does not begin with an IP address'],
    ['0x7f.0.0.1', 'does not begin with an IP address'],
    ['fe80::1%lo', 'does not begin with an IP address'],
    ['10.1.0.0/33', 'has a prefix longer than /32'],
    ['::1/129', 'has a prefix longer than /128'],
    ['10.1.2.3/16', 'is not the first address of its network: write 10.1.0.0/16'],
    ['fd00::1/8', 'is not the first address of its network: write fd00::/8'],
    ['10.1.0.0/16:0', 'has a port outside 1 to 65535'],
    ['10.1.0.0/16:65536', 'has a port outside 1 to 65535'],
    ['10.1.0.0/16:http', 'is not a network'],
    ['10.1.0.0/', 'is not a network'],
    ['http://10.1.0.0', 'is not a network'],
    ['[10.1.0.0]/16', 'has brackets around an IPv4 address'],
    ['::1/128:9100', 'needs brackets'],
    ['::ffff:10.1.0.0/112', 'is an IPv4 address in IPv6 form'],
  ])('refuses %j in one line that names the entry', (text, complaint) => {
    const parsed = parseEgressAllow(`192.168.0.0/16, ${text}`)
    assert.ok('problem' in parsed)
    expect(parsed.problem).toContain(complaint)
    expect(parsed.problem).toContain(JSON.stringify(text.endsWith(',') ? '' : text))
    expect(parsed.problem).not.toContain('\n')
  })

  test('is never read wrongly: any text gives rules that can be written down again, or a problem', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f:.[\]/,]{0,30}$/)), (text) => {
        const parsed = parseEgressAllow(text)
        if ('problem' in parsed) return
        expect(parseEgressAllow(parsed.map(formatAllowRule).join(','))).toEqual(parsed)
      }),
    )
  })
})

function rule(network: string, prefixBits: number, port: number | null = null): AllowRule {
  return { network, prefixBits, port }
}

function toNumber(v4: string): number {
  return v4.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

function toV4(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')
}

function hexPairs(v4: string): string {
  const value = toNumber(v4)
  return `${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`
}

function opens(given: AllowRule, v4: string): boolean {
  if (given.network.includes(':')) return false
  const size = 2 ** (32 - given.prefixBits)
  return Math.floor(toNumber(v4) / size) === Math.floor(toNumber(given.network) / size)
}

const refusedV4 = fc
  .constantFrom(...RANGES_V4)
  .chain(([first, last]) => fc.integer({ min: toNumber(first), max: toNumber(last) }).map(toV4))

const group = fc.nat(0xffff).map((value) => value.toString(16))
const refusedV6 = fc.oneof(
  fc
    .constantFrom(
      '64:ff9b:0:0:0:0',
      '64:ff9b:1:0:0:0',
      '100:0:0:0',
      '2001:0',
      '2001:db8',
      '2002',
      '5f00',
      'fdab',
      'fe81',
    )
    .chain((prefix) => {
      const missing = 8 - prefix.split(':').length
      return fc.array(group, { minLength: missing, maxLength: missing }).map((rest) => [prefix, ...rest].join(':'))
    }),
  fc
    .tuple(fc.integer({ min: 0x4000, max: 0xffff }), fc.array(group, { minLength: 7, maxLength: 7 }))
    .map(([first, rest]) => [first.toString(16), ...rest].join(':')),
)

const anyPort = fc.option(fc.integer({ min: 1, max: 65_535 }))
const anyRule = fc.oneof(
  fc.record({ value: fc.nat(0xffffffff), prefixBits: fc.nat(32), port: anyPort }).map(({ value, prefixBits, port }) => {
    const size = 2 ** (32 - prefixBits)
    return rule(toV4(Math.floor(value / size) * size), prefixBits, port)
  }),
  fc.constantFrom(rule('::1', 128), rule('::', 0), rule('fd00::', 8), rule('fd12:3456::', 32, 443)),
)
