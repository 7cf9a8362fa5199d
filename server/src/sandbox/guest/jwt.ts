import { Buffer, needBytes } from './buffer.ts'
import { createHmac, timingSafeEqual } from './crypto.ts'
import { guestFetch } from './fetch.ts'
import { isArray, parseJson, splitText, toJson, toText } from './intrinsics.ts'
import { createPrivateKey, createPublicKey, KeyObject, secretBytes } from './keys.ts'
import { offer } from './requirable.ts'
import { signBytes, verifyBytes } from './signing.ts'
import { mustSettle } from './waiting.ts'

type Claims = Record<string, unknown>
interface Header extends Claims {
  alg: string
  kid?: string
}

interface SignOptions {
  algorithm?: string
  keyid?: string
  header?: Claims
  /** Seconds from now. */
  expiresIn?: number
  notBefore?: number
  audience?: unknown
  issuer?: string
  subject?: string
  jwtid?: string
  noTimestamp?: boolean
}

interface VerifyOptions {
  /** Where absent, those that the kind of key is for. */
  algorithms?: readonly string[]
  audience?: string | readonly string[]
  issuer?: string | readonly string[]
  subject?: string
  /** Seconds since `iat`. */
  maxAge?: number
  /** Seconds by which clocks may differ. */
  clockTolerance?: number
  /** The moment that counts; now where absent. */
  at?: unknown
  ignoreExpiration?: boolean
}

const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
  secp256k1: 'ES256K',
}

/** The algorithms that a key may be used with, so that a public key is never taken for a secret. */
function algorithmsOf(key: KeyObject): string[] {
  if (key.type === 'secret') return ['HS256', 'HS384', 'HS512']
  const { asymmetricKeyType: kind, asymmetricKeyDetails: details } = key
  if (kind === 'rsa' || kind === 'rsa-pss') return ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
  if (kind === 'ec') return [CURVES[details?.namedCurve ?? ''] ?? '']
  return ['EdDSA', 'Ed25519']
}

function keyObject(key: unknown, kind: 'public' | 'private'): KeyObject {
  if (key instanceof KeyObject) return key.type === 'private' && kind === 'public' ? createPublicKey(key) : key
  const isText = typeof key === 'string' || ArrayBuffer.isView(key)
  const text = isText ? Buffer.from(needBytes(key, 'utf8', 'key')).toString('latin1') : ''
  if (isText && !text.includes('-----BEGIN ')) return new KeyObject('secret', secretBytes(key))
  const jwk = key as { kty?: string; k?: string }
  if (!isText && jwk?.kty === 'oct') return new KeyObject('secret', Buffer.from(toText(jwk.k), 'base64url'))
  const written = jwk?.kty === undefined ? key : { key, format: 'jwk' }
  return kind === 'public' ? createPublicKey(written) : createPrivateKey(written)
}

const hashOf = (algorithm: string) => `sha${/\d{3}/.exec(algorithm)?.[0] ?? '256'}`

function manner(algorithm: string, key: KeyObject): [string | null, object] {
  if (algorithm.startsWith('Ed')) return [null, { key }]
  if (algorithm.startsWith('ES')) return [hashOf(algorithm), { key, dsaEncoding: 'ieee-p1363' }]
  return [hashOf(algorithm), algorithm.startsWith('PS') ? { key, padding: 6, saltLength: -1 } : { key, padding: 1 }]
}

function encoded(value: unknown): string {
  return Buffer.from(toJson(value)).toString('base64url')
}

/** The parts of a token, without a look at its signature. */
export function decodeToken(token: string): { header: Header; payload: Claims; signature: string } {
  const parts = splitText(toText(token), '.')
  const [header = '', payload = '', signature = ''] = parts
  if (parts.length !== 3) throw new TypeError('jwt malformed')
  const read = (part: string) => {
    const value: unknown = parseJson(Buffer.from(part, 'base64url').toString())
    if (typeof value !== 'object' || value === null || isArray(value)) throw new TypeError('jwt malformed')
    return value as Claims
  }
  try {
    return { header: read(header) as Header, payload: read(payload), signature }
  } catch {
    throw new TypeError('jwt malformed')
  }
}

/** @source RFC 7515, RFC 7519, RFC 8037 */
function signToken(payload: Claims, key: unknown, options: SignOptions = {}): string {
  const held = keyObject(key, 'private')
  const algorithm = options.algorithm ?? algorithmsOf(held)[0] ?? ''
  if (!algorithmsOf(held).includes(algorithm)) throw new TypeError(`this key does not sign with ${algorithm}`)
  const now = Math.floor(Date.now() / 1000)
  const claims: Claims = { ...payload }
  if (options.noTimestamp !== true) claims.iat ??= now
  if (options.expiresIn !== undefined) claims.exp = Number(claims.iat ?? now) + options.expiresIn
  if (options.notBefore !== undefined) claims.nbf = Number(claims.iat ?? now) + options.notBefore
  for (const [claim, value] of [
    ['aud', options.audience],
    ['iss', options.issuer],
    ['sub', options.subject],
    ['jti', options.jwtid],
  ] as const)
    if (value !== undefined) claims[claim] = value
  const kid = options.keyid === undefined ? {} : { kid: options.keyid }
  const text = `${encoded({ alg: algorithm, typ: 'JWT', ...kid, ...options.header })}.${encoded(claims)}`
  const signature = algorithm.startsWith('HS')
    ? createHmac(hashOf(algorithm), held).update(text).digest()
    : (signBytes(...signing(algorithm, text, held)) as Buffer)
  return `${text}.${signature.toString('base64url')}`
}

