export default async function unsubscribe({ apiClient, state }) {
  if (!state.endpointId) return
  try {
    await apiClient.delete(`/v1/webhook_endpoints/${state.endpointId}`)
  } catch (error) {
    // It was deleted in the app already.
    if (error.data?.status !== 404) throw error
  }
}
