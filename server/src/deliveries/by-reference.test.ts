import { addApp, buildHouse, connectApp, startExternalApp, startReceiver } from '@permea/testkit'
import { expect, test } from 'vitest'
import { systemClock } from '../platform/clock.ts'
import { sql } from '../platform/database.ts'
import { createIds, fromWire, toWire } from '../platform/ids.ts'

const NOTHING = 'export default () => ({})'
const HANDLE = 'export default ({ data }) => ({ events: [{ order: data.order, token: data.token, note: data.note }] })'
const NOTE = 'stored once, '.repeat(30)

async function scene() {
  await using stack = new AsyncDisposableStack()
  const vendor = stack.use(await startExternalApp())
  const receiver = stack.use(await startReceiver())
  const house = stack.use(await buildHouse())
  await addApp(house, { url: vendor.url })
  const { connection, client } = await connectApp(house, { customer: 'anna' })
  const type = await house.admin.externalEventTypes.create({
    body: { key: 'orders', subscribe: NOTHING, unsubscribe: NOTHING, handle: HANDLE },
  })
  const { id } = await client.externalEventSubscriptions.create({
    body: { connectionId: connection.id, externalEventTypeId: type.id, webhookUri: receiver.url },
  })
  const { incomingWebhookUri } = await house.admin.externalEventSubscriptions.get({ params: { id } })
  const all = stack.move()
  return {
    house,
    receiver,
    db: house.engine.database.db,
    async post(order: string) {
      const body = JSON.stringify({ order, token: 'secret', note: NOTE })
      const headers = { 'content-type': 'application/json' }
      await fetch(incomingWebhookUri ?? '', { method: 'POST', headers, body })
      await house.settle()
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

test('a delivery of an event shows its body and what was sent, and stores neither again', async () => {
  await using at = await scene()
  await at.post('a-1')
  const payload = { order: 'a-1', token: 'secret', note: NOTE }
  expect(at.receiver.received.map((each) => each.json)).toEqual([payload])
  const { rows } = await sql<{ row: string }>`
    select d::text as row from deliveries d union all select a::text from delivery_attempts a`.execute(at.db)
  expect(rows).toHaveLength(1)
  expect(rows[0]?.row).not.toContain('stored once')

  const [listed] = (await at.house.admin.deliveries.list()).items
  expect(listed).toMatchObject({ state: 'succeeded', attemptsMade: 1, body: payload })
  const params = { id: listed?.id ?? '' }
  const { attempts } = await at.house.admin.deliveries.get({ params })
  const request = { method: 'POST', body: { ...payload, token: '***' } }
  expect(attempts).toMatchObject([{ number: 1, trigger: 'auto', outcome: 'acknowledged', httpStatus: 200, request }])

  // The same body again, and its attempt beside the first.
  const { attempt } = await at.house.admin.deliveries.retry({ params })
  expect(attempt.request).toMatchObject(request)
  expect(at.receiver.received[1]?.json).toEqual(payload)
  const page = await at.house.admin.deliveries.listAttempts({ params, query: { limit: 1 } })
  expect(page.items.map((each) => each.trigger)).toEqual(['manual'])
  const rest = await at.house.admin.deliveries.listAttempts({ params, query: { limit: 1, cursor: page.cursor ?? '' } })
  expect(rest.items.map((each) => each.id)).toEqual([attempts[0]?.id])
})

test('one that fails first has a row per attempt, and goes on with the body of its event', async () => {
  await using at = await scene()
  at.receiver.behave((_request, response) => {
    response.writeHead(500).end()
  })
  await at.post('a-1')
  const [pending] = (await at.house.admin.deliveries.list()).items
  expect(pending).toMatchObject({ state: 'pending', attemptsMade: 1, body: { order: 'a-1' } })
  at.receiver.behave((_request, response) => {
    response.writeHead(200).end()
  })
  const { delivery } = await at.house.admin.deliveries.retry({ params: { id: pending?.id ?? '' } })
  expect(delivery).toMatchObject({ state: 'succeeded', body: { order: 'a-1' } })
  const { attempts } = await at.house.admin.deliveries.get({ params: { id: delivery.id } })
  expect(attempts).toMatchObject([
    { trigger: 'manual', request: { body: { order: 'a-1' } } },
    { trigger: 'auto', number: 1, httpStatus: 500, request: { body: { order: 'a-1' } } },
  ])
})

test('deliveries and attempts from before, with bodies of their own, are shown as before', async () => {
  await using at = await scene()
  await at.post('a-1')
  const ids = createIds(systemClock)
  const id = ids.next()
  await sql`
    insert into deliveries (id, workspace_id, destination_id, message_id, event_type, customer_id, body, state, attempts_made, last_attempt_at, settled_at)
    select ${id}, workspace_id, destination_id, message_id, event_type, customer_id, '{"order":"old"}', 'succeeded', 1, now(), now()
      from deliveries limit 1`.execute(at.db)
  await sql`
    insert into delivery_attempts (id, workspace_id, delivery_id, destination_id, number, trigger, outcome, http_status, duration_ms, request)
    select ${ids.next()}, workspace_id, id, destination_id, 1, 'auto', 'acknowledged', 200, 3,
           '{"method":"POST","body":{"order":"old","isMasked":true}}'
      from deliveries where id = ${id}`.execute(at.db)
  const delivery = await at.house.admin.deliveries.get({ params: { id: toWire('dlv', id) } })
  expect(delivery).toMatchObject({ body: { order: 'old' } })
  expect(delivery.attempts).toMatchObject([{ number: 1, request: { body: { order: 'old', isMasked: true } } }])
  expect(fromWire('dlv', delivery.id)).toBe(id)
})
