/** One server of several that a connection string may name. */
export interface DatabaseServer {
  /** As `host:port`, for people. */
  name: string
  /** The connection string with this server alone in it. Holds the password. */
  url: string
}

/** What a connection string says of servers. */
export interface DatabaseAddress {
  /** In the order in which they are tried; at least one. */
  servers: readonly [DatabaseServer, ...DatabaseServer[]]
  /** Whether a server that takes no writes is passed over. */
  mustTakeWrites: boolean
}

const ATTRIBUTES = ['read-write', 'primary', 'any']

/**
 * Reads `postgres://user:password@one:5432,two:5433/name?target_session_attrs=any`. Unless `any` is asked for, only a
 * server that takes writes is used, because the engine can do nothing with another.
 * Throws an error that says what cannot be used, without the password.
 *
 * @source https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-CONNECT-HOST
 */
export function readDatabaseUrl(text: string): DatabaseAddress {
  const match = /^(postgres(?:ql)?:\/\/)([^/?#]*@)?([^/?#@]*)([^?]*)(?:\?(.*))?$/s.exec(text)
  if (match === null) throw new Error('it must begin with postgres:// or postgresql://')
  const [, scheme = '', user = '', list = '', path = '', query = ''] = match
  const parameters = query.split('&').filter((each) => each !== '')
  const wanted = parameters.find((each) => each.startsWith(ATTRIBUTE))?.slice(ATTRIBUTE.length) ?? null
  if (wanted !== null && !ATTRIBUTES.includes(wanted))
    throw new Error(`target_session_attrs must be one of ${ATTRIBUTES.join(', ')}, because the engine has to write`)
  const left = parameters.filter((each) => !each.startsWith(ATTRIBUTE)).join('&')
  const urlOf = (server: string) => `${scheme}${user}${server}${path}${left === '' ? '' : `?${left}`}`
  const [first = '', ...others] = list.split(',')
  // What names one server is the driver's to read: it may be empty, with a socket in `?host=`.
  if (others.length === 0) return { servers: [{ name: first, url: urlOf(first) }], mustTakeWrites: wanted !== 'any' }
  const serverOf = (server: string): DatabaseServer => ({ name: checkedServer(server), url: urlOf(server) })
  return { servers: [serverOf(first), ...others.map(serverOf)], mustTakeWrites: wanted !== 'any' }
}

const ATTRIBUTE = 'target_session_attrs='

function checkedServer(text: string): string {
  const match = /^(?:\[[0-9a-f:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/i.exec(text)
  const port = Number(match?.[1] ?? 5432)
  if (match === null || port < 1 || port > 65_535) throw new Error(`"${text}" is no host, or host:port, of a server`)
  return text
}

/** Which of the servers is tried next: the one that worked last, until it fails. */
export interface ServerChoice {
  current(): DatabaseServer
  failed(server: DatabaseServer): void
}

/** All connections of a process share a choice, so that the first one that fails moves all of them on, once. */
export function createServerChoice({ servers }: DatabaseAddress): ServerChoice {
  let at = 0
  const current = () => servers[at] ?? servers[0]
  return {
    current,
    failed(server) {
      if (server === current()) at = (at + 1) % servers.length
    },
  }
}
