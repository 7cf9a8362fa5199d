import { createHmac } from 'node:crypto'
import {
  answering,
  buildHouse,
  callConnector,
  errorOfConnector,
  type House,
  type Receiver,
  startReceiver,
  valueOfConnector,
} from '@permea/testkit'
import { InstallProvider, LogLevel } from '@slack/oauth'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

const SECRET = '8f742231b10e8888abcd99yyyzzz85a5'

let house: House

beforeAll(async () => {
  house = await buildHouse({ clock: 'settable' })
})

afterAll(() => house[Symbol.asyncDispose]())

const nowSeconds = () => Math.floor(house.clock.now().getTime() / 1000)

/** A request of the Events API as Slack sends it. */
function request(body: unknown, { sentAt = nowSeconds(), secret = SECRET } = {}) {
  const rawBody = JSON.stringify(body)
  const signature = createHmac('sha256', secret).update(`v0:${sentAt}:${rawBody}`).digest('hex')
  return {
    connector: 'slack',
    slot: 'globalWebhooks.events-api.handle',
    args: {
      data: body,
      rawBody,
      query: {},
      parameters: { signingSecret: SECRET },
      headers: { 'x-slack-signature': `v0=${signature}`, 'x-slack-request-timestamp': String(sentAt) },
    },
  }
}

const VERIFICATION = {
  token: 'Jhj5dZrVaK7ZwHHjRyZWjbDl',
  challenge: '3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P',
  type: 'url_verification',
}

const MESSAGE = {
  token: 'z26uFbvR1xHJEdHE1OQiO6t8',
  team_id: 'T123ABC456',
  api_app_id: 'A123ABC456',
  event: { type: 'message', channel: 'C123ABC456', user: 'U123ABC456', text: 'Hello', ts: '1355517523.000005' },
  type: 'event_callback',
  authorizations: [{ enterprise_id: null, team_id: 'T999SHARED', user_id: 'U999', is_bot: false }],
  event_id: 'Ev123ABC456',
  event_time: 1355517523,
}

test('the challenge with which Slack verifies a URL is answered', async () => {
  expect(await valueOfConnector(house, request(VERIFICATION))).toEqual({
    response: { status: 200, data: { challenge: VERIFICATION.challenge } },
  })
})

test('an event is given to every workspace it is for, as itself and by its type', async () => {
  const payload = { eventId: 'Ev123ABC456', eventTime: 1355517523, teamId: 'T123ABC456', event: MESSAGE.event }
  expect(await valueOfConnector(house, request(MESSAGE))).toEqual({
    events: [
      { selector: 'T123ABC456', payload },
      { selector: 'T123ABC456/message', payload },
      { selector: 'T999SHARED', payload },
      { selector: 'T999SHARED/message', payload },
    ],
    response: { status: 200 },
  })
})

test('what is not signed by Slack, or was signed too long ago, is refused, the challenge too', async () => {
  for (const body of [VERIFICATION, MESSAGE]) {
    expect(await errorOfConnector(house, request(body, { secret: 'another' }))).toMatch(/signature|it has no/)
    for (const sentAt of [nowSeconds() - 301, nowSeconds() + 301, Number.NaN])
      expect(await errorOfConnector(house, request(body, { sentAt }))).toMatch(
        /are allowed|time that is signed|signature|it has no/,
      )
    await valueOfConnector(house, request(body, { sentAt: nowSeconds() - 299 }))
    const { args, ...call } = request(body)
    expect(await errorOfConnector(house, { ...call, args: { ...args, rawBody: `${args.rawBody} ` } })).toMatch(
      /signature|it has no/,
    )
    expect(await errorOfConnector(house, { ...call, args: { ...args, parameters: {} } })).toContain('signingSecret')
  }
})

test('the signature that Slack documents is the one that is checked', async () => {
  // The example of https://api.slack.com/authentication/verifying-requests-from-slack
  const rawBody =
    'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c'
  house.clock.advance(1_531_420_618_000 - house.clock.now().getTime())
  const args = {
    data: {},
    rawBody,
    parameters: { signingSecret: SECRET },
    headers: {
      'x-slack-request-timestamp': '1531420618',
      'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
    },
  }
  expect(await valueOfConnector(house, { connector: 'slack', slot: 'globalWebhooks.events-api.handle', args })).toEqual(
    {
      events: [],
    },
  )
})

test('a subscription selects by workspace, and by type where one is given', async () => {
  await using app = await startReceiver()
  app.behave(answering(200, { ok: true, team_id: 'T5' }))
  const selector = (args: object) =>
    valueOfConnector(house, {
      connector: 'slack',
      slot: 'events.event.getEventSelector',
      apiUrl: app.url,
      args: { parameters: {}, ...args },
    })
  // Credentials may be what somebody typed: whose they are is for Slack to say.
  expect(await selector({ credentials: { teamId: 'T1' } })).toEqual({
    globalWebhookKey: 'events-api',
    globalWebhookEventSelector: 'T5',
  })
  expect(await selector({ parameters: { eventType: 'message' } })).toMatchObject({
    globalWebhookEventSelector: 'T5/message',
  })
})

