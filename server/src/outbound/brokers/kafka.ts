import type { Kafka } from 'kafkajs'
import { DialFailure, dialFailureOf } from '../outcome.ts'
import type { KafkaAddress, SaslMechanism } from './address.ts'
import {
  type BrokerClient,
  BrokerFailure,
  type BrokerGround,
  type ConnectBroker,
  type Login,
  refusedFailure,
} from './broker.ts'

/** An acknowledgement of all replicas that are in step. */
const ALL = -1

/**
 * Kafka: published with the acknowledgement of every replica that is in step. Brokers that a broker tells of are
 * connected to through the same checks as the one that is named.
 */
export const connectKafka: ConnectBroker<KafkaAddress> = async (address, login, ground) => {
  const { kafka, troubles } = await kafkaOf(address, login, ground)
  const producer = kafka.producer({ allowAutoTopicCreation: false, retry: { retries: 0 } })
  const ended = Promise.withResolvers<void>()
  producer.on(producer.events.DISCONNECT, () => ended.resolve())
  const close = async () => {
    ended.resolve()
    await producer.disconnect().catch(() => {})
  }
  try {
    await producer.connect()
  } catch (error) {
    await close()
    throw kafkaFailure(error, address, troubles)
  }
  return {
    ended: ended.promise,
    async publish({ id, headers, body, timeoutMs }) {
      try {
        const [record] = await producer.send({
          topic: address.topic,
          acks: ALL,
          timeout: timeoutMs,
          messages: [{ key: address.key ?? id, value: body, headers }],
        })
        return { partition: record?.partition ?? 0, offset: record?.baseOffset ?? '' }
      } catch (error) {
        // What it knew of the brokers may be over: whoever sends next asks anew.
        void close()
        throw kafkaFailure(error, address, troubles)
      }
    },
    close,
  } satisfies BrokerClient
}

/** A client of Kafka whose sockets are checked; `troubles` is where it leaves why there was none. */
export async function kafkaOf(
  { places, isTls, sasl }: { places: KafkaAddress['places']; isTls: boolean; sasl: SaslMechanism },
  login: Login | null,
  ground: BrokerGround,
): Promise<{ kafka: Kafka; troubles: DialFailure[] }> {
  const { Kafka: Client, logLevel } = await import('kafkajs')
  const troubles: DialFailure[] = []
  const kafka = new Client({
    clientId: 'permea',
    brokers: places.map(({ hostname, port }) => `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`),
    logLevel: logLevel.NOTHING,
    connectionTimeout: ground.timeoutMs,
    authenticationTimeout: ground.timeoutMs,
    requestTimeout: ground.timeoutMs,
    retry: { retries: 0 },
    ...(login === null ? {} : { sasl: saslOptions(login, sasl) }),
    ssl: false,
    socketFactory({ host, port, onConnect }) {
      const socket = ground.open({ hostname: host.replace(/^\[|\]$/g, ''), port }, isTls)
      let isConnected = false
      socket.on('error', (error) => {
        if (!isConnected) troubles.push(failureOf(error, `${host}:${port}`, isTls))
      })
      socket.once(isTls ? 'secureConnect' : 'connect', () => {
        isConnected = true
        troubles.length = 0
        onConnect()
      })
      return socket
    },
  })
  return { kafka, troubles }
}

function failureOf(error: Error, peer: string, isTls: boolean): DialFailure {
  if (error instanceof DialFailure) return error
  const { code = '' } = error as Error & { code?: string }
  return dialFailureOf(error, peer, isTls && !/^(?:ECONNREFUSED|ETIMEDOUT|E\w+UNREACH)$/.test(code))
}

function saslOptions(login: Login, mechanism: SaslMechanism) {
  const [username, password] = 'token' in login ? ['', login.token] : [login.user, login.password]
  return { mechanism, username, password } as
    | { mechanism: 'plain'; username: string; password: string }
    | { mechanism: 'scram-sha-256'; username: string; password: string }
}

/** What an error of the client says of a topic, as an outcome. */
export function kafkaFailure(
  error: unknown,
  { topic, places }: Pick<KafkaAddress, 'topic' | 'places'>,
  troubles: readonly DialFailure[],
): Error {
  if (error instanceof BrokerFailure) return error
  const trouble = troubles.at(-1)
  if (trouble !== undefined) return trouble
  const all = chainOf(error)
  const words = all.map((each) => `${each.name} ${each.message}`).join(' ')
  const type = all.map((each) => (each as { type?: unknown }).type).find((each) => typeof each === 'string') ?? ''
  const [place] = places
  const peer = `${place?.hostname}:${place?.port}`
  if (/UNKNOWN_TOPIC|TOPIC_EXCEPTION/.test(`${type}`) || /does not host this topic/i.test(words))
    return refusedFailure('no_such_target', `there is no topic ${topic}, or not for this user`, error)
  if (/AUTHORIZATION_FAILED/.test(`${type}`))
    return refusedFailure('unauthorized', `this user may not use the topic ${topic}`, error)
  if (/SASL/i.test(words) || /SASL/.test(`${type}`))
    return refusedFailure('unauthorized', `${peer} does not let in this user`, error)
  if (/MESSAGE_TOO_LARGE|RECORD_LIST_TOO_LARGE/.test(`${type}`))
    return refusedFailure('too_large', 'the message is larger than the topic takes', error)
  if (/NOT_ENOUGH_REPLICAS|THROTTLING|POLICY_VIOLATION/.test(`${type}`))
    return refusedFailure('busy', 'too few replicas of the topic are in step', error)
  if (/ECONNREFUSED/.test(words))
    return new BrokerFailure({ kind: 'unreachable', reason: 'refused' }, `${peer} refuses connections`, {
      cause: error,
    })
  if (/timed? ?out|timeout/i.test(words))
    return new BrokerFailure({ kind: 'unreachable', reason: 'timeout' }, `${peer} did not answer in time`, {
      cause: error,
    })
  if (type !== '') return refusedFailure('refused', `the broker refuses: ${type}`, error)
  return new BrokerFailure({ kind: 'unreachable', reason: 'reset' }, `${peer} does not answer as Kafka does`, {
    cause: error,
  })
}

function chainOf(error: unknown): Error[] {
  const found: Error[] = []
  for (let at = error; at instanceof Error && found.length < 8; at = at.cause) found.push(at)
  return found
}
