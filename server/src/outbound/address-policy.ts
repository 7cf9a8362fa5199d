import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** One opening the operator made: every address of the network, on one port or on all of them (`null`). */
export type AllowRule = { network: string; prefixBits: number; port: number | null }

/**
 * Whether the engine may open a connection to this address and port.
 *
 * An address of a refused range is allowed only where a rule names it; anything that is not exactly one IP address in
 * its usual spelling (no octal, no hexadecimal, no host name) is refused. Give it what a lookup or a socket said, never
 * what a user typed.
 *
 * @source seeds/002 "rejects loopback, link-local, private"; RFC 6890 and the IANA special-purpose registries
 */
export function isAllowed(address: string, port: number, rules: readonly AllowRule[]): boolean {
  return refusalOf(address, port, rules) === null
}

/**
 * Why the engine may not connect to this address and port, as the middle of a sentence
 * ("10.0.0.1 is in 10.0.0.0/8, a private network"); null where it may.
 */
export function refusalOf(address: string, port: number, rules: readonly AllowRule[]): string | null {
  const ip = parseStrictly(address)
  if (ip === null) return 'not an IP address'
  if (rules.some((rule) => isOpenedBy(rule, ip, port))) return null
  const range = refusedRangeOf(ip)
  if (range === null) return null
  return `${ip.toString()} is in ${range.cidr}, ${range.meaning}`
}

/**
 * Reads `PERMEA_EGRESS_ALLOW`: networks separated by commas, each with an optional port, as in
 * `10.1.0.0/16, 127.0.0.1/32:9100, [::1]/128:9100`. A single address may leave out its prefix length.
 * An empty text opens nothing. There is no wildcard, and a network must be written by its first address, so that a
 * slip of the finger opens nothing unexpected.
 *
 * @returns the rules, or one line that names the first wrong entry and what is wrong with it
 */
export function parseEgressAllow(text: string): AllowRule[] | { problem: string } {
  const rules: AllowRule[] = []
  if (text.trim() === '') return rules
  for (const part of text.split(',')) {
    const entry = part.trim()
    const rule = parseEntry(entry)
    if (typeof rule === 'string') return { problem: `PERMEA_EGRESS_ALLOW: ${JSON.stringify(entry)} ${rule}` }
    rules.push(rule)
  }
  return rules
}

/** Writes a rule the way `parseEgressAllow` reads it. */
export function formatAllowRule(rule: AllowRule): string {
  const isV6 = rule.network.includes(':')
  if (rule.port === null) return `${rule.network}/${rule.prefixBits}`
  return `${isV6 ? `[${rule.network}]` : rule.network}/${rule.prefixBits}:${rule.port}`
}

type Address = ipaddr.IPv4 | ipaddr.IPv6
type RefusedRange = { cidr: string; meaning: string }

/** Every IPv4 range that is not a public unicast address. */
const REFUSED_V4: readonly RefusedRange[] = [
  { cidr: '0.0.0.0/8', meaning: 'this host (RFC 791)' },
  { cidr: '10.0.0.0/8', meaning: 'a private network (RFC 1918)' },
  { cidr: '100.64.0.0/10', meaning: 'carrier-grade NAT (RFC 6598)' },
  { cidr: '127.0.0.0/8', meaning: 'loopback (RFC 1122)' },
  { cidr: '169.254.0.0/16', meaning: 'link-local, where clouds keep their metadata (RFC 3927)' },
  { cidr: '172.16.0.0/12', meaning: 'a private network (RFC 1918)' },
  { cidr: '192.0.0.0/24', meaning: 'protocol assignments (RFC 6890)' },
  { cidr: '192.0.2.0/24', meaning: 'documentation (RFC 5737)' },
  { cidr: '192.88.99.0/24', meaning: 'the former 6to4 relays (RFC 7526)' },
  { cidr: '192.168.0.0/16', meaning: 'a private network (RFC 1918)' },
  { cidr: '198.18.0.0/15', meaning: 'benchmarking (RFC 2544)' },
  { cidr: '198.51.100.0/24', meaning: 'documentation (RFC 5737)' },
  { cidr: '203.0.113.0/24', meaning: 'documentation (RFC 5737)' },
  { cidr: '224.0.0.0/4', meaning: 'multicast (RFC 5771)' },
  { cidr: '240.0.0.0/4', meaning: 'reserved and broadcast (RFC 1112)' },
]

/**
 * Every IPv6 range with a meaning of its own that is refused. NAT64 and 6to4 carry an IPv4 address; they are refused
 * whole rather than looked into, because no receiver needs to be reached that way.
 */
