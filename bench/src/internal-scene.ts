import type { Permea } from '@permea/sdk'

/** Where events of the application are sent: nobody wants them, or a flow posts them on. */
export interface InternalPaths {
  nobodyWants: string
  toYourApp: string
  loud: string
  hanging: string
}

/** Event types and flows that events are sent through: to your app, for a loud customer, to a receiver that hangs. */
export async function defineInternal(admin: Permea, url: string, hangingUrl: string): Promise<InternalPaths> {
  const type = async (key: string) => {
    const { globalWebhookUri } = await admin.appEventTypes.create({ body: { key, name: key } })
    return globalWebhookUri.slice(url.length)
  }
  const flow = (key: string, eventKey: string, post: { type: string; config: unknown }) =>
    admin.flows.create({
      body: {
        key,
        name: key,
        nodes: {
          trigger: { type: 'app-event-trigger', config: { appEvent: { key: eventKey } }, links: [{ key: 'post' }] },
          post,
        },
      },
    })
  const request = (uri: string) => ({ request: { uri, method: 'POST', body: { $var: '$.input.trigger' } } })
  const paths = {
    nobodyWants: await type('nobody-wants'),
    toYourApp: await type('order-created'),
    loud: await type('loud'),
    hanging: await type('hanging'),
  }
  await flow('to-your-app', 'order-created', { type: 'api-request-to-your-app', config: request('/in') })
  await flow('loud', 'loud', { type: 'api-request-to-your-app', config: request('/loud') })
  await flow('hanging', 'hanging', { type: 'custom-http-request', config: request(hangingUrl) })
  return paths
}

/** Gives a customer the flow, enabled. */
export async function enable(customer: Permea, flowKey: string): Promise<void> {
  await customer.flowInstances.getByQuery({ query: { flowKey, autoCreate: true } })
}
