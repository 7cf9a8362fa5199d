export default async function subscribe({ apiClient, webhookUri, recordEvent }) {
  const { subscription } = await apiClient.post('/v2/webhooks/subscriptions', {
    // The same registration, however often this is run for it.
    idempotency_key: webhookUri.slice(-36),
    subscription: {
      name: 'Permea',
      enabled: true,
      event_types: [`customer.${recordEvent.type}`],
      notification_url: webhookUri,
    },
  })
  return { state: { id: subscription.id, secret: subscription.signature_key } }
}
