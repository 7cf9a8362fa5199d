import { Buffer, inEncoding, needBytes } from './buffer.ts'
import { perform, performJson } from './host-crypto.ts'
import { toText } from './intrinsics.ts'
import { createPrivateKey, createPublicKey, KeyObject, optionsOf } from './keys.ts'

/** What a signature is made or checked with, beside the key. */
interface Manner {
  padding?: unknown
  saltLength?: unknown
  dsaEncoding?: unknown
}

function mannerOf(key: unknown): Manner {
  const { padding, saltLength, dsaEncoding } = optionsOf(key) as Manner
  return { padding, saltLength, dsaEncoding }
}

function algorithmOf(algorithm: unknown): string | null {
  return algorithm === undefined || algorithm === null ? null : toText(algorithm)
}

export type Callback<Value> = (error: Error | null, value?: Value) => void

/** `crypto.sign` of Node. With a callback it is called in a later microtask. */
export function signBytes(
  algorithm: unknown,
  data: unknown,
  key: unknown,
  callback?: Callback<Buffer>,
): Buffer | undefined {
  if (callback !== undefined) return later(() => signBytes(algorithm, data, key) as Buffer, callback)
  const bytes = KeyObject.bytesOf(createPrivateKey(key))
  const spec = { ...mannerOf(key), algorithm: algorithmOf(algorithm), isPrivate: true }
  return inEncoding(perform('sign', spec, bytes, needBytes(data, undefined, 'data')), undefined) as Buffer
}

/** `crypto.verify` of Node. */
export function verifyBytes(
  algorithm: unknown,
  data: unknown,
  key: unknown,
  signature: unknown,
  callback?: Callback<boolean>,
): boolean | undefined {
  if (callback !== undefined) return later(() => verifyBytes(algorithm, data, key, signature) as boolean, callback)
  if (typeof signature === 'string') throw new TypeError('The "signature" argument must be an instance of Buffer')
  const bytes = KeyObject.bytesOf(createPublicKey(key))
  const spec = { ...mannerOf(key), algorithm: algorithmOf(algorithm) }
  const [message, given] = [needBytes(data, undefined, 'data'), needBytes(signature, undefined, 'signature')]
  return performJson<boolean>('verify', spec, bytes, message, given)
}

export function later<Value>(make: () => Value, callback: Callback<Value>): undefined {
  void Promise.resolve()
    .then(make)
    .then(
      (value) => callback(null, value),
      (error) => callback(error),
    )
}

/** What both streams have in common: they collect what is to be signed. */
class Collected {
  protected readonly algorithm: string
  readonly #parts: Uint8Array[] = []
  #isDone = false

  constructor(algorithm: string) {
    this.algorithm = toText(algorithm)
  }

  update(data: unknown, encoding?: unknown): this {
    if (this.#isDone) throw new Error('Not initialised')
    this.#parts.push(needBytes(data, encoding, 'data'))
    return this
  }

  write(data: unknown, encoding?: unknown): boolean {
    this.update(data, encoding)
    return true
  }

  end(data?: unknown, encoding?: unknown): this {
    return data === undefined ? this : this.update(data, encoding)
  }

  protected message(): Buffer {
    this.#isDone = true
    return Buffer.concat(this.#parts)
  }
}

class Sign extends Collected {
  sign(key: unknown, encoding?: unknown): Buffer | string {
    return inEncoding(signBytes(this.algorithm, this.message(), key) as Buffer, encoding)
  }
}

class Verify extends Collected {
  verify(key: unknown, signature: unknown, encoding?: unknown): boolean {
    return verifyBytes(this.algorithm, this.message(), key, needBytes(signature, encoding, 'signature')) as boolean
  }
}

export function createSign(algorithm: string): Sign {
  return new Sign(algorithm)
}

export function createVerify(algorithm: string): Verify {
  return new Verify(algorithm)
}
