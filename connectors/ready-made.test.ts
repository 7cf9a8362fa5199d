import { buildHouse, type House } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

let house: House

beforeAll(async () => {
  house = await buildHouse()
})

afterAll(() => house[Symbol.asyncDispose]())

test('every ready-made connector could be saved as one of a workspace: its functions load, its schemas and formulas work', async () => {
  const { items } = await house.admin.connectors.list({ query: { limit: 1000 } })
  expect(items.length).toBeGreaterThanOrEqual(30)
  for (const { key, id } of items) {
    const ready = await house.admin.connectors.get({ params: { selector: id } })
    const { uuid: _, ...definition } = ready
    const own = await house.admin.connectors.create({ body: { ...definition, key: `own-${key}` } })
    expect(own).toMatchObject({ options: ready.options, events: ready.events, operations: ready.operations })
  }
})
