import { Buffer } from './buffer.ts'
import { createHash } from './crypto.ts'
import { guestFetch } from './fetch.ts'
import { isArray, parseJson, splitText, startsWith, toLower, toText } from './intrinsics.ts'
import { createPublicKey, KeyObject } from './keys.ts'
import { messageSignatures } from './message-signatures.ts'
import type { RequestLocator, Scheme } from './vendors/scheme.ts'
import { type Request, WebhookVerificationError } from './webhook-request.ts'

/** The proofs that the request holds. */
export function proofs(scheme: Scheme, request: Request): string[] {
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

/** What ends in a space is the name of a way to authenticate, which counts in any case (RFC 9110 section 11.1). */
function begins(text: string, prefix: string): boolean {
  return prefix.endsWith(' ') ? startsWith(toLower(text), toLower(prefix)) : startsWith(text, prefix)
}

export function secrets(scheme: Scheme, key: unknown): string[] {
  const given = isArray(key) ? key : [key]
  for (const each of given)
    if (typeof each !== 'string' || each === '')
      throw new TypeError(`${scheme.name}: secret must be a text, or a list of texts`)
  return given as string[]
}

export function keyBytes({ key = 'text' }: Scheme, secret: string): Buffer {
  if (key === 'hex' || key === 'base64') return Buffer.from(secret, key)
  if (key === 'whsec') return Buffer.from(startsWith(secret, 'whsec_') ? secret.slice(6) : secret, 'base64')
  if (key === 'sha1') return createHash('sha1').update(secret).digest()
  if (key === 'nfkd') return Buffer.from(secret.normalize('NFKD'))
  return Buffer.from(key === 'ampersand' ? `${secret}&` : secret)
}

/** A key as vendors show it. */
export function publicKeyOf(scheme: Scheme, key: unknown): KeyObject {
  if (key instanceof KeyObject) return key
  const kind = scheme.publicKey ?? 'pem'
  if (typeof key === 'object' && key !== null && 'kty' in key) return createPublicKey({ key, format: 'jwk' })
  if (typeof key !== 'string') return createPublicKey(key)
  // Some show it in one line.
  if (startsWith(key, '-----'))
    return createPublicKey(key.replace(/^(-----[A-Z ]+-----)([^\n]+?)(-----[A-Z ]+-----)\s*$/, '$1\n$2\n$3\n'))
  if (kind === 'spki base64') return createPublicKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'spki' })
  if (!startsWith(kind, 'ed25519')) return createPublicKey(key)
  const text = startsWith(key, 'whpk_') ? key.slice(5) : key
  const raw = Buffer.from(text, kind === 'ed25519 hex' ? 'hex' : 'base64')
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' })
}

/** The key that the caller gave, fetched where it has to be. */
export function keyOption(scheme: Scheme, request: Request): unknown {
  if (scheme.engine === 'none') return null
  const [secret, publicKey, certificate] = ['secret', 'publicKey', 'certificate'].map((name) => request.option(name))
  if (scheme.certificate !== undefined) return certificate ?? fetchedCertificate(scheme, scheme.certificate, request)
  if (scheme.chain !== undefined && isGiven(certificate)) return certificate
  const isPublic = isOfPublicKeys(scheme)
  // Messages are signed with either kind of key.
  const given = isPublic ? (publicKey ?? (scheme.engine === 'message' ? secret : undefined)) : secret
  if (typeof given === 'function') return Promise.resolve((given as (kid: unknown) => unknown)(keyId(scheme, request)))
  if (isGiven(given)) return given
  if (scheme.keySet !== undefined) return fetchedKeySet(scheme.keySet, keyId(scheme, request))
  const wanted = scheme.chain !== undefined ? 'certificate' : isPublic ? 'publicKey' : 'secret'
  throw new TypeError(`${scheme.name} needs ${wanted}: ${Object.values(scheme.takes)[0] ?? ''}`)
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null && value !== ''

function isOfPublicKeys({ engine, publicKey }: Scheme): boolean {
  return (
    engine === 'signature' ||
    engine === 'message' ||
    ((engine === 'jwt' || engine === 'jws') && publicKey !== undefined)
  )
}

/** What the request says of the key that it was signed with. */
function keyId(scheme: Scheme, request: Request): string | undefined {
  if (scheme.keyId !== undefined) return request.at(scheme.keyId) ?? undefined
  if (scheme.engine === 'message') return messageSignatures(request)[0]?.parameters.keyid
  if (scheme.engine !== 'jwt' && scheme.engine !== 'jws') return undefined
  const [token = ''] = proofs(scheme, request)
  const { kid } = tokenHeader(scheme, token)
  return kid === undefined ? undefined : toText(kid)
}

/** The protected header of a token, whose payload may stand elsewhere. */
export function tokenHeader(scheme: Scheme, token: string): Record<string, unknown> {
  try {
    const header: unknown = parseJson(Buffer.from(splitText(token, '.')[0] ?? '', 'base64url').toString())
    if (typeof header === 'object' && header !== null && !isArray(header)) return header as Record<string, unknown>
  } catch {
    // Told below.
  }
  throw refusal(scheme, 'wrong_signature', 'it has no token')
}

/** Keys as they were given: one, several, or a key set, of which those count that are named. */
export function keysIn(key: unknown, kid: string | undefined): unknown[] {
  if (isArray(key)) return key
  const set = typeof key === 'string' && startsWith(key.trim(), '{') ? (parseJson(key) as unknown) : key
  if (typeof set !== 'object' || set === null || !('keys' in set) || !isArray(set.keys)) return [set]
  const named = (set.keys as { kid?: string }[]).filter((each) => kid === undefined || each.kid === kid)
  return named
}

/** A key that the set does not hold is looked for once more in a new one. */
async function fetchedKeySet(url: string, kid: string | undefined): Promise<unknown[]> {
  const kept = keysIn(await fetchedText(url), kid)
  return kept.length > 0 ? kept : keysIn(await fetchedText(url, 'reload'), kid)
}

/** A certificate from the vendor's own address, which TLS vouches for: what is served there is not a whole chain. */
function fetchedCertificate({ name }: Scheme, { at, hosts }: NonNullable<Scheme['certificate']>, request: Request) {
  return fetchedText(allowedUrl(name, request.at(at), hosts))
}

/** The address, if it is of the vendor: who could name another one could sign with a key of his own. */
export function allowedUrl(vendor: string, text: string | null, hosts: RegExp): string {
  const url = URL.canParse(text ?? '') ? new URL(text ?? '') : null
  if (url === null || url.protocol !== 'https:' || url.port !== '' || !hosts.test(url.hostname))
    throw new WebhookVerificationError(vendor, 'foreign_address', 'it names an address that is not the vendor’s')
  return url.href
}

async function fetchedText(url: string, cache = 'force-cache'): Promise<string> {
  const response = await guestFetch(url, { cache })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return response.text()
}

export function refusal({ name }: Scheme, reason: string, message: string): WebhookVerificationError {
  return new WebhookVerificationError(name, reason, message)
}

export function wrong(scheme: Scheme): WebhookVerificationError {
  return refusal(scheme, 'wrong_signature', 'the signature does not belong to this request')
}
