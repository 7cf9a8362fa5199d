import { createKafkaProcess, KAFKA_LOGIN } from '@permea/testkit'
import { tellBrokerStory } from './broker-story.ts'
import { madeTopic, readTopic } from './kafka-client.ts'

const LOGIN = KAFKA_LOGIN.join(':')

tellBrokerStory({
  start: () => createKafkaProcess(),
  login: [...KAFKA_LOGIN],
  isDeduplicating: false,
  url: ({ port }, target) => `kafka://127.0.0.1:${port}/${target}`,
  prepare: (broker, target) => madeTopic(broker, target),
  read: readTopic,
  refusals: ({ port }) => ({
    [`kafka://${LOGIN}@127.0.0.1:${port}/none`]: /^there is no topic none, or not for this user$/,
    [`kafka://${KAFKA_LOGIN[0]}:wrong@127.0.0.1:${port}/signed`]: /^127\.0\.0\.1:\d+ does not let in this user$/,
  }),
})
