export default async function unsubscribe({ apiClient, state }) {
  const { account } = await apiClient.get('/v3/account')
  // Another one may have been set since.
  if (account.callback_url === state.uri) await apiClient.put('/v3/account', { callback_url: '' })
}
