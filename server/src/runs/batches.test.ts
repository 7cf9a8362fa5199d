import { buildHouse, createTestDatabase, startReceiver, until } from '@permea/testkit'
import pg from 'pg'
import { expect, test } from 'vitest'
import { systemClock } from '../platform/clock.ts'
import { createIds, fromWire, toWire } from '../platform/ids.ts'
import { SESSION } from '../platform/ownership-session.ts'

// New runs of a batch are one row until they are in the log; what that row promises is what a row for each promised.

const ids = createIds(systemClock)

async function scene() {
  await using stack = new AsyncDisposableStack()
  const app = stack.use(await startReceiver())
  const database = stack.use(await createTestDatabase())
  const house = stack.use(await buildHouse({ appBaseUri: app.url, database: { url: database.url } }))
  const sql = new pg.Client({ connectionString: database.url })
  await sql.connect()
  stack.defer(() => sql.end())
  const type = await house.admin.appEventTypes.create({ body: { key: 'order', name: 'Order' } })
  await house.admin.flows.create({
    body: {
      key: 'orders',
      name: 'Orders',
      nodes: {
        trigger: { type: 'app-event-trigger', config: { appEvent: { key: 'order' } }, links: [{ key: 'post' }] },
        post: {
          type: 'api-request-to-your-app',
          config: { request: { uri: '/in', method: 'POST', body: { $var: '$.input.trigger' } } },
        },
      },
    },
  })
  const anna = await house.as('anna')
  const instance = await anna.flowInstances.getByQuery({ query: { flowKey: 'orders', autoCreate: true } })
  const token = await house.tokenOf({ id: 'anna' })
  const send = (event: object) =>
    fetch(type.globalWebhookUri, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(event),
    })
  const all = stack.move()
  return { app, house, sql, anna, instance, send, [Symbol.asyncDispose]: () => all.disposeAsync() }
}

type Scene = Awaited<ReturnType<typeof scene>>

/** Puts a second run of the last event into a batch of session `owner`, as an engine does that then dies. */
async function leaveBatch({ sql }: Scene, owner: number): Promise<string> {
  const id = ids.next()
  await sql.query(
    `insert into flow_run_batches (id, owner, run_ids, workspace_ids, customer_ids, connection_ids, integration_ids, flow_instance_ids,
       flow_ids, universal_flow_ids, version_ids, start_node_keys, app_event_ids, launched_by, group_caps)
     select $1, $2, array[$3::uuid], array[workspace_id], array[customer_id], array[connection_id], array[integration_id],
       array[flow_instance_id], array[flow_id], array[universal_flow_id], array[version_id], array[start_node_key], array[app_event_id],
       array[launched_by], array[32] from flow_runs order by id desc limit 1`,
    [ids.next(), owner, id],
  )
  return toWire('fr', id)
}

const batches = async ({ sql }: Scene) => (await sql.query('select 1 from flow_run_batches')).rows.length

test('an event that starts a run is stored once: neither its run nor the request repeats what is in it', async () => {
  await using at = await scene()
  await at.send({ orderId: 'a-1', token: 'secret', note: 'once'.repeat(50) })
  await at.house.settle()
  expect(at.app.received.map((each) => each.json)).toMatchObject([{ orderId: 'a-1', token: 'secret' }])
  const { rows } = await at.sql.query<{ row: string }>('select r::text as row from flow_runs r')
  expect(rows).toHaveLength(1)
  expect(rows[0]?.row).not.toContain('onceonce')
  expect((await at.sql.query('select 1 from flow_node_runs')).rows).toEqual([])
  expect(await batches(at)).toBe(0)

  const [run] = (await at.anna.flowRuns.list({})).items
  expect(run?.nodes).toMatchObject({ trigger: { runs: 1, outputs: 1 }, post: { runs: 1, outputs: 1 } })
  expect(run?.launchedBy).toEqual({ type: 'app-event-trigger', ids: [run?.appEventId] })
  const { items } = await at.anna.flowRuns.nodeRuns({ params: { id: run?.id ?? '', nodeKey: 'post' } })
  expect(items[0]?.input).toMatchObject({ trigger: { orderId: 'a-1' } })
  const [exchange] = (items[0]?.logs ?? []) as { request: { body: unknown } }[]
  expect(exchange?.request.body).toEqual({ orderId: 'a-1', token: '***', note: 'once'.repeat(50) })
  const [trigger] = (await at.anna.flowRuns.nodeRuns({ params: { id: run?.id ?? '', nodeKey: 'trigger' } })).items
  expect(trigger?.outputs[0]?.downstreamRuns).toEqual([{ nodeKey: 'post', runId: items[0]?.id }])
})

