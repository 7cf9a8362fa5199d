import { addApp, buildHouse, connectApp, refusalKey } from '@permea/testkit'
import { expect, test } from 'vitest'

const NOTHING = 'export default () => ({})'
const FUNCTIONS = { subscribe: NOTHING, handle: NOTHING, unsubscribe: NOTHING }

test('a type is copied, goes back to its parent, and tells what it hangs on', async () => {
  await using house = await buildHouse()
  await addApp(house, { url: 'http://127.0.0.1:9' })
  const types = house.admin.externalEventTypes
  const parent = await types.create({ body: { key: 'thing', name: 'Thing', ...FUNCTIONS, schema: { type: 'object' } } })
  const child = await types.create({ body: { key: 'thing', integrationKey: 'crm', schema: { type: 'array' } } })
  const params = { selector: child.id }
  expect(await types.refresh({ params })).toEqual(child)
  expect(await types.dependencies({ params })).toMatchObject([{ type: 'PARENT', element: { id: parent.id } }])
  const copy = await types.clone({ params })
  expect(copy).toMatchObject({ layer: 'integration', name: 'Thing (copy)', schema: { type: 'array' } })
  expect(copy.subscribe).toEqual(parent.subscribe)
  const reset = await types.reset({ params })
  expect([reset.overrides ?? [], reset.parentId]).toEqual([[], parent.id])
  await types.archive({ params })
  expect(await refusalKey(types.reset({ params }))).toBe('archived')
})

test('a subscription that was removed is brought back, and tells what it hangs on', async () => {
  await using house = await buildHouse()
  await addApp(house, { url: 'http://127.0.0.1:9' })
  const { id: typeId } = await house.admin.externalEventTypes.create({ body: { key: 'thing', ...FUNCTIONS } })
  const { client, connection } = await connectApp(house, { customer: 'acme' })
  const subscriptions = client.externalEventSubscriptions
  const body = { connectionId: connection.id, externalEventTypeId: typeId }
  const { id } = await subscriptions.create({ body })
  const params = { id }
  expect(await subscriptions.refresh({ params })).toMatchObject({ status: 'subscribed' })
  expect((await subscriptions.dependencies({ params })).map((each) => each.element?.id)).toEqual([
    connection.id,
    typeId,
  ])
  await subscriptions.archive({ params })
  expect(await refusalKey(subscriptions.refresh({ params }))).toBe('archived')
  expect(await subscriptions.restore({ params })).toMatchObject({ id, status: 'subscribed' })
  expect((await subscriptions.get({ params })).archivedAt).toBeUndefined()
})
