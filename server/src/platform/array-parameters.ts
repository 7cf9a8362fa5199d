/**
 * Lists as parameters of a statement, in PostgreSQL's binary format. As text, every element is escaped here and taken
 * apart again there, which for events of 1 KB costs more than storing them.
 *
 * @source PostgreSQL `array_recv`: dimensions, whether there are nulls, element type, length, lower bound, elements
 */
const HEAD_BYTES = 20
const NULL_LENGTH = -1

const TYPE = {
  boolean: 16,
  bytea: 17,
  smallint: 21,
  integer: 23,
  text: 25,
  real: 700,
  timestamptz: 1184,
  uuid: 2950,
} as const

/** For `$n::uuid[]`. */
export function uuids(values: readonly (string | null)[]): Buffer {
  return ofFixed('uuid', 16, values, writeUuid)
}

/** For `$n::text[]`. */
export function texts(values: readonly (string | null)[]): Buffer {
  const lengths = values.map((value) => (value === null ? NULL_LENGTH : Buffer.byteLength(value)))
  const list = allocate(
    'text',
    values.length,
    lengths.reduce((sum, length) => sum + 4 + Math.max(0, length), 0),
  )
  let at = HEAD_BYTES
  for (const [index, value] of values.entries()) {
    const length = lengths[index] ?? NULL_LENGTH
    at = list.writeInt32BE(length, at)
    if (value !== null) at += list.write(value, at, length, 'utf8')
  }
  return list
}

/** For `$n::bytea[]`. */
export function byteas(values: readonly Buffer[]): Buffer {
  const bytes = values.reduce((sum, value) => sum + 4 + value.length, 0)
  const list = allocate('bytea', values.length, bytes)
  let at = HEAD_BYTES
  for (const value of values) {
    at = list.writeInt32BE(value.length, at)
    at += value.copy(list, at)
  }
  return list
}

/** For `$n::timestamptz[]`, to the millisecond. */
export function moments(values: readonly (Date | null)[]): Buffer {
  return ofFixed('timestamptz', 8, values, (list, value, at) => {
    const microseconds = (value.getTime() - POSTGRES_EPOCH_MS) * 1000
    list.writeInt32BE(Math.floor(microseconds / 2 ** 32), at)
    list.writeUInt32BE(((microseconds % 2 ** 32) + 2 ** 32) % 2 ** 32, at + 4)
  })
}

const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1)

/** For `$n::integer[]`. */
export function integers(values: readonly (number | null)[]): Buffer {
  return ofFixed('integer', 4, values, (list, value, at) => list.writeInt32BE(value, at))
}

/** For `$n::smallint[]`. */
export function smallints(values: readonly (number | null)[]): Buffer {
  return ofFixed('smallint', 2, values, (list, value, at) => list.writeInt16BE(value, at))
}

/** For `$n::real[]`. */
export function reals(values: readonly (number | null)[]): Buffer {
  return ofFixed('real', 4, values, (list, value, at) => list.writeFloatBE(value, at))
}

/** For `$n::boolean[]`. */
export function booleans(values: readonly (boolean | null)[]): Buffer {
  return ofFixed('boolean', 1, values, (list, value, at) => list.writeUInt8(value ? 1 : 0, at))
}

function ofFixed<T>(
  type: keyof typeof TYPE,
  bytes: number,
  values: readonly (T | null)[],
  write: (list: Buffer, value: T, at: number) => void,
): Buffer {
  let present = 0
  for (const value of values) if (value !== null) present += 1
  const list = allocate(type, values.length, values.length * 4 + present * bytes)
  let at = HEAD_BYTES
  for (const value of values) {
    at = list.writeInt32BE(value === null ? NULL_LENGTH : bytes, at)
    if (value === null) continue
    write(list, value, at)
    at += bytes
  }
  return list
}

/** Room for a list, its head written. One that may hold nulls says so whether it does or not: that is allowed. */
function allocate(type: keyof typeof TYPE, count: number, bytes: number): Buffer {
  const list = Buffer.allocUnsafe(count === 0 ? 12 : HEAD_BYTES + bytes)
  list.writeInt32BE(count === 0 ? 0 : 1, 0)
  list.writeInt32BE(count === 0 ? 0 : 1, 4)
  list.writeInt32BE(TYPE[type], 8)
  if (count > 0) {
    list.writeInt32BE(count, 12)
    list.writeInt32BE(1, 16)
  }
  return list
}

const NIBBLES = new Uint8Array(128)
for (const [value, digit] of [...'0123456789abcdef'].entries()) {
  NIBBLES[digit.charCodeAt(0)] = value
  NIBBLES[digit.toUpperCase().charCodeAt(0)] = value
}

function writeUuid(list: Buffer, uuid: string, at: number): void {
  let digit = 0
  for (let byte = 0; byte < 16; byte += 1) {
    if (byte === 4 || byte === 6 || byte === 8 || byte === 10) digit += 1
    list[at + byte] = ((NIBBLES[uuid.charCodeAt(digit)] ?? 0) << 4) | (NIBBLES[uuid.charCodeAt(digit + 1)] ?? 0)
    digit += 2
  }
}
