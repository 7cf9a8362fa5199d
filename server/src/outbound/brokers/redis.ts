import type { Redis } from 'ioredis'
import { DialFailure } from '../outcome.ts'
import type { BrokerPlace, RedisAddress } from './address.ts'
import {
  anyOf,
  type BrokerClient,
  BrokerFailure,
  type BrokerGround,
  type ConnectBroker,
  type Login,
  refusedFailure,
} from './broker.ts'

/** The keys of a cluster move while it is changed; whoever is sent on more often than this is sent in circles. */
const MOVES_MAX = 3
/** A socket that is still open so long after it was ended is dropped. */
const DISCONNECT_MS = 1000

/**
 * Redis streams: XADD of an entry whose fields are the headers, and `body`. Where a cluster says that the key is with
 * another of its servers, that one is connected to, at a checked address as all are.
 *
 * @source Redis docs, "XADD", "Redis cluster specification: MOVED redirection"
 */
export const connectRedis: ConnectBroker<RedisAddress> = async (address, login, ground) => {
  const ended = Promise.withResolvers<void>()
  let current: Promise<Redis> = anyOf(address.places, 0, open)
  await current

  async function open(place: BrokerPlace): Promise<Redis> {
    const opened = await connectTo({ place, address, login, ground })
    opened.on('end', () => void isCurrent(opened).then((isIt) => isIt && ended.resolve()))
    return opened
  }
  const isCurrent = async (client: Redis) => (await current.catch(() => client)) === client

  async function add(args: string[], movesLeft: number): Promise<string> {
    const used = current
    try {
      return String(await (await used).call('xadd', args))
    } catch (error) {
      const [, host, port] = /^MOVED \d+ (\S*):(\d+)/.exec((error as Error).message) ?? []
      if (host === undefined || port === undefined || movesLeft === 0) throw addFailure(error, address)
      // Of many that are sent on at the same time the first one moves.
      if (used === current) {
        const hostname = host === '' ? (address.places[0]?.hostname ?? '') : host
        current = movedTo({ hostname, port: Number(port) }, used)
        current.catch(() => ended.resolve())
      }
      return add(args, movesLeft - 1)
    }
  }

  async function movedTo(place: BrokerPlace, used: Promise<Redis>): Promise<Redis> {
    const opened = await open(place)
    const former = await used
    former.disconnect()
    return opened
  }

  return {
    ended: ended.promise,
    async publish({ headers, body }) {
      const trim = address.lengthMax === null ? [] : ['MAXLEN', '~', String(address.lengthMax)]
      const fields = Object.entries({ ...headers, body }).flat()
      return { entry: await add([address.stream, ...trim, '*', ...fields], MOVES_MAX) }
    },
    async close() {
      await current.then((client) => client.disconnect()).catch(() => {})
      ended.resolve()
    },
  } satisfies BrokerClient
}

async function connectTo(given: {
  place: BrokerPlace
  address: RedisAddress
  login: Login | null
  ground: BrokerGround
}): Promise<Redis> {
  const { place, address, login, ground } = given
  const { Redis: Client, AbstractConnector } = await import('ioredis')
  const socket = await ground.dial(place, address.isTls)
  class Dialled extends AbstractConnector {
    constructor() {
      super(DISCONNECT_MS)
    }
    // The socket is connected, and its certificate verified, before the client sees it.
    override async connect() {
      this.stream = socket
      return socket
    }
  }
  const client = new Client({
    Connector: Dialled,
    ...loginOptions(login),
    db: address.database,
    lazyConnect: true,
    // Whoever sends next connects anew, to a checked address; nothing is sent twice by the client itself.
    retryStrategy: () => null,
    reconnectOnError: () => false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    enableReadyCheck: false,
    connectionName: 'permea',
    disableClientInfo: true,
    commandTimeout: ground.timeoutMs,
  })
  const troubles: Error[] = []
  client.on('error', (error: Error) => troubles.push(error))
  try {
    await client.connect()
    // The client goes on where a login or the choice of a database is refused.
    await client.ping()
  } catch (error) {
    client.disconnect()
    throw connectFailure(troubles[0] ?? error, place)
  }
  const [trouble] = troubles
  if (trouble !== undefined) {
    client.disconnect()
    throw connectFailure(trouble, place)
  }
  return client
}

function loginOptions(login: Login | null) {
  if (login === null) return {}
  if ('token' in login) return { password: login.token }
  return { ...(login.user === '' ? {} : { username: login.user }), password: login.password }
}

function connectFailure(error: unknown, { hostname, port }: BrokerPlace): Error {
  if (error instanceof BrokerFailure) return error
  const peer = `${hostname}:${port}`
  const { message } = error as Error
  if (/^(?:WRONGPASS|NOAUTH|NOPERM|ERR AUTH|ERR invalid password)/.test(message))
    return refusedFailure('unauthorized', `${peer} does not let in who sends`, error)
  if (/DB index/i.test(message)) return refusedFailure('no_such_target', `${peer} has no such database`, error)
  if (/^[A-Z]+ /.test(message)) return refusedFailure('refused', `${peer} refuses: ${message.slice(0, 200)}`, error)
  const isLate = /timed out/i.test(message)
  return new BrokerFailure(
    { kind: 'unreachable', reason: isLate ? 'timeout' : 'protocol' },
    isLate ? `${peer} did not answer in time` : `${peer} does not answer as Redis does`,
    { cause: error },
  )
}

function addFailure(error: unknown, { stream }: RedisAddress): Error {
  if (error instanceof BrokerFailure || error instanceof DialFailure) return error
  const { message } = error as Error
  const said = message.slice(0, 200)
  if (/^WRONGTYPE/.test(message))
    return refusedFailure('no_such_target', `the key ${stream} holds something that is no stream`, error)
  if (/^(?:NOPERM|NOAUTH)/.test(message))
    return refusedFailure('unauthorized', `who sends may not add to ${stream}`, error)
  if (/^(?:OOM|LOADING|MISCONF|BUSY|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|READONLY)/.test(message))
    return refusedFailure('busy', `the server takes nothing just now: ${said}`, error)
  if (/^[A-Z]{2,} /.test(message)) return refusedFailure('refused', `the server refuses: ${said}`, error)
  const isLate = /timed out/i.test(message)
  return new BrokerFailure(
    { kind: 'unreachable', reason: isLate ? 'timeout' : 'reset' },
    isLate
      ? 'the server did not acknowledge the entry in time'
      : 'the connection ended before the server acknowledged the entry',
    { cause: error },
  )
}
