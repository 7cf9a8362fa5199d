export default async function refresh({ apiClient, state }) {
  await apiClient.post(`/webhooks/${state.webhookId}/refresh`)
  return {
    nextRefreshTimestamp: Date.now() + 24 * 60 * 60 * 1000,
  }
}
