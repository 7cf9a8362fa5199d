import { answering, buildHouse, type House, type Receiver, startReceiver, until } from '@permea/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Browser } from './oauth-server.ts'

// What apps answer when tokens are renewed, and what may happen meanwhile.

/** A secret that the two ways to write it in a header tell apart. */
const SECRET = 'a secret & 100 %'
const TOKENS = { access_token: 'first', refresh_token: 'again', expires_in: 3600 }

let house: House
let app: Receiver
/** What the token endpoint answers a renewal. */
let renewal: { status: number; json: unknown }
/** What it answers for a code. */
let first: { type: string; text: string }
/** Answers of renewals are held back until this resolves. */
let gate: Promise<void>
let count = 0

beforeAll(async () => {
  house = await buildHouse({ clock: 'settable', engine: { random: () => 0.5, tickMs: 50 } })
  app = await startReceiver()
  app.behave(async (request, response) => {
    const { pathname, searchParams } = new URL(request.path, app.url)
    if (pathname === '/auth') {
      const back = new URL(searchParams.get('redirect_uri') ?? '')
      back.searchParams.set('code', 'a-code')
      back.searchParams.set('state', searchParams.get('state') ?? '')
      response.writeHead(302, { location: back.href }).end()
      return
    }
    if (pathname !== '/token') return answering(200, { well: true })(request, response)
    if (new URLSearchParams(request.body).get('grant_type') !== 'refresh_token')
      return void response.writeHead(200, { 'content-type': first.type }).end(Buffer.from(first.text, 'latin1'))
    await gate
    return answering(renewal.status, renewal.json)(request, response)
  })
})

beforeEach(() => {
  app.received.length = 0
  gate = Promise.resolve()
  first = { type: 'application/json', text: JSON.stringify(TOKENS) }
  renewal = { status: 200, json: { access_token: 'second', expires_in: 3600 } }
})

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

/** A customer who has connected the app. */
async function connected(config: Record<string, unknown> = {}, slots: Record<string, unknown> = {}) {
  count += 1
  const key = `books-${count}`
  const clientId = 'the:engine'
  await house.admin.connectors.create({
    body: {
      key,
      options: {
        oauth: {
          type: 'oauth2',
          getOAuthConfig: {
            type: 'mapping',
            mapping: {
              clientId,
              clientSecret: SECRET,
              authorizeUri: `${app.url}/auth`,
              tokenUri: `${app.url}/token`,
              ...config,
            },
          },
          makeApiClient: { type: 'mapping', mapping: { baseUri: app.url } },
          ...slots,
        },
      },
    },
  })
  await house.admin.integrations.create({ body: { key, connectorKey: key } })
  const client = await house.as(`customer-${count}`)
  const request = await client.connectionRequests.create({ body: { integrationKey: key } })
  await new Browser().press(request.url)
  const ended = await client.connectionRequests.get({ params: { requestId: request.requestId } })
  return { client, ended, selector: ended.resultConnectionId ?? '' }
}

async function tokensOf(selector: string) {
  const { items } = await house.admin.connections.list({ query: { includeSecrets: true, includeArchived: true } })
  return items.find(({ id }) => id === selector)?.credentials as { access_token: string; refresh_token: string }
}

const renewals = () => app.received.filter(({ body }) => body.includes('grant_type=refresh_token'))

test.each([
  ['application/x-www-form-urlencoded; charset=utf-8', 'access_token=first&scope=repo%2Cgist&token_type=bearer'],
  ['text/plain', 'scope=a+b&access_token=first&expires=5183999'],
  ['text/html; charset=UTF-8', 'token_type=bearer&refresh_token=again&access_token=first\n'],
  ['text/html', '{"access_token":"first"}'],
  ['', 'expires_in=60&access_token=first'],
  ['application/x-www-form-urlencoded; charset=iso-8859-1', 'name=M%FCller&access_token=first'],
  ['application/json; charset=iso-8859-1', '{"name":"M\xfcller","access_token":"first"}'],
])('tokens as %s are taken: %s', async (type, text) => {
  first = { type, text }
  const tokens = (await tokensOf((await connected()).selector)) as { access_token: string; name?: string }
  expect(tokens.access_token).toBe('first')
  if (text.includes('name')) expect(tokens.name).toBe('Müller')
})

test.each([
  ['application/x-www-form-urlencoded', 'access_token=&token_type=bearer'],
  ['text/plain', 'token_type=bearer&access_token='],
  ['application/x-www-form-urlencoded', '&access_token=&scope=all'],
  ['application/json', '{"access_token":""}'],
  ['text/plain', 'access_token'],
])('a first token that is empty connects nobody: %s, %s', async (type, text) => {
  first = { type, text }
  const { ended, selector } = await connected()
  expect([selector, ended.status, ended.resultError?.type]).toEqual(['', 'error', 'connection'])
})

