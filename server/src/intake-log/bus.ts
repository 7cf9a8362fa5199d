import { createHash } from 'node:crypto'
import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StoredMsg,
  type StreamConfig,
} from '@nats-io/jetstream'
import { type KV, Kvm } from '@nats-io/kv'
import { headers, type MsgHdrs, type NatsConnection, nanos } from '@nats-io/transport-node'
import { natsConnect } from '../outbound/nats-connection.ts'
import type { Log } from '../platform/log.ts'
import { messagesAhead } from './ahead.ts'
import {
  ANY_SUBJECT,
  Follower,
  type Heard,
  type LogMessage,
  PARTS,
  pause,
  RESTART_MS,
  SHARDS_OF,
  wordsOf,
} from './follower.ts'

/** What there is of NATS in the engine: the log that intake is written to, and the bucket that the catalogue is kept in. */
export interface Bus {
  /** What tells this log from another that was made under the same name later: sequences mean something only within it. */
  readonly identity: string
  /**
   * Puts a message into the log; resolves when a quorum of the servers holds it, or with why it is not known to.
   * What has the same id as something that was put there within two minutes is not put there again.
   */
  publish(message: NewMessage): Promise<Published>
  /** What stands in the log under a sequence; null where it was worked off and removed. */
  at(sequence: number): Promise<Uint8Array | null>
  /** Hands on everything behind a sequence, in order, and then what comes; waits while `take` does. */
  follow(after: number, take: (message: LogMessage) => Promise<void>): Following
  span(): Promise<LogSpan>
  /** The first message behind a sequence; null where there is none. */
  next(after: number): Promise<LogMessage | null>
  /** Removes everything up to and with a sequence. */
  removeUpTo(sequence: number): Promise<void>
  /** The same of the parts of large messages. */
  lastPart(): Promise<number>
  removePartsUpTo(sequence: number): Promise<void>
  readonly catalogue: Bucket
  /** Why nothing can be put into the log just now, as far as is known; null where all is well. */
  trouble(): string | null
  close(): Promise<void>
}

export interface NewMessage {
  id: string
  /** The shards that it has something for. */
  shards: readonly number[]
  data: Uint8Array
}

/** The sequences of the first and the last message there are; the last is before the first where there are none. */
export interface LogSpan {
  first: number
  last: number
}

export interface Bucket {
  get(key: string): Promise<string | null>
  put(key: string, value: string): Promise<void>
  remove(key: string): Promise<void>
}

export type Published =
  | { kind: 'stored'; sequence: number; isDuplicate: boolean }
  | { kind: 'full' }
  | { kind: 'unreached'; message: string }

export interface Following {
  /** How many messages were not handed on yet, as far as was seen a moment ago; 0 where there surely are none. */
  unread(): number
  stop(): Promise<void>
}

export interface BusOptions {
  /** Addresses of servers, separated by commas; user and password or a token may stand in the first. */
  url: string
  /** What the names of streams, subjects and buckets begin with. */
  prefix: string
  replicas: number
  /** Most bytes in the log; beyond it nothing more is taken in. */
  bytesMax: number
  log: Log
}

/** How long a server may take to acknowledge before it is asked again, and how long one message is tried. */
const ACK_MS = 2500
/** The servers of version 2.9 take up to 9 s to choose a leader. */
const PUBLISH_MS = 15_000
/** … while nothing could be put there before it either. */
const PUBLISH_IN_TROUBLE_MS = 2000
const RETRY_MS = 100

const OPEN_MS = 30_000
/** How often messages are looked for that nobody told of. */
const SWEEP_MS = 1000
const DUPLICATE_MS = 120_000
/** Parts of messages whose end never came leave after this long. */
const PARTS_MS = 14 * 86_400_000
/** The last word of the subject of messages, and of what is told of them. */
const ENTRIES = 'entries'
const BELL = 'bell'
/** What a message has beside its data. */
const OVERHEAD_BYTES = 4096

/** What the servers answer where there is no room: in the stream, in its file, on the machine. */
const FULL_CODES = new Set([10_023, 10_047, 10_077])

/** Connects and makes what is missing; throws, in a line for an operator, where that cannot be done within 30 s. */
export async function openBus(options: BusOptions): Promise<Bus> {
  const beganMs = performance.now()
  for (;;) {
    try {
      return await open(options)
    } catch (error) {
      if (performance.now() - beganMs > OPEN_MS) throw new Error(`PERMEA_NATS_URL cannot be used: ${wordsOf(error)}`)
      await pause(RESTART_MS)
    }
  }
}

