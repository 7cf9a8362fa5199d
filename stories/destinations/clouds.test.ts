import { type ChildProcess, spawn } from 'node:child_process'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { buildHouse, type House, keptPort, type Receiver, startReceiver, until } from '@permea/testkit'
import { importSPKI, jwtVerify } from 'jose'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, expect, test } from 'vitest'

// Queues and topics of clouds: AWS as moto plays it, Google as its documentation says.

const MOTO = new URL('../products/node_modules/.python/bin/moto_server', import.meta.url).pathname
const REGION = 'eu-west-1'
const ACCOUNT = '123456789012'
const LOGIN = `AKIATEST:hidden%2Fword`

let moto: ChildProcess
let aws: string
let house: House
let receiver: Receiver

beforeAll(async () => {
  const port = await keptPort()
  aws = `127.0.0.1:${port}`
  moto = spawn(MOTO, ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' })
  ;[house, receiver] = await Promise.all([buildHouse(), startReceiver()])
  await until('moto answers', 60_000, async () => (await fetch(`http://${aws}/moto-api/`).catch(() => null)) !== null)
})
afterAll(async () => {
  await Promise.all([house[Symbol.asyncDispose](), receiver[Symbol.asyncDispose]()])
  const gone = once(moto, 'exit')
  moto.kill('SIGKILL')
  await gone
})

/** An action of AWS by its JSON protocol; moto does not check signatures, and tells services apart by them. */
async function call<T>(service: string, action: string, body: object): Promise<T> {
  const prefix = service === 'sqs' ? 'AmazonSQS' : 'AWSEvents'
  const answer = await fetch(`http://${aws}/`, {
    method: 'POST',
    headers: {
      ...forService(service),
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `${prefix}.${action}`,
    },
    body: JSON.stringify(body),
  })
  expect(answer.status).toBe(200)
  return (await answer.json()) as T
}

const forService = (service: string) => ({
  authorization: `AWS4-HMAC-SHA256 Credential=a/20260101/${REGION}/${service}/aws4_request, SignedHeaders=host, Signature=0`,
})

async function sns(parameters: Record<string, string>): Promise<string> {
  const answer = await fetch(`http://${aws}/`, {
    method: 'POST',
    headers: forService('sns'),
    body: new URLSearchParams({ ...parameters, Version: '2010-03-31' }),
  })
  expect(answer.status).toBe(200)
  return answer.text()
}

interface Found {
  Body: string
  MessageAttributes?: Record<string, { StringValue: string }>
}

async function queueOf(name: string): Promise<{ url: string; arn: string; read(): Promise<Found[]> }> {
  const Attributes = name.endsWith('.fifo') ? { FifoQueue: 'true' } : {}
  const { QueueUrl } = await call<{ QueueUrl: string }>('sqs', 'CreateQueue', { QueueName: name, Attributes })
  return {
    url: QueueUrl,
    arn: `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}`,
    async read() {
      const wanted = { QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'], VisibilityTimeout: 0 }
      return (await call<{ Messages?: Found[] }>('sqs', 'ReceiveMessage', wanted)).Messages ?? []
    },
  }
}

const endpoint = (url: string, more: object = {}) =>
  house.admin.notificationEndpoints.create({ body: { url, eventTypes: ['connection.created'], ...more } })

async function send(id: string) {
  const { attempt, deliveryId } = await house.admin.notificationEndpoints.test({ params: { id }, body: {} })
  return { attempt, delivery: await house.admin.deliveries.get({ params: { id: deliveryId } }) }
}

const attributesOf = ({ MessageAttributes = {} }: Found) =>
  Object.fromEntries(Object.entries(MessageAttributes).map(([name, { StringValue }]) => [name, StringValue]))

test('SQS gets the message with its headers as attributes, signed; a queue that keeps an order gets it once', async () => {
  for (const name of ['orders', 'orders.fifo']) {
    const queue = await queueOf(name)
    const made = await endpoint(`sqs+http://${LOGIN}@${aws}/${ACCOUNT}/${name}?region=${REGION}`, {
      headers: { 'x-team': 'blue' },
    })
    expect(JSON.stringify(made)).not.toMatch(/hidden|AKIATEST/)
    const { attempt, delivery } = await send(made.id)
    expect(attempt).toMatchObject({ outcome: 'acknowledged', response: { messageId: expect.any(String) } })
    await house.admin.deliveries.retry({ params: { id: delivery.id } })
    const found = await queue.read()
    expect(found).toHaveLength(name === 'orders' ? 2 : 1)
    const [message] = found
    const attributes = attributesOf(message ?? { Body: '' })
    expect(attributes).toMatchObject({ 'x-team': 'blue', 'webhook-id': delivery.messageId })
    expect(Object.keys(attributes)).not.toContain('authorization')
    new Webhook(made.secret ?? '').verify(message?.Body ?? '', attributes)
    const shown = JSON.stringify(await house.admin.deliveries.get({ params: { id: delivery.id } }))
    expect(shown).not.toMatch(/hidden|AKIATEST|AWS4-HMAC/)
  }
})

test('SNS publishes to those who subscribed to the topic', async () => {
  const queue = await queueOf('from-topic')
  const topic = `arn:aws:sns:${REGION}:${ACCOUNT}:notices`
  await sns({ Action: 'CreateTopic', Name: 'notices' })
  const raw = { 'Attributes.entry.1.key': 'RawMessageDelivery', 'Attributes.entry.1.value': 'true' }
  await sns({ Action: 'Subscribe', TopicArn: topic, Protocol: 'sqs', Endpoint: queue.arn, ...raw })
  const { id, secret } = await endpoint(`sns+http://${LOGIN}@${aws}/${topic}`)
  expect((await send(id)).attempt).toMatchObject({ outcome: 'acknowledged' })
  const [message] = await queue.read()
  new Webhook(secret ?? '').verify(message?.Body ?? '', attributesOf(message ?? { Body: '' }))
})

test('EventBridge puts an event with headers and body in its detail', async () => {
  const queue = await queueOf('from-bus')
  const rule = { Name: 'all', EventPattern: JSON.stringify({ source: ['permea'] }) }
  await call('events', 'PutRule', rule)
  await call('events', 'PutTargets', { Rule: 'all', Targets: [{ Id: 'q', Arn: queue.arn }] })
  const { id } = await endpoint(`eventbridge+http://${LOGIN}@${aws}/default?region=${REGION}`)
  const { attempt, delivery } = await send(id)
  expect(attempt.error).toBeUndefined()
  expect(attempt).toMatchObject({ outcome: 'acknowledged', response: { eventId: expect.any(String) } })
  const [message] = await queue.read()
  expect(JSON.parse(message?.Body ?? '{}')).toMatchObject({
    source: 'permea',
    'detail-type': 'connection.created',
    detail: { headers: { 'webhook-id': delivery.messageId }, body: { eventType: 'connection.created' } },
  })
})

test('what AWS refuses is an attempt that says why', async () => {
  const refusals: Record<string, [errorClass: string, error: RegExp]> = {
    [`sqs+http://${LOGIN}@${aws}/${ACCOUNT}/nobody?region=${REGION}`]: [
      'no_such_target',
      /answered 400: QueueDoesNotExist/,
    ],
    [`sns+http://${LOGIN}@${aws}/arn:aws:sns:${REGION}:${ACCOUNT}:nobody`]: [
      'no_such_target',
      /answered 404: NotFound/,
    ],
    [`sqs+http://${aws}/${ACCOUNT}/orders?region=${REGION}`]: ['unauthorized', /^an access key is needed/],
  }
  for (const [url, [errorClass, error]] of Object.entries(refusals)) {
    const { attempt } = await send((await endpoint(url)).id)
    expect(attempt, url).toMatchObject({ outcome: 'rejected', errorClass })
    expect(attempt.error, url).toMatch(error)
  }
  const many = Object.fromEntries(Array.from({ length: 7 }, (_, index) => [`x-${index}`, 'a']))
  await expect(endpoint(`sqs://sqs.${REGION}.amazonaws.com/${ACCOUNT}/orders`, { headers: many })).rejects.toThrow(
    /room for 6 headers/,
  )
})

test('Pub/Sub gets a message and a token that the service account signed; its refusal is told of', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  expect(createPublicKey(publicKey).asymmetricKeyType).toBe('rsa')
  receiver.behave((request, response) => {
    const isThere = request.path === '/v1/projects/my-project/topics/orders:publish'
    response
      .writeHead(isThere ? 200 : 404, { 'content-type': 'application/json' })
      .end(
        JSON.stringify(
          isThere
            ? { messageIds: ['77'] }
            : { error: { code: 404, status: 'NOT_FOUND', message: 'Resource not found' } },
        ),
      )
  })
  const account = 'permea@my-project.iam.gserviceaccount.com'
  const authorization = `Basic ${btoa(`${account}:${privateKey}`)}`
  const base = receiver.url.replace('http:', 'pubsub+http:')
  const { id, secret } = await endpoint(`${base}/my-project/orders?orderingKey=a`, { headers: { authorization } })
  const { attempt, delivery } = await send(id)
  expect(attempt).toMatchObject({ outcome: 'acknowledged', response: { messageId: '77' } })
  expect(JSON.stringify(delivery)).not.toContain('Bearer')
  const [request] = receiver.received
  const { payload } = await jwtVerify(
    String(request?.headers.authorization).replace('Bearer ', ''),
    await importSPKI(publicKey, 'RS256'),
  )
  expect(payload).toMatchObject({ iss: account, sub: account, aud: 'https://pubsub.googleapis.com/' })
  interface Sent {
    messages: { data: string; attributes: Record<string, string>; orderingKey: string }[]
  }
  const { messages } = JSON.parse(request?.body ?? '{}') as Sent
  expect(messages).toMatchObject([{ orderingKey: 'a', attributes: { 'webhook-id': delivery.messageId } }])
  const [message] = messages
  new Webhook(secret ?? '').verify(Buffer.from(message?.data ?? '', 'base64').toString(), message?.attributes ?? {})
  const missing = await send((await endpoint(`${base}/my-project/nobody`)).id)
  expect(missing.attempt).toMatchObject({ outcome: 'rejected', errorClass: 'no_such_target' })
  const odd = await send(
    (await endpoint(`${base}/my-project/orders`, { headers: { authorization: `Basic ${btoa('a:b')}` } })).id,
  )
  expect(odd.attempt).toMatchObject({ outcome: 'rejected', errorClass: 'unauthorized' })
})
