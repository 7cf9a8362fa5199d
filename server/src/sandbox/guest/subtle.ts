import { Buffer, wrap } from './buffer.ts'
import { createCipheriv, createDecipheriv, hkdfSync, pbkdf2Sync, privateDecrypt, publicEncrypt } from './ciphers.ts'
import { digested } from './digests.ts'
import { ECDH } from './ecdh.ts'
import { bytesBehind, host, toText, toUpper } from './intrinsics.ts'
import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  KeyObject,
  readCryptoKeysWith,
} from './keys.ts'
import { signBytes, verifyBytes } from './signing.ts'

type Named = string | ({ name: string } & Record<string, unknown>)
type Algorithm = { name: string; hash: { name: string } } & Record<string, unknown>

/** An error as the standard names it. */
function problem(name: string, message: string): Error {
  const error = new Error(message)
  error.name = name
  return error
}

const NAMES = [
  ...['HMAC', 'AES-GCM', 'AES-CBC', 'AES-CTR', 'HKDF', 'PBKDF2'],
  ...['RSASSA-PKCS1-v1_5', 'RSA-PSS', 'RSA-OAEP', 'ECDSA', 'ECDH', 'Ed25519', 'Ed448', 'X25519', 'X448'],
]
const CURVES: Readonly<Record<string, { size: number; node: string }>> = {
  'P-256': { size: 32, node: 'prime256v1' },
  'P-384': { size: 48, node: 'secp384r1' },
  'P-521': { size: 66, node: 'secp521r1' },
}
const OKP = ['Ed25519', 'Ed448', 'X25519', 'X448']

function normalized(algorithm: Named): Algorithm {
  const given = typeof algorithm === 'string' ? { name: algorithm } : algorithm
  const name = NAMES.find((known) => toUpper(known) === toUpper(toText(given.name)))
  if (name === undefined) throw problem('NotSupportedError', `Unrecognized algorithm name: ${toText(given.name)}`)
  const hash = (given as { hash?: Named }).hash
  return { ...given, name, hash: { name: hash === undefined ? '' : hashName(hash) } }
}

function hashName(hash: Named): string {
  const name = toUpper(typeof hash === 'string' ? hash : toText(hash.name))
  if (!['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512'].includes(name))
    throw problem('NotSupportedError', `Unrecognized algorithm name: ${name}`)
  return name
}

const nodeHash = (name: string) => name.replace('-', '').toLowerCase()

function data(value: unknown): Buffer {
  const bytes = typeof value === 'string' ? null : bytesBehind(value)
  if (bytes === null) throw new TypeError('data must be an ArrayBuffer, TypedArray or DataView')
  return wrap(bytes)
}

/** A buffer of its own, as the standard's functions give. */
function arrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer
}

/** `CryptoKey` of the web. */
export class CryptoKey {
  readonly type: KeyObject['type']
  readonly extractable: boolean
  readonly algorithm: Record<string, unknown>
  readonly usages: readonly string[]
  readonly #key: KeyObject

  constructor(key: KeyObject, algorithm: Record<string, unknown>, extractable: boolean, usages: readonly string[]) {
    this.type = key.type
    this.extractable = extractable
    this.algorithm = algorithm
    this.usages = usages
    this.#key = key
  }

  static keyOf(key: unknown): KeyObject | null {
    return typeof key === 'object' && key !== null && #key in key ? key.#key : null
  }
}

readCryptoKeysWith(CryptoKey.keyOf)

/** The key inside, if it may be used for this. */
function keyFor(key: CryptoKey, usage: string, name: string): KeyObject {
  const held = CryptoKey.keyOf(key)
  if (held === null) throw new TypeError('the key is not a CryptoKey')
  if (key.algorithm.name !== name) throw problem('InvalidAccessError', 'Key algorithm mismatch')
  if (!key.usages.includes(usage)) throw problem('InvalidAccessError', `Unable to use this key to ${usage}`)
  return held
}

function importedKey(format: string, given: unknown, algorithm: Algorithm): KeyObject {
  const { name } = algorithm
  const isSecret = name === 'HMAC' || name.startsWith('AES-') || name === 'HKDF' || name === 'PBKDF2'
  if (isSecret) {
    if (format === 'raw' || format === 'raw-secret') return createSecretKey(data(given))
    if (format === 'jwk') return createSecretKey(Buffer.from(toText((given as { k?: string }).k), 'base64url'))
    throw problem('NotSupportedError', `Unable to import a ${name} key from ${format}`)
  }
  if (format === 'spki') return createPublicKey({ key: data(given), format: 'der', type: 'spki' })
  if (format === 'pkcs8') return createPrivateKey({ key: data(given), format: 'der', type: 'pkcs8' })
  if (format === 'jwk') {
    const jwk = given as { d?: string }
    return jwk.d === undefined ? createPublicKey({ key: jwk, format }) : createPrivateKey({ key: jwk, format })
  }
  if (format === 'raw' || format === 'raw-public')
    return createPublicKey({ key: rawJwk(data(given), algorithm), format: 'jwk' })
  throw problem('NotSupportedError', `Unable to import a ${name} key from ${format}`)
}

