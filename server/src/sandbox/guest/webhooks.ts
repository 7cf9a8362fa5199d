import { Buffer } from './buffer.ts'
import { createHash, createHmac, timingSafeEqual } from './crypto.ts'
import { guestFetch } from './fetch.ts'
import { isArray, splitText, toText } from './intrinsics.ts'
import { decodeToken, isSigned as isSignedToken, verifyToken } from './jwt.ts'
import { type KeyObject, verifyCertificateChain } from './keys.ts'
import { isDigestOf, isMadeWith, messageSignatures } from './message-signatures.ts'
import { offer } from './requirable.ts'
import { verifyBytes } from './signing.ts'
import { SCHEMES } from './vendors/all.ts'
import { HANDSHAKES } from './vendors/handshakes.ts'
import type { Handshake, Scheme } from './vendors/scheme.ts'
import { mustSettle } from './waiting.ts'
import {
  allowedUrl,
  keyBytes,
  keyOption,
  keysIn,
  proofs,
  publicKeyOf,
  refusal,
  secrets,
  tokenHeader,
  wrong,
} from './webhook-proofs.ts'
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
    payload: scheme.payload === 'claims' ? request.claims : request.payload,
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
    const kid = scheme.keyId === undefined ? undefined : (request.at(scheme.keyId) ?? undefined)
    const keys = keysIn(key, kid).map((each) => publicKeyOf(scheme, each))
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
    const { kid } = tokenHeader(scheme, token)
    const keys = keysIn(key, typeof kid === 'string' ? kid : undefined)
    const audience = scheme.audience === undefined ? null : request.option(scheme.audience)
    const wanted = {
      ...(algorithms === undefined ? {} : { algorithms }),
      ...(issuer === undefined ? {} : { issuer }),
      ...(audience === null ? {} : { audience: needed(scheme, audience) }),
      clockTolerance,
      at: request.receivedAtMs,
    }
    if (keys.length === 0) throw refusal(scheme, 'wrong_signature', 'it was signed with a key that is not known')
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

  jws(scheme, request, key) {
    const [token = ''] = proofs(scheme, request)
    const header = tokenHeader(scheme, token)
    const [kept = '', carried = '', signature = ''] = splitText(token, '.')
    const algorithm = toText(header.alg)
    if (scheme.algorithms?.includes(algorithm) !== true)
      throw refusal(scheme, 'wrong_signature', `it is signed with ${algorithm}, which the vendor does not use`)
    if (header.crit !== undefined && toText(header.crit) !== 'b64') throw wrong(scheme)
    const texts = carried === '' ? detachedTexts(scheme, request, header) : [Buffer.from(carried)]
    const given = Buffer.from(signature, 'base64url')
    const keys =
      scheme.chain === undefined
        ? keysIn(key, header.kid === undefined ? undefined : toText(header.kid))
        : [keyOfChain(scheme, scheme.chain, { certificates: header.x5c, root: key, at: request.receivedAtMs })]
    const isGenuine = keys.some((each) => {
      const publicKey = publicKeyOf(scheme, each)
      return texts.some((text) =>
        isSignedToken(algorithm, Buffer.concat([Buffer.from(`${kept}.`), text]), publicKey, given),
      )
    })
    if (!isGenuine) throw wrong(scheme)
    request.claims = carried === '' ? header : decodeToken(token).payload
  },

  message(scheme, request, key) {
    const found = messageSignatures(request)
    if (found.length === 0) throw refusal(scheme, 'missing_signature', 'it has no signature-input and signature')
    const genuine = found.find((each) =>
      keysIn(key, each.parameters.keyid).some((one) =>
        isMadeWith(
          each,
          request.option('publicKey') === undefined ? (secrets(scheme, one)[0] ?? '') : publicKeyOf(scheme, one),
        ),
      ),
    )
    if (genuine === undefined) throw wrong(scheme)
    request.pairs = { ...genuine.parameters }
    const expires = Number(genuine.parameters.expires ?? Number.POSITIVE_INFINITY)
    if (expires * 1000 < request.receivedAtMs) throw refusal(scheme, 'too_old', 'the signature has expired')
    const digest = genuine.covered.find((each) => each === 'content-digest' || each === 'digest')
    // What the signature does not cover, anybody may have written.
    if (request.body.length > 0 && digest === undefined)
      throw refusal(scheme, 'wrong_signature', 'its body is not signed: no digest of it is covered')
    if (digest !== undefined && !isDigestOf(request, digest)) throw wrong(scheme)
  },
}

/** What a detached token is about: as it is where its header says so, else in base64. */
function detachedTexts(scheme: Scheme, request: Request, header: Record<string, unknown>): Buffer[] {
  return templates(scheme).map((template) => {
    const text = request.filled(template)
    return header.b64 === false ? text : Buffer.from(text.toString('base64url'))
  })
}

/** The key of the first certificate, if it leads to the root and holds what the vendor puts into its own. */
function keyOfChain(
  scheme: Scheme,
  { marks }: NonNullable<Scheme['chain']>,
  { certificates, root, at }: { certificates: unknown; root: unknown; at: number },
): KeyObject {
  const pems = (isArray(certificates) ? certificates : []).map(
    (each) => `-----BEGIN CERTIFICATE-----\n${toText(each)}\n-----END CERTIFICATE-----\n`,
  )
  try {
    const leaf = verifyCertificateChain(pems, { roots: root as string, at })
    const isMarked = marks.every((mark, index) =>
      Buffer.from(toText((certificates as unknown[])[index]), 'base64').includes(Buffer.from(mark, 'hex')),
    )
    if (isMarked) return leaf.publicKey
  } catch (thrown) {
    throw refusal(scheme, 'wrong_signature', `its certificates are not the vendor’s: ${(thrown as Error).message}`)
  }
  throw refusal(scheme, 'wrong_signature', 'its certificate is not one that the vendor signs with')
}

function needed({ name, audience = '', takes }: Scheme, value: unknown): string | readonly string[] {
  if (typeof value === 'string' && value !== '') return value
  if (isArray(value) && value.length > 0) return value
  throw new TypeError(`${name} needs ${audience}: ${takes[audience] ?? ''}`)
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

const unpadded = (text: unknown): string => (typeof text === 'string' ? text.replace(/=+$/, '') : '')

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
    for (const [name, meaning] of Object.entries(handshake.takes))
      if (toText(request.option(name) ?? '') === '') throw new TypeError(`${handshake.name} needs ${name}: ${meaning}`)
    const { key = 'text' } = hmac
    const digest =
      key === 'none'
        ? createHash(hmac.hash)
        : createHmac(hmac.hash, keyBytes({ key } as Scheme, toText(request.option('secret'))))
    more.hmac = digest.update(request.filled(hmac.of, more)).digest(hmac.encoding)
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
