import { randomFillSync } from 'node:crypto'

/** Drawn in advance, since every draw from the system costs more than the few bytes that are wanted. */
const DRAWN_BYTES = 4096
let drawn = Buffer.alloc(0)
let used = 0

/** Unguessable bytes for what needs few of them often, such as nonces. No byte is given twice. */
export function blockOfRandomBytes(bytes: number): Buffer {
  if (used + bytes > drawn.length) {
    drawn = randomFillSync(Buffer.allocUnsafeSlow(Math.max(bytes, DRAWN_BYTES)))
    used = 0
  }
  used += bytes
  return drawn.subarray(used - bytes, used)
}
