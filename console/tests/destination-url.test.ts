import { expect, test } from 'vitest'
import { destinationParts, destinationUrl, withoutLogin } from '../src/forms/destination-url.ts'

test.each([
  'https://your-app.example.com/hook?a=1',
  'nats+tls://broker.example:4222/orders.created',
  'nats://user:pa%3Ass@broker.example/orders?servers=b%3A4222%2Cc%3A4222',
  'redis://:secret@cache.example:6379/3/orders?maxlen=1000',
  'rediss://cache.example/my%2Fstream',
  'amqps://u:p@mq.example/%2F?queue=orders',
  'kafka+tls://user:pass@kafka.example:9094/orders?servers=b%3A9094&key=all&sasl=scram-sha-512',
  'nats://broker.example/orders.>?stream=ORDERS&consumer=permea&from=new',
  'kafka://kafka.example/orders?group=permea&from=new',
  'amqp://mq.example/team?exchange=amq.topic&routingKey=orders.created',
])('%s is made again of its parts', (url) => {
  expect(destinationUrl(destinationParts(url))).toBe(url)
})

test('what is typed so far is kept, and no password is', () => {
  const empty = destinationParts('')
  expect(empty).toMatchObject({ kind: 'http', address: '' })
  const half = destinationUrl({ ...empty, kind: 'nats', server: 'broker.example' })
  expect(half).toBe('nats+tls://broker.example/')
  expect(withoutLogin('amqps://u:hidden@mq.example/%2F?queue=orders')).toBe('amqps://mq.example/%2F?queue=orders')
  expect(withoutLogin('https://a.example/x')).toBe('https://a.example/x')
})
