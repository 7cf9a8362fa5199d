import { addApp, answering, buildHouse, connectApp, startReceiver } from '@permea/testkit'
import { expect, test } from 'vitest'

const SHARED = {
  changed: {
    name: 'Changed',
    implementationType: 'global-webhook' as const,
    getEventSelector: {
      type: 'mapping' as const,
      mapping: { globalWebhookKey: 'app', globalWebhookEventSelector: 'all' },
    },
  },
}

test('what is done in a transaction needs no second connection to the database: there may be none left', async () => {
  await using app = await startReceiver()
  app.behave(answering(200, {}))
  // Two connections for hot statements, one on which jobs are listened for, and one for everything else.
  await using house = await buildHouse({ engine: { connectionsMax: 4 } })
  await addApp(house, { url: app.url, events: SHARED as never })
  const { client, connection } = await connectApp(house, { customer: 'acme' })
  const nodes = { t: { type: 'connector-event-trigger', config: { eventKey: 'changed' } } }
  const begunAt = performance.now()
  const instance = await client.flowInstances.create({ body: { connectionId: connection.id, nodes } })
  expect(instance).toMatchObject({ state: 'READY' })
  await house.settle()
  const selector = { params: { selector: 'acme' } }
  await house.admin.customers.archive(selector)
  await house.admin.customers.restore(selector)
  const own = { params: { selector: connection.id } }
  await client.connections.archive(own)
  await client.connections.restore(own)
  await house.settle()
  // Whoever waits for a connection that does not come gives up after ten seconds.
  expect(performance.now() - begunAt).toBeLessThan(9_000)
})
