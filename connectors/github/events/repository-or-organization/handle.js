import { verify } from 'permea:webhooks'

export default function handle(request) {
  const { headers, state } = request
  // As JSON, or as a form with a field "payload".
  const { payload } = verify.github({ request, secret: state.secret })
  const event = headers['x-github-event']
  // Sent once, when the webhook is made.
  if (event === 'ping') return { events: [] }
  const deliveryId = headers['x-github-delivery'] ?? null
  return { events: [{ event, action: payload.action ?? null, deliveryId, payload }] }
}
