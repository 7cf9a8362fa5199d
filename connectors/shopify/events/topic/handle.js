import { verify } from 'permea:webhooks'

// Subscriptions of apps come with headers of one family, those of the events API with the other.
const told = (headers, name) => headers[`x-shopify-${name}`] ?? headers[`shopify-${name}`] ?? null

export default function handle(request) {
  const { headers, data, state } = request
  verify.shopify({ request, secret: state.secret })
  return {
    events: [
      {
        topic: told(headers, 'topic'),
        shop: told(headers, 'shop-domain'),
        webhookId: told(headers, 'webhook-id'),
        eventId: told(headers, 'event-id'),
        payload: data,
      },
    ],
  }
}
