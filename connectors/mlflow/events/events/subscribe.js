import { randomBytes } from 'node:crypto'

async function webhooksOf(apiClient) {
  const found = []
  let pageToken
  do {
    const page = await apiClient.get('/webhooks', { max_results: 100, ...(pageToken ? { page_token: pageToken } : {}) })
    found.push(...(page.webhooks ?? []))
    pageToken = page.next_page_token
  } while (pageToken)
  return found
}

export default async ({ apiClient, webhookUri, parameters }) => {
  const secret = randomBytes(24).toString('base64url')
  const events = (parameters.events ?? ['registered_model.created', 'model_version.created']).map((event) => {
    const [entity, action] = event.toUpperCase().split('.')
    return { entity, action }
  })
  // Of a try whose end nobody heard of: its secret is not known any more.
  for (const { webhook_id, url } of await webhooksOf(apiClient))
    if (url === webhookUri) await apiClient.delete(`/webhooks/${webhook_id}`)
  const name = `events-${webhookUri.split('/').at(-1)}`
  const { webhook } = await apiClient.post('/webhooks', { name, url: webhookUri, events, secret, status: 'ACTIVE' })
  return { state: { id: webhook.webhook_id, secret } }
}
