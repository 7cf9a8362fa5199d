import type { OutboundRequest } from '../outbound/request-check.ts'
import type { GuestRequest } from '../sandbox/call.ts'
import type { ClientConfig } from './client-config.ts'

/** Headers that belong to the HTTP client; giving one is passed over, as `fetch` of browsers does. */
export const CLIENT_HEADERS: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'])

/** Where a request to the app goes. */
export interface AppAddress {
  url: URL
  /** Whether the connection's credentials go along: only to the origins that the connector named. */
  isTrusted: boolean
}

/**
 * The address of a path or a whole URI. Credentials are sent along only where the origin is one that the connector's
 * own `makeApiClient` named, whatever URI a function computes or an app answers with: a function cannot carry them
 * elsewhere.
 *
 * @source decision 0015
 */
export function addressOf(
  config: ClientConfig,
  uri: string,
  baseUri: string | null = null,
): AppAddress | { problem: string } {
  const base = baseUri ?? config.baseUri
  const isWhole = /^[a-z][a-z\d+.-]*:/i.test(uri)
  if (!isWhole && base === null)
    return { problem: `${JSON.stringify(uri.slice(0, 200))} is a path, and the connector names no baseUri` }
  const url = URL.parse(isWhole ? uri : joined(base ?? '', uri))
  if (url === null || !/^https?:$/.test(url.protocol))
    return { problem: `${JSON.stringify(uri.slice(0, 200))} is no http or https address` }
  return { url, isTrusted: config.origins.has(url.origin) }
}

function joined(base: string, path: string): string {
  const url = new URL(base)
  const [way = '', ...query] = path.split('?')
  const below = way.replace(/^\/+/, '')
  url.hash = ''
  // As text, because a path may hold what `URL` would take for an address of its own.
  const prefix = url.origin + url.pathname.replace(/\/+$/, '')
  const search = [url.search.slice(1), query.join('?')].filter((each) => each !== '').join('&')
  return `${prefix}${below === '' && url.pathname === '/' ? '/' : below === '' ? '' : `/${below}`}${search === '' ? '' : `?${search}`}`
}

/** The request of a function, or of a mapping, with what the connector adds to it. */
export function appRequest(config: ClientConfig, given: GuestRequest): OutboundRequest | { problem: string } {
  const address = addressOf(config, given.uri, given.baseUri ?? null)
  if ('problem' in address) return address
  const { url, isTrusted } = address
  const method = given.method.toUpperCase()
  if (!METHODS.has(method)) return { problem: `the method ${JSON.stringify(given.method)} is not known` }
  addQuery(url, { ...given.query, ...(isTrusted ? config.query : {}) })
  const headers = withConnectors(isTrusted ? config.headers : {}, givenHeaders(given.headers))
  const auth = given.auth ?? (isTrusted ? config.auth : null)
  if (auth !== null && auth !== undefined) headers.authorization = basic(auth)
  const { body, form } = encodedBody(given, headers)
  headers.accept ??= 'application/json, */*;q=0.8'
  if (isTrusted && config.sign !== null)
    headers.authorization = config.sign({ url: url.href, method, ...(form === null ? {} : { form }) })
  return { url: url.href, method, headers, ...(body === undefined ? {} : { body }) }
}

/** How a request is put rather than whom it is from: what a caller may say in the place of the connector. */
const NEGOTIATED: ReadonlySet<string> = new Set(['accept', 'accept-language', 'content-type', 'user-agent'])

/**
 * Headers of a caller beside those of the connector. Of names that both have the connector's count: they may say which
 * account of the app a key that several customers share is used for.
 */
export function withConnectors(own: Record<string, string>, given: Record<string, string>): Record<string, string> {
  const free = Object.entries(given).filter(([name]) => !Object.hasOwn(own, name) || NEGOTIATED.has(name))
  return { ...own, ...Object.fromEntries(free) }
}

export function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`
}

/** Values that are there already are replaced; a list becomes the name several times. */
export function addQuery(url: URL, query: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue
    url.searchParams.delete(name)
    for (const each of Array.isArray(value) ? value : [value]) url.searchParams.append(name, textOf(each))
  }
}

function givenHeaders(headers: Record<string, string> | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers ?? {})
      .map(([name, value]) => [name.toLowerCase(), String(value)] as const)
      .filter(([name]) => !CLIENT_HEADERS.has(name)),
  )
}

function encodedBody(
  { data, dataBase64 }: GuestRequest,
  headers: Record<string, string>,
): { body: string | Uint8Array | undefined; form: Record<string, string> | null } {
  if (dataBase64 !== undefined) return { body: Buffer.from(dataBase64, 'base64'), form: null }
  if (data === undefined || data === null) return { body: undefined, form: null }
  const isForm = headers['content-type']?.includes('x-www-form-urlencoded') === true
  if (typeof data === 'string') {
    headers['content-type'] ??= /^\s*[[{"]/.test(data) ? 'application/json' : 'text/plain; charset=utf-8'
    return { body: data, form: isForm ? Object.fromEntries(new URLSearchParams(data)) : null }
  }
  if (isForm && typeof data === 'object') {
    const entries = Object.entries(data).filter(([, value]) => value !== undefined && value !== null)
    const form = Object.fromEntries(entries.map(([name, value]) => [name, textOf(value)]))
    return { body: new URLSearchParams(form).toString(), form }
  }
  headers['content-type'] ??= 'application/json'
  return { body: JSON.stringify(data), form: null }
}

function textOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
}
