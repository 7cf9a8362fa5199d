import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect as connectNats } from '@nats-io/transport-node'
import {
  type BrokerProcess,
  buildHouse,
  createNatsProcess,
  createRabbitProcess,
  createRedisProcess,
  type House,
  keptPort,
  TEST_ONLY_CERTIFICATE,
  TEST_ONLY_PRIVATE_KEY,
  until,
} from '@permea/testkit'
import { connect as connectAmqp } from 'amqplib'
import { afterAll, beforeAll, expect, test } from 'vitest'

// Brokers whose certificates an authority of one's own signed, as within a network of one's own.

let dir: string
let house: House
let brokers: BrokerProcess[]
/** By kind: where it is reached over TLS. */
const urls: Record<string, string> = {}

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'permea-broker-tls-'))
  const [cert, key] = [path.join(dir, 'cert.pem'), path.join(dir, 'key.pem')]
  await writeFile(cert, TEST_ONLY_CERTIFICATE)
  await writeFile(key, TEST_ONLY_PRIVATE_KEY)
  const redisPort = await keptPort()
  const redisTls = ['--tls-port', String(redisPort), '--tls-cert-file', cert, '--tls-key-file', key]
  const [nats, redis, rabbit, built] = await Promise.all([
    createNatsProcess([`tls { cert_file: ${JSON.stringify(cert)}, key_file: ${JSON.stringify(key)} }`]),
    createRedisProcess([...redisTls, '--tls-ca-cert-file', cert, '--tls-auth-clients', 'no']),
    createRabbitProcess([
      'listeners.tcp = none',
      'listeners.ssl.1 = 127.0.0.1:PORT',
      `ssl_options.cacertfile = ${cert}`,
      `ssl_options.certfile = ${cert}`,
      `ssl_options.keyfile = ${key}`,
      'ssl_options.verify = verify_none',
    ]),
    buildHouse({ engine: { egressCertificates: [TEST_ONLY_CERTIFICATE] } }),
  ])
  house = built
  brokers = [nats, redis, rabbit]
  Object.assign(urls, {
    nats: `nats+tls://127.0.0.1:${nats.port}/orders`,
    redis: `rediss://127.0.0.1:${redisPort}/orders`,
    rabbitmq: `amqps://guest:guest@127.0.0.1:${rabbit.port}/?queue=orders`,
  })
  const ours = { ca: TEST_ONLY_CERTIFICATE, host: '127.0.0.1' }
  const connection = await connectNats({ servers: `127.0.0.1:${nats.port}`, tls: ours })
  await (await jetstreamManager(connection)).streams.add({ name: 'orders', subjects: ['orders'] })
  await connection.close()
  const queues = await connectAmqp(`amqps://guest:guest@127.0.0.1:${rabbit.port}`, ours)
  await (await queues.createChannel()).assertQueue('orders', { durable: true })
  await queues.close()
})
afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await Promise.all(brokers.map((each) => each[Symbol.asyncDispose]()))
  await rm(dir, { recursive: true, force: true })
})

async function attemptAt(at: House, url: string) {
  const { id } = await at.admin.notificationEndpoints.create({ body: { url, eventTypes: [] } })
  return (await at.admin.notificationEndpoints.test({ params: { id }, body: {} })).attempt
}

test('a certificate of an authority that the operator named is believed, by every client', async () => {
  for (const [kind, url] of Object.entries(urls))
    expect(await attemptAt(house, url), kind).toMatchObject({ outcome: 'acknowledged' })
})

test('the same certificate is believed by nobody else', async () => {
  await using other = await buildHouse()
  for (const [kind, url] of Object.entries(urls)) {
    const attempt = await attemptAt(other, url)
    expect(attempt, kind).toMatchObject({ outcome: 'unreachable' })
    expect(attempt.error, kind).toMatch(/self.signed certificate/)
  }
})

test('events are read over TLS', async () => {
  await house.admin.appEventTypes.create({ body: { key: 'order', tenantIdFormula: { $var: '$.type' } } })
  for (const kind of ['nats', 'rabbitmq'])
    await house.admin.brokerSources.create({ body: { key: kind, appEventTypeId: 'order', url: urls[kind] ?? '' } })
  // What was delivered above is read: of a customer that is not there.
  for (const selector of ['nats', 'rabbitmq'])
    await until(`${selector} is read`, 60_000, async () => {
      const { state, refused } = await house.admin.brokerSources.get({ params: { selector } })
      return state === 'reading' && refused > 0
    })
})
