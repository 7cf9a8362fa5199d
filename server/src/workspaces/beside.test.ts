import { answering, buildHouse, type House, houseIn, type Receiver, startReceiver, until } from '@permea/testkit'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'

// What one workspace has to do, and that it is being deleted, holds up no other: told by what is done of the other
// meanwhile, not by how long it takes.

const WAIT_MS = 60_000
const ROWS = 1200
/** The advisory lock at which the erasing is held in the middle of each of its steps. */
const GATE = 40_404

let house: House
let client: pg.Client
let busyApp: Receiver
let quietApp: Receiver
let busy: House
let quiet: House

beforeAll(async () => {
  busyApp = await startReceiver()
  quietApp = await startReceiver()
  house = await buildHouse()
  client = new pg.Client({ connectionString: house.databaseUrl })
  await client.connect()
  busy = await workspaceOf(busyApp)
  quiet = await workspaceOf(quietApp)
})

afterAll(async () => {
  await client.end()
  await house[Symbol.asyncDispose]()
  await busyApp[Symbol.asyncDispose]()
  await quietApp[Symbol.asyncDispose]()
})

/** A workspace in which each event of the customer makes a flow call the application. */
async function workspaceOf(app: Receiver): Promise<House> {
  const own = await houseIn(house, await house.admin.workspaces.create({ body: { name: 'A workspace' } }))
  await own.admin.workspaces.patch({ params: { id: own.workspace.key }, body: { appBaseUri: app.url } })
  await own.admin.appEventTypes.create({ body: { key: 'order' } })
  const post = {
    type: 'api-request-to-your-app',
    config: { request: { uri: '/in', method: 'POST', body: { $var: '$.input.trigger' } } },
  }
  const trigger = { type: 'app-event-trigger', config: { appEvent: { key: 'order' } }, links: [{ key: 'post' }] }
  await own.admin.flows.create({ body: { key: 'orders', nodes: { trigger, post } } })
  await (await own.as('anna')).flowInstances.getByQuery({ query: { flowKey: 'orders', autoCreate: true } })
  return own
}

async function send(own: House, events: object | object[]): Promise<void> {
  const { globalWebhookUri } = await own.admin.appEventTypes.get({ params: { selector: 'order' } })
  const headers = { authorization: `Bearer ${await own.tokenOf({ id: 'anna' })}`, 'content-type': 'application/json' }
  const sent = await fetch(globalWebhookUri, { method: 'POST', headers, body: JSON.stringify(events) })
  expect(sent.status).toBe(200)
}

let orders = 0
/** An event of the quiet one from its request to its receiver and its record, and something that is changed and read. */
async function workOfQuiet(): Promise<void> {
  orders += 1
  const { admin } = quiet
  await send(quiet, { no: orders })
  await quietApp.waitFor(1, ({ json }) => (json as { no: number }).no === orders)
  await until('its runs are recorded', WAIT_MS, async () => {
    const { items } = await admin.flowRuns.list({ query: { state: 'completed' } })
    return items.length === orders
  })
  await admin.customers.create({ body: { internalId: `customer-${orders}` } })
  expect((await admin.customers.list()).items).toHaveLength(orders + 1)
}

test('while one has more to do than is done at once and its application does not answer, the other works', async () => {
  const held: (() => void)[] = []
  let givenUp = 0
  busyApp.behave(async (request, response) => {
    response.on('close', () => {
      if (!response.writableEnded) givenUp += 1
    })
    await new Promise<void>((resolve) => held.push(resolve))
    await answering(200)(request, response)
  })
  const many = Array.from({ length: 300 }, (_, no) => ({ no }))
  await send(busy, many)
  await until('as many are at work as may be', WAIT_MS, () => held.length > 20)
  const ended = async () => (await busy.admin.flowRuns.list({ query: { state: 'completed' } })).items.length
  await workOfQuiet()
  // None of the calls of the busy one had to be given up for it, none was answered, and many have not begun.
  expect(givenUp).toBe(0)
  expect(await ended()).toBe(0)
  expect(busyApp.received.length).toBeLessThan(many.length)
  busyApp.behave(answering(200))
  for (const go of held) go()
  await until('all of it is done', WAIT_MS, () => busyApp.received.length === many.length)
})

test('while one is being deleted, row by row, the other works in the middle of each step', {
  timeout: 180_000,
}, async () => {
  await insertEventsOf(busy)
  await holdSteps()
  await client.query('select pg_advisory_lock($1)', [GATE])
  const isHeld = async () => {
    const { rows } = await client.query(
      `select from pg_locks where locktype = 'advisory' and objid = $1 and not granted`,
      [GATE],
    )
    return rows.length > 0
  }
  const { key } = busy.workspace
  const { id } = await house.admin.workspaceDeletions.begin({ params: { id: key }, query: { confirm: key } })
  const read = () => house.admin.workspaceDeletions.get({ params: { id } })
  for (let step = 1; step <= 3; step += 1) {
    await until(`step ${step} is under way`, WAIT_MS, isHeld)
    await workOfQuiet()
    // The step that waits goes on; the lock is here again before the next one comes to it.
    await client.query('select pg_advisory_unlock($1)', [GATE])
    await client.query('select pg_advisory_lock($1)', [GATE])
  }
  await client.query('select pg_advisory_unlock($1)', [GATE])
  await until('it is deleted', WAIT_MS, async () => (await read()).status === 'completed')
  const { rows } = await client.query<{ rows: number }>(
    'select sum(rows)::int as rows from steps group by transaction order by min(at)',
  )
  const sizes = rows.map((each) => each.rows)
  expect(sizes.length).toBeGreaterThan(2)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(500)
  const { erased } = await read()
  expect(sizes.reduce((sum, each) => sum + each, 0)).toBe(erased.find(({ place }) => place === 'app_events')?.rows)
  await workOfQuiet()
})

async function insertEventsOf(own: House): Promise<void> {
  const moment = Date.now().toString(16).padStart(12, '0')
  const { rowCount } = await client.query(
    `insert into app_events (id, workspace_id, customer_id, app_event_type_id, payload)
     select ($1 || '7' || substr(md5(n::text), 1, 3) || '8' || substr(md5(n || 'x'), 1, 15))::uuid, c.workspace_id, c.id, t.id, '{}'
       from generate_series(1, $3::int) n, customers c, app_event_types t
      where c.workspace_id = $2 and t.workspace_id = $2 and c.internal_id = 'anna'`,
    [moment, own.workspace.id, ROWS],
  )
  expect(rowCount).toBe(ROWS)
}

/** Counts the events that each transaction deletes, and holds it at the gate. */
async function holdSteps(): Promise<void> {
  await client.query(`
    create table steps (transaction xid8, rows int, at timestamptz default clock_timestamp());
    create function hold_step() returns trigger language plpgsql as $$ begin
      if exists (select from gone) then
        insert into steps (transaction, rows) select pg_current_xact_id(), count(*) from gone;
        perform pg_advisory_xact_lock_shared(${GATE});
      end if;
      return null;
    end $$`)
  const { rows } = await client.query<{ leaf: string }>(
    `select relid::text as leaf from pg_partition_tree('app_events') where isleaf`,
  )
  for (const { leaf } of rows)
    await client.query(
      `create trigger hold_step after delete on ${leaf} referencing old table as gone for each statement execute function hold_step()`,
    )
}