test('installing gives credentials, or says what Slack says', async () => {
  const slot = 'options.oauth.getCredentialsFromAccessTokenResponse'
  const answer = {
    ok: true,
    access_token: 'xoxb-17653672481',
    token_type: 'bot',
    scope: 'commands',
    bot_user_id: 'U0KRQLJ9H',
    app_id: 'A0KRD7HC3',
    team: { name: 'Slack Pickleball Team', id: 'T9TK3CUKW' },
  }
  const from = (accessTokenResponse: object) => ({ connector: 'slack', slot, args: { accessTokenResponse } })
  expect(await valueOfConnector(house, from(answer))).toMatchObject({
    access_token: 'xoxb-17653672481',
    teamId: 'T9TK3CUKW',
  })
  const rotating = { ...answer, refresh_token: 'xoxe-1', expires_in: 43_200 }
  expect(await valueOfConnector(house, from(rotating))).toMatchObject({
    refresh_token: 'xoxe-1',
    expires_at: expect.any(Number),
  })
  expect(await errorOfConnector(house, from({ ok: false, error: 'invalid_code' }))).toContain('invalid_code')
  // @source https://docs.slack.dev/authentication/installing-with-oauth#response
  const person = { id: 'U1234', scope: 'chat:write', access_token: 'xoxp-1234', token_type: 'user' }
  expect(await valueOfConnector(house, from({ ...answer, authed_user: person }))).toMatchObject({
    access_token: 'xoxb-17653672481',
    userAccessToken: 'xoxp-1234',
    userId: 'U1234',
  })
  const { access_token: _, scope: __, ...without } = answer
  expect(await valueOfConnector(house, from({ ...without, authed_user: person }))).toMatchObject({
    access_token: 'xoxp-1234',
    scope: 'chat:write',
  })
})

/** What Slack answers a renewal, by the refresh token: https://docs.slack.dev/authentication/using-token-rotation */
const RENEWED: Record<string, object> = {
  'xoxe-1-bot': {
    ok: true,
    token_type: 'bot',
    access_token: 'xoxe.xoxb-2',
    refresh_token: 'xoxe-1-bot-2',
    expires_in: 43_200,
  },
  'xoxe-1-user': {
    ok: true,
    token_type: 'user',
    access_token: 'xoxe.xoxp-2',
    refresh_token: 'xoxe-1-user-2',
    expires_in: 40_000,
  },
}

