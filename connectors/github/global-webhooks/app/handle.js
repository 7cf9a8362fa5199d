import { verify } from 'permea:webhooks'

export default function handle(request) {
  const { headers, parameters } = request
  if (!parameters.webhookSecret) throw new Error('the integration has no parameter webhookSecret')
  const { payload: data } = verify.github({ request, secret: parameters.webhookSecret })
  const event = headers['x-github-event']
  const installation = data.installation?.id
  if (event === 'ping' || installation === undefined) return { events: [] }
  const deliveryId = headers['x-github-delivery'] ?? null
  const payload = { event, action: data.action ?? null, deliveryId, payload: data }
  return { events: [{ selector: String(installation), payload }] }
}
