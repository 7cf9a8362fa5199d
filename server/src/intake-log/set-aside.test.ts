import { buildHouse } from '@permea/testkit'
import { expect, test } from 'vitest'
import { systemClock } from '../platform/clock.ts'
import { createIds, toWire } from '../platform/ids.ts'
import { encodeEntries, type LoggedEvents } from './log-entry.ts'
import { insertSetAside } from './store.ts'

test('what was set aside is listed, applied when asked to, and kept with its error where it cannot be', async () => {
  await using house = await buildHouse()
  const { database } = house.engine
  await house.admin.customers.create({ body: { internalId: 'anna' } })
  const { globalWebhookUri } = await house.admin.appEventTypes.create({ body: { key: 'e' } })
  const ids = createIds(systemClock)
  const uuid = async (table: string) =>
    (await database.pool.query<{ id: string }>(`select id from ${table}`)).rows[0]?.id ?? ''
  const [customerId, appEventTypeId] = [await uuid('customers'), await uuid('app_event_types')]
  const webhookKey = globalWebhookUri.split('/').at(-1) ?? ''
  const entry = (payload: string): LoggedEvents => ({
    ...{ kind: 'events', id: ids.next(), urlKey: webhookKey, scope: null, status: 200, answer: null },
    events: [
      {
        event: {
          id: ids.next(),
          workspaceId: house.workspace.id,
          customerId,
          appEventTypeId,
          subscriptionId: null,
          payload,
        },
        address: { webhookKey, customerId },
        pending: null,
      },
    ],
  })
  const row = (workspaceId: string | null, bytes: Buffer) => ({
    ...{ id: ids.next(), workspaceId, shard: 1, sequence: 7, entry: bytes, error: 'it could not', tries: 5 },
  })
  const [good, unreadable] = [
    row(house.workspace.id, encodeEntries([entry('{"n":1}')])),
    row(null, Buffer.from('what')),
  ]
  for (const each of [good, unreadable]) await insertSetAside(database.db, each)

  const { items } = await house.admin.setAsideIntake.list()
  expect(items.map(({ id, excerpt, tries }) => ({ id, excerpt, tries }))).toEqual([
    { id: toWire('isa', unreadable.id), excerpt: undefined, tries: 5 },
    { id: toWire('isa', good.id), excerpt: '{"n":1}', tries: 5 },
  ])
  const one = (id: string) => house.admin.setAsideIntake.get({ params: { id: toWire('isa', id) } })
  expect(await one(good.id)).toMatchObject({ excerpt: '{"n":1}', error: 'it could not', shard: 1, sequence: 7 })
  const replay = (id: string) => house.admin.setAsideIntake.replay({ params: { id: toWire('isa', id) } })
  expect(await replay(good.id)).toEqual({ isApplied: true })
  await house.settle()
  const events = (await house.admin.appEvents.list()).items
  expect(events.map(({ event }) => event)).toEqual([{ n: 1 }])
  for (const ask of [replay, one]) await expect(ask(good.id)).rejects.toMatchObject({ key: 'not_found' })
  expect(await replay(unreadable.id)).toEqual({ isApplied: false, error: expect.stringContaining('no message') })
  expect((await house.admin.setAsideIntake.list()).items).toMatchObject([{ tries: 6 }])
})
