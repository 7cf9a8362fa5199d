export default async function getEventSelector({ apiClient, credentials, parameters }) {
  const account = credentials?.stripeUserId ?? (await apiClient.get('/v1/account')).id
  return {
    globalWebhookKey: 'connect',
    globalWebhookEventSelector: parameters.eventType ? `${account}/${parameters.eventType}` : account,
  }
}
