import { randomBytes, randomUUID } from 'node:crypto'
import { TypeID } from 'typeid-js'
import { v7 } from 'uuid'
import type { Clock } from './clock.ts'

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
        sequence = randomBytes(4).readUInt32BE() >>> 2
      } else {
        sequence += 1
      }
      return v7({ msecs: lastMs, seq: sequence })
    },
  }
}

/** The unguessable part of a webhook URL: random, never derived from an id. */
export function secretUuid(): string {
  return randomUUID()
}

/** What stands before the `_` of an identifier on the wire. */
export type Prefix =
  | 'ws'
  | 'cus'
  | 'int'
  | 'con'
  | 'aet'
  | 'aes'
  | 'aev'
  | 'req'
  | 'uf'
  | 'if'
  | 'cf'
  | 'fr'
  | 'nr'
  | 'key'

/**
 * Writes a database id as the prefixed identifier of the wire, for example `fr_01h455vb4pex5vsknk084sn02q`.
 *
 * @source TypeID specification 0.3; prefixes as in the seeds (`con_`, `int_`, `fr_`, `cf_`, `if_`, `alrt_`, `ws_`)
 */
export function toWire(prefix: Prefix, uuid: string): string {
  return TypeID.fromUUID(prefix, uuid).toString()
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

/** The moment that a UUIDv7 was made at. */
export function timeOfId(uuid: string): Date {
  return new Date(Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16))
}