const REFUSED_V6: readonly RefusedRange[] = [
  { cidr: '::/128', meaning: 'unspecified (RFC 4291)' },
  { cidr: '::1/128', meaning: 'loopback (RFC 4291)' },
  { cidr: '64:ff9b::/96', meaning: 'NAT64 (RFC 6052)' },
  { cidr: '64:ff9b:1::/48', meaning: 'local NAT64 (RFC 8215)' },
  { cidr: '100::/64', meaning: 'discard (RFC 6666)' },
  { cidr: '2001::/32', meaning: 'Teredo (RFC 4380)' },
  { cidr: '2001::/23', meaning: 'protocol assignments (RFC 2928)' },
  { cidr: '2001:db8::/32', meaning: 'documentation (RFC 3849)' },
  { cidr: '2002::/16', meaning: '6to4 (RFC 3056)' },
  { cidr: '3fff::/20', meaning: 'documentation (RFC 9637)' },
  { cidr: '5f00::/16', meaning: 'segment routing (RFC 9602)' },
  { cidr: 'fc00::/7', meaning: 'a private network (RFC 4193)' },
  { cidr: 'fe80::/10', meaning: 'link-local (RFC 4291)' },
  { cidr: 'ff00::/8', meaning: 'multicast (RFC 4291)' },
]

const PARSED_V4 = REFUSED_V4.map((range) => ({ ...range, network: ipaddr.IPv4.parseCIDR(range.cidr) }))
const PARSED_V6 = REFUSED_V6.map((range) => ({ ...range, network: ipaddr.IPv6.parseCIDR(range.cidr) }))

/** All of IPv6 that is handed out for public use; what lies outside is refused even where it has no name yet. */
const GLOBAL_UNICAST_V6 = ipaddr.IPv6.parseCIDR('2000::/3')

function refusedRangeOf(ip: Address): RefusedRange | null {
  if (ip.kind() === 'ipv4') return PARSED_V4.find(({ network }) => ip.match(network)) ?? null
  const named = PARSED_V6.find(({ network }) => ip.match(network))
  if (named !== undefined) return named
  return ip.match(GLOBAL_UNICAST_V6) ? null : { cidr: '::/0', meaning: 'outside global unicast 2000::/3 (RFC 4291)' }
}

/** An IPv4 address in IPv6 clothes (`::ffff:10.0.0.1`) is judged as the IPv4 address that would be connected to. */
function parseStrictly(address: string): Address | null {
  if (isIP(address) === 0) return null
  const ip = ipaddr.parse(address)
  return ip instanceof ipaddr.IPv6 && ip.isIPv4MappedAddress() ? ip.toIPv4Address() : ip
}

function isOpenedBy(rule: AllowRule, ip: Address, port: number): boolean {
  if (rule.port !== null && rule.port !== port) return false
  const network = ipaddr.parse(rule.network)
  return network.kind() === ip.kind() && ip.match([network, rule.prefixBits])
}

const ENTRY = /^(?:\[(?<bracketed>[^\]]*)\]|(?<bare>[^[\]/]*?))(?:\/(?<bits>\d{1,3}))?(?::(?<port>\d{1,6}))?$/

/** One entry as a rule, or what is wrong with it. */
function parseEntry(entry: string): AllowRule | string {
  if (entry === '') return 'is empty: remove the extra comma'
  if (entry.includes('*')) return 'has a wildcard: write the network, as in 10.1.0.0/16'
  // Only an entry without brackets and prefix can be taken for IPv6 as a whole: `::1`, not `::1` with port 1.
  const groups = isIP(entry) === 6 ? { bare: entry } : ENTRY.exec(entry)?.groups
  if (groups === undefined) return 'is not a network: write 10.1.0.0/16, 127.0.0.1/32:9100 or [::1]/128:9100'
  const written = groups.bracketed ?? groups.bare ?? ''
  const family = written.includes('%') ? 0 : isIP(written)
  if (family === 0) return 'does not begin with an IP address: write 10.1.0.0/16, 127.0.0.1/32:9100 or [::1]/128:9100'
  if (groups.bracketed !== undefined && family === 4) return 'has brackets around an IPv4 address: remove them'
  const port = groups.port === undefined ? null : Number(groups.port)
  if (port !== null && (port < 1 || port > 65_535)) return 'has a port outside 1 to 65535'
  if (port !== null && family === 6 && groups.bracketed === undefined) {
    return 'needs brackets around an IPv6 address with a port, as in [::1]/128:9100'
  }
  const widestBits = family === 4 ? 32 : 128
  const prefixBits = groups.bits === undefined ? widestBits : Number(groups.bits)
  if (prefixBits > widestBits) return `has a prefix longer than /${widestBits}`
  return networkRule(ipaddr.parse(written), prefixBits, port)
}

function networkRule(ip: Address, prefixBits: number, port: number | null): AllowRule | string {
  if (ip instanceof ipaddr.IPv6 && ip.isIPv4MappedAddress()) return 'is an IPv4 address in IPv6 form: write it as IPv4'
  const cidr = `${ip.toString()}/${prefixBits}`
  const first =
    ip.kind() === 'ipv4' ? ipaddr.IPv4.networkAddressFromCIDR(cidr) : ipaddr.IPv6.networkAddressFromCIDR(cidr)
  if (first.toString() !== ip.toString()) {
    return `is not the first address of its network: write ${first.toString()}/${prefixBits}, or a longer prefix`
  }
  return { network: ip.toString(), prefixBits, port }
}
