import { buildHouse, type House } from '@permea/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Condition } from './alert.ts'

let house: House

beforeEach(async () => {
  house = await buildHouse({ clock: 'settable' })
})

afterEach(async () => {
  await house[Symbol.asyncDispose]()
})

const condition = (): Condition => ({
  workspaceId: house.workspace.id,
  key: 'flow_failing:of a test',
  type: 'flow_failing',
  severity: 'warning',
  description: 'The last 5 runs of a flow failed',
  customerId: null,
  contextKey: null,
})

const raise = () => house.engine.database.transaction((tx) => house.engine.alerts.raise(tx, condition()))
const told = async () => (await house.admin.deliveries.list({ query: { eventType: 'alert.created' } })).items.length

test('raised, it is told of once; bumped while it lasts, not again; after it was resolved, once more', async () => {
  await house.admin.notificationEndpoints.create({
    body: { url: 'http://127.0.0.1:1/', eventTypes: ['alert.created'] },
  })
  await raise()
  expect(await told()).toBe(1)
  await raise()
  expect(await told()).toBe(1)
  await house.engine.alerts.resolve(house.engine.database.db, house.workspace.id, condition().key)
  await raise()
  expect(await told()).toBe(2)
  expect((await house.admin.alerts.list()).items).toHaveLength(1)
})
