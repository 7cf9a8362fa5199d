export default async function unsubscribe({ apiClient, state }) {
  const { className, triggerName, url } = state
  const hooks = await apiClient.get('/hooks/triggers')
  const isOurs = hooks.some(
    (hook) => hook.className === className && hook.triggerName === triggerName && hook.url === url,
  )
  if (isOurs) await apiClient.put(`/hooks/triggers/${className}/${triggerName}`, { __op: 'Delete' })
}
