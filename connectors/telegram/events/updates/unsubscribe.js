export default async function unsubscribe({ apiClient, state }) {
  const { result } = await apiClient.get('/getWebhookInfo')
  // Another one may have been set since.
  if (result.url === state.id) await apiClient.post('/deleteWebhook', {})
}
