import { bytesBehind, defineProperty, host, isArray, NativeArrayBuffer, toLower, toText } from './intrinsics.ts'

const ENCODINGS: Readonly<Record<string, string>> = {
  utf8: 'utf8',
  'utf-8': 'utf8',
  hex: 'hex',
  base64: 'base64',
  base64url: 'base64url',
  latin1: 'latin1',
  binary: 'latin1',
  ascii: 'ascii',
  utf16le: 'utf16le',
  'utf-16le': 'utf16le',
  ucs2: 'utf16le',
  'ucs-2': 'utf16le',
}

function encodingOf(encoding: unknown): string {
  const known = ENCODINGS[toLower(toText(encoding ?? 'utf8'))]
  if (known === undefined) throw new TypeError(`Unknown encoding: ${toText(encoding)}`)
  return known
}

type Bytes = ArrayBufferView | ArrayBuffer
type Fill = string | number | Uint8Array

/**
 * Node's `Buffer`. What of it is not here throws where it is used: nothing does something else than in Node.
 *
 * @source Node.js 24, documentation of `buffer`
 */
export class Buffer extends Uint8Array<ArrayBuffer> {
  constructor(value?: unknown, start?: unknown, length?: unknown) {
    if (typeof value === 'string' || (isArray(value) && start === undefined)) {
      const made = Buffer.from(value, start)
      super(made.buffer, made.byteOffset, made.byteLength)
    } else if (value instanceof NativeArrayBuffer)
      super(value, start as number | undefined, length as number | undefined)
    else if (typeof value === 'number' || value === undefined) super(new NativeArrayBuffer(value ?? 0))
    else {
      const made = Buffer.from(value)
      super(made.buffer, made.byteOffset, made.byteLength)
    }
  }

  static override from(value: unknown, encoding?: unknown, length?: unknown): Buffer {
    if (typeof value === 'string')
      return wrap(host.decode(value, typeof encoding === 'string' && encoding !== '' ? encodingOf(encoding) : 'utf8'))
    if (value instanceof NativeArrayBuffer) {
      const start = Number(encoding ?? 0)
      if (start > value.byteLength) throw new RangeError('"offset" is outside of buffer bounds')
      const left = value.byteLength - start
      const wanted = length === undefined ? left : Number(length)
      if (wanted > left) throw new RangeError('"length" is outside of buffer bounds')
      return new Buffer(value, start, wanted > 0 ? wanted : 0)
    }
    if (ArrayBuffer.isView(value)) return fromNumbers(value as unknown as ArrayLike<unknown>)
    if (typeof value === 'object' && value !== null) return fromObject(value, encoding, length)
    throw new TypeError('The first argument must be of type string or an instance of Buffer, ArrayBuffer, or Array')
  }

  static override of(...items: number[]): Buffer {
    return fromNumbers(items)
  }

  static alloc(size: number, fill?: Fill, encoding?: string): Buffer {
    const made = ofSize(size)
    return fill === undefined || fill === 0 ? made : made.fill(fill, encoding)
  }

  static allocUnsafe(size: number): Buffer {
    return ofSize(size)
  }

  static allocUnsafeSlow(size: number): Buffer {
    return ofSize(size)
  }

  static concat(list: readonly Uint8Array[], length?: number): Buffer {
    if (!isArray(list)) throw new TypeError('The "list" argument must be an instance of Array')
    let total = 0
    for (let index = 0; index < list.length; index += 1) {
      if (!(list[index] instanceof Uint8Array))
        throw new TypeError(`The "list[${index}]" argument must be an instance of Buffer or Uint8Array`)
      total += list[index]?.byteLength ?? 0
    }
    const made = ofSize(length ?? total)
    let offset = 0
    for (let index = 0; index < list.length; index += 1) {
      const part = list[index]
      if (part === undefined || offset >= made.length) continue
      made.set(part.subarray(0, made.length - offset), offset)
      offset += part.byteLength
    }
    return made
  }

  static byteLength(value: unknown, encoding?: unknown): number {
    if (typeof value === 'string') return lengthOf(value, encoding)
    if (value instanceof NativeArrayBuffer || ArrayBuffer.isView(value)) return value.byteLength
    throw new TypeError('The "string" argument must be of type string or an instance of Buffer or ArrayBuffer')
  }

  static isBuffer(value: unknown): value is Buffer {
    return value instanceof Buffer
  }

