import { type BrokerProcess, createRedisProcess } from '@permea/testkit'
import { Redis } from 'ioredis'
import { tellBrokerStory } from './broker-story.ts'

const PASSWORD = 'hidden-word'

async function using<T>({ port }: BrokerProcess, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis({ port, password: PASSWORD, db: 3 })
  try {
    return await work(client)
  } finally {
    client.disconnect()
  }
}

tellBrokerStory({
  start: () => createRedisProcess(['--requirepass', PASSWORD]),
  login: ['default', PASSWORD],
  isDeduplicating: false,
  url: ({ port }, target) => `redis://127.0.0.1:${port}/3/${target}?maxlen=10000`,
  prepare: (broker) => using(broker, async (client) => void (await client.set('a-word', 'not a stream'))),
  read: (broker, target) =>
    using(broker, async (client) => {
      const entries = await client.xrange(target, '-', '+')
      return entries.map(([, fields]) => {
        const pairs = fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1] ?? ''] as const] : []))
        const { body = '', ...headers } = Object.fromEntries(pairs)
        return { headers, body }
      })
    }),
  refusals: ({ port }) => ({
    [`redis://:${PASSWORD}@127.0.0.1:${port}/3/a-word`]: /^the key a-word holds something that is no stream$/,
    [`redis://:wrong@127.0.0.1:${port}/3/a`]: /^127.0.0.1:\d+ does not let in who sends$/,
    [`redis://127.0.0.1:${port}/3/a`]: /^127.0.0.1:\d+ does not let in who sends$/,
    [`redis://:${PASSWORD}@127.0.0.1:${port}/99/a`]: /has no such database$/,
  }),
})
