import { randomUUID } from 'node:crypto'
import { type Permea, sendEvents } from '@permea/sdk'
import { insertActiveWebhook } from '../../server/src/external-events/store.ts'
import { fromWire } from '../../server/src/platform/ids.ts'
import { createSealing, sealingKey } from '../../server/src/platform/sealing.ts'
import { addApp, connectApp } from './connected-app.ts'
import type { House } from './house.ts'
import type { Receiver } from './receiver.ts'

// What makes rows in every table, for tests of what is erased, deleted, or not to be seen: each customer that lives
// through it has a word of its own in every value.

const HOUR_MS = 3_600_000
const sealing = createSealing([sealingKey('a key for tests that is long enough')])

/** A customer that went through everything that there is. */
export interface Lived {
  word: string
  client: Permea
  id: string
  connectionId: string
  /** The URL of its own stream of events of your application. */
  url: string
  flowInstanceId: string
}

/** What the workspace has for all customers. */
export async function defineEverything(
  house: House,
  { app, told }: { app: Pick<Receiver, 'url'>; told: Pick<Receiver, 'url'> },
): Promise<void> {
  const { admin } = house
  await addApp(house, {
    url: app.url,
    events: {
      told: {
        name: 'Told of',
        implementationType: 'webhook',
        subscribe: `export default async ({ apiClient, webhookUri }) => ({ state: await apiClient.post('/hooks', { webhookUri }) })`,
        handle: `export default ({ data }) => { console.log(JSON.stringify(data)); if (data.fails) throw new Error(data.fails); return { events: [data] } }`,
        unsubscribe: `export default async ({ apiClient }) => { await apiClient.delete('/hooks') }`,
      },
      looked: {
        name: 'Looked for',
        implementationType: 'pull',
        pull: `export default ({ connection }) => { console.log(connection.name); return { events: [{ of: connection.name }], state: { of: connection.name } } }`,
      },
    },
  })
  const connector = {
    key: 'teams',
    options: {
      key: { type: 'client-credentials', makeApiClient: { type: 'mapping', mapping: { baseUri: app.url } } },
    },
    disconnect: `export default async ({ apiClient }) => { await apiClient.post('/disconnect', {}) }`,
    globalWebhooks: {
      all: {
        name: 'All',
        handle: `export default ({ data }) => { console.log(JSON.stringify(data)); return { events: data.events.map((event) => ({ selector: event.team, payload: event })) } }`,
      },
    },
    events: {
      message: {
        name: 'Message',
        implementationType: 'global-webhook',
        getEventSelector: {
          type: 'mapping',
          mapping: { globalWebhookKey: 'all', globalWebhookEventSelector: { $var: '$.parameters.team' } },
        },
      },
    },
  }
  await admin.connectors.create({ body: connector as never })
  await admin.integrations.create({ body: { key: 'teams', connectorKey: 'teams' } })
  await admin.appEventTypes.create({
    body: {
      key: 'order',
      name: 'Order',
      subscribeRequest: { uri: '/subscribe', method: 'POST', body: { of: { $var: '$.user' } } },
      unsubscribeRequest: { uri: '/unsubscribe', method: 'POST', body: { of: { $var: '$.subscriptionResponse' } } },
    },
  })
  const send = (key: string, path: string) => ({
    key,
    nodes: {
      trigger: { type: 'app-event-trigger', config: { appEvent: { key: 'order' } }, links: [{ key: 'code' }] },
      code: {
        type: 'run-javascript',
        config: { code: `export default ({ input }) => { console.log(JSON.stringify(input)); return input }` },
        links: [{ key: 'send' }],
      },
      send: {
        type: 'api-request-to-your-app',
        config: { request: { uri: path, method: 'POST', body: { $var: '$.input' } } },
      },
    },
  })
  await admin.flows.create({ body: send('orders', '/orders') })
  await admin.flows.create({ body: send('stuck', '/down') })
  await admin.flows.create({
    body: {
      key: 'fails',
      nodes: {
        trigger: { type: 'api-trigger', links: [{ key: 'code' }] },
        code: {
          type: 'run-javascript',
          config: { code: 'export default ({ input }) => { throw new Error(JSON.stringify(input)) }' },
        },
      },
    },
  })
  const note = { request: { path: '/notes', method: 'POST', body: { $var: '$.input' } } }
  await admin.actions.create({ body: { key: 'note', type: 'api-request-to-external-app', config: note } as never })
  await admin.dataLinkTables.create({ body: { key: 'people' } })
  await admin.alertSettings.patch({ body: { flowFailures: 1 } })
  await admin.notificationEndpoints.create({
    body: {
      url: told.url,
      eventTypes: ['connection.created', 'flowRun.failed', 'flowRun.completed', 'alert.created', 'customer.erased'],
    },
  })
}

