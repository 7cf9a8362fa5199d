import { createPermea } from '@permea/sdk'
import { addWorkspace, buildHouse, type House, type Receiver, startReceiver, until } from '@permea/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../platform/clock.ts'
import { sql } from '../platform/database.ts'
import { fromWire } from '../platform/ids.ts'

let receiver: Receiver
let house: House
let flowInstanceId: string

beforeEach(async () => {
  receiver = await startReceiver()
  house = await buildHouse()
  const customer = await house.as('customer-x')
  const nodes = { start: { type: 'api-trigger' } }
  flowInstanceId = (await customer.flowInstances.create({ body: { name: 'Short', nodes } })).id
})

afterEach(async () => {
  await house[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
})

async function finishedRun(): Promise<string> {
  const customer = await house.as('customer-x')
  const { id } = await customer.flowRuns.create({ body: { flowInstanceId } })
  await house.settle()
  return id
}

const listen = () =>
  house.admin.notificationEndpoints.create({ body: { url: receiver.url, eventTypes: ['flowRun.completed'] } })
const told = () => receiver.received.map(({ json }) => (json as { data: { flowRun: { id: string } } }).data.flowRun.id)
const waitingNews = async () =>
  (await sql<{ id: string }>`select run_id as id from flow_run_news`.execute(house.engine.database.db)).rows.length

test('runs that nobody listens to leave no news, those somebody listens to only until they are told of', async () => {
  await finishedRun()
  expect(await waitingNews()).toBe(0)
  await listen()
  const id = await finishedRun()
  expect(await waitingNews()).toBe(0)
  expect(told()).toEqual([id])
})

test('news that nobody told the relay of are found by its sweep', async () => {
  const id = await finishedRun()
  await listen()
  await sql`insert into flow_run_news (run_id, workspace_id, event_type)
    values (${fromWire('fr', id)}, ${house.workspace.id}, 'flowRun.completed')`.execute(house.engine.database.db)
  await receiver.waitFor(1)
  expect(told()).toEqual([id])
})

test('news of which no notification can be made hold up none of the others', async () => {
  const broken = await finishedRun()
  await sql`update flow_runs set launched_by = 'not JSON' where id = ${fromWire('fr', broken)}`.execute(
    house.engine.database.db,
  )
  await listen()
  const others = [await finishedRun(), await finishedRun()]
  await sql`insert into flow_run_news (run_id, workspace_id, event_type)
    select id, workspace_id, 'flowRun.completed' from flow_runs order by id`.execute(house.engine.database.db)
  await receiver.waitFor(4)
  await house.settle()
  await until('no news wait', 20_000, async () => (await waitingNews()) === 0)
  expect(told().toSorted()).toEqual([...others, ...others].toSorted())
})

test('what a workspace’s runs do is told to no other workspace', async () => {
  const other = await addWorkspace(house.engine, systemClock, null)
  const token = await house.engine.tokens.sign(other, { isAdmin: true }, 3600)
  const stranger = createPermea({ baseUrl: house.url, token })
  await stranger.notificationEndpoints.create({
    body: { url: `${receiver.url}/stranger`, eventTypes: ['flowRun.queued', 'flowRun.completed', 'alert.created'] },
  })
  await listen()
  const id = await finishedRun()
  expect(told()).toEqual([id])
  expect(receiver.received.map((request) => request.path)).toEqual(['/'])
  expect((await stranger.deliveries.list()).items).toEqual([])
})
