import {
  addApp,
  answering,
  connectApp,
  createEngineProcess,
  createTestDatabase,
  type EngineProcess,
  startReceiver,
  startRecordApp,
  ticketCollection,
  until,
} from '@permea/testkit'
import { expect, test } from 'vitest'

const RECORDS = 60
const LONG_MS = 90_000

const tell = (uri: string, id: string) => ({
  type: 'custom-http-request',
  config: { request: { method: 'POST', uri, body: { id: { $var: id } } } },
})
const dataSource = { collectionKey: 'tickets', fullSyncIntervalSeconds: 86_400 }
const watch = (url: string) => ({
  t: { type: 'data-record-created-trigger', config: { dataSource }, links: [{ key: 'tell' }] },
  tell: tell(`${url}/created`, '$.input.t.record.id'),
})
const walk = (url: string) => ({
  go: { type: 'api-trigger', links: [{ key: 'tickets' }] },
  tickets: { type: 'list-data-records', config: { dataSource }, links: [{ key: 'loop' }] },
  loop: { type: 'for-each-v2', config: { items: { $var: '$.input.tickets' }, rootNodeKey: 'tell' } },
  tell: tell(`${url}/walked`, '$.input.loop.item.id'),
})

test('processes that share a database and are killed while they look at an app lose and invent no change of it', {
  timeout: 240_000,
}, async () => {
  await using database = await createTestDatabase()
  await using receiver = await startReceiver()
  receiver.behave(answering(200))
  await using desk = await startRecordApp()
  desk.pageSize = 4
  const options = { databaseUrl: database.url, reachablePorts: [receiver.port, Number(new URL(desk.url).port)] }
  await using first = await createEngineProcess(options)
  await using second = await createEngineProcess(options)
  await Promise.all([first.start(), second.start()])
  const admin = first.as({ isAdmin: true })
  await addApp({ admin }, { url: desk.url, data: { tickets: ticketCollection } })
  for (const [key, nodes] of Object.entries({ watch, walk }))
    await admin.flows.create({ body: { key, nodes: nodes(receiver.url) } })
  const { client, connection } = await connectApp({ as: async (id) => first.as({ id }) }, { customer: 'acme' })
  const watching = { flowKey: 'watch', connectionId: connection.id, autoCreate: true } as const
  await client.flowInstances.getByQuery({ query: watching })
  const looks = async (at: EngineProcess) => (await at.as({ isAdmin: true }).externalEventPulls.list({})).items
  await until('the first look is over', LONG_MS, async () => (await looks(first))[0]?.status === 'success')
  const told = (path: string) =>
    receiver.received.filter((each) => each.path === path).map((each) => (each.json as { id: string }).id)

  const ids: string[] = []
  for (let number = 1; number <= RECORDS; number += 1)
    ids.push(await desk.create('tickets', { subject: `No ${number}` }))
  const params = { id: (await client.externalEventSubscriptions.list({})).items[0]?.id ?? '' }
  // Both are asked at the same moment; what was asked of one that dies is not answered.
  for (const each of [first, second])
    void each
      .as({ isAdmin: true })
      .externalEventPulls.pullEvents({ params })
      .catch(() => undefined)
  await until('the fourth page is read', LONG_MS, () => told('/created').length >= 12)
  await first.kill('SIGKILL')
  await until('the look is over', LONG_MS, async () => (await looks(second))[0]?.status === 'success')
  await until('all is told', LONG_MS, () => new Set(told('/created')).size === RECORDS)
  expect(new Set(told('/created'))).toEqual(new Set(ids))
  const [look, baseline, ...others] = await looks(second)
  expect(others).toEqual([])
  expect(baseline?.found).toEqual({ created: 0, updated: 0, deleted: 0, skipped: 0 })
  expect(look?.found).toEqual({ created: RECORDS, updated: 0, deleted: 0, skipped: 0 })
  // Steps under way when a process dies are done again; events are not made again.
  const left = second.as({ id: 'acme' })
  const events = await left.externalEvents.list({ query: { limit: 100 } })
  expect(events.items).toHaveLength(RECORDS)

  const query = { flowKey: 'walk', connectionId: connection.id, autoCreate: true } as const
  const { id } = await left.flowInstances.getByQuery({ query })
  const run = await left.flowRuns.create({ body: { flowInstanceId: id } })
  await until('the second page is under way', LONG_MS, () => told('/walked').length >= 6)
  await second.kill('SIGKILL')
  await first.start()
  await until('the run is over', LONG_MS, async () => {
    const { state } = await first.as({ isAdmin: true }).flowRuns.get({ params: { id: run.id } })
    return state === 'completed'
  })
  expect(new Set(told('/walked'))).toEqual(new Set(ids))
  expect(told('/walked').length).toBeLessThanOrEqual(RECORDS + 1)
})
