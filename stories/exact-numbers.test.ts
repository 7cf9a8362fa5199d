import { addApp, buildHouse, connectApp, type House, type Receiver, startReceiver } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

// Numbers that a double does not hold, on every way through the engine: each comes out as it was written.

const NUMBERS = '{"id":12345678901234567890,"small":0.1000000000000000055,"huge":1e400,"zero":-0,"plain":1.5}'

let receiver: Receiver
let house: House

beforeAll(async () => {
  receiver = await startReceiver()
  receiver.behave((request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(request.path === '/numbers' ? NUMBERS : '{}')
  })
  house = await buildHouse({ appBaseUri: receiver.url })
  await addApp(house, { url: receiver.url })
})

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
})

/** What the API answers, as text. */
async function answerAt(path: string): Promise<string> {
  const authorization = `Bearer ${await house.tokenOf({ isAdmin: true })}`
  return (await fetch(`${house.url}${path}`, { headers: { authorization } })).text()
}

const bodiesAt = (path: string) =>
  receiver.received.filter((request) => request.path === path).map((request) => request.body.toString())

test('an event of the app, through formulas and nodes, to the app', async () => {
  await house.admin.appEventTypes.create({
    body: { key: 'numbers', name: 'Numbers', schema: { type: 'object', properties: { id: { type: 'integer' } } } },
  })
  await house.admin.flows.create({
    body: {
      key: 'numbers',
      name: 'numbers',
      nodes: {
        trigger: { type: 'app-event-trigger', config: { appEvent: { key: 'numbers' } }, links: [{ key: 'ask' }] },
        ask: {
          type: 'api-request-to-your-app',
          config: { request: { uri: '/numbers', method: 'POST', body: { $var: '$.input.trigger' } } },
          links: [{ key: 'post' }],
        },
        post: {
          type: 'api-request-to-your-app',
          config: {
            request: {
              uri: '/posted',
              method: 'POST',
              body: {
                answer: { $var: '$.input.ask' },
                id: { $var: '$.input.trigger.id' },
                text: { $concat: ['n', { $var: '$.input.trigger.id' }] },
                is: { $eval: { $var: '$.input.trigger.id' }, is: '12345678901234567890' },
                more: { $eval: { $var: '$.input.trigger.id' }, gt: 5 },
                set: { $eval: { $var: '$.input.trigger.zero' }, isNotEmpty: true },
              },
            },
          },
        },
      },
    },
  })
  const client = await house.as('customer-1')
  await client.flowInstances.getByQuery({ query: { flowKey: 'numbers', autoCreate: true } })
  await house.settle()
  const [subscription] = (await client.appEventSubscriptions.list()).items
  const sent = await fetch(subscription?.webhookUri ?? '', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: NUMBERS,
  })
  expect(sent.status).toBeLessThan(300)
  await house.settle()
  expect(bodiesAt('/numbers')).toEqual([NUMBERS])
  expect(bodiesAt('/posted')).toEqual([
    `{"answer":${NUMBERS},"id":12345678901234567890,"text":"n12345678901234567890","is":true,"more":true,"set":true}`,
  ])
  const [event] = (await client.appEvents.list()).items
  expect(await answerAt(`/app-events/${event?.id}`)).toContain(NUMBERS)
  const [run] = (await client.flowRuns.list()).items
  expect(await answerAt(`/flow-runs/${run?.id}`)).toContain(NUMBERS)
})

test('a webhook of an app, through handle and its API client, to the receiver, and again', async () => {
  const { client, connection } = await connectApp(house, { customer: 'customer-2' })
  const nothing = 'export default () => ({})'
  const type = await house.admin.externalEventTypes.create({
    body: {
      key: 'numbers',
      subscribe: `export default async ({ apiClient }) => ({ state: { seen: await apiClient.get('/numbers') } })`,
      unsubscribe: nothing,
      handle: `export default ({ data, state }) =>
        ({ events: [{ seen: state.seen, data, text: \`\${data.id}\`, sum: data.small + 1, whole: JSON.stringify(data),
          kinds: [typeof data.id, typeof data.zero, typeof data.plain], isZero: Object.is(data.zero, -0) }] })`,
    },
  })
  const { id } = await client.externalEventSubscriptions.create({
    body: { connectionId: connection.id, externalEventTypeId: type.id, webhookUri: `${receiver.url}/delivered` },
  })
  const { incomingWebhookUri = '' } = await house.admin.externalEventSubscriptions.get({ params: { id } })
  expect((await fetch(incomingWebhookUri, { method: 'POST', body: NUMBERS })).status).toBe(200)
  await house.settle()
  // A function has -0 as the double that it is, which JavaScript writes as 0.
  const written = NUMBERS.replace('-0', '0')
  const whole = JSON.stringify(written)
  const delivered = `{"seen":${written},"data":${written},"text":"12345678901234567890","sum":1.1,"whole":${whole},"kinds":["object","number","number"],"isZero":true}`
  expect(bodiesAt('/delivered').map((body) => body.includes(delivered))).toEqual([true])
  const [webhook] = (await client.incomingWebhooks.list()).items
  await client.incomingWebhooks.replay({ params: { id: webhook?.id ?? '' } })
  await house.settle()
  expect(bodiesAt('/delivered').map((body) => body.includes(delivered))).toEqual([true, true])
  const [event] = (await client.externalEvents.list()).items
  expect(await answerAt(`/external-event-log-records/${event?.id}`)).toContain(written)
})
