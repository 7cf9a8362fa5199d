import type { EachBatchPayload } from 'kafkajs'
import { kafkaFailure, kafkaOf } from './kafka.ts'
import { type ArrivedMessage, type ReadBroker, UNSETTLED_MAX } from './reading.ts'
import type { KafkaSourceAddress } from './source-address.ts'

/** A reader that is gone for so long has its partitions taken by the next; the least that a broker allows unless set. */
const SESSION_MS = 6000
const HEARTBEAT_MS = 1500
const REBALANCE_MS = 10_000
const WAIT_MS = 500
const FETCH_BYTES = 8 * 1024 * 1024

/**
 * Kafka: a member of a consumer group, which commits an offset when everything before it is stored. Messages of one
 * partition are handed on in order, `UNSETTLED_MAX` at a time.
 */
export const readKafka: ReadBroker<KafkaSourceAddress> = async (address, login, { ground, reader, take }) => {
  const { kafka, troubles } = await kafkaOf(address, login, ground)
  const { topic } = address
  const groupId = address.group ?? reader
  const admin = kafka.admin()
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: SESSION_MS,
    heartbeatInterval: HEARTBEAT_MS,
    rebalanceTimeout: REBALANCE_MS,
    maxWaitTimeInMs: WAIT_MS,
    maxBytes: FETCH_BYTES,
    allowAutoTopicCreation: false,
    // The first reader of a group waits for the broker to find who keeps it.
    retry: { retries: 6, initialRetryTime: 200, restartOnFailure: async () => false },
  })
  const ended = Promise.withResolvers<Error>()
  const closing = Promise.withResolvers<'closing'>()
  let isOver = false
  const end = (error: Error) => {
    if (isOver) return
    isOver = true
    ended.resolve(error)
    closing.resolve('closing')
    void consumer.disconnect().catch(() => {})
    void admin.disconnect().catch(() => {})
  }
  consumer.on(consumer.events.CRASH, ({ payload }) => end(kafkaFailure(payload.error, address, troubles)))
  consumer.on(consumer.events.DISCONNECT, () => end(new Error('the connection to the broker ended')))

  async function eachBatch({
    batch,
    resolveOffset,
    commitOffsetsIfNecessary,
    heartbeat,
    isRunning,
    isStale,
  }: EachBatchPayload) {
    // What waits for the database keeps its partition meanwhile.
    const beat = setInterval(() => void heartbeat().catch(() => {}), HEARTBEAT_MS)
    try {
      for (let at = 0; at < batch.messages.length; at += UNSETTLED_MAX) {
        if (!isRunning() || isStale() || isOver) return
        const some = batch.messages.slice(at, at + UNSETTLED_MAX)
        const settled = Promise.all(some.map((message) => handedOn(message, batch.partition)))
        if ((await Promise.race([settled, closing.promise])) === 'closing') return
        for (const { offset } of some) resolveOffset(offset)
        await commitOffsetsIfNecessary({
          topics: [
            {
              topic,
              partitions: [{ partition: batch.partition, offset: String(BigInt(some.at(-1)?.offset ?? 0) + 1n) }],
            },
          ],
        })
        await heartbeat()
      }
    } finally {
      clearInterval(beat)
    }
  }

  function handedOn(message: EachBatchPayload['batch']['messages'][number], partition: number): Promise<void> {
    return new Promise((resolve) => {
      take({ ...arrivedOf(message, { topic, partition }), done: resolve, drop: resolve })
    })
  }

  try {
    await admin.connect()
    // A topic that is not there would otherwise be waited for without a word.
    await admin.fetchTopicMetadata({ topics: [topic] })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: address.from === 'first' })
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, partitionsConsumedConcurrently: 4, eachBatch })
  } catch (error) {
    end(new Error('it was not begun'))
    throw kafkaFailure(error, address, troubles)
  }
  return {
    ended: ended.promise,
    async lag() {
      const [committed, ends] = await Promise.all([
        admin.fetchOffsets({ groupId, topics: [topic] }),
        admin.fetchTopicOffsets(topic),
      ])
      const done = new Map(committed[0]?.partitions.map((each) => [each.partition, BigInt(each.offset)]))
      let waiting = 0n
      for (const { partition, high, low } of ends) {
        const from = done.get(partition) ?? -1n
        waiting += BigInt(high) - (from < 0n ? BigInt(low) : from)
      }
      return Number(waiting)
    },
    async close() {
      end(new Error('closed'))
      await consumer.disconnect().catch(() => {})
    },
  }
}

function arrivedOf(
  { offset, timestamp, key, value, headers = {} }: EachBatchPayload['batch']['messages'][number],
  { topic, partition }: { topic: string; partition: number },
): Omit<ArrivedMessage, 'done' | 'drop'> {
  const named: Record<string, string> = {}
  for (const [name, given] of Object.entries(headers)) {
    const values = (Array.isArray(given) ? given : [given]).filter((each) => each !== undefined)
    named[name.toLowerCase()] = values.map((each) => each.toString()).join(', ')
  }
  if (key !== null && named['kafka-key'] === undefined) named['kafka-key'] = key.toString('utf8')
  return {
    // A topic that is made anew counts from 0 again: the time tells its messages from those of before.
    id: `${topic}:${partition}:${offset}:${timestamp}`,
    headers: named,
    body: value ?? Buffer.alloc(0),
    place: `${topic}, partition ${partition}, offset ${offset}`,
  }
}