/** A customer goes through all of it. */
export async function liveThrough(house: House, word: string, told: Pick<Receiver, 'url'>): Promise<Lived> {
  const { admin } = house
  const internalId = `id-${word}`
  const client = await house.as(internalId, { name: `name ${word}`, fields: { mail: word } })
  await client.customers.patchSelf({ body: { credentials: { key: word } } })
  await admin.customers.patch({ params: { selector: internalId }, body: { meta: { of: word } } })
  const { id = '' } = await client.customers.self()
  await client.notificationEndpoints.create({
    body: {
      url: `${told.url}/gone/${word}`,
      name: word,
      eventTypes: ['connection.created', 'flowRun.failed'],
      headers: { 'x-of': word },
    } as never,
  })
  const { connection } = await connectApp(house, { customer: internalId, key: `con-${word}`, apiKey: `key-${word}` })
  await client.connections.patch({
    params: { selector: connection.id },
    body: { name: `con ${word}`, meta: { of: word } } as never,
  })
  const { query } = { query: { flowKey: 'orders', autoCreate: true } }
  const instance = await client.flowInstances.getByQuery({ query })
  const nodes: Record<string, object> = { ...instance.nodes, send: { ...instance.nodes?.send, name: `send ${word}` } }
  await client.flowInstances.patch({ params: { id: instance.id }, body: { nodes, parameters: { of: word } } as never })
  await client.flowInstances.patch({
    params: { id: instance.id },
    body: { nodes: { ...nodes, code: { ...nodes.code, name: word } } } as never,
  })
  await client.flowInstances.getByQuery({ query: { flowKey: 'stuck', autoCreate: true } })
  const failing = await client.flowInstances.getByQuery({ query: { flowKey: 'fails', autoCreate: true } })
  await house.settle()
  const { globalWebhookUri } = await admin.appEventTypes.get({ params: { selector: 'order' } })
  const token = await house.tokenOf({ id: internalId })
  await sendEvents(String(globalWebhookUri), { order: word }, { token, idempotencyKey: word })
  await client.flowRuns.create({ body: { flowInstanceId: failing.id, input: { of: word } } })

  await client.externalEventSubscriptions.create({
    body: { connectionId: connection.id, eventKey: 'told', parameters: { of: word }, webhookUri: `${told.url}/events` },
  })
  await client.externalEventSubscriptions.create({ body: { connectionId: connection.id, eventKey: 'looked' } })
  await house.settle()
  const own = (await admin.externalEventSubscriptions.list({ query: { userId: id } })).items
  const url = own.find((each) => each.config?.eventKey === 'told')?.incomingWebhookUri ?? ''
  const post = (to: string, body: string) =>
    fetch(to, { method: 'POST', headers: { 'content-type': 'application/json', 'x-secret': word }, body })
  await post(`${url}?token=${word}`, JSON.stringify({ told: word }))
  await post(url, JSON.stringify({ fails: word }))
  // Answered, and not handled yet: as a process leaves it that ends.
  const lane = fromWire('ees', own.find((each) => each.config?.eventKey === 'looked')?.id ?? '') ?? ''
  const late = {
    id: randomUUID(),
    method: 'POST',
    query: '',
    path: '',
    headers: {},
    body: Buffer.from(word).toString('base64'),
  }
  await insertActiveWebhook(
    house.engine.database.db,
    {
      id: lane,
      workspaceId: house.workspace.id,
      laneId: lane,
      isGlobal: false,
      requestSealed: sealing.seal(JSON.stringify(late)),
    },
    new Date(house.clock.now().getTime() + 1000 * HOUR_MS),
  )
  const team = await client.connections.create({
    body: { integrationKey: 'teams', input: {}, name: `team ${word}` } as never,
  })
  await client.externalEventSubscriptions.create({
    body: { connectionId: team.id, eventKey: 'message', parameters: { team: word } },
  })

  await client.actions.run({
    params: { selector: 'note' },
    query: { connectionId: connection.id },
    body: { input: { of: word } },
  })
  await client.actionInstances.create({
    query: { actionKey: 'note', connectionId: connection.id },
    body: { name: word } as never,
  })
  await client.connections.executeRequest({
    params: { selector: connection.id },
    body: { key: `/proxied/${word}`, input: { of: word } } as never,
  })
  const tables = { query: { dataLinkTableKey: 'people', connectionId: connection.id, autoCreate: true } } as const
  await client.dataLinkTableInstances.createLink({
    ...tables,
    body: { externalRecordId: word, appRecordId: word, direction: 'both' },
  })
  await client.connectionRequests.create({ body: { integrationKey: 'crm', name: word, requestId: word } as never })

  const [stream] = (await admin.appEventSubscriptions.list({ query: { userId: id } })).items
  const ownUrl = stream?.webhookUri ?? ''
  await post(ownUrl, `{"broken": "${word}`)
  await post(String(globalWebhookUri), JSON.stringify({ unproved: internalId }))
  await fetch(`${house.url}/self`, { headers: { authorization: `Bearer ${await forged(house, internalId)}` } })
  await house.settle()
  return { word, client, id, connectionId: connection.id, url: ownUrl, flowInstanceId: instance.id }
}

/** A token that claims to be the customer's and is signed by nobody. */
async function forged(house: House, internalId: string): Promise<string> {
  const [head, , signature] = (await house.tokenOf({ id: 'somebody' })).split('.')
  const claims = { iss: house.workspace.key, id: internalId, exp: 4_000_000_000 }
  return [head, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.')
}