  static isEncoding(encoding: unknown): boolean {
    return typeof encoding === 'string' && ENCODINGS[toLower(encoding)] !== undefined
  }

  static compare(one: Uint8Array, other: Uint8Array): number {
    if (!(one instanceof Uint8Array) || !(other instanceof Uint8Array))
      throw new TypeError('Buffer.compare compares buffers')
    const length = one.length < other.length ? one.length : other.length
    for (let index = 0; index < length; index += 1) {
      const [left = 0, right = 0] = [one[index], other[index]]
      if (left !== right) return left < right ? -1 : 1
    }
    return one.length === other.length ? 0 : one.length < other.length ? -1 : 1
  }

  get parent(): ArrayBuffer {
    return this.buffer
  }

  get offset(): number {
    return this.byteOffset
  }

  override toString(encoding?: unknown, start = 0, end = this.length): string {
    const from = Math.max(0, Math.trunc(start) || 0)
    const to = Math.max(from, Math.min(this.length, Math.trunc(end) || 0))
    return host.encode(this.subarray(from, to), encodingOf(encoding))
  }

  override toLocaleString(encoding?: unknown): string {
    return this.toString(encoding)
  }

  equals(other: Uint8Array): boolean {
    if (!(other instanceof Uint8Array))
      throw new TypeError('The "otherBuffer" argument must be an instance of Buffer or Uint8Array')
    return Buffer.compare(this, other) === 0
  }

  compare(target: Uint8Array, targetStart = 0, targetEnd = target.length, start = 0, end = this.length): number {
    return Buffer.compare(this.subarray(start, end), target.subarray(targetStart, targetEnd))
  }

  toJSON(): { type: 'Buffer'; data: number[] } {
    const data: number[] = []
    for (let index = 0; index < this.length; index += 1) data[index] = this[index] ?? 0
    return { type: 'Buffer', data }
  }

  /** A view of the same bytes, unlike that of a `Uint8Array`. */
  override slice(start?: number, end?: number): Buffer {
    return this.subarray(start, end) as Buffer
  }

  copy(target: Uint8Array, targetStart = 0, start = 0, end = this.length): number {
    if (start < 0 || start > this.length) throw new RangeError('The value of "sourceStart" is out of range')
    const part = this.subarray(start, Math.max(start, Math.min(end, this.length)))
    const fitting = part.subarray(0, Math.max(0, target.length - targetStart))
    target.set(fitting, targetStart)
    return fitting.length
  }

  override fill(value: unknown, start?: unknown, end?: unknown, encoding?: unknown): this {
    const named = typeof start === 'string' ? start : typeof end === 'string' ? end : encoding
    const from = typeof start === 'number' ? start : 0
    const to = typeof end === 'number' ? end : this.length
    if (from < 0 || to > this.length) throw new RangeError('The value of "offset" is out of range')
    const bytes = typeof value === 'string' ? Buffer.from(value, named) : value instanceof Uint8Array ? value : null
    if (bytes === null) return super.fill(Number(value) & 255, from, to)
    if (bytes.length === 0 && typeof value !== 'string') throw new TypeError('The argument "value" is invalid')
    for (let index = from; index < to; index += 1) this[index] = bytes[(index - from) % (bytes.length || 1)] ?? 0
    return this
  }

  write(text: string, offset?: unknown, length?: unknown, encoding?: unknown): number {
    const named = typeof offset === 'string' ? offset : typeof length === 'string' ? length : encoding
    const from = typeof offset === 'number' ? offset : 0
    if (from > this.length) throw new RangeError('The value of "offset" is out of range')
    const room = Math.min(this.length - from, typeof length === 'number' ? length : this.length)
    let bytes = Buffer.from(text, named)
    if (bytes.length > room) bytes = bytes.subarray(0, wholeCharacters(bytes, room, encodingOf(named))) as Buffer
    this.set(bytes, from)
    return bytes.length
  }

  override indexOf(value: unknown, from?: unknown, encoding?: unknown): number {
    const [start, named] = typeof from === 'string' ? [0, from] : [Number(from ?? 0), encoding]
    const sought = soughtBytes(value, named)
    const first = start < 0 ? Math.max(0, this.length + start) : start || 0
    if (sought.length === 0) return Math.min(first, this.length)
    for (let at = Math.trunc(first); at + sought.length <= this.length; at += 1) if (isAt(this, sought, at)) return at
    return -1
  }