describe('with token rotation', () => {
  let app: Receiver
  beforeAll(async () => {
    app = await startReceiver()
  })
  beforeEach(() => {
    app.received.length = 0
    app.behave((request, response) => {
      const token = new URLSearchParams(request.body).get('refresh_token') ?? ''
      return answering(200, RENEWED[token] ?? { ok: false, error: 'invalid_refresh_token' })(request, response)
    })
  })
  afterAll(() => app[Symbol.asyncDispose]())

  const ids = { clientId: '1.2', clientSecret: 'secret' }
  const refresh = (credentials: object) => ({
    connector: 'slack',
    slot: 'options.oauth.refreshCredentials',
    args: { credentials, connectorParameters: { ...ids, serverUri: app.url } },
  })
  const asked = () => app.received.map(({ path, body }) => `${path} ${body}`).toSorted()
  const both = {
    access_token: 'xoxe.xoxb-1',
    refresh_token: 'xoxe-1-bot',
    userAccessToken: 'xoxe.xoxp-1',
    userRefreshToken: 'xoxe-1-user',
  }

  test('installing keeps both refresh tokens, until the first of the two tokens expires', async () => {
    const slot = 'options.oauth.getCredentialsFromAccessTokenResponse'
    const accessTokenResponse = {
      ok: true,
      access_token: 'xoxe.xoxb-1',
      refresh_token: 'xoxe-1-bot',
      expires_in: 43_200,
      authed_user: { id: 'U1', access_token: 'xoxe.xoxp-1', refresh_token: 'xoxe-1-user', expires_in: 40_000 },
    }
    const given = (await valueOfConnector(house, { connector: 'slack', slot, args: { accessTokenResponse } })) as {
      expires_at: number
    }
    expect(given).toMatchObject(both)
    expect(given.expires_at - house.clock.now().getTime()).toBeLessThan(43_000_000)
  })

  test('the tokens of bot and person are renewed, as Slack’s own package renews them', async () => {
    const renewed = (await valueOfConnector(house, refresh(both))) as { expires_at: number }
    expect(renewed).toEqual({
      access_token: 'xoxe.xoxb-2',
      refresh_token: 'xoxe-1-bot-2',
      userAccessToken: 'xoxe.xoxp-2',
      userRefreshToken: 'xoxe-1-user-2',
      expires_at: expect.any(Number),
    })
    expect(renewed.expires_at - house.clock.now().getTime()).toBeLessThan(43_000_000)
    const ours = asked()
    app.received.length = 0
    const expired = { scopes: [], id: 'B1', userId: 'U1', expiresAt: 1 }
    const installer = new InstallProvider({
      ...ids,
      stateSecret: 'state',
      logLevel: LogLevel.ERROR,
      clientOptions: { slackApiUrl: `${app.url}/api/` },
      installationStore: {
        storeInstallation: async () => {},
        fetchInstallation: async () => ({
          team: { id: 'T1' },
          authVersion: 'v2' as const,
          enterprise: undefined,
          isEnterpriseInstall: false,
          bot: { ...expired, token: 'xoxe.xoxb-1', refreshToken: 'xoxe-1-bot' },
          user: { ...expired, token: 'xoxe.xoxp-1', refreshToken: 'xoxe-1-user' },
        }),
      },
    })
    const taken = await installer.authorize({ teamId: 'T1', enterpriseId: undefined, isEnterpriseInstall: false })
    expect(taken).toMatchObject({ botToken: 'xoxe.xoxb-2', userToken: 'xoxe.xoxp-2' })
    expect(ours).toEqual(asked())
  })

  test('a person’s token that stands alone is renewed once', async () => {
    const alone = { ...both, access_token: 'xoxe.xoxp-1', refresh_token: 'xoxe-1-user' }
    expect(await valueOfConnector(house, refresh(alone))).toMatchObject({
      access_token: 'xoxe.xoxp-2',
      refresh_token: 'xoxe-1-user-2',
      userAccessToken: 'xoxe.xoxp-2',
      userRefreshToken: 'xoxe-1-user-2',
    })
    expect(app.received.length).toBe(1)
  })

  test('what one of them is given is kept where the other is refused; refused are the credentials where both are', async () => {
    const half = (await valueOfConnector(house, refresh({ ...both, userRefreshToken: 'xoxe-1-gone' }))) as object
    expect(half).toMatchObject({ access_token: 'xoxe.xoxb-2', refresh_token: 'xoxe-1-bot-2' })
    expect(half).not.toHaveProperty('userAccessToken')
    const none = await callConnector(house, refresh({ ...both, refresh_token: 'x', userRefreshToken: 'y' }))
    expect(none).toMatchObject({ kind: 'failed', error: { key: 'access_token_expired' } })
    app.behave((request, response) =>
      request.body.includes('user')
        ? answering(503, {})(request, response)
        : answering(200, RENEWED['xoxe-1-bot'])(request, response),
    )
    expect(await valueOfConnector(house, refresh(both))).toMatchObject({ refresh_token: 'xoxe-1-bot-2' })
    app.behave(answering(503, {}))
    expect(await errorOfConnector(house, refresh(both))).toContain('503')
  })

  test('without refresh tokens Slack says whether the token is good', async () => {
    app.behave(answering(200, { ok: true }))
    expect(await valueOfConnector(house, refresh({ access_token: 'xoxb-1' }))).toEqual({ access_token: 'xoxb-1' })
    expect(app.received).toMatchObject([{ path: '/api/auth.test', headers: { authorization: 'Bearer xoxb-1' } }])
    app.behave(answering(200, { ok: false, error: 'token_revoked' }))
    expect(await callConnector(house, refresh({ access_token: 'xoxb-1' }))).toMatchObject({
      kind: 'failed',
      error: { key: 'access_token_expired' },
    })
  })
})

test('operations send what the Web API wants', async () => {
  await using app = await startReceiver()
  const run = (operation: string, input: object) =>
    valueOfConnector(house, {
      connector: 'slack',
      slot: `operations.${operation}.run`,
      apiUrl: app.url,
      args: { input },
    })
  app.behave(answering(200, { ok: true, channel: 'C1', ts: '1.5' }))
  expect(await run('send-message', { channel: '#general', text: 'Hi' })).toEqual({ channel: 'C1', ts: '1.5' })
  expect(app.received.at(-1)).toMatchObject({ path: '/chat.postMessage', json: { channel: '#general', text: 'Hi' } })
  const channels = [{ id: 'C1', name: 'general', is_private: false }]
  app.behave(answering(200, { ok: true, channels, response_metadata: { next_cursor: 'abc' } }))
  expect(await run('list-channels', {})).toEqual({
    channels: [{ id: 'C1', name: 'general', isPrivate: false }],
    cursor: 'abc',
  })
})
