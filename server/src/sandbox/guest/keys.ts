import { Buffer, needBytes, wrap } from './buffer.ts'
import { perform, performJson } from './host-crypto.ts'
import { toJson, toText } from './intrinsics.ts'

/** A key as the host describes it. */
export interface KeyDescription {
  type: 'public' | 'private'
  asymmetricKeyType: string
  asymmetricKeyDetails: { namedCurve?: string; modulusLength?: number; publicExponent?: string | bigint }
  derBase64: string
}

type ExportOptions = { type?: string; format?: string; cipher?: string; passphrase?: string }

/** `KeyObject` of Node. It holds the key itself: the host keeps nothing between two operations. */
export class KeyObject {
  readonly type: 'secret' | 'public' | 'private'
  readonly asymmetricKeyType?: string
  readonly asymmetricKeyDetails?: KeyDescription['asymmetricKeyDetails']
  readonly symmetricKeySize?: number
  readonly #bytes: Uint8Array

  constructor(type: KeyObject['type'], bytes: Uint8Array, description?: KeyDescription) {
    this.type = type
    this.#bytes = bytes
    if (description === undefined) {
      this.symmetricKeySize = bytes.byteLength
      return
    }
    const { publicExponent, ...details } = description.asymmetricKeyDetails
    this.asymmetricKeyType = description.asymmetricKeyType
    this.asymmetricKeyDetails =
      publicExponent === undefined ? details : { ...details, publicExponent: BigInt(publicExponent) }
  }

  /** The secret, or the DER of the key. */
  static bytesOf(key: KeyObject): Uint8Array {
    return key.#bytes
  }

  static from(key: unknown): KeyObject {
    const held = keyOfCryptoKey(key)
    if (held === null) throw new TypeError('The "key" argument must be an instance of CryptoKey')
    return held
  }

