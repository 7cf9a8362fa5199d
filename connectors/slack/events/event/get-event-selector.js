export default async function getEventSelector({ apiClient, credentials, parameters }) {
  const teamId = credentials?.teamId ?? (await apiClient.post('/auth.test')).team_id
  return {
    globalWebhookKey: 'events-api',
    globalWebhookEventSelector: parameters.eventType ? `${teamId}/${parameters.eventType}` : teamId,
  }
}
