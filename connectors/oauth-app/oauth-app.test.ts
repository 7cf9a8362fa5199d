import { answering, buildHouse, errorOfConnector, type House, startReceiver, valueOfConnector } from '@permea/testkit'
import apps from 'grant/config/oauth.json' with { type: 'json' }
import { afterAll, beforeAll, expect, test } from 'vitest'

let house: House

beforeAll(async () => {
  house = await buildHouse()
})

afterAll(() => house[Symbol.asyncDispose]())

const call = (slot: string, connectorParameters: object, more: object = {}) => ({
  connector: 'oauth-app',
  slot: `options.oauth.${slot}`,
  args: { connectorParameters: { clientId: 'id', clientSecret: 'secret', ...connectorParameters }, ...more },
})
const config = (parameters: object, more: object = {}) =>
  valueOfConnector(house, call('getOAuthConfig', parameters, more))

test('an app of the list needs its name, an id and a secret', async () => {
  expect(await config({ app: 'github', scopes: ['repo', 'user'] })).toEqual({
    clientId: 'id',
    clientSecret: 'secret',
    authorizeUri: 'https://github.com/login/oauth/authorize',
    tokenUri: 'https://github.com/login/oauth/access_token',
    clientAuthLocation: 'body',
    skipPkce: true,
    extra: { scope: 'repo,user' },
  })
  const google = { app: 'google', scopes: ['a', 'b'], authorizeParameters: { access_type: 'offline' } }
  expect(await config(google)).toMatchObject({ extra: { scope: 'a b', access_type: 'offline' } })
  expect(await config({ app: 'notion' })).toMatchObject({ clientAuthLocation: 'headers' })
})

test('an address of an account is filled with what the integration or the person says, and with nothing else', async () => {
  const authorizeUri = 'https://acme.zendesk.com/oauth/authorizations/new'
  expect(await config({ app: 'zendesk', subdomain: 'acme' })).toMatchObject({ authorizeUri })
  expect(await config({ app: 'zendesk' }, { connectionInput: { subdomain: 'acme' } })).toMatchObject({ authorizeUri })
  for (const subdomain of [undefined, '', 'evil.example/x?', 'a@b', 'a..b'])
    expect(await errorOfConnector(house, call('getOAuthConfig', { app: 'zendesk', subdomain }))).toContain('subdomain')
  const client = call('makeApiClient', { app: 'zendesk', subdomain: 'a/b' }, { credentials: { access_token: 't' } })
  expect(await errorOfConnector(house, client)).toContain('subdomain')
})

test('requests go to the API of the app, with the token', async () => {
  const credentials = { access_token: 't' }
  const client = (parameters: object) => valueOfConnector(house, call('makeApiClient', parameters, { credentials }))
  const headers = { authorization: 'Bearer t' }
  expect(await client({ app: 'github' })).toEqual({ baseUri: 'https://api.github.com', headers })
  expect(await client({ app: 'zendesk', subdomain: 'acme' })).toMatchObject({ baseUri: 'https://acme.zendesk.com' })
  expect(await client({ app: 'own', apiUri: 'https://api.example.com/v1' })).toMatchObject({
    baseUri: 'https://api.example.com/v1',
  })
})

test('an app that is not in the list needs its addresses', async () => {
  const addresses = { authorizeUri: 'https://a.example/authorize', tokenUri: 'https://a.example/token' }
  expect(await config({ app: 'own', ...addresses, scopes: ['a', 'b'] })).toMatchObject({
    ...addresses,
    extra: { scope: 'a b' },
  })
  expect(await errorOfConnector(house, call('getOAuthConfig', { app: 'own' }))).toContain('authorizeUri')
})

test('a token is tested where the app tells whose it is; only a refusal of the token is one', async () => {
  await using api = await startReceiver()
  const tested = (parameters: object) =>
    valueOfConnector(house, { ...call('test', parameters), apiUrl: api.url }).catch(() => 'failed')
  const answers: [status: number, body: object, isGood: boolean][] = [
    [200, { login: 'ada' }, true],
    [200, { ok: false, error: 'invalid_auth' }, false],
    [401, {}, false],
    [403, {}, true],
    [404, {}, true],
  ]
  for (const [status, body, isGood] of answers) {
    api.behave(answering(status, body))
    expect([status, await tested({ app: 'github' })]).toEqual([status, isGood])
  }
  expect(new Set(api.received.map(({ method, path }) => `${method} ${path}`))).toEqual(new Set(['GET /user']))
  api.received.length = 0
  expect(await tested({ app: 'github', testPath: '/rate_limit' })).toBe('failed')
  api.behave(answering(200, {}))
  expect(await tested({ app: 'own', apiUri: api.url, testPath: '/whoami' })).toBe(true)
  expect(api.received.map(({ path }) => path)).toEqual(['/rate_limit', '/whoami'])
  // Where nobody knows what to ask.
  expect(await tested({ app: 'own', apiUri: api.url })).toBe(true)
  expect(await tested({ app: 'github', apiUri: api.url })).toBe(true)
  expect(api.received).toHaveLength(2)
  await api[Symbol.asyncDispose]()
  expect(await tested({ app: 'github' })).toBe('failed')
})

test('every app of the list has addresses', async () => {
  const keys = Object.entries(apps).flatMap(([key, { oauth }]) => (oauth === 2 ? [key] : []))
  expect(keys.length).toBeGreaterThan(180)
  for (const app of keys) {
    const value = (await config({ app, subdomain: 'acme.example' })) as { authorizeUri: string; tokenUri: string }
    expect([app, URL.canParse(value.authorizeUri), URL.canParse(value.tokenUri)]).toEqual([app, true, true])
  }
})
