import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, headers, type NatsConnection } from '@nats-io/transport-node'
import { type BrokerProcess, createNatsProcess } from '@permea/testkit'
import { tellSourceStory } from './source-story.ts'

const LOGIN: [string, string] = ['permea', 'hidden-word']

async function using<T>({ port }: BrokerProcess, work: (connection: NatsConnection) => Promise<T>): Promise<T> {
  const connection = await connect({ servers: `127.0.0.1:${port}`, user: 'admin', pass: 'admin' })
  try {
    return await work(connection)
  } finally {
    await connection.close()
  }
}

tellSourceStory({
  start: () =>
    createNatsProcess([
      'authorization { users: [',
      '{ user: admin, password: admin },',
      `{ user: ${LOGIN[0]}, password: ${LOGIN[1]}, permissions: {`,
      '  publish: ["$JS.API.STREAM.NAMES", "$JS.API.CONSUMER.>", "$JS.ACK.>"], subscribe: ["_INBOX.>"] } }',
      '{ user: weak, password: weak, permissions: { publish: ["$JS.API.STREAM.NAMES"], subscribe: ["_INBOX.>"] } }',
      '] }',
    ]),
  login: LOGIN,
  url: ({ port }, name) => `nats://127.0.0.1:${port}/orders.${name}.*`,
  prepare: (broker, name) =>
    using(broker, async (connection) => {
      const manager = await jetstreamManager(connection)
      await manager.streams.add({ name, subjects: [`orders.${name}.*`] })
    }),
  send: (broker, name, messages) =>
    using(broker, async (connection) => {
      const client = jetstream(connection)
      for (const { body, headers: named = {} } of messages) {
        const own = headers()
        for (const [header, value] of Object.entries(named)) own.set(header, value)
        await client.publish(`orders.${name}.created`, body, { headers: own })
      }
    }),
  unreadable: ({ port }) => ({
    [`nats://${LOGIN.join(':')}@127.0.0.1:${port}/others`]: /^no stream of the server keeps the subject others$/,
    [`nats://${LOGIN.join(':')}@127.0.0.1:${port}/others?stream=none`]: /^there is no stream none$/,
    [`nats://${LOGIN.join(':')}@127.0.0.1:${port}/orders.plain.*?stream=plain&consumer=theirs`]:
      /^there is no consumer theirs of the stream plain$/,
    [`nats://weak:weak@127.0.0.1:${port}/orders.plain.*`]: /^who reads may not read orders\.plain\.\*$/,
    [`nats://${LOGIN[0]}:wrong@127.0.0.1:${port}/orders.plain.*`]: /^127.0.0.1:\d+ does not let in who sends$/,
    'nats://10.1.2.3/orders': /^connecting to 10\.1\.2\.3:4222 is not allowed/,
  }),
})
