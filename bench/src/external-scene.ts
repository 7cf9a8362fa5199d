import type { Permea } from '@permea/sdk'

/** An engine that is set up from outside. */
export interface Workplace {
  url: string
  admin: Permea
  as(internalId: string): Promise<Permea>
}

const HANDLE = `export default async function handle({ data }) {
  const { orderId, ...record } = data
  return { events: [{ type: 'order.created', record: { id: orderId, ...record } }] }
}`
/** Functions that are stopped, each in another way: by time, with their process, by memory. */
export const HOSTILE = {
  'hostile-await': 'export default async () => { await null; for (;;); }',
  'hostile-getter': 'export default () => ({ get events() { for (;;); } })',
  'hostile-native': 'export default () => Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)',
  'hostile-text': 'export default () => { let s = "x"; for (;;) s += s }',
  'hostile-objects': 'export default () => { const a = []; for (;;) a.push({ a: [1, 2, 3] }) }',
}

const LOOPING = 'export default async function handle() { for (;;); }'
/** Work of about 60 ms, measured in what it does, since a guest's clock stands still while it computes. */
const COMPUTING = `export default async function handle({ data }) {
  let sum = 0
  for (let turn = 0; turn < 1_200_000; turn += 1) sum = (sum * 31 + turn) % 1_000_003
  return { events: sum < 0 ? [data] : [] }
}`
const REFRESH = `export default async function refresh({ apiClient, parameters }) {
  await apiClient.post('/refresh', { parameters })
  return { nextRefreshTimestamp: Date.now() + 86_400_000 }
}`

const PULL = `export default async function pull({ apiClient }) {
  await apiClient.post('/poll', {})
  return { events: [], state: { at: 1 } }
}`

/** Each event type's `handle` by the type's key: one that makes an event of a webhook. */
export const USUAL = { order: HANDLE }
/** Those whose `handle` takes all it can. */
export const CARELESS = { looping: LOOPING, computing: COMPUTING, ...HOSTILE }

/** An app with its connector and integration, and an event type for each of `handles`. */
export async function defineExternal(
  admin: Permea,
  receiverUrl: string,
  handles: Readonly<Record<string, string>>,
): Promise<void> {
  await admin.connectors.create({
    body: {
      key: 'app',
      options: {
        key: {
          type: 'client-credentials',
          inputSchema: { type: 'object', properties: { apiKey: { type: 'string' } } },
          makeApiClient: {
            type: 'mapping',
            mapping: {
              baseUri: receiverUrl,
              headers: { Authorization: { $concat: ['Bearer ', { $var: '$.credentials.apiKey' }] } },
            },
          },
        },
      },
    },
  })
  await admin.integrations.create({ body: { key: 'app', connectorKey: 'app' } })
  for (const [key, handle] of Object.entries(handles)) {
    await admin.externalEventTypes.create({
      body: {
        key,
        name: key,
        subscribe: 'export default async () => ({ state: {} })',
        unsubscribe: 'export default async () => {}',
        refresh: REFRESH,
        handle,
      },
    })
  }
}

/** Gives the app's connector an event that is polled. Apart, because older revisions know none. */
export async function definePolled(admin: Permea): Promise<void> {
  await admin.connectors.patch({
    params: { selector: 'app' },
    body: { events: { polled: { name: 'Polled', implementationType: 'pull', pull: PULL } } },
  })
}

/** The path at which the subscription's app is to post. */
export async function subscribe(
  bench: Workplace,
  name: string,
  type: string,
  webhookUri: string | null,
): Promise<string> {
  const customer = await bench.as(name)
  const connection = await customer.connections.create({
    body: { integrationKey: 'app', input: { apiKey: 'a key of the app' } },
  })
  const { id } = await customer.externalEventSubscriptions.create({
    body: {
      connectionId: connection.id,
      ...(type === 'polled' ? { eventKey: type } : { externalEventTypeKey: type }),
      ...(webhookUri === null ? {} : { webhookUri }),
    },
  })
  const { incomingWebhookUri } = await bench.admin.externalEventSubscriptions.get({ params: { id } })
  return (incomingWebhookUri ?? '').slice(bench.url.length)
}
