import { Buffer, inEncoding, needBytes, wrap } from './buffer.ts'
import { perform } from './host-crypto.ts'
import { toLower, toText } from './intrinsics.ts'
import { createPrivateKey, createPublicKey, KeyObject, optionsOf, secretBytes } from './keys.ts'
import { later } from './signing.ts'

/** Ciphers whose output has a tag beside it. */
const WITH_TAG = /-(?:gcm|ccm|ocb)$|^chacha20-poly1305$/
const TAG_BYTES = 16

/** What both directions have in common: the work is done with `final`, and `update` gives nothing before. */
class Ciphering {
  protected readonly spec: Record<string, unknown>
  readonly #key: Uint8Array
  readonly #iv: Uint8Array
  readonly #parts: Uint8Array[] = []
  #aad: Uint8Array = new Uint8Array(0)
  #isDone = false

  constructor(algorithm: string, key: unknown, iv: unknown, { authTagLength }: { authTagLength?: number } = {}) {
    const name = toLower(toText(algorithm))
    this.spec = { algorithm: name, hasIv: iv !== null, hasTag: WITH_TAG.test(name), authTagLength }
    this.#key = secretBytes(key)
    this.#iv = iv === null ? new Uint8Array(0) : needBytes(iv, undefined, 'iv')
  }

