import { LRUCache } from 'lru-cache'
import { answerValue, bodyText } from '../bodies/body-value.ts'
import { jsonText } from '../bodies/json-text.ts'
import type { OutboundOutcome, ReceivedHeaders } from './outcome.ts'
import type { OutboundRequest } from './request-check.ts'

/** A request made from a definition whose formulas are already evaluated, or what is wrong with it. */
export type BuiltRequest = { request: OutboundRequest; isYourApp: boolean } | { problem: string }

const METHODS = new Set(['GET', 'POST', 'PATCH', 'PUT', 'DELETE'])

/**
 * Builds the HTTP request of `{ uri, method?, headers?, query?, body? }`.
 *
 * A relative `uri` is resolved on `baseUri` and stays below it; `isYourApp` tells whether the request goes there.
 * Objects and lists are sent as JSON unless a `content-type` header says form; text is sent as it is. The method
 * is POST where there is a body and GET where there is none.
 */
export async function requestFromSpec(spec: unknown, baseUri: string | null): Promise<BuiltRequest> {
  if (typeof spec !== 'object' || spec === null) return { problem: 'the request is not an object' }
  const { uri, method, headers, query, body } = spec as Record<string, unknown>
  if (typeof uri !== 'string' || uri === '') return { problem: 'the request has no uri' }
  const address = resolveUri(uri, baseUri, query !== undefined && query !== null)
  if ('problem' in address) return address
  if ('url' in address) appendQuery(address.url, query)
  const verb = typeof method === 'string' ? method.toUpperCase() : body === undefined || body === null ? 'GET' : 'POST'
  if (!METHODS.has(verb))
    return { problem: `the method ${JSON.stringify(method)} is not one of GET, POST, PATCH, PUT, DELETE` }
  const sent = headerTexts(headers)
  const encoded = await encodeBody(body, sent)
  return {
    request: {
      url: 'url' in address ? address.url.href : address.href,
      method: verb,
      headers: sent,
      ...(encoded === undefined ? {} : { body: encoded }),
    },
    isYourApp: address.isYourApp,
  }
}

type Address = { url: URL; isYourApp: boolean } | { problem: string }

/** Most requests go to few addresses, and taking a URL apart costs as much as the rest of building a request. */
const resolved = new LRUCache<string, { href: string; isYourApp: boolean }>({ max: 1000 })
const REMEMBERED_CHARS_MAX = 1000

function resolveUri(
  uri: string,
  baseUri: string | null,
  hasQuery: boolean,
): Address | { href: string; isYourApp: boolean } {
  const slot = `${baseUri ?? ''} ${uri}`
  if (hasQuery || slot.length > REMEMBERED_CHARS_MAX) return resolveAnew(uri, baseUri)
  const known = resolved.get(slot)
  if (known !== undefined) return known
  const address = resolveAnew(uri, baseUri)
  if ('problem' in address) return address
  const { url, isYourApp } = address
  const entry = { href: url.href, isYourApp }
  resolved.set(slot, entry)
  return entry
}

function resolveAnew(uri: string, baseUri: string | null): Address {
  const base = baseUri === null ? null : new URL(baseUri.endsWith('/') ? baseUri : `${baseUri}/`)
  if (URL.canParse(uri)) {
    const url = new URL(uri)
    return { url, isYourApp: base !== null && url.origin === base.origin && url.pathname.startsWith(base.pathname) }
  }
  if (base === null)
    return {
      problem: `the uri ${JSON.stringify(uri)} is relative, and the workspace has no base address of your app (appBaseUri)`,
    }
  const relative = uri.replace(/^\/+/, '')
  if (!URL.canParse(relative, base.href)) return { problem: `the uri ${JSON.stringify(uri)} is not an address` }
  const url = new URL(relative, base.href)
  // `..` must not lead out of what the operator named as the app.
  if (url.origin !== base.origin || !url.pathname.startsWith(base.pathname))
    return { problem: `the uri ${JSON.stringify(uri)} leads out of your app's base address` }
  return { url, isYourApp: true }
}

function appendQuery(url: URL, query: unknown): void {
  if (typeof query !== 'object' || query === null) return
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue
    for (const each of Array.isArray(value) ? value : [value]) url.searchParams.append(name, textOf(each))
  }
}

function headerTexts(headers: unknown): Record<string, string> {
  if (typeof headers !== 'object' || headers === null) return {}
  const texts: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && value !== null) texts[name.toLowerCase()] = textOf(value)
  }
  return texts
}

function encodeBody(body: unknown, headers: Record<string, string>): string | undefined | Promise<string> {
  if (body === undefined || body === null) return undefined
  if (typeof body === 'string') {
    headers['content-type'] ??= 'text/plain; charset=utf-8'
    return body
  }
  if (headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true && typeof body === 'object') {
    const form = new URLSearchParams()
    for (const [name, value] of Object.entries(body))
      if (value !== undefined && value !== null) form.append(name, textOf(value))
    return form.toString()
  }
  headers['content-type'] ??= 'application/json'
  return jsonText(body)
}

function textOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
}

/** The value of a response body: parsed where it is JSON, else its text. */
export function bodyValue(outcome: { headers: ReceivedHeaders; body: Buffer }): unknown {
  const contentType = String(outcome.headers['content-type'] ?? '')
  const text = bodyText(outcome.body, contentType) ?? outcome.body.toString('utf8')
  return text === '' ? '' : answerValue(text, contentType)
}

/** The outcome in words for a person: what went wrong, or the status. */
export function describeOutcome(outcome: OutboundOutcome): string {
  return outcome.kind === 'answered' ? `the answer was ${outcome.status}` : outcome.message
}
