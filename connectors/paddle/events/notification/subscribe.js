export default async function subscribe({ apiClient, webhookUri, parameters }) {
  const subscribed_events = parameters.events?.length > 0 ? parameters.events : ['transaction.completed']
  const found = await apiClient.get('/notification-settings')
  const known = found.data.find((each) => each.destination === webhookUri)
  const body = { description: 'Permea', destination: webhookUri, type: 'url', subscribed_events }
  const { data } = known ? { data: known } : await apiClient.post('/notification-settings', body)
  return { state: { id: data.id, secret: data.endpoint_secret_key } }
}
