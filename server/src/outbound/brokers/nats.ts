import type { Socket } from 'node:net'
import type { NatsConnection, TlsOptions } from '@nats-io/transport-node'
import { natsConnect } from '../nats-connection.ts'
import type { BrokerPlace, NatsAddress } from './address.ts'
import {
  anyOf,
  type BrokerClient,
  BrokerFailure,
  type BrokerGround,
  type ConnectBroker,
  type Login,
  refusedFailure,
} from './broker.ts'

/** Pings as often as this show a server that stands still. */
const PING_MS = 10_000

/**
 * NATS JetStream: published with the message's id, so that a stream knows it again within its duplicate window, and
 * acknowledged by the stream. Servers that a server tells of are not followed.
 *
 * @source NATS docs, "JetStream: message deduplication"
 */
export const connectNats: ConnectBroker<NatsAddress> = async (address, login, ground) => {
  const { jetstream } = await import('@nats-io/jetstream')
  const connection = await anyOf(address.places, 0, (place) => connectNatsTo(place, address, login, ground))
  const client = jetstream(connection, { timeout: ground.timeoutMs })
  const { headers } = await import('@nats-io/transport-node')
  return {
    ended: connection.closed().then(() => {}),
    async publish(message) {
      const own = headers()
      for (const [name, value] of Object.entries(message.headers)) own.set(name, value)
      try {
        const ack = await client.publish(address.subject, message.body, {
          msgID: message.id,
          headers: own,
          timeout: message.timeoutMs,
          retries: 1,
        })
        return { stream: ack.stream, sequence: ack.seq, duplicate: ack.duplicate }
      } catch (error) {
        throw publishFailure(error, address.subject, connection)
      }
    },
    close: () => connection.close(),
  } satisfies BrokerClient
}

/** Connects to one server of NATS, over a checked socket, for as long as it lasts. */
export async function connectNatsTo(
  place: BrokerPlace,
  { isTls }: Pick<NatsAddress, 'isTls'>,
  login: Login | null,
  { dial, timeoutMs, trusted }: BrokerGround,
): Promise<NatsConnection> {
  const host = place.hostname.includes(':') ? `[${place.hostname}]` : place.hostname
  let dialled: unknown = null
  try {
    return await natsConnect(
      {
        servers: `${host}:${place.port}`,
        name: 'permea',
        // Whoever sends next connects anew, to a checked address.
        reconnect: false,
        ignoreClusterUpdates: true,
        maxReconnectAttempts: 0,
        resolve: false,
        timeout: timeoutMs,
        pingInterval: PING_MS,
        maxPingOut: 2,
        ...loginOptions(login),
        // Else TLS is used where the server offers it.
        ...(isTls ? { tls: tlsOptions(place, trusted) } : {}),
      },
      async (): Promise<Socket> => {
        try {
          return await dial(place, false)
        } catch (error) {
          dialled = error
          throw error
        }
      },
    )
  } catch (error) {
    if (dialled !== null) throw dialled
    throw connectFailure(error, `${host}:${place.port}`)
  }
}

/** The client names the server for TLS by its host name; one that is named by its address is named here. */
function tlsOptions({ hostname }: BrokerPlace, trusted: readonly string[] | null): TlsOptions {
  const options = { host: hostname, ...(trusted === null ? {} : { ca: trusted.join('\n') }) }
  return options
}

function loginOptions(login: Login | null) {
  if (login === null) return {}
  if ('token' in login) return { token: login.token }
  return login.password === '' ? { token: login.user } : { user: login.user, pass: login.password }
}

function connectFailure(error: unknown, peer: string): Error {
  const { name, message } = error as Error
  if (name === 'AuthorizationError' || name === 'UserAuthenticationExpiredError' || /authori[sz]ation/i.test(message))
    return refusedFailure('unauthorized', `${peer} does not let in who sends`, error)
  if (/tls|certificate|self-signed/i.test(message))
    return new BrokerFailure({ kind: 'unreachable', reason: 'tls' }, `TLS with ${peer} failed: ${message}`, {
      cause: error,
    })
  if (/timeout/i.test(`${name} ${message}`))
    return new BrokerFailure({ kind: 'unreachable', reason: 'timeout' }, `${peer} did not answer as NATS does`, {
      cause: error,
    })
  return new BrokerFailure({ kind: 'unreachable', reason: 'protocol' }, `${peer} does not answer as NATS does`, {
    cause: error,
  })
}

function publishFailure(error: unknown, subject: string, connection: NatsConnection): Error {
  const { name, message, cause } = error as Error
  const words = `${name} ${message} ${cause instanceof Error ? `${cause.name} ${cause.message}` : ''}`
  const most = connection.info?.max_payload
  if (/max_payload/.test(message))
    return refusedFailure('too_large', `the message is larger than the ${most} bytes that the server takes`, error)
  if (/no ?responders/i.test(words))
    return refusedFailure('no_such_target', `no stream of the server keeps the subject ${subject}`, error)
  if (/permission/i.test(words)) return refusedFailure('unauthorized', `who sends may not publish to ${subject}`, error)
  if (name === 'JetStreamApiError' || name === 'JetStreamError') {
    const { code } = error as { code?: number }
    // No room: in the stream, in its file, on the machine.
    const isBusy = code !== undefined && [10_023, 10_047, 10_077, 10_167].includes(code)
    return refusedFailure(isBusy ? 'busy' : 'refused', `the stream refuses the message: ${message}`, error)
  }
  if (/timeout/i.test(words))
    return new BrokerFailure(
      { kind: 'unreachable', reason: 'timeout' },
      'the stream did not acknowledge the message in time',
      { cause: error },
    )
  return new BrokerFailure(
    { kind: 'unreachable', reason: 'reset' },
    'the connection ended before the stream acknowledged the message',
    { cause: error },
  )
}
