const FORM = { headers: { 'content-type': 'application/x-www-form-urlencoded' } }

export default async function subscribe({ apiClient, webhookUri, parameters, recordEvent }) {
  // Types of events name one of what paths name many.
  const event = `${parameters.path.replace(/s$/, '')}.${recordEvent.type}`
  const form = new URLSearchParams({ url: webhookUri, 'enabled_events[0]': event })
  // The secret is told once, with the answer to this request.
  const { id, secret } = await apiClient.post('/v1/webhook_endpoints', form.toString(), FORM)
  return { state: { endpointId: id, secret } }
}
