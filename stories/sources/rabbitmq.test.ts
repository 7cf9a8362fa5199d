import { type BrokerProcess, createRabbitProcess } from '@permea/testkit'
import { type Channel, type ConfirmChannel, connect } from 'amqplib'
import { tellSourceStory } from './source-story.ts'

async function using<T>({ port }: BrokerProcess, work: (channel: ConfirmChannel) => Promise<T>): Promise<T> {
  const connection = await connect(`amqp://guest:guest@127.0.0.1:${port}`)
  try {
    return await work(await connection.createConfirmChannel())
  } finally {
    await connection.close()
  }
}

/** Gets what a queue refused. */
const DEAD = (name: string) => `${name}.refused`

async function madeQueues(channel: Channel, name: string): Promise<void> {
  await channel.assertQueue(DEAD(name), { durable: true })
  const toDead = { deadLetterExchange: '', deadLetterRoutingKey: DEAD(name) }
  await channel.assertQueue(name, { durable: true, ...toDead })
}

tellSourceStory({
  start: createRabbitProcess,
  login: ['guest', 'guest'],
  url: ({ port }, name) => `amqp://127.0.0.1:${port}/?queue=${name}`,
  prepare: (broker, name) => using(broker, (channel) => madeQueues(channel, name)),
  send: (broker, name, messages) =>
    using(broker, async (channel) => {
      for (const { body, headers = {} } of messages)
        channel.sendToQueue(name, Buffer.from(body), { persistent: true, headers })
      await channel.waitForConfirms()
    }),
  unreadable: ({ port }) => ({
    [`amqp://guest:guest@127.0.0.1:${port}/?queue=none`]: /^there is no queue none$/,
    [`amqp://guest:guest@127.0.0.1:${port}/none?queue=plain`]: /has no such vhost/,
    [`amqp://guest:wrong@127.0.0.1:${port}/?queue=plain`]: /does not let in who sends$/,
    'amqp://10.1.2.3/?queue=orders': /^connecting to 10\.1\.2\.3:5672 is not allowed/,
  }),
  setAside: (broker, name) => using(broker, async (channel) => (await channel.checkQueue(DEAD(name))).messageCount),
})
