/** Where messages go, as a form shows it; a broker's URL is made of it. */
export interface DestinationParts {
  kind: DestinationKind
  /** Of HTTP: the whole address. */
  address: string
  server: string
  /** Others of the same installation. */
  servers: string
  isTls: boolean
  user: string
  password: string
  /** What the kind asks for, by the names of `TARGETS`. */
  target: Readonly<Record<string, string>>
}

export type DestinationKind = 'http' | BrokerKind
export type BrokerKind = 'nats' | 'redis' | 'rabbitmq' | 'kafka'

export const DESTINATION_KINDS: readonly { value: DestinationKind; label: string }[] = [
  { value: 'http', label: 'HTTP, or a cloud by its URL' },
  { value: 'nats', label: 'NATS JetStream' },
  { value: 'redis', label: 'Redis stream' },
  { value: 'rabbitmq', label: 'RabbitMQ (AMQP 0-9-1)' },
  { value: 'kafka', label: 'Kafka' },
]

/** What events can be read from. */
export const SOURCE_KINDS = DESTINATION_KINDS.filter(({ value }) => value !== 'http' && value !== 'redis')

export interface TargetField {
  name: string
  label: string
  placeholder: string
  about?: string
}

/** What each kind of broker asks for beside its server. */
export const TARGETS: Readonly<Record<BrokerKind, readonly TargetField[]>> = {
  nats: [
    {
      name: 'subject',
      label: 'Subject',
      placeholder: 'permea.connections',
      about: 'A stream has to keep it: only a stream acknowledges.',
    },
  ],
  redis: [
    { name: 'stream', label: 'Stream', placeholder: 'permea', about: 'The key that entries are added to.' },
    { name: 'database', label: 'Database', placeholder: '0' },
    { name: 'maxlen', label: 'At most about so many entries', placeholder: '100000', about: 'Empty: none is removed.' },
  ],
  rabbitmq: [
    { name: 'vhost', label: 'Virtual host', placeholder: '/' },
    { name: 'exchange', label: 'Exchange', placeholder: 'amq.topic', about: 'Empty: straight to the queue below.' },
    { name: 'routingKey', label: 'Routing key or queue', placeholder: 'permea.connections' },
  ],
  kafka: [
    { name: 'topic', label: 'Topic', placeholder: 'permea' },
    { name: 'key', label: 'Key', placeholder: 'permea', about: 'Empty: the id of each message.' },
    { name: 'sasl', label: 'SASL mechanism', placeholder: 'plain', about: 'Or scram-sha-256, scram-sha-512.' },
  ],
}

/** What each kind asks for where messages are read from it. */
export const SOURCE_TARGETS: Readonly<Record<BrokerKind, readonly TargetField[]>> = {
  nats: [
    { name: 'subject', label: 'Subject', placeholder: 'orders.*', about: 'A stream has to keep it.' },
    { name: 'stream', label: 'Stream', placeholder: 'ORDERS', about: 'Empty: the one that keeps the subject.' },
    { name: 'consumer', label: 'Durable consumer', placeholder: 'permea', about: 'Empty: one is made.' },
  ],
  redis: [],
  rabbitmq: [
    { name: 'vhost', label: 'Virtual host', placeholder: '/' },
    { name: 'routingKey', label: 'Queue', placeholder: 'orders' },
  ],
  kafka: [
    { name: 'topic', label: 'Topic', placeholder: 'orders' },
    { name: 'group', label: 'Consumer group', placeholder: 'permea', about: 'Empty: one of its own.' },
    { name: 'sasl', label: 'SASL mechanism', placeholder: 'plain', about: 'Or scram-sha-256, scram-sha-512.' },
  ],
}

const SCHEMES: Readonly<Record<BrokerKind, readonly [plain: string, tls: string]>> = {
  nats: ['nats:', 'nats+tls:'],
  redis: ['redis:', 'rediss:'],
  rabbitmq: ['amqp:', 'amqps:'],
  kafka: ['kafka:', 'kafka+tls:'],
}