/** A raw public key as a JWK. */
function rawJwk(bytes: Buffer, { name, namedCurve }: Algorithm): object {
  if (OKP.includes(name)) return { kty: 'OKP', crv: name, x: bytes.toString('base64url') }
  const curve = CURVES[toText(namedCurve)]
  if (curve === undefined) throw problem('NotSupportedError', 'Unable to import a raw key of this kind')
  const point = uncompressed(bytes, curve.node)
  const [x, y] = [point.subarray(1, 1 + curve.size) as Buffer, point.subarray(1 + curve.size) as Buffer]
  return { kty: 'EC', crv: toText(namedCurve), x: x.toString('base64url'), y: y.toString('base64url') }
}

function uncompressed(point: Buffer, curve: string): Buffer {
  try {
    return ECDH.convertKey(point, curve) as Buffer
  } catch {
    throw problem('DataError', 'Invalid keyData')
  }
}

/** What a key of this kind is called in Node; a key of another kind is refused. */
function checkKind(key: KeyObject, { name, namedCurve }: Algorithm): void {
  if (key.type === 'secret') return
  const kind = name.startsWith('RSA') ? 'rsa' : name === 'ECDSA' || name === 'ECDH' ? 'ec' : name.toLowerCase()
  if (key.asymmetricKeyType !== kind) throw problem('DataError', 'Invalid key type')
  if (kind === 'ec' && key.asymmetricKeyDetails?.namedCurve !== CURVES[toText(namedCurve)]?.node)
    throw problem('DataError', 'Named curve mismatch')
}

/** How a key of an algorithm signs, in the words of Node. */
function manner({ name, hash, saltLength }: Algorithm, key: KeyObject): { digest: string | null; key: object } {
  if (name === 'ECDSA') return { digest: nodeHash(hash.name), key: { key, dsaEncoding: 'ieee-p1363' } }
  if (name === 'RSA-PSS')
    return { digest: nodeHash(hash.name), key: { key, padding: 6, saltLength: Number(saltLength) } }
  if (name === 'RSASSA-PKCS1-v1_5') return { digest: nodeHash(hash.name), key: { key, padding: 1 } }
  if (name === 'Ed25519' || name === 'Ed448') return { digest: null, key: { key } }
  throw problem('NotSupportedError', `${name} does not sign`)
}

/** The algorithm of an operation, with the hash of the key where the key decides it. */
function operation(algorithm: Named, key: CryptoKey): Algorithm {
  const asked = normalized(algorithm)
  const hash = (key.algorithm as { hash?: { name: string } }).hash
  return hash === undefined || asked.name === 'ECDSA' ? asked : { ...asked, hash }
}

function macOf(key: KeyObject, { hash }: Algorithm, bytes: Uint8Array): Buffer {
  return digested(nodeHash(hash.name), KeyObject.bytesOf(key), bytes)
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.length ^ other.length
  for (let index = 0; index < one.length; index += 1) difference |= (one[index] ?? 0) ^ (other[index] ?? 0)
  return difference === 0
}

const TAG_BYTES = 16

function aes(key: KeyObject, algorithm: Algorithm): { cipher: string; iv: unknown; aad: unknown; tagBytes: number } {
  const bits = 8 * KeyObject.bytesOf(key).byteLength
  const mode = algorithm.name.slice('AES-'.length).toLowerCase()
  const tagBytes = mode === 'gcm' ? Number(algorithm.tagLength ?? 8 * TAG_BYTES) / 8 : 0
  const iv = mode === 'ctr' ? algorithm.counter : algorithm.iv
  return { cipher: `aes-${bits}-${mode}`, iv: data(iv), aad: algorithm.additionalData, tagBytes }
}

