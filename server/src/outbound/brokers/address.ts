/** A place that a client connects to: the host without brackets. */
export interface BrokerPlace {
  hostname: string
  port: number
}

/** How Kafka is told user and password. */
export type SaslMechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512'
const SASL: readonly string[] = ['plain', 'scram-sha-256', 'scram-sha-512'] satisfies SaslMechanism[]

/** What addresses of brokers have in common. */
export interface Common {
  isTls: boolean
  /** Servers of one installation, of which any will do; at least one. */
  places: readonly BrokerPlace[]
}

export type NatsAddress = Common & { kind: 'nats'; subject: string }
export type RedisAddress = Common & { kind: 'redis'; database: number; stream: string; lengthMax: number | null }
export type RabbitAddress = Common & { kind: 'rabbitmq'; vhost: string; exchange: string; routingKey: string }
export type KafkaAddress = Common & { kind: 'kafka'; topic: string; key: string | null; sasl: SaslMechanism }

export type SqsAddress = Common & { kind: 'sqs'; region: string; queue: string; group: string | null }
export type SnsAddress = Common & { kind: 'sns'; region: string; topic: string; group: string | null }
export type EventBridgeAddress = Common & {
  kind: 'eventbridge'
  region: string
  bus: string
  source: string
  detailType: string | null
}
export type PubSubAddress = Common & { kind: 'pubsub'; topic: string; orderingKey: string | null }
/** Those that a connection is held to. */
export type ConnectedAddress = NatsAddress | RedisAddress | RabbitAddress | KafkaAddress
/** Those whose broker is an API over HTTP. */
export type CloudAddress = SqsAddress | SnsAddress | EventBridgeAddress | PubSubAddress

/** Where a message goes that is not posted to a receiver, read from its URL. */
export type BrokerAddress = ConnectedAddress | CloudAddress

/** How the URL of one kind is read. */
export interface UrlScheme<Target> {
  isTls: boolean
  port: number
  /** Which parameters its query may have. */
  parameters: readonly string[]
  read(path: string, query: URLSearchParams, host: string): Target | string
}

type Target = WithoutCommon<BrokerAddress>
export type WithoutCommon<T> = T extends Common ? Omit<T, keyof Common> : never

const nats = { parameters: ['servers'], read: natsTarget }
const redis = { parameters: ['servers', 'maxlen'], read: redisTarget }
const sqs = { parameters: ['region', 'group'], read: sqsTarget }
const sns = { parameters: ['group'], read: snsTarget }
const eventBridge = { parameters: ['region', 'source', 'detailType'], read: eventBridgeTarget }
const pubSub = { parameters: ['orderingKey'], read: pubSubTarget }
const rabbit = { parameters: ['servers', 'queue', 'exchange', 'routingKey'], read: rabbitTarget }
const kafka = { parameters: ['servers', 'key', 'sasl'], read: kafkaTarget }

const SCHEMES: Readonly<Record<string, UrlScheme<Target>>> = {
  'nats:': { ...nats, isTls: false, port: 4222 },
  'nats+tls:': { ...nats, isTls: true, port: 4222 },
  'redis:': { ...redis, isTls: false, port: 6379 },
  'rediss:': { ...redis, isTls: true, port: 6379 },
  'amqp:': { ...rabbit, isTls: false, port: 5672 },
  'amqps:': { ...rabbit, isTls: true, port: 5671 },
  'kafka:': { ...kafka, isTls: false, port: 9092 },
  'kafka+tls:': { ...kafka, isTls: true, port: 9093 },
  'sqs:': { ...sqs, isTls: true, port: 443 },
  'sqs+http:': { ...sqs, isTls: false, port: 80 },
  'sns:': { ...sns, isTls: true, port: 443 },
  'sns+http:': { ...sns, isTls: false, port: 80 },
  'eventbridge:': { ...eventBridge, isTls: true, port: 443 },
  'eventbridge+http:': { ...eventBridge, isTls: false, port: 80 },
  'pubsub:': { ...pubSub, isTls: true, port: 443 },
  'pubsub+http:': { ...pubSub, isTls: false, port: 80 },
}

