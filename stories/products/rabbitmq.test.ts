import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { buildHouse, type House, keptPort, until } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { asked, createProductProcess, type ProductProcess } from './product-process.ts'

let rabbit: ProductProcess
let house: House
const closing = new AsyncDisposableStack()

const AS_GUEST = { authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}` }

beforeAll(async () => {
  const [amqpPort, distPort, epmdPort] = [await keptPort(), await keptPort(), await keptPort()]
  // It outlives the server that started it, and does not end before it has seen that this is gone.
  closing.defer(async () => {
    const isEnded = () =>
      promisify(execFile)('epmd', ['-port', String(epmdPort), '-kill']).then(
        () => true,
        () => false,
      )
    await until('the port mapper ends', 20_000, isEnded)
  })
  rabbit = closing.use(
    await createProductProcess({
      // The wrapper on the PATH runs it as another user.
      command: () => ['/usr/lib/rabbitmq/bin/rabbitmq-server'],
      env: ({ directory, port }) => ({
        ERL_EPMD_PORT: String(epmdPort),
        ERL_EPMD_ADDRESS: '127.0.0.1',
        RABBITMQ_NODENAME: `permea${port}@localhost`,
        RABBITMQ_NODE_PORT: String(amqpPort),
        RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
        RABBITMQ_DIST_PORT: String(distPort),
        RABBITMQ_MNESIA_BASE: `${directory}/data`,
        RABBITMQ_LOG_BASE: `${directory}/log`,
        RABBITMQ_PID_FILE: `${directory}/pid`,
        RABBITMQ_ENABLED_PLUGINS_FILE: `${directory}/plugins`,
        RABBITMQ_CONF_ENV_FILE: `${directory}/none`,
        RABBITMQ_CONFIG_FILE: `${directory}/rabbitmq.conf`,
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1',
      }),
      ready: '/',
    }),
  )
  await rabbit.write('plugins', '[rabbitmq_management].')
  await rabbit.write('rabbitmq.conf', `management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = ${rabbit.port}\n`)
  await rabbit.start()
  house = closing.use(await buildHouse())
}, 180_000)

afterAll(() => closing.disposeAsync())

const queue = (path = '', json?: unknown) =>
  asked(`${rabbit.url}/api/queues/%2F/orders${path}`, {
    method: path === '' ? 'PUT' : 'POST',
    headers: AS_GUEST,
    ...(json === undefined ? {} : { json }),
  })

test('a message that is published by RabbitMQ’s connector is in its queue; one that no queue takes is told of', async () => {
  await house.admin.integrations.create({ body: { key: 'rabbitmq', connectorKey: 'rabbitmq' } })
  const anna = await house.as('anna')
  const connecting = (password: string) =>
    anna.connections.create({
      body: { integrationKey: 'rabbitmq', input: { url: rabbit.url, user: 'guest', password } },
    })
  await expect(connecting('wrong')).rejects.toMatchObject({ key: expect.any(String) })
  const { id: selector } = await connecting('guest')
  const publish = (input: unknown) =>
    anna.connections.runOperation({ params: { selector, key: 'publish' }, body: { input } })
  const message = { order: 'é😀', lines: [{ price: 1.5 }] }

  await expect(publish({ queue: 'orders', message })).rejects.toMatchObject({
    message: expect.stringContaining('no queue takes this message'),
  })
  await queue('', { durable: true })
  expect(await publish({ queue: 'orders', message })).toMatchObject({ output: { routed: true } })
  const got = (await queue('/get', { count: 5, ackmode: 'ack_requeue_false', encoding: 'auto' })) as {
    payload: string
    properties: object
  }[]
  expect(got.map(({ payload }) => JSON.parse(payload))).toEqual([message])
  expect(got[0]?.properties).toMatchObject({ content_type: 'application/json', delivery_mode: 2 })
})
