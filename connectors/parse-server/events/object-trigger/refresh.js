// Puts back what was taken away, and corrects an address that was changed.
export default async function refresh({ apiClient, webhookUri, state }) {
  const { className, triggerName } = state
  const hooks = await apiClient.get('/hooks/triggers')
  const existing = hooks.find((hook) => hook.className === className && hook.triggerName === triggerName)
  if (existing === undefined) await apiClient.post('/hooks/triggers', { className, triggerName, url: webhookUri })
  else if (existing.url === state.url && existing.url !== webhookUri)
    await apiClient.put(`/hooks/triggers/${className}/${triggerName}`, { url: webhookUri })
  return { state: { ...state, url: webhookUri } }
}
