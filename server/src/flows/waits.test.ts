import type { FlowNodes } from '@permea/contract'
import { type Permea, sendEvents } from '@permea/sdk'
import { addApp, buildHouse, connectApp, type House, refusalKey, startExternalApp, until } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SettableClock } from '../platform/clock.ts'
import { runPrepared, sql } from '../platform/database.ts'
import { createIds, fromWire } from '../platform/ids.ts'
import { waitKey } from '../runs/event-waits.ts'
import { forgetWaitKeys } from '../runs/waits-store.ts'

/** A run that waits is told of its event by a notice, which comes a moment later. */
const SOON = { timeout: 20_000 }

let house: House
let customer: Permea

beforeAll(async () => {
  house = await buildHouse({ clock: 'settable' })
  customer = await house.as('acme')
  for (const key of ['order', 'payment']) await house.admin.appEventTypes.create({ body: { key, name: key } })
})
afterAll(() => house[Symbol.asyncDispose]())

const wait = (config: object) => ({
  type: 'wait-for-event',
  config: { appEvent: { key: 'payment' }, ...config },
})
const forOrder = { field: 'order.id', value: { $var: '$.input.trigger.id' } }
const onOrder = (...keys: string[]) => ({
  type: 'app-event-trigger',
  config: { appEvent: { key: 'order' } },
  links: keys.map((key) => ({ key })),
})
const refused = (message: string) => [{ key: 'wait_invalid', message: expect.stringContaining(message) }]
const byApi = (...keys: string[]) => ({ type: 'api-trigger', links: keys.map((key) => ({ key })) })
const value = (output: unknown) => ({ type: 'transform-data', config: { output } })

const NOBODY = '00000000-0000-7000-8000-000000000000'

let flows = 0
async function instanceOf(nodes: FlowNodes, of: Permea = customer, more: object = {}): Promise<string> {
  flows += 1
  const key = `flow-${flows}`
  await house.admin.flows.create({ body: { key, nodes, ...more } })
  return (await of.flowInstances.getByQuery({ query: { flowKey: key, autoCreate: true } })).id
}

async function addressOf(of: Permea, key: string): Promise<string> {
  const { items } = await of.appEventSubscriptions.list()
  return items.find((each) => each.appEventType?.key === key)?.webhookUri ?? ''
}

async function send(key: string, events: unknown, of: Permea = customer): Promise<void> {
  const sent = await fetch(await addressOf(of, key), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(events),
  })
  expect(sent.status).toBe(200)
}

async function runsOf(flowInstanceId: string, of: Permea = customer) {
  await house.settle()
  const { items } = await of.flowRuns.list({ query: { flowInstanceId } })
  return items.reverse()
}

async function outputOf(id: string, nodeKey: string, of: Permea = customer): Promise<unknown[]> {
  const { items } = await of.flowRuns.nodeOutput({ params: { id, nodeKey } })
  return items.map((each) => JSON.parse(each.data ?? 'null'))
}

async function disable(id: string, of: Permea = customer): Promise<void> {
  await of.flowInstances.patch({ params: { id }, body: { enabled: false } })
}

