import { AbortController, AbortSignal } from './abort.ts'
import { Blob, File, FormData } from './bodies.ts'
import bufferModule, { Buffer } from './buffer.ts'
import { guestConsole } from './console.ts'
import * as cryptoModule from './crypto.ts'
import { guestFetch } from './fetch.ts'
import {
  apply,
  defineProperty,
  getOwnPropertyDescriptor,
  host,
  NativeUrl,
  NativeUrlSearchParams,
  toText,
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
    super(isText ? toText(init) : '')
    if (isText) return
    const pairs = Symbol.iterator in init ? (init as Iterable<[unknown, unknown]>) : Object.entries(init)
    for (const [name, value] of pairs) this.append(toText(name), toText(value))
  }
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