  export(options: ExportOptions = {}): Buffer | string | object {
    const { format } = options
    if (this.type === 'secret') {
      if (format === 'jwk') return { kty: 'oct', k: wrap(this.#bytes).toString('base64url') }
      return Buffer.from(this.#bytes)
    }
    if (format === 'jwk') return performJson<object>('exportKey', { kind: this.type, format }, this.#bytes)
    const made = wrap(perform('exportKey', { ...options, kind: this.type }, this.#bytes))
    return format === 'pem' ? made.toString() : made
  }

  equals(other: KeyObject): boolean {
    return this.type === other.type && wrap(this.#bytes).equals(other.#bytes)
  }
}

/** Told by `subtle.ts`, which is above this file: the key object in a `CryptoKey`, null where it is none. */
let keyOfCryptoKey: (key: unknown) => KeyObject | null = () => null

export function readCryptoKeysWith(read: typeof keyOfCryptoKey): void {
  keyOfCryptoKey = read
}

/** What the functions of Node take as a key. */
interface KeyOptions {
  key?: unknown
  format?: string
  type?: string
  passphrase?: unknown
  encoding?: string
  padding?: unknown
}

function keyFrom(description: KeyDescription): KeyObject {
  return new KeyObject(description.type, Buffer.from(description.derBase64, 'base64'), description)
}

export function createPublicKey(input: unknown): KeyObject {
  return asymmetric('public', input)
}

export function createPrivateKey(input: unknown): KeyObject {
  return asymmetric('private', input)
}

export function createSecretKey(key: unknown, encoding?: unknown): KeyObject {
  return new KeyObject('secret', Buffer.from(needBytes(key, encoding, 'key')))
}

function asymmetric(kind: 'public' | 'private', input: unknown): KeyObject {
  const { key, format, type, passphrase, encoding } = optionsOf(input)
  const held = key instanceof KeyObject ? key : keyOfCryptoKey(key)
  if (held !== null) {
    if (held.type === kind) return held
    if (kind === 'private' || held.type === 'secret')
      throw new TypeError(`Invalid key object type ${held.type}, expected ${kind}.`)
    return describe({ kind, format: 'der', type: 'pkcs8' }, KeyObject.bytesOf(held))
  }
  if (format === 'jwk' || isJwk(key)) return describe({ kind, format: 'jwk' }, Buffer.from(toJson(key)))
  const bytes = needBytes(key, encoding, 'key')
  const isDer = format === 'der'
  const secret =
    passphrase === undefined
      ? {}
      : { passphraseBase64: wrap(needBytes(passphrase, undefined, 'passphrase')).toString('base64') }
  return describe({ kind, format: isDer ? 'der' : 'pem', ...(isDer ? { type } : {}), ...secret }, bytes)
}

function describe(spec: object, bytes: Uint8Array): KeyObject {
  return keyFrom(performJson<KeyDescription>('key', spec, bytes))
}

function isJwk(key: unknown): boolean {
  return typeof key === 'object' && key !== null && 'kty' in key
}

export function optionsOf(input: unknown): KeyOptions {
  const isOptions =
    typeof input === 'object' &&
    input !== null &&
    !ArrayBuffer.isView(input) &&
    !(input instanceof ArrayBuffer) &&
    !(input instanceof KeyObject) &&
    keyOfCryptoKey(input) === null
  return isOptions ? (input as KeyOptions) : { key: input }
}

/** The bytes of a secret, however it is held. */
export function secretBytes(key: unknown, encoding?: unknown): Uint8Array {
  const held = key instanceof KeyObject ? key : keyOfCryptoKey(key)
  if (held === null) return needBytes(key, encoding, 'key')
  if (held.type !== 'secret') throw new TypeError(`Invalid key object type ${held.type}, expected secret.`)
  return KeyObject.bytesOf(held)
}

interface CertificateDescription {
  subject: string
  issuer: string
  subjectAltName?: string
  infoAccess?: string
  validFrom: string
  validTo: string
  serialNumber: string
  ca: boolean
  keyUsage?: string[]
  fingerprint: string
  fingerprint256: string
  fingerprint512: string
  rawBase64: string
  pem: string
  publicKey: KeyDescription
}

/** `X509Certificate` of Node. */
export class X509Certificate {
  readonly #description: CertificateDescription
  readonly raw: Buffer

  constructor(certificate: unknown) {
    const given = certificate instanceof X509Certificate ? certificate.raw : needBytes(certificate, undefined, 'buffer')
    this.#description = performJson<CertificateDescription>('certificate', {}, given)
    this.raw = Buffer.from(this.#description.rawBase64, 'base64')
    const { rawBase64: _raw, pem: _pem, publicKey: _key, ...told } = this.#description
    Object.assign(this, told)
  }

  get publicKey(): KeyObject {
    return keyFrom(this.#description.publicKey)
  }

  get validFromDate(): Date {
    return new Date(this.#description.validFrom)
  }

  get validToDate(): Date {
    return new Date(this.#description.validTo)
  }

  checkHost(name: string, options?: object): string | undefined {
    return this.#check({ check: 'host', value: name, options }) ?? undefined
  }

  checkEmail(email: string, options?: object): string | undefined {
    return this.#check({ check: 'email', value: email, options }) ?? undefined
  }

  checkIP(ip: string): string | undefined {
    return this.#check({ check: 'ip', value: ip }) ?? undefined
  }

  checkIssued(issuer: X509Certificate): boolean {
    return performJson<boolean>('certificateCheck', { check: 'issued' }, this.raw, issuer.raw)
  }

  verify(publicKey: KeyObject): boolean {
    return performJson<boolean>('certificateCheck', { check: 'verify' }, this.raw, KeyObject.bytesOf(publicKey))
  }

  checkPrivateKey(privateKey: KeyObject): boolean {
    return performJson<boolean>('certificateCheck', { check: 'privateKey' }, this.raw, KeyObject.bytesOf(privateKey))
  }

  toString(): string {
    return this.#description.pem
  }

  toJSON(): string {
    return this.#description.pem
  }

  #check(spec: object): string | null {
    return performJson<string | null>('certificateCheck', spec, this.raw)
  }
}

/**
 * Throws unless the first of the certificates (PEM) leads to one that is trusted, is valid at `at` and stands for `host`.
 * Trusted is what `roots` (PEM) holds, else what Node comes with.
 */
export function verifyCertificateChain(
  certificates: string | readonly string[],
  { host, roots, at }: { host?: string; roots?: string | readonly string[]; at?: unknown } = {},
): X509Certificate {
  const pems = typeof certificates === 'string' ? [certificates] : certificates
  const atMs = at === undefined ? Date.now() : new Date(at as string).getTime()
  const { problem } = performJson<{ problem: string | null }>('certificateChain', {
    pems,
    roots: roots ?? null,
    host: host ?? null,
    atMs,
  })
  if (problem !== null) throw new Error(problem)
  return new X509Certificate(toText(pems[0]))
}

export function diffieHellman({ privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject }): Buffer {
  return wrap(perform('diffieHellman', {}, KeyObject.bytesOf(privateKey), KeyObject.bytesOf(publicKey)))
}

/** Keys of elliptic curves; those of RSA take longer to make than a function may compute. */
export function generateKeyPairSync(type: string, options: Record<string, unknown> = {}) {
  const spec = { type, namedCurve: options.namedCurve }
  const made = performJson<{ publicKey: KeyDescription; privateKey: KeyDescription }>('generate', spec)
  const [publicKey, privateKey] = [keyFrom(made.publicKey), keyFrom(made.privateKey)]
  const { publicKeyEncoding, privateKeyEncoding } = options
  return {
    publicKey: publicKeyEncoding === undefined ? publicKey : publicKey.export(publicKeyEncoding as ExportOptions),
    privateKey: privateKeyEncoding === undefined ? privateKey : privateKey.export(privateKeyEncoding as ExportOptions),
  }
}
