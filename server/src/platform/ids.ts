import { randomUUID } from 'node:crypto'
import { TypeID } from 'typeid-js'
import type { Clock } from './clock.ts'
import { blockOfRandomBytes } from './random-bytes.ts'

/** Makes identifiers: UUIDv7 in the database, so that rows sort and partition by the time they were made. */
export interface Ids {
  next(): string
}

/**
 * Time-ordered identifiers from the given clock. Within one process they are strictly increasing,
 * also while the clock stands still or is set back, because a cursor walks them.
 *
 * @source RFC 9562 section 5.7 (UUIDv7, monotonic counter in rand_a/rand_b)
 */
export function createIds(clock: Clock): Ids {
  let lastMs = 0
  let sequence = 0
  return {
    next() {
      const nowMs = clock.now().getTime()
      if (nowMs > lastMs) {
        lastMs = nowMs
        sequence = blockOfRandomBytes(4).readUInt32BE() >>> 2
      } else {
        sequence += 1
      }
      return uuidOf(lastMs, sequence)
    },
  }
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const hex = (byte: number) => HEX[byte & 0xff] ?? ''

/** The moment, the counter in 32 bits (12 of rand_a and the first 20 of rand_b), 42 random bits. */
function uuidOf(ms: number, counter: number): string {
  const randomness = blockOfRandomBytes(6)
  const random = (index: number) => randomness[index] ?? 0
  const moment = ms.toString(16).padStart(12, '0')
  const node = hex((counter << 2) | (random(0) & 3)) + hex(random(1)) + hex(random(2)) + hex(random(3)) + hex(random(4))
  return `${moment.slice(0, 8)}-${moment.slice(8)}-${hex(0x70 | (counter >>> 28))}${hex(counter >>> 20)}-${hex(0x80 | ((counter >>> 14) & 0x3f))}${hex(counter >>> 6)}-${node}${hex(random(5))}`
}

/** The unguessable part of a webhook URL: random, never derived from an id. */
export function secretUuid(): string {
  return randomUUID()
}

/** What stands before the `_` of an identifier on the wire. */
export type Prefix =
  | 'ws'
  | 'key'
  | 'usr'
  | 'inv'
  | 'ses'
  | 'cus'
  | 'int'
  | 'con'
  | 'aet'
  | 'aes'
  | 'aev'
  | 'bsr'
  | 'req'
  | 'uf'
  | 'if'
  | 'cf'
  | 'fr'
  | 'nr'
  | 'ne'
  | 'dlv'
  | 'msg'
  | 'att'
  | 'rpl'
  | 'alrt'
  | 'cnr'
  | 'crq'
  | 'clg'
  | 'fnc'
  | 'eal'
  | 'eet'
  | 'ees'
  | 'iwh'
  | 'eev'
  | 'act'
  | 'arl'
  | 'ds'
  | 'fm'
  | 'ads'
  | 'dlt'
  | 'dl'
  | 'eep'
  | 'job'
  | 'rrq'
  | 'isa'
  | 'ers'
  | 'wdl'
  | 'aud'

/**
 * Writes a database id as the prefixed identifier of the wire, for example `fr_01h455vb4pex5vsknk084sn02q`.
 *
 * @source TypeID specification 0.3; prefixes as in the seeds (`con_`, `int_`, `fr_`, `cf_`, `if_`, `alrt_`, `ws_`)
 */
export function toWire(prefix: Prefix, uuid: string): string {
  const digits = uuid.replaceAll('-', '')
  let suffix = base32Pair(Number.parseInt(digits.slice(0, 2), 16))
  for (let at = 2; at < 32; at += 5) {
    const bits = Number.parseInt(digits.slice(at, at + 5), 16)
    suffix += base32Pair(bits >>> 10) + base32Pair(bits & 0x3ff)
  }
  return `${prefix}_${suffix}`
}

/** 128 bits are two digits of base 32 for the first byte, then four for each 20 bits. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const PAIRS = Array.from({ length: 1024 }, (_, bits) => ALPHABET.charAt(bits >>> 5) + ALPHABET.charAt(bits & 31))

function base32Pair(bits: number): string {
  const pair = PAIRS[bits]
  if (pair === undefined) throw new Error('this is not a uuid')
  return pair
}

/** Reads an identifier of the wire; null where it is not one with one of these prefixes. */
export function fromWire(prefixes: Prefix | readonly Prefix[], text: string): string | null {
  const wanted: readonly string[] = typeof prefixes === 'string' ? [prefixes] : prefixes
  const cut = text.lastIndexOf('_')
  if (cut < 0 || !wanted.includes(text.slice(0, cut))) return null
  try {
    return TypeID.fromString(text).toUUID()
  } catch {
    return null
  }
}

/** The smallest UUIDv7 that a moment can have: the bound of a partition, the edge of a time filter. */
export function lowestIdAt(at: Date): string {
  const hex = Math.max(0, at.getTime()).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-0000-0000-000000000000`
}

/** An id that no row has: what a filter asks for when its identifier cannot be read, so that it finds nothing. */
export const NO_ID = '00000000-0000-0000-0000-000000000000'

/** The moment that a UUIDv7 was made at. */
export function timeOfId(uuid: string): Date {
  return new Date(Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16))
}
