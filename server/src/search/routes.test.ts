import { buildHouse, refusalKey } from '@permea/testkit'
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
