export default async function subscribe({ apiClient, webhookUri, parameters, recordEvent }) {
  const subscribed_events = [`${parameters.path.slice(0, -1)}.${recordEvent.type}`]
  const found = await apiClient.get('/notification-settings')
  const known = found.data.find((each) => each.destination === webhookUri)
  const body = { description: 'Permea', destination: webhookUri, type: 'url', subscribed_events }
  const { data } = known ? { data: known } : await apiClient.post('/notification-settings', body)
  return { state: { id: data.id, secret: data.endpoint_secret_key } }
}
