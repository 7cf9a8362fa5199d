import { answering, type House, type Receiver, startReceiver } from '@permea/testkit'

/** An external app with a customer connected to it, a subscription to its events, and an action on it. */
export interface ExternalWorkshop extends AsyncDisposable {
  app: Receiver
  connector: { id: string }
  integration: { id: string }
  connection: { id: string }
  eventType: { id: string }
  subscription: { id: string; incomingWebhookUri: string }
  action: { id: string }
}

const FUNCTIONS = {
  subscribe: `export default async function subscribe({ apiClient, webhookUri }) {
  const { data } = await apiClient.post('/webhooks', { url: webhookUri })
  return { state: { webhookId: data.id } }
}
`,
  handle: `export default async function handle({ data }) {
  return { events: [{ type: data.action, record: data.payload }] }
}
`,
  unsubscribe: `export default async function unsubscribe({ apiClient, state }) {
  await apiClient.delete('/webhooks/' + state.webhookId)
}
`,
}

/** Defines everything by the API and lets the app send one webhook; `customerId` is who is connected. */
export async function openExternalWorkshop(house: House, customerId: string): Promise<ExternalWorkshop> {
  const app = await startReceiver()
  app.behave(answering(201, { id: 'wh_1' }))
  const { admin } = house
  const connector = await admin.connectors.create({
    body: {
      key: 'tracker',
      name: 'Tracker',
      options: {
        key: {
          type: 'client-credentials',
          title: 'API key',
          inputSchema: {
            type: 'object',
            properties: { apiKey: { type: 'string', title: 'API key' } },
            required: ['apiKey'],
          },
          makeApiClient: {
            type: 'mapping',
            mapping: { baseUri: app.url, headers: { 'x-api-key': { $var: '$.credentials.apiKey' } } },
          },
        },
      },
      operations: {
        'create-issue': {
          name: 'Create an issue',
          run: 'export default async ({ apiClient, input }) => (await apiClient.post("/issues", input)).data',
        },
      },
    },
  })
  const integration = await admin.integrations.create({
    body: { key: 'tracker', name: 'Tracker', connectorId: connector.id },
  })
  const connection = await admin.connections.create({
    body: { integrationId: integration.id, userId: customerId, name: 'Tracker', credentials: { apiKey: 'k-1' } },
  })
  const eventType = await admin.externalEventTypes.create({
    body: {
      key: 'issue-changed',
      name: 'Issue changed',
      type: 'webhook',
      example: { action: 'created', payload: { id: 7 } },
      ...FUNCTIONS,
    },
  })
  const subscription = await admin.externalEventSubscriptions.create({
    body: { connectionId: connection.id, externalEventTypeId: eventType.id, webhookUri: `${app.url}/mine` },
  })
  const incomingWebhookUri = subscription.incomingWebhookUri ?? ''
  await fetch(incomingWebhookUri, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ action: 'created', payload: { title: 'The first issue' } }),
  })
  const action = await admin.actions.create({
    body: {
      key: 'create-issue',
      name: 'Create an issue',
      type: 'connector-operation',
      config: { operationKey: 'create-issue' },
      integrationId: integration.id,
    },
  })
  await admin.actions.run({
    params: { selector: action.id },
    query: { connectionId: connection.id },
    body: { input: { title: 'From a test' } },
  })
  await house.settle()
  return {
    app,
    connector,
    integration,
    connection,
    eventType,
    subscription: { id: subscription.id, incomingWebhookUri },
    action,
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  }
}
