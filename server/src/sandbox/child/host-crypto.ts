import * as nodeCrypto from 'node:crypto'
import {
  type CipherGCMOptions,
  type CipherGCMTypes,
  constants,
  createCipheriv,
  createDecipheriv,
  createECDH,
  createHash,
  createHmac,
  diffieHellman,
  ECDH,
  generateKeyPairSync,
  getCurves,
  getHashes,
  hkdfSync,
  pbkdf2Sync,
  privateDecrypt,
  privateEncrypt,
  publicDecrypt,
  publicEncrypt,
  type RsaPrivateKey,
  scryptSync,
  sign,
  verify,
} from 'node:crypto'
import {
  brotliCompressSync,
  brotliDecompressSync,
  crc32,
  deflateRawSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateRawSync,
  inflateSync,
  unzipSync,
  constants as zlibConstants,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib'
import { certificateCheck, chainProblem, describedCertificate } from './host-certificates.ts'
import { describedKey, exportedKey, keyOf, type WrittenKey } from './host-keys.ts'

/** What an operation is told beside bytes; the guest library writes it, and nothing of it is believed. */
type Spec = Record<string, unknown>

type Operation = (spec: Spec, ...bytes: Uint8Array[]) => Uint8Array | object | boolean | number | string | null

/** More rounds would take more time than a call has, within a call of OpenSSL that nothing interrupts. */
const PBKDF2_ROUNDS_MAX = 300_000
const SCRYPT_COST_MAX = 2 ** 17
/** KiB of memory, and those times passes: 64 MiB three times take 140 ms. */
const ARGON2_MEMORY_MAX = 65_536
const ARGON2_COST_MAX = 3 * ARGON2_MEMORY_MAX
const DERIVED_BYTES_MAX = 8192

/** What unpacking may give at most, as for answers. */
const UNPACKED_BYTES_MAX = 10 * 1024 * 1024

const UNPACK = {
  gunzip: gunzipSync,
  inflate: inflateSync,
  inflateRaw: inflateRawSync,
  unzip: unzipSync,
  brotliDecompress: brotliDecompressSync,
  zstdDecompress: zstdDecompressSync,
} as const
const PACK = { gzip: gzipSync, deflate: deflateSync, deflateRaw: deflateRawSync } as const

/** Brotli takes 0.3 s for a megabyte at its best, and 10 ms from quality 5 downwards. */
const BROTLI_BEST_BYTES_MAX = 1024 * 1024
const BROTLI_QUICK_QUALITY = 5
const BROTLI_QUALITY = 11

/** What of Node's own cryptography functions may use, by the names that the guest library asks for. */
const OPERATIONS: Readonly<Record<string, Operation>> = {
  key: (spec, bytes) => describedKey(keyOf({ ...(spec as unknown as WrittenKey), bytes: given(bytes) })),
  exportKey: (spec, bytes) => exportedKey(spec, given(bytes)),
  sign: (spec, key, data) => sign(optionalText(spec.algorithm), given(data), signing(spec, key)),
  verify: (spec, key, data, signature) =>
    verify(optionalText(spec.algorithm), given(data), signing(spec, key), given(signature)),
  publicEncrypt: (spec, key, data) => publicEncrypt(oaep(spec, key), given(data)),
  privateDecrypt: (spec, key, data) => privateDecrypt(oaep(spec, key), given(data)),
  privateEncrypt: (spec, key, data) => privateEncrypt(rsa(spec, key), given(data)),
  publicDecrypt: (spec, key, data) => publicDecrypt(rsa(spec, key), given(data)),
  checkDigest(spec) {
    if (spec.isKeyed === true) createHmac(text(spec.algorithm), '')
    else createHash(text(spec.algorithm), digestOptions(spec))
    return null
  },
  digest: (spec, data) => createHash(text(spec.algorithm), digestOptions(spec)).update(given(data)).digest(),
  names: (spec) => (spec.of === 'curves' ? getCurves() : getHashes()),
  ecdh: (spec, key, other) => ecdh(spec, key, other),
  cipher: (spec, key, iv, data, aad) => ciphered(spec, { key, iv, data, aad }),
  decipher: (spec, key, iv, data, aad) => deciphered(spec, { key, iv, data, aad }),
  hkdf: (spec, key, salt, info) =>
    Buffer.from(hkdfSync(text(spec.digest), given(key), given(salt), given(info), length(spec.length))),
  pbkdf2: (spec, password, salt) =>
    pbkdf2Sync(
      given(password),
      given(salt),
      upTo(spec.iterations, PBKDF2_ROUNDS_MAX, 'iterations'),
      length(spec.length),
      text(spec.digest),
    ),
  scrypt(spec, password, salt) {
    const [N, r, p] = [Number(spec.N ?? 16_384), Number(spec.r ?? 8), Number(spec.p ?? 1)]
    upTo(N * r * p, SCRYPT_COST_MAX, 'N · r · p')
    return scryptSync(given(password), given(salt), length(spec.length), { N, r, p })
  },
  argon2: (spec, message, nonce) => argon2(spec, given(message), given(nonce)),
  diffieHellman: (_spec, privateKey, publicKey) =>
    diffieHellman({
      privateKey: keyOf({ kind: 'private', format: 'der', type: 'pkcs8', bytes: given(privateKey) }),
      publicKey: keyOf({ kind: 'public', format: 'der', type: 'spki', bytes: given(publicKey) }),
    }),
  generate: (spec) => generated(spec),
  certificate: (_spec, bytes) => describedCertificate(given(bytes)),
  certificateCheck: (spec, certificate, other) => certificateCheck(spec, given(certificate), other),
  certificateChain: (spec) => ({ problem: chainProblem(spec) }),
  unpack(spec, bytes) {
    const unpack = UNPACK[text(spec.coding) as keyof typeof UNPACK]
    if (unpack === undefined) throw new TypeError('there is no such coding')
    return unpack(given(bytes), { maxOutputLength: UNPACKED_BYTES_MAX })
  },
  pack(spec, bytes) {
    if (spec.coding === 'brotliCompress') return brotli(spec, given(bytes))
    if (spec.coding === 'zstdCompress') return zstdCompressSync(given(bytes))
    const pack = PACK[text(spec.coding) as keyof typeof PACK]
    if (pack === undefined) throw new TypeError('there is no such coding')
    return pack(given(bytes), { level: Number(spec.level ?? zlibConstants.Z_DEFAULT_COMPRESSION) })
  },
  crc32: (spec, bytes) => crc32(given(bytes), Number(spec.value ?? 0)),
  decodeText: (spec, bytes) => decodedText(spec, given(bytes)),
}

/** One operation. What comes back are its bytes, or JSON. Throws what Node throws. */
export function hostCrypto(operation: string, specJson: string, bytes: readonly Uint8Array[]): Uint8Array {
  const act = Object.hasOwn(OPERATIONS, operation) ? OPERATIONS[operation] : undefined
  if (act === undefined) throw new TypeError('there is no such operation')
  const result = act(JSON.parse(specJson) as Spec, ...bytes)
  return result instanceof Uint8Array ? result : Buffer.from(JSON.stringify(result))
}

function signing(spec: Spec, key: Uint8Array | undefined) {
  const kind = spec.isPrivate === true ? ('private' as const) : ('public' as const)
  const type = kind === 'private' ? ('pkcs8' as const) : ('spki' as const)
  return {
    key: keyOf({ kind, format: 'der', type, bytes: given(key) }),
    ...(spec.padding === undefined ? {} : { padding: Number(spec.padding) }),
    ...(spec.saltLength === undefined ? {} : { saltLength: Number(spec.saltLength) }),
    ...(spec.dsaEncoding === undefined ? {} : { dsaEncoding: spec.dsaEncoding as 'der' | 'ieee-p1363' }),
  }
}

function oaep(spec: Spec, key: Uint8Array | undefined): RsaPrivateKey {
  const { key: used } = signing(spec, key)
  return {
    key: used,
    padding: Number(spec.padding ?? constants.RSA_PKCS1_OAEP_PADDING),
    ...(spec.oaepHash === undefined ? {} : { oaepHash: text(spec.oaepHash) }),
    ...(spec.oaepLabel === undefined ? {} : { oaepLabel: Buffer.from(text(spec.oaepLabel), 'base64') }),
  } as RsaPrivateKey
}

function rsa(spec: Spec, key: Uint8Array | undefined): RsaPrivateKey {
  const { key: used } = signing(spec, key)
  return { key: used, ...(spec.padding === undefined ? {} : { padding: Number(spec.padding) }) } as RsaPrivateKey
}

/** Longer digests than anybody uses would only fill memory. */
function digestOptions({ outputLength }: Spec): { outputLength?: number } {
  if (outputLength === undefined) return {}
  if (Number(outputLength) > DERIVED_BYTES_MAX)
    throw new RangeError(`a digest has ${DERIVED_BYTES_MAX} bytes at most here`)
  return { outputLength: outputLength as number }
}

function ecdh(spec: Spec, key: Uint8Array | undefined, other: Uint8Array | undefined): Uint8Array {
  const curve = text(spec.curve)
  const format = spec.format as 'compressed'
  if (spec.do === 'convert')
    return Buffer.from(ECDH.convertKey(given(key), curve, undefined, undefined, format) as Buffer)
  const made = createECDH(curve)
  if (spec.do === 'check') return new Uint8Array(0)
  if (spec.do === 'generate') {
    made.generateKeys()
    return made.getPrivateKey()
  }
  if (key !== undefined && key.byteLength > 0) made.setPrivateKey(key)
  if (spec.do === 'compute') return made.computeSecret(given(other))
  if (spec.do === 'private') return made.getPrivateKey()
  if (other === undefined || other.byteLength === 0) return made.getPublicKey(null, format)
  return Buffer.from(ECDH.convertKey(other, curve, undefined, undefined, format) as Buffer)
}

type Parts = Record<'key' | 'iv' | 'data' | 'aad', Uint8Array | undefined>

/** A cipher is told of a tag's length only where it has one. */
function cipherOptions(spec: Spec): CipherGCMOptions {
  return spec.authTagLength === undefined ? {} : { authTagLength: Number(spec.authTagLength) }
}

/** The text, followed by the tag where the cipher has one: the guest knows how long that is. */
function ciphered(spec: Spec, { key, iv, data, aad }: Parts): Uint8Array {
  const used = spec.hasIv === false ? null : given(iv)
  const cipher = createCipheriv(
    text(spec.algorithm) as CipherGCMTypes,
    given(key),
    used as Uint8Array,
    cipherOptions(spec),
  )
  if (spec.autoPadding === false) cipher.setAutoPadding(false)
  if (aad !== undefined && aad.byteLength > 0) cipher.setAAD(aad, { plaintextLength: given(data).byteLength })
  const made = Buffer.concat([cipher.update(given(data)), cipher.final()])
  return spec.hasTag === true ? Buffer.concat([made, cipher.getAuthTag()]) : made
}

function deciphered(spec: Spec, { key, iv, data, aad }: Parts): Uint8Array {
  const used = spec.hasIv === false ? null : given(iv)
  const name = text(spec.algorithm) as CipherGCMTypes
  const decipher = createDecipheriv(name, given(key), used as Uint8Array, cipherOptions(spec))
  if (spec.autoPadding === false) decipher.setAutoPadding(false)
  if (spec.tagBase64 !== undefined) decipher.setAuthTag(Buffer.from(text(spec.tagBase64), 'base64'))
  if (aad !== undefined && aad.byteLength > 0) decipher.setAAD(aad, { plaintextLength: given(data).byteLength })
  return Buffer.concat([decipher.update(given(data)), decipher.final()])
}

function argon2(spec: Spec, message: Uint8Array, nonce: Uint8Array): Uint8Array {
  // It came with Node 24.7.
  if (typeof nodeCrypto.argon2Sync !== 'function') throw new TypeError('this Node has no argon2')
  const memory = upTo(spec.memory, ARGON2_MEMORY_MAX, 'memory')
  const passes = upTo(spec.passes, ARGON2_COST_MAX / memory, `passes with a memory of ${memory}`)
  return nodeCrypto.argon2Sync(text(spec.algorithm) as 'argon2id', {
    message,
    nonce,
    memory,
    passes,
    parallelism: upTo(spec.parallelism, 16, 'parallelism'),
    tagLength: length(spec.tagLength),
    ...(spec.secret === undefined ? {} : { secret: Buffer.from(text(spec.secret), 'base64') }),
    ...(spec.associatedData === undefined ? {} : { associatedData: Buffer.from(text(spec.associatedData), 'base64') }),
  })
}

function brotli(spec: Spec, bytes: Uint8Array): Uint8Array {
  const quality = Number(spec.quality ?? BROTLI_QUALITY)
  if (!(quality <= BROTLI_QUICK_QUALITY) && bytes.byteLength > BROTLI_BEST_BYTES_MAX)
    throw new RangeError(
      `brotli takes ${BROTLI_BEST_BYTES_MAX} bytes at most here, more up to quality ${BROTLI_QUICK_QUALITY}`,
    )
  return brotliCompressSync(bytes, { params: { [zlibConstants.BROTLI_PARAM_QUALITY]: quality } })
}

const QUICK_KINDS = ['ec', 'ed25519', 'ed448', 'x25519', 'x448']

function generated(spec: Spec): object {
  const kind = text(spec.type)
  if (!QUICK_KINDS.includes(kind))
    throw new TypeError(`keys of the kind ${kind.slice(0, 50)} cannot be generated here; there are ${QUICK_KINDS}`)
  const made =
    kind === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: text(spec.namedCurve) })
      : generateKeyPairSync(kind as 'ed25519')
  return { publicKey: describedKey(made.publicKey), privateKey: describedKey(made.privateKey) }
}

function decodedText(spec: Spec, bytes: Uint8Array): Uint8Array {
  const options = { fatal: spec.fatal === true, ignoreBOM: spec.ignoreBOM === true }
  const decoder = new TextDecoder(text(spec.label), options)
  const decoded = decoder.decode(bytes, { stream: spec.stream === true })
  return Buffer.from(JSON.stringify({ encoding: decoder.encoding, text: decoded }))
}

function given(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) throw new TypeError('bytes are missing')
  return bytes
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('a text is missing')
  return value
}

function optionalText(value: unknown): string | null {
  return value === undefined || value === null ? null : text(value)
}

function upTo(value: unknown, most: number, what: string): number {
  const number = Number(value)
  if (!(number > 0 && number <= most)) throw new RangeError(`${what} must be from 1 to ${most} here`)
  return number
}

function length(value: unknown): number {
  return upTo(value, DERIVED_BYTES_MAX, 'the length')
}