test('a run waits for the event of its customer whose field equals its value, and for no other', async () => {
  const neighbour = await house.as('neighbour')
  const nodes = { trigger: onOrder('paid'), paid: { ...wait(forOrder), links: [{ key: 'after' }] }, after: value(1) }
  const id = await instanceOf(nodes)
  await neighbour.flowInstances.getByQuery({ query: { flowKey: `flow-${flows}`, autoCreate: true } })
  await send('order', [{ id: 17 }, { id: '18' }])
  const [first, second] = await runsOf(id)
  const seen = await customer.flowRuns.get({ params: { id: first?.id ?? '' } })
  const until = new Date(house.clock.now().getTime() + 7 * 86_400_000).toISOString()
  expect(seen).toMatchObject({
    state: 'running',
    waitsFor: [{ nodeKey: 'paid', event: 'payment', field: '$.order.id', value: '17', until }],
  })
  await send('payment', [{ order: { id: 19 } }, { order: {} }, { order: { id: [17] } }, {}])
  await send('payment', { order: { id: 17 } }, neighbour)
  await expect.poll(async () => (await runsOf(id)).map((run) => run.state), SOON).toEqual(['running', 'running'])
  // A number and its text are the same.
  await send('payment', { order: { id: '17' }, amount: 5 })
  await expect.poll(async () => (await runsOf(id)).map((run) => run.state), SOON).toEqual(['completed', 'running'])
  expect(await outputOf(first?.id ?? '', 'paid')).toEqual([
    { event: { order: { id: '17' }, amount: 5 }, isTimedOut: false },
  ])
  const { items } = await customer.flowRuns.nodeRuns({ params: { id: first?.id ?? '', nodeKey: 'paid' } })
  expect(items).toMatchObject([{ status: 'completed', attempts: 1 }])
  // Stopped, it waits for nothing any more.
  await customer.flowRuns.stop({ params: { id: second?.id ?? '' } })
  const { rows } = await sql`select from flow_run_waits`.execute(house.engine.database.db)
  expect(rows).toHaveLength(0)
  await disable(id)
})

test('what comes after the run began and before it waits is not missed, and nothing counts twice', async () => {
  const config = { appEvent: { key: 'order' }, field: 'id', value: { $var: '$.input.trigger.id' } }
  const nodes = {
    trigger: onOrder('pause', 'once'),
    once: { ...wait(config), links: [{ key: 'twice' }] },
    twice: wait(config),
    pause: { type: 'delay', config: { amount: 1, unit: 'hours' }, links: [{ key: 'late' }] },
    late: wait(forOrder),
  }
  const id = await instanceOf(nodes)
  // Of one batch, what stands behind the event that launched it.
  await send('order', [
    { id: 20, n: 1 },
    { id: 20, n: 2 },
  ])
  await send('payment', { order: { id: 20 }, n: 3 })
  const [run] = await runsOf(id)
  await expect.poll(() => outputOf(run?.id ?? '', 'once'), SOON).toMatchObject([{ event: { n: 2 } }])
  expect(await outputOf(run?.id ?? '', 'twice')).toEqual([])
  await house.advance(3_700_000)
  await expect.poll(() => outputOf(run?.id ?? '', 'late'), SOON).toMatchObject([{ event: { n: 3 } }])
  await send('order', { id: 20, n: 4 })
  await house.settle()
  await expect.poll(() => outputOf(run?.id ?? '', 'twice'), SOON).toMatchObject([{ event: { n: 4 } }])
  await expect
    .poll(async () => (await customer.flowRuns.get({ params: { id: run?.id ?? '' } })).state, SOON)
    .toBe('completed')
  await disable(id)
})

test('when the time is up it goes on and says so, or fails where that is wanted; any event does where no field is named', async () => {
  const config = { amount: 2, unit: 'hours' }
  const going = await instanceOf({ trigger: byApi('any'), any: wait(config) })
  const failing = await instanceOf({ trigger: byApi('any'), any: wait({ ...config, onTimeout: 'fail' }) })
  for (const flowInstanceId of [going, failing]) await customer.flowRuns.create({ body: { flowInstanceId } })
  await house.settle()
  await house.advance(7_100_000)
  expect([...(await runsOf(going)), ...(await runsOf(failing))].map((run) => run.state)).toEqual(['running', 'running'])
  await house.advance(200_000)
  const [gone] = await runsOf(going)
  expect(gone?.state).toBe('completed')
  expect(await outputOf(gone?.id ?? '', 'any')).toEqual([{ event: null, isTimedOut: true }])
  await expect
    .poll(() => runsOf(failing), SOON)
    .toMatchObject([{ state: 'failed', errors: [{ key: 'wait_timed_out' }] }])
  // Too late for those; this one takes it.
  const { id } = await customer.flowRuns.create({ body: { flowInstanceId: going } })
  await house.settle()
  await send('payment', { n: 1 })
  await house.settle()
  expect(await outputOf(id, 'any')).toEqual([{ event: { n: 1 }, isTimedOut: false }])
  await disable(going)
  await disable(failing)
})

