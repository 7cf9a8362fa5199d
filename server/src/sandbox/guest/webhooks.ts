import { Buffer } from './buffer.ts'
import { createHash, createHmac, timingSafeEqual } from './crypto.ts'
import { guestFetch } from './fetch.ts'
import { isArray, splitText, startsWith, toLower, toText } from './intrinsics.ts'
import { decodeToken, verifyToken } from './jwt.ts'
import { createPublicKey, KeyObject, verifyCertificateChain } from './keys.ts'
import { offer } from './requirable.ts'
import { verifyBytes } from './signing.ts'
import { SCHEMES } from './vendors/all.ts'
import { HANDSHAKES } from './vendors/handshakes.ts'
import type { Handshake, RequestLocator, Scheme } from './vendors/scheme.ts'
import { mustSettle } from './waiting.ts'
import { type Options, Request, urlForms, WebhookVerificationError } from './webhook-request.ts'

/** What a verified request is. */
export interface Verified {
  /** What is the same when the vendor sends the event again; null where nothing is. */
  id: string | null
  /** The time that was signed, ISO 8601. */
  signedAt: string | null
  payload: unknown
}

type Verify = (options: Options) => Verified | Promise<Verified>

/**
 * Verifies a request by a scheme of your own, described as those of the vendors are. Throws `WebhookVerificationError`
 * where it is not genuine; what comes back otherwise is its id, time and payload. A promise only where a key has to be
 * fetched first: await it.
 */
export function verifyWith(scheme: Scheme, options: Options): Verified | Promise<Verified> {
  const request = new Request(options, scheme)
  const key = keyOption(scheme, request)
  if (!(key instanceof Promise)) return verified(scheme, request, key)
  return mustSettle(key.then((found) => verified(scheme, request, found)))
}

/** One function for each vendor: `verify.stripe({ request, secret })`. */
const verifiers: Record<string, Verify> & { with?: typeof verifyWith } = {}
for (const name of Object.keys(SCHEMES)) verifiers[name] = (options) => verifyWith(SCHEMES[name] as Scheme, options)

function verified(scheme: Scheme, request: Request, key: unknown): Verified {
  const elements = scheme.each === undefined ? [undefined] : elementsAt(request.payload, splitText(scheme.each, '.'))
  if (elements.length === 0) throw refusal(scheme, 'missing_signature', 'the body holds nothing that is signed')
  for (const element of elements) {
    request.element = element
    ENGINES[scheme.engine ?? 'hmac'](scheme, request, key)
    checkAge(scheme, request)
  }
  request.element = undefined
  const ids = scheme.id.flatMap((locator) => request.at(locator) ?? [])
  const signedAtMs = signedAt(scheme, request)
  return {
    id: ids.length === 0 ? null : ids.join(':'),
    signedAt: signedAtMs === null ? null : new Date(signedAtMs).toISOString(),
    payload: request.payload,
  }
}

type Check = (scheme: Scheme, request: Request, key: unknown) => void

