export default async function subscribe({ apiClient, webhookUri, parameters }) {
  // While this request is under way, Asana asks at the URL and tells the secret there; the answer has it too.
  const { data, headers } = await apiClient.post(
    '/webhooks',
    { data: { resource: parameters.resourceId, target: webhookUri } },
    { returnFullResponse: true },
  )
  return { state: { id: data.data.gid, secret: headers['x-hook-secret'] } }
}
