import {
  answering,
  bodyOf,
  buildHouse,
  callConnector,
  type House,
  SIGNED,
  type Signed,
  startReceiver,
  valueOfConnector,
} from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

let house: House

beforeAll(async () => {
  house = await buildHouse({ clock: 'settable', startsAt: new Date('2026-01-15T12:00:00.000Z') })
})

afterAll(() => house[Symbol.asyncDispose]())

/** Where what a vendor's package signed goes in its connector: the event or the global webhook. */
const HANDLED_BY: Readonly<Record<string, [connector: string, slot: string]>> = {
  square: ['square', 'events.webhook'],
  paddle: ['paddle', 'events.notification'],
  sendgrid: ['sendgrid', 'events.event-webhook'],
  line: ['line', 'events.events'],
  discord: ['discord', 'events.webhook-events'],
  sanity: ['sanity', 'events.webhook'],
  workos: ['workos', 'events.webhook'],
  linear: ['linear', 'events.webhook'],
  razorpay: ['razorpay', 'events.webhook'],
  gocardless: ['gocardless', 'events.webhook'],
  'coinbase commerce': ['coinbase-commerce', 'events.webhook'],
  'dropbox sign': ['dropbox-sign', 'events.account'],
  mailgun: ['mailgun', 'events.domain'],
  intercom: ['intercom', 'events.webhook'],
  zendesk: ['zendesk', 'events.webhook'],
  trello: ['trello', 'events.model'],
  'twilio (form)': ['twilio', 'events.number'],
  stripe: ['stripe', 'events.account-events'],
  'shopify (webhooks)': ['shopify', 'events.topic'],
  'shopify (events)': ['shopify', 'events.topic'],
}

function call(signed: Signed, [connector, slot]: [string, string], body: Buffer) {
  const { headers, method, url, secret, publicKey, clock } = signed
  const rawBody = body.toString()
  const data = /^[[{]/.test(rawBody) ? JSON.parse(rawBody) : rawBody
  return callConnector(house, {
    connector,
    slot: `${slot}.handle`,
    args: {
      headers,
      method,
      url,
      webhookUri: url,
      rawBody,
      data,
      query: {},
      receivedAt: clock,
      parameters: {},
      state: { secret, publicKey },
    },
  })
}

test.each(Object.entries(HANDLED_BY))(
  '%s: what the vendor’s own package signed becomes events, and nothing does with a changed byte',
  async (vendor, place) => {
    const signed = SIGNED.find((each) => each.vendor === vendor) as Signed
    const taken = await call(signed, place, bodyOf(signed))
    expect(taken).toMatchObject({ kind: 'returned', value: { events: expect.any(Array) } })
    const text = bodyOf(signed).toString()
    const changed = text.includes('1768478400')
      ? text.replace('1768478400', '1768478401')
      : text.replace(/(:"|Body=)./, '$1Q')
    expect(changed).not.toBe(text)
    expect(await call(signed, place, Buffer.from(changed))).toMatchObject({ kind: 'failed' })
  },
)

test('a form of GitHub is taken as JSON is', async () => {
  const { createHmac } = await import('node:crypto')
  const rawBody = new URLSearchParams({ payload: JSON.stringify({ action: 'opened' }) }).toString()
  const signature = `sha256=${createHmac('sha256', 's').update(rawBody).digest('hex')}`
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'x-github-event': 'issues',
    'x-hub-signature-256': signature,
  }
  const args = { headers, rawBody, data: { payload: '{"action":"opened"}' }, state: { secret: 's' } }
  expect(
    await valueOfConnector(house, { connector: 'github', slot: 'events.repository-or-organization.handle', args }),
  ).toEqual({ events: [{ event: 'issues', action: 'opened', deliveryId: null, payload: { action: 'opened' } }] })
})

/** What the APIs answer where a connector looks whether a connection works. */
const ANSWERS: Readonly<Record<string, object>> = {
  alertmanager: { versionInfo: { version: '0.25.0' } },
  asana: { data: { gid: '1' } },
  'coinbase-commerce': { data: [] },
  directus: { data: { id: '1' } },
  discord: { id: '1' },
  'docker-registry': {},
  'dropbox-sign': { account: { account_id: '1' } },
  ghost: { posts: [] },
  gocardless: { creditors: [] },
  intercom: { id: '1' },
  line: { userId: 'U1' },
  linear: { data: { viewer: { id: '1' } } },
  mailgun: { items: [] },
  'node-red': { version: '5.0.7' },
  notion: { object: 'user' },
  paddle: { data: [] },
  rabbitmq: { name: 'guest' },
  razorpay: { items: [] },
  sanity: { id: '1' },
  sendgrid: { scopes: [] },
  square: { merchant: { id: 'M1' } },
  strapi: { data: { id: 1 } },
  telegram: { ok: true },
  trello: { id: '1' },
  twilio: { incoming_phone_numbers: [] },
  unleash: {},
  verdaccio: { username: 'u' },
  workos: { data: [] },
  zendesk: { user: { id: 1 } },
}

test.each(Object.entries(ANSWERS))(
  '%s: a connection is tested with a request that needs its credentials',
  async (connector, answer) => {
    await using app = await startReceiver()
    app.behave(answering(200, answer))
    expect(await valueOfConnector(house, { connector, slot: 'test', apiUrl: app.url })).toBe(true)
    app.behave(answering(401, {}))
    expect(await callConnector(house, { connector, slot: 'test', apiUrl: app.url })).toMatchObject({ kind: 'failed' })
  },
)
