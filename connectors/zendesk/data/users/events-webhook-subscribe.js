// https://developer.zendesk.com/api-reference/webhooks/event-types/webhook-event-types/
const TYPES = {
  created: ['zen:event-type:user.created'],
  deleted: ['zen:event-type:user.deleted'],
}

export default async function subscribe({ apiClient, webhookUri, recordEvent }) {
  const { webhook } = await apiClient.post('/api/v2/webhooks', {
    webhook: {
      name: `Permea ${webhookUri.slice(-8)}`,
      endpoint: webhookUri,
      http_method: 'POST',
      request_format: 'json',
      status: 'active',
      subscriptions: TYPES[recordEvent.type],
    },
  })
  const { signing_secret } = await apiClient.get(`/api/v2/webhooks/${webhook.id}/signing_secret`)
  return { state: { id: webhook.id, secret: signing_secret.secret } }
}
