import { AbortController, AbortSignal } from './abort.ts'
import { Blob, File, FormData } from './bodies.ts'
import bufferModule, { Buffer } from './buffer.ts'
import { guestConsole } from './console.ts'
import * as cryptoModule from './crypto.ts'
import { guestFetch } from './fetch.ts'
import { Headers } from './headers.ts'
import {
  apply,
  defineProperty,
  getOwnPropertyDescriptor,
  host,
  includesText,
  NativeUrl,
  NativeUrlSearchParams,
  toText,
  utf8Text,
} from './intrinsics.ts'
import { offer, required } from './requirable.ts'
import { CryptoKey, webcrypto } from './subtle.ts'
import { TextDecoder } from './text-decoder.ts'
import { clearTimeout, setTimeout } from './waiting.ts'
import zlibModule from './zlib.ts'

const REQUIRABLE = { crypto: cryptoModule.default, buffer: bufferModule, zlib: zlibModule }

/** Puts onto the global object what functions find there, and takes away what must start anew with each call. */
export function furnish(): void {
  const put = (name: string, value: unknown, isFixed = false) =>
    defineProperty(globalThis, name, { value, writable: !isFixed, configurable: !isFixed, enumerable: false })
  put('console', guestConsole, true)
  put('Buffer', Buffer)
  put('fetch', guestFetch)
  put('setTimeout', setTimeout)
  put('clearTimeout', clearTimeout)
  put('global', globalThis)
  for (const [name, module] of Object.entries(REQUIRABLE)) {
    offer(name, module)
    offer(`node:${name}`, module)
  }
  put('require', (name: unknown) => required(toText(name)))
  const module = { exports: {} }
  put('module', module)
  put('exports', module.exports)
  defineProperty(Math, 'random', { value: drawn, writable: true, configurable: true, enumerable: false })
  webcrypto.randomUUID = cryptoModule.randomUUID
  put('crypto', webcrypto)
  put('CryptoKey', CryptoKey)
  put('TextDecoder', TextDecoder)
  put('Headers', Headers)
  put('structuredClone', cloned)
  put('AbortController', AbortController)
  put('AbortSignal', AbortSignal)
  put('Blob', Blob)
  put('File', File)
  put('FormData', FormData)
  put('URLSearchParams', SearchParams)
  addSearchParams()
}

const fractions = new Float64Array(1)
const fractionWords = new Uint32Array(fractions.buffer)

/** A number in [0, 1), from the host's randomness: the engine's own generator would repeat itself with every call. */
function drawn(): number {
  const bytes = host.random(8)
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = bytes
  fractionWords[0] = a | (b << 8) | (c << 16) | (d << 24)
  fractionWords[1] = (((e | (f << 8) | (g << 16) | (h << 24)) >>> 12) | 0x3ff00000) >>> 0
  return (fractions[0] ?? 1) - 1
}

/** `URLSearchParams` of the web: the engine's own reads nothing but text. */
class SearchParams extends NativeUrlSearchParams {
  constructor(init: unknown = '') {
    const isText = typeof init !== 'object' || init === null
    const text = isText ? toText(init) : ''
    const isEscaped = includesText(text, '%')
    super(isEscaped ? '' : text)
    if (isEscaped) for (const [name, value] of pairsIn(text)) this.append(name, value)
    if (isText) return
    const pairs = Symbol.iterator in init ? (init as Iterable<Iterable<unknown>>) : Object.entries(init)
    for (const pair of pairs) {
      const [name, value, ...more] = pair
      if (more.length > 0 || [...pair].length < 2)
        throw new TypeError('Each query pair must be an iterable [name, value] tuple')
      this.append(toText(name), toText(value))
    }
  }
}

/** Escapes stand for bytes of UTF-8; the engine's own leaves those that are none as they are. */
function pairsIn(text: string): [string, string][] {
  const pairs: [string, string][] = []
  for (const part of text.replace(/^\?/, '').split('&')) {
    if (part === '') continue
    const mark = part.indexOf('=')
    pairs.push(mark === -1 ? [unescaped(part), ''] : [unescaped(part.slice(0, mark)), unescaped(part.slice(mark + 1))])
  }
  return pairs
}

function unescaped(text: string): string {
  const bytes = Buffer.from(text.replaceAll('+', ' ')).toString('latin1')
  const plain = bytes.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  return utf8Text(Buffer.from(plain, 'latin1'))
}

const engineClone = globalThis.structuredClone

/** A buffer comes out of it as the bytes that it is, as in Node. */
function cloned(value: unknown, options?: Parameters<typeof structuredClone>[1]): unknown {
  return withoutBuffers(engineClone(value, options), new Set())
}

function withoutBuffers(value: unknown, seen: Set<unknown>): unknown {
  if (value instanceof Buffer) return new Uint8Array(value)
  if (typeof value !== 'object' || value === null || seen.has(value)) return value
  seen.add(value)
  if (value instanceof Map) for (const [key, each] of value) value.set(key, withoutBuffers(each, seen))
  else if (!ArrayBuffer.isView(value) && !(value instanceof Set))
    for (const [name, each] of Object.entries(value)) {
      const plain = withoutBuffers(each, seen)
      if (plain !== each) (value as Record<string, unknown>)[name] = plain
    }
  return value
}

/** `url.searchParams`, which the engine's `URL` lacks: reading parses the query, every change writes it back. */
function addSearchParams(): void {
  const search = getOwnPropertyDescriptor(NativeUrl.prototype, 'search')
  if (search?.get === undefined || search.set === undefined) return
  const { get: readSearch, set: writeSearch } = search
  defineProperty(NativeUrl.prototype, 'searchParams', {
    configurable: true,
    enumerable: true,
    get(this: URL) {
      const params = new SearchParams(apply(readSearch, this, []) as string)
      const writeBack = () => {
        const query = toText(params)
        apply(writeSearch, this, [query === '' ? '' : `?${query}`])
      }
      for (const name of ['append', 'set', 'delete', 'sort'] as const) {
        const change = params[name] as (...args: unknown[]) => void
        const changed = (...args: unknown[]) => {
          apply(change, params, args)
          writeBack()
        }
        defineProperty(params, name, { value: changed, enumerable: false })
      }
      return params
    },
  })
}
