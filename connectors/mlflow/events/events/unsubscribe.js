export default async ({ apiClient, state }) => {
  try {
    await apiClient.delete(`/webhooks/${state.id}`)
  } catch (error) {
    if (error.data?.status !== 404) throw error
  }
}
