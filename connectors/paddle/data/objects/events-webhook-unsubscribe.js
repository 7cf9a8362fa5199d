export default async function unsubscribe({ apiClient, state }) {
  if (!state.id) return
  try {
    await apiClient.delete(`/notification-settings/${state.id}`)
  } catch (error) {
    // It was deleted in the app already.
    if (error.data?.status !== 404) throw error
  }
}
