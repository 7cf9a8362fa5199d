import { contract, type EndpointTable } from '@permea/contract'
import { addApp, buildHouse, connectApp, refusalKey } from '@permea/testkit'
import { expect, test } from 'vitest'

test('a search goes through elements of every kind, page by page, as the token may see them', async () => {
  await using house = await buildHouse()
  const { admin } = house
  await admin.flows.create({ body: { key: 'lamps-on', name: 'Lamps on' } })
  await admin.actions.create({ body: { key: 'lamps-off', type: 'list-data-records' } })
  await admin.dataSources.create({ body: { key: 'All Lamps' } })
  await admin.customers.create({ body: { internalId: 'lamps-ltd', name: 'Lamps Ltd' } })
  const { items } = await admin.search.find({ query: { q: 'lamps' } })
  expect(items.map((each) => each.elementType)).toEqual(['customer', 'flow', 'action', 'data-source'])
  const seen: string[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await admin.search.find({
      query: { q: 'lamps', limit: 1, ...(cursor === undefined ? {} : { cursor }) },
    })
    seen.push(...page.items.map((each) => each.elementType))
    if (page.cursor === undefined) break
    cursor = page.cursor
  }
  expect(seen).toEqual(['customer', 'flow', 'action', 'data-source'])
  expect((await admin.search.find({ query: { q: 'lamps', elementType: 'action' } })).items).toHaveLength(1)
  const alike = await admin.search.findAlike({ query: { q: 'lamps', limit: 2 } })
  expect(alike.items).toEqual(items.slice(0, 2))
  const client = await house.as('acme')
  expect((await client.search.find({ query: { q: 'lamps' } })).items.map((each) => each.elementType)).not.toContain(
    'customer',
  )
  expect(await refusalKey(admin.search.find({ query: { q: 'lamps', cursor: 'nowhere x' } }))).toBe('invalid_input')
})

/** Lists of elements by their names, of which each has one called "Lamps". */
const LISTS = [
  'actions',
  'appEventTypes',
  'brokerSources',
  'connections',
  'connectors',
  'customers',
  'dataSources',
  'externalEventSubscriptions',
  'externalEventTypes',
  'flowInstances',
  'flows',
  'integrations',
]

test('what stands for any letters in a pattern is looked for as it is written, in every list', async () => {
  await using house = await buildHouse()
  const { admin } = house
  const name = 'Lamps'
  const nothing = 'export default () => ({})'
  const hook = { subscribe: nothing, handle: nothing, unsubscribe: nothing }
  await admin.actions.create({ body: { key: 'lamps', name, type: 'list-data-records' } })
  await admin.dataSources.create({ body: { key: 'lamps', name } })
  await admin.flows.create({ body: { key: 'lamps', name } })
  await admin.customers.create({ body: { internalId: 'lamps', name } })
  await admin.appEventTypes.create({ body: { key: 'lamps', name } })
  await admin.externalEventTypes.create({ body: { key: 'lamps', name, ...hook } })
  await admin.brokerSources.create({
    body: { key: 'lamps', name, appEventTypeId: 'lamps', url: 'nats://127.0.0.1:9/l' },
  })
  await addApp(house, { url: 'http://127.0.0.1:9', key: 'lamps' })
  const { client, connection } = await connectApp(house, { customer: 'lamps', integrationKey: 'lamps', key: 'lamps' })
  await client.flowInstances.create({ body: { flowKey: 'lamps', name } })
  await client.externalEventSubscriptions.create({
    body: { connectionId: connection.id, externalEventTypeKey: 'lamps', name, webhookUri: 'http://127.0.0.1:9/' },
  })
  const found: Record<string, number[]> = {}
  for (const group of LISTS) {
    const { list } = contract[group as keyof typeof contract] as EndpointTable
    found[group] = []
    for (const search of ['LAMPS', 'l_mps', 'l%s', '%', '\\']) {
      const answer = await fetch(`${house.url}${list?.path}?search=${encodeURIComponent(search)}`, {
        headers: { authorization: `Bearer ${await house.tokenOf({ isAdmin: true })}` },
      })
      found[group].push(((await answer.json()) as { items: unknown[] }).items.length)
    }
  }
  expect(found).toEqual(Object.fromEntries(LISTS.map((group) => [group, [1, 0, 0, 0, 0]])))
})
