import { createHmac } from 'node:crypto'
import { answering, buildHouse, errorOfConnector, type House, startReceiver, valueOfConnector } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

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