const ENGINES: Record<NonNullable<Scheme['engine']>, Check> = {
  none() {},

  hmac(scheme, request, key) {
    const given = bytesOf(scheme, proofs(scheme, request))
    checkBodyDigest(scheme, request)
    const isGenuine = secrets(scheme, key).some((secret) =>
      signedTexts(scheme, request).some((text) => {
        const mac = createHmac(hashOf(scheme, request), keyBytes(scheme, secret)).update(text).digest()
        return given.some((proof) => isEqual(mac, proof))
      }),
    )
    if (!isGenuine) throw wrong(scheme)
  },

  digest(scheme, request, key) {
    const given = bytesOf(scheme, proofs(scheme, request))
    const isGenuine = secrets(scheme, key).some((secret) =>
      templates(scheme).some((template) => {
        const digest = createHash(scheme.hash ?? 'sha256')
          .update(request.filled(template, { secret }))
          .digest()
        return given.some((proof) => isEqual(digest, proof))
      }),
    )
    if (!isGenuine) throw wrong(scheme)
  },

  token(scheme, request, key) {
    const given = proofs(scheme, request)
    const isGenuine = secrets(scheme, key).some((secret) =>
      given.some((proof) => isEqual(Buffer.from(secret), Buffer.from(proof))),
    )
    if (!isGenuine) throw wrong(scheme)
  },

  signature(scheme, request, key) {
    const given = bytesOf(scheme, proofs(scheme, request))
    const keys = (isArray(key) ? key : [key]).map((each) => publicKeyOf(scheme, each))
    const isGenuine = keys.some((publicKey) => {
      const isEdwards = publicKey.asymmetricKeyType?.startsWith('ed') === true
      const algorithm = isEdwards ? null : hashOf(scheme, request)
      const held = scheme.padding === 'pss' ? { key: publicKey, padding: 6, saltLength: -1 } : publicKey
      return templates(scheme).some((template) =>
        given.some((proof) => verifyBytes(algorithm, request.filled(template), held, proof)),
      )
    })
    if (!isGenuine) throw wrong(scheme)
  },

  jwt(scheme, request, key) {
    const [token = ''] = proofs(scheme, request)
    const { algorithms, issuer, clockTolerance = 0 } = scheme
    const keys = isArray(key) ? key : [key]
    const wanted = {
      ...(algorithms === undefined ? {} : { algorithms }),
      ...(issuer === undefined ? {} : { issuer }),
      clockTolerance,
      at: request.receivedAtMs,
    }
    for (const [index, each] of keys.entries()) {
      try {
        request.claims = verifyToken(token, each, wanted)
        break
      } catch (thrown) {
        if (index < keys.length - 1) continue
        throw refusal(scheme, 'wrong_signature', `the token is not genuine: ${(thrown as Error).message}`)
      }
    }
    for (const [name, { of, hash, encoding, isOfBodies }] of Object.entries(scheme.claims ?? {})) {
      if (request.claims[name] === undefined && isOfBodies === true && request.body.length === 0) continue
      const digest = createHash(hash)
        .update(request.filled(`{${of}}`))
        .digest(encoding)
      // Some pad the last group of base64, some do not.
      if (unpadded(request.claims[name]) !== unpadded(digest))
        throw refusal(scheme, 'wrong_signature', `the token was made for another request: ${name} differs`)
    }
  },
}

/** The proofs that the request holds. */
function proofs(scheme: Scheme, request: Request): string[] {
  const places = isArray(scheme.at) ? (scheme.at as RequestLocator[]) : [scheme.at as RequestLocator]
  const found = places.flatMap((place) => request.at(place) ?? [])
  if (found.length === 0) throw refusal(scheme, 'missing_signature', `it has no ${places.join(' or ')}`)
  const { pairs, between } = scheme
  if (pairs !== undefined) return found.flatMap((text) => pairProofs(pairs, request, text))
  const parts = between === undefined ? found : found.flatMap((text) => splitText(text, between))
  if (between !== undefined) for (const [index, part] of parts.entries()) request.pairs[index] = part.trim()
  const prefixes = scheme.prefix === undefined ? [''] : isArray(scheme.prefix) ? scheme.prefix : [scheme.prefix]
  const held = parts.flatMap((part) => {
    const prefix = prefixes.find((each) => begins(part.trim(), each))
    return prefix === undefined ? [] : [part.trim().slice(prefix.length)]
  })
  if (held.length === 0)
    throw refusal(scheme, 'missing_signature', `it has no signature that begins with ${prefixes[0]}`)
  return held
}

function pairProofs(
  { between, fields, is = '=', isCaseless = false }: NonNullable<Scheme['pairs']>,
  request: Request,
  text: string,
): string[] {
  const wanted = fields.map((field) => request.filled(field).toString())
  const held: string[] = []
  for (const part of splitText(text, between)) {
    const at = part.indexOf(is)
    if (at === -1) continue
    const [written, value] = [part.slice(0, at).trim(), part.slice(at + is.length).trim()]
    const name = isCaseless ? toLower(written) : written
    request.pairs[name] = value
    if (wanted.includes(name)) held.push(value)
  }
  return held
}

