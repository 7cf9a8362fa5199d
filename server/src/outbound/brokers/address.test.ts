import { expect, test } from 'vitest'
import { brokerAddress } from './address.ts'
import { loginOf } from './broker.ts'

const at = (hostname: string, port: number) => ({ hostname, port })

test.each([
  ['nats://h/orders.created', { kind: 'nats', isTls: false, places: [at('h', 4222)], subject: 'orders.created' }],
  ['nats+tls://u:p@h:80/a', { kind: 'nats', isTls: true, places: [at('h', 80)], subject: 'a' }],
  ['nats://h/a/b%20?servers=x:1,[::1]:2,y', 'a subject to publish to has no blanks and no wildcards'],
  [
    'nats://[::1]:4000/a?servers=x:1,[fd00::2]:2,y',
    {
      kind: 'nats',
      isTls: false,
      places: [at('::1', 4000), at('x', 1), at('fd00::2', 2), at('y', 4222)],
      subject: 'a',
    },
  ],
  // Every spelling of an address is the address.
  [
    'redis://0x7f.1/s',
    { kind: 'redis', isTls: false, places: [at('127.0.0.1', 6379)], database: 0, stream: 's', lengthMax: null },
  ],
  [
    'rediss://H.example/12/my%2Fstream%20?maxlen=1000',
    {
      kind: 'redis',
      isTls: true,
      places: [at('h.example', 6379)],
      database: 12,
      stream: 'my/stream ',
      lengthMax: 1000,
    },
  ],
  [
    'redis://h/12',
    { kind: 'redis', isTls: false, places: [at('h', 6379)], database: 0, stream: '12', lengthMax: null },
  ],
  [
    'amqp://h/%2Fmine?queue=orders',
    { kind: 'rabbitmq', isTls: false, places: [at('h', 5672)], vhost: '/mine', exchange: '', routingKey: 'orders' },
  ],
  [
    'amqps://h?exchange=x&routingKey=a.b',
    { kind: 'rabbitmq', isTls: true, places: [at('h', 5671)], vhost: '/', exchange: 'x', routingKey: 'a.b' },
  ],
  [
    'sqs://sqs.eu-west-1.amazonaws.com/123456789012/orders.fifo',
    {
      ...{ kind: 'sqs', isTls: true, places: [at('sqs.eu-west-1.amazonaws.com', 443)] },
      ...{ region: 'eu-west-1', queue: '/123456789012/orders.fifo', group: 'permea' },
    },
  ],
  [
    'sns+http://127.0.0.1:5000/arn:aws:sns:eu-west-1:123456789012:orders',
    {
      ...{ kind: 'sns', isTls: false, places: [at('127.0.0.1', 5000)] },
      ...{ region: 'eu-west-1', topic: 'arn:aws:sns:eu-west-1:123456789012:orders', group: null },
    },
  ],
  [
    'eventbridge://events.us-east-1.amazonaws.com/default?source=shop&detailType=order',
    {
      ...{ kind: 'eventbridge', isTls: true, places: [at('events.us-east-1.amazonaws.com', 443)] },
      ...{ region: 'us-east-1', bus: 'default', source: 'shop', detailType: 'order' },
    },
  ],
  [
    'pubsub://pubsub.googleapis.com/my-project/orders?orderingKey=a',
    {
      ...{ kind: 'pubsub', isTls: true, places: [at('pubsub.googleapis.com', 443)] },
      ...{ topic: 'projects/my-project/topics/orders', orderingKey: 'a' },
    },
  ],
  ['sqs://sqs.eu-west-1.amazonaws.com/orders', /write the URL of the queue/],
  ['sqs://queues.example/123456789012/orders', /region is unknown/],
  ['sqs://sqs.eu-west-1.amazonaws.com/123456789012/orders?group=a', /group is for/],
  ['sns://sns.eu-west-1.amazonaws.com/orders', /ARN of a topic/],
  ['eventbridge://events.us-east-1.amazonaws.com/default?source=aws.s3', /source has/],
  ['pubsub://pubsub.googleapis.com/orders', /project and a topic/],
  ['https://h/a', null],
  ['nats://h', /subject is missing/],
  ['nats:///a', /host is missing/],
  ['nats://h:0/a', /is not a host/],
  ['nats://h/orders.*', /no wildcards/],
  ['nats://h/orders.>', /no wildcards/],
  ['nats://h/a..b', /part of the subject is empty/],
  ['nats://h/$JS.API.STREAM.DELETE.x', /server's own/],
  ['nats://h/a?queue=b', /"queue" is unknown; there are servers/],
  ['nats://h/a#b', /fragment/],
  ['nats://h/%zz', /path cannot be read/],
  ['nats://h/a?servers=x%20y', /servers: "x y"/],
  ['redis://h', /key of the stream is missing/],
  ['redis://h/3/', /key of the stream is missing/],
  ['redis://h/s?maxlen=0', /maxlen/],
  ['redis://h/s?maxlen=1&maxlen=2', /stands there twice/],
  ['amqp://h/v', /say where to/],
  ['amqp://h/v?queue=a&exchange=b', /not both/],
  [`amqp://h/v?queue=${'a'.repeat(256)}`, /more than 255 bytes/],
] as const)('%s', (url, expected) => {
  const read = brokerAddress(url)
  if (expected instanceof RegExp) expect(read).toMatch(expected)
  else expect(read).toEqual(expected)
})

test.each([
  [null, null],
  ['Bearer t0ken', { token: 't0ken' }],
  [`basic ${btoa('user:pa:ss')}`, { user: 'user', password: 'pa:ss' }],
  ['Basic', /one value/],
  ['Digest abc', /Basic .* or Bearer/],
  [`Basic ${btoa('user')}`, /colon/],
] as const)('the login %s', (authorization, expected) => {
  const login = loginOf(authorization)
  if (expected instanceof RegExp) expect(login).toMatch(expected)
  else expect(login).toEqual(expected)
})
