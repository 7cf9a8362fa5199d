export default async function subscribe({ apiClient, webhookUri, parameters, recordEvent }) {
  const actions = { created: ['added'], updated: ['changed'], deleted: ['deleted', 'removed'] }[recordEvent.type]
  const filters = actions.map((action) => ({ resource_type: 'task', action }))
  // While this request is under way, Asana asks at the URL and tells the secret there; the answer has it too.
  const { data, headers } = await apiClient.post(
    '/webhooks',
    { data: { resource: parameters.project, target: webhookUri, filters } },
    { returnFullResponse: true },
  )
  return { state: { id: data.data.gid, secret: headers['x-hook-secret'] } }
}
