import type { ChannelModel, ConfirmChannel } from 'amqplib'
import { dialFailureOf } from '../outcome.ts'
import type { BrokerPlace, RabbitAddress } from './address.ts'
import {
  anyOf,
  type BrokerClient,
  BrokerFailure,
  type BrokerGround,
  type ConnectBroker,
  type Login,
  refusedFailure,
} from './broker.ts'

const HEARTBEAT_SECONDS = 10

/**
 * RabbitMQ and others that speak AMQP 0-9-1: published as persistent and mandatory, accepted with the publisher confirm.
 * What no queue is bound for comes back and is refused.
 *
 * @source RabbitMQ docs, "Publisher confirms", "Publishers: unroutable message handling"
 */
export const connectRabbit: ConnectBroker<RabbitAddress> = async (address, login, ground) => {
  const connection = await anyOf(address.places, 0, (place) => connectRabbitTo(place, address, login, ground))
  const ended = Promise.withResolvers<void>()
  /** What the server said when it ended the channel or the connection. */
  let lastWords: Error | null = null
  const end = () => {
    ended.resolve()
    connection.close().catch(() => {})
  }
  connection.on('error', (error: Error) => (lastWords ??= error))
  connection.on('close', () => ended.resolve())
  const channel: ConfirmChannel = await connection.createConfirmChannel()
  channel.on('error', (error: Error) => (lastWords ??= error))
  channel.on('close', end)
  /** Ids of messages that came back and whose confirm is on its way. */
  const returned = new Set<string>()
  channel.on('return', (message: { properties: { messageId?: unknown } }) =>
    returned.add(String(message.properties.messageId)),
  )

  return {
    ended: ended.promise,
    publish({ id, headers, body }) {
      const { 'content-type': contentType = 'application/json', 'webhook-timestamp': seconds, ...others } = headers
      const options = {
        mandatory: true,
        persistent: true,
        messageId: id,
        contentType,
        ...(seconds === undefined ? {} : { timestamp: Number(seconds) }),
        headers: { ...others, ...(seconds === undefined ? {} : { 'webhook-timestamp': seconds }) },
      }
      return new Promise((resolve, reject) => {
        const settle = (error: unknown) => {
          const cameBack = returned.delete(id)
          if (error !== null && error !== undefined) return reject(failureOf(lastWords ?? error, address))
          if (cameBack) return reject(refusedFailure('no_such_target', `no queue is bound for ${nameOf(address)}`))
          resolve({ confirmed: true })
        }
        // A channel that ends fails its unconfirmed messages one by one, before it tells why.
        try {
          channel.publish(address.exchange, address.routingKey, Buffer.from(body), options, (error: unknown) => {
            if (error instanceof Error) setImmediate(settle, error)
            else settle(error)
          })
        } catch (error) {
          settle(error)
        }
      })
    },
    async close() {
      ended.resolve()
      await connection.close().catch(() => {})
    },
  } satisfies BrokerClient
}

/** Connects to one server of RabbitMQ, at a checked address. */
export async function connectRabbitTo(
  place: BrokerPlace,
  { isTls, vhost }: Pick<RabbitAddress, 'isTls' | 'vhost'>,
  login: Login | null,
  { pinned, timeoutMs, trusted }: BrokerGround,
): Promise<ChannelModel> {
  const { connect } = await import('amqplib')
  const peer = `${place.hostname}:${place.port}`
  const lookup = await pinned(place)
  const [user, password] =
    login === null ? ['guest', 'guest'] : 'token' in login ? ['', login.token] : [login.user, login.password]
  try {
    return await connect(
      {
        protocol: isTls ? 'amqps' : 'amqp',
        hostname: place.hostname,
        port: place.port,
        username: user,
        password,
        vhost: encodeURIComponent(vhost),
        heartbeat: HEARTBEAT_SECONDS,
      },
      {
        lookup,
        timeout: timeoutMs,
        noDelay: true,
        rejectUnauthorized: true,
        ...(trusted === null ? {} : { ca: [...trusted] }),
        clientProperties: { product: 'Permea', connection_name: 'permea' },
      },
    )
  } catch (error) {
    throw connectFailure(error, peer)
  }
}

function connectFailure(error: unknown, peer: string): Error {
  const { message, code } = error as Error & { code?: unknown }
  if (/ACCESS.REFUSED|403|Handshake terminated by server/i.test(message))
    return refusedFailure('unauthorized', `${peer} does not let in who sends`, error)
  // The client does not say why the server closed the connection when the vhost was named.
  if (/NOT.ALLOWED|vhost|Expected ConnectionOpenOk/i.test(message))
    return refusedFailure('no_such_target', `${peer} has no such vhost, or not for who sends`, error)
  if (/ETIMEDOUT/.test(message))
    return new BrokerFailure({ kind: 'unreachable', reason: 'timeout' }, `no connection to ${peer} in time`, {
      cause: error,
    })
  // An error of the system or of TLS; what else there is has no code.
  if (typeof code === 'string' && error instanceof Error) return dialFailureOf(error, peer, !/^E[A-Z]+$/.test(code))
  return new BrokerFailure({ kind: 'unreachable', reason: 'protocol' }, `${peer} does not answer as RabbitMQ does`, {
    cause: error,
  })
}

function failureOf(error: unknown, address: RabbitAddress): Error {
  const { message } = error as Error
  const { code } = error as { code?: number }
  const said = message.slice(0, 300)
  if (code === 404 || /NOT_FOUND/.test(message))
    return refusedFailure('no_such_target', `there is no exchange ${address.exchange}`, error)
  if (code === 403 || /ACCESS_REFUSED/.test(message))
    return refusedFailure('unauthorized', `who sends may not publish to ${nameOf(address)}`, error)
  if (code === 406 && /larger than/.test(message))
    return refusedFailure('too_large', `the message is too large: ${said}`, error)
  if (code !== undefined && code !== 320) return refusedFailure('refused', `the server refuses: ${said}`, error)
  if (/nacked/.test(message)) return refusedFailure('busy', 'the queue does not take the message', error)
  return new BrokerFailure(
    { kind: 'unreachable', reason: 'reset' },
    'the connection ended before the server confirmed the message',
    { cause: error },
  )
}

function nameOf({ exchange, routingKey }: RabbitAddress): string {
  return exchange === ''
    ? `the queue ${routingKey}`
    : `the exchange ${exchange} with the routing key ${JSON.stringify(routingKey)}`
}
