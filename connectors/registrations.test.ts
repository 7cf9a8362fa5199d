import {
  answering,
  buildHouse,
  type House,
  type Received,
  type Receiver,
  startReceiver,
  valueOfConnector,
} from '@permea/testkit'
import { Bot } from 'grammy'
import Mailgun from 'mailgun.js'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

// Connectors without collections register and take away webhooks as the packages of their vendors do.

let app: Receiver
let house: House

beforeAll(async () => {
  app = await startReceiver()
  house = await buildHouse()
})

beforeEach(() => {
  app.received.length = 0
})

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

const WEBHOOK_URI = 'https://permea.example/webhooks/1'

/** What a request asks for, in any of the ways in which bodies are written. */
async function asked({ method, path, headers, bytes }: Received) {
  const type = headers['content-type'] ?? ''
  const body = new Response(new Uint8Array(bytes), { headers: { 'content-type': type } })
  const given = type.includes('json')
    ? await body.json()
    : bytes.length === 0
      ? {}
      : Object.fromEntries(await body.formData())
  return { method, path: new URL(path, app.url).pathname.replace(/^\/bot[^/]+/, ''), given: given as object }
}

test('Mailgun: webhooks of a domain, one for each event', async () => {
  const domain = 'mail.example.com'
  app.behave(answering(200, { message: 'Webhook has been created', webhook: { urls: [WEBHOOK_URI] } }))
  const package_ = new Mailgun(FormData).client({ username: 'api', key: 'k', url: app.url })
  await package_.webhooks.create(domain, 'delivered', WEBHOOK_URI, false)
  await package_.webhooks.create(domain, 'opened', WEBHOOK_URI, false)
  await package_.webhooks.destroy(domain, 'delivered')
  await package_.webhooks.destroy(domain, 'opened')
  const theirs = await Promise.all(app.received.splice(0).map(asked))
  const call = (slot: string, args: object) =>
    valueOfConnector(house, { connector: 'mailgun', slot: `events.domain.${slot}`, apiUrl: app.url, args: { ...args } })
  const { state } = (await call('subscribe', {
    webhookUri: WEBHOOK_URI,
    parameters: { domain, events: ['delivered', 'opened'] },
    credentials: { signingKey: 's' },
  })) as { state: { secret: string } }
  expect(state.secret).toBe('s')
  await call('unsubscribe', { state })
  const ours = await Promise.all(app.received.map(asked))
  // The package may say besides that it is no test.
  const without = ({ given: { test: _, ...given }, ...rest }: { given: { test?: unknown } }) => ({ ...rest, given })
  expect(ours).toEqual(theirs.map(without))
})

test('Telegram: the webhook of a bot, with a secret', async () => {
  app.behave((request, response) =>
    answering(200, { ok: true, result: request.path.endsWith('getWebhookInfo') ? { url: WEBHOOK_URI } : true })(
      request,
      response,
    ),
  )
  const call = (slot: string, args: object) =>
    valueOfConnector(house, {
      connector: 'telegram',
      slot: `events.updates.${slot}`,
      apiUrl: app.url,
      args: { ...args },
    })
  const parameters = { events: ['message', 'callback_query'] }
  const { state } = (await call('subscribe', { webhookUri: WEBHOOK_URI, parameters })) as { state: { secret: string } }
  await call('unsubscribe', { state })
  const ours = await Promise.all(app.received.splice(0).map(asked))
  const bot = new Bot('1:a', { client: { apiRoot: app.url } })
  await bot.api.setWebhook(WEBHOOK_URI, { secret_token: state.secret, allowed_updates: ['message', 'callback_query'] })
  await bot.api.getWebhookInfo()
  await bot.api.deleteWebhook()
  const theirs = await Promise.all(app.received.map(asked))
  expect(ours.map(({ path, given }) => [path, given])).toEqual(theirs.map(({ path, given }) => [path, given]))
  // What Telegram allows as a secret.
  expect(state.secret).toMatch(/^[\w-]{1,256}$/)
})
