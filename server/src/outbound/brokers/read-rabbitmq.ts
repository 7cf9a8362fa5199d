import type { ChannelModel, ConsumeMessage } from 'amqplib'
import { anyOf, BrokerFailure, refusedFailure } from './broker.ts'
import { connectRabbitTo } from './rabbitmq.ts'
import { type ArrivedMessage, type ReadBroker, UNSETTLED_MAX } from './reading.ts'
import type { RabbitSourceAddress } from './source-address.ts'

/**
 * RabbitMQ, and others that speak AMQP 0-9-1: a consumer with explicit acknowledgements. What is refused is rejected and not
 * put back, so that the queue's dead letter exchange gets it, where there is one.
 */
export const readRabbit: ReadBroker<RabbitSourceAddress> = async (address, login, { ground, take }) => {
  const connection = await anyOf(address.places, 0, (place) => connectRabbitTo(place, address, login, ground))
  const ended = Promise.withResolvers<Error>()
  let lastWords: Error | null = null
  const end = (error: Error) => {
    ended.resolve(lastWords === null ? error : readFailure(lastWords, address))
    connection.close().catch(() => {})
  }
  connection.on('error', (error: Error) => (lastWords ??= error))
  connection.on('close', () => end(new Error('the connection to the server ended')))
  try {
    const channel = await connection.createChannel()
    channel.on('error', (error: Error) => (lastWords ??= error))
    channel.on('close', () => end(new Error('the server closed the channel')))
    await channel.prefetch(UNSETTLED_MAX)
    await channel.consume(
      address.queue,
      (message) => {
        if (message === null) return end(new Error(`the queue ${address.queue} was removed`))
        const settle = (how: () => void) => {
          // A channel that is over has put back what it did not hear of.
          try {
            how()
          } catch {}
        }
        take({
          ...arrivedOf(message, address.queue),
          done: () => settle(() => channel.ack(message)),
          drop: () => settle(() => channel.reject(message, false)),
        })
      },
      { noAck: false },
    )
  } catch (error) {
    end(new Error('it was not begun'))
    throw readFailure(lastWords ?? error, address)
  }
  return {
    ended: ended.promise,
    lag: () => lagOf(connection, address.queue),
    close: async () => end(new Error('closed')),
  }
}

function arrivedOf(
  { properties, fields, content }: ConsumeMessage,
  queue: string,
): Omit<ArrivedMessage, 'done' | 'drop'> {
  const given: Record<string, unknown> = properties.headers ?? {}
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(given))
    if (['string', 'number', 'boolean'].includes(typeof value)) headers[name.toLowerCase()] = String(value)
  const { messageId, contentType, contentEncoding } = properties as unknown as Record<string, unknown>
  if (typeof contentType === 'string') headers['content-type'] = contentType
  if (typeof contentEncoding === 'string') headers['content-encoding'] = contentEncoding
  return {
    id: typeof messageId === 'string' && messageId !== '' ? messageId : null,
    headers,
    body: content,
    place: `${queue}${fields.routingKey === queue ? '' : `, routing key ${fields.routingKey}`}`,
  }
}

/** Asked on a channel of its own, because one that may not ask is closed for it. */
async function lagOf(connection: ChannelModel, queue: string): Promise<number> {
  const channel = await connection.createChannel()
  channel.on('error', () => {})
  const { messageCount } = await channel.checkQueue(queue)
  await channel.close()
  return messageCount
}

function readFailure(error: unknown, { queue }: RabbitSourceAddress): Error {
  if (error instanceof BrokerFailure) return error
  const { message } = error as Error
  const { code } = error as { code?: number }
  if (code === 404 || /NOT_FOUND/.test(message))
    return refusedFailure('no_such_target', `there is no queue ${queue}`, error)
  if (code === 403 || /ACCESS_REFUSED/.test(message))
    return refusedFailure(
      'unauthorized',
      `who reads may not read the queue ${queue}, or another reader has it alone`,
      error,
    )
  if (code === 405 || /RESOURCE_LOCKED/.test(message))
    return refusedFailure('refused', `the queue ${queue} is another connection's alone`, error)
  if (code !== undefined && code !== 320)
    return refusedFailure('refused', `the server refuses: ${message.slice(0, 300)}`, error)
  return new BrokerFailure({ kind: 'unreachable', reason: 'reset' }, 'the connection to the server ended', {
    cause: error,
  })
}
