import { type Permea, sendEvents } from '@permea/sdk'
import {
  addApp,
  buildHouse,
  connectApp,
  createTestDatabase,
  type House,
  type Receiver,
  refusalKey,
  rowsWith,
  startReceiver,
} from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase, sql } from '../platform/database.ts'
import { silentLog } from '../platform/log.ts'
import { createSealing, sealingKey } from '../platform/sealing.ts'
import { createPayloadRetention, type PayloadRetention } from './payload-retention.ts'

// The installation keeps payloads for ten days, and what is known of them for thirty. Event types say otherwise.

const DAY_MS = 86_400_000
const MINUTES_MS = 120_000
const sealing = createSealing([sealingKey('a key for tests that is long enough')])

let house: House
let receiver: Receiver
let anna: Permea
let isDown = false

beforeAll(async () => {
  receiver = await startReceiver()
  receiver.behave((request, response) => {
    response.writeHead(isDown && request.path === '/stuck' ? 503 : 200, { 'content-type': 'application/json' })
    response.end(request.body)
  })
  house = await buildHouse({
    clock: 'settable',
    appBaseUri: receiver.url,
    engine: { payloadRetentionDays: 10 },
  })
  await addApp(house, { url: receiver.url })
  for (const [key, payloadRetentionDays] of [
    ['usual', null],
    ['long', 20],
    ['none', 0],
    ['stuck', 0],
  ] as const) {
    await house.admin.appEventTypes.create({ body: { key, name: key, payloadRetentionDays } })
    await house.admin.flows.create({
      body: {
        key,
        nodes: {
          t: { type: 'app-event-trigger', config: { appEvent: { key } }, links: [{ key: 'code' }] },
          code: {
            type: 'run-javascript',
            config: { code: 'export default ({ input }) => { console.log(JSON.stringify(input)); return input }' },
            links: [{ key: 'send' }],
          },
          send: {
            type: 'api-request-to-your-app',
            config: { request: { uri: `/${key}`, method: 'POST', body: { $var: '$.input' } } },
          },
        },
      },
    })
  }
  anna = await house.as('anna')
  for (const flowKey of ['usual', 'long', 'none', 'stuck'])
    await anna.flowInstances.getByQuery({ query: { flowKey, autoCreate: true } })
  await house.settle()
})

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
})

async function send(key: string, word: string): Promise<string> {
  const { globalWebhookUri } = await house.admin.appEventTypes.get({ params: { selector: key } })
  const answer = await sendEvents(String(globalWebhookUri), { word }, { token: await house.tokenOf({ id: 'anna' }) })
  await house.settle()
  return answer.id ?? ''
}

const found = (word: string) => rowsWith(house.engine.database.pool, sealing, word)
const eventOf = (id: string) => anna.appEvents.get({ params: { id } })
const passing = async (ms: number) => {
  await house.advance(ms)
  await house.engine.cutPayloads()
}

test('payloads go when their type, or else the installation, says; what is known of them stays', async () => {
  const ids = { none: await send('none', 'wordofnone'), usual: await send('usual', 'wordofusual') }
  const long = await send('long', 'wordoflong')
  expect(Object.keys(await found('wordofnone'))).toEqual(
    expect.arrayContaining(['app_events', 'flow_node_runs', 'function_calls']),
  )
  // What is being written just now is let be.
  await house.engine.cutPayloads()
  expect((await eventOf(ids.none)).event).toEqual({ word: 'wordofnone' })
  await passing(MINUTES_MS)
  const cutAt = house.clock.now().toISOString()
  expect(await found('wordofnone')).toEqual({})
  const cut = await eventOf(ids.none)
  expect(cut).toMatchObject({ event: null, payloadCutAt: cutAt, launchedFlowRuns: [{ state: 'completed' }] })
  const [runId = ''] = cut.launchedFlowRunIds
  const run = await anna.flowRuns.get({ params: { id: runId } })
  expect(run).toMatchObject({
    state: 'completed',
    payloadCutAt: cutAt,
    nodes: { send: { state: 'completed', runs: 1 } },
  })
  expect(run.input).toBeUndefined()
  expect((await anna.flowRuns.list()).items.find(({ id }) => id === runId)).toMatchObject({ payloadCutAt: cutAt })
  expect(await refusalKey(anna.appEvents.replay({ params: { id: ids.none } }))).toBe('payload_not_kept')
  expect(await refusalKey(anna.flowRuns.repeat({ params: { id: runId } }))).toBe('payload_not_kept')

  expect(await eventOf(ids.usual)).not.toHaveProperty('payloadCutAt')
  await passing(11 * DAY_MS)
  expect(await found('wordofusual')).toEqual({})
  expect((await eventOf(long)).event).toEqual({ word: 'wordoflong' })
  await passing(10 * DAY_MS)
  expect(await found('wordoflong')).toEqual({})
  expect(await eventOf(long)).toMatchObject({ event: null })
})

test('what is not finished is never cut, and is when it ends', async () => {
  isDown = true
  const id = await send('stuck', 'wordofstuck')
  await passing(MINUTES_MS)
  const open = await eventOf(id)
  expect(open).toMatchObject({ event: { word: 'wordofstuck' }, launchedFlowRuns: [{ state: 'running' }] })
  isDown = false
  for (let wait = 0; wait < 6; wait += 1) await passing(600_000)
  // What the run sent, it had.
  expect(receiver.received.filter(({ path }) => path === '/stuck').at(-1)?.body).toContain('wordofstuck')
  expect(await eventOf(id)).toMatchObject({ event: null, launchedFlowRuns: [{ state: 'completed' }] })
  expect(await found('wordofstuck')).toEqual({})
})

