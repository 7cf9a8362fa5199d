import { Buffer } from './buffer.ts'
import { createHash, createHmac, timingSafeEqual } from './crypto.ts'
import { splitText, toLower, toText } from './intrinsics.ts'
import type { KeyObject } from './keys.ts'
import { verifyBytes } from './signing.ts'
import type { RequestLocator } from './vendors/scheme.ts'
import type { Request } from './webhook-request.ts'

/** One signature of a message: what it covers, as it is written, and its bytes. */
export interface MessageSignature {
  covered: readonly string[]
  parameters: Readonly<Record<string, string>>
  base: string
  given: Buffer
}

const LABELLED =
  /([a-z*][\w.*-]*)=(\((?:"(?:[^"\\]|\\.)*"|[^()"])*\)(?:;[a-z*][\w.*-]*(?:=(?:"(?:[^"\\]|\\.)*"|[^;,\s"]+))?)*)/g
const SIGNATURE = /([a-z*][\w.*-]*)=:([A-Za-z0-9+/=]*):/g
const COMPONENT = /"((?:[^"\\]|\\.)*)"((?:;[^;\s)"=]+(?:="(?:[^"\\]|\\.)*")?)*)/g
const PARAMETER = /;([a-z*][\w.*-]*)=(?:"((?:[^"\\]|\\.)*)"|([^;,\s"]+))/g

/**
 * The signatures of a request with `Signature-Input` and `Signature`. One that covers what nobody here can write down
 * again is left out.
 *
 * @source RFC 9421
 */
export function messageSignatures(request: Request): MessageSignature[] {
  const header = (name: string) => request.at(`header:${name}` as RequestLocator)
  const bytes = new Map([...(header('signature') ?? '').matchAll(SIGNATURE)].map(([, label, text]) => [label, text]))
  return [...(header('signature-input') ?? '').matchAll(LABELLED)].flatMap(([, label, input = '']) => {
    const given = bytes.get(label)
    const [list = ''] = splitText(input, ')')
    const lines: string[] = []
    const covered: string[] = []
    for (const [written, name = '', parameters = ''] of list.matchAll(COMPONENT)) {
      const value = componentOf(request, name, parameters)
      if (value === null) return []
      covered.push(toLower(name))
      lines.push(`${written}: ${value}`)
    }
    if (given === undefined) return []
    const base = [...lines, `"@signature-params": ${input}`].join('\n')
    return [
      { covered, parameters: parametersOf(input.slice(list.length + 1)), base, given: Buffer.from(given, 'base64') },
    ]
  })
}

function parametersOf(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(PARAMETER)].map(([, name = '', quoted, plain]) => [name, quoted ?? plain ?? '']),
  )
}

/** A part of the request, null where it is not there or is asked for in a way that is not known. */
function componentOf(request: Request, name: string, parameters: string): string | null {
  if (name === '@query-param') return queryParameter(request, parameters)
  if (parameters !== '') return null
  if (!name.startsWith('@')) return request.at(`header:${toLower(name)}` as RequestLocator)
  if (name === '@method') return request.method
  const url = new URL(request.url)
  const derived: Readonly<Record<string, string>> = {
    '@target-uri': request.url,
    '@authority': url.host,
    '@scheme': url.protocol.slice(0, -1),
    '@request-target': url.pathname + url.search,
    '@path': url.pathname,
    '@query': url.search === '' ? '?' : url.search,
  }
  return Object.hasOwn(derived, name) ? (derived[name] ?? null) : null
}

function queryParameter(request: Request, parameters: string): string | null {
  const name = /^;name="([^"]*)"$/.exec(parameters)?.[1]
  if (name === undefined) return null
  const values = new URL(request.url).searchParams.getAll(decodeURIComponent(name))
  return values.length === 1 ? encodeURIComponent(values[0] ?? '') : null
}

/**
 * Whether a body is the one that `Content-Digest` (or the older `Digest`) tells of.
 *
 * @source RFC 9530, RFC 3230
 */
export function isDigestOf(request: Request, header: 'content-digest' | 'digest'): boolean {
  const told = request.at(`header:${header}`) ?? ''
  const digests = [...told.matchAll(/(?:^|,)\s*(sha-(?:256|512))=:?([A-Za-z0-9+/=]+):?/gi)]
  return (
    digests.length > 0 &&
    digests.every(([, name = '', text = '']) => {
      const digest = createHash(toLower(name).replace('-', '')).update(request.body).digest()
      return digest.equals(Buffer.from(text, 'base64'))
    })
  )
}

const isRight = (...how: Parameters<typeof verifyBytes>): boolean => verifyBytes(...how) === true

/** Whether it was made with this key: by the algorithm that the key is for, or the one that is named where several are. */
export function isMadeWith({ base, given, parameters }: MessageSignature, key: KeyObject | string): boolean {
  const { alg = '' } = parameters
  if (typeof key === 'string') {
    const mac = createHmac('sha256', key).update(base).digest()
    return (alg === '' || alg === 'hmac-sha256') && mac.length === given.length && timingSafeEqual(mac, given)
  }
  const bytes = Buffer.from(base)
  const kind = toText(key.asymmetricKeyType)
  if (kind.startsWith('ed')) return (alg === '' || alg === kind) && isRight(null, bytes, key, given)
  if (kind === 'ec') {
    const hash = key.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'sha384' : 'sha256'
    const isOther = alg !== '' && !alg.startsWith('ecdsa-')
    return !isOther && isRight(hash, bytes, { key, dsaEncoding: 'ieee-p1363' }, given)
  }
  if (alg === 'rsa-v1_5-sha256') return isRight('sha256', bytes, { key, padding: 1 }, given)
  if (alg !== '' && alg !== 'rsa-pss-sha512') return false
  // Of whatever length: libraries salt with more than the 64 bytes that the RFC asks for.
  return isRight('sha512', bytes, { key, padding: 6, saltLength: -2 }, given)
}
