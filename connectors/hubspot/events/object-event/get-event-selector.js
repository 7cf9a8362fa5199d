export default async function getEventSelector({ apiClient, parameters }) {
  const { portalId } = await apiClient.get('/account-info/v3/details')
  return {
    globalWebhookKey: 'app',
    globalWebhookEventSelector: parameters.subscriptionType
      ? `${portalId}/${parameters.subscriptionType}`
      : String(portalId),
  }
}
