import { createHmac, timingSafeEqual } from 'node:crypto'

export default function handle({ headers, rawBody, data, parameters }) {
  if (!parameters.clientSecret) throw new Error('the integration has no parameter clientSecret')
  verify(headers['x-shopify-hmac-sha256'], rawBody, parameters.clientSecret)
  const shop = headers['x-shopify-shop-domain']
  const topic = headers['x-shopify-topic']
  const payload = {
    topic,
    shop,
    webhookId: headers['x-shopify-webhook-id'] ?? null,
    eventId: headers['x-shopify-event-id'] ?? null,
    payload: data,
  }
  return {
    events: [
      { selector: shop, payload },
      { selector: `${shop}/${topic}`, payload },
    ],
  }
}

// https://shopify.dev/docs/apps/build/webhooks/subscribe/https
function verify(signature, rawBody, secret) {
  const expected = Buffer.from(createHmac('sha256', secret).update(rawBody).digest('base64'))
  const given = Buffer.from(signature ?? '')
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw new Error('the signature of this request is not Shopify’s')
}