/** What a destination's URL may begin with, for messages. */
export const DESTINATION_SCHEMES: readonly string[] = ['http:', 'https:', ...Object.keys(SCHEMES)]

/** Other servers that a URL may name beside its own. */
const SERVERS_MAX = 10

/**
 * Reads the URL of a destination other than HTTP: `nats://host/subject`, `redis://host/stream`, `redis://host/2/stream`,
 * `amqp://host/vhost?exchange=…&routingKey=…`, `kafka://host/topic`, each with TLS as `nats+tls`, `rediss`, `amqps`, `kafka+tls`. `?servers=b:4222,c:4222`
 * names others of the same installation. Those of clouds are their addresses of HTTPS with another scheme:
 * `sqs://sqs.eu-west-1.amazonaws.com/123456789012/orders`. A user and password in it are passed over. Null where the scheme is another,
 * a text where something is wrong with it.
 */
export function brokerAddress(text: string): BrokerAddress | string | null {
  return readAddress(text, SCHEMES)
}

/** The same for the schemes that are given. */
export function readAddress<T extends object>(
  text: string,
  schemes: Readonly<Record<string, UrlScheme<T>>>,
): (T & Common) | string | null {
  const url = URL.parse(text)
  const scheme = url === null ? undefined : schemes[url.protocol]
  if (url === null || scheme === undefined) return null
  if (url.hostname === '') return 'the host is missing'
  if (url.hash !== '') return 'a fragment (#…) means nothing here; write # as %23'
  const own = placeOf(url.host, scheme.port)
  if (own === null) return `${JSON.stringify(url.host)} is not a host`
  const query = url.searchParams
  const unknown = [...query.keys()].find((name) => !scheme.parameters.includes(name))
  if (unknown !== undefined)
    return `the parameter ${JSON.stringify(unknown)} is unknown; there are ${scheme.parameters.join(', ')}`
  const twice = [...query.keys()].find((name) => query.getAll(name).length > 1)
  if (twice !== undefined) return `the parameter ${twice} stands there twice`
  const named = (query.get('servers') ?? '').split(',').filter((each) => each !== '')
  if (named.length > SERVERS_MAX) return `at most ${SERVERS_MAX} other servers can be named`
  const others = named.map((each) => placeOf(each.trim(), scheme.port))
  const wrong = others.indexOf(null)
  if (wrong >= 0) return `servers: ${JSON.stringify(named[wrong])} is not a host with a port`
  const path = decoded(url.pathname)
  if (path === null) return 'the path cannot be read: write % as %25'
  const target = scheme.read(path, query, own.hostname)
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

function kafkaTarget(path: string, query: URLSearchParams): Target | string {
  const topic = kafkaTopic(path)
  if (topic === null) return NO_TOPIC
  const key = query.get('key')
  if (key !== null && (key === '' || Buffer.byteLength(key) > 1000)) return 'key has 1 to 1000 bytes'
  const sasl = saslOf(query)
  return sasl === null ? NO_SASL : { kind: 'kafka', topic, key, sasl }
}

export const NO_TOPIC = 'the path is the name of a topic, of letters, digits, . _ and -: kafka://host/orders'
export const NO_SASL = `sasl is one of ${SASL.join(', ')}`

/** @source Apache Kafka, `org.apache.kafka.common.internals.Topic` */
export function kafkaTopic(path: string): string | null {
  const topic = path.slice(1)
  return /^[\w.-]{1,249}$/.test(topic) && topic !== '.' && topic !== '..' ? topic : null
}

export function saslOf(query: URLSearchParams): SaslMechanism | null {
  const named = query.get('sasl') ?? 'plain'
  return SASL.includes(named) ? (named as SaslMechanism) : null
}

/** Queues and topics whose name says that they keep an order need a group, which others do not know. */
function groupOf(name: string, query: URLSearchParams): { group: string | null } | string {
  const group = query.get('group')
  if (!name.endsWith('.fifo'))
    return group === null ? { group: null } : 'group is for queues and topics whose name ends in .fifo'
  if (group !== null && !/^[\x21-\x7e]{1,128}$/.test(group))
    return 'group has 1 to 128 characters of ASCII, without blanks'
  return { group: group ?? 'permea' }
}

/** As hosts of AWS have it: `sqs.eu-west-1.amazonaws.com`. */
function regionOf(host: string, query: URLSearchParams): string | null {
  const named = query.get('region')
  const region = named ?? /^\w+\.([a-z\d-]+)\.(?:amazonaws\.com|api\.aws)/.exec(host)?.[1] ?? ''
  return /^[a-z]{2}(?:-[a-z]+)+-\d$/.test(region) ? region : null
}

const NO_REGION = 'the region is unknown: name it, as in sqs.eu-west-1.amazonaws.com or ?region=eu-west-1'

function sqsTarget(path: string, query: URLSearchParams, host: string): Target | string {
  if (!/^\/\d{12}\/[\w-]{1,80}(?:\.fifo)?$/.test(path))
    return 'write the URL of the queue with another scheme: sqs://sqs.eu-west-1.amazonaws.com/123456789012/orders'
  const region = regionOf(host, query)
  if (region === null) return NO_REGION
  const group = groupOf(path, query)
  return typeof group === 'string' ? group : { kind: 'sqs', region, queue: path, ...group }
}

function snsTarget(path: string, query: URLSearchParams): Target | string {
  const topic = path.slice(1)
  const region = /^arn:aws[\w-]*:sns:([a-z\d-]+):\d{12}:[\w-]{1,256}(?:\.fifo)?$/.exec(topic)?.[1]
  if (region === undefined)
    return 'the path is the ARN of a topic: sns://sns.eu-west-1.amazonaws.com/arn:aws:sns:eu-west-1:123456789012:orders'
  const group = groupOf(topic, query)
  return typeof group === 'string' ? group : { kind: 'sns', region, topic, ...group }
}

function eventBridgeTarget(path: string, query: URLSearchParams, host: string): Target | string {
  const bus = path.slice(1)
  if (!/^(?:arn:aws[\w-]*:events:[a-z\d-]+:\d{12}:event-bus\/)?[\w./-]{1,256}$/.test(bus))
    return 'the path is the name of a bus or its ARN: eventbridge://events.eu-west-1.amazonaws.com/default'
  const region = regionOf(host, query)
  if (region === null) return NO_REGION
  const source = query.get('source') ?? 'permea'
  if (source.length > 256 || source.length === 0 || source.startsWith('aws.'))
    return 'source has 1 to 256 characters and does not begin with aws.'
  const detailType = query.get('detailType')
  if (detailType !== null && (detailType.length > 128 || detailType === '')) return 'detailType has 1 to 128 characters'
  return { kind: 'eventbridge', region, bus, source, detailType }
}

function pubSubTarget(path: string, query: URLSearchParams): Target | string {
  const [, project, topic] = /^\/([a-z][a-z\d:.-]{4,62}[a-z\d])\/([A-Za-z][\w.~+%-]{2,254})$/.exec(path) ?? []
  if (project === undefined || topic === undefined)
    return 'the path is a project and a topic: pubsub://pubsub.googleapis.com/my-project/orders'
  const orderingKey = query.get('orderingKey')
  if (orderingKey !== null && Buffer.byteLength(orderingKey) > 1024) return 'orderingKey has at most 1024 bytes'
  return { kind: 'pubsub', topic: `projects/${project}/topics/${topic}`, orderingKey }
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
