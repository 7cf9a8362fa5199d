import { createHmac, timingSafeEqual } from 'node:crypto'

const MAX_AGE_MS = 300_000

export default function handle({ headers, rawBody, data, parameters, webhookUri, method }) {
  if (!parameters.clientSecret) throw new Error('the integration has no parameter clientSecret')
  verify({ headers, rawBody, secret: parameters.clientSecret, request: `${method ?? 'POST'}${webhookUri}` })
  return {
    events: data.flatMap((event) => [
      { selector: String(event.portalId), payload: event },
      { selector: `${event.portalId}/${event.subscriptionType}`, payload: event },
    ]),
  }
}

// https://developers.hubspot.com/docs/guides/apps/authentication/validating-requests, version 3
function verify({ headers, rawBody, secret, request }) {
  const sentAt = headers['x-hubspot-request-timestamp']
  if (!(Math.abs(Date.now() - Number(sentAt)) <= MAX_AGE_MS))
    throw new Error('the request was signed too long ago, or not by HubSpot')
  const expected = Buffer.from(createHmac('sha256', secret).update(`${request}${rawBody}${sentAt}`).digest('base64'))
  const given = Buffer.from(headers['x-hubspot-signature-v3'] ?? '')
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw new Error('the signature of this request is not HubSpot’s')
}
