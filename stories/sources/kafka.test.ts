import { type BrokerProcess, createKafkaProcess, KAFKA_LOGIN } from '@permea/testkit'
import { madeTopic, sentToTopic } from '../destinations/kafka-client.ts'
import { tellSourceStory } from './source-story.ts'

const LOGIN = KAFKA_LOGIN.join(':')

tellSourceStory({
  start: () => createKafkaProcess(),
  login: [...KAFKA_LOGIN],
  url: ({ port }: BrokerProcess, name) => `kafka://127.0.0.1:${port}/${name}`,
  prepare: (broker, name) => madeTopic(broker, name, 1),
  send: sentToTopic,
  unreadable: ({ port }) => ({
    [`kafka://${LOGIN}@127.0.0.1:${port}/none`]: /^there is no topic none, or not for this user$/,
    [`kafka://permea:wrong@127.0.0.1:${port}/plain`]: /^127\.0\.0\.1:\d+ does not let in this user$/,
    'kafka://10.1.2.3/orders': /^connecting to 10\.1\.2\.3:9092 is not allowed/,
  }),
})
