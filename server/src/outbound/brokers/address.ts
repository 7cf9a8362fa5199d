/** A place that a client connects to: the host without brackets. */
export interface BrokerPlace {
  hostname: string
  port: number
}

interface Common {
  isTls: boolean
  /** Servers of one installation, of which any will do; at least one. */
  places: readonly BrokerPlace[]
}

export type NatsAddress = Common & { kind: 'nats'; subject: string }
export type RedisAddress = Common & { kind: 'redis'; database: number; stream: string; lengthMax: number | null }
export type RabbitAddress = Common & { kind: 'rabbitmq'; vhost: string; exchange: string; routingKey: string }

/** Where a message goes that does not go over HTTP, read from its URL. */
export type BrokerAddress = NatsAddress | RedisAddress | RabbitAddress

interface Scheme {
  isTls: boolean
  port: number
  /** Which parameters its query may have, beside `servers`. */
  parameters: readonly string[]
  read(path: string, query: URLSearchParams): Target | string
}

type Target = WithoutCommon<NatsAddress> | WithoutCommon<RedisAddress> | WithoutCommon<RabbitAddress>
type WithoutCommon<T> = Omit<T, keyof Common>

const nats = { parameters: [], read: natsTarget }
const redis = { parameters: ['maxlen'], read: redisTarget }
const rabbit = { parameters: ['queue', 'exchange', 'routingKey'], read: rabbitTarget }

const SCHEMES: Readonly<Record<string, Scheme>> = {
  'nats:': { ...nats, isTls: false, port: 4222 },
  'nats+tls:': { ...nats, isTls: true, port: 4222 },
  'redis:': { ...redis, isTls: false, port: 6379 },
  'rediss:': { ...redis, isTls: true, port: 6379 },
  'amqp:': { ...rabbit, isTls: false, port: 5672 },
  'amqps:': { ...rabbit, isTls: true, port: 5671 },
}

/** What a destination's URL may begin with, for messages. */
export const DESTINATION_SCHEMES: readonly string[] = ['http:', 'https:', ...Object.keys(SCHEMES)]

/** Other servers that a URL may name beside its own. */
const SERVERS_MAX = 10

/**
 * Reads the URL of a destination other than HTTP: `nats://host/subject`, `redis://host/stream`, `redis://host/2/stream`,
 * `amqp://host/vhost?exchange=…&routingKey=…`, each with TLS as `nats+tls`, `rediss`, `amqps`. `?servers=b:4222,c:4222`
 * names others of the same installation. A user and password in it are passed over. Null where the scheme is another,
 * a text where something is wrong with it.
 */
export function brokerAddress(text: string): BrokerAddress | string | null {
  const url = URL.parse(text)
  const scheme = url === null ? undefined : SCHEMES[url.protocol]
  if (url === null || scheme === undefined) return null
  if (url.hostname === '') return 'the host is missing'
  if (url.hash !== '') return 'a fragment (#…) means nothing here; write # as %23'
  const own = placeOf(url.host, scheme.port)
  if (own === null) return `${JSON.stringify(url.host)} is not a host`
  const query = url.searchParams
  const unknown = [...query.keys()].find((name) => name !== 'servers' && !scheme.parameters.includes(name))
  if (unknown !== undefined)
    return `the parameter ${JSON.stringify(unknown)} is unknown; there are ${['servers', ...scheme.parameters].join(', ')}`
  const twice = [...query.keys()].find((name) => query.getAll(name).length > 1)
  if (twice !== undefined) return `the parameter ${twice} stands there twice`
  const named = (query.get('servers') ?? '').split(',').filter((each) => each !== '')
  if (named.length > SERVERS_MAX) return `at most ${SERVERS_MAX} other servers can be named`
  const others = named.map((each) => placeOf(each.trim(), scheme.port))
  const wrong = others.indexOf(null)
  if (wrong >= 0) return `servers: ${JSON.stringify(named[wrong])} is not a host with a port`
  const path = decoded(url.pathname)
  if (path === null) return 'the path cannot be read: write % as %25'
  const target = scheme.read(path, query)
  if (typeof target === 'string') return target
  return { ...target, isTls: scheme.isTls, places: [own, ...others.filter((each) => each !== null)] }
}

/** Host and port as the URL parser reads those of http, which knows every spelling of an address. */
function placeOf(host: string, usualPort: number): BrokerPlace | null {
  if (!/^[\w.\-[\]:%]+$/.test(host)) return null
  const url = URL.parse(`http://${host}/`)
  if (url === null || url.username !== '' || url.pathname !== '/') return null
  // The parser leaves out the port that is usual for http.
  const port = url.port !== '' ? Number(url.port) : /:80$/.test(host) ? 80 : usualPort
  return port === 0 ? null : { hostname: url.hostname.replace(/^\[|\]$/g, ''), port }
}

function natsTarget(path: string): Target | string {
  const subject = path.slice(1)
  if (subject === '') return 'the subject is missing: nats://host/orders.created'
  if (subject.length > 255) return 'a subject has at most 255 characters'
  if (/[\s*>\p{Cc}]/u.test(subject)) return 'a subject to publish to has no blanks and no wildcards'
  if (subject.split('.').includes('')) return 'a part of the subject is empty'
  if (/^(?:\$|_INBOX)/.test(subject)) return "subjects beginning with $ or _INBOX are the server's own"
  return { kind: 'nats', subject }
}

function redisTarget(path: string, query: URLSearchParams): Target | string {
  const [, number, rest] = /^\/(?:(\d{1,4})\/)?(.*)$/s.exec(path) ?? []
  const stream = rest ?? ''
  if (stream === '') return 'the key of the stream is missing: redis://host/orders'
  if (Buffer.byteLength(stream) > 1000) return 'the key of a stream has at most 1000 bytes'
  const text = query.get('maxlen')
  const lengthMax = text === null ? null : Number(text)
  if (lengthMax !== null && !(Number.isSafeInteger(lengthMax) && lengthMax > 0))
    return 'maxlen is a whole number from 1 on'
  return { kind: 'redis', database: number === undefined ? 0 : Number(number), stream, lengthMax }
}

function rabbitTarget(path: string, query: URLSearchParams): Target | string {
  const vhost = path.length <= 1 ? '/' : path.slice(1)
  const queue = query.get('queue')
  const exchange = query.get('exchange')
  const routingKey = query.get('routingKey')
  if (queue !== null && (exchange !== null || routingKey !== null))
    return 'give a queue, or an exchange with a routingKey, not both'
  if (queue === null && (exchange ?? '') === '')
    return 'say where to: amqp://host/vhost?queue=orders or ?exchange=orders&routingKey=created'
  if (queue === '') return 'the name of the queue is empty'
  const words = { vhost, exchange: exchange ?? '', routingKey: queue ?? routingKey ?? '' }
  for (const [name, word] of Object.entries(words))
    if (Buffer.byteLength(word) > 255) return `${name} has more than 255 bytes`
  return { kind: 'rabbitmq', ...words }
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