test('events and waits of the same moment find each other', async () => {
  const nodes = { trigger: onOrder('paid'), paid: wait(forOrder) }
  const id = await instanceOf(nodes)
  const [orders, payments] = [await addressOf(customer, 'order'), await addressOf(customer, 'payment')]
  const ids = Array.from({ length: 40 }, (_, index) => `same-${index}`)
  await Promise.all(
    ids.map(async (each, index) => {
      await sendEvents(orders, { id: each })
      // At once, or when the runs of others are being recorded.
      if (index % 2 === 1) await sendEvents(payments, { filler: true })
      await sendEvents(payments, { order: { id: each } })
    }),
  )
  const runs = await runsOf(id)
  expect(runs).toHaveLength(40)
  expect(runs.filter((run) => run.state !== 'completed')).toEqual([])
  await disable(id)
})

test('an event that is being stored while a run begins to wait is waited for, and counts', async () => {
  const { database, runs } = house.engine
  const id = await instanceOf({ trigger: onOrder('paid'), paid: wait(forOrder) })
  const { rows: sources } = await sql<{ appEventTypeId: string; customerId: string }>`
    select app_event_type_id as "appEventTypeId", customer_id as "customerId" from flow_instance_waits
     where flow_instance_id = ${fromWire('cf', id)}`.execute(database.db)
  const [source] = sources
  if (source === undefined) throw new Error('the flow waits for something')
  const key = waitKey({ kind: 'app', ...source }, '$.order.id', 'in flight')
  const isHeldUp = async () => {
    const { rows } = await sql`select from pg_locks where locktype = 'advisory' and not granted`.execute(database.db)
    return rows.length > 0
  }
  await database.transaction(async (tx) => {
    const eventId = createIds(new SettableClock(new Date(house.clock.now().getTime() + 1000))).next()
    for (const each of runs.arriving([{ key, eventId, customerId: source.customerId }])) await runPrepared(tx, each)
    await send('order', { id: 'in flight' })
    await until('the record of the run waits for the event', 20_000, isHeldUp)
  })
  await expect.poll(() => runsOf(id), SOON).toMatchObject([{ state: 'completed' }])
  await disable(id)
})

test('in a flow of strict order the next run waits until the event has come; nobody else does', async () => {
  const nodes = { trigger: onOrder('paid'), paid: wait(forOrder) }
  const strict = await instanceOf(nodes, customer, { ordered: true })
  const free = await instanceOf({ trigger: onOrder('done'), done: value(1) })
  await send('order', [{ id: 30 }, { id: 31 }])
  await expect.poll(async () => (await runsOf(free)).map((run) => run.state), SOON).toEqual(['completed', 'completed'])
  await expect.poll(async () => (await runsOf(strict)).map((run) => run.state), SOON).toEqual(['running', 'queued'])
  // The second is told of before it began.
  await send('payment', { order: { id: 31 } })
  await expect.poll(async () => (await runsOf(strict)).map((run) => run.state), SOON).toEqual(['running', 'queued'])
  await send('payment', { order: { id: 30 } })
  // The second begins when the first has ended, and finds its event there.
  await until('both have ended', 20_000, async () => (await runsOf(strict)).every((run) => run.state === 'completed'))
  await disable(strict)
  await disable(free)
})

