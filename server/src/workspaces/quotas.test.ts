import type { WorkspaceQuotas } from '@permea/contract'
import { addApp, buildHouse, connectApp, type House, houseIn, refusalKey, until } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../platform/database.ts'

let house: House

beforeAll(async () => {
  house = await buildHouse({ clock: 'settable', startsAt: new Date('2031-03-30T22:00:00Z'), engine: { tickMs: 100 } })
})
afterAll(() => house[Symbol.asyncDispose]())

/** A workspace of its own, with an event type, a customer, and these bounds. */
async function bounded(quotas: WorkspaceQuotas) {
  const made = await house.admin.workspaces.create({ body: { name: 'Bounded' } })
  const own = await houseIn(house, made)
  const { globalWebhookUri = '' } = await own.admin.appEventTypes.create({ body: { key: 'order', name: 'Order' } })
  const token = await own.tokenOf({ id: 'anna' }, 400 * 86_400)
  await (await own.as('anna')).customers.self()
  const params = { id: made.key }
  const set = (body: WorkspaceQuotas) => house.admin.workspaces.setQuotas({ params, body })
  await set(quotas)
  return {
    ...own,
    params,
    set,
    send: async (body: unknown = { order: 1 }, to = globalWebhookUri) => {
      const response = await fetch(to, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      const { key, message, data } = (await response.json().catch(() => ({}))) as {
        key?: string
        message?: string
        data?: unknown
      }
      return { status: response.status, key, message, data, after: Number(response.headers.get('retry-after')) }
    },
    used: async (quota: string) =>
      (await own.admin.workspaces.usage({ params })).items.find((each) => each.quota === quota),
    stored: async () => {
      const { rows } = await sql<{ count: number }>`
        select ((select count(*) from app_events where workspace_id = ${own.workspace.id})
              + (select count(*) from external_events where workspace_id = ${own.workspace.id}))::integer as count`.execute(
        house.engine.database.db,
      )
      return rows[0]?.count
    },
  }
}

test('what goes over the events of a day is refused by the name of the quota, until the next day', async () => {
  const one = await bounded({ eventsPerDay: 3 })
  const other = await bounded({})
  for (const _ of [1, 2, 3]) expect((await one.send()).status).toBe(200)
  const refused = await one.send()
  expect(refused).toMatchObject({ status: 429, key: 'quota_exceeded', data: { quota: 'eventsPerDay', limit: 3 } })
  expect(refused.message).toContain('3 events a day (quota eventsPerDay); nothing was stored')
  // To midnight, UTC.
  expect(refused.after).toBeGreaterThan(6000)
  expect(refused.after).toBeLessThanOrEqual(7200)
  expect((await other.send()).status).toBe(200)
  expect([await one.stored(), await other.stored()]).toEqual([3, 1])
  expect(await one.used('eventsPerDay')).toMatchObject({ used: 3, limit: 3, resetsAt: '2031-03-31T00:00:00.000Z' })
  await one.set({ eventsPerDay: 4 })
  expect((await one.send()).status).toBe(200)
  await until('it is refused again', 20_000, async () => (await one.send()).status === 429)
  await house.advance(3 * 3_600_000)
  expect((await one.send()).status).toBe(200)
  expect(await one.used('eventsPerMonth')).toMatchObject({ used: 5 })
  await one.set({ eventsPerDay: null, eventsPerMonth: 5 })
  expect(await one.send()).toMatchObject({ status: 429, data: { quota: 'eventsPerMonth' } })
})

test('the request that comes to the line is taken whole, and events of apps count as well', async () => {
  const one = await bounded({ eventsPerMonth: 6 })
  await addApp(one, {
    url: 'http://127.0.0.1:9',
    events: {
      told: {
        name: 'Told',
        implementationType: 'webhook',
        subscribe: 'export default () => ({})',
        handle: 'export default ({ data }) => ({ events: data.events })',
        unsubscribe: 'export default () => {}',
      },
    },
  })
  const { client, connection } = await connectApp(one, { customer: 'anna' })
  await client.externalEventSubscriptions.create({ body: { connectionId: connection.id, eventKey: 'told' } })
  await house.settle()
  const [subscription] = (await one.admin.externalEventSubscriptions.list()).items
  const address = subscription?.incomingWebhookUri ?? ''
  expect((await one.send({ events: [{ a: 1 }, { a: 2 }] }, address)).status).toBe(200)
  await until('they are counted', 20_000, async () => (await one.used('eventsPerMonth'))?.used === 2)
  expect((await one.send([{ order: 1 }, { order: 2 }, { order: 3 }, { order: 4 }, { order: 5 }])).status).toBe(200)
  await until('it is refused', 20_000, async () => (await one.send({ order: 6 })).status === 429)
  expect(await one.send({ events: [{ a: 3 }] }, address)).toMatchObject({ status: 429, key: 'quota_exceeded' })
  expect(await one.stored()).toBe((await one.used('eventsPerMonth'))?.used)
  expect(await one.stored()).toBeGreaterThanOrEqual(7)
})

test('a rate has five seconds at once, and bytes count as they came', async () => {
  const one = await bounded({ eventsPerSecond: 1 })
  const said = await Promise.all(Array.from({ length: 12 }, () => one.send()))
  expect(said.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(5)
  expect(said.find(({ status }) => status === 429)).toMatchObject({
    key: 'quota_exceeded',
    data: { quota: 'eventsPerSecond' },
  })
  await one.set({ eventsPerSecond: 0 })
  expect((await one.send()).status).toBe(429)

  const bytes = await bounded({ storedEventBytes: 100 })
  const event = { text: 'x'.repeat(200) }
  expect((await bytes.send(event)).status).toBe(200)
  expect(await bytes.used('storedEventBytes')).toMatchObject({ used: JSON.stringify(event).length, limit: 100 })
  await until('it is refused', 20_000, async () => (await bytes.send()).status === 429)
  expect(await bytes.send()).toMatchObject({ data: { quota: 'storedEventBytes' } })
})

test('customers, connections and flows: exactly as many as may be, however many are made at once', async () => {
  const one = await bounded({ customers: 4, connections: 1, flows: 2 })
  const { admin } = one
  const made = await Promise.allSettled(
    Array.from({ length: 8 }, (_, at) => admin.customers.create({ body: { internalId: `c${at}`, name: `C${at}` } })),
  )
  expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
  expect(await refusalKey(admin.customers.create({ body: { internalId: 'x', name: 'X' } }))).toBe('quota_reached')
  // A token makes its customer, too; those that are there go on.
  expect(await refusalKey((await one.as('somebody new')).customers.self())).toBe('quota_reached')
  expect((await (await one.as('anna')).customers.self()).internalId).toBe('anna')
  const [first] = (await admin.customers.list()).items
  await admin.customers.archive({ params: { selector: first?.id ?? '' } })
  expect(await one.used('customers')).toMatchObject({ used: 3, limit: 4 })
  await admin.customers.create({ body: { internalId: 'y', name: 'Y' } })
  expect(await refusalKey(admin.customers.restore({ params: { selector: first?.id ?? '' } }))).toBe('quota_reached')

  for (const key of ['a', 'b']) await admin.flows.create({ body: { key, name: key, nodes: {} } })
  const flow = admin.flows.create({ body: { key: 'c', name: 'c', nodes: {} } })
  expect(await flow.catch((error: { message: string }) => error.message)).toContain('quota flows')
  expect(await refusalKey(admin.flows.create({ body: { key: 'c', name: 'c', nodes: {} } }))).toBe('quota_reached')
  await addApp(one, { url: 'http://127.0.0.1:9' })
  await connectApp(one, { customer: 'anna', key: 'one' })
  expect(await refusalKey(connectApp(one, { customer: 'anna', key: 'two' }))).toBe('quota_reached')
  for (const quota of ['customers', 'connections', 'flows']) {
    const { rows } = await house.engine.database.pool.query<{ count: number }>(
      `select count(*)::integer as count from ${quota} where workspace_id = $1 and archived_at is null`,
      [one.workspace.id],
    )
    expect([quota, (await one.used(quota))?.used]).toEqual([quota, rows[0]?.count])
  }
})

test('owners of the installation set quotas; owners of a workspace see their own', async () => {
  const one = await bounded({ customers: 10 })
  const { workspaces } = one.admin
  expect(await refusalKey(workspaces.setQuotas({ params: one.params, body: { customers: null } }))).toBe(
    'access_denied',
  )
  expect(await refusalKey(workspaces.usage({ params: { id: house.workspace.key } }))).toBe('not_found')
  const unknown = { params: { id: 'nowhere' } }
  expect(await refusalKey(house.admin.workspaces.setQuotas({ ...unknown, body: {} }))).toBe('not_found')
  expect(await refusalKey(one.set({ cups: 3 } as never))).toBe('invalid_input')
  expect(await refusalKey(one.set({ customers: -1 }))).toBe('invalid_input')
  expect((await workspaces.get({ params: one.params })).quotas).toEqual({ customers: 10 })
})

test('an alert opens at 80 %, a critical one at 100 %, and they end with what they are about', async () => {
  const one = await bounded({ customers: 5 })
  const ongoing = async () => {
    await house.engine.lookAfterAlerts()
    const { items } = await one.admin.alerts.list({ query: { status: 'ongoing' } })
    return items.map(({ type, severity, description }) => `${type} ${severity} ${description}`).join()
  }
  for (const key of ['b', 'c', 'd']) await one.admin.customers.create({ body: { internalId: key, name: key } })
  await until('80 % are told', 20_000, async () =>
    (await ongoing()).includes('quota_near warning 80 % of the quota customers are used (4 of 5)'),
  )
  await one.admin.customers.create({ body: { internalId: 'e', name: 'e' } })
  await until('100 % are told', 20_000, async () => (await ongoing()).includes('quota_near critical'))
  await one.set({ customers: 50 })
  await until('it is over', 20_000, async () => (await ongoing()) === '')
})