  override lastIndexOf(value: unknown, from?: unknown, encoding?: unknown): number {
    const [start, named] = typeof from === 'string' ? [this.length, from] : [Number(from ?? this.length), encoding]
    const sought = soughtBytes(value, named)
    const last = Math.min(
      Number.isNaN(start) ? this.length : start < 0 ? this.length + start : start,
      this.length - sought.length,
    )
    for (let at = Math.trunc(last); at >= 0; at -= 1) if (isAt(this, sought, at)) return at
    return -1
  }

  override includes(value: unknown, from?: unknown, encoding?: unknown): boolean {
    return this.indexOf(value, from, encoding) !== -1
  }

  readUIntBE(offset: number, length: number): number {
    return Number(readInteger(this, { offset, length, isLittle: false }))
  }

  readUIntLE(offset: number, length: number): number {
    return Number(readInteger(this, { offset, length, isLittle: true }))
  }

  readIntBE(offset: number, length: number): number {
    return Number(BigInt.asIntN(8 * length, readInteger(this, { offset, length, isLittle: false })))
  }

  readIntLE(offset: number, length: number): number {
    return Number(BigInt.asIntN(8 * length, readInteger(this, { offset, length, isLittle: true })))
  }

  swap16(): this {
    return swapped(this, 2)
  }

  swap32(): this {
    return swapped(this, 4)
  }

  swap64(): this {
    return swapped(this, 8)
  }
}

function fromObject(value: object, encoding: unknown, length: unknown): Buffer {
  const primitive = (value as { valueOf(): unknown }).valueOf()
  if (primitive !== value && typeof primitive !== 'object') return Buffer.from(primitive, encoding, length)
  const { data, type, length: own } = value as { data?: unknown; type?: unknown; length?: unknown }
  if (isArray(value) || typeof own === 'number') return fromNumbers(value as ArrayLike<unknown>)
  if (type === 'Buffer' && isArray(data)) return fromNumbers(data as unknown[])
  throw new TypeError('The first argument must be of type string or an instance of Buffer, ArrayBuffer, or Array')
}

function fromNumbers(list: ArrayLike<unknown>): Buffer {
  const made = ofSize(list.length)
  if (list instanceof Uint8Array) made.set(list)
  else for (let index = 0; index < list.length; index += 1) made[index] = Number(list[index])
  return made
}

function ofSize(bytes: unknown): Buffer {
  if (typeof bytes !== 'number') throw new TypeError('The "size" argument must be of type number')
  if (!(bytes >= 0)) throw new RangeError('The value of "size" is out of range')
  return new Buffer(new NativeArrayBuffer(Math.trunc(bytes)))
}

function soughtBytes(value: unknown, encoding: unknown): Uint8Array {
  if (typeof value === 'number') return Uint8Array.of(value & 255)
  if (typeof value === 'string') return Buffer.from(value, encoding)
  if (value instanceof Uint8Array) return value
  throw new TypeError('The "value" argument must be one of type number or string or an instance of Buffer')
}

function isAt(bytes: Uint8Array, sought: Uint8Array, at: number): boolean {
  for (let index = 0; index < sought.length; index += 1) if (bytes[at + index] !== sought[index]) return false
  return true
}

/** As Node reckons it, which looks at the length of the text alone: what is no hex or base64 in it counts as well. */
function lengthOf(text: string, encoding: unknown): number {
  const known = ENCODINGS[toLower(toText(encoding))]
  if (known === 'latin1' || known === 'ascii') return text.length
  if (known === 'utf16le') return 2 * text.length
  if (known === 'hex') return text.length >>> 1
  if (known !== 'base64' && known !== 'base64url') return host.decode(text, 'utf8').byteLength
  const padding = text.length > 1 && text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  return ((text.length - padding) * 3) >>> 2
}

/** How many of the bytes fit without a character in pieces. */
function wholeCharacters(bytes: Uint8Array, room: number, encoding: string): number {
  if (encoding === 'utf16le') return room - (room % 2)
  let end = room
  if (encoding === 'utf8') while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1
  return end
}

function readInteger(
  bytes: Uint8Array,
  { offset, length, isLittle }: { offset: number; length: number; isLittle: boolean },
): bigint {
  if (!(length >= 1 && length <= 6)) throw new RangeError('The value of "byteLength" is out of range')
  if (!(offset >= 0 && offset + length <= bytes.length)) throw new RangeError('The value of "offset" is out of range')
  let value = 0n
  for (let index = 0; index < length; index += 1)
    value = value * 256n + BigInt(bytes[isLittle ? offset + length - 1 - index : offset + index] ?? 0)
  return value
}