function checkBodyDigest(scheme: Scheme, request: Request): void {
  const { bodyDigest } = scheme
  const told = bodyDigest === undefined ? null : request.at(bodyDigest.at)
  if (bodyDigest === undefined || told === null) {
    // A signature of the URL alone would vouch for any body.
    if (request.isBesideForm && templates(scheme).every((template) => template.includes('{sortedForm}')))
      throw wrong(scheme)
    return
  }
  const digest = createHash(bodyDigest.hash).update(request.body).digest()
  if (!bytesOf(bodyDigest, [told]).some((each) => isEqual(digest, each))) throw wrong(scheme)
}

function signedAt({ time }: Scheme, request: Request): number | null {
  const told = time === undefined ? null : request.at(time.at)
  if (time === undefined || told === null) return null
  const ms = time.unit === 'iso' ? new Date(told).getTime() : Number(told) * (time.unit === 's' ? 1000 : 1)
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? ms : null
}

/** The age counts from when the request came in: it may be handled again much later. */
function checkAge(scheme: Scheme, request: Request): void {
  const { time } = scheme
  if (time === undefined) return
  const asked = request.option('tolerance')
  const tolerance = asked === undefined ? time.tolerance : asked === false ? null : (asked as number | null)
  const ms = signedAt(scheme, request)
  if (tolerance === null || tolerance === Number.POSITIVE_INFINITY) return
  if (ms === null) throw refusal(scheme, 'missing_time', `the time that is signed is missing (${time.at})`)
  const ageSeconds = (request.receivedAtMs - ms) / 1000
  if (ageSeconds > tolerance)
    throw refusal(
      scheme,
      'too_old',
      `it was signed ${Math.round(ageSeconds)} s before it came, ${tolerance} s are allowed`,
    )
  if (time.isBoth === true && -ageSeconds > tolerance)
    throw refusal(
      scheme,
      'too_new',
      `it was signed ${Math.round(-ageSeconds)} s after it came, ${tolerance} s are allowed`,
    )
}

const templates = ({ signed = '{body}' }: Scheme): readonly string[] => (typeof signed === 'string' ? [signed] : signed)

/** What may have been signed, each made when the one before was not it. */
function signedTexts(scheme: Scheme, request: Request): { some(isIt: (text: Buffer) => boolean): boolean } {
  const urls = scheme.isUrlLoose === true ? urlForms(request.url) : [null]
  return {
    some: (isIt) => urls.some((url) => templates(scheme).some((template) => isIt(request.filled(template, {}, url)))),
  }
}

const WRITTEN = { hex: /^(?:[0-9a-f]{2})+$/i, base64: /^[A-Za-z0-9+/]+={0,2}$/, base64url: /^[A-Za-z0-9_+/-]+={0,2}$/ }

/**
 * The bytes of the proofs; of one with anything else beside it none. A header that came twice is one with a comma
 * (RFC 9110 section 5.2), which stands in no proof.
 */
function bytesOf({ encoding = 'hex' }: Pick<Scheme, 'encoding'>, given: readonly string[]): Buffer[] {
  return given
    .flatMap((proof) => splitText(proof, ','))
    .flatMap((proof) => (WRITTEN[encoding].test(proof.trim()) ? [Buffer.from(proof.trim(), encoding)] : []))
}

function hashOf(scheme: Scheme, request: Request): string {
  const { hash = 'sha256', hashBy } = scheme
  const named = hashBy === undefined ? null : hashBy.find.exec(request.at(hashBy.at) ?? '')
  const name = named?.[1] ?? named?.[0] ?? ''
  if (hashBy === undefined || name === '') return hash
  if (!Object.hasOwn(hashBy.means, name))
    throw refusal(scheme, 'wrong_signature', `it is signed with ${name}, which is not known`)
  return hashBy.means[name] as string
}

/** What ends in a space is the name of a way to authenticate, which counts in any case (RFC 9110 section 11.1). */
function begins(text: string, prefix: string): boolean {
  return prefix.endsWith(' ') ? startsWith(toLower(text), toLower(prefix)) : startsWith(text, prefix)
}

