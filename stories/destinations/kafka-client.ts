import { type BrokerProcess, KAFKA_LOGIN, until } from '@permea/testkit'
import { Kafka, logLevel } from 'kafkajs'
import type { Arrived } from './broker-story.ts'

/** The way of a program beside Permea to a broker. */
function clientOf({ port }: BrokerProcess): Kafka {
  const [username, password] = KAFKA_LOGIN
  return new Kafka({
    brokers: [`127.0.0.1:${port}`],
    logLevel: logLevel.NOTHING,
    sasl: { mechanism: 'plain', username, password },
    retry: { retries: 20, initialRetryTime: 100, maxRetryTime: 1000 },
  })
}

export async function madeTopic(broker: BrokerProcess, topic: string, partitions = 3): Promise<void> {
  const admin = clientOf(broker).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true })
  await admin.disconnect()
}

export async function sentToTopic(
  broker: BrokerProcess,
  topic: string,
  messages: readonly { body: string; headers?: Record<string, string> }[],
): Promise<void> {
  const producer = clientOf(broker).producer({ allowAutoTopicCreation: false })
  await producer.connect()
  const records = messages.map(({ body, headers = {} }) => ({ key: null, value: body, headers }))
  await producer.send({ topic, acks: -1, messages: records })
  await producer.disconnect()
}

let readers = 0

/** Everything that is in a topic, read from its beginning by a group of its own. */
export async function readTopic(broker: BrokerProcess, topic: string): Promise<Arrived[]> {
  const client = clientOf(broker)
  const admin = client.admin()
  await admin.connect()
  const ends = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  const count = ends.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0)
  if (count === 0) return []
  readers += 1
  const consumer = client.consumer({ groupId: `reader-${readers}` })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const found: Arrived[] = []
  await consumer.run({
    async eachMessage({ message }) {
      const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)])
      found.push({ headers: Object.fromEntries(headers), body: String(message.value) })
    },
  })
  await until('the topic is read', 60_000, () => found.length >= count)
  await consumer.disconnect()
  return found
}