test('what a session left that ended is worked by another', async () => {
  await using at = await scene()
  await at.send({ orderId: 'a-1' })
  await at.house.settle()
  const id = await leaveBatch(at, 4711)
  await until('the run is completed', 15_000, async () => {
    await at.house.settle()
    return (await at.anna.flowRuns.get({ params: { id } })).state === 'completed'
  })
  expect(at.app.received).toHaveLength(2)
  expect(await batches(at)).toBe(0)
})

test('runs that stand in a batch of another session are shown as queued, can be stopped, and are left to it', async () => {
  await using at = await scene()
  await at.send({ orderId: 'a-1' })
  await at.house.settle()
  await at.sql.query('select pg_advisory_lock_shared($1, $2)', [SESSION, 4711])
  const [stopped, waiting] = [await leaveBatch(at, 4711), await leaveBatch(at, 4711)]
  const states = async () => new Map((await at.anna.flowRuns.list({})).items.map((run) => [run.id, run.state]))
  expect([(await states()).get(stopped), (await states()).get(waiting)]).toEqual(['queued', 'queued'])
  expect((await at.anna.flowRuns.list({ query: { state: 'queued' } })).items).toHaveLength(2)
  expect((await at.anna.flowRuns.get({ params: { id: stopped } })).input).toMatchObject({ orderId: 'a-1' })
  expect((await at.anna.flowRuns.stop({ params: { id: stopped } })).state).toBe('stopped')
  await expect(at.anna.flowRuns.stop({ params: { id: stopped } })).rejects.toMatchObject({ key: 'run_not_active' })
  await at.house.settle()
  expect(at.app.received).toHaveLength(1)

  // Its session ends: what was stopped stays stopped.
  await at.sql.query('select pg_advisory_unlock_all()')
  await until('the other is completed', 15_000, async () => {
    await at.house.settle()
    return (await states()).get(waiting) === 'completed'
  })
  expect((await states()).get(stopped)).toBe('stopped')
  expect(at.app.received).toHaveLength(2)
})

test('a run that takes longer, waits or has several effects has a row of its own, and its batch goes', async () => {
  await using at = await scene()
  at.app.behave((_request, response) => {
    response.writeHead(429, { 'retry-after': '3600' }).end()
  })
  await at.send({ orderId: 'a-1' })
  await at.house.settle()
  expect(await batches(at)).toBe(0)
  const [run] = (await at.anna.flowRuns.list({})).items
  expect(run).toMatchObject({ state: 'running' })
  expect(run?.nextAttemptAt).toBeDefined()
})

