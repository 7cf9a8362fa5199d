import { X509Certificate } from 'node:crypto'
import { describedKey, keyOf } from './host-keys.ts'

type Spec = Record<string, unknown>

/** Longer chains than any that are in use. */
const CHAIN_MAX = 10

/** What a function sees of a certificate, under the names of Node's `X509Certificate`. */
export function describedCertificate(bytes: Uint8Array) {
  const certificate = new X509Certificate(bytes)
  const { subject, issuer, subjectAltName, infoAccess, validFrom, validTo, serialNumber, ca, keyUsage } = certificate
  const { fingerprint, fingerprint256, fingerprint512 } = certificate
  return {
    ...{ subject, issuer, subjectAltName, infoAccess, validFrom, validTo, serialNumber, ca, keyUsage },
    ...{ fingerprint, fingerprint256, fingerprint512 },
    rawBase64: certificate.raw.toString('base64'),
    pem: certificate.toString(),
    publicKey: describedKey(certificate.publicKey),
  }
}

/** The methods of `X509Certificate` that check something. */
export function certificateCheck(
  spec: Spec,
  bytes: Uint8Array,
  other: Uint8Array | undefined,
): string | boolean | null {
  const certificate = new X509Certificate(bytes)
  const value = String(spec.value)
  const options = spec.options as Parameters<X509Certificate['checkHost']>[1]
  if (spec.check === 'host') return certificate.checkHost(value, options) ?? null
  if (spec.check === 'email') return certificate.checkEmail(value, options as { subject: 'default' }) ?? null
  if (spec.check === 'ip') return certificate.checkIP(value) ?? null
  if (other === undefined) throw new TypeError('there is nothing to check it with')
  if (spec.check === 'issued') return certificate.checkIssued(new X509Certificate(other))
  if (spec.check === 'verify')
    return certificate.verify(keyOf({ kind: 'public', format: 'der', type: 'spki', bytes: other }))
  return certificate.checkPrivateKey(keyOf({ kind: 'private', format: 'der', type: 'pkcs8', bytes: other }))
}

/**
 * Why the first certificate of `pems` is not to be trusted, null where it is: each is issued and signed by the next or
 * by a root, those that issue may do so, all are valid at `atMs`, and the name is the first one's. Roots are `roots`
 * where given, else those that Node comes with.
 *
 * @source RFC 5280, section 6.1; without revocation, policies and name constraints
 */
export function chainProblem({ pems, roots, host, atMs }: Spec): string | null {
  const chain = parsed(pems)
  const [leaf] = chain
  if (leaf === undefined) return 'there is no certificate'
  if (chain.length > CHAIN_MAX) return `the chain has more than ${CHAIN_MAX} certificates`
  if (typeof host === 'string' && leaf.checkHost(host) === undefined) return `the certificate is not for ${host}`
  const trusted = roots === undefined || roots === null ? knownRoots() : bySubject(parsed(roots))
  const others = chain.slice(1)
  const seen: X509Certificate[] = []
  for (let current = leaf; ; ) {
    const problem = validityProblem(current, Number(atMs))
    if (problem !== null) return problem
    seen.push(current)
    if (isAmong(trusted, current)) return null
    const root = (trusted.get(current.issuer) ?? []).find((each) => hasIssued(each, current))
    if (root !== undefined) return validityProblem(root, Number(atMs))
    const issuer = others.find((each) => !seen.includes(each) && hasIssued(each, current))
    if (issuer === undefined) return `nobody that is trusted issued the certificate of ${oneLine(current.subject)}`
    current = issuer
  }
}

function parsed(pems: unknown): X509Certificate[] {
  const texts = Array.isArray(pems) ? pems.map(String) : [String(pems)]
  return texts.flatMap((text) => text.match(PEM) ?? []).map((pem) => new X509Certificate(pem))
}

const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

function hasIssued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

function validityProblem(certificate: X509Certificate, atMs: number): string | null {
  if (atMs < certificate.validFromDate.getTime())
    return `the certificate of ${oneLine(certificate.subject)} is not valid yet`
  if (atMs > certificate.validToDate.getTime()) return `the certificate of ${oneLine(certificate.subject)} has expired`
  return null
}

function oneLine(name: string): string {
  return name.replaceAll('\n', ', ').slice(0, 200)
}

type Roots = Map<string, X509Certificate[]>

function bySubject(certificates: readonly X509Certificate[]): Roots {
  return Map.groupBy(certificates, ({ subject }) => subject)
}

function isAmong(roots: Roots, certificate: X509Certificate): boolean {
  return (roots.get(certificate.subject) ?? []).some((each) => each.raw.equals(certificate.raw))
}

let known: Roots | null = null

function knownRoots(): Roots {
  if (known !== null) return known
  // Loaded when it is needed: few functions ask for it, and every child starts quicker without.
  const { rootCertificates } = process.getBuiltinModule('node:tls')
  known = bySubject(rootCertificates.map((pem) => new X509Certificate(pem)))
  return known
}
