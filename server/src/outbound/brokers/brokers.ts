import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Dial } from '../dial.ts'
import { DialFailure, type OutboundOutcome } from '../outcome.ts'
import type { OutboundRequest } from '../request-check.ts'
import { type BrokerAddress, brokerAddress, type CloudAddress, type ConnectedAddress } from './address.ts'
import {
  type BrokerClient,
  BrokerFailure,
  type BrokerGround,
  type BrokerMessage,
  type BrokerOutcome,
  type Login,
  loginOf,
  type Receipt,
} from './broker.ts'
import { publishToCloud } from './cloud.ts'
import type { BrokerReading, ReadBroker, ReadOutcome, ReadRequest } from './reading.ts'
import { type SourceAddress, sourceAddress } from './source-address.ts'

/** The way out to what is no HTTP server. */
export interface Brokers {
  /** Hands one message over once and says what came of it; never throws for what the world does. */
  publish(message: BrokerMessage): Promise<BrokerOutcome>
  /** Begins to read over a connection of its own; never throws for what the world does. */
  read(request: ReadRequest): Promise<ReadOutcome>
  /** Connections that are open or being made. */
  count(): number
  close(): Promise<void>
}

/** Connections of one process; the one that is idle the longest makes room for another. */
const CONNECTIONS_MAX = 500
/** A connection over which nothing is sent is closed after this long. */
const IDLE_MS = 60_000

const CLOUD_KINDS: ReadonlySet<string> = new Set<CloudAddress['kind']>(['sqs', 'sns', 'eventbridge', 'pubsub'])

/** One address with one login, connected to once for all that is sent there at the same time. */
interface Held {
  client: Promise<BrokerClient>
  underWay: number
  idleTimer: NodeJS.Timeout | null
}

/** Makes the pool of connections to brokers; a client is loaded when it is first needed. */
export function createBrokers({
  dial,
  send,
  idleMs = IDLE_MS,
  connectionsMax = CONNECTIONS_MAX,
}: {
  dial: Dial
  /** For brokers that are spoken to over HTTP. */
  send(request: OutboundRequest): Promise<OutboundOutcome>
  idleMs?: number
  connectionsMax?: number
}): Brokers {
  const held = new Map<string, Held>()

  function letGo(key: string, which: Held): void {
    if (which.idleTimer !== null) clearTimeout(which.idleTimer)
    if (held.get(key) === which) held.delete(key)
    which.client.then((client) => client.close()).catch(() => {})
  }

  /** The connection for an address; null where there are too many and each is at work. */
  function hold(key: string, connect: () => Promise<BrokerClient>): Held | null {
    const there = held.get(key)
    if (there !== undefined) return there
    if (held.size >= connectionsMax) {
      const idle = [...held].find(([, each]) => each.underWay === 0)
      if (idle === undefined) return null
      letGo(...idle)
    }
    const made: Held = { client: connect(), underWay: 0, idleTimer: null }
    held.set(key, made)
    made.client.then(
      (client) => client.ended.then(() => letGo(key, made)),
      () => letGo(key, made),
    )
    return made
  }

  async function over(key: string, which: Held, message: BrokerMessage): Promise<Settled> {
    // The map is in the order of use.
    held.delete(key)
    held.set(key, which)
    which.underWay += 1
    if (which.idleTimer !== null) clearTimeout(which.idleTimer)
    try {
      const { timeoutMs, signal } = message
      const sent = which.client.then((client) => client.publish(message))
      const settled = await first(sent, timeoutMs, signal)
      // What has not answered for so long will not: the next message goes over a new connection.
      if (settled === 'late') letGo(key, which)
      return settled
    } finally {
      which.underWay -= 1
      if (which.underWay === 0 && held.get(key) === which) {
        which.idleTimer = setTimeout(() => letGo(key, which), idleMs)
        which.idleTimer.unref()
      }
    }
  }

  async function overConnection(
    address: ConnectedAddress,
    login: Login | null,
    message: BrokerMessage,
  ): Promise<Receipt | 'aborted'> {
    const key = createHash('sha256')
      .update(JSON.stringify([message.url, message.authorization]))
      .digest('base64')
    const which = hold(key, () => connectTo(address, login, groundOf(dial, message.timeoutMs)))
    if (which === null) {
      const words = `${connectionsMax} connections to brokers are open already`
      throw new BrokerFailure({ kind: 'unreachable', reason: 'network' }, words)
    }
    const settled = await over(key, which, message)
    if (settled === 'late')
      throw new BrokerFailure({ kind: 'unreachable', reason: 'timeout' }, lateWords(address, message.timeoutMs))
    return settled
  }

  return {
    async publish(message) {
      const address = brokerAddress(message.url)
      if (address === null || typeof address === 'string')
        return { kind: 'invalid', message: address ?? 'the URL cannot be read' }
      const login = loginOf(message.authorization)
      if (typeof login === 'string') return { kind: 'invalid', message: login }
      const startedAt = performance.now()
      const durationMs = () => performance.now() - startedAt
      try {
        const settled = isCloud(address)
          ? await overHttp(send, { address, login, message })
          : await overConnection(address, login, message)
        if (settled === 'aborted') return { kind: 'aborted', message: 'the caller gave up', durationMs: durationMs() }
        return { kind: 'accepted', receipt: settled, durationMs: durationMs() }
      } catch (error) {
        return { ...failed(error), durationMs: durationMs() }
      }
    },
    read: (request) => readOver(dial, request),
    count: () => held.size,
    async close() {
      const clients = [...held.values()].map((each) => each.client)
      for (const [key, each] of held) letGo(key, each)
      await Promise.all(clients.map((client) => client.then((each) => each.ended).catch(() => {})))
    },
  }
}

