import { createHmac, timingSafeEqual } from 'node:crypto'

export default function handle({ headers, rawBody, data, parameters }) {
  if (!parameters.webhookSecret) throw new Error('the integration has no parameter webhookSecret')
  verify(headers['x-hub-signature-256'], rawBody, parameters.webhookSecret)
  const event = headers['x-github-event']
  const installation = data.installation?.id
  if (event === 'ping' || installation === undefined) return { events: [] }
  const deliveryId = headers['x-github-delivery'] ?? null
  const payload = { event, action: data.action ?? null, deliveryId, payload: data }
  return { events: [{ selector: String(installation), payload }] }
}

function verify(signature, rawBody, secret) {
  const expected = Buffer.from(`sha256=${createHmac('sha256', secret).update(rawBody).digest('hex')}`)
  const given = Buffer.from(signature ?? '')
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw new Error('the signature of this request is not GitHub’s')
}
