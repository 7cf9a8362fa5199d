export default async function getEventSelector({ apiClient, parameters }) {
  // Whom the credentials stand for, rather than whom somebody says they do.
  const { id: account } = await apiClient.get('/v1/account')
  return {
    globalWebhookKey: 'connect',
    globalWebhookEventSelector: parameters.eventType ? `${account}/${parameters.eventType}` : account,
  }
}
