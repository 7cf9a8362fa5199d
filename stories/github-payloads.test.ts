import { createHmac, randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import type { Permea } from '@permea/sdk'
import { buildHouse, type House, type Receiver, startReceiver } from '@permea/testkit'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, expect, test } from 'vitest'

// Everything that GitHub publishes as a payload goes through the ready-made connector: registered at its API, posted
// with its signature, stored, delivered. The payloads are those that the connector is tested with.

interface Published {
  name: string
  examples: Record<string, unknown>[]
}

const fromConnectors = createRequire(new URL('../connectors/package.json', import.meta.url))
const examples = fromConnectors('@octokit/webhooks-examples') as Published[]
const published = examples.flatMap(({ name, examples: payloads }) => payloads.map((payload) => ({ name, payload })))

const TOKEN = 'ghp_the-token-of-acme'
const TOGETHER = 8
const TIMEOUT_MS = 240_000

/** As GitHub keeps it. */
interface Hook {
  id: number
  active: boolean
  events: string[]
  config: { url: string; content_type: string; secret: string }
}

let github: Receiver
let receiver: Receiver
let house: House
let hooks: Map<number, Hook>

beforeEach(async () => {
  github = await startReceiver()
  receiver = await startReceiver()
  house = await buildHouse()
  hooks = new Map()
  github.behave((request, response) => {
    const say = (status: number, json?: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(json === undefined ? undefined : JSON.stringify(json))
    }
    const [, path = '', id] = /^(\/repos\/octocat\/hello\/hooks)(?:\/(\d+))?(?:\?|$)/.exec(request.path) ?? []
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return say(401, { message: 'Bad credentials' })
    if (request.path === '/user') return say(200, { login: 'octocat' })
    if (path === '') return say(404, { message: 'Not Found' })
    if (request.method === 'GET') return say(200, [...hooks.values()])
    if (request.method === 'DELETE') return hooks.delete(Number(id)) ? say(204) : say(404, { message: 'Not Found' })
    const hook = { ...(request.json as Omit<Hook, 'id'>), id: hooks.size + 1 }
    hooks.set(hook.id, hook)
    return say(201, { ...hook, config: { ...hook.config, secret: '********' } })
  })
})

afterEach(async () => {
  await house[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
  await github[Symbol.asyncDispose]()
})

async function subscribe(): Promise<{ acme: Permea; hook: Hook; id: string; webhookSecret: string }> {
  await house.admin.integrations.create({ body: { key: 'github', connectorKey: 'github' } })
  const acme = await house.as('acme')
  const connection = await acme.connections.create({
    body: { integrationKey: 'github', authOptionKey: 'token', input: { token: TOKEN, apiUri: github.url } },
  })
  const subscription = await acme.externalEventSubscriptions.create({
    body: {
      connectionId: connection.id,
      eventKey: 'repository-or-organization',
      parameters: { owner: 'octocat', repository: 'hello' },
      webhookUri: `${receiver.url}/github`,
    },
  })
  expect(subscription).toMatchObject({ status: 'subscribed', config: { eventKey: 'repository-or-organization' } })
  const [hook] = [...hooks.values()]
  if (hook === undefined) throw new Error('there is no hook')
  return { acme, hook, id: subscription.id, webhookSecret: subscription.webhookSecret ?? '' }
}

interface Sent {
  event: string
  deliveryId: string
  payload: Record<string, unknown>
  body: Buffer
  signature: string
}

/** A payload as GitHub sends it to a hook. */
function delivery({ name, payload }: (typeof published)[number], secret: string): Sent {
  const body = Buffer.from(JSON.stringify(payload))
  const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
  return { event: name, deliveryId: randomUUID(), payload, body, signature }
}

async function post(hook: Hook, { event, deliveryId, body, signature }: Sent): Promise<number> {
  const answer = await fetch(hook.config.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'GitHub-Hookshot/044aadd',
      'x-github-event': event,
      'x-github-delivery': deliveryId,
      'x-hub-signature-256': signature,
    },
    body: new Uint8Array(body),
  })
  await answer.arrayBuffer()
  return answer.status
}

/** Does it for a few at a time; the answers are in the order of the items. */
async function forEach<Item, Answer>(items: readonly Item[], work: (item: Item) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let from = 0; from < items.length; from += TOGETHER)
    answers.push(...(await Promise.all(items.slice(from, from + TOGETHER).map(work))))
  return answers
}

test('every published payload is verified, stored and delivered signed, as it came', {
  timeout: TIMEOUT_MS,
}, async () => {
  expect(published.length).toBeGreaterThan(200)
  const { acme, hook, id, webhookSecret } = await subscribe()
  expect(hook).toMatchObject({ active: true, events: ['*'], config: { content_type: 'json' } })
  const sent = published.map((each) => delivery(each, hook.config.secret))
  expect(new Set(await forEach(sent, (each) => post(hook, each)))).toEqual(new Set([200]))
  await house.settle()

  // A ping says only that the hook is there.
  const wanted = new Map(
    sent
      .filter(({ event }) => event !== 'ping')
      .map(({ event, deliveryId, payload }) => [
        deliveryId,
        { event, action: payload.action ?? null, deliveryId, payload },
      ]),
  )
  expect(wanted.size).toBeGreaterThan(200)
  const stored = (await acme.externalEvents.list({ query: { limit: 1000 } })).items
  expect(stored).toHaveLength(wanted.size)
  for (const { payload, status } of stored) {
    expect(status).toBe('success')
    expect(payload).toEqual(wanted.get((payload as { deliveryId: string }).deliveryId))
  }
  expect(receiver.received).toHaveLength(wanted.size)
  const verifier = new Webhook(webhookSecret)
  for (const { path, body, headers } of receiver.received) {
    expect(path).toBe('/github')
    const posted = verifier.verify(body, headers as Record<string, string>) as { deliveryId: string }
    expect(posted).toEqual(wanted.get(posted.deliveryId))
  }
  expect((await acme.incomingWebhooks.list({ query: { status: 'error' } })).items).toEqual([])

  await acme.externalEventSubscriptions.archive({ params: { id } })
  expect(hooks.size).toBe(0)
})

test('a payload of which one byte was changed is refused, recorded as that, and no event', {
  timeout: TIMEOUT_MS,
}, async () => {
  const { acme, hook } = await subscribe()
  const tampered = published.map((each, index) => {
    const sent = delivery(each, hook.config.secret)
    const body = Buffer.from(sent.body)
    const at = (index * 7919) % body.length
    body[at] = (body[at] ?? 0) ^ 1
    return { ...sent, body }
  })
  expect(new Set(await forEach(tampered, (each) => post(hook, each)))).toEqual(new Set([401]))
  await house.settle()
  const refused = (await acme.incomingWebhooks.list({ query: { status: 'error', limit: 1000 } })).items
  expect(refused).toHaveLength(published.length)
  for (const { error, collectedEventIds, responseStatus } of refused) {
    expect(error).toMatchObject({ key: 'webhook_not_verified', data: { reason: 'wrong_signature', vendor: 'GitHub' } })
    expect({ collectedEventIds, responseStatus }).toEqual({ collectedEventIds: [], responseStatus: 401 })
  }
  expect((await acme.externalEvents.list()).items).toEqual([])
  expect(receiver.received).toEqual([])
})