test('nodes that wait for the same way at once, and within a for-each, are each told of', async () => {
  const nodes = {
    trigger: byApi('each', 'a', 'b'),
    each: { type: 'for-each-v2', config: { items: ['x', 'y'], rootNodeKey: 'inner' } },
    inner: wait({ field: 'who', value: { $var: '$.input.each.item' } }),
    a: wait({ field: 'who', value: 'x' }),
    b: wait({ field: 'who', value: 'y' }),
  }
  const id = await instanceOf(nodes)
  const run = await customer.flowRuns.create({ body: { flowInstanceId: id } })
  await house.settle()
  await send('payment', { who: 'y', n: 1 })
  await house.settle()
  await expect.poll(() => outputOf(run.id, 'b'), SOON).toMatchObject([{ event: { n: 1 } }])
  expect(await outputOf(run.id, 'each')).toEqual([])
  await send('payment', { who: 'x', n: 2 })
  await house.settle()
  await expect.poll(() => outputOf(run.id, 'a'), SOON).toMatchObject([{ event: { n: 2 } }])
  const [output] = await outputOf(run.id, 'each')
  const { inner } = output as { inner: { event: { n: number } }[] }
  expect(inner.map((each) => each.event.n).sort()).toEqual([1, 2])
  await expect.poll(async () => (await customer.flowRuns.get({ params: { id: run.id } })).state, SOON).toBe('completed')
  await disable(id)
})

test('what cannot be waited for is told of: the flow is disabled, the value is none, the configuration is wrong', async () => {
  const id = await instanceOf({
    trigger: byApi('paid'),
    paid: wait({ ...forOrder, amount: { $var: '$.input.trigger.days' } }),
  })
  const faults = async (input: unknown) => {
    const run = await customer.flowRuns.create({ body: { flowInstanceId: id, input } })
    await house.settle()
    return (await customer.flowRuns.get({ params: { id: run.id } })).errors
  }
  expect(await faults({ days: 1 })).toMatchObject(refused('no single value'))
  expect(await faults({ id: [1], days: 1 })).toMatchObject(refused('no single value'))
  expect(await faults({ id: 1, days: 40 })).toMatchObject(refused('30 days'))
  expect(await faults({ id: 1, days: 'soon' })).toMatchObject(refused('no number'))
  await disable(id)
  expect(await faults({ id: 1, days: 1 })).toMatchObject(refused('not enabled'))
  // What a test before left enabled, where it failed, waits still.
  for (const { id: other } of (await customer.flowInstances.list()).items) await disable(other)
  // That nobody waits any more is noticed a moment later.
  await until('the subscriptions are ended', 20_000, async () =>
    (await customer.appEventSubscriptions.list()).items.every((each) => each.status === 'unsubscribed'),
  )

  const wrong = (config: object) =>
    refusalKey(
      house.admin.flows.create({ body: { key: 'wrong', nodes: { trigger: byApi('paid'), paid: wait(config) } } }),
    )
  for (const config of [
    { amount: 31 },
    { unit: 'years' },
    { field: '$[', value: 1 },
    { onTimeout: 'hope' },
    { eventKey: 'changed' },
  ])
    expect(await wrong(config)).toBe('invalid_flow')
  const draft = await house.admin.flows.create({
    body: {
      key: 'draft',
      nodes: { trigger: byApi('paid'), paid: { type: 'wait-for-event', config: { field: 'id' } } },
    },
  })
  expect(draft.nodes?.paid).toBeDefined()
})

test('a run that waits goes on waiting while its flow is disabled, and takes what comes when it is enabled again', async () => {
  const id = await instanceOf({ trigger: byApi('paid'), paid: wait(forOrder) })
  // Another flow keeps the address of the event open.
  const other = await instanceOf({ trigger: byApi('any'), any: wait({}) })
  const run = await customer.flowRuns.create({ body: { flowInstanceId: id, input: { id: 90 } } })
  await house.settle()
  await disable(id)
  await send('payment', { order: { id: 90 }, n: 1 })
  await house.settle()
  const seen = () => customer.flowRuns.get({ params: { id: run.id } })
  expect(await seen()).toMatchObject({ state: 'running', waitsFor: [{ event: 'payment', value: '90' }] })
  await customer.flowInstances.patch({ params: { id }, body: { enabled: true } })
  await send('payment', { order: { id: 90 }, n: 2 })
  await expect.poll(async () => (await seen()).state, SOON).toBe('completed')
  expect(await outputOf(run.id, 'paid')).toMatchObject([{ event: { n: 2 }, isTimedOut: false }])
  await disable(id)
  await disable(other)
})

