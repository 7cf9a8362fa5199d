import { addApp, buildHouse, connectApp, startReceiver } from '@permea/testkit'
import { expect, test } from 'vitest'

/** Registers under names that nobody can know, and keeps one of them. */
const REGISTERS = `export default async ({ apiClient, webhookUri }) => {
  await apiClient.post('/hooks', { target: webhookUri, whatever: 'registered-with-this', list: [{ a: 'and-this-one' }] })
  return { state: { proof: 'registered-with-this' } }
}`

test('a customer’s token reads nothing that events could be forged with, whatever it is called', async () => {
  await using app = await startReceiver()
  app.behave(
    (request, response) =>
      void response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(request.path === '/hooks' ? '{"odd":"answered-with-this","id":1}' : '{}'),
  )
  await using house = await buildHouse()
  const events = {
    told: {
      name: 'Told of',
      implementationType: 'webhook' as const,
      subscribe: REGISTERS,
      handle: 'export default () => ({ events: [] })',
      unsubscribe:
        'export default async ({ apiClient, state }) => { await apiClient.post("/gone", { proof: state.proof }) }',
    },
  }
  await addApp(house, { url: app.url, events })
  const { client, connection } = await connectApp(house, { customer: 'acme' })
  const { id } = await client.externalEventSubscriptions.create({
    body: { connectionId: connection.id, eventKey: 'told' },
  })
  await house.settle()
  const { incomingWebhookUri = '' } = await house.admin.externalEventSubscriptions.get({ params: { id } })
  const uuid = new URL(incomingWebhookUri).pathname.split('/').at(-1) ?? ''
  // An action of the customer that asks the app for what it holds.
  await client.connections.executeRequest({
    params: { selector: connection.id },
    body: { key: '/list', payload: { seen: 'registered-with-this', hook: incomingWebhookUri } },
  })
  await house.settle()
  const shown = async () => {
    const { items } = await client.externalApiLogs.list({ query: { connectionId: connection.id } })
    const contents = await Promise.all(
      items.map((each) => client.externalApiLogs.getContent({ params: { id: each.id } })),
    )
    return JSON.stringify([items, contents])
  }
  const SECRETS = [uuid, 'registered-with-this', 'and-this-one', 'answered-with-this']
  const before = await shown()
  expect(before).toContain('/hooks')
  expect(SECRETS.filter((each) => before.includes(each))).toEqual([])
  await client.externalEventSubscriptions.archive({ params: { id } })
  await house.settle()
  const after = await shown()
  expect(after).toContain('/gone')
  expect(SECRETS.filter((each) => after.includes(each))).toEqual([])
})
