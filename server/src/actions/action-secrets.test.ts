import type { Permea } from '@permea/sdk'
import {
  addApp,
  answering,
  buildHouse,
  connectApp,
  type House,
  type Receiver,
  refusalKey,
  startReceiver,
} from '@permea/testkit'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { sql } from '../platform/database.ts'
import { createSealing, sealingKey } from '../platform/sealing.ts'
import { sealOldActions } from './store.ts'

const SECRET = 'sk-live-4711-of-the-vendor'

let app: Receiver
let house: House
let client: Permea
let connectionId: string

beforeAll(async () => {
  app = await startReceiver()
  house = await buildHouse()
  await addApp(house, { url: app.url })
  const connected = await connectApp(house, { customer: 'acme', key: 'main' })
  client = connected.client
  connectionId = connected.connection.id
})
beforeEach(() => app.behave(answering(200, { ok: true })))
afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

const config = (token: unknown, more: object = {}) => ({
  request: { path: '/notes', method: 'POST', headers: { 'x-vendor-token': token }, body: { a: 1 }, ...more },
})
const action = (key: string, token: unknown) => ({ key, type: 'api-request-to-external-app', config: config(token) })

async function stored(): Promise<string> {
  const { rows } = await sql<{ text: string }>`
    select a::text as text from actions a union all select l::text from action_run_logs l`.execute(
    house.engine.database.db,
  )
  return rows.map(({ text }) => text).join('\n')
}

async function sentBy(key: string): Promise<unknown> {
  await client.actions.run({ params: { selector: key }, query: { connectionId }, body: { input: {} } })
  return app.received.at(-1)?.headers['x-vendor-token']
}

test('a secret in an action is sealed, shown to nobody, and sent', async () => {
  const made = await house.admin.actions.create({ body: action('sealed', SECRET) })
  const params = { selector: 'sealed' }
  const shown = [
    made,
    await client.actions.get({ params }),
    await house.admin.actions.list(),
    await house.admin.actions.export({ params }),
  ]
  expect(made.config).toMatchObject({ request: { headers: { 'x-vendor-token': '***' } } })
  expect(JSON.stringify(shown)).not.toContain(SECRET)
  expect(await sentBy('sealed')).toBe(SECRET)
  await house.settle()
  expect(JSON.stringify(await client.actionRunLogs.list())).not.toContain(SECRET)
  const texts = await stored()
  expect(texts).toContain('/notes')
  expect(texts).not.toContain(SECRET)
})

test('given back as it is shown it is kept; those that follow have it, and what follows is no change of theirs', async () => {
  await house.admin.actions.create({ body: action('kept', SECRET) })
  const params = { selector: 'kept' }
  const [copy] = await house.admin.actions.apply({ params, body: { integrationKeys: ['crm'] } })
  expect(copy?.isCustomized).toBe(false)
  const changed = await house.admin.actions.patch({ params, body: { config: config('***', { path: '/other' }) } })
  expect(changed).toMatchObject({ state: 'READY' })
  expect(await sentBy('kept')).toBe(SECRET)
  expect(app.received.at(-1)?.path).toBe('/other')
  await house.admin.actions.patch({ params, body: { config: config('another-token') } })
  expect(await sentBy('kept')).toBe('another-token')
  const cloned = await house.admin.actions.clone({ params })
  expect(await sentBy(String(cloned.key))).toBe('another-token')
})

test('a customer cannot have it sent elsewhere, and may change what is sent', async () => {
  await house.admin.actions.create({ body: action('theirs', SECRET) })
  const query = { actionKey: 'theirs', connectionId }
  const put = (given: Record<string, unknown>) => client.actionInstances.put({ query, body: { config: given } })
  expect(await refusalKey(put(config('***', { path: '/elsewhere' })))).toBe('invalid_action')
  await put(config('***', { body: { a: 2 } }))
  expect(await sentBy('theirs')).toBe(SECRET)
  expect(app.received.at(-1)?.json).toEqual({ a: 2 })
})

test('one that nobody gave is asked for, and nothing is sent until then', async () => {
  const made = await house.admin.actions.create({ body: action('asked', '***') })
  expect(made).toMatchObject({ incomplete: [{ message: expect.stringContaining('***') }] })
  const before = app.received.length
  expect(await refusalKey(sentBy('asked'))).toBe('invalid_action')
  expect(app.received).toHaveLength(before)
})

test('what was stored in the clear is sealed at the next start', async () => {
  const { db } = house.engine.database
  await house.admin.actions.create({ body: action('old', 'placeholder') })
  await sql`
    update actions set config = ${JSON.stringify(config(SECRET))}, secrets_sealed = null, is_sealed = false
     where key = 'old'`.execute(db)
  const sealing = createSealing([sealingKey('a key for tests that is long enough')])
  await house.engine.database.transaction((tx) => sealOldActions(tx, sealing))
  expect(await stored()).not.toContain(SECRET)
  expect(await sentBy('old')).toBe(SECRET)
})
