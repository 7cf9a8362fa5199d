import { Buffer, needBytes, wrap } from './buffer.ts'
import {
  createCipheriv,
  createDecipheriv,
  hkdfSync,
  pbkdf2,
  pbkdf2Sync,
  privateDecrypt,
  publicEncrypt,
  scryptSync,
} from './ciphers.ts'
import { bytesBehind, host, toText } from './intrinsics.ts'
import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  KeyObject,
  secretBytes,
  X509Certificate,
} from './keys.ts'
import { createSign, createVerify, signBytes, verifyBytes } from './signing.ts'
import { getRandomValues, subtle, webcrypto } from './subtle.ts'

/** The name under which the host knows a digest; it refuses what it does not know. */
function algorithmOf(name: unknown): string {
  return toText(name).replace(/^(sha|SHA)-(\d)/, '$1$2')
}

/** `Hash` and `Hmac` of node:crypto. */
class Digest {
  readonly #algorithm: string
  readonly #key: Uint8Array | undefined
  readonly #parts: Uint8Array[] = []
  #isDone = false

  constructor(algorithm: string, key?: Uint8Array) {
    this.#algorithm = algorithm
    this.#key = key
  }

  update(data: unknown, encoding?: unknown): this {
    if (this.#isDone) throw new Error('the digest was already made')
    this.#parts.push(needBytes(data, encoding, 'data'))
    return this
  }

  digest(): Buffer
  digest(encoding: string): string
  digest(encoding?: string): Buffer | string {
    if (this.#isDone) throw new Error('the digest was already made')
    this.#isDone = true
    const [only] = this.#parts
    const data = this.#parts.length === 1 && only !== undefined ? only : Buffer.concat(this.#parts)
    const made = wrap(host.digest(this.#algorithm, this.#key, data))
    return encoding === undefined || encoding === 'buffer' ? made : made.toString(encoding)
  }
}

export function createHash(algorithm: string): Digest {
  return new Digest(algorithmOf(algorithm))
}

export function createHmac(algorithm: string, key: unknown): Digest {
  return new Digest(algorithmOf(algorithm), secretBytes(key))
}

/** A digest in one call, as `crypto.hash` of Node. */
export function hash(algorithm: string, data: unknown, encoding = 'hex'): string | Buffer {
  const digest = createHash(algorithm).update(data)
  return encoding === 'buffer' ? digest.digest() : digest.digest(encoding)
}

/** A keyed digest in one call. */
export function hmac(algorithm: string, key: unknown, data: unknown, encoding = 'hex'): string | Buffer {
  const digest = createHmac(algorithm, key).update(data)
  return encoding === 'buffer' ? digest.digest() : digest.digest(encoding)
}

/** Compares without telling by its duration where the two differ; both must have the same length. */
export function timingSafeEqual(one: unknown, other: unknown): boolean {
  const [left, right] = [bytesBehind(one), bytesBehind(other)]
  if (left === null || right === null || typeof one === 'string' || typeof other === 'string')
    throw new TypeError('timingSafeEqual compares bytes: Buffer.from(text)')
  if (left.length !== right.length) throw new RangeError('Input buffers must have the same byte length')
  let difference = 0
  for (let index = 0; index < left.length; index += 1) difference |= (left[index] ?? 0) ^ (right[index] ?? 0)
  return difference === 0
}

export function randomBytes(count: number): Buffer {
  return wrap(host.random(count))
}

export function randomUUID(): string {
  const bytes = host.random(16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = host.encode(bytes, 'hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** An integer from `min` up to, not including, `max`. */
export function randomInt(min: number, max?: number): number {
  const [low, high] = max === undefined ? [0, min] : [min, max]
  const bytes = host.random(6)
  let drawn = 0
  for (let index = 0; index < 6; index += 1) drawn = drawn * 256 + (bytes[index] ?? 0)
  return low + Math.floor((drawn / 2 ** 48) * (high - low))
}

/** The digests there are. */
export function getHashes(): string[] {
  return ['md5', 'ripemd160', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'sha512-256', 'sha3-256', 'sha3-512']
}

/** Numbers that Node gives names to, of those that can be used here. */
export const constants = {
  RSA_PKCS1_PADDING: 1,
  RSA_NO_PADDING: 3,
  RSA_PKCS1_OAEP_PADDING: 4,
  RSA_PKCS1_PSS_PADDING: 6,
  RSA_PSS_SALTLEN_DIGEST: -1,
  RSA_PSS_SALTLEN_MAX_SIGN: -2,
  RSA_PSS_SALTLEN_AUTO: -2,
}

export {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  createSign,
  createVerify,
  diffieHellman,
  generateKeyPairSync,
  getRandomValues,
  hkdfSync,
  KeyObject,
  pbkdf2,
  pbkdf2Sync,
  privateDecrypt,
  publicEncrypt,
  scryptSync,
  signBytes as sign,
  subtle,
  verifyBytes as verify,
  webcrypto,
  X509Certificate,
}

export default {
  ...{ createHash, createHmac, hash, hmac, getHashes, timingSafeEqual, constants },
  ...{ randomBytes, randomUUID, randomInt, getRandomValues, webcrypto, subtle },
  ...{
    createSign,
    createVerify,
    sign: signBytes,
    verify: verifyBytes,
    createPublicKey,
    createPrivateKey,
    createSecretKey,
    KeyObject,
  },
  ...{ X509Certificate, generateKeyPairSync, diffieHellman, createCipheriv, createDecipheriv },
  ...{ publicEncrypt, privateDecrypt, hkdfSync, pbkdf2, pbkdf2Sync, scryptSync },
}