test('runs from before, whose node runs and counts have rows and columns of their own, are shown as before', async () => {
  await using at = await scene()
  await at.send({ orderId: 'a-1' })
  await at.house.settle()
  const id = ids.next()
  const [first, second] = [ids.next(), ids.next()]
  await at.sql.query(
    `insert into flow_runs (id, workspace_id, customer_id, flow_instance_id, flow_id, universal_flow_id, version_id, start_node_key,
       app_event_id, launched_by, state, started_at, ended_at, node_counts)
     select $1, workspace_id, customer_id, flow_instance_id, flow_id, universal_flow_id, version_id, start_node_key, app_event_id,
       '{"type":"app-event-trigger","ids":["aev_old"]}', 'completed', started_at, ended_at,
       '{"trigger":{"state":"completed","runs":1,"erroredRuns":0,"outputs":1},"post":{"state":"completed","runs":1,"erroredRuns":0,"outputs":1}}'
       from flow_runs limit 1`,
    [id],
  )
  await at.sql.query(
    `insert into flow_node_runs (id, run_id, node_key, path, status, outputs, logs, started_at, ended_at)
     values ($1, $3, 'trigger', 'trigger', 'completed', null, null, now(), now()),
            ($2, $3, 'post', 'trigger>0.post', 'completed', '[{"isOld":true}]',
             '[{"type":"api-request","request":{"method":"POST","body":{"orderId":"a-1"}}}]', now(), now())`,
    [first, second, id],
  )
  const params = { id: toWire('fr', id), nodeKey: 'post' }
  const run = await at.anna.flowRuns.get({ params: { id: params.id } })
  expect(run.nodes).toMatchObject({ post: { runs: 1, outputs: 1 } })
  const [post] = (await at.anna.flowRuns.nodeRuns({ params })).items
  expect(post).toMatchObject({
    upstreamRuns: [{ nodeKey: 'trigger' }],
    logs: [{ request: { body: { orderId: 'a-1' } } }],
  })
  const { items } = await at.anna.flowRuns.nodeOutputs({ params })
  expect(items.map((each) => JSON.parse(each.data))).toEqual([{ isOld: true }])
  expect(fromWire('fr', params.id)).toBe(id)
})

// A machine that is busy with something else makes runs longer than a moment, and those get rows: until it is not.
test('runs that another process works are handed to it in a batch: none of them ever has a row of its own', {
  timeout: 180_000,
}, async () => {
  await using at = await scene()
  await using other = await buildHouse({ database: { url: at.house.databaseUrl, workspace: at.house.workspace } })
  const members = [at.house, other]
  const customers = Array.from({ length: 40 }, (_, index) => `customer-${index}`)
  for (const name of customers)
    await (await at.house.as(name)).flowInstances.getByQuery({ query: { flowKey: 'orders', autoCreate: true } })
  const { globalWebhookUri } = await at.house.admin.appEventTypes.get({ params: { selector: 'order' } })
  const sendAll = async (round: number) => {
    const tokens = await Promise.all(customers.map((id) => at.house.tokenOf({ id })))
    const answers = await Promise.all(
      tokens.map((token, index) =>
        fetch(globalWebhookUri, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify({ orderId: `${round}-${index}` }),
        }),
      ),
    )
    expect(answers.every((each) => each.ok)).toBe(true)
    await Promise.all(members.map((each) => each.settle()))
  }
  const finishedBy = async (house: typeof other) =>
    (await house.engine.metrics.runsFinished.get()).values.reduce((sum, each) => sum + each.value, 0)
  // Until both have their share and know of each other's.
  let round = 0
  await until('both work', 20_000, async () => {
    await sendAll(++round)
    return (await finishedBy(other)) > 0
  })
  await until('nobody gives shards up any more', 90_000, async () => {
    await at.sql.query('drop table if exists rows_of_their_own')
    await at.sql.query('create table rows_of_their_own as select * from flow_runs_active with no data')
    await at.sql.query(`create or replace function keep() returns trigger language plpgsql as
      $$begin insert into rows_of_their_own select new.*; return new; end$$`)
    await at.sql.query(
      'create or replace trigger keep before insert on flow_runs_active for each row execute function keep()',
    )
    const before = await Promise.all(members.map(finishedBy))
    await sendAll(++round)
    const worked = (await Promise.all(members.map(finishedBy))).map((count, index) => count - (before[index] ?? 0))
    const { rows } = await at.sql.query('select 1 from rows_of_their_own')
    return rows.length === 0 && worked.every((count) => count > 10)
  })
  const orders = at.app.received.map((each) => (each.json as { orderId: string }).orderId)
  expect(orders).toHaveLength(round * customers.length)
  expect(new Set(orders).size).toBe(orders.length)
  expect(await batches(at)).toBe(0)
})
