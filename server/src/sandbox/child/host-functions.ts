import { createHash, createHmac } from 'node:crypto'
import type { JSValueHandle, QuickJS } from 'quickjs-wasi'
import { hostCrypto } from './host-crypto.ts'

/** Where what the guest says goes. */
export interface Sink {
  emit(kind: string, text: Buffer): void
  random(bytes: Uint8Array): void
}

const ENCODINGS: readonly BufferEncoding[] = ['utf8', 'hex', 'base64', 'base64url', 'latin1', 'ascii', 'utf16le']
const RANDOM_BYTES_MAX = 65_536

/**
 * The functions of the host that the guest library gets, under the global name `__host`. They take and give text,
 * numbers and bytes. What they throw is a text: the package would copy the stack of an error into the guest.
 */
export class HostFunctions {
  readonly #vm: QuickJS
  readonly #sink: Sink
  /** The package takes a reference of what a function returns, and leaves ours to be freed later. */
  #returned: JSValueHandle | null = null

  constructor(vm: QuickJS, sink: Sink) {
    this.#vm = vm
    this.#sink = sink
  }

  install(): void {
    const holder = this.#vm.newObject()
    this.#define(holder, 'emit', (kind, text) => {
      this.#sink.emit(textOf(kind), textBytes(this.#vm, text))
      return this.#vm.undefined
    })
    this.#define(holder, 'digest', (algorithm, key, data) => {
      const name = textOf(algorithm)
      const [secret, bytes] = [key === undefined || key.isUndefined ? null : bytesOf(key), bytesOf(data)]
      const made = toldAsText(() =>
        (secret === null ? createHash(name) : createHmac(name, secret)).update(bytes).digest(),
      )
      return this.#vm.newUint8Array(made)
    })
    this.#define(holder, 'crypto', (operation, spec, ...bytes) => {
      const [name, specJson, given] = [textOf(operation), textOf(spec), bytes.map(bytesOf)]
      return this.#vm.newUint8Array(toldAsText(() => hostCrypto(name, specJson, given)))
    })
    this.#define(holder, 'encode', (bytes, encoding) =>
      this.#vm.newString(Buffer.from(bytesOf(bytes)).toString(oneOf(ENCODINGS, textOf(encoding)))),
    )
    this.#define(holder, 'decode', (text, encoding) =>
      this.#vm.newUint8Array(Buffer.from(textOf(text), oneOf(ENCODINGS, textOf(encoding)))),
    )
    this.#define(holder, 'random', (count) => {
      const wanted = count?.isNumber ? count.toNumber() : Number.NaN
      if (!(Number.isInteger(wanted) && wanted >= 0 && wanted <= RANDOM_BYTES_MAX))
        throw `the number of random bytes must be from 0 to ${RANDOM_BYTES_MAX}`
      const bytes = new Uint8Array(wanted)
      this.#sink.random(bytes)
      return this.#vm.newUint8Array(bytes)
    })
    this.#vm.setProp(this.#vm.global, '__host', holder)
    holder.dispose()
  }

  /** The memory was set back: what was returned is no longer in it. */
  forget(): void {
    this.#returned = null
  }

  #define(
    holder: JSValueHandle,
    name: string,
    action: (...args: (JSValueHandle | undefined)[]) => JSValueHandle,
  ): void {
    const made = this.#vm.newFunction(`host:${name}`, (...args) => {
      this.#returned?.dispose()
      this.#returned = null
      const result = withoutStack(() => action(...args))
      if (result !== this.#vm.undefined) this.#returned = result
      return result
    })
    holder.setProp(name, made)
    made.dispose()
  }
}

function withoutStack(action: () => JSValueHandle): JSValueHandle {
  try {
    return action()
  } catch (thrown) {
    throw typeof thrown === 'string' ? thrown : 'the host could not do this, most likely for want of memory'
  }
}

/** A failure of the operation goes to the guest as its code and message, on two lines. */
function toldAsText(work: () => Uint8Array): Uint8Array {
  try {
    return work()
  } catch (thrown) {
    const { name, code, message } = thrown as Error & { code?: unknown }
    throw `${name}\n${typeof code === 'string' ? code : ''}\n${String(message).slice(0, 1000)}`
  }
}

function textOf(handle: JSValueHandle | undefined): string {
  if (!handle?.isString) throw 'a text was expected'
  return handle.toString()
}

function bytesOf(handle: JSValueHandle | undefined): Uint8Array {
  if (!handle?.isObject) throw 'bytes were expected'
  return handle.toUint8Array()
}

/** The UTF-8 of a text of the guest, without making a text of the host from it. */
function textBytes(vm: QuickJS, handle: JSValueHandle | undefined): Buffer {
  if (!handle?.isString) throw 'a text was expected'
  const engine = vm._getExports()
  const lengthAt = engine.wasm_malloc(4)
  if (lengthAt === 0) throw 'out of memory'
  const at = engine.qjs_get_string_len(handle.ptr, lengthAt)
  const length = new DataView(engine.memory.buffer).getUint32(lengthAt, true)
  engine.wasm_free(lengthAt)
  if (at === 0) throw 'out of memory'
  const bytes = Buffer.from(new Uint8Array(engine.memory.buffer, at, length))
  engine.qjs_free_cstring(at)
  return bytes
}

function oneOf<Name extends string>(names: readonly Name[], name: string): Name {
  const known = names.find((each) => each === name)
  if (known === undefined) throw `not one of ${names.join(', ')}: ${name.slice(0, 100)}`
  return known
}
