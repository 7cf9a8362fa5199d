export default async function subscribe({ apiClient, webhookUri, parameters }) {
  const subscriptions = parameters.events?.length > 0 ? parameters.events : ['zen:event-type:ticket.created']
  const { webhook } = await apiClient.post('/api/v2/webhooks', {
    webhook: {
      name: `Permea ${webhookUri.slice(-8)}`,
      endpoint: webhookUri,
      http_method: 'POST',
      request_format: 'json',
      status: 'active',
      subscriptions,
    },
  })
  const { signing_secret } = await apiClient.get(`/api/v2/webhooks/${webhook.id}/signing_secret`)
  return { state: { id: webhook.id, secret: signing_secret.secret } }
}
