export default async function subscribe({ apiClient, webhookUri, parameters }) {
  const { data } = await apiClient.post('/webhooks', {
    url: webhookUri,
    event: parameters.eventName,
  })

  return {
    state: { webhookId: data.id },
    // Optional — only set if the external app expires webhooks. Omit to disable refresh().
    nextRefreshTimestamp: Date.now() + 24 * 60 * 60 * 1000,
  }
}
