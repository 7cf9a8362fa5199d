import { type BrokerProcess, createRabbitProcess } from '@permea/testkit'
import { type Channel, connect } from 'amqplib'
import { tellBrokerStory } from './broker-story.ts'

async function using<T>({ port }: BrokerProcess, work: (channel: Channel) => Promise<T>): Promise<T> {
  const connection = await connect(`amqp://127.0.0.1:${port}/`)
  try {
    return await work(await connection.createChannel())
  } finally {
    await connection.close()
  }
}

tellBrokerStory({
  start: createRabbitProcess,
  login: ['guest', 'guest'],
  isDeduplicating: false,
  url: ({ port }, target) => `amqp://127.0.0.1:${port}/%2F?exchange=amq.topic&routingKey=orders.${target}`,
  prepare: (broker, target) =>
    using(broker, async (channel) => {
      await channel.assertQueue(target, { durable: true })
      await channel.bindQueue(target, 'amq.topic', `orders.${target}`)
    }),
  read: (broker, target) =>
    using(broker, async (channel) => {
      const found = []
      for (;;) {
        // Never acknowledged: the next reader finds them again.
        const message = await channel.get(target)
        if (message === false) return found
        const { headers = {}, contentType } = message.properties as {
          headers?: Record<string, string>
          contentType: string
        }
        found.push({ headers: { ...headers, 'content-type': contentType }, body: message.content.toString() })
      }
    }),
  refusals: ({ port }) => ({
    [`amqp://guest:guest@127.0.0.1:${port}/?queue=nobody`]: /^no queue is bound for the queue nobody$/,
    [`amqp://guest:guest@127.0.0.1:${port}/?exchange=nobody`]: /^there is no exchange nobody$/,
    [`amqp://guest:wrong@127.0.0.1:${port}/?queue=signed`]: /^127.0.0.1:\d+ does not let in who sends$/,
    [`amqp://guest:guest@127.0.0.1:${port}/elsewhere?queue=signed`]: /has no such vhost/,
  }),
})