async function open(options: BusOptions): Promise<Bus> {
  const connection = await natsConnect({
    ...placesOf(options.url),
    name: 'permea',
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    // A server that stands still is left after some 5 s.
    pingInterval: 2000,
    maxPingOut: 2,
    timeout: 5000,
  })
  try {
    const manager = await jetstreamManager(connection, { timeout: 5000 })
    const { prefix, replicas, bytesMax } = options
    const common = {
      num_replicas: replicas,
      max_bytes: bytesMax,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      retention: RetentionPolicy.Limits,
      duplicate_window: nanos(DUPLICATE_MS),
      allow_direct: true,
    }
    const created = await ensureStream(manager, {
      ...common,
      name: `${prefix}_intake`,
      subjects: [`${prefix}.intake.*`],
    })
    await ensureStream(manager, {
      ...common,
      name: `${prefix}_parts`,
      subjects: [`${prefix}.parts.*.*`],
      max_age: nanos(PARTS_MS),
    })
    const client = jetstream(connection, { timeout: 5000 })
    const bucket = await new Kvm(client).create(`${prefix}_catalogue`, { replicas, history: 1 })
    return new NatsBus({ ...options, connection, manager, client, bucket, identity: created })
  } catch (error) {
    await connection.close()
    throw error
  }
}

/** The stream as it should be; gives when it was made. */
async function ensureStream(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string; max_bytes: number },
): Promise<string> {
  const there = await manager.streams.info(config.name).catch((error: unknown) => {
    if (error instanceof JetStreamApiError && error.code === 10_059) return null
    throw error
  })
  if (there === null) return (await manager.streams.add(config)).created
  if (there.config.max_bytes !== config.max_bytes)
    await manager.streams.update(config.name, { ...there.config, max_bytes: config.max_bytes })
  return there.created
}

function placesOf(url: string) {
  const places = url.split(',').map((each) => new URL(each.includes('://') ? each : `nats://${each}`))
  const named = places.find((each) => each.username !== '')
  const user = named === undefined ? null : decodeURIComponent(named.username)
  return {
    servers: places.map((each) => `${each.hostname}:${each.port === '' ? 4222 : each.port}`),
    ...(user === null
      ? {}
      : named?.password === ''
        ? { token: user }
        : { user, pass: decodeURIComponent(named?.password ?? '') }),
    ...(places.some((each) => each.protocol === 'tls:') ? { tls: {} } : {}),
  }
}

interface Parts extends BusOptions {
  connection: NatsConnection
  manager: JetStreamManager
  client: JetStreamClient
  bucket: KV
  identity: string
}

class NatsBus implements Bus {
  readonly #o: Parts
  readonly identity: string
  readonly catalogue: Bucket
  #trouble: string | null = null
  readonly #followers = new Set<Follower>()
  /** The last message that was heard of. */
  #lastSeen = 0
  readonly #sweeping: NodeJS.Timeout

  constructor(parts: Parts) {
    this.#o = parts
    this.identity = parts.identity
    const { bucket } = parts
    this.catalogue = {
      async get(key) {
        const entry = await bucket.get(key)
        return entry === null || entry.operation !== 'PUT' ? null : entry.string()
      },
      async put(key, value) {
        await bucket.put(key, value)
      },
      async remove(key) {
        await bucket.purge(key)
      },
    }
    void this.#watch()
    void this.#hearBells()
    this.#sweeping = setInterval(() => void this.#sweep().catch(() => {}), SWEEP_MS)
  }

  trouble(): string | null {
    return this.#trouble
  }

