import { addApp, buildHouse, connectApp, refusalKey, startRecordApp } from '@permea/testkit'
import { expect, test } from 'vitest'

/** An event that the connector is asked for: the numbers from where it stood. */
const counted = {
  name: 'Counted',
  implementationType: 'pull' as const,
  pull: 'export default ({ state }) => ({ events: [{ number: (state.at ?? 0) + 1 }], state: { at: (state.at ?? 0) + 1 } })',
}
const toldOf = {
  name: 'Told of',
  implementationType: 'webhook' as const,
  subscribe: 'export default () => ({ state: {} })',
  handle: 'export default () => ({ events: [] })',
  unsubscribe: 'export default () => {}',
}

test('a connector’s event is looked for when it is asked for, from where it stood', async () => {
  await using app = await startRecordApp()
  await using house = await buildHouse()
  await addApp(house, { url: app.url, events: { counted, told: toldOf } })
  const { client, connection } = await connectApp(house, { customer: 'acme' })
  const { externalEventSubscriptions: subscriptions, externalEventPulls: pulls } = client
  const { id } = await subscriptions.create({ body: { connectionId: connection.id, eventKey: 'counted' } })
  await house.settle()
  const events = async () =>
    (await client.externalEvents.list({ query: { externalEventSubscriptionId: id } })).items.length
  const before = await events()
  const pull = await pulls.pullEvents({ params: { id } })
  expect(pull).toMatchObject({ status: 'success', isFullScan: false })
  expect(await events()).toBe(before + 1)
  expect((await pulls.list({ query: { connectionId: connection.id } })).items[0]).toEqual(pull)
  const other = await house.as('other')
  expect(await refusalKey(other.externalEventPulls.get({ params: { id: pull.id } }))).toBe('not_found')
  expect((await other.externalEventPulls.list({})).items).toEqual([])
  const told = await subscriptions.create({ body: { connectionId: connection.id, eventKey: 'told' } })
  expect(await refusalKey(pulls.pullEvents({ params: { id: told.id } }))).toBe('not_supported')
  await subscriptions.archive({ params: { id } })
  expect(await refusalKey(pulls.pullEvents({ params: { id } }))).toBe('archived')
})
