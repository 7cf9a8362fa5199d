import {
  createEmptyDatabase,
  createEngineProcess,
  createTestDatabase,
  type EngineProcess,
  pause,
  type Receiver,
  startReceiver,
  until,
} from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Parse, startParse } from './parse-process.ts'

// A product that nobody here wrote: Parse Server, with its own Hooks REST API, its own requests and its own ideas of an answer.

const APPLICATION_ID = 'permea-story'
const MASTER_KEY = 'master-key-of-the-story'
const WEBHOOK_KEY = 'webhook-key-of-the-story'
const SETTLES_MS_MAX = 60_000

let parse: Parse
let receiver: Receiver
let engine: EngineProcess
const closing = new AsyncDisposableStack()

beforeAll(async () => {
  receiver = closing.use(await startReceiver())
  const database = closing.use(await createTestDatabase())
  const parseDatabase = closing.use(await createEmptyDatabase())
  parse = closing.use(
    await startParse(parseDatabase.url, {
      applicationId: APPLICATION_ID,
      masterKey: MASTER_KEY,
      webhookKey: WEBHOOK_KEY,
    }),
  )
  engine = closing.use(
    await createEngineProcess({ databaseUrl: database.url, reachablePorts: [parse.port, receiver.port] }),
  )
  await engine.start()
  await engine
    .as({ isAdmin: true })
    .integrations.create({ body: { key: 'parse', name: 'Parse', connectorKey: 'parse-server' } })
}, 120_000)

afterAll(() => closing.disposeAsync())

/** What Parse Server itself says it has. */
async function hooksOf(className: string): Promise<{ triggerName: string; url: string }[]> {
  const hooks = (await parse.call('GET', '/hooks/triggers')) as {
    className: string
    triggerName: string
    url: string
  }[]
  return hooks.filter((hook) => hook.className === className)
}

async function connect(customer: string) {
  const client = engine.as({ id: customer })
  const connection = await client.connections.create({
    body: {
      integrationKey: 'parse',
      input: {
        serverUrl: parse.url,
        applicationId: APPLICATION_ID,
        masterKey: MASTER_KEY,
        webhookKey: WEBHOOK_KEY,
      },
    },
  })
  return { client, connection }
}

test('an object saved in Parse Server becomes a signed delivery, and the hook is gone after the subscription', {
  timeout: 120_000,
}, async () => {
  const { client, connection } = await connect('acme')
  expect(await client.connections.test({ params: { selector: connection.id } })).toEqual({ success: true })
  const subscription = await client.externalEventSubscriptions.create({
    body: {
      connectionId: connection.id,
      eventKey: 'object-trigger',
      parameters: { className: 'GameScore', triggerName: 'afterSave' },
      webhookUri: `${receiver.url}/scores`,
    },
  })
  expect(subscription).toMatchObject({ status: 'subscribed' })
  const incoming = (
    await engine.as({ isAdmin: true }).externalEventSubscriptions.get({ params: { id: subscription.id } })
  ).incomingWebhookUri
  expect(await hooksOf('GameScore')).toMatchObject([
    { className: 'GameScore', triggerName: 'afterSave', url: incoming },
  ])

  const saved = (await parse.call('POST', '/classes/GameScore', { score: 1337, playerName: 'Sean' })) as {
    objectId: string
  }
  const [posted] = await receiver.waitFor(1, (request) => request.path === '/scores')
  expect(posted?.json).toMatchObject({ type: 'created', record: { objectId: saved.objectId, score: 1337 } })
  expect(posted?.headers['webhook-signature']).toMatch(/^v1,/)
  // `handle` saw Parse Server's key and answered as it wants to be answered.
  const [webhook] = (await client.incomingWebhooks.list()).items
  const details = await client.incomingWebhooks.getDetails({ params: { id: webhook?.id ?? '' } })
  expect(details).toMatchObject({ status: 'success', responseStatus: 200 })
  expect(details.request.headers['x-parse-webhook-key']).toBe('***')
  expect(JSON.parse((details.response as { body: string }).body)).toEqual({ success: true })

  // Whoever does not know the key is refused, and Parse Server is none of them.
  const forged = await fetch(incoming ?? '', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-parse-webhook-key': 'guessed' },
    body: JSON.stringify({ triggerName: 'afterSave', object: { className: 'GameScore', score: 1 } }),
  })
  expect(forged.status).toBe(401)

  await parse.call('PUT', `/classes/GameScore/${saved.objectId}`, { score: 1338 })
  const updated = await receiver.waitFor(2, (request) => request.path === '/scores')
  expect(updated[1]?.json).toMatchObject({ type: 'updated', record: { score: 1338 }, original: { score: 1337 } })

  await client.externalEventSubscriptions.archive({ params: { id: subscription.id } })
  expect(await hooksOf('GameScore')).toEqual([])
})

test('the hook is gone from Parse Server’s own list also when the engine is killed in between', {
  // Three starts of an engine, each of which takes up what a killed one held.
  timeout: 300_000,
}, async () => {
  const { client, connection } = await connect('globex')
  for (const waitMs of [0, 15, 60]) {
    const subscription = await client.externalEventSubscriptions.create({
      body: { connectionId: connection.id, eventKey: 'object-trigger', parameters: { className: 'Player' } },
    })
    expect(await hooksOf('Player')).toHaveLength(1)
    const removed = client.externalEventSubscriptions.archive({ params: { id: subscription.id } }).catch(() => null)
    await pause(waitMs)
    await engine.kill('SIGKILL')
    await removed
    await engine.start()
    // The request may have died before it was taken in: then it is asked for again, as its sender would.
    await client.externalEventSubscriptions.archive({ params: { id: subscription.id } })
    await until('Parse Server has no hook', SETTLES_MS_MAX, async () => (await hooksOf('Player')).length === 0)
  }
})
