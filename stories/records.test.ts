import { sendEvents } from '@permea/sdk'
import {
  addApp,
  answering,
  buildHouse,
  connectApp,
  type House,
  type Receiver,
  type RecordApp,
  startReceiver,
  startRecordApp,
  ticketCollection,
  ticketModels,
  ticketWebhooks,
} from '@permea/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

// A team that moves in: one data source and one field mapping for all apps, flows that announce what happens to records
// there, and a flow that files records of yours there. Once with an app that tells of changes, once with one that does not.

let app: Receiver
let desk: RecordApp
let house: House

beforeEach(async () => {
  app = await startReceiver()
  app.behave(answering(200))
  desk = await startRecordApp()
  house = await buildHouse({ appBaseUri: app.url, clock: 'settable' })
})

afterEach(async () => {
  await house[Symbol.asyncDispose]()
  await desk[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

const dataSource = { key: 'tickets' }

const announce = (what: 'created' | 'updated' | 'deleted') => ({
  key: `announce-${what}-ticket`,
  name: `Announce ${what} ticket`,
  nodes: {
    [`ticket-${what}`]: {
      type: `data-record-${what}-trigger`,
      config: { dataSource },
      links: [{ key: what === 'deleted' ? 'tell-my-app' : 'whole-ticket' }],
    },
    ...(what === 'deleted'
      ? {}
      : {
          'whole-ticket': {
            type: 'find-data-record-by-id',
            config: {
              dataSource,
              id: { $var: `$.input.ticket-${what}.record.id` },
              fieldMapping: { key: 'tickets', includeRawFields: true },
            },
            links: [{ key: 'tell-my-app' }],
          },
        }),
    'tell-my-app': {
      type: 'api-request-to-your-app',
      config: {
        request: {
          method: 'POST',
          uri: `webhooks/on-${what}`,
          body: {
            externalId: { $var: `$.input.ticket-${what}.record.id` },
            data: { $var: '$.input.whole-ticket.fields' },
            raw: { $var: '$.input.whole-ticket.rawFields.subject' },
          },
        },
      },
    },
  },
})

const fileTicket = {
  key: 'file-ticket',
  name: 'File ticket',
  nodes: {
    'ticket-wanted': {
      type: 'app-event-trigger',
      config: { appEvent: { key: 'ticket-wanted' } },
      links: [{ key: 'create-ticket', filter: { $eval: { $var: '$.output.type' }, is: 'created' } }],
    },
    'create-ticket': {
      type: 'create-data-record',
      config: { dataSource, fieldMapping: { key: 'tickets', input: { $var: '$.input.ticket-wanted.data' } } },
      links: [{ key: 'keep-id' }],
    },
    'keep-id': {
      type: 'api-request-to-your-app',
      config: {
        request: {
          method: 'POST',
          uri: 'webhooks/ticket-filed',
          body: { externalId: { $var: '$.input.create-ticket.id' } },
        },
      },
    },
  },
}

async function moveIn(events: Parameters<typeof addApp>[1]['data']) {
  await addApp(house, { url: desk.url, data: events, udm: ticketModels })
  const { admin } = house
  await admin.dataSources.create({ body: { key: 'tickets', udm: 'tasks', fullSyncIntervalSeconds: 60 } })
  await admin.fieldMappings.create({
    body: {
      key: 'tickets',
      dataSourceKey: 'tickets',
      direction: 'both',
      defaultImportValue: { id: { $var: '$.id' }, title: { $var: '$.subject' }, text: { $var: '$.content' } },
      defaultExportValue: { subject: { $var: '$.title' }, content: { $var: '$.text' } },
    },
  })
  await admin.appEventTypes.create({ body: { key: 'ticket-wanted', name: 'Ticket wanted' } })
  for (const flow of [announce('created'), announce('updated'), announce('deleted'), fileTicket])
    await admin.flows.create({ body: flow })
  const { client, connection } = await connectApp(house, { customer: 'acme' })
  for (const flowKey of [
    'announce-created-ticket',
    'announce-updated-ticket',
    'announce-deleted-ticket',
    'file-ticket',
  ])
    expect(
      await client.flowInstances.getByQuery({ query: { flowKey, connectionId: connection.id, autoCreate: true } }),
    ).toMatchObject({ state: 'READY', enabled: true })
  await house.settle()
  return { client, connection }
}

const told = (what: string) => app.received.filter(({ path }) => path === `/webhooks/${what}`).map(({ json }) => json)

async function live(passes: () => Promise<void>) {
  const id = await desk.create('tickets', { subject: 'Lamp', body: 'It is dark', status: 'open' })
  await passes()
  expect(told('on-created')).toEqual([{ externalId: id, data: { id, title: 'Lamp', text: 'It is dark' }, raw: 'Lamp' }])
  await desk.change('tickets', id, { body: 'It is light' })
  await passes()
  expect(told('on-updated')).toEqual([
    { externalId: id, data: { id, title: 'Lamp', text: 'It is light' }, raw: 'Lamp' },
  ])
  await desk.remove('tickets', id)
  await passes()
  expect(told('on-deleted')).toEqual([{ externalId: id }])

  const [subscription] = (await house.admin.appEventSubscriptions.list({})).items
  await sendEvents(subscription?.webhookUri ?? '', { type: 'created', data: { title: 'Door', text: 'It sticks' } })
  await house.settle()
  const [filed] = [...(desk.records.get('tickets')?.values() ?? [])]
  expect(filed).toMatchObject({ subject: 'Door', body: 'It sticks' })
  expect(told('ticket-filed')).toEqual([{ externalId: filed?.id }])
  await passes()
  expect([told('on-created').length, told('on-updated').length, told('on-deleted').length]).toEqual([2, 1, 1])
}

test('records of an app that tells of them by webhook reach your app mapped, and yours reach it', async () => {
  const { client } = await moveIn({ tickets: { ...ticketCollection, events: ticketWebhooks } })
  const { items } = await client.externalEventSubscriptions.list({})
  expect(items.map((each) => [each.config?.type, each.isRealTime])).toEqual(
    expect.arrayContaining([
      ['data-record-created', true],
      ['data-record-updated', true],
      ['data-record-deleted', true],
    ]),
  )
  await live(() => house.settle())
})

test('the same without any webhook: by looking again and again', async () => {
  await desk.create('tickets', { subject: 'Old', body: 'Was here before', status: 'open' })
  const { client } = await moveIn({ tickets: ticketCollection })
  await house.settle()
  expect(told('on-created')).toEqual([])
  desk.records.get('tickets')?.clear()
  await house.advance(80_000)
  app.received.length = 0
  await live(() => house.advance(80_000))
  const { items } = await client.externalEventSubscriptions.list({})
  expect(items.every((each) => !each.isRealTime && each.requiresFullSync)).toBe(true)
  const created = items.find((each) => each.config?.type === 'data-record-created')
  const pulls = await client.externalEventPulls.list({ query: { externalEventSubscriptionId: created?.id ?? '' } })
  const telling = pulls.items.find((each) => each.found?.created === 1)
  expect(telling).toMatchObject({ status: 'success', isFullScan: true })
  expect(telling?.collectedEventIds).toHaveLength(1)
  const params = { id: telling?.id ?? '' }
  expect(await client.externalEventPulls.get({ params })).toEqual(telling)
  expect(await client.externalEventPulls.telemetry({ params })).toMatchObject({
    strategy: 'full-scan',
    collectionKey: 'tickets',
    emittedEventCount: 1,
  })
  expect((await client.externalEventPulls.logs({ params })).logs.length).toBeGreaterThan(0)
  const snapshot = await client.externalEventPulls.downloadSnapshot({ params: { id: created?.id ?? '' } })
  expect(snapshot.records).toHaveLength(1)
})

describe('a scan that meets trouble', () => {
  test('goes on where it stood, and loses and repeats nothing', async () => {
    const { client } = await moveIn({ tickets: ticketCollection })
    desk.pageSize = 2
    const ids: string[] = []
    for (let number = 1; number <= 5; number += 1) ids.push(await desk.create('tickets', { subject: `No ${number}` }))
    desk.failNext(null, { status: 429, headers: { 'retry-after': '30' } }, null, { status: 503 })
    await house.advance(80_000)
    for (let round = 0; round < 5; round += 1) await house.advance(40_000)
    expect(
      told('on-created')
        .map((each) => (each as { externalId: string }).externalId)
        .toSorted(),
    ).toEqual(ids.toSorted())
    expect([told('on-updated'), told('on-deleted')]).toEqual([[], []])
    const { items } = await client.externalEventSubscriptions.list({})
    const pull = await client.externalEventPulls.pullEvents({ params: { id: items[0]?.id ?? '' } })
    expect(pull).toMatchObject({ status: 'success', collectedEventIds: [] })
  })
})
