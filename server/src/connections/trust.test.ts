import type { Permea } from '@permea/sdk'
import { answering, buildHouse, type House, type Receiver, refusalKey, startReceiver } from '@permea/testkit'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

// A customer's token is in a browser: what it may say of a connection ends where others' secrets and accounts begin.

let app: Receiver
let evil: Receiver
let house: House
let mallory: Permea

const form = { 'content-type': 'application/x-www-form-urlencoded' }

beforeAll(async () => {
  app = await startReceiver()
  evil = await startReceiver()
  house = await buildHouse()
  mallory = await house.as('mallory', { name: 'Mallory' })
  await mallory.customers.self()
  const server = { $firstNotEmpty: [{ $var: '$.connectorParameters.serverUri' }, app.url] }
  const makeApiClient = {
    type: 'mapping',
    mapping: {
      baseUri: app.url,
      headers: {
        authorization: { $concat: ['Bearer ', { $var: '$.connectorParameters.platformKey' }] },
        'x-account': { $var: '$.credentials.account' },
      },
      query: { tenant: { $var: '$.credentials.account' } },
    },
  }
  const options = {
    consent: {
      type: 'oauth2',
      getOAuthConfig: {
        type: 'mapping',
        mapping: {
          clientId: 'us',
          clientSecret: { $var: '$.connectorParameters.platformKey' },
          authorizeUri: { $concat: [server, '/authorize'] },
          tokenUri: { $concat: [server, '/token'] },
        },
      },
      makeApiClient,
    },
    filled: {
      type: 'client-credentials',
      getCredentialsFromConnectionParameters: { type: 'mapping', mapping: { account: 'mallory' } },
      makeApiClient,
    },
  }
  await house.admin.connectors.create({ body: { key: 'shop', name: 'Shop', options: options as never } })
  await house.admin.integrations.create({
    body: { key: 'shop', connectorKey: 'shop', parameters: { platformKey: 'sk_platform_1' } },
  })
})

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
  await evil[Symbol.asyncDispose]()
})

beforeEach(() => {
  for (const each of [app, evil]) {
    each.received.length = 0
    each.behave(answering(200, { access_token: 't' }))
  }
})

const ofShop = { integrationKey: 'shop' }
const elsewhere = () => ({ connectorParameters: { serverUri: evil.url } })

test('whither an integration’s secrets are sent is its operator’s to say', async () => {
  const made = await house.admin.connections.create({
    body: { ...ofShop, userId: 'mallory', authOptionKey: 'filled', input: {} },
  })
  const token = await house.tokenOf({ id: 'mallory' })
  const asked = { ...ofShop, authOptionKey: 'consent', ...elsewhere() }
  const change = { params: { selector: made.id }, body: elsewhere() }
  for (const attempt of [
    () => mallory.connections.create({ body: { ...asked, credentials: {} } }),
    () => mallory.connections.patch(change),
    () => mallory.connections.put(change),
    () => mallory.connectionRequests.create({ body: asked }),
    () => mallory.connectionRequests.create({ body: { connectionId: made.id, ...elsewhere() } }),
  ])
    expect(await refusalKey(attempt())).toBe('access_denied')
  for (const payload of [asked, { connectionId: made.id, ...elsewhere() }]) {
    const body = new URLSearchParams({ payload: JSON.stringify({ ...payload, token }) })
    const page = await fetch(`${house.url}/connect`, { method: 'POST', headers: form, body, redirect: 'manual' })
    expect(page.status).toBe(403)
    const { connectorParameters, ...rest } = payload
    const query = new URLSearchParams({ ...rest, token, connectorParameters: JSON.stringify(connectorParameters) })
    expect((await fetch(`${house.url}/connect?${query}`, { redirect: 'manual' })).status).toBe(403)
  }
  expect(evil.received).toHaveLength(0)
  // An operator may, and who brings all parameters themselves has nobody else's secrets among them.
  await house.admin.connectionRequests.create({ body: { ...asked, userId: 'mallory' } })
  await mallory.connectionRequests.create({ body: { connectorKey: 'shop', authOptionKey: 'consent', ...elsewhere() } })
})

test('credentials that the app should have given, or the connector made, are not taken from a customer', async () => {
  const victim = { account: 'victim' }
  for (const authOptionKey of ['consent', 'filled']) {
    const body = { ...ofShop, authOptionKey, credentials: victim }
    expect(await refusalKey(mallory.connections.create({ body }))).toBe('access_denied')
  }
  const input = { ...ofShop, authOptionKey: 'consent', input: victim }
  expect(await refusalKey(mallory.connections.create({ body: input }))).toBe('connection_failed')
  expect(await refusalKey(house.admin.connections.create({ body: { ...input, userId: 'mallory' } }))).toBe(
    'connection_failed',
  )
})

test('a caller cannot say in the connector’s place whose account a shared key is used for', async () => {
  const { id } = await house.admin.connections.create({
    body: { ...ofShop, userId: 'mallory', authOptionKey: 'consent', credentials: { account: 'mine' } },
  })
  const token = await house.tokenOf({ id: 'mallory' })
  const headers = { 'X-Account': 'victim', accept: 'text/csv', 'x-other': 'kept' }
  await fetch(`${house.url}/connections/${id}/proxy/list?tenant=victim`, {
    headers: { ...headers, authorization: `Bearer ${token}` },
  })
  const api = { method: 'GET', path: '/list?tenant=victim', query: { tenant: 'victim' } }
  await mallory.actions.act({
    body: { connectionId: id, api: { ...api, headers: { ...headers, authorization: 'x' } } },
  })
  expect(app.received).toHaveLength(2)
  for (const { headers: seen, path } of app.received) {
    expect(seen).toMatchObject({
      authorization: 'Bearer sk_platform_1',
      'x-account': 'mine',
      accept: 'text/csv',
      'x-other': 'kept',
    })
    expect(path).toBe('/list?tenant=mine')
  }
})
