import { type Buffer, wrap } from './buffer.ts'
import {
  argon2,
  argon2Sync,
  createCipheriv,
  createDecipheriv,
  hkdf,
  hkdfSync,
  pbkdf2,
  pbkdf2Sync,
  privateDecrypt,
  privateEncrypt,
  publicDecrypt,
  publicEncrypt,
  scrypt,
  scryptSync,
} from './ciphers.ts'
import { createHash, createHmac, getHashes, Hash, Hmac, hash, hmac } from './digests.ts'
import { createECDH, ECDH, getCurves } from './ecdh.ts'
import { bytesBehind, host } from './intrinsics.ts'
import { generateKey, generateKeyPair, generateKeySync } from './key-making.ts'
import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  KeyObject,
  X509Certificate,
} from './keys.ts'
import { type Callback, createSign, createVerify, later, signBytes, verifyBytes } from './signing.ts'
import { getRandomValues, subtle, webcrypto } from './subtle.ts'

/** Compares without telling by its duration where the two differ; both must have the same length. */
export function timingSafeEqual(one: unknown, other: unknown): boolean {
  const [left, right] = [bytesBehind(one), bytesBehind(other)]
  if (left === null || right === null || typeof one === 'string' || typeof other === 'string')
    throw withCode(new TypeError('timingSafeEqual compares bytes: Buffer.from(text)'), 'ERR_INVALID_ARG_TYPE')
  if (left.length !== right.length)
    throw withCode(
      new RangeError('Input buffers must have the same byte length'),
      'ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH',
    )
  let difference = 0
  for (let index = 0; index < left.length; index += 1) difference |= (left[index] ?? 0) ^ (right[index] ?? 0)
  return difference === 0
}

export function randomBytes(count: number): Buffer
export function randomBytes(count: number, callback?: Callback<Buffer>): Buffer | undefined
export function randomBytes(count: number, callback?: Callback<Buffer>): Buffer | undefined {
  if (typeof count !== 'number') throw new TypeError('The "size" argument must be of type number.')
  if (!(count >= 0)) throw new RangeError('The value of "size" is out of range.')
  if (callback !== undefined) return later(() => wrap(host.random(count)), callback)
  return wrap(host.random(count))
}

/** Fills the whole of it, or the part of it that is given. */
export function randomFillSync<Filled extends ArrayBuffer | ArrayBufferView>(
  filled: Filled,
  offset = 0,
  size?: number,
): Filled {
  const unit = ArrayBuffer.isView(filled) && 'BYTES_PER_ELEMENT' in filled ? Number(filled.BYTES_PER_ELEMENT) : 1
  const bytes = ArrayBuffer.isView(filled)
    ? new Uint8Array(filled.buffer, filled.byteOffset, filled.byteLength)
    : new Uint8Array(filled)
  const [start, length] = [offset * unit, size === undefined ? bytes.length - offset * unit : size * unit]
  if (!(start >= 0 && start <= bytes.length)) throw new RangeError('The value of "offset" is out of range.')
  if (!(length >= 0 && start + length <= bytes.length)) throw new RangeError('The value of "size" is out of range.')
  bytes.set(host.random(length), start)
  return filled
}

export function randomUUID(): string {
  const bytes = host.random(16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = host.encode(bytes, 'hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** An integer from `min`, or 0, up to, not including, `max`. */
export function randomInt(min: number, max?: number | Callback<number>, callback?: Callback<number>) {
  if (typeof max === 'function') return later(() => integerBetween(0, min), max)
  const drawn = max === undefined ? integerBetween(0, min) : integerBetween(min, max)
  return callback === undefined ? drawn : later(() => drawn, callback)
}

function integerBetween(low: number, high: number): number {
  for (const each of [low, high])
    if (!Number.isSafeInteger(each)) throw new TypeError('The "max" argument must be a safe integer.')
  if (high <= low)
    throw new RangeError('The value of "max" is out of range. It must be greater than the value of "min".')
  if (high - low >= 2 ** 48)
    throw new RangeError('The value of "max - min" is out of range. It must be <= 281474976710655.')
  const bytes = host.random(6)
  let drawn = 0
  for (let index = 0; index < 6; index += 1) drawn = drawn * 256 + (bytes[index] ?? 0)
  return low + Math.floor((drawn / 2 ** 48) * (high - low))
}

function withCode<Thrown extends Error>(error: Thrown, code: string): Thrown {
  return Object.assign(error, { code })
}

/** Stands for what Node has and functions have not: it says why, wherever it is called. */
function absent(name: string, why: string) {
  return (): never => {
    throw withCode(new Error(`${name} is not there in functions: ${why}`), 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM')
  }
}

const BY_CURVES = 'use createECDH, or diffieHellman with keys'
const SLOW_PRIMES = 'finding and checking primes takes longer than they may compute'
export const createDiffieHellman = absent('createDiffieHellman', BY_CURVES)
export const createDiffieHellmanGroup = absent('createDiffieHellmanGroup', BY_CURVES)
export const getDiffieHellman = absent('getDiffieHellman', BY_CURVES)
export const generatePrime = absent('generatePrime', SLOW_PRIMES)
export const generatePrimeSync = absent('generatePrimeSync', SLOW_PRIMES)
export const checkPrime = absent('checkPrime', SLOW_PRIMES)
export const checkPrimeSync = absent('checkPrimeSync', SLOW_PRIMES)

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
  argon2,
  argon2Sync,
  createCipheriv,
  createDecipheriv,
  createECDH,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  createSign,
  createVerify,
  diffieHellman,
  ECDH,
  generateKey,
  generateKeyPair,
  generateKeyPairSync,
  generateKeySync,
  getCurves,
  getHashes,
  getRandomValues,
  Hash,
  Hmac,
  hash,
  hkdf,
  hkdfSync,
  hmac,
  KeyObject,
  pbkdf2,
  pbkdf2Sync,
  privateDecrypt,
  privateEncrypt,
  publicDecrypt,
  publicEncrypt,
  scrypt,
  scryptSync,
  signBytes as sign,
  subtle,
  verifyBytes as verify,
  webcrypto,
  X509Certificate,
}

export default {
  ...{ createHash, createHmac, Hash, Hmac, hash, hmac, getHashes, timingSafeEqual, constants },
  ...{ createECDH, ECDH, getCurves, privateEncrypt, publicDecrypt },
  ...{ randomBytes, randomFillSync, randomUUID, randomInt, getRandomValues, webcrypto, subtle },
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
  ...{ generateKey, generateKeySync, generateKeyPair, argon2, argon2Sync },
  ...{ createDiffieHellman, getDiffieHellman, createDiffieHellmanGroup },
  ...{ generatePrime, generatePrimeSync, checkPrime, checkPrimeSync },
  ...{ publicEncrypt, privateDecrypt, hkdf, hkdfSync, pbkdf2, pbkdf2Sync, scrypt, scryptSync },
}
