import { Refusal } from '../api/refusal.ts'
import { brokerAddress, DESTINATION_SCHEMES } from '../outbound/brokers/address.ts'
import { loginOf, withoutLogin } from '../outbound/brokers/broker.ts'
import { checkRequest } from '../outbound/request-check.ts'

/** Where deliveries go, as it may be kept: an address without user and password, and headers of their own. */
export interface DeliveryAddress {
  url: string
  /** Undefined where nothing was said of them. */
  headers: Record<string, string> | null | undefined
}

/** A message has ten attributes at most; four are the engine's own. */
const SQS_HEADERS_MAX = 6

const DEFAULTS = { userAgent: '', timeoutMs: 1, responseBytesMax: 1 }

/**
 * Reads an address that somebody gave, of HTTP or a broker, with the headers that deliveries to it shall have. A user and password in it
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
  const broker = brokerAddress(given.url)
  if (typeof broker === 'string') throw refuse(field, broker)
  if (!DESTINATION_SCHEMES.includes(url.protocol))
    throw refuse(field, `${url.protocol} is unknown; there are ${DESTINATION_SCHEMES.join(' ')}`)
  const { authorization, url: bare } = withoutLogin(given.url)
  const named = Object.keys(given.headers ?? {}).some((name) => name.toLowerCase() === 'authorization')
  if (authorization !== null && named) throw refuse(field, 'the URL has a user, and headers have an authorization too')
  const address = bare
  const headers = authorization === null ? given.headers : { ...given.headers, authorization }
  // To a broker headers go as they would over HTTP, where the same names and values can be read.
  const over = broker === null ? address : 'https://broker'
  const checked = checkRequest({ url: over, method: 'POST', headers: headers ?? {} }, DEFAULTS)
  const login = broker === null ? null : loginOf(authorizationIn(headers))
  if (typeof login === 'string') throw refuse(authorization === null ? 'headers' : field, login)
  if (broker?.kind === 'sqs' && attributesIn(headers) > SQS_HEADERS_MAX)
    throw refuse('headers', `a message of SQS has room for ${SQS_HEADERS_MAX} headers of yours`)
  if ('kind' in checked) {
    const isAbout = checkRequest({ url: over, method: 'POST' }, DEFAULTS)
    throw refuse('kind' in isAbout ? field : 'headers', 'message' in checked ? checked.message : 'cannot be sent')
  }
  return { url: address, headers }
}

function attributesIn(headers: DeliveryAddress['headers']): number {
  return Object.keys(headers ?? {}).filter((name) => name.toLowerCase() !== 'authorization').length
}

function authorizationIn(headers: DeliveryAddress['headers']): string | null {
  const [, value] = Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'authorization') ?? []
  return value ?? null
}

/** Whether two addresses are of one server, so that what proves the sender to one may be shown to the other. */
export function isSameOrigin(one: string, other: string): boolean {
  const [a, b] = [URL.parse(one), URL.parse(other)]
  if (a === null || b === null || a.protocol !== b.protocol || a.host !== b.host) return false
  return a.searchParams.get('servers') === b.searchParams.get('servers') || brokerAddress(one) === null
}