  update(data: unknown, inputEncoding?: unknown, outputEncoding?: unknown): Buffer | string {
    if (this.#isDone) throw new Error('Unsupported state')
    this.#parts.push(Buffer.from(needBytes(data, inputEncoding, 'data')))
    return inEncoding(new Uint8Array(0), outputEncoding)
  }

  setAutoPadding(isOn = true): this {
    this.spec.autoPadding = isOn
    return this
  }

  setAAD(data: unknown): this {
    this.#aad = needBytes(data, undefined, 'buffer')
    return this
  }

  protected made(operation: 'cipher' | 'decipher'): Buffer {
    if (this.#isDone) throw new Error('Unsupported state')
    this.#isDone = true
    return wrap(perform(operation, this.spec, this.#key, this.#iv, Buffer.concat(this.#parts), this.#aad))
  }
}

class Cipheriv extends Ciphering {
  #tag: Buffer | null = null

  final(encoding?: unknown): Buffer | string {
    const made = this.made('cipher')
    if (this.spec.hasTag !== true) return inEncoding(made, encoding)
    const end = made.length - Number(this.spec.authTagLength ?? TAG_BYTES)
    this.#tag = made.subarray(end) as Buffer
    return inEncoding(made.subarray(0, end), encoding)
  }

  getAuthTag(): Buffer {
    if (this.#tag === null) throw new Error('Invalid state for operation getAuthTag')
    return this.#tag
  }
}

class Decipheriv extends Ciphering {
  setAuthTag(tag: unknown, encoding?: unknown): this {
    this.spec.tagBase64 = wrap(needBytes(tag, encoding, 'buffer')).toString('base64')
    return this
  }

  final(encoding?: unknown): Buffer | string {
    if (this.spec.hasTag === true && this.spec.tagBase64 === undefined)
      throw new Error('Unsupported state or unable to authenticate data')
    return inEncoding(this.made('decipher'), encoding)
  }
}

export function createCipheriv(algorithm: string, key: unknown, iv: unknown, options?: object): Cipheriv {
  return new Cipheriv(algorithm, key, iv, options)
}

export function createDecipheriv(algorithm: string, key: unknown, iv: unknown, options?: object): Decipheriv {
  return new Decipheriv(algorithm, key, iv, options)
}

interface Oaep {
  padding?: number
  oaepHash?: string
  oaepLabel?: unknown
}

function oaepOf(key: unknown): object {
  const { padding, oaepHash, oaepLabel } = optionsOf(key) as Oaep
  const label =
    oaepLabel === undefined ? undefined : wrap(needBytes(oaepLabel, undefined, 'oaepLabel')).toString('base64')
  return { padding, oaepHash, oaepLabel: label }
}

export function publicEncrypt(key: unknown, data: unknown): Buffer {
  const bytes = KeyObject.bytesOf(createPublicKey(key))
  return wrap(perform('publicEncrypt', oaepOf(key), bytes, needBytes(data, undefined, 'buffer')))
}

export function privateDecrypt(key: unknown, data: unknown): Buffer {
  const bytes = KeyObject.bytesOf(createPrivateKey(key))
  return wrap(
    perform('privateDecrypt', { ...oaepOf(key), isPrivate: true }, bytes, needBytes(data, undefined, 'buffer')),
  )
}

/** With RSA the other way round: what only the holder of the private key can have made. */
export function privateEncrypt(key: unknown, data: unknown): Buffer {
  const spec = { padding: optionsOf(key).padding, isPrivate: true }
  return wrap(
    perform('privateEncrypt', spec, KeyObject.bytesOf(createPrivateKey(key)), needBytes(data, undefined, 'buffer')),
  )
}

export function publicDecrypt(key: unknown, data: unknown): Buffer {
  const spec = { padding: optionsOf(key).padding }
  return wrap(
    perform('publicDecrypt', spec, KeyObject.bytesOf(createPublicKey(key)), needBytes(data, undefined, 'buffer')),
  )
}

export function hkdfSync(digest: string, key: unknown, salt: unknown, info: unknown, length: number): ArrayBuffer {
  const made = perform(
    'hkdf',
    { digest, length },
    secretBytes(key),
    needBytes(salt, undefined, 'salt'),
    needBytes(info, undefined, 'info'),
  )
  return made.slice().buffer as ArrayBuffer
}

export function pbkdf2Sync(
  password: unknown,
  salt: unknown,
  iterations: number,
  length: number,
  digest: string,
): Buffer {
  const spec = { iterations, length, digest }
  return wrap(perform('pbkdf2', spec, needBytes(password, undefined, 'password'), needBytes(salt, undefined, 'salt')))
}

export function scryptSync(password: unknown, salt: unknown, length: number, options: object = {}): Buffer {
  const spec = { ...options, length }
  return wrap(perform('scrypt', spec, needBytes(password, undefined, 'password'), needBytes(salt, undefined, 'salt')))
}

interface Argon2Parameters {
  message: unknown
  nonce: unknown
  secret?: unknown
  associatedData?: unknown
  parallelism: number
  tagLength: number
  memory: number
  passes: number
}

export function argon2Sync(algorithm: string, parameters: Argon2Parameters): Buffer {
  const { message, nonce, secret, associatedData, ...rest } = parameters
  const base64 = (value: unknown, name: string) =>
    value === undefined ? undefined : wrap(needBytes(value, undefined, name)).toString('base64')
  const spec = {
    ...rest,
    algorithm,
    secret: base64(secret, 'secret'),
    associatedData: base64(associatedData, 'associatedData'),
  }
  return wrap(perform('argon2', spec, needBytes(message, undefined, 'message'), needBytes(nonce, undefined, 'nonce')))
}

export function argon2(algorithm: string, parameters: Argon2Parameters, callback: KeyCallback): void {
  later(() => argon2Sync(algorithm, parameters), callback)
}

export function pbkdf2(
  ...args: [unknown, unknown, number, number, string, (error: Error | null, key?: Buffer) => void]
) {
  const [password, salt, iterations, length, digest, callback] = args
  later(() => pbkdf2Sync(password, salt, iterations, length, digest), callback)
}

export function hkdf(
  ...args: [string, unknown, unknown, unknown, number, (error: Error | null, key?: ArrayBuffer) => void]
) {
  const [digest, key, salt, info, length, callback] = args
  later(() => hkdfSync(digest, key, salt, info, length), callback)
}

type KeyCallback = (error: Error | null, key?: Buffer) => void

export function scrypt(
  password: unknown,
  salt: unknown,
  length: number,
  options: object | KeyCallback,
  callback?: KeyCallback,
) {
  if (typeof options === 'function') later(() => scryptSync(password, salt, length), options as KeyCallback)
  else later(() => scryptSync(password, salt, length, options), callback as KeyCallback)
}
