/**
 * What the guest library uses of the language, taken before any function of a customer was loaded: a function that
 * replaces `JSON.stringify` or `Promise.prototype.then` breaks nobody's code but its own.
 * Everything in this folder runs inside the sandbox's engine, never in Node.
 */

/** The functions of the host that the guest library may call; only text, numbers and bytes cross. */
export interface GuestHost {
  emit(kind: 'request' | 'fetch' | 'log' | 'returned' | 'failed' | 'wake', text: string): void
  digest(algorithm: string, key: Uint8Array | undefined, data: Uint8Array): Uint8Array
  /** See `child/host-crypto.ts`. */
  crypto(operation: string, specJson: string, ...bytes: Uint8Array[]): Uint8Array
  encode(bytes: Uint8Array, encoding: string): string
  decode(text: string, encoding: string): Uint8Array
  random(count: number): Uint8Array
}

const world = globalThis as unknown as { __host: GuestHost }

/** Taken once; the child removes it from the global object before a function is loaded. */
export const host: GuestHost = Object.freeze({ ...world.__host })

const { call, bind } = Function.prototype

/** `method` as a function whose first argument is `this`; later changes of prototypes do not reach it. */
function uncurried<This, Arguments extends unknown[], Result>(
  method: (this: This, ...args: Arguments) => Result,
): (self: This, ...args: Arguments) => Result {
  return bind.call(call, method) as unknown as (self: This, ...args: Arguments) => Result
}

export const { parse: parseJson, stringify: toJson } = JSON
export const { defineProperty, freeze, getOwnPropertyDescriptor, hasOwn, keys } = Object
export const { isArray } = Array
const { isView } = ArrayBuffer
export const { apply } = Reflect
export const NativePromise = Promise
export const NativeError = Error
export const NativeMap = Map
export const NativeUint8Array = Uint8Array
export const NativeArrayBuffer = ArrayBuffer
export const NativeHeaders = Headers
export const NativeUrl = URL
export const NativeUrlSearchParams = URLSearchParams
export const toText = String

export const join = uncurried(Array.prototype.join)
export const push = uncurried(Array.prototype.push as (this: unknown[], ...items: unknown[]) => number)
export const sliceText = uncurried(String.prototype.slice)
export const startsWith = uncurried(String.prototype.startsWith)
export const toLower = uncurried(String.prototype.toLowerCase)
export const toUpper = uncurried(String.prototype.toUpperCase)
export const mapGet = uncurried(Map.prototype.get)
export const mapSet = uncurried(Map.prototype.set)
export const mapDelete = uncurried(Map.prototype.delete)
export const mapForEach = uncurried(Map.prototype.forEach)
export const splitText = uncurried(String.prototype.split as (this: string, separator: string) => string[])
export const includesText = uncurried(String.prototype.includes)

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const encodeText = uncurried(TextEncoder.prototype.encode)
const decodeText = uncurried(TextDecoder.prototype.decode)

const { getPrototypeOf } = Object
const syntaxError = SyntaxError.prototype

/** Whether it is what the engine throws at a text that it cannot read. */
export function isSyntaxError(thrown: unknown): boolean {
  return typeof thrown === 'object' && thrown !== null && getPrototypeOf(thrown) === syntaxError
}

/** UTF-8 of a text. */
function utf8(text: string): Uint8Array {
  return encodeText(encoder, text)
}

/** The text of UTF-8 bytes. */
export function utf8Text(bytes: Uint8Array): string {
  return decodeText(decoder, bytes)
}

/** The same as the web decodes bodies: without a byte order mark, which the engine's own decoder leaves in. */
export function webText(bytes: Uint8Array): string {
  const text = utf8Text(bytes)
  return startsWith(text, '\ufeff') ? sliceText(text, 1) : text
}

/** The bytes behind whatever holds bytes; a text is its UTF-8; null where there are none. */
export function bytesBehind(value: unknown): Uint8Array | null {
  if (typeof value === 'string') return utf8(value)
  if (value instanceof NativeArrayBuffer) return new NativeUint8Array(value)
  if (isView(value)) return new NativeUint8Array(value.buffer, value.byteOffset, value.byteLength)
  return null
}
