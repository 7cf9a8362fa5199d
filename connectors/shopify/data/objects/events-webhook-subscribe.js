// Orders are the only ones whose topic for changes has another form.
const topicOf = (path, type) => {
  const ends = { created: 'create', updated: path === 'orders' ? 'updated' : 'update', deleted: 'delete' }
  return `${path}/${ends[type]}`
}

export default async function subscribe({
  apiClient,
  webhookUri,
  parameters,
  credentials,
  connectorParameters,
  recordEvent,
}) {
  // Webhooks are signed with the secret of the app that made them.
  const secret = credentials?.apiSecretKey ?? connectorParameters?.clientSecret
  if (!secret) throw new Error('the client secret of the app is needed to check signatures')
  const topic = topicOf(parameters.path, recordEvent.type)
  const { webhooks } = await apiClient.get('/webhooks.json', { topic, address: webhookUri, limit: 250 })
  const existing = webhooks.find((each) => each.address === webhookUri && each.topic === topic)
  if (existing) return { state: { webhookId: existing.id, secret } }
  const { webhook } = await apiClient.post('/webhooks.json', {
    webhook: { topic, address: webhookUri, format: 'json' },
  })
  return { state: { webhookId: webhook.id, secret } }
}
