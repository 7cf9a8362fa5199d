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

export type DestinationKind = 'http' | 'nats' | 'redis' | 'rabbitmq'

export const DESTINATION_KINDS: readonly { value: DestinationKind; label: string }[] = [
  { value: 'http', label: 'HTTP, or a cloud by its URL' },
  { value: 'nats', label: 'NATS JetStream' },
  { value: 'redis', label: 'Redis stream' },
  { value: 'rabbitmq', label: 'RabbitMQ (AMQP 0-9-1)' },
]

export interface TargetField {
  name: string
  label: string
  placeholder: string
  about?: string
}

/** What each kind of broker asks for beside its server. */
export const TARGETS: Readonly<Record<Exclude<DestinationKind, 'http'>, readonly TargetField[]>> = {
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
}

const SCHEMES: Readonly<Record<Exclude<DestinationKind, 'http'>, readonly [plain: string, tls: string]>> = {
  nats: ['nats:', 'nats+tls:'],
  redis: ['redis:', 'rediss:'],
  rabbitmq: ['amqp:', 'amqps:'],
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
    target: withoutEmpty(targetOf(kind as Exclude<DestinationKind, 'http'>, path, query)),
  }
}

function targetOf(kind: Exclude<DestinationKind, 'http'>, path: string, query: (name: string) => string) {
  if (kind === 'nats') return { subject: path }
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

function pathOf(kind: Exclude<DestinationKind, 'http'>, of: (name: string) => string): string {
  if (kind === 'nats') return encoded(of('subject'))
  if (kind === 'rabbitmq') return encoded(of('vhost'))
  return `${of('database') === '' ? '' : `${of('database')}/`}${encoded(of('stream'))}`
}

function queryOf(kind: Exclude<DestinationKind, 'http'>, of: (name: string) => string): Record<string, string> {
  if (kind === 'nats') return {}
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
