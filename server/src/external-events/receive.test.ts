import {
  addApp,
  buildHouse,
  connectApp,
  type ExternalApp,
  type House,
  startExternalApp,
  startReceiver,
  until,
} from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

let vendor: ExternalApp
let house: House

beforeAll(async () => {
  vendor = await startExternalApp()
  house = await buildHouse({ engine: { answerWithinMs: 2500 } })
  await addApp(house, { url: vendor.url })
})

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await vendor[Symbol.asyncDispose]()
})

const NOTHING = 'export default () => ({})'

let count = 0

/** A subscription whose requests are handled by this: its URL, and what came of it. */
async function handledBy(handle: string) {
  count += 1
  const { connection, client } = await connectApp(house, { customer: `customer-${count}` })
  const type = await house.admin.externalEventTypes.create({
    body: { key: `things-${count}`, subscribe: NOTHING, unsubscribe: NOTHING, handle },
  })
  const { id } = await client.externalEventSubscriptions.create({
    body: { connectionId: connection.id, externalEventTypeId: type.id },
  })
  const seen = await house.admin.externalEventSubscriptions.get({ params: { id } })
  return {
    id,
    client,
    url: seen.incomingWebhookUri ?? '',
    events: async () => (await client.externalEvents.list({ query: { limit: 1000 } })).items,
    webhooks: async () => (await client.incomingWebhooks.list()).items,
  }
}

test('changes of the state by requests at the same moment lose nothing of each other’s', async () => {
  const { id, url, events } = await handledBy(
    `export default ({ state, query }) => ({ state: { seen: [...(state.seen ?? []), query.n] }, events: [{ n: query.n }] })`,
  )
  const sent = Array.from({ length: 200 }, (_, n) => String(n))
  const answers = await Promise.all(sent.map((n) => fetch(`${url}?n=${n}`, { method: 'POST' })))
  expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200]))
  // On a busy machine some are answered before their turn has come.
  await house.settle()
  const { stateData } = await house.admin.externalEventSubscriptions.get({ params: { id } })
  expect([...(stateData as { seen: string[] }).seen].sort()).toEqual(sent.toSorted())
  // What was computed from an older state is not stored a second time either.
  expect(await events()).toHaveLength(sent.length)
})

test('what gets no turn among too many is answered 503 and not stored, and what is taken is handled', async () => {
  const { url, events, client } = await handledBy(`export default ({ query }) => {
    if (query.loops) for (;;);
    for (let turn = 0; turn < 300_000; turn += 1);
    return { events: [{ n: query.n }] }
  }`)
  // Kept apart from then on, where few may wait.
  expect((await fetch(`${url}?loops=1`, { method: 'POST' })).status).toBe(500)
  const answers = await Promise.all(
    Array.from({ length: 200 }, async (_, n) => {
      const answer = await fetch(`${url}?n=${n}`, { method: 'POST' })
      const { key } = answer.status === 200 ? { key: null } : ((await answer.json()) as { key: string })
      return { status: answer.status, key, retryAfter: answer.headers.get('retry-after') }
    }),
  )
  const taken = answers.filter(({ status }) => status === 200)
  const refused = answers.filter(({ status }) => status !== 200)
  expect(refused.length).toBeGreaterThan(10)
  for (const each of refused) expect(each).toEqual({ status: 503, key: 'overloaded', retryAfter: '1' })
  await until('all that was taken is handled', 60_000, async () => (await events()).length === taken.length)
  const { items } = await client.incomingWebhooks.list({ query: { status: 'error' } })
  expect(items.map(({ status }) => status)).toEqual(['error'])
})

