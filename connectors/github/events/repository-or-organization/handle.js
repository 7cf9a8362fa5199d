import { createHmac, timingSafeEqual } from 'node:crypto'

export default function handle({ headers, rawBody, data, state }) {
  verify(headers['x-hub-signature-256'], rawBody, state.secret)
  const event = headers['x-github-event']
  // Sent once, when the webhook is made.
  if (event === 'ping') return { events: [] }
  const deliveryId = headers['x-github-delivery'] ?? null
  return { events: [{ event, action: data.action ?? null, deliveryId, payload: data }] }
}

// https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
function verify(signature, rawBody, secret) {
  const expected = Buffer.from(`sha256=${createHmac('sha256', secret).update(rawBody).digest('hex')}`)
  const given = Buffer.from(signature ?? '')
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw new Error('the signature of this request is not GitHub’s')
}