type Settled = Receipt | 'late' | 'aborted'

function first(
  sent: ReturnType<BrokerClient['publish']>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Settled> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve('late'), timeoutMs)
    const onAbort = () => resolve('aborted')
    signal?.addEventListener('abort', onAbort, { once: true })
    sent.then(resolve, reject).finally(() => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    })
  })
}

function isCloud(address: BrokerAddress): address is CloudAddress {
  return CLOUD_KINDS.has(address.kind)
}

async function overHttp(
  send: (request: OutboundRequest) => Promise<OutboundOutcome>,
  { address, ...how }: { address: CloudAddress; login: Login | null; message: BrokerMessage },
): Promise<Receipt | 'aborted'> {
  if (address.kind === 'pubsub')
    return publishToCloud(send, { kind: (await import('./pubsub.ts')).PUB_SUB, address, ...how })
  const { SQS, SNS, EVENT_BRIDGE } = await import('./aws.ts')
  if (address.kind === 'sqs') return publishToCloud(send, { kind: SQS, address, ...how })
  if (address.kind === 'sns') return publishToCloud(send, { kind: SNS, address, ...how })
  return publishToCloud(send, { kind: EVENT_BRIDGE, address, ...how })
}

async function connectTo(address: ConnectedAddress, login: Login | null, ground: BrokerGround): Promise<BrokerClient> {
  switch (address.kind) {
    case 'nats':
      return (await import('./nats.ts')).connectNats(address, login, ground)
    case 'redis':
      return (await import('./redis.ts')).connectRedis(address, login, ground)
    case 'rabbitmq':
      return (await import('./rabbitmq.ts')).connectRabbit(address, login, ground)
    case 'kafka':
      return (await import('./kafka.ts')).connectKafka(address, login, ground)
  }
}

async function readOver(dial: Dial, { url, authorization, timeoutMs, ...how }: ReadRequest): Promise<ReadOutcome> {
  const address = sourceAddress(url)
  if (typeof address === 'string') return { kind: 'invalid', message: address }
  const login = loginOf(authorization)
  if (typeof login === 'string') return { kind: 'invalid', message: login }
  try {
    const begun = readFrom(address, login, { ...how, ground: groundOf(dial, timeoutMs) })
    return { kind: 'reading', reading: await inTime(begun, address, timeoutMs) }
  } catch (error) {
    const { kind, message } = failed(error)
    return { kind, message }
  }
}

async function readFrom(
  address: SourceAddress,
  login: Login | null,
  how: Parameters<ReadBroker<SourceAddress>>[2],
): Promise<BrokerReading> {
  switch (address.kind) {
    case 'nats':
      return (await import('./read-nats.ts')).readNats(address, login, how)
    case 'rabbitmq':
      return (await import('./read-rabbitmq.ts')).readRabbit(address, login, how)
    case 'kafka':
      return (await import('./read-kafka.ts')).readKafka(address, login, how)
  }
}

function groundOf(dial: Dial, timeoutMs: number): BrokerGround {
  return {
    timeoutMs,
    dial: (place, isTls) =>
      new Promise<Socket>((resolve, reject) => {
        dial({ ...place, isTls, protocols: [] }, (failure, socket) => {
          if (socket === null) reject(failure)
          else resolve(socket)
        })
      }),
    pinned: (place) => dial.pinned({ ...place, isTls: false }),
    open: (place, isTls) => dial.open({ ...place, isTls, protocols: [] }),
    trusted: dial.trusted,
  }
}

function failed(error: unknown) {
  if (error instanceof BrokerFailure) return { ...error.verdict, message: error.message }
  if (error instanceof DialFailure) {
    const { verdict, message } = error
    if (verdict.kind === 'forbidden') return { kind: 'forbidden', message } as const
    return { kind: 'unreachable', reason: verdict.reason, message } as const
  }
  // Clients know more errors than can be told apart; their texts may hold what they were given.
  return { kind: 'unreachable', reason: 'protocol', message: `the client gave up: ${(error as Error).name}` } as const
}

/** What begins later than that is closed again. */
function inTime(begun: Promise<BrokerReading>, { places }: SourceAddress, timeoutMs: number): Promise<BrokerReading> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const [place] = places
      const words = `${place?.hostname}:${place?.port} could not be read from within ${timeoutMs} ms`
      reject(new BrokerFailure({ kind: 'unreachable', reason: 'timeout' }, words))
      begun.then((reading) => reading.close()).catch(() => {})
    }, timeoutMs)
    begun.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

function lateWords({ places }: BrokerAddress, timeoutMs: number): string {
  const [place] = places
  return `no acknowledgement from ${place?.hostname}:${place?.port} within ${timeoutMs} ms`
}
