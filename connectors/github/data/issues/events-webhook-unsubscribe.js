export default async function unsubscribe({ apiClient, state }) {
  if (!state.hookPath) return
  try {
    await apiClient.delete(state.hookPath)
  } catch (error) {
    // It was deleted in the app already.
    if (error.data?.status !== 404) throw error
  }
}