function swapped<Swapped extends Uint8Array>(bytes: Swapped, width: number): Swapped {
  if (bytes.length % width !== 0) throw new RangeError(`Buffer size must be a multiple of ${width * 8}-bits`)
  for (let from = 0; from < bytes.length; from += width) bytes.subarray(from, from + width).reverse()
  return bytes
}

/** Node's names for numbers of fixed size, and what `DataView` calls them. */
const NUMBERS: readonly [node: string, view: string, bytes: number][] = [
  ['UInt8', 'Uint8', 1],
  ['Int8', 'Int8', 1],
  ['UInt16', 'Uint16', 2],
  ['Int16', 'Int16', 2],
  ['UInt32', 'Uint32', 4],
  ['Int32', 'Int32', 4],
  ['BigUInt64', 'BigUint64', 8],
  ['BigInt64', 'BigInt64', 8],
  ['Float', 'Float32', 4],
  ['Double', 'Float64', 8],
]

function addNumbers(): void {
  const methods = DataView.prototype as unknown as Record<string, (...args: unknown[]) => unknown>
  for (const [node, view, bytes] of NUMBERS)
    for (const order of bytes === 1 ? [''] : ['LE', 'BE']) {
      const viewOf = (buffer: Buffer, offset: unknown) => {
        if (typeof offset !== 'number') throw new TypeError('The "offset" argument must be of type number')
        if (!(offset >= 0 && offset + bytes <= buffer.length))
          throw new RangeError('The value of "offset" is out of range')
        return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
      }
      function read(this: Buffer, offset: unknown = 0) {
        return methods[`get${view}`]?.call(viewOf(this, offset), offset, order === 'LE')
      }
      function write(this: Buffer, value: unknown, offset: unknown = 0) {
        if (!isInRange(node, bytes, value)) throw new RangeError('The value of "value" is out of range')
        methods[`set${view}`]?.call(viewOf(this, offset), offset, value, order === 'LE')
        return (offset as number) + bytes
      }
      for (const name of [node, node.replace('UInt', 'Uint')]) {
        defineProperty(Buffer.prototype, `read${name}${order}`, { value: read, writable: true, configurable: true })
        defineProperty(Buffer.prototype, `write${name}${order}`, { value: write, writable: true, configurable: true })
      }
    }
}

function isInRange(node: string, bytes: number, value: unknown): boolean {
  if (node === 'Float' || node === 'Double') return true
  const [least, most] = node.includes('UInt')
    ? [0n, 2n ** BigInt(8 * bytes) - 1n]
    : [-(2n ** BigInt(8 * bytes - 1)), 2n ** BigInt(8 * bytes - 1) - 1n]
  return (value as number) >= least && (value as number) <= most
}

addNumbers()

/** Bytes of the host as a buffer over the same memory. */
export function wrap(bytes: Uint8Array): Buffer {
  return new Buffer(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength)
}

/** Bytes, or a text in an encoding; throws where it is neither. */
export function needBytes(value: unknown, encoding: unknown, what: string): Uint8Array {
  const bytes = typeof value === 'string' ? Buffer.from(value, encoding) : bytesBehind(value)
  if (bytes === null)
    throw new TypeError(
      `The "${what}" argument must be of type string or an instance of Buffer, TypedArray, or DataView`,
    )
  return bytes
}

/** Bytes as a caller asked for them: a buffer, or a text in an encoding. */
export function inEncoding(bytes: Uint8Array, encoding: unknown): Buffer | string {
  const made = wrap(bytes)
  return encoding === undefined || encoding === null || encoding === 'buffer' ? made : made.toString(encoding)
}

/** Whether all bytes are of ASCII. */
export function isAscii(value: Bytes): boolean {
  return (bytesBehind(value) ?? []).every((byte) => byte < 128)
}

/** Whether the bytes are UTF-8. */
export function isUtf8(value: Bytes): boolean {
  const bytes = bytesBehind(value) ?? new Uint8Array(0)
  return Buffer.from(host.encode(bytes, 'utf8')).equals(wrap(bytes))
}

export const { atob, btoa } = globalThis

defineProperty(Buffer, 'poolSize', { value: 8192, writable: true })
export default { Buffer, isAscii, isUtf8, atob, btoa }
