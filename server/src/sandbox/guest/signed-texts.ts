import { Buffer } from './buffer.ts'
import { createHash } from './crypto.ts'
import { isArray, splitText, toLower, toText } from './intrinsics.ts'
import type { RequestLocator } from './vendors/scheme.ts'

/** What of a request is signed. */
interface SignedRequest {
  url: string
  body: Buffer
  payload: unknown
  pairs: Readonly<Record<string, string>>
  at(locator: RequestLocator): string | null
}

/** What vendors make of a request before they sign it, by the name that it has in braces. */
export const SIGNED_TEXTS: Readonly<Record<string, (request: SignedRequest) => string>> = {
  sha256Body: ({ body }) => createHash('sha256').update(body).digest('hex'),
  base64urlBody: ({ body }) => body.toString('base64url'),
  jsonBody: ({ body }) => JSON.stringify(body.toString()),
  sortedJson: ({ payload }) => JSON.stringify(sorted(payload)),
  contentfulPath: ({ url }) => contentfulPath(pathOf(url)),
  signedHeaders,
  listedHeaders,
  trueLayerHeaders,
  otherPath: ({ url }) => otherPath(new URL(url).pathname),
}

function sorted(value: unknown): unknown {
  if (isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null || value instanceof Number) return value
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
  return Object.fromEntries(entries.map(([name, each]) => [name, sorted(each)]))
}

/** As it was requested: a parser would write some of it otherwise. */
function pathOf(url: string): string {
  const rest = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*([^#]*)/i.exec(url)?.[1] ?? ''
  return rest.startsWith('/') ? rest : `/${rest}`
}

/** Headers that Contentful signs, as `name:value` in the order of their names. */
function signedHeaders(request: SignedRequest): string {
  const names = splitText(request.at('header:x-contentful-signed-headers') ?? '', ',').map((name) =>
    toLower(name.trim()),
  )
  return names
    .filter((name) => name !== '')
    .sort()
    .map((name) => `${name}:${request.at(`header:${name}` as RequestLocator) ?? ''}`)
    .join(';')
}

/** @source `getNormalizedEncodedURI` of @contentful/node-apps-toolkit@3.16.1 */
function contentfulPath(path: string): string {
  const [before = '', query = ''] = splitText(path, '?')
  return encodeURI(query === '' ? before : `${before}?${encodeURIComponent(query)}`)
}

/** The headers that the token of TrueLayer names, a line for each. */
function trueLayerHeaders(request: SignedRequest): string {
  const { tl_headers: named } = (jsonInBase64(splitText(request.at('header:tl-signature') ?? '', '.')[0] ?? '') ??
    {}) as {
    tl_headers?: string
  }
  return splitText(toText(named ?? ''), ',')
    .filter((name) => name !== '')
    .map((name) => `${name}: ${request.at(`header:${toLower(name)}` as RequestLocator) ?? ''}\n`)
    .join('')
}

/** With a slash at its end, or without. */
function otherPath(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : `${path}/`
}

/** Headers that Hook0 signs: their names with blanks between them, a point, and their values with points. */
function listedHeaders(request: SignedRequest): string {
  const names = splitText(toText(request.pairs.h ?? ''), ' ')
  const values = names.map((name) => request.at(`header:${toLower(name)}` as RequestLocator) ?? '')
  return `${names.join(' ')}.${values.join('.')}`
}

/** Fields of a form in order, as `name=value` with `&` between them, without some and without those that are empty. */
export function joinedFields(fields: URLSearchParams, without: readonly string[]): string {
  return [...fields]
    .filter(([name, value]) => value !== '' && !without.includes(name))
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

/** JSON that a header holds in base64; null where it holds none. */
export function jsonInBase64(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64').toString())
  } catch {
    return null
  }
}