test('events of apps go with their requests, messages and attempts, as their type says', async () => {
  const type = await house.admin.externalEventTypes.create({
    body: {
      key: 'told',
      subscribe: 'export default () => ({})',
      unsubscribe: 'export default () => ({})',
      handle: 'export default ({ data }) => { console.log(data.word); return { events: [data] } }',
      payloadRetentionDays: 1,
    },
  })
  expect(type.payloadRetentionDays).toBe(1)
  const { connection } = await connectApp(house, { customer: 'anna' })
  const { id: subscriptionId } = await anna.externalEventSubscriptions.create({
    body: { connectionId: connection.id, externalEventTypeId: type.id, webhookUri: `${receiver.url}/told` },
  })
  const { incomingWebhookUri = '' } = await house.admin.externalEventSubscriptions.get({
    params: { id: subscriptionId },
  })
  await fetch(incomingWebhookUri, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ word: 'wordofapp' }),
  })
  await house.settle()
  const [event] = (await anna.externalEvents.list()).items
  const params = { id: event?.id ?? '' }
  const webhook = { params: { id: event?.incomingWebhookId ?? '' } }
  const delivery = { params: { id: event?.deliveryId ?? '' } }
  await passing(DAY_MS / 2)
  expect((await anna.externalEvents.get({ params })).payload).toEqual({ word: 'wordofapp' })
  await passing(DAY_MS)
  const cutAt = house.clock.now().toISOString()
  expect(await found('wordofapp')).toEqual({})
  expect(await anna.externalEvents.get({ params })).toMatchObject({
    payload: null,
    payloadCutAt: cutAt,
    status: 'success',
  })
  expect(await anna.incomingWebhooks.getDetails(webhook)).toMatchObject({ payloadCutAt: cutAt, status: 'success' })
  expect(await anna.deliveries.get(delivery)).toMatchObject({ body: null, payloadCutAt: cutAt, state: 'succeeded' })
  for (const call of [
    () => anna.externalEvents.replay({ params }),
    () => anna.incomingWebhooks.replay(webhook),
    () => anna.deliveries.retry(delivery),
    () => house.admin.deliveries.message(delivery),
  ])
    expect(await refusalKey(call())).toBe('payload_not_kept')
})

test('a workspace keeps them for a shorter or longer time, and a rule that is changed counts for what is there', async () => {
  const { workspaceId } = await house.admin.customers.self()
  const rule = (payloadRetentionDays: number | null) =>
    house.admin.workspaces.patch({ params: { id: workspaceId }, body: { settings: { payloadRetentionDays } } })
  await rule(15)
  const id = await send('usual', 'wordofrule')
  await passing(12 * DAY_MS)
  expect((await eventOf(id)).event).toEqual({ word: 'wordofrule' })
  await rule(5)
  await house.engine.cutPayloads()
  expect(await found('wordofrule')).toEqual({})
  const wrong = { params: { id: workspaceId }, body: { settings: { payloadRetentionDays: -1 } } }
  expect(await refusalKey(house.admin.workspaces.patch(wrong))).toBe('invalid_input')
  await rule(null)
})

test('what was gone through is not gone through again, however much is stored', async () => {
  await house.engine.cutPayloads()
  const places = () =>
    sql<{ log: string; days: number; untilId: string }>`
      select log, days, until_id as "untilId" from payload_cuts order by log, days`.execute(house.engine.database.db)
  const before = (await places()).rows
  await house.engine.cutPayloads()
  expect((await places()).rows).toEqual(before)
  const { rows } = await sql<{ last: string }>`select id as last from app_events order by id desc limit 1`.execute(
    house.engine.database.db,
  )
  const id = await send('none', 'wordoflast')
  await passing(MINUTES_MS)
  const none = (await places()).rows.find(({ log, days }) => log === 'app_events' && days === 0)
  expect(none?.untilId).not.toBe(rows[0]?.last)
  expect(await eventOf(id)).toMatchObject({ event: null })
})

test('where nothing can be due the database is asked next to nothing', async () => {
  await using empty = await createTestDatabase()
  const database = createDatabase({ url: empty.url, connectionsMax: 2, log: silentLog })
  let asked = 0
  database.pool.on('acquire', () => {
    asked += 1
  })
  const askedBy = async (retention: PayloadRetention, now: Date) => {
    asked = 0
    expect(await retention.run(now)).toBe(true)
    return asked
  }
  const now = new Date()
  const without = createPayloadRetention({ database, retentionDays: 30 })
  await askedBy(without, now)
  expect(await askedBy(without, now)).toBe(1)
  const withRule = createPayloadRetention({ database, retentionDays: 30, payloadRetentionDays: 5 })
  const atFirst = await askedBy(withRule, now)
  expect(await askedBy(withRule, now)).toBe(2)
  const later = await askedBy(withRule, new Date(now.getTime() + 3 * MINUTES_MS))
  expect([later > 2, later < atFirst]).toEqual([true, true])
  await database.close()
})