function secrets(scheme: Scheme, key: unknown): string[] {
  const given = isArray(key) ? key : [key]
  for (const each of given)
    if (typeof each !== 'string' || each === '')
      throw new TypeError(`${scheme.name}: secret must be a text, or a list of texts`)
  return given as string[]
}

function keyBytes({ key = 'text' }: Scheme, secret: string): Buffer {
  if (key === 'hex' || key === 'base64') return Buffer.from(secret, key)
  if (key === 'whsec') return Buffer.from(startsWith(secret, 'whsec_') ? secret.slice(6) : secret, 'base64')
  if (key === 'sha1') return createHash('sha1').update(secret).digest()
  if (key === 'nfkd') return Buffer.from(secret.normalize('NFKD'))
  return Buffer.from(key === 'ampersand' ? `${secret}&` : secret)
}

const unpadded = (text: unknown): string => (typeof text === 'string' ? text.replace(/=+$/, '') : '')

/** A key as vendors show it. */
function publicKeyOf(scheme: Scheme, key: unknown): KeyObject {
  if (key instanceof KeyObject) return key
  const kind = scheme.publicKey ?? 'pem'
  if (typeof key === 'object' && key !== null && 'kty' in key) return createPublicKey({ key, format: 'jwk' })
  if (typeof key !== 'string' || startsWith(key, '-----')) return createPublicKey(key)
  if (kind === 'spki base64') return createPublicKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'spki' })
  if (!startsWith(kind, 'ed25519')) return createPublicKey(key)
  const text = startsWith(key, 'whpk_') ? key.slice(5) : key
  const raw = Buffer.from(text, kind === 'ed25519 hex' ? 'hex' : 'base64')
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' })
}

/** The key that the caller gave, fetched where it has to be. */
function keyOption(scheme: Scheme, request: Request): unknown {
  if (scheme.engine === 'none') return null
  const [secret, publicKey, certificate] = ['secret', 'publicKey', 'certificate'].map((name) => request.option(name))
  if (scheme.certificate !== undefined) return certificate ?? fetchedCertificate(scheme, scheme.certificate, request)
  const isPublic = scheme.engine === 'signature' || (scheme.engine === 'jwt' && scheme.publicKey !== undefined)
  const given = isPublic ? publicKey : secret
  if (typeof given === 'function') {
    const [token = ''] = scheme.engine === 'jwt' ? proofs(scheme, request) : []
    return Promise.resolve(
      (given as (kid: unknown) => unknown)(token === '' ? undefined : decodeToken(token).header.kid),
    )
  }
  if (given === undefined || given === null || given === '')
    throw new TypeError(
      `${scheme.name} needs ${isPublic ? 'publicKey' : 'secret'}: ${Object.values(scheme.takes)[0] ?? ''}`,
    )
  return given
}

/** A certificate from the vendor's own address, which TLS vouches for: what is served there is not a whole chain. */
function fetchedCertificate({ name }: Scheme, { at, hosts }: NonNullable<Scheme['certificate']>, request: Request) {
  return fetchedText(allowedUrl(name, request.at(at), hosts))
}

/** The address, if it is of the vendor: who could name another one could sign with a key of his own. */
function allowedUrl(vendor: string, text: string | null, hosts: RegExp): string {
  const url = URL.canParse(text ?? '') ? new URL(text ?? '') : null
  if (url === null || url.protocol !== 'https:' || url.port !== '' || !hosts.test(url.hostname))
    throw new WebhookVerificationError(vendor, 'foreign_address', 'it names an address that is not the vendor’s')
  return url.href
}

async function fetchedText(url: string): Promise<string> {
  const response = await guestFetch(url, { cache: 'force-cache' })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return response.text()
}

function elementsAt(value: unknown, path: readonly string[]): unknown[] {
  const [step, ...rest] = path
  if (step === undefined) return [value]
  if (typeof value !== 'object' || value === null) return []
  if (step === '*') return isArray(value) ? value.flatMap((each) => elementsAt(each, rest)) : []
  return elementsAt((value as Record<string, unknown>)[step], rest)
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other)
}

