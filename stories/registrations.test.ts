import type { Permea } from '@permea/sdk'
import {
  createEngineProcess,
  createTestDatabase,
  type EngineProcess,
  type ExternalApp,
  pause,
  seededRandom,
  startExternalApp,
  until,
} from '@permea/testkit'
import { describe, expect, test } from 'vitest'
import { connectVendor, offerVendor, projectUpdated } from './vendor.ts'

// What should be registered at an external app is what is registered there: once, whatever happens in between.

// More are run by hand: `KILLS=30 npx vitest run stories/registrations.test.ts`.
const KILLS = Number(process.env.KILLS ?? 3)
const SETTLES_MS_MAX = 60_000

/** Every living subscription of the customer has one registration at the app, and nothing else has. */
async function expectOneEach(customer: Permea, vendor: ExternalApp): Promise<number> {
  const subscribed = await until('every subscription is settled', SETTLES_MS_MAX, async () => {
    const { items } = await customer.externalEventSubscriptions.list({ query: { limit: 1000 } })
    return items.every((item) => item.status === 'subscribed') ? items : null
  })
  await until(
    'the app has as many registrations',
    SETTLES_MS_MAX,
    () => vendor.registrations.size === subscribed.length,
  )
  const events = [...vendor.registrations.values()].map((registration) => registration.event).sort()
  expect(events).toEqual(subscribed.map((item) => String(item.parameters.eventName)).sort())
  return subscribed.length
}

async function setUp(
  vendor: ExternalApp,
  subscribe = projectUpdated.subscribe,
): Promise<{ engine: EngineProcess; admin: Permea; acme: Permea; connection: { id: string } } & AsyncDisposable> {
  const database = await createTestDatabase()
  const engine = await createEngineProcess({ databaseUrl: database.url, reachablePorts: [vendor.port] })
  await engine.start()
  const admin = engine.as({ isAdmin: true })
  const acme = engine.as({ id: 'acme' })
  await offerVendor(admin, vendor)
  await admin.externalEventTypes.create({ body: { ...projectUpdated, subscribe } })
  return {
    engine,
    admin,
    acme,
    connection: await connectVendor(acme, vendor),
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}

const create = (acme: Permea, connectionId: string, eventName: string) =>
  acme.externalEventSubscriptions.create({
    body: { connectionId, externalEventTypeKey: 'project-updated', parameters: { eventName } },
  })

/** A `subscribe` that looks for its own registration first, as those of the ready-made connectors do. */
const LOOKING_FIRST = `export default async function subscribe({ apiClient, webhookUri, parameters }) {
  const { data: hooks } = await apiClient.get('/webhooks')
  const known = hooks.find((hook) => hook.url === webhookUri)
  const { id } = known ?? (await apiClient.post('/webhooks', { url: webhookUri, event: parameters.eventName }))
  return { state: { webhookId: id } }
}`

describe.each([
  { app: 'knows repeated requests by their idempotency key', isIdempotent: true, subscribe: projectUpdated.subscribe },
  { app: 'can only be asked what it has', isIdempotent: false, subscribe: LOOKING_FIRST },
])('an app that $app', ({ isIdempotent, subscribe }) => {
  test(`has one registration per subscription after the engine was killed ${KILLS} times at any moment`, {
    timeout: 60_000 + KILLS * 30_000,
  }, async () => {
    const random = seededRandom()
    await using vendor = await startExternalApp({ isIdempotent })
    await using house = await setUp(vendor, subscribe)
    const { engine, acme, connection } = house
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const called = vendor.calls.length
      const asked = create(acme, connection.id, `event-${kill}`).catch(() => null)
      const removed = kill % 3 === 0 ? removeOne(acme) : null
      await until('the app was called', SETTLES_MS_MAX, () => vendor.calls.length > called)
      await pause(random.between(0, 60))
      await engine.kill('SIGKILL')
      await Promise.all([asked, removed])
      await engine.start()
      await expectOneEach(acme, vendor)
    }
    const sums = { seed: random.seed, kills: KILLS, isIdempotent, registrations: vendor.registrations.size }
    process.stdout.write(`${JSON.stringify(sums)}\n`)
  })
})

test('killed before it has heard the answer, the engine asks again with the same key, and the app registers once', {
  timeout: 120_000,
}, async () => {
  await using vendor = await startExternalApp({ isIdempotent: true })
  await using house = await setUp(vendor)
  const { engine, acme, connection } = house
  for (let kill = 1; kill <= 3; kill += 1) {
    // The app keeps the registration, and the engine dies before it hears of it.
    vendor.onRegistered = () => engine.kill('SIGKILL')
    await create(acme, connection.id, `event-${kill}`).catch(() => null)
    vendor.onRegistered = null
    await until('the engine is gone', SETTLES_MS_MAX, () => !engine.isUp)
    await engine.start()
    expect(await expectOneEach(acme, vendor)).toBe(kill)
  }
})

test('disconnecting and connecting anew, archiving and restoring leave one registration each', {
  timeout: 120_000,
}, async () => {
  await using vendor = await startExternalApp()
  await using house = await setUp(vendor)
  const { admin, acme, connection } = house
  await Promise.all([1, 2, 3].map((n) => create(acme, connection.id, `event-${n}`)))
  expect(await expectOneEach(acme, vendor)).toBe(3)

  // The key is changed at the app: the connection is lost, and comes back with the new one.
  await acme.connections.patch({ params: { selector: connection.id }, body: { input: { apiKey: vendor.apiKey } } })
  expect(await expectOneEach(acme, vendor)).toBe(3)

  const type = await admin.externalEventTypes.get({ params: { selector: 'project-updated' } })
  await admin.externalEventTypes.archive({ params: { selector: type.id } })
  await until('an archived type has no registration', SETTLES_MS_MAX, () => vendor.registrations.size === 0)
  await admin.externalEventTypes.restore({ params: { selector: type.id } })
  expect(await expectOneEach(acme, vendor)).toBe(3)

  await admin.customers.archive({ params: { selector: 'acme' } })
  await until('an archived customer has no registration', SETTLES_MS_MAX, () => vendor.registrations.size === 0)
  await admin.customers.restore({ params: { selector: 'acme' } })
  expect(await expectOneEach(acme, vendor)).toBe(3)

  const { items } = await acme.externalEventSubscriptions.list()
  await Promise.all(items.map((item) => acme.externalEventSubscriptions.resubscribe({ params: { id: item.id } })))
  expect(await expectOneEach(acme, vendor)).toBe(3)

  await acme.connections.archive({ params: { selector: connection.id } })
  await until('an archived connection has no registration', SETTLES_MS_MAX, () => vendor.registrations.size === 0)
  await acme.connections.restore({ params: { selector: connection.id } })
  expect(await expectOneEach(acme, vendor)).toBe(3)
})

async function removeOne(acme: Permea): Promise<void> {
  const { items } = await acme.externalEventSubscriptions.list().catch(() => ({ items: [] }))
  const [first] = items
  if (first !== undefined) await acme.externalEventSubscriptions.archive({ params: { id: first.id } }).catch(() => null)
}
