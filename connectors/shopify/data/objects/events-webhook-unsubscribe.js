export default async function unsubscribe({ apiClient, state }) {
  if (!state.webhookId) return
  try {
    await apiClient.delete(`/webhooks/${state.webhookId}.json`)
  } catch (error) {
    // It was deleted in the app already, or the app was uninstalled, which deletes it too.
    if (error.data?.status !== 404) throw error
  }
}
