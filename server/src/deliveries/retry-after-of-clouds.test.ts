import { buildHouse, type House, type Receiver, startReceiver } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

let house: House
let receiver: Receiver

beforeAll(async () => {
  ;[house, receiver] = await Promise.all([buildHouse({ clock: 'settable' }), startReceiver()])
})
afterAll(() => Promise.all([house[Symbol.asyncDispose](), receiver[Symbol.asyncDispose]()]))

test('a cloud that has too much to do is left alone for as long as it asks', async () => {
  receiver.behave((_request, response) => {
    response.writeHead(429, { 'retry-after': '3600', 'content-type': 'application/json' }).end('{}')
  })
  const authorization = 'Bearer token'
  const url = `${receiver.url.replace('http:', 'pubsub+http:')}/my-project/orders`
  await house.admin.notificationEndpoints.create({
    body: { url, headers: { authorization }, eventTypes: ['connection.created'] },
  })
  const connection = {
    ...{
      id: 'con_1',
      integrationId: 'int_1',
      integrationKey: 'slack',
      name: 'one',
      disconnected: false,
      customerId: 'c-1',
    },
  }
  const happening = { workspaceId: house.workspace.id, customerId: null, eventType: 'connection.created' as const }
  await house.engine.database.transaction((tx) =>
    house.engine.notifications.tell(tx, [{ ...happening, data: { connection } }]),
  )
  await house.settle()
  expect(receiver.received).toHaveLength(1)
  await house.advance(30 * 60_000)
  expect(receiver.received).toHaveLength(1)
  await house.advance(31 * 60_000)
  expect(receiver.received).toHaveLength(2)
})
