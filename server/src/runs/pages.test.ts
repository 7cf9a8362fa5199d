import {
  addApp,
  answering,
  buildHouse,
  connectApp,
  createTestDatabase,
  type House,
  type Receiver,
  type RecordApp,
  startReceiver,
  startRecordApp,
  ticketCollection,
  until,
} from '@permea/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'

let receiver: Receiver
let desk: RecordApp

beforeEach(async () => {
  receiver = await startReceiver()
  receiver.behave(answering(200))
  desk = await startRecordApp()
  desk.pageSize = 10
})

afterEach(async () => {
  await desk[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
})

/** A flow that lists the tickets and tells your app of each; gives what launches it. */
async function furnish(house: House, inner: object = {}) {
  await addApp(house, { url: desk.url, data: { tickets: ticketCollection } })
  const { client, connection } = await connectApp(house, { customer: 'acme' })
  const body = { id: { $var: '$.input.loop.item.id' } }
  const nodes = {
    go: { type: 'api-trigger', links: [{ key: 'tickets' }] },
    tickets: {
      type: 'list-data-records',
      config: { dataSource: { collectionKey: 'tickets' } },
      links: [{ key: 'loop' }],
    },
    loop: { type: 'for-each-v2', config: { items: { $var: '$.input.tickets' }, rootNodeKey: 'tell' } },
    tell: { type: 'api-request-to-your-app', config: { request: { method: 'POST', uri: '/tell', body } }, ...inner },
  }
  await house.admin.flows.create({ body: { key: 'walk', nodes } })
  const query = { flowKey: 'walk', connectionId: connection.id, autoCreate: true } as const
  const instance = await client.flowInstances.getByQuery({ query })
  return () => client.flowRuns.create({ body: { flowInstanceId: instance.id } })
}

const told = () => receiver.received.map((each) => (each.json as { id: string }).id)
const pagesAsked = () =>
  desk.received.map((each) => new URL(each.path, desk.url).searchParams.get('cursor') ?? '0').map(Number)

async function fill(count: number, fields: object = {}): Promise<string[]> {
  const ids: string[] = []
  for (let number = 1; number <= count; number += 1)
    ids.push(await desk.create('tickets', { subject: `No ${number}`, ...fields }))
  return ids
}

test('each page goes into the for-each before the next one is read, and one that the app refuses for now is asked again', async () => {
  await using house = await buildHouse({ clock: 'settable', appBaseUri: receiver.url })
  const launch = await furnish(house)
  const ids = await fill(25)
  receiver.behave((request, response) =>
    answering((request.json as { id: string }).id === ids[3] ? 400 : 200)(request, response),
  )
  const toldBefore: number[] = []
  desk.onPage = () => {
    toldBefore.push(told().length)
  }
  const before = desk.received.length
  desk.failNext(null, { status: 429, headers: { 'retry-after': '30' } })
  const run = await launch()
  await house.settle()
  expect((await house.admin.flowRuns.get({ params: { id: run.id } })).state).toBe('running')
  expect(told()).toEqual(ids.slice(0, 10))
  await house.advance(31_000)
  expect(told()).toEqual(ids)
  expect(toldBefore).toEqual([0, 10, 20])
  // What was read is not read again.
  expect(pagesAsked().slice(before)).toEqual([0, 10, 10, 20])

  // What failed before it waited is not forgotten.
  const { state, nodes, errors } = await house.admin.flowRuns.get({ params: { id: run.id } })
  expect([state, errors?.map(({ data }) => data)]).toMatchObject(['failed', [{ nodeKey: 'tell' }]])
  expect(nodes).toMatchObject({ tickets: { runs: 3 }, loop: { runs: 3 }, tell: { runs: 25, erroredRuns: 1 } })
  const shown = await house.admin.flowRuns.nodeRuns({ params: { id: run.id, nodeKey: 'loop' } })
  expect(shown.items.map((each) => (each.input as { tickets: unknown[] }).tickets.length)).toEqual([10, 10, 5])
  const pages = await house.admin.flowRuns.nodeRuns({ params: { id: run.id, nodeKey: 'tickets' } })
  expect(pages.items.map((each) => [each.upstreamRuns.length, each.outputs[0]?.downstreamRuns.length])).toEqual([
    [1, 1],
    [1, 1],
    [1, 1],
  ])

  // From the inner node on, all pages are gone through again, and none of them is read.
  const listed = desk.received.length
  await house.admin.flowRuns.repeat({ params: { id: run.id }, body: { fromNodeKey: 'tell' } })
  await house.settle()
  expect(told()).toEqual([...ids, ...ids])
  expect(desk.received.length).toBe(listed)
})

test('a run that is killed in the middle of a list goes on with the items it had begun with, and repeats none that was finished', async () => {
  await using database = await createTestDatabase()
  const first = await buildHouse({ appBaseUri: receiver.url, database })
  const launch = await furnish(first)
  // Long enough that a page is not held while the run goes on.
  const ids = await fill(35, { body: 'x'.repeat(20_000) })
  // The fifteenth is asked and never answered.
  const hanging = Promise.withResolvers<void>()
  receiver.behave((request, response) => {
    if (told().length < 15) return answering(200)(request, response)
    hanging.resolve()
  })
  await launch()
  await hanging.promise
  await first[Symbol.asyncDispose]()
  // Meanwhile the list moves: what was first is gone, and something new stands before the second page.
  for (const id of ids.slice(0, 3)) await desk.remove('tickets', id)
  const pagesBefore = desk.received.length
  receiver.behave(answering(200))
  await using second = await buildHouse({ database: { url: database.url, workspace: first.workspace } })
  await until(
    'the run is over',
    60_000,
    async () => (await second.admin.flowRuns.list({})).items[0]?.state === 'completed',
  )
  // The one that was under way is told of again; of those behind it, the three that had moved to the page before are not met.
  expect(told()).toEqual([...ids.slice(0, 15), ...ids.slice(14, 20), ...ids.slice(23)])
  expect(pagesAsked().slice(pagesBefore)).toEqual([20, 30])
})

test('a list that is longer than what a node may put out goes through, and a record that it shows twice once', async () => {
  await using house = await buildHouse({ appBaseUri: receiver.url })
  const launch = await furnish(house, { type: 'transform-data', config: { output: { $var: '$.input.loop.item.id' } } })
  const ids = await fill(52, { body: 'x'.repeat(400_000) })
  // Something new at the front moves what was last on a page to the next one.
  desk.onPage = (_, from) => {
    if (from !== 10) return
    const all = [...(desk.records.get('tickets') ?? [])]
    desk.records.set('tickets', new Map([['new', { id: 'new' }], ...all]))
  }
  const { id } = await launch()
  await house.settle()
  const run = await house.admin.flowRuns.get({ params: { id } })
  expect([run.state, run.errors]).toEqual(['completed', undefined])
  expect(run.nodes).toMatchObject({ tickets: { runs: 6 }, tell: { runs: ids.length } })
})