function encrypted(key: KeyObject, algorithm: Algorithm, bytes: Buffer): Buffer {
  if (algorithm.name === 'RSA-OAEP')
    return publicEncrypt({ key, oaepHash: nodeHash(algorithm.hash.name), oaepLabel: algorithm.label }, bytes)
  const { cipher, iv, aad, tagBytes } = aes(key, algorithm)
  const made = createCipheriv(cipher, key, iv, tagBytes === 0 ? {} : { authTagLength: tagBytes })
  if (aad !== undefined) made.setAAD(aad)
  made.update(bytes)
  const text = made.final() as Buffer
  return tagBytes === 0 ? text : Buffer.concat([text, made.getAuthTag()])
}

function decrypted(key: KeyObject, algorithm: Algorithm, bytes: Buffer): Buffer {
  if (algorithm.name === 'RSA-OAEP')
    return privateDecrypt({ key, oaepHash: nodeHash(algorithm.hash.name), oaepLabel: algorithm.label }, bytes)
  const { cipher, iv, aad, tagBytes } = aes(key, algorithm)
  const made = createDecipheriv(cipher, key, iv, tagBytes === 0 ? {} : { authTagLength: tagBytes })
  if (aad !== undefined) made.setAAD(aad)
  if (tagBytes > 0) made.setAuthTag(bytes.subarray(bytes.length - tagBytes))
  made.update(bytes.subarray(0, bytes.length - tagBytes))
  try {
    return made.final() as Buffer
  } catch {
    throw problem('OperationError', 'The operation failed for an operation-specific reason')
  }
}

function derived(key: KeyObject, algorithm: Algorithm, bits: number | null): Uint8Array {
  const { name, hash, salt, info, iterations } = algorithm
  if (name === 'ECDH' || name === 'X25519' || name === 'X448') {
    const other = CryptoKey.keyOf(algorithm.public)
    if (other === null) throw problem('InvalidAccessError', 'algorithm.public must be a public key')
    const shared = diffieHellman({ privateKey: key, publicKey: other })
    return bits === null ? shared : shared.subarray(0, bits / 8)
  }
  if (bits === null || bits % 8 !== 0) throw problem('OperationError', 'length must be a multiple of 8')
  if (name === 'HKDF') return new Uint8Array(hkdfSync(nodeHash(hash.name), key, data(salt), data(info), bits / 8))
  if (name === 'PBKDF2')
    return pbkdf2Sync(KeyObject.bytesOf(key), data(salt), Number(iterations), bits / 8, nodeHash(hash.name))
  throw problem('NotSupportedError', `${name} derives nothing`)
}

/** What a `CryptoKey` says of its algorithm. */
function told(algorithm: Algorithm, key: KeyObject): Record<string, unknown> {
  const { name, hash, namedCurve } = algorithm
  if (name === 'HMAC') return { name, hash, length: 8 * KeyObject.bytesOf(key).byteLength }
  if (name.startsWith('AES-')) return { name, length: 8 * KeyObject.bytesOf(key).byteLength }
  if (name === 'ECDSA' || name === 'ECDH') return { name, namedCurve }
  if (name.startsWith('RSA')) return { name, hash, modulusLength: key.asymmetricKeyDetails?.modulusLength }
  return { name }
}

function wrapped(key: KeyObject, algorithm: Algorithm, extractable: boolean, usages: readonly string[]): CryptoKey {
  return new CryptoKey(key, told(algorithm, key), extractable, [...usages])
}

