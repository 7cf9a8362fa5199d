import {
  ApiKeyScope,
  BESIDE_CONTRACT,
  contract,
  type Endpoint,
  type EndpointTable,
  PERMISSIONS,
  type Permission,
  ROLE_PERMISSIONS,
  SENDER_PERMISSIONS,
} from '@permea/contract'
import { buildHouse, type House } from '@permea/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

// Every endpoint asked by every role: who may, may, and who may not is refused. The table is the contract's.

type Scope = (typeof ApiKeyScope.options)[number]

const endpoints = Object.entries<EndpointTable>(contract).flatMap(([group, table]) =>
  Object.entries(table).map(([name, endpoint]) => ({ name: `${group}.${name}`, endpoint })),
)
const mayOf = (scope: Scope): readonly Permission[] =>
  scope === 'events:send' ? SENDER_PERMISSIONS : ROLE_PERMISSIONS[scope]

let house: House
const keys = new Map<Scope, string>()
/** Of an address that is there: at others nobody is asked who he is. */
let webhookKey: string

beforeAll(async () => {
  house = await buildHouse()
  for (const scope of ApiKeyScope.options)
    keys.set(scope, (await house.admin.apiKeys.create({ body: { name: scope, scope } })).key)
  const { globalWebhookUri = '' } = await house.admin.appEventTypes.create({ body: { key: 'order', name: 'Order' } })
  webhookKey = globalWebhookUri.split('/').at(-1) ?? ''
})
afterAll(() => house[Symbol.asyncDispose]())

/** Names only what is not there, so that whoever may do anything does nothing. */
async function ask(scope: Scope, { method, path, body }: Pick<Endpoint, 'method' | 'path'> & { body?: unknown }) {
  const response = await fetch(
    `${house.url}${path.replace(':webhookKey', webhookKey).replaceAll(/:\w+/g, 'unknown')}`,
    {
      method,
      headers: {
        authorization: `Bearer ${keys.get(scope)}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: '{}' }),
    },
  )
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
  if (isStream) await response.body?.cancel()
  const answer = isStream
    ? null
    : ((await response.json().catch(() => null)) as { key?: string; message?: string } | null)
  return { status: response.status, key: answer?.key, message: answer?.message ?? '' }
}

describe.each(ApiKeyScope.options)('%s', (scope) => {
  test('may what the table says at every endpoint, and is refused at every other', async () => {
    const wrong: string[] = []
    const look = async ({ name, endpoint }: (typeof endpoints)[number]) => {
      const { status, key, message } = await ask(scope, endpoint)
      const isAllowed = mayOf(scope).includes(endpoint.needs)
      const isRefused = status === 403 && key === 'access_denied' && message.includes('may not do this')
      if (isRefused === isAllowed) wrong.push(`${name}: ${status} ${key} ${message}`)
      if (status >= 500) wrong.push(`${name}: ${status}`)
    }
    for (let at = 0; at < endpoints.length; at += 16) await Promise.all(endpoints.slice(at, at + 16).map(look))
    expect(wrong).toEqual([])
  })

  test('is held to the same beside the contract', async () => {
    for (const { needs, ...at } of BESIDE_CONTRACT) {
      const { status, message } = await ask(scope, { ...(at as Endpoint), body: at.method === 'POST' ? {} : undefined })
      expect([at.path, status === 403 && message.includes('may not do this')]).toEqual([
        at.path,
        !mayOf(scope).includes(needs),
      ])
    }
  })
})

test('whatever changes something needs more than to read, and every permission is one of the table', () => {
  const careless = endpoints.filter(({ endpoint: { method, needs } }) => method !== 'GET' && needs === 'read')
  // It writes down that somebody who reads takes a list away, and changes nothing else.
  expect(careless.map(({ name }) => name)).toEqual(['auditLog.noteExport'])
  expect(endpoints.filter(({ endpoint }) => !(endpoint.needs in PERMISSIONS))).toEqual([])
  const open = endpoints.filter(({ endpoint }) => endpoint.needs === 'none')
  expect(open.map(({ endpoint }) => endpoint.access)).toEqual(open.map(() => 'public'))
})

test('what is asked for beside needs its own permission', async () => {
  const get = (path: string, scope: Scope) => ask(scope, { method: 'GET', path })
  const workspace = `/workspaces/${house.workspace.key}`
  expect((await get(workspace, 'reader')).status).toBe(200)
  expect(await get(`${workspace}?includeSecrets=true`, 'support')).toMatchObject({ key: 'access_denied' })
  expect(await get(`${workspace}?includeSecrets=true`, 'developer')).toMatchObject({ key: 'access_denied' })
  expect((await get(`${workspace}?includeSecrets=true`, 'owner')).status).toBe(200)
  expect(await get('/flow-instance?autoCreate=1&flowKey=x&userId=y', 'support')).toMatchObject({ key: 'access_denied' })
  expect(await get('/flow-instance?autoCreate=1&flowKey=x&userId=y', 'developer')).toMatchObject({ key: 'not_found' })
})

test('nobody makes a token that may more than itself', async () => {
  const make = (scope: Scope, body: object) =>
    fetch(`${house.url}/workspaces/${house.workspace.key}/access-token`, {
      method: 'POST',
      headers: { authorization: `Bearer ${keys.get(scope)}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }).then(({ status }) => status)
  expect(await make('developer', { isAdmin: true })).toBe(403)
  expect(await make('developer', { tenantKey: 'acme' })).toBe(201)
  expect(await make('support', { tenantKey: 'acme' })).toBe(403)
  expect(await make('owner', { isAdmin: true })).toBe(201)
})
