import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { type BrokerProcess, createNatsProcess } from '@permea/testkit'
import { tellBrokerStory } from './broker-story.ts'

const LOGIN: [string, string] = ['permea', 'hidden-word']

async function using<T>({ port }: BrokerProcess, work: (connection: NatsConnection) => Promise<T>): Promise<T> {
  const connection = await connect({ servers: `127.0.0.1:${port}`, user: 'admin', pass: 'admin' })
  try {
    return await work(connection)
  } finally {
    await connection.close()
  }
}

tellBrokerStory({
  start: () =>
    createNatsProcess([
      'authorization { users: [',
      '{ user: admin, password: admin },',
      `{ user: ${LOGIN[0]}, password: ${LOGIN[1]}, permissions: { publish: ["orders.>"] } }`,
      '] }',
      'max_payload: 4096',
    ]),
  login: LOGIN,
  isDeduplicating: true,
  url: ({ port }, target) => `nats://127.0.0.1:${port}/orders.${target}`,
  prepare: (broker, target) =>
    using(broker, async (connection) => {
      const manager = await jetstreamManager(connection)
      await manager.streams.add({ name: target, subjects: [`orders.${target}`] })
    }),
  read: (broker, target) =>
    using(broker, async (connection) => {
      const consumer = await jetstream(connection).consumers.get(target)
      const { num_pending: count } = await consumer.info()
      const found = []
      if (count === 0) return []
      for await (const message of await consumer.fetch({ max_messages: count, expires: 5000 })) {
        const headers = Object.fromEntries([...(message.headers ?? [])].map(([name, [value = '']]) => [name, value]))
        found.push({ headers, body: message.string() })
      }
      return found
    }),
  refusals: ({ port }) => ({
    [`nats://${LOGIN.join(':')}@127.0.0.1:${port}/orders.nobody`]:
      /^no stream of the server keeps the subject orders.nobody$/,
    [`nats://${LOGIN[0]}:wrong@127.0.0.1:${port}/orders.signed`]: /^127.0.0.1:\d+ does not let in who sends$/,
    [`nats://127.0.0.1:${port}/orders.signed`]: /^127.0.0.1:\d+ does not let in who sends$/,
    [`nats://${LOGIN.join(':')}@127.0.0.1:${port}/others`]: /^who sends may not publish to others$/,
  }),
})