function refusal({ name }: Scheme, reason: string, message: string): WebhookVerificationError {
  return new WebhookVerificationError(name, reason, message)
}

function wrong(scheme: Scheme): WebhookVerificationError {
  return refusal(scheme, 'wrong_signature', 'the signature does not belong to this request')
}

/** What `handle` returns for a handshake. */
interface Shaken {
  events: unknown[]
  response: { status: number; headers: Record<string, string>; data?: unknown }
  state?: Record<string, unknown>
}

type Shake = (options: Options) => Shaken | null | Promise<Shaken | null>

/**
 * One function for each vendor that makes sure of a URL: what `handle` has to return where the request is a handshake,
 * null where it is none. Throws where it should be signed and is not.
 */
export const handshakes: Record<string, Shake> = {}
for (const name of Object.keys(HANDSHAKES))
  handshakes[name] = (options) => shaken(HANDSHAKES[name] as Handshake, options)

function shaken(handshake: Handshake, options: Options): Shaken | null | Promise<Shaken | null> {
  const scheme = handshake.verify === undefined ? null : (SCHEMES[handshake.verify] as Scheme)
  const request = new Request(options, scheme ?? { name: handshake.name })
  const value = handshake.at === undefined ? '' : request.at(handshake.at)
  const isAsked = handshake.method === undefined || request.method === handshake.method
  if (!isAsked || value === null || (handshake.is !== undefined && value !== toText(handshake.is))) return null
  if (handshake.expect !== undefined) {
    const wanted = request.option(handshake.expect.option)
    if (wanted === undefined) throw new TypeError(`${handshake.name} needs ${handshake.expect.option}`)
    if (request.at(handshake.expect.at) !== toText(wanted))
      throw new WebhookVerificationError(handshake.name, 'wrong_token', `${handshake.expect.at} is not what was agreed`)
  }
  const proven = scheme === null ? null : verifyWith(scheme, options)
  if (proven instanceof Promise) return mustSettle(proven.then(() => answered(handshake, request, value)))
  const answer = answered(handshake, request, value)
  return answer instanceof Promise ? mustSettle(answer) : answer
}

function answered(handshake: Handshake, request: Request, value: string): Shaken | Promise<Shaken> {
  const { hmac, answer, state, visit } = handshake
  const more: Record<string, string> = { value, '*': '*', 'number:1': '1' }
  if (hmac !== undefined) {
    const secret = toText(request.option('secret') ?? '')
    if (secret === '') throw new TypeError(`${handshake.name} needs secret: ${handshake.takes.secret}`)
    const key = keyBytes({ key: hmac.key ?? 'text' } as Scheme, secret)
    more.hmac = createHmac(hmac.hash, key).update(request.filled(hmac.of, more)).digest(hmac.encoding)
  }
  const fill = (template: string) => (template === '{number:1}' ? 1 : request.filled(template, more).toString())
  const filled = (texts: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(texts).map(([name, template]) => [name, fill(template)]))
  const made: Shaken = {
    events: [],
    response: { status: answer.status ?? 200, headers: filled(answer.headers ?? {}) as Record<string, string> },
  }
  if (answer.data !== undefined)
    made.response.data = typeof answer.data === 'string' ? fill(answer.data) : filled(answer.data)
  if (state !== undefined) made.state = { ...(request.option('state') as object | undefined), ...filled(state) }
  if (visit === undefined) return made
  const url = allowedUrl(handshake.name, request.at(visit.at), visit.hosts)
  return guestFetch(url).then((response) => {
    if (!response.ok) throw new Error(`${new URL(url).origin} answered ${response.status} to the confirmation`)
    return made
  })
}

verifiers.with = verifyWith

const all = { verify: verifiers, handshakes, verifyWith, verifyCertificateChain, WebhookVerificationError }
offer('permea:webhooks', all)

export { verifiers as verify, verifyCertificateChain, WebhookVerificationError }
export default all