test.each(['', null, false, 0, [], {}, { message: '' }])('tokens beside an error of %j are tokens', async (error) => {
  const { client, selector } = await connected()
  renewal.json = { error, access_token: 'second' }
  await client.connections.refreshCredentials({ params: { selector } })
  expect(await tokensOf(selector)).toMatchObject({ access_token: 'second', refresh_token: 'again' })
})

test.each([
  [{ ok: true }, 'without a token'],
  [{ errcode: 40030, errmsg: 'invalid refresh_token' }, 'invalid refresh_token'],
  [{ error: 'invalid_grant', error_description: 'it was used before' }, 'it was used before'],
  [{ access_token: '' }, 'without a token'],
  [{ access_token: ' \t', refresh_token: 'next', expires_in: 3600 }, 'without a token'],
  [{ access_token: 7, refresh_token: 'next' }, 'without a token'],
  [{ data: { access_token: 'second' } }, 'credentials.access_token'],
])('an answer of %j renews nothing, says why, and leaves what there was', async (json, said) => {
  const { client, selector } = await connected()
  renewal.json = json
  await expect(client.connections.refreshCredentials({ params: { selector } })).rejects.toMatchObject({
    message: expect.stringContaining(said),
  })
  expect(await tokensOf(selector)).toMatchObject({ access_token: 'first', refresh_token: 'again' })
})

/** What a connector makes of what the app answered. */
const WAYS: [string, () => Record<string, unknown>][] = [
  [
    'a function that renews',
    () => ({
      refreshCredentials: {
        type: 'javascript',
        code: `export default async () => {
          const body = new URLSearchParams({ grant_type: 'refresh_token' })
          return (await (await fetch('${app.url}/token', { method: 'POST', body })).json()).made
        }`,
      },
    }),
  ],
  [
    'a function of the answer',
    () => ({
      getCredentialsFromRefreshTokenResponse: {
        type: 'javascript',
        code: 'export default ({ refreshTokenResponse }) => refreshTokenResponse.made',
      },
    }),
  ],
  [
    'a mapping of the answer',
    () => ({
      getCredentialsFromRefreshTokenResponse: { type: 'mapping', mapping: { $var: '$.refreshTokenResponse.made' } },
    }),
  ],
]

test.each(WAYS)(
  '%s renews with a token, and with nothing else; a token gives way to nothing else',
  async (_, slots) => {
    const { client, selector } = await connected({}, slots())
    const refresh = (made: unknown) => {
      renewal.json = { made }
      return client.connections.refreshCredentials({ params: { selector } })
    }
    const nothing = [
      {},
      { ok: true, expires_in: 60 },
      { access_token: ' ' },
      { access_token: 5 },
      { refresh_token: 'x' },
    ]
    for (const made of [...nothing, { data: { access_token: 'second' } }, null, '']) {
      const failed = await refresh(made).catch((error: unknown) => error)
      expect([made, failed]).toMatchObject([
        made,
        { message: expect.stringContaining('without a token (credentials.access') },
      ])
      expect(await tokensOf(selector)).toMatchObject({ access_token: 'first', refresh_token: 'again' })
    }
    for (const refresh_token of [' ', 5, null]) {
      await refresh({ access_token: `after ${refresh_token}`, refresh_token })
      expect(await tokensOf(selector)).toMatchObject({ access_token: `after ${refresh_token}`, refresh_token: 'again' })
    }
  },
)

test('a function that makes no token of what the app gave connects nobody', async () => {
  for (const value of [{}, { access_token: ' ' }, { team: 'T' }, { access_token: 7 }])
    expect(
      (await connected({}, { getCredentialsFromAccessTokenResponse: { type: 'mapping', mapping: value } })).selector,
    ).toBe('')
})

test.each([
  // RFC 6749 section 2.3.1
  ['form', `${encodeURIComponent('the:engine')}:a+secret+%26+100+%25`],
  ['raw', `the:engine:${SECRET}`],
])('id and secret are written in the header as %s', async (clientAuthEncoding, written) => {
  const { client, selector } = await connected({ clientAuthEncoding })
  await client.connections.refreshCredentials({ params: { selector } })
  const [asked] = renewals()
  const [, encoded = ''] = (asked?.headers.authorization ?? '').split(' ')
  expect(Buffer.from(encoded, 'base64').toString()).toBe(written)
})

