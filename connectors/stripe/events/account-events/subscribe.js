const FORM = { headers: { 'content-type': 'application/x-www-form-urlencoded' } }

export default async function subscribe({ apiClient, webhookUri, parameters }) {
  const events = parameters.events?.length > 0 ? parameters.events : ['*']
  const form = new URLSearchParams({ url: webhookUri })
  for (const [index, event] of events.entries()) form.append(`enabled_events[${index}]`, event)
  // The secret is told once, with the answer to this request: an endpoint from before is of no use, and is taken away.
  const { id, secret } = await apiClient.post('/v1/webhook_endpoints', form.toString(), FORM)
  for (const endpoint of await endpointsFor(apiClient, webhookUri)) {
    if (endpoint.id !== id) await apiClient.delete(`/v1/webhook_endpoints/${endpoint.id}`)
  }
  return { state: { endpointId: id, secret } }
}

async function endpointsFor(apiClient, webhookUri) {
  const found = []
  let after
  for (;;) {
    const { data: page, has_more } = await apiClient.get('/v1/webhook_endpoints', {
      limit: 100,
      ...(after === undefined ? {} : { starting_after: after }),
    })
    found.push(...page.filter((endpoint) => endpoint.url === webhookUri))
    after = page.at(-1)?.id
    if (!has_more || after === undefined) return found
  }
}
