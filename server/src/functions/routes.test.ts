import { answering, buildHouse, type House, refusalKey, startReceiver } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

let house: House

beforeAll(async () => {
  house = await buildHouse()
})

afterAll(() => house[Symbol.asyncDispose]())

const subscribe = `export default async function ({ apiClient, webhookUri }) {
  console.log('subscribing')
  const hooks = await apiClient.get('/hooks', { page: 1 })
  if (hooks.length > 0) return { state: { id: hooks[0].id } }
  const { id } = await apiClient.post('/hooks', { url: webhookUri })
  return { state: { id } }
}`

test('a draft is tried out with recorded answers: its value, logs and requests are shown, and nothing is sent', async () => {
  const trial = await house.admin.functions.test({
    body: {
      function: subscribe,
      slot: 'subscribe',
      args: { webhookUri: 'https://example.com/hook' },
      answers: [
        { method: 'POST', uri: '/hooks', status: 201, body: { id: 'h_2' } },
        { method: 'GET', body: [] },
      ],
    },
  })
  expect(trial).toMatchObject({
    outcome: 'returned',
    value: { state: { id: 'h_2' } },
    logs: [{ level: 'info', message: 'subscribing' }],
    requests: [
      { client: 'apiClient', method: 'GET', uri: '/hooks', status: 200 },
      { client: 'apiClient', method: 'POST', uri: '/hooks', status: 201 },
    ],
  })
  await house.engine.functions.settled()
  expect(await house.admin.functions.get({ params: { id: trial.callId } })).toMatchObject({
    id: trial.callId,
    ownerId: 'draft',
    slot: 'subscribe',
    outcome: 'returned',
    hostCalls: 2,
  })
})

test('a draft of a registration is told of misspelt names that it returns', async () => {
  const trial = (slot: string) =>
    house.admin.functions.test({
      body: { function: 'export default () => ({ sate: {}, cursor: 1, NextRefreshTimestamp: 2 })', slot },
    })
  const told = [
    { level: 'warn', message: 'returned "sate", which is not used; did you mean state?' },
    {
      level: 'warn',
      message: 'returned "NextRefreshTimestamp", which is not used; did you mean nextRefreshTimestamp?',
    },
  ]
  expect(await trial('subscribe')).toMatchObject({ outcome: 'returned', logs: told })
  expect(await trial('refresh')).toMatchObject({ outcome: 'returned', logs: told })
  expect(await trial('unsubscribe')).toMatchObject({ outcome: 'returned', logs: [] })
})

test('recorded answers fail as those of a connection do, and a request without one says so', async () => {
  const get = (answers: { status: number }[]) =>
    house.admin.functions.test({
      body: { function: { type: 'rest-api-mapping', mapping: { path: '/me?token=secret', method: 'GET' } }, answers },
    })
  expect(await get([{ status: 401 }])).toMatchObject({
    outcome: 'thrown',
    error: { type: 'connection', key: 'access_token_expired' },
    requests: [{ uri: '/me', status: 401 }],
  })
  expect(await get([{ status: 429 }])).toMatchObject({ error: { key: 'rate_limit_exceeded' } })
  expect(await get([{ status: 500 }])).toMatchObject({ error: { key: 'connection_failed' } })
  const without = await get([])
  expect(without).toMatchObject({
    error: { key: 'no_recorded_answer', message: expect.not.stringContaining('secret') },
  })
  expect(without.requests).toEqual([{ client: 'apiClient', method: 'GET', uri: '/me' }])
})

