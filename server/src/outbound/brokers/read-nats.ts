import type { Consumer, ConsumerMessages, JetStreamManager, JsMsg } from '@nats-io/jetstream'
import { anyOf, BrokerFailure, refusedFailure } from './broker.ts'
import { connectNatsTo } from './nats.ts'
import { type ArrivedMessage, type ReadBroker, UNSETTLED_MAX } from './reading.ts'
import type { NatsSourceAddress } from './source-address.ts'

/** What is not settled within this time comes again; messages at work say that they are, more often than that. */
const ACK_WAIT_MS = 8000
const AT_WORK_MS = 2500
const HEARTBEAT_MS = 5000
const EXPIRES_MS = 30_000
const FLUSH_MS = 1000

/**
 * NATS JetStream: a durable pull consumer with explicit acknowledgements. A subject that no stream keeps cannot be read,
 * since nobody would hold what is not acknowledged.
 */
export const readNats: ReadBroker<NatsSourceAddress> = async (address, login, { ground, reader, take }) => {
  const { jetstream, jetstreamManager } = await import('@nats-io/jetstream')
  const connection = await anyOf(address.places, 0, (place) => connectNatsTo(place, address, login, ground))
  const ended = Promise.withResolvers<Error>()
  const unsettled = new Set<JsMsg>()
  // The consumer must not take for lost what waits here for the database.
  const atWork = setInterval(() => {
    for (const message of unsettled) message.working()
  }, AT_WORK_MS)
  const end = (error: Error) => {
    clearInterval(atWork)
    ended.resolve(error)
    connection.close().catch(() => {})
  }
  try {
    const manager = await jetstreamManager(connection, { timeout: ground.timeoutMs, checkAPI: false })
    const stream = address.stream ?? (await streamOf(manager, address.subject))
    const name = address.consumer ?? reader
    if (address.consumer === null) await ensureConsumer(manager, stream, name, address)
    const consumer = await jetstream(connection, { timeout: ground.timeoutMs }).consumers.get(stream, name)
    const messages = await consumer.consume({
      max_messages: UNSETTLED_MAX,
      expires: EXPIRES_MS,
      idle_heartbeat: HEARTBEAT_MS,
      abort_on_missing_resource: true,
      callback(message) {
        unsettled.add(message)
        take(arrivedOf(message, unsettled))
      },
    })
    const close = async () => {
      // What was acknowledged last is on its way.
      await Promise.race([connection.flush().catch(() => {}), pause(FLUSH_MS)])
      end(new Error('closed'))
    }
    void connection
      .closed()
      .then((error) => end(error instanceof Error ? error : new Error('the connection to the server ended')))
    void watch(messages, stream, name).then(end)
    return { ended: ended.promise, lag: () => lagOf(consumer), close }
  } catch (error) {
    end(new Error('it was not begun'))
    throw readFailure(error, address)
  }
}

function arrivedOf(message: JsMsg, unsettled: Set<JsMsg>): ArrivedMessage {
  const headers = Object.fromEntries(
    [...(message.headers ?? [])].map(([name, values]) => [name.toLowerCase(), values.join(', ')]),
  )
  const { info, seq } = message
  const settle = (how: () => void) => {
    unsettled.delete(message)
    how()
  }
  const given = headers['nats-msg-id'] ?? ''
  return {
    // A stream that is made anew counts from one again: the time tells its messages from those of before.
    id: given !== '' ? given : `${info.stream}:${seq}:${info.timestampNanos}`,
    headers,
    body: Buffer.from(message.data),
    place: `${message.subject}, ${info.stream} ${seq}`,
    done: () => settle(() => message.ack()),
    drop: () => settle(() => message.term()),
  }
}

async function streamOf(manager: JetStreamManager, subject: string): Promise<string> {
  try {
    return await manager.streams.find(subject)
  } catch (error) {
    if (!/no stream matches/i.test((error as Error).message)) throw error
    throw refusedFailure('no_such_target', `no stream of the server keeps the subject ${subject}`, error)
  }
}

/** Makes the consumer where it is not there; one that is stays as it is, with how far it came. */
async function ensureConsumer(
  manager: JetStreamManager,
  stream: string,
  name: string,
  { subject, from }: NatsSourceAddress,
): Promise<void> {
  const { AckPolicy, DeliverPolicy } = await import('@nats-io/jetstream')
  const { nanos } = await import('@nats-io/transport-node')
  const there = await manager.consumers.info(stream, name).catch((error: Error) => {
    if (/consumer not found/i.test(error.message)) return null
    throw error
  })
  if (there?.config.filter_subject === subject) return
  const own = { filter_subject: subject, ack_wait: nanos(ACK_WAIT_MS), max_ack_pending: UNSETTLED_MAX * 2 }
  // Another subject of the same stream: it goes on from where it was.
  if (there !== null) return void (await manager.consumers.update(stream, name, own))
  await manager.consumers.add(stream, {
    ...own,
    durable_name: name,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: from === 'new' ? DeliverPolicy.New : DeliverPolicy.All,
    max_deliver: -1,
  })
}

/** Resolves when nothing more can come, with the reason. */
async function watch(messages: ConsumerMessages, stream: string, name: string): Promise<Error> {
  void (async () => {
    for await (const { type } of messages.status()) {
      // A server that lost its quorum, or was paused, sends nothing: who connects anew finds one that does.
      if (type === 'heartbeats_missed' || type === 'no_responders') return messages.stop(new Error(`${type}`))
    }
  })().catch(() => {})
  const why = await messages.closed()
  const said = why instanceof Error ? why.message : ''
  if (/not.?found|deleted/i.test(said)) return new Error(`the consumer ${name} of the stream ${stream} was removed`)
  return new Error('the server sends nothing any more')
}

async function lagOf(consumer: Consumer): Promise<number> {
  const { num_pending: waiting, num_ack_pending: unsettled } = await consumer.info()
  return waiting + unsettled
}

function readFailure(error: unknown, { subject, stream, consumer }: NatsSourceAddress): Error {
  if (error instanceof BrokerFailure) return error
  const { name, message, cause } = error as Error
  const words = `${name} ${message} ${cause instanceof Error ? cause.message : ''}`
  if (/consumer not found/i.test(words))
    return refusedFailure('no_such_target', `there is no consumer ${consumer} of the stream ${stream ?? ''}`, error)
  if (/stream not found/i.test(words)) return refusedFailure('no_such_target', `there is no stream ${stream}`, error)
  if (/permission/i.test(words)) return refusedFailure('unauthorized', `who reads may not read ${subject}`, error)
  if (/no ?responders|not enabled/i.test(words))
    return refusedFailure('no_such_target', 'the server keeps no streams: JetStream is not enabled', error)
  if (name === 'JetStreamApiError') return refusedFailure('refused', `the server refuses: ${message}`, error)
  return new BrokerFailure({ kind: 'unreachable', reason: 'timeout' }, 'the server did not answer in time', {
    cause: error,
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