const NO_PARTS: DestinationParts = {
  ...{ kind: 'http', address: '', server: '', servers: '', isTls: true, user: '', password: '', target: {} },
}

/** Reads a URL into the parts of a form; what is none of a broker is taken for one of HTTP. */
export function destinationParts(text: string): DestinationParts {
  const [kind, schemes] =
    Object.entries(SCHEMES).find(([, each]) => each.some((scheme) => text.startsWith(scheme))) ?? []
  const url = URL.parse(text)
  if (kind === undefined || schemes === undefined || url === null) return { ...NO_PARTS, address: text }
  const path = decoded(url.pathname.slice(1))
  const query = (name: string) => url.searchParams.get(name) ?? ''
  return {
    ...NO_PARTS,
    kind: kind as DestinationKind,
    isTls: url.protocol === schemes[1],
    server: url.host,
    servers: query('servers'),
    user: decoded(url.username),
    password: decoded(url.password),
    target: withoutEmpty(targetOf(kind as BrokerKind, path, query)),
  }
}

function targetOf(kind: BrokerKind, path: string, query: (name: string) => string): Record<string, string> {
  if (kind === 'nats') return { subject: path, ...named(['stream', 'consumer', 'from'], query) }
  if (kind === 'kafka') return { topic: path, ...named(['key', 'group', 'sasl', 'from'], query) }
  if (kind === 'rabbitmq')
    return { vhost: path, exchange: query('exchange'), routingKey: query('queue') || query('routingKey') }
  const [, database = '', stream = ''] = /^(?:(\d{1,4})\/)?(.*)$/s.exec(path) ?? []
  return { database, stream, maxlen: query('maxlen') }
}

/** The URL of what a form holds; of a form that is not filled in, one that the engine says the missing of. */
export function destinationUrl(parts: DestinationParts): string {
  const { kind, server, user, password, target } = parts
  if (kind === 'http') return parts.address
  const of = (name: string) => (target[name] ?? '').trim()
  const login = user === '' && password === '' ? '' : `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`
  const query = new URLSearchParams(withoutEmpty({ servers: parts.servers.trim(), ...queryOf(kind, of) }))
  const scheme = SCHEMES[kind][parts.isTls ? 1 : 0]
  return `${scheme}//${login}${server.trim()}/${pathOf(kind, of)}${query.size === 0 ? '' : `?${query}`}`
}

function pathOf(kind: BrokerKind, of: (name: string) => string): string {
  if (kind === 'nats') return encoded(of('subject')).replaceAll('%3E', '>')
  if (kind === 'kafka') return encoded(of('topic'))
  if (kind === 'rabbitmq') return encoded(of('vhost'))
  return `${of('database') === '' ? '' : `${of('database')}/`}${encoded(of('stream'))}`
}

function queryOf(kind: BrokerKind, of: (name: string) => string): Record<string, string> {
  if (kind === 'nats') return named(['stream', 'consumer', 'from'], of)
  if (kind === 'kafka') return named(['key', 'group', 'sasl', 'from'], of)
  if (kind === 'redis') return { maxlen: of('maxlen') }
  return of('exchange') === ''
    ? { queue: of('routingKey') }
    : { exchange: of('exchange'), routingKey: of('routingKey') }
}

/** A URL without user and password, for what a browser keeps: half a login is worse than none. */
export function withoutLogin(text: string): string {
  const parts = destinationParts(text)
  return parts.kind === 'http' ? text : destinationUrl({ ...parts, user: '', password: '' })
}

function named(names: readonly string[], of: (name: string) => string): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, of(name)]))
}

const encoded = (text: string) => encodeURIComponent(text)

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const withoutEmpty = (of: Record<string, string>) =>
  Object.fromEntries(Object.entries(of).filter(([, text]) => text !== ''))