  async publish({ id, shards, data }: NewMessage): Promise<Published> {
    const bytesMax = (this.#o.connection.info?.max_payload ?? 1024 * 1024) - OVERHEAD_BYTES
    const subject = `${this.#o.prefix}.intake.${ENTRIES}`
    const named = headers()
    named.set(SHARDS_OF, shards.join(' '))
    if (data.byteLength <= bytesMax) return this.#put(subject, id, data, named)
    // By its content, so that a repetition finds the parts in place.
    const name = createHash('sha256').update(id).digest('hex').slice(0, 32)
    const count = Math.ceil(data.byteLength / bytesMax)
    for (let part = 0; part < count; part += 1) {
      const slice = data.subarray(part * bytesMax, (part + 1) * bytesMax)
      const put = await this.#put(`${this.#o.prefix}.parts.${name}.${part}`, `${id}/${part}`, slice)
      if (put.kind !== 'stored') return put
    }
    named.set(PARTS, `${name} ${count}`)
    return this.#put(subject, id, new Uint8Array(), named)
  }

  /** A message with headers is one of the log, others are parts. */
  async #put(subject: string, msgID: string, data: Uint8Array, named?: MsgHdrs): Promise<Published> {
    const untilMs = performance.now() + (this.#trouble === null ? PUBLISH_MS : PUBLISH_IN_TROUBLE_MS)
    const more = named === undefined ? {} : { headers: named }
    for (;;) {
      try {
        const ack = await this.#o.client.publish(subject, data, { msgID, timeout: ACK_MS, retries: 1, ...more })
        if (ack.duplicate && !(await this.#isKept(ack.stream, ack.seq, msgID)))
          throw new Error('the servers say that this is in the log, and it is not')
        this.#trouble = null
        // Told beside the log, to whoever works shards; who does not hear it looks by itself.
        if (named !== undefined)
          this.#o.connection.publish(`${this.#o.prefix}.${BELL}`, `${ack.seq} ${data.byteLength}`)
        return { kind: 'stored', sequence: ack.seq, isDuplicate: ack.duplicate }
      } catch (error) {
        if (error instanceof JetStreamApiError && FULL_CODES.has(error.code)) return { kind: 'full' }
        if (performance.now() >= untilMs || this.#o.connection.isClosed()) {
          this.#trouble = wordsOf(error)
          return { kind: 'unreached', message: this.#trouble }
        }
        await pause(RETRY_MS)
      }
    }
  }

  /**
   * Whether what is said to be a repetition is in the log, or was and is worked off. A server that was killed, or no
   * longer leads, may remember an id of which nothing was kept.
   */
  async #isKept(stream: string, sequence: number, msgID: string): Promise<boolean> {
    const { streams } = this.#o.manager
    const found = await streams.getMessage(stream, { seq: sequence })
    if (found !== null) return found.header.get('Nats-Msg-Id') === msgID
    return sequence < (await streams.info(stream)).state.first_seq
  }

  async at(sequence: number): Promise<Uint8Array | null> {
    const found = await this.#o.manager.streams.getMessage(`${this.#o.prefix}_intake`, { seq: sequence })
    return found === null ? null : this.#read(found).data()
  }

  follow(after: number, take: (message: LogMessage) => Promise<void>): Following {
    const stream = `${this.#o.prefix}_intake`
    const follower = new Follower({
      ...this.#o,
      ...{ stream, after, take },
      read: (message) => this.#read(message),
      ahead: (last) => messagesAhead(this.#o, { stream, after: last }),
    })
    const followers = this.#followers
    followers.add(follower)
    const ended = follower.run()
    return {
      unread: () => (follower.isBehind ? Math.max(1, this.#lastSeen - follower.last) : 0),
      async stop() {
        followers.delete(follower)
        follower.stop()
        await ended
      },
    }
  }

  #read(message: StoredMsg): LogMessage {
    const { seq: sequence, header } = message
    const named = header.get(SHARDS_OF)
    return {
      sequence,
      atMs: message.time.getTime(),
      // Earlier versions wrote a message per shard, under its number.
      shards: (named === '' ? (message.subject.split('.').at(-1) ?? '') : named).split(' ').map(Number),
      data: () => this.#whole(message.data, header.get(PARTS)),
    }
  }

  async span(): Promise<LogSpan> {
    const { state } = await this.#o.manager.streams.info(`${this.#o.prefix}_intake`)
    return { first: state.first_seq, last: state.last_seq }
  }

  async next(after: number): Promise<LogMessage | null> {
    const query = { seq: after + 1, next_by_subj: ANY_SUBJECT }
    const message = await this.#o.manager.streams.getMessage(`${this.#o.prefix}_intake`, query)
    return message === null ? null : this.#read(message)
  }

  async removeUpTo(sequence: number): Promise<void> {
    await this.#o.manager.streams.purge(`${this.#o.prefix}_intake`, { seq: sequence + 1 })
  }

  async lastPart(): Promise<number> {
    return (await this.#o.manager.streams.info(`${this.#o.prefix}_parts`)).state.last_seq
  }

  async removePartsUpTo(sequence: number): Promise<void> {
    await this.#o.manager.streams.purge(`${this.#o.prefix}_parts`, { seq: sequence + 1 })
  }

  /** Looks for messages that nobody told of. */
  async #sweep(): Promise<void> {
    if (this.#followers.size === 0) return
    const { last } = await this.span()
    this.#lastSeen = Math.max(this.#lastSeen, last)
    for (const follower of this.#followers) if (follower.last < last) follower.ring()
  }

  async #hearBells(): Promise<void> {
    for await (const bell of this.#o.connection.subscribe(`${this.#o.prefix}.${BELL}`)) {
      const heard = heardIn(bell.string())
      if (heard === null) continue
      this.#lastSeen = Math.max(this.#lastSeen, heard.sequence)
      for (const follower of this.#followers) follower.ring(heard)
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeping)
    await this.#o.connection.close()
  }

  /** The data of a message, from its parts where it was too much for one. */
  async #whole(data: Uint8Array, parts: string): Promise<Uint8Array> {
    if (parts === '') return data
    const [name = '', count = ''] = parts.split(' ')
    const slices: Uint8Array[] = []
    for (let part = 0; part < Number(count); part += 1) {
      const last_by_subj = `${this.#o.prefix}.parts.${name}.${part}`
      const found = await this.#o.manager.streams.getMessage(`${this.#o.prefix}_parts`, { last_by_subj })
      if (found === null) throw new Error(`part ${part} of a message is not there`)
      slices.push(found.data)
    }
    return Buffer.concat(slices)
  }

  async #watch(): Promise<void> {
    for await (const status of this.#o.connection.status()) {
      if (status.type === 'disconnect') this.#o.log.warn({}, 'the connection to NATS was lost')
      if (status.type === 'reconnect') this.#o.log.info({}, 'NATS is there again')
    }
  }
}

/** What a bell says; null where it says nothing that is understood. */
function heardIn(text: string): Heard | null {
  const [sequence = 0, bytes = 0] = text.split(' ').map(Number)
  return Number.isSafeInteger(sequence) && sequence > 0 && bytes >= 0 ? { sequence, bytes } : null
}