test('the sender gets what handle answers, whatever the verb, and a browser does not take it for a page', async () => {
  const { url } = await handledBy(`export default ({ query, headers, data, rawBody, method }) => ({
    response: query.challenge
      ? { status: 202, headers: { 'content-type': 'text/html', 'x-own': headers['x-asked'], connection: 'close' }, data: query.challenge }
      : { data: { data, rawBody, method } },
  })`)
  const challenged = await fetch(`${url}?challenge=<b>1</b>`, { headers: { 'x-asked': 'yes' } })
  expect([challenged.status, await challenged.text()]).toEqual([202, '<b>1</b>'])
  expect(challenged.headers.get('x-own')).toBe('yes')
  expect(challenged.headers.get('content-security-policy')).toContain('sandbox')
  expect(challenged.headers.get('x-content-type-options')).toBe('nosniff')
  const json = '{"id": 9007199254740993, "a": [1, 2]}'
  const put = await fetch(url, { method: 'PUT', body: json, headers: { 'content-type': 'application/vnd.app+json' } })
  // A number beyond 2^53 is whole in the raw body only.
  expect(await put.json()).toEqual({ data: { id: 9007199254740992, a: [1, 2] }, rawBody: json, method: 'PUT' })
  const form = await fetch(url, { method: 'POST', body: new URLSearchParams({ a: '1', b: 'x y' }) })
  expect(await form.json()).toMatchObject({ data: { a: '1', b: 'x y' } })
  const broken = await fetch(url, { method: 'POST', body: '{"a":', headers: { 'content-type': 'application/json' } })
  expect(await broken.json()).toMatchObject({ data: '{"a":', rawBody: '{"a":' })
})

test('a body of several megabytes is handled, and handled again in a replay', async () => {
  const bodies = {
    'application/json': JSON.stringify({ rest: 'x'.repeat(6_000_000) }),
    'application/xml': '<a>1</a>'.repeat(1_000_000),
  }
  for (const [type, body] of Object.entries(bodies)) {
    const { url, client, events } = await handledBy(
      `export default ({ rawBody }) => ({ events: [{ chars: rawBody.length }] })`,
    )
    expect((await fetch(url, { method: 'POST', body, headers: { 'content-type': type } })).status).toBe(200)
    // On a busy machine it is answered before it is handled.
    await house.settle()
    const [webhook] = (await client.incomingWebhooks.list()).items
    await house.admin.incomingWebhooks.replay({ params: { id: webhook?.id ?? '' } })
    const payload = { chars: body.length }
    expect(await events()).toMatchObject([{ payload }, { payload }])
  }
})

test('a text is found in bodies, queries and headers: bytes, letters beyond ASCII, and what stands for any letters', async () => {
  const { url, client } = await handledBy(`export default () => ({ events: [] })`)
  const bodies = ['{"city":"Köln","rate":"100%"}', '{"city":"Bonn","path":"a\\\\b"}', '{"city":"Bonn","rate":"1000"}']
  for (const [at, body] of bodies.entries())
    await fetch(`${url}?n=70${at}`, { method: 'POST', body, headers: { 'user-agent': `sender-${at}` } })
  await fetch(url, { method: 'POST', body: Buffer.from([0, 159, 255, 37]) })
  await house.settle()
  const found = async (search: string) => {
    const { items } = await client.incomingWebhooks.list({ query: { search } })
    return Promise.all(
      items.map(
        async ({ id }) => (await client.incomingWebhooks.getDetails({ params: { id } })).request.body ?? 'bytes',
      ),
    )
  }
  expect(await found('KÖLN')).toEqual([])
  expect(await found('Köln')).toEqual([bodies[0]])
  expect(await found('BONN')).toEqual([bodies[2], bodies[1]])
  expect(await found('100%')).toEqual([bodies[0]])
  expect(await found('a\\\\b')).toEqual([bodies[1]])
  expect(await found('n=702')).toEqual([bodies[2]])
  expect(await found('sender-1')).toEqual([bodies[1]])
  expect(await found('"rate"')).toEqual([bodies[2], bodies[0]])
})

