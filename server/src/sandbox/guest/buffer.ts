import { bytesOf, defineProperty, host, isArray, NativeArrayBuffer, toLower, toText } from './intrinsics.ts'

const ENCODINGS: Readonly<Record<string, string>> = {
  utf8: 'utf8',
  'utf-8': 'utf8',
  hex: 'hex',
  base64: 'base64',
  base64url: 'base64url',
  latin1: 'latin1',
  binary: 'latin1',
  ascii: 'latin1',
  utf16le: 'utf16le',
  ucs2: 'utf16le',
}

function encodingOf(encoding: unknown): string {
  const known = ENCODINGS[toLower(toText(encoding ?? 'utf8'))]
  if (known === undefined) throw new TypeError(`unknown encoding: ${toText(encoding)}`)
  return known
}

/** The part of Node's `Buffer` that signature checks in vendors' documentation use, over `Uint8Array`. */
export class Buffer extends Uint8Array<ArrayBuffer> {
  static override from(value: unknown, encoding?: unknown, length?: unknown): Buffer {
    if (typeof value === 'string') return wrap(host.decode(value, encodingOf(encoding)))
    if (value instanceof NativeArrayBuffer) {
      const start = Number(encoding ?? 0)
      return new Buffer(value, start, length === undefined ? value.byteLength - start : Number(length))
    }
    const bytes = bytesOf(value)
    if (bytes !== null) return copy(bytes)
    const data = typeof value === 'object' && value !== null ? (value as { data?: unknown }).data : undefined
    const list = isArray(value) ? value : isArray(data) ? data : null
    if (list === null) throw new TypeError('Buffer.from needs a string, bytes or an array of numbers')
    const made = ofSize(list.length)
    for (let index = 0; index < list.length; index += 1) made[index] = Number(list[index])
    return made
  }

  static alloc(size: number, fill?: number): Buffer {
    const made = ofSize(size)
    if (fill !== undefined) made.fill(fill)
    return made
  }

  static allocUnsafe(size: number): Buffer {
    return ofSize(size)
  }

  static concat(list: readonly Uint8Array[], length?: number): Buffer {
    let total = 0
    for (let index = 0; index < list.length; index += 1) total += list[index]?.byteLength ?? 0
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
    return typeof value === 'string'
      ? host.decode(value, encodingOf(encoding)).byteLength
      : (bytesOf(value)?.length ?? 0)
  }

  static isBuffer(value: unknown): boolean {
    return value instanceof Buffer
  }

  static compare(one: Uint8Array, other: Uint8Array): number {
    const length = one.length < other.length ? one.length : other.length
    for (let index = 0; index < length; index += 1) {
      const [left = 0, right = 0] = [one[index], other[index]]
      if (left !== right) return left < right ? -1 : 1
    }
    return one.length === other.length ? 0 : one.length < other.length ? -1 : 1
  }

  override toString(encoding?: unknown, start = 0, end = this.length): string {
    return host.encode(this.subarray(start, end), encodingOf(encoding))
  }

  equals(other: Uint8Array): boolean {
    return Buffer.compare(this, other) === 0
  }

  toJSON(): { type: 'Buffer'; data: number[] } {
    const data: number[] = []
    for (let index = 0; index < this.length; index += 1) data[index] = this[index] ?? 0
    return { type: 'Buffer', data }
  }
}

function ofSize(bytes: number): Buffer {
  return new Buffer(new NativeArrayBuffer(bytes))
}

function copy(bytes: Uint8Array): Buffer {
  const made = ofSize(bytes.length)
  made.set(bytes)
  return made
}

/** Bytes of the host as a buffer over the same memory. */
export function wrap(bytes: Uint8Array): Buffer {
  return new Buffer(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength)
}

defineProperty(Buffer, 'poolSize', { value: 0 })
export default { Buffer }
