import { verify } from 'permea:webhooks'

// Subscriptions of apps come with headers of one family, those of the events API with the other.
const told = (headers, name) => headers[`x-shopify-${name}`] ?? headers[`shopify-${name}`] ?? null

export default function handle(request) {
  const { headers, data, parameters } = request
  if (!parameters.clientSecret) throw new Error('the integration has no parameter clientSecret')
  verify.shopify({ request, secret: parameters.clientSecret })
  const shop = told(headers, 'shop-domain')
  const topic = told(headers, 'topic')
  const payload = {
    topic,
    shop,
    webhookId: told(headers, 'webhook-id'),
    eventId: told(headers, 'event-id'),
    payload: data,
  }
  return {
    events: [
      { selector: shop, payload },
      { selector: `${shop}/${topic}`, payload },
    ],
  }
}