test('what is not text arrives byte for byte, and is shown so', async () => {
  const { url, events, webhooks } = await handledBy(
    `export default ({ rawBodyBase64 }) => ({ events: [{ bytes: Buffer.from(rawBodyBase64, 'base64').length }] })`,
  )
  const body = Buffer.from([0, 159, 146, 150, 255])
  expect((await fetch(url, { method: 'POST', body })).status).toBe(200)
  expect((await events())[0]?.payload).toEqual({ bytes: 5 })
  const [webhook] = await webhooks()
  const { request } = await house.admin.incomingWebhooks.getDetails({ params: { id: webhook?.id ?? '' } })
  expect(request.bodyBase64).toBe(body.toString('base64'))
})

test('a handle that takes long is answered before its sender gives up, and goes on in the background', async () => {
  const { url, events, webhooks } = await handledBy(`export default async ({ data }) => {
    await new Promise((resolve) => setTimeout(resolve, 2800))
    return { events: [data] }
  }`)
  const beganMs = performance.now()
  const answer = await fetch(url, { method: 'POST', body: '{"slow":true}' })
  expect(answer.status).toBe(200)
  expect(performance.now() - beganMs).toBeGreaterThan(2400)
  expect(await events()).toEqual([])
  const [event] = await until('the event is there', 15_000, async () => {
    const found = await events()
    return found.length > 0 ? found : null
  })
  expect(event?.payload).toEqual({ slow: true })
  expect(await webhooks()).toMatchObject([{ status: 'success', responseStatus: 200 }])
})

test('what handle must not return is an error that says what it was, and the request is kept', async () => {
  const wrong: Record<string, string> = {
    '1': 'must return an object',
    "({ events: 'x' })": 'events that are no list',
    '({ response: { status: 99 } })': 'status is not a number',
    "({ response: { headers: { 'a b': '1' } } })": 'returned a header',
    '({ response: [] })': 'response that is no object',
  }
  const { url, events, webhooks } = await handledBy(
    `export default ({ data }) => ({ ${Object.keys(wrong)
      .map((code, index) => `${index}: () => (${code})`)
      .join(', ')} })[data.which]()`,
  )
  for (const [index, said] of Object.values(wrong).entries()) {
    expect((await fetch(url, { method: 'POST', body: JSON.stringify({ which: index }) })).status).toBe(500)
    const [webhook] = await webhooks()
    expect(webhook?.error?.message).toContain(said)
  }
  expect(await events()).toEqual([])
})

test('a request to nowhere, to a removed subscription, and one that is too large are refused', async () => {
  const { id, url, webhooks } = await handledBy(NOTHING)
  const nowhere = url.replace(/[0-9a-f-]{36}$/, '00000000-0000-4000-8000-000000000000')
  expect((await fetch(nowhere, { method: 'POST' })).status).toBe(404)
  expect((await fetch(`${url}0`, { method: 'POST' })).status).toBe(404)
  const large = await fetch(url, { method: 'POST', body: 'x'.repeat(10 * 1024 * 1024 + 1) })
  expect(large.status).toBe(413)
  await house.admin.externalEventSubscriptions.archive({ params: { id } })
  expect((await fetch(url, { method: 'POST' })).status).toBe(410)
  expect(await webhooks()).toEqual([])
})

test('headers and parameters that prove the sender are shown to nobody, and are there again when the request is replayed', async () => {
  const { url, events, webhooks } = await handledBy(`export default ({ headers, query }) => {
    if (headers['x-hub-signature-256'] !== 'sha256=right' || query.verify_token !== 'a b') throw new Error('forged')
    return { events: [{ from: headers['x-from'] }] }
  }`)
  const headers = { 'x-hub-signature-256': 'sha256=right', 'x-from': 'app' }
  await fetch(`${url}?page=1&verify_token=a+b`, { method: 'POST', headers })
  const [webhook] = await webhooks()
  const details = await house.admin.incomingWebhooks.getDetails({ params: { id: webhook?.id ?? '' } })
  expect(details.request.headers).toMatchObject({ 'x-hub-signature-256': '***', 'x-from': 'app' })
  expect(details.request.query).toEqual({ page: '1', verify_token: '***' })
  const again = await house.admin.incomingWebhooks.replay({ params: { id: webhook?.id ?? '' } })
  expect(again).toMatchObject({ status: 'success', replayOf: webhook?.id })
  expect(await events()).toHaveLength(2)
})