test('a node is tried alone: it says what it would wait for', async () => {
  const id = await instanceOf({ trigger: byApi('paid'), paid: wait(forOrder) })
  const tried = await customer.flowRuns.tryNode({
    params: { id, nodeKey: 'paid' },
    body: { input: { trigger: { id: 5 } } },
  })
  expect(tried).toMatchObject({ status: 'waiting', logs: [{ event: 'payment', field: '$.order.id', value: '5' }] })
  await disable(id)
})

test('an event of the connected app is waited for through a subscription that lives while the flow is enabled', async () => {
  await using vendor = await startExternalApp()
  await addApp(house, {
    url: vendor.url,
    events: {
      changed: {
        name: 'Changed',
        implementationType: 'webhook',
        subscribe: `export default async ({ apiClient, webhookUri }) => {
          const { data } = await apiClient.post('/webhooks', { url: webhookUri, event: 'all' })
          return { state: { id: data.id } }
        }`,
        handle: 'export default ({ data }) => ({ events: data.list })',
        unsubscribe: "export default ({ apiClient, state }) => apiClient.delete('/webhooks/' + state.id)",
      },
    },
  })
  const { client, connection } = await connectApp(house, { customer: 'beta', apiKey: vendor.apiKey })
  const nodes = {
    t: byApi('wait'),
    wait: {
      type: 'wait-for-event',
      config: { eventKey: 'changed', field: 'id', value: { $var: '$.input.t.id' } },
    },
  }
  const instance = await client.flowInstances.create({ body: { connectionId: connection.id, nodes } })
  await client.flowInstances.patch({ params: { id: instance.id }, body: { enabled: true } })
  await house.settle()
  expect(vendor.registrations.size).toBe(1)
  const run = await client.flowRuns.create({ body: { flowInstanceId: instance.id, input: { id: 7 } } })
  await house.settle()
  expect(await client.flowRuns.get({ params: { id: run.id } })).toMatchObject({
    waitsFor: [{ event: 'changed', value: '7' }],
  })
  const [registration] = vendor.registrations.values()
  const told = await fetch(registration?.url ?? '', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ list: [{ id: 6 }, { id: 7, name: 'seven' }] }),
  })
  expect(told.status).toBe(200)
  await house.settle()
  expect(await outputOf(run.id, 'wait', client)).toEqual([{ event: { id: 7, name: 'seven' }, isTimedOut: false }])
  await disable(instance.id, client)
  await house.settle()
  expect(vendor.registrations.size).toBe(0)
})

test('what came longer than a day ago is forgotten; to look up costs the same among many others', async () => {
  const { database } = house.engine
  const { db } = database
  await house.advance(86_400_000 + 60_000)
  await forgetWaitKeys(db, house.clock.now())
  const { rows } = await sql`select from event_wait_keys`.execute(db)
  expect(rows).toHaveLength(0)
  await sql`
    insert into flow_run_waits (run_id, path, customer_id, key, about)
    select gen_random_uuid(), 'x', gen_random_uuid(), gen_random_uuid(), '{}' from generate_series(1, 20000)`.execute(
    db,
  )
  await sql`analyze flow_run_waits`.execute(db)
  const id = await instanceOf({ trigger: onOrder('paid'), paid: wait(forOrder) })
  await send('order', { id: 40 })
  await house.settle()
  await send('payment', { order: { id: 40 } })
  await expect.poll(() => runsOf(id), SOON).toMatchObject([{ state: 'completed' }])
  const [, look] = house.engine.runs.arriving([{ key: NOBODY, eventId: NOBODY, customerId: NOBODY }])
  if (look === undefined) throw new Error('an event is looked at')
  const { rows: plan } = await database.pool.query({ text: `explain ${look.text}`, values: [...look.values] })
  expect(JSON.stringify(plan)).toContain('flow_run_waits_by_key')
  expect(JSON.stringify(plan)).not.toMatch(/Seq Scan on flow_run_waits/)
  await disable(id)
})
