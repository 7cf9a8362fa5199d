import { buildHouse, type House } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

let house: House
let other: House

beforeAll(async () => {
  house = await buildHouse({ clock: 'settable', engine: { auditRetentionDays: 30 } })
  // Another process on the same database.
  other = await buildHouse({
    clock: 'settable',
    database: { url: house.databaseUrl, workspace: house.workspace },
  })
})
afterAll(async () => {
  await other[Symbol.asyncDispose]()
  await house[Symbol.asyncDispose]()
})

test('processes that record at once make one chain without gaps', async () => {
  const make = (of: House, name: string) =>
    Promise.all(
      Array.from({ length: 60 }, (_, at) => of.admin.customers.create({ body: { internalId: `${name}-${at}`, name } })),
    )
  await Promise.all([make(house, 'one'), make(other, 'two')])
  expect(await other.admin.auditLog.verify()).toMatchObject({
    isIntact: true,
    records: 120,
    firstSequence: 1,
    lastSequence: 120,
  })
})

test('records leave when they are old enough, the chain holds, and its end is the same to who kept it', async () => {
  const dayMs = 86_400_000
  await house.advance(20 * dayMs)
  await house.admin.customers.create({ body: { internalId: 'later', name: 'Later' } })
  await house.advance(15 * dayMs)
  await house.engine.audit.retain()
  const { items } = await house.admin.auditLog.list()
  expect(items.map((each) => each.action)).toEqual(['auditLog.retain', 'customers.create'])
  expect(items[0]).toMatchObject({
    actor: { kind: 'engine' },
    sequence: 122,
    after: { leftUpTo: 120, retentionDays: 30 },
  })
  expect(await house.admin.auditLog.verify()).toMatchObject({
    isIntact: true,
    records: 2,
    firstSequence: 121,
    leftBySequence: 120,
    hash: items[0]?.hash,
  })
  // Not again the same day, and not what is not old enough.
  await house.engine.audit.retain()
  expect((await house.admin.auditLog.list()).items).toHaveLength(2)
  await house.advance(31 * dayMs)
  await house.engine.audit.retain()
  await house.admin.customers.create({ body: { internalId: 'last', name: 'Last' } })
  expect(await house.admin.auditLog.verify()).toMatchObject({ isIntact: true, leftBySequence: 122, firstSequence: 123 })
})
