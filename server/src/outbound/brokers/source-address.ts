import {
  type Common,
  kafkaTopic,
  NO_SASL,
  NO_TOPIC,
  readAddress,
  type SaslMechanism,
  saslOf,
  type UrlScheme,
  type WithoutCommon,
} from './address.ts'

/** Where in a broker reading begins that nobody has read there before: at what it still has, or at what comes. */
export type BeginsAt = 'first' | 'new'

export type NatsSourceAddress = Common & {
  kind: 'nats'
  /** May have wildcards. */
  subject: string
  /** Null: the stream that keeps the subject. */
  stream: string | null
  /** A durable consumer that is there already; null: one of the engine's own. */
  consumer: string | null
  from: BeginsAt
}
export type RabbitSourceAddress = Common & { kind: 'rabbitmq'; vhost: string; queue: string }
export type KafkaSourceAddress = Common & {
  kind: 'kafka'
  topic: string
  /** Null: one of the engine's own. */
  group: string | null
  sasl: SaslMechanism
  from: BeginsAt
}

/** What of a broker is read, from its URL. */
export type SourceAddress = NatsSourceAddress | RabbitSourceAddress | KafkaSourceAddress

type Target = WithoutCommon<SourceAddress>

const nats = { parameters: ['servers', 'stream', 'consumer', 'from'], read: natsSource }
const rabbit = { parameters: ['servers', 'queue'], read: rabbitSource }
const kafka = { parameters: ['servers', 'group', 'sasl', 'from'], read: kafkaSource }

const SCHEMES: Readonly<Record<string, UrlScheme<Target>>> = {
  'nats:': { ...nats, isTls: false, port: 4222 },
  'nats+tls:': { ...nats, isTls: true, port: 4222 },
  'amqp:': { ...rabbit, isTls: false, port: 5672 },
  'amqps:': { ...rabbit, isTls: true, port: 5671 },
  'kafka:': { ...kafka, isTls: false, port: 9092 },
  'kafka+tls:': { ...kafka, isTls: true, port: 9093 },
}

const UNKNOWN = `the URL of a source begins with ${Object.keys(SCHEMES).join(', ')}`

/**
 * Reads the URL of what events are read from: `nats://host/orders.>?stream=ORDERS`, `amqp://host/vhost?queue=orders`,
 * `kafka://host/orders?group=permea`. A user and password in it are passed over; a text where something is wrong.
 */
export function sourceAddress(text: string): SourceAddress | string {
  return readAddress(text, SCHEMES) ?? UNKNOWN
}

function natsSource(path: string, query: URLSearchParams): Target | string {
  const subject = path.slice(1)
  if (subject === '') return 'the subject is missing: nats://host/orders.created'
  if (subject.length > 255) return 'a subject has at most 255 characters'
  if (/[\s\p{Cc}]/u.test(subject)) return 'a subject has no blanks'
  const parts = subject.split('.')
  if (parts.includes('')) return 'a part of the subject is empty'
  if (parts.some((part, index) => part === '>' && index < parts.length - 1))
    return '> stands for all that follows, so it is the last part'
  for (const name of ['stream', 'consumer']) {
    const value = query.get(name)
    if (value !== null && !/^[^\s.*>/\\\p{Cc}]{1,255}$/u.test(value))
      return `${name} is a name without blanks and without . * > / \\`
  }
  const from = fromOf(query)
  if (from === null) return WRONG_FROM
  return { kind: 'nats', subject, stream: query.get('stream'), consumer: query.get('consumer'), from }
}

function rabbitSource(path: string, query: URLSearchParams): Target | string {
  const vhost = path.length <= 1 ? '/' : path.slice(1)
  const queue = query.get('queue') ?? ''
  if (queue === '') return 'say which queue: amqp://host/vhost?queue=orders'
  for (const [name, word] of Object.entries({ vhost, queue }))
    if (Buffer.byteLength(word) > 255) return `${name} has more than 255 bytes`
  return { kind: 'rabbitmq', vhost, queue }
}

function kafkaSource(path: string, query: URLSearchParams): Target | string {
  const topic = kafkaTopic(path)
  if (topic === null) return NO_TOPIC
  const group = query.get('group')
  if (group !== null && (group === '' || group.length > 255)) return 'group has 1 to 255 characters'
  const sasl = saslOf(query)
  if (sasl === null) return NO_SASL
  const from = fromOf(query)
  return from === null ? WRONG_FROM : { kind: 'kafka', topic, group, sasl, from }
}

const WRONG_FROM = 'from is first or new'

function fromOf(query: URLSearchParams): BeginsAt | null {
  const named = query.get('from') ?? 'first'
  return named === 'first' || named === 'new' ? named : null
}
