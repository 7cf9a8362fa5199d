import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { answering, buildHouse, type House, type Receiver, startReceiver } from '@permea/testkit'
import { SMTPServer } from 'smtp-server'
import { afterEach, beforeEach, expect, test } from 'vitest'

const MINUTE = 60_000

let house: House
let receiver: Receiver
let smtp: SMTPServer
let mails: { to: string[]; message: string }[]

beforeEach(async () => {
  receiver = await startReceiver()
  mails = []
  smtp = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    onRcptTo({ address }, _session, callback) {
      callback(
        address === 'nobody@example.com' ? Object.assign(new Error('no such person'), { responseCode: 550 }) : null,
      )
    },
    async onData(stream, { envelope }, callback) {
      mails.push({ to: envelope.rcptTo.map(({ address }) => address), message: await text(stream) })
      callback()
    },
  })
  smtp.listen(0, '127.0.0.1')
  await once(smtp.server, 'listening')
  const { port } = smtp.server.address() as AddressInfo
  house = await buildHouse({
    clock: 'settable',
    engine: { mail: { url: `smtp://127.0.0.1:${port}`, from: 'Permea <permea@example.com>' } },
  })
})

afterEach(async () => {
  await house[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
  await new Promise<void>((resolve) => smtp.close(resolve))
})

const nodes = {
  start: { type: 'api-trigger', links: [{ key: 'big' }] },
  big: {
    type: 'filter',
    config: { filter: { $eval: { $var: '$.input.start.big' }, is: true } },
    links: [{ key: 'post' }],
  },
  post: {
    type: 'custom-http-request',
    name: 'Post it',
    config: { request: { uri: { $var: '$.input.start.uri' }, method: 'POST' } },
  },
}

async function postingFlow() {
  const customer = await house.admin.customers.create({ body: { name: 'Globex', internalId: 'globex' } })
  const flow = await house.admin.flows.create({ body: { key: 'posting', name: 'Post orders', nodes } })
  const instance = await house.admin.flowInstances.create({
    body: { flowId: flow.id, userId: customer.id, enabled: true },
  })
  const run = async (big = true) => {
    await house.admin.flowRuns.create({
      body: { flowInstanceId: instance.id, input: { big, uri: `${receiver.url}/orders` } },
    })
    await house.settle()
    await house.engine.lookAfterAlerts()
  }
  return { customer, flow, instance, run }
}

const ongoing = async () => (await house.admin.alerts.list({ query: { status: 'ongoing' } })).items

test('an alert names the flow, the customer, the last error and node, and what opened it', async () => {
  receiver.behave(answering(422, { error: 'no lines' }))
  const { instance, customer, run } = await postingFlow()
  await house.admin.alertSettings.patch({ body: { flowFailures: 2 } })
  await run()
  expect(await ongoing()).toEqual([])
  await run()
  const [alert] = await ongoing()
  expect(alert).toMatchObject({
    type: 'flow_failing',
    contextKey: instance.id,
    contextName: 'Post orders',
    customer: { id: customer.id, name: 'Globex', internalId: 'globex' },
    lastError: { nodeKey: 'post', message: expect.stringContaining('422'), recordId: expect.stringMatching(/^fr_/) },
    threshold: { setting: 'flowFailures', value: 2 },
  })
  expect(alert?.description).toMatch(/“Post orders” of Globex failed: .*422/)
})

test('a run that never came to the node that fails resolves nothing, and hides no failures', async () => {
  const { run } = await postingFlow()
  await house.admin.alertSettings.patch({ body: { flowFailures: 3 } })
  receiver.behave(answering(404))
  await run()
  await run(false)
  await run()
  await run(false)
  await run()
  expect(await ongoing()).toHaveLength(1)
  for (let stopped = 0; stopped < 6; stopped += 1) await run(false)
  expect(await ongoing()).toHaveLength(1)
  receiver.behave(answering(200))
  await run()
  expect(await ongoing()).toEqual([])
})

test('where the node that fails is taken out, the alert is over', async () => {
  receiver.behave(answering(404))
  const { instance, run } = await postingFlow()
  await house.admin.alertSettings.patch({ body: { flowFailures: 1 } })
  await run()
  expect(await ongoing()).toHaveLength(1)
  await house.admin.flowInstances.patch({
    params: { id: instance.id },
    body: { nodes: { start: { type: 'api-trigger' } } },
  })
  await run()
  expect(await ongoing()).toEqual([])
})

test('deliveries that all fail are warned of within minutes, and not any more after one success', async () => {
  receiver.behave(answering(500, 'the database is away'))
  const { id } = await house.admin.notificationEndpoints.create({
    body: { url: `${receiver.url}/hooks`, eventTypes: ['flowRun.completed'] },
  })
  const customer = await house.as('customer-x')
  const flow = await customer.flowInstances.create({
    body: { name: 'Short', nodes: { start: { type: 'api-trigger' } } },
  })
  for (let sent = 0; sent < 5; sent += 1) await customer.flowRuns.create({ body: { flowInstanceId: flow.id } })
  await house.settle()
  await house.advance(2 * MINUTE)
  await house.engine.lookAfterAlerts()
  expect(await ongoing()).toEqual([])
  await house.advance(2 * MINUTE)
  await house.engine.lookAfterAlerts()
  expect(await ongoing()).toMatchObject([
    {
      type: 'webhook_endpoint_failing',
      contextKey: id,
      description: expect.stringMatching(/^Every delivery to .* has failed for 4 minutes: .*500/),
      threshold: { setting: 'deliveryFailingMinutes', value: 3 },
    },
  ])
  receiver.behave(answering(200))
  await house.advance(60 * MINUTE)
  expect(await ongoing()).toEqual([])
})

test('mail and a Slack-compatible webhook tell when an alert opens and when it is over', async () => {
  receiver.behave((request, response) => answering(request.path.startsWith('/slack') ? 200 : 404)(request, response))
  const { run } = await postingFlow()
  const settings = await house.admin.alertSettings.patch({
    body: { flowFailures: 1, mailTo: ['ops@example.com'], slackWebhookUrl: `${receiver.url}/slack?token=secret` },
  })
  expect(settings).toMatchObject({
    canMail: true,
    mailTo: ['ops@example.com'],
    slackWebhookHost: new URL(receiver.url).host,
  })
  expect(JSON.stringify(settings)).not.toContain('secret')
  await run()
  await house.settle()
  const slack = () =>
    receiver.received.filter((each) => each.path.startsWith('/slack')).map((each) => each.json as { text: string })
  expect(slack()).toMatchObject([{ text: expect.stringContaining('*Warning: Post orders, Globex*') }])
  expect(mails).toMatchObject([
    { to: ['ops@example.com'], message: expect.stringContaining('Subject: Warning: Post orders') },
  ])
  await run()
  await house.settle()
  expect(slack()).toHaveLength(1)
  receiver.behave(answering(200))
  await run()
  await house.settle()
  expect(slack()).toHaveLength(2)
  expect(slack()[1]?.text).toContain('Resolved: Post orders')
  expect(mails).toHaveLength(2)
})

test('a test says for each channel how it went', async () => {
  receiver.behave(answering(403, 'invalid_token'))
  await house.admin.alertSettings.patch({
    body: { mailTo: ['nobody@example.com'], slackWebhookUrl: `${receiver.url}/slack` },
  })
  const { items } = await house.admin.alertSettings.test()
  expect(items).toMatchObject([
    { channel: 'mail', isDelivered: false, error: expect.stringContaining('no such person') },
    { channel: 'slack', isDelivered: false, error: 'the webhook answered 403: "invalid_token"' },
  ])
  await house.admin.alertSettings.patch({ body: { mailTo: ['ops@example.com'], slackWebhookUrl: null } })
  expect(await house.admin.alertSettings.test()).toEqual({ items: [{ channel: 'mail', isDelivered: true }] })
  expect(mails).toHaveLength(1)
})
