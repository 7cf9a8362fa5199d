import { addApp, answering, buildHouse, connectApp, startReceiver } from '@permea/testkit'
import { expect, test } from 'vitest'
import { sql } from '../platform/database.ts'

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

test('what users wrote is computed while no transaction is open', async () => {
  await using house = await buildHouse()
  const client = await house.as('acme')
  const saved = client.flowInstances
    .create({ body: { key: 'own', nodes: { code: { type: 'run-javascript', config: { code: 'for (;;);' } } } } })
    .then(
      () => 'saved',
      (error: { key: string }) => error.key,
    )
  // The row of the workspace is there for whoever looks; nobody holds a transaction while the code is tried out.
  let longestMs = 0
  let isOver = false
  void saved.finally(() => {
    isOver = true
  })
  while (!isOver) {
    const { rows } = await sql<{ ms: number }>`
      select coalesce(max(extract(epoch from clock_timestamp() - xact_start) * 1000), 0)::float8 as ms from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and state = 'idle in transaction'`.execute(
      house.engine.database.db,
    )
    longestMs = Math.max(longestMs, rows[0]?.ms ?? 0)
  }
  expect(await saved).toBe('invalid_flow')
  expect(longestMs).toBeLessThan(200)
})