test('a draft is tried out on behalf of a connection: its requests are sent with the credentials, which it does not see', async () => {
  await using app = await startReceiver()
  app.behave(answering(200, []))
  await house.admin.integrations.create({ body: { connectorKey: 'github' } })
  const customer = await house.as('customer-x')
  const credentials = { token: 'ghp_very_secret', apiUri: app.url }
  const { id } = await customer.connections.create({ body: { integrationKey: 'github', credentials } })
  const draft = `export default async ({ apiClient, credentials }) => {
    const hooks = await apiClient.get('/repos/a/b/hooks', { page: 1 })
    return [hooks.length, credentials ?? null]
  }`
  const trial = await house.admin.functions.test({ body: { function: draft, connectionId: id } })
  expect(trial).toMatchObject({
    outcome: 'returned',
    value: [0, null],
    requests: [{ client: 'apiClient', method: 'GET', uri: '/repos/a/b/hooks', status: 200 }],
  })
  expect(app.received.at(-1)).toMatchObject({
    path: '/repos/a/b/hooks?page=1',
    headers: { authorization: 'Bearer ghp_very_secret' },
  })
  expect(JSON.stringify(trial)).not.toContain('very_secret')
  await house.engine.functions.settled()
  const { items } = await house.admin.functions.list({ query: { connectionId: id, ownerId: 'draft' } })
  expect(items).toMatchObject([{ id: trial.callId, connectionId: id }])
  expect(
    (await house.admin.functions.list({ query: { customerId: items[0]?.userId ?? '', ownerId: 'draft' } })).items,
  ).toEqual(items)
})

test('a draft that does not load is told about as a failure, not refused', async () => {
  expect(await house.admin.functions.test({ body: { function: 'export default (' } })).toMatchObject({
    outcome: 'load',
    error: { type: 'custom_code', key: 'load' },
    requests: [],
  })
})

test('only admins try functions out and see calls; a connection or call that is not there is not found', async () => {
  const { functions } = house.admin
  expect(await refusalKey(functions.test({ body: { function: subscribe, connectionId: 'con_none' } }))).toBe(
    'not_found',
  )
  expect(await refusalKey(functions.test({ body: { function: subscribe, slot: 'a b' } }))).toBe('invalid_input')
  expect(await refusalKey(functions.get({ params: { id: 'fnc_none' } }))).toBe('not_found')
  expect(await refusalKey(functions.list({ query: { cursor: 'nonsense' } }))).toBe('invalid_input')
  const customer = await house.as('customer-x')
  expect(await refusalKey(customer.functions.test({ body: { function: subscribe } }))).toBe('access_denied')
  expect(await refusalKey(customer.functions.list())).toBe('access_denied')
  expect(await refusalKey(customer.functions.get({ params: { id: 'fnc_none' } }))).toBe('access_denied')
})

test('calls are filtered by outcome, slot, owner, source, time, connection and customer', async () => {
  const { functions } = house.admin
  const base = {
    workspaceId: house.workspace.id,
    customerId: null,
    integrationId: null,
    connectionId: null,
    ownerId: 'eet_filtered',
    slot: 'handle',
    sourceId: 'iwh_1',
  }
  const definition = { type: 'mapping', mapping: 1 } as const
  await house.engine.functions.call({ definition, args: {}, context: base })
  const thrown = { type: 'javascript', code: 'export default () => { throw new Error("no") }' } as const
  await house.engine.functions.call({ definition: thrown, args: {}, context: { ...base, slot: 'subscribe' } })
  await house.engine.functions.settled()
  const count = async (query: NonNullable<Parameters<typeof functions.list>[0]>['query']) =>
    (await functions.list({ query: { ownerId: 'eet_filtered', ...query } })).items.length
  expect(await count({})).toBe(2)
  expect(await count({ outcome: 'returned' })).toBe(1)
  expect(await count({ outcome: 'failed' })).toBe(1)
  expect(await count({ outcome: 'thrown' })).toBe(1)
  expect(await count({ outcome: 'memory' })).toBe(0)
  expect(await count({ slot: 'handle' })).toBe(1)
  expect(await count({ sourceId: 'iwh_1' })).toBe(2)
  expect(await count({ sourceId: 'iwh_2' })).toBe(0)
  expect(await count({ connectionId: 'nonsense' })).toBe(0)
  expect(await count({ customerId: 'nonsense' })).toBe(0)
  expect(await count({ from: '2100-01-01' })).toBe(0)
  expect(await count({ to: '2000-01-01' })).toBe(0)
  const [first] = (await functions.list({ query: { ownerId: 'eet_filtered', limit: 1 } })).items
  const second = await functions.list({ query: { ownerId: 'eet_filtered', limit: 1, cursor: first?.id ?? '' } })
  expect(second.items).toMatchObject([{ slot: 'handle' }])
})
