import { addApp, connectApp, type EngineProcess } from '@permea/testkit'
import { type Kind, kindOf } from './ledger.ts'

const CUSTOMERS = 20
/** As many bytes as events usually have. */
const NOTE = 'A second roof was ordered, in slate, to be laid before the winter. '.repeat(5)

const SUBSCRIPTION = {
  subscribe: 'export default async () => ({ state: {} })',
  unsubscribe: 'export default async () => {}',
  handle: 'export default async function handle({ data }) { return { events: [data] } }',
  dedupeKey: { path: 'n' },
}

/** Where events of each kind go, by customer. */
export type Places = Record<Kind, string[]>

export interface Shipment {
  path: string
  headers: Record<string, string>
  body: string
}

/** The request with an event, the same each time it is sent. */
export function shipmentOf(n: number, places: Places): Shipment {
  const kind = kindOf(n)
  const path = places[kind][n % CUSTOMERS]
  if (path === undefined) throw new Error(`there is no place for an event of the kind ${kind}`)
  return {
    path,
    headers: {
      'content-type': 'application/json',
      ...(kind === 'internal' ? { 'idempotency-key': `event-${n}` } : {}),
    },
    body: JSON.stringify({ n, customer: `customer-${n % CUSTOMERS}`, note: NOTE }),
  }
}

function posting(trigger: { type: string; config: unknown }, uri: string) {
  const n = { $var: '$.input.trigger.n' }
  return {
    trigger: { ...trigger, links: [{ key: 'post' }] },
    post: { type: 'custom-http-request', config: { request: { uri, method: 'POST', body: { n } } } },
  }
}

/** Everything that a soak needs, made through the API. */
export async function furnish(engine: EngineProcess, applicationUrl: string): Promise<Places> {
  const admin = engine.as({ isAdmin: true })
  const as = (id: string) => Promise.resolve(engine.as({ id }))
  await admin.appEventTypes.create({ body: { key: 'order', name: 'Order' } })
  await admin.flows.create({
    body: {
      key: 'orders',
      name: 'Orders',
      nodes: posting({ type: 'app-event-trigger', config: { appEvent: { key: 'order' } } }, `${applicationUrl}/orders`),
    },
  })
  const event = { name: 'Changed', implementationType: 'webhook' as const, ...SUBSCRIPTION }
  await addApp({ admin }, { url: applicationUrl, events: { changed: event } })
  await admin.externalEventTypes.create({ body: { key: 'noted', name: 'Noted', ...SUBSCRIPTION } })

  const places: Places = { internal: [], delivered: [], flow: [] }
  const pathOf = (url: string | null | undefined) => new URL(url ?? '').pathname
  for (let index = 0; index < CUSTOMERS; index += 1) {
    const customer = `customer-${index}`
    const { client, connection } = await connectApp({ as }, { customer })
    await client.flowInstances.getByQuery({ query: { flowKey: 'orders', autoCreate: true } })
    const { items } = await client.appEventSubscriptions.list()
    places.internal.push(pathOf(items[0]?.webhookUri))
    const noted = await client.externalEventSubscriptions.create({
      body: { connectionId: connection.id, externalEventTypeKey: 'noted', webhookUri: `${applicationUrl}/noted` },
    })
    await client.flowInstances.create({
      body: {
        name: 'Changes',
        connectionId: connection.id,
        nodes: posting(
          { type: 'connector-event-trigger', config: { eventKey: 'changed' } },
          `${applicationUrl}/changed`,
        ),
      },
    })
    places.delivered.push(await incomingPath(noted.id))
    const { items: subscriptions } = await client.externalEventSubscriptions.list()
    const changed = subscriptions.find(({ id }) => id !== noted.id)
    places.flow.push(await incomingPath(changed?.id ?? ''))
  }
  return places

  async function incomingPath(id: string): Promise<string> {
    return pathOf((await admin.externalEventSubscriptions.get({ params: { id } })).incomingWebhookUri)
  }
}
