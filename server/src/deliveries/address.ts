import { Refusal } from '../api/refusal.ts'
import { checkRequest } from '../outbound/request-check.ts'

/** Where deliveries go, as it may be kept: an address without user and password, and headers of their own. */
export interface DeliveryAddress {
  url: string
  /** Undefined where nothing was said of them. */
  headers: Record<string, string> | null | undefined
}

const DEFAULTS = { userAgent: '', timeoutMs: 1, responseBytesMax: 1 }

/**
 * Reads an address that somebody gave, with the headers that deliveries to it shall have. A user and password in it
 * become an `authorization` header, which is sealed where it is kept. Refuses, naming the field, what no delivery could
 * ever be sent with.
 */
export function deliveryAddress(
  field: string,
  given: { url: string; headers?: Record<string, string> | null | undefined },
): DeliveryAddress {
  const refuse = (name: string, message: string) =>
    new Refusal('invalid_input', `${name}: ${message}`, { problems: [{ field: name, message }] })
  const url = URL.parse(given.url)
  if (url === null) throw refuse(field, 'this is not a URL')
  const authorization = basicOf(url)
  const named = Object.keys(given.headers ?? {}).some((name) => name.toLowerCase() === 'authorization')
  if (authorization !== null && named) throw refuse(field, 'the URL has a user, and headers have an authorization too')
  url.username = ''
  url.password = ''
  const address = authorization === null ? given.url : url.href
  const headers = authorization === null ? given.headers : { ...given.headers, authorization }
  const checked = checkRequest({ url: address, method: 'POST', headers: headers ?? {} }, DEFAULTS)
  if ('kind' in checked) {
    const isAbout = checkRequest({ url: address, method: 'POST' }, DEFAULTS)
    throw refuse('kind' in isAbout ? field : 'headers', 'message' in checked ? checked.message : 'cannot be sent')
  }
  return { url: address, headers }
}

function basicOf(url: URL): string | null {
  if (url.username === '' && url.password === '') return null
  const pair = `${decoded(url.username)}:${decoded(url.password)}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
