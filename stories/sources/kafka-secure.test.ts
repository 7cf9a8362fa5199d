import { buildHouse, createKafkaProcess, type House, KAFKA_LOGIN, TEST_ONLY_CERTIFICATE, until } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { madeTopic, readTopic, sentToTopic } from '../destinations/kafka-client.ts'

// Kafka over TLS, by a certificate of an authority of one's own, where users prove themselves by SCRAM.

const MECHANISMS = ['scram-sha-256', 'scram-sha-512']
const [USER, PASSWORD] = KAFKA_LOGIN

let broker: Awaited<ReturnType<typeof createKafkaProcess>>
let house: House

beforeAll(async () => {
  ;[broker, house] = await Promise.all([
    createKafkaProcess(),
    buildHouse({ engine: { egressCertificates: [TEST_ONLY_CERTIFICATE] } }),
  ])
  await house.admin.appEventTypes.create({ body: { key: 'order', tenantIdFormula: { $var: '$.customer' } } })
  await house.admin.customers.create({ body: { internalId: 'anna' } })
}, 120_000)
afterAll(async () => {
  await house?.[Symbol.asyncDispose]()
  await broker?.[Symbol.asyncDispose]()
})

const urlOf = (topic: string, mechanism: string, password = PASSWORD) =>
  `kafka+tls://${USER}:${password}@127.0.0.1:${broker.securePort}/${topic}?sasl=${mechanism}`

test('events are read, by either kind of SCRAM', async () => {
  for (const mechanism of MECHANISMS) {
    await madeTopic(broker, mechanism, 1)
    await sentToTopic(broker, mechanism, [{ body: JSON.stringify({ customer: 'anna', by: mechanism }) }])
    await house.admin.brokerSources.create({
      body: { key: mechanism, appEventTypeId: 'order', url: urlOf(mechanism, mechanism) },
    })
  }
  const stored = async () => (await house.admin.appEvents.list()).items.map(({ event }) => (event as { by: string }).by)
  await until('both are stored', 60_000, async () => (await stored()).length === MECHANISMS.length)
  expect((await stored()).sort()).toEqual(MECHANISMS)
})

test('deliveries are sent, by either kind of SCRAM', async () => {
  for (const mechanism of MECHANISMS) {
    const topic = `to-${mechanism}`
    await madeTopic(broker, topic, 1)
    const { id } = await house.admin.notificationEndpoints.create({
      body: { url: urlOf(topic, mechanism), eventTypes: [] },
    })
    const { attempt } = await house.admin.notificationEndpoints.test({ params: { id }, body: {} })
    expect(attempt, mechanism).toMatchObject({ outcome: 'acknowledged' })
    expect(await readTopic(broker, topic)).toHaveLength(1)
  }
})

test('a wrong password, and a certificate that nobody vouches for, are said to be what they are', async () => {
  const [mechanism = ''] = MECHANISMS
  const attemptAt = async (at: House, url: string) => {
    const { id } = await at.admin.notificationEndpoints.create({ body: { url, eventTypes: [] } })
    return (await at.admin.notificationEndpoints.test({ params: { id }, body: {} })).attempt
  }
  const wrong = await attemptAt(house, urlOf(`to-${mechanism}`, mechanism, 'wrong'))
  expect(wrong).toMatchObject({ outcome: 'rejected' })
  expect(wrong.error).toMatch(/does not let in this user$/)
  await using other = await buildHouse()
  const unknown = await attemptAt(other, urlOf(`to-${mechanism}`, mechanism))
  expect(unknown).toMatchObject({ outcome: 'unreachable' })
  expect(unknown.error).toMatch(/self.signed certificate/)
})