test('a list of those that came to something is full while there are more of them', async () => {
  await using receiver = await startReceiver()
  const { id, url, client } = await handledBy('export default ({ data }) => ({ events: data })')
  const post = (count: number) => fetch(url, { method: 'POST', body: JSON.stringify(Array(count).fill({ n: 1 })) })
  const deliverTo = (webhookUri: string) =>
    client.externalEventSubscriptions.patch({ params: { id }, body: { webhookUri } })
  await deliverTo(receiver.url)
  await post(3)
  await receiver.waitFor(3)
  await house.settle()
  await deliverTo('')
  await post(250)
  const listed = (status: 'success' | 'created', limit: number, cursor?: string) =>
    client.externalEvents.list({ query: { status, limit, ...(cursor === undefined ? {} : { cursor }) } })
  const delivered = await listed('success', 2)
  expect(delivered.items).toHaveLength(2)
  expect((await listed('success', 2, delivered.cursor)).items).toHaveLength(1)
  const waiting = await listed('created', 200)
  expect(waiting.items).toHaveLength(200)
  const rest = await listed('created', 200, waiting.cursor)
  expect(rest.items).toHaveLength(50)
  expect(rest.cursor).toBeUndefined()
  expect(new Set([...waiting.items, ...rest.items].map((event) => event.id)).size).toBe(250)
})

test('a global webhook reaches every subscription that its selector names, and no other', async () => {
  const connector = {
    key: 'team-app',
    name: 'Team app',
    options: {
      key: { type: 'client-credentials', makeApiClient: { type: 'mapping', mapping: { baseUri: vendor.url } } },
    },
    globalWebhooks: {
      app: {
        name: 'App',
        handle: `export default ({ data }) => ({ events: data.events.map((event) => ({ selector: event.team, payload: event })) })`,
      },
    },
    events: {
      message: {
        name: 'Message',
        implementationType: 'global-webhook',
        getEventSelector: {
          type: 'mapping',
          mapping: { globalWebhookKey: 'app', globalWebhookEventSelector: { $var: '$.parameters.team' } },
        },
      },
    },
  }
  await house.admin.connectors.create({ body: connector as never })
  await house.admin.integrations.create({ body: { key: 'team-app', name: 'Team app', connectorKey: 'team-app' } })
  for (const [customer, team] of [
    ['a', 'T1'],
    ['b', 'T1'],
    ['c', 'T2'],
  ] as const) {
    const client = await house.as(customer)
    const connection = await client.connections.create({ body: { integrationKey: 'team-app', input: {} } })
    const subscription = await client.externalEventSubscriptions.create({
      body: { connectionId: connection.id, eventKey: 'message', parameters: { team } },
    })
    expect(subscription).toMatchObject({
      status: 'subscribed',
      globalWebhookKey: 'app',
      globalWebhookEventSelector: team,
    })
  }
  const [global] = await house.admin.integrations.globalWebhooks({ params: { selector: 'team-app' } })
  const answer = await fetch(global?.uri ?? '', {
    method: 'POST',
    body: JSON.stringify({ events: [{ team: 'T1', text: 'hi' }, { team: 'T9' }] }),
  })
  expect(answer.status).toBe(200)
  const { items: events } = await house.admin.externalEvents.list({ query: { integrationId: 'team-app' } })
  expect(events.map((event) => [event.user?.internalId, event.payload]).sort()).toEqual([
    ['a', { team: 'T1', text: 'hi' }],
    ['b', { team: 'T1', text: 'hi' }],
  ])
  // It is about several customers, so none of them sees the request.
  expect((await (await house.as('a')).incomingWebhooks.list()).items).toEqual([])
  expect((await house.admin.incomingWebhooks.list({ query: { integrationId: 'team-app' } })).items).toHaveLength(1)
})
