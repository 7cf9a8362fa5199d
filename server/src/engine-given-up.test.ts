import { sendEvents } from '@permea/sdk'
import { addApp, answering, buildHouse, connectApp, type House, type Receiver, startReceiver } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { insertActiveWebhook } from './external-events/store.ts'
import { sql } from './platform/database.ts'
import { fromWire } from './platform/ids.ts'
import { createSealing, sealingKey } from './platform/sealing.ts'

// What is stored and cannot be read any more stands for every mistake of ours: whatever does work in the background
// tries three times, says so where people look, and leaves it.

let house: House
let app: Receiver

const GIVEN_UP = expect.stringContaining('something went wrong on our side, 3 times')
const sealing = createSealing([sealingKey('a key for tests that is long enough')])

beforeAll(async () => {
  app = await startReceiver()
  house = await buildHouse({ clock: 'settable' })
  await addApp(house, {
    url: app.url,
    events: {
      told: {
        name: 'Told of',
        implementationType: 'webhook',
        subscribe: 'export default () => ({ state: { a: 1 } })',
        handle: 'export default () => ({ events: [] })',
        unsubscribe: 'export default () => {}',
      },
      counted: {
        name: 'Counted',
        implementationType: 'pull',
        pull: 'export default () => ({ events: [], state: { at: 1 } })',
      },
    },
  })
})
afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

async function triesPass(): Promise<void> {
  for (let tries = 0; tries < 4; tries += 1) await house.advance(1000)
}

test('a run ends as failed', async () => {
  const anna = await house.as('anna')
  app.behave(answering(503))
  await house.admin.flows.create({
    body: {
      key: 'goes-on',
      nodes: {
        trigger: { type: 'api-trigger', links: [{ key: 'first' }] },
        first: { type: 'transform-data', config: { output: { a: 1 } }, links: [{ key: 'send' }] },
        send: { type: 'custom-http-request', config: { request: { method: 'POST', uri: app.url } } },
      },
    },
  })
  const instance = await anna.flowInstances.getByQuery({ query: { flowKey: 'goes-on', autoCreate: true } })
  const { id } = await anna.flowRuns.create({ body: { flowInstanceId: instance.id, input: {} } })
  await house.settle()
  await sql`update flow_node_runs set outputs = '{broken'`.execute(house.engine.database.db)
  await house.advance(60_000)
  await triesPass()
  const run = await anna.flowRuns.get({ params: { id } })
  expect(run).toMatchObject({ state: 'failed', errors: [{ key: 'internal', message: GIVEN_UP }] })
  app.behave(answering(200))
})

test('a delivery ends as exhausted, with an attempt that says why', async () => {
  await house.admin.notificationEndpoints.create({ body: { url: app.url, eventTypes: ['alert.created'] } })
  await sql`update delivery_destinations set secret_sealed = 'broken'`.execute(house.engine.database.db)
  const alert = {
    id: 'alrt_1',
    type: 'test',
    severity: 'warning',
    description: 'a test',
    status: 'ongoing',
    workspaceId: 'ws_1',
    workspaceUrl: '/',
    createdAt: house.clock.now().toISOString(),
  }
  const happening = {
    workspaceId: house.workspace.id,
    customerId: null,
    eventType: 'alert.created' as const,
    data: { alert },
  }
  await house.engine.database.transaction((tx) => house.engine.notifications.tell(tx, [happening]))
  await house.settle()
  await triesPass()
  const [delivery] = (await house.admin.deliveries.list({})).items
  expect(delivery?.state).toBe('exhausted')
  const attempts = await house.admin.deliveries.listAttempts({ params: { id: delivery?.id ?? '' } })
  expect(attempts.items).toMatchObject([{ errorClass: 'internal', error: GIVEN_UP }])
})

test('a registration is tried again as if the app had failed, and says so', async () => {
  const { client, connection } = await connectApp(house, { customer: 'bob' })
  const { id } = await client.externalEventSubscriptions.create({
    body: { connectionId: connection.id, eventKey: 'told' },
  })
  await house.settle()
  await sql`update external_event_subscriptions set state_sealed = 'broken' where id = ${fromWire('ees', id)}`.execute(
    house.engine.database.db,
  )
  // A request that its sender does not wait for any more.
  const webhookId = fromWire('ees', id) ?? ''
  const request = { id: webhookId, method: 'POST', query: '', path: '', headers: {}, body: '' }
  await insertActiveWebhook(
    house.engine.database.db,
    {
      id: webhookId,
      workspaceId: house.workspace.id,
      laneId: webhookId,
      isGlobal: false,
      requestSealed: sealing.seal(JSON.stringify(request)),
    },
    house.clock.now(),
  )
  await house.settle()
  await triesPass()
  expect((await client.incomingWebhooks.list()).items).toMatchObject([
    { status: 'error', error: { message: GIVEN_UP } },
  ])
  await client.externalEventSubscriptions.archive({ params: { id } })
  await triesPass()
  const seen = await client.externalEventSubscriptions.get({ params: { id } })
  expect(seen).toMatchObject({ status: 'error', error: { message: GIVEN_UP } })
})

test('a look at an app ends as failed', async () => {
  const { client, connection } = await connectApp(house, { customer: 'carl' })
  const { id } = await client.externalEventSubscriptions.create({
    body: { connectionId: connection.id, eventKey: 'counted' },
  })
  await house.settle()
  await sql`update external_event_subscriptions set state_sealed = 'broken' where id = ${fromWire('ees', id)}`.execute(
    house.engine.database.db,
  )
  await house.advance(3_600_000)
  await triesPass()
  const [last] = (await client.externalEventPulls.list({ query: { connectionId: connection.id } })).items
  expect(last).toMatchObject({ status: 'error', error: { key: 'internal', message: GIVEN_UP } })
})

test('a list shows what cannot be read as broken, and everything else as it is', async () => {
  await house.admin.customers.create({ body: { name: 'Dora', internalId: 'dora' } })
  const type = await house.admin.appEventTypes.create({ body: { key: 'shown', tenantIdFormula: { $var: '$.of' } } })
  const { globalWebhookUri } = await house.admin.appEventTypes.get({ params: { selector: type.id } })
  await sendEvents(globalWebhookUri, [{ of: 'dora' }, { of: 'dora', n: 2 }])
  const [second, first] = (await house.admin.appEvents.list({})).items
  await sql`update app_events set payload = '{broken' where id = ${fromWire('aev', first?.id ?? '')}`.execute(
    house.engine.database.db,
  )
  const { items } = await house.admin.appEvents.list({})
  expect(items.map((each) => each.event)).toEqual([
    second?.event,
    { error: expect.objectContaining({ key: 'internal' }) },
  ])
  await sql`update flow_runs set input = '{broken'`.execute(house.engine.database.db)
  expect((await house.admin.flowRuns.list({})).items.length).toBeGreaterThan(0)
})
