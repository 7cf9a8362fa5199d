import { contract, type Endpoint, type EndpointTable } from '@permea/contract'
import { addApp, answering, buildHouse, connectApp, type House, type Receiver, startReceiver } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

// A house in which payloads of every kind hold a word that stands nowhere else. Whatever can be read is read by the owner,
// and once more by who may not see payloads.

const WORD = 'Marzipanschwein'
/** What nobody may see who sees no secrets; addresses of webhooks are added. */
const secrets = ['sesame-of-the-app']

let house: House
let app: Receiver
const keys = new Map<string, string>()

beforeAll(async () => {
  app = await startReceiver()
  house = await buildHouse({ appBaseUri: app.url })
  for (const scope of ['owner', 'support', 'reader'] as const)
    keys.set(scope, (await house.admin.apiKeys.create({ body: { name: scope, scope } })).key)
  await fill()
})
afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

async function fill(): Promise<void> {
  const { admin } = house
  app.behave(answering(422, { said: WORD }))
  await admin.customers.create({
    body: { internalId: 'anna', name: 'Anna', fields: { address: WORD }, meta: { note: WORD } },
  })
  const anna = await house.as('anna')
  await admin.notificationEndpoints.create({ body: { url: `${app.url}/told`, eventTypes: ['flowRun.failed'] } })
  await admin.appEventTypes.create({
    body: {
      key: 'order',
      name: 'Order',
      example: { word: WORD },
      schema: { type: 'object', properties: { word: { type: 'string' } } },
      validateEvents: true,
    },
  })
  const nodes = {
    trigger: { type: 'app-event-trigger', config: { appEvent: { key: 'order' } }, links: [{ key: 'js' }] },
    js: {
      type: 'run-javascript',
      config: { code: 'export default ({ input }) => { console.log(input.trigger.word); return input.trigger }' },
      links: [{ key: 'post' }],
    },
    post: {
      type: 'api-request-to-your-app',
      config: { request: { uri: '/post', method: 'POST', body: { $var: '$.input.js' } } },
      links: [{ key: 'throws' }],
    },
    throws: {
      type: 'run-javascript',
      config: { code: `export default ({ input }) => { throw new Error('no ' + JSON.stringify(input)) }` },
    },
  }
  await admin.flows.create({ body: { key: 'sync', nodes } })
  await anna.flowInstances.getByQuery({ query: { flowKey: 'sync', autoCreate: true } })
  await house.settle()
  const subscription = (await anna.appEventSubscriptions.list()).items[0]
  secrets.push(subscription?.webhookUri?.split('/').at(-1) ?? '?')
  const send = (body: unknown) =>
    fetch(subscription?.webhookUri ?? '', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  expect((await send({ word: WORD })).status).toBe(200)
  expect((await send({ word: 1, [WORD]: WORD })).status).toBe(400)

  await addApp(house, { url: app.url, test: 'export default () => true' })
  const { connection } = await connectApp(house, { customer: 'anna', apiKey: secrets[0] ?? '' })
  const type = await admin.externalEventTypes.create({
    body: {
      key: 'told',
      subscribe: 'export default () => ({})',
      unsubscribe: 'export default () => ({})',
      handle:
        'export default ({ data }) => { console.log(data.word); return { events: [data], response: { status: 200, body: data } } }',
    },
  })
  const { id: told } = await anna.externalEventSubscriptions.create({
    body: { connectionId: connection.id, externalEventTypeId: type.id },
  })
  const { incomingWebhookUri = '' } = await admin.externalEventSubscriptions.get({ params: { id: told } })
  secrets.push(incomingWebhookUri.split('/').at(-1) ?? '?')
  await fetch(`${incomingWebhookUri}?who=${WORD}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-word': WORD },
    body: JSON.stringify({ word: WORD }),
  })
  await admin.connections
    .executeRequest({
      params: { selector: connection.id },
      body: { key: `/asked?who=${WORD}`, payload: { word: WORD } },
    })
    .catch(() => {})
  await admin.actions.create({
    body: {
      key: 'act',
      integrationKey: 'crm',
      type: 'run-javascript',
      config: { code: 'export default ({ input }) => { console.log(input.word); return input }' },
    },
  })
  await anna.actions.run({
    params: { selector: 'act' },
    query: { connectionId: connection.id },
    body: { input: { word: WORD } },
  })
  await house.settle()
}

async function read(scope: string, path: string): Promise<string> {
  const response = await fetch(`${house.url}${path}`, { headers: { authorization: `Bearer ${keys.get(scope)}` } })
  if (response.status >= 500) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
  return response.text()
}

const gets = Object.values(contract)
  .flatMap((table) => Object.values<Endpoint>(table as EndpointTable))
  .filter(({ method, needs }) => method === 'GET' && needs === 'read')
const GIVEN: Record<string, string[]> = {
  nodeKey: ['js', 'post', 'throws'],
  connectionSelector: [],
  integrationSelector: ['crm'],
}

/** Every address that an endpoint has here: its parameters are what the list above it gives. */
async function addressesOf(path: string): Promise<string[]> {
  const [, before = '', name = '', after = ''] = /^(.*?):(\w+)(.*)$/.exec(path) ?? []
  if (name === '') return [path]
  const ids = GIVEN[name] ?? idsIn(await read('owner', before.replace(/\/$/, '')))
  const all = await Promise.all(ids.slice(0, 4).map((id) => addressesOf(`${before}${id}${after}`)))
  return all.flat()
}

function idsIn(text: string): string[] {
  const { items } = JSON.parse(text) as { items?: { id: string }[] }
  return (items ?? []).map(({ id }) => id)
}

/** Where there are payloads in this house. */
const HOLDING = [
  '/action-run-logs',
  '/action-run-logs/:id',
  '/action-run-logs/:id/details',
  '/app-event-subscriptions',
  '/app-event-subscriptions/:id',
  '/app-event-types',
  '/app-event-types/:selector',
  '/app-event-types/:selector/export',
  '/app-events',
  '/app-events/:id',
  '/connections',
  '/connections/:selector',
  '/customers',
  '/customers/:selector',
  '/deliveries',
  '/deliveries/:id',
  '/deliveries/:id/attempts',
  '/deliveries/:id/message',
  '/external-api-logs/:id/content',
  '/external-event-log-records',
  '/external-event-log-records/:id',
  '/external-event-log-records/:id/details',
  '/external-event-subscriptions',
  '/external-event-subscriptions/:id',
  '/flow-instances',
  '/flow-instances/:id',
  '/flow-runs',
  '/flow-runs/:id',
  '/flow-runs/:id/nodes/:nodeKey/outputs',
  '/flow-runs/:id/nodes/:nodeKey/outputs/:outputId',
  '/flow-runs/:id/nodes/:nodeKey/runs',
  '/flow-runs/:id/nodes/:nodeKey/runs/:nodeRunId',
  '/flow-runs/:id/output/:nodeKey',
  '/function-calls',
  '/function-calls/:id',
  '/incoming-webhooks',
  '/incoming-webhooks/:id',
  '/incoming-webhooks/:id/details',
  '/refused-requests',
]

test('who may not see payloads sees none, wherever there are some', async () => {
  const holding = new Set<string>()
  const shown: string[] = []
  for (const { path } of gets) {
    for (const address of await addressesOf(path)) {
      const found = (await read('owner', address)).includes(WORD)
      if (found) holding.add(path)
      for (const scope of ['support', 'reader']) {
        const text = await read(scope, address)
        const leaked = [WORD, ...secrets].find((each) => text.includes(each))
        if (leaked !== undefined) shown.push(`${scope} ${address}: ${around(text, leaked)}`)
      }
    }
  }
  expect(shown).toEqual([])
  // Else the test would be about nothing.
  expect(HOLDING.filter((path) => !holding.has(path))).toEqual([])
})

function around(text: string, leaked: string): string {
  const at = text.indexOf(leaked)
  return text.slice(Math.max(0, at - 80), at + leaked.length)
}
