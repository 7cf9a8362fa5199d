export default async function unsubscribe({ apiClient, state }) {
  for (const event of state.events ?? []) {
    try {
      await apiClient.delete(`${state.path}/${event}`)
    } catch (error) {
      // It was deleted in the app already.
      if (error.data?.status !== 404) throw error
    }
  }
}
