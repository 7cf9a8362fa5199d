import { readFileSync } from 'node:fs'
import type { Permea } from '@permea/sdk'
import type { ExternalApp } from '@permea/testkit'

const source = (name: string) => readFileSync(new URL(`seed-functions/${name}.js`, import.meta.url), 'utf8')

/** The functions of the seed's example, to the letter. */
export const SEED_FUNCTIONS = {
  subscribe: source('subscribe'),
  handle: source('handle'),
  unsubscribe: source('unsubscribe'),
  refresh: source('refresh'),
}

/** An event type of the vendor that says whose project was updated. */
export const projectUpdated = {
  key: 'project-updated',
  name: 'Project updated',
  parametersSchema: {
    type: 'object',
    properties: { eventName: { type: 'string' } },
    required: ['eventName'],
  },
  example: { type: 'created', record: { id: 1, name: 'Roof' } },
  ...SEED_FUNCTIONS,
}

/** Makes a connector for the app, with an API key, and an integration of it. */
export async function offerVendor(admin: Permea, vendor: ExternalApp): Promise<void> {
  await admin.connectors.create({
    body: {
      key: 'vendor',
      name: 'Vendor',
      options: {
        key: {
          type: 'client-credentials',
          inputSchema: { type: 'object', properties: { apiKey: { type: 'string' } }, required: ['apiKey'] },
          makeApiClient: {
            type: 'mapping',
            mapping: {
              baseUri: vendor.url,
              headers: { Authorization: { $concat: ['Bearer ', { $var: '$.credentials.apiKey' }] } },
            },
          },
        },
      },
    },
  })
  await admin.integrations.create({ body: { key: 'vendor', name: 'Vendor', connectorKey: 'vendor' } })
}

/** A customer's connection to the app. */
export async function connectVendor(customer: Permea, vendor: ExternalApp): Promise<{ id: string }> {
  return customer.connections.create({ body: { integrationKey: 'vendor', input: { apiKey: vendor.apiKey } } })
}

/** A type with this `handle`, and a subscription to it. */
export async function offerEvent(admin: Permea, customer: Permea, connectionId: string, key: string, handle: string) {
  await admin.externalEventTypes.create({
    body: {
      key,
      name: key,
      subscribe: 'export default async () => ({ state: {} })',
      unsubscribe: 'export default async () => {}',
      handle: `export default async function handle({ data }) { ${handle} }`,
    },
  })
  const { id } = await customer.externalEventSubscriptions.create({ body: { connectionId, externalEventTypeKey: key } })
  const { incomingWebhookUri } = await admin.externalEventSubscriptions.get({ params: { id } })
  return { subscriptionId: id, url: incomingWebhookUri ?? '' }
}
