import { Buffer, inEncoding, needBytes, wrap } from './buffer.ts'
import { hostError, perform, performJson } from './host-crypto.ts'
import { host, toLower, toText } from './intrinsics.ts'
import { secretBytes } from './keys.ts'

interface DigestOptions {
  outputLength?: number
}

/** Digests that need not be asked for: nearly all that are used. */
const KNOWN = ['sha256', 'sha1', 'sha512', 'md5', 'sha384', 'sha224']

/** Throws what Node throws at an algorithm or a length that it does not have. */
function checkDigest(algorithm: unknown, isKeyed: boolean, options: DigestOptions = {}): string {
  if (typeof algorithm !== 'string')
    throw new TypeError(`The "${isKeyed ? 'hmac' : 'algorithm'}" argument must be of type string.`)
  const { outputLength } = options
  if (outputLength === undefined && KNOWN.includes(toLower(algorithm))) return algorithm
  performJson<null>('checkDigest', { algorithm, isKeyed, outputLength })
  return algorithm
}

function finalized(): Error {
  const error = new Error('Digest already called') as Error & { code: string }
  error.code = 'ERR_CRYPTO_HASH_FINALIZED'
  return error
}

/** What `Hash` and `Hmac` have in common: the work is done with `digest`. */
class Digesting {
  protected readonly algorithm: string
  protected parts: Uint8Array[] = []
  protected isDone = false

  constructor(algorithm: string) {
    this.algorithm = algorithm
  }

  update(data: unknown, encoding?: unknown): this {
    if (this.isDone) throw finalized()
    this.parts.push(Buffer.from(needBytes(data, encoding, 'data')))
    return this
  }

  protected whole(): Uint8Array {
    this.isDone = true
    const [only] = this.parts
    return this.parts.length === 1 && only !== undefined ? only : Buffer.concat(this.parts)
  }
}

/** `Hash` of node:crypto. */
class Hash extends Digesting {
  readonly #options: DigestOptions

  constructor(algorithm: string, options: DigestOptions = {}) {
    super(algorithm)
    this.#options = options
  }

  copy(options: DigestOptions = {}): Hash {
    if (this.isDone) throw finalized()
    const made = new Hash(checkDigest(this.algorithm, false, options), options)
    made.parts = [...this.parts]
    return made
  }

  digest(): Buffer
  digest(encoding: string): string
  digest(encoding?: unknown): Buffer | string
  digest(encoding?: unknown): Buffer | string {
    if (this.isDone) throw finalized()
    const { outputLength } = this.#options
    const data = this.whole()
    if (outputLength === undefined) return inKnown(digested(this.algorithm, undefined, data), encoding)
    return inKnown(perform('digest', { algorithm: this.algorithm, outputLength }, data), encoding)
  }
}

/** `Hmac` of node:crypto. What is asked for a second time is empty, as there. */
class Hmac extends Digesting {
  readonly #key: Uint8Array

  constructor(algorithm: string, key: Uint8Array) {
    super(algorithm)
    this.#key = key
  }

  digest(): Buffer
  digest(encoding: string): string
  digest(encoding?: unknown): Buffer | string
  digest(encoding?: unknown): Buffer | string {
    if (this.isDone) return inKnown(new Uint8Array(0), encoding)
    return inKnown(digested(this.algorithm, this.#key, this.whole()), encoding)
  }
}

/** In an encoding that is none, digests give bytes. */
function inKnown(made: Uint8Array, encoding: unknown): Buffer | string {
  return inEncoding(made, Buffer.isEncoding(encoding) ? encoding : undefined)
}

/** A digest, keyed where there is a key. */
export function digested(algorithm: string, key: Uint8Array | undefined, data: Uint8Array): Buffer {
  try {
    return wrap(host.digest(algorithm, key, data))
  } catch (thrown) {
    throw hostError(thrown)
  }
}

export function createHash(algorithm: unknown, options?: DigestOptions): Hash {
  return new Hash(checkDigest(algorithm, false, options), options)
}

export function createHmac(algorithm: unknown, key: unknown): Hmac {
  return new Hmac(checkDigest(algorithm, true), secretBytes(key))
}

/** A digest in one call, as `crypto.hash` of Node. */
export function hash(
  algorithm: unknown,
  data: unknown,
  options: string | { outputEncoding?: string; outputLength?: number } = 'hex',
): Buffer | string {
  const { outputEncoding = 'hex', outputLength } = typeof options === 'string' ? { outputEncoding: options } : options
  return createHash(algorithm, outputLength === undefined ? {} : { outputLength })
    .update(data)
    .digest(outputEncoding)
}

/** A keyed digest in one call. */
export function hmac(algorithm: string, key: unknown, data: unknown, encoding = 'hex'): Buffer | string {
  return createHmac(algorithm, key).update(data).digest(encoding)
}

/** The digests there are. */
export function getHashes(): string[] {
  return performJson<string[]>('names', { of: toText('hashes') })
}

export { Hash, Hmac }