describe('while the app takes its time', () => {
  const held = () => {
    const hold = Promise.withResolvers<void>()
    gate = hold.promise
    return hold
  }
  const asked = () => until('the app is asked', 20_000, async () => renewals().length === 1)

  test('the connection may be archived: it stays so, and nobody waits for ever', async () => {
    const { client, selector } = await connected()
    const hold = held()
    const renewing = client.connections.refreshCredentials({ params: { selector } }).catch((error: unknown) => error)
    await asked()
    await client.connections.archive({ params: { selector } })
    hold.resolve()
    await renewing
    const shown = await house.admin.connections.get({ params: { selector } })
    expect(shown.archivedAt).toBeDefined()
    const { rows } = await house.engine.database.pool.query('select 1 from connections where refresh_lease is not null')
    expect(rows).toEqual([])
  })

  test('the connection may be given up: what the app gives then is kept nowhere, and whoever waits is told', async () => {
    const { client, selector } = await connected()
    const hold = held()
    const renewing = client.connections.refreshCredentials({ params: { selector } }).catch((error: unknown) => error)
    await asked()
    await client.connections.disconnect({ params: { selector } })
    hold.resolve()
    expect(await renewing).toMatchObject({ message: expect.stringContaining('disconnected') })
    const shown = await house.admin.connections.get({ params: { selector }, query: { includeSecrets: true } })
    expect(shown).toMatchObject({ disconnected: true })
    expect(shown.credentials).toBeUndefined()
  })

  test('a person may connect anew: what they got is kept', async () => {
    const { client, selector } = await connected()
    const hold = held()
    const renewing = client.connections.refreshCredentials({ params: { selector } })
    await asked()
    app.received.length = 0
    const request = await client.connectionRequests.create({
      body: { integrationKey: `books-${count}`, connectionId: selector },
    })
    await new Browser().press(request.url)
    hold.resolve()
    expect((await renewing).connected).toBe(true)
    expect(await tokensOf(selector)).toMatchObject({ access_token: 'first' })
    expect((await house.admin.connections.get({ params: { selector } })).disconnected).toBe(false)
  })

  test('one that was lost and is archived meanwhile is not told to be there again', async () => {
    const { client, selector } = await connected()
    const eventTypes = ['connection.disconnected', 'connection.reconnected', 'connection.deleted'] as const
    await house.admin.notificationEndpoints.create({
      body: { url: `${app.url}/told`, eventTypes: [...eventTypes] },
    })
    const told = () =>
      app.received
        .filter(({ path, body }) => path === '/told' && body.includes(selector))
        .map(({ body }) => (JSON.parse(body) as { eventType: string }).eventType)
    renewal = { status: 400, json: { error: 'invalid_grant' } }
    await client.connections.refreshCredentials({ params: { selector } }).catch(() => {})
    await house.settle()
    renewal = { status: 200, json: { access_token: 'second' } }
    const hold = held()
    const renewing = client.connections.refreshCredentials({ params: { selector } }).catch((error: unknown) => error)
    await until('the app is asked again', 20_000, async () => renewals().length === 2)
    await client.connections.archive({ params: { selector } })
    hold.resolve()
    await renewing
    expect(await tokensOf(selector)).toMatchObject({ access_token: 'second' })
    await house.settle()
    expect(told()).toEqual(['connection.disconnected', 'connection.deleted'])
  })

  const byFunction = () => ({
    refreshCredentials: {
      type: 'javascript',
      code: `export default async () => {
        const body = new URLSearchParams({ grant_type: 'refresh_token' })
        return (await fetch('${app.url}/token', { method: 'POST', body })).json()
      }`,
    },
  })

  test.each([
    ['a refresh token', () => ({})],
    ['a function', byFunction],
  ])('a process that stops does not wait for it, and another one takes over at once: %s', async (_, slots) => {
    const { selector } = await connected({}, slots())
    const database = { url: house.databaseUrl, workspace: house.workspace }
    const other = await buildHouse({ clock: 'settable', database })
    const hold = held()
    const there = await other.as(`customer-${count}`)
    const renewing = there.connections.refreshCredentials({ params: { selector } }).catch((error: unknown) => error)
    await asked()
    const beganMs = performance.now()
    await other[Symbol.asyncDispose]()
    // The app would have 15 s to answer.
    expect(performance.now() - beganMs).toBeLessThan(12_000)
    // Whoever lives has them renewed: nothing is leased, and the connection does not wait for a next try.
    gate = Promise.resolve()
    const client = await house.as(`customer-${count}`)
    const shown = await house.admin.connections.get({ params: { selector } })
    expect([shown.error, shown.disconnected]).toEqual([undefined, false])
    await client.connections.refreshCredentials({ params: { selector } })
    expect(await tokensOf(selector)).toMatchObject({ access_token: 'second' })
    hold.resolve()
    await renewing
  })

  test('a lease whose holder is gone lapses', async () => {
    const { client, selector } = await connected()
    const { pool } = house.engine.database
    const leasedUntil = new Date(house.clock.now().getTime() + 100_000)
    await pool.query('update connections set refresh_lease = gen_random_uuid(), refresh_lease_until = $1', [
      leasedUntil,
    ])
    const renewing = client.connections.refreshCredentials({ params: { selector } })
    house.clock.advance(101_000)
    expect((await renewing).connected).toBe(true)
    expect(await tokensOf(selector)).toMatchObject({ access_token: 'second' })
  })
})
