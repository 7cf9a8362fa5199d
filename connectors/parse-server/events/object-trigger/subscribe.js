export default async function subscribe({ apiClient, webhookUri, parameters, credentials }) {
  const { className, triggerName = 'afterSave' } = parameters
  const state = { className, triggerName, url: webhookUri, webhookKey: credentials.webhookKey }
  const hooks = await apiClient.get('/hooks/triggers')
  const existing = hooks.find((hook) => hook.className === className && hook.triggerName === triggerName)
  if (existing === undefined) {
    await apiClient.post('/hooks/triggers', { className, triggerName, url: webhookUri })
  } else if (existing.url !== webhookUri) {
    // There can be one only, and this one is somebody else's.
    throw new Error(`${className} has a webhook for ${triggerName} already: ${new URL(existing.url).origin}`)
  }
  return { state }
}