/** `SubtleCrypto` of the web, over the host's cryptography. */
export const subtle = {
  async digest(algorithm: Named, bytes: unknown): Promise<ArrayBuffer> {
    return arrayBuffer(digested(nodeHash(hashName(algorithm)), undefined, data(bytes)))
  },

  async importKey(format: string, given: unknown, algorithm: Named, extractable: boolean, usages: readonly string[]) {
    const asked = normalized(algorithm)
    let key: KeyObject
    try {
      key = importedKey(format, given, asked)
    } catch (thrown) {
      if (['NotSupportedError', 'TypeError'].includes((thrown as Error).name) && !('code' in (thrown as Error)))
        throw thrown
      throw problem('DataError', `Invalid keyData: ${(thrown as Error).message}`)
    }
    checkKind(key, asked)
    return wrapped(key, asked, extractable, usages)
  },

  async exportKey(format: string, key: CryptoKey): Promise<ArrayBuffer | object> {
    const held = CryptoKey.keyOf(key)
    if (held === null || !key.extractable) throw problem('InvalidAccessError', 'key is not extractable')
    if (format === 'jwk')
      return { ...(held.export({ format }) as object), key_ops: [...key.usages], ext: key.extractable }
    if (held.type === 'secret') return arrayBuffer(KeyObject.bytesOf(held))
    if (format === 'raw') {
      const { x, y } = held.export({ format: 'jwk' }) as { x: string; y?: string }
      const parts = [x, y].flatMap((part) => (part === undefined ? [] : [Buffer.from(part, 'base64url')]))
      return arrayBuffer(Buffer.concat(y === undefined ? parts : [Buffer.from([4]), ...parts]))
    }
    if ((format === 'spki') !== (held.type === 'public'))
      throw problem('InvalidAccessError', 'Unable to export this key so')
    return arrayBuffer(KeyObject.bytesOf(held))
  },

  async sign(algorithm: Named, key: CryptoKey, bytes: unknown): Promise<ArrayBuffer> {
    const asked = operation(algorithm, key)
    const held = keyFor(key, 'sign', asked.name)
    if (asked.name === 'HMAC') return arrayBuffer(macOf(held, asked, data(bytes)))
    const how = manner(asked, held)
    return arrayBuffer(signBytes(how.digest, data(bytes), how.key) as Buffer)
  },

  async verify(algorithm: Named, key: CryptoKey, signature: unknown, bytes: unknown): Promise<boolean> {
    const asked = operation(algorithm, key)
    const held = keyFor(key, 'verify', asked.name)
    if (asked.name === 'HMAC') return isEqual(macOf(held, asked, data(bytes)), data(signature))
    const how = manner(asked, held)
    return verifyBytes(how.digest, data(bytes), how.key, data(signature)) as boolean
  },

  async encrypt(algorithm: Named, key: CryptoKey, bytes: unknown): Promise<ArrayBuffer> {
    const asked = operation(algorithm, key)
    return arrayBuffer(encrypted(keyFor(key, 'encrypt', asked.name), asked, data(bytes)))
  },

  async decrypt(algorithm: Named, key: CryptoKey, bytes: unknown): Promise<ArrayBuffer> {
    const asked = operation(algorithm, key)
    return arrayBuffer(decrypted(keyFor(key, 'decrypt', asked.name), asked, data(bytes)))
  },

  async deriveBits(algorithm: Named, key: CryptoKey, length: number | null = null): Promise<ArrayBuffer> {
    const asked = normalized(algorithm)
    return arrayBuffer(derived(keyFor(key, 'deriveBits', asked.name), asked, length))
  },

  async deriveKey(...args: [Named, CryptoKey, Named, boolean, string[]]): Promise<CryptoKey> {
    const [algorithm, key, wanted, extractable, usages] = args
    const [asked, made] = [normalized(algorithm), normalized(wanted)]
    const bits = Number(made.length ?? (made.name === 'HMAC' ? BLOCK_BITS[made.hash.name] : 256))
    const bytes = derived(keyFor(key, 'deriveKey', asked.name), asked, bits)
    return wrapped(createSecretKey(bytes), made, extractable, usages)
  },

  async generateKey(algorithm: Named, extractable: boolean, usages: readonly string[]) {
    const asked = normalized(algorithm)
    const { name } = asked
    if (name === 'HMAC' || name.startsWith('AES-')) {
      const bits = Number(asked.length ?? BLOCK_BITS[asked.hash.name] ?? 256)
      return wrapped(createSecretKey(host.random(bits / 8)), asked, extractable, usages)
    }
    const kind = name === 'ECDSA' || name === 'ECDH' ? 'ec' : name.toLowerCase()
    const made = generateKeyPairSync(kind, { namedCurve: asked.namedCurve }) as Record<
      'publicKey' | 'privateKey',
      KeyObject
    >
    const isPublic = (usage: string) => usage === 'verify' || usage === 'encrypt'
    return {
      publicKey: wrapped(made.publicKey, asked, true, usages.filter(isPublic)),
      privateKey: wrapped(
        made.privateKey,
        asked,
        extractable,
        usages.filter((usage) => !isPublic(usage)),
      ),
    }
  },
}

const BLOCK_BITS: Readonly<Record<string, number>> = { 'SHA-1': 512, 'SHA-256': 512, 'SHA-384': 1024, 'SHA-512': 1024 }

/** Fills an array of integers, as `crypto.getRandomValues`. */
export function getRandomValues<Filled extends ArrayBufferView>(array: Filled): Filled {
  if (!ArrayBuffer.isView(array) || array instanceof DataView || /Float/.test(array.constructor.name))
    throw new TypeError('getRandomValues fills arrays of integers')
  const bytes = host.random(array.byteLength)
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(bytes)
  return array
}

/** What functions find as `crypto`. `randomUUID` is added where it is made. */
export const webcrypto: Record<string, unknown> = { subtle, getRandomValues }