function signing(algorithm: string, text: string | Uint8Array, key: KeyObject): [string | null, Buffer, object] {
  const [hash, how] = manner(algorithm, key)
  return [hash, Buffer.from(text), how]
}

/** The claims of a token that is genuine and valid; throws otherwise. The algorithm `none` never counts. */
export function verifyToken(token: string, key: unknown, options: VerifyOptions = {}): Claims {
  const { header, payload, signature } = decodeToken(token)
  const held = keyObject(key, 'public')
  const allowed = options.algorithms ?? algorithmsOf(held)
  if (!allowed.includes(header.alg) || !algorithmsOf(held).includes(header.alg))
    throw new TypeError('invalid algorithm')
  if (header.crit !== undefined) throw new TypeError('jwt has critical extensions that are not known')
  const text = toText(token).slice(0, toText(token).lastIndexOf('.'))
  const given = Buffer.from(signature, 'base64url')
  if (!isSigned(header.alg, text, held, given)) throw new TypeError('invalid signature')
  checkClaims(payload, options)
  return payload
}

export function isSigned(algorithm: string, text: string | Uint8Array, key: KeyObject, given: Buffer): boolean {
  if (!algorithmsOf(key).includes(algorithm)) return false
  if (algorithm.startsWith('HS')) {
    const mac = createHmac(hashOf(algorithm), key).update(text).digest()
    return mac.length === given.length && timingSafeEqual(mac, given)
  }
  const [hash, data, how] = signing(algorithm, text, key)
  return verifyBytes(hash, data, how, given) as boolean
}

function checkClaims(claims: Claims, options: VerifyOptions): void {
  const now = (options.at === undefined ? Date.now() : new Date(options.at as string).getTime()) / 1000
  const leeway = options.clockTolerance ?? 0
  const { exp, nbf, iat, aud, iss, sub } = claims
  for (const [name, value] of [
    ['exp', exp],
    ['nbf', nbf],
    ['iat', iat],
  ] as const)
    if (value !== undefined && typeof value !== 'number') throw new TypeError(`invalid ${name} value`)
  if (options.ignoreExpiration !== true && exp !== undefined && now >= (exp as number) + leeway)
    throw new TypeError('jwt expired')
  if (nbf !== undefined && now < (nbf as number) - leeway) throw new TypeError('jwt not active')
  if (options.maxAge !== undefined && !(now - Number(iat) <= options.maxAge + leeway))
    throw new TypeError('maxAge exceeded')
  const one = (wanted: string | readonly string[]) => (typeof wanted === 'string' ? [wanted] : wanted)
  const audiences = isArray(aud) ? aud : [aud]
  if (options.audience !== undefined && !one(options.audience).some((each) => audiences.includes(each)))
    throw new TypeError('jwt audience invalid')
  if (options.issuer !== undefined && !one(options.issuer).includes(iss as string))
    throw new TypeError('jwt issuer invalid')
  if (options.subject !== undefined && options.subject !== sub) throw new TypeError('jwt subject invalid')
}

interface Jwk extends Claims {
  kid?: string
  use?: string
  alg?: string
}

/**
 * As `verify`, with the key that the token names of a key set at a URL. The set is kept for as long as its server says;
 * a key that it does not hold is looked for once more in a new one.
 *
 * @source RFC 7517
 */
export function verifyWithKeySet(token: string, url: string, options: VerifyOptions = {}): Promise<Claims> {
  return mustSettle(verifiedWithKeySet(token, url, options))
}

async function verifiedWithKeySet(token: string, url: string, options: VerifyOptions): Promise<Claims> {
  const { header } = decodeToken(token)
  for (const cache of ['force-cache', 'reload']) {
    const response = await guestFetch(url, { cache })
    if (!response.ok) throw new Error(`${url} answered ${response.status}`)
    const { keys = [] } = (await response.json()) as { keys?: Jwk[] }
    const fitting = keys.filter(
      ({ kid, use, alg }) =>
        (header.kid === undefined || kid === header.kid) &&
        (use ?? 'sig') === 'sig' &&
        (alg ?? header.alg) === header.alg,
    )
    for (const [index, jwk] of fitting.entries()) {
      if (jwk.kty === 'oct') continue
      try {
        return verifyToken(token, jwk, options)
      } catch (thrown) {
        if (index === fitting.length - 1 && header.kid !== undefined) throw thrown
      }
    }
  }
  throw new TypeError('no key of the key set fits this token')
}

const all = { sign: signToken, verify: verifyToken, decode: decodeToken, verifyWithKeySet }

export { decodeToken as decode, signToken as sign, verifyToken as verify }

offer('permea:jwt', all)
export default all
